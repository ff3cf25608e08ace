"""``taperoom ls``: what was in a directory of a disk at a moment, and which dump has each name."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from core.catalogue.queries import Dump, dumps
from core.catalogue.rebuild import open_catalogue
from core.model.site import Site
from core.restore.asof import NOW, parse_as_of
from core.restore.chain import restorable
from core.restore.moment import Moment, as_named, moment_of, node_at, spec_of
from core.restore.tree import Directory, Node, size_of, walk


@dataclass(frozen=True, slots=True)
class Entry:
    """One name: its path from the disk's top with a leading ``/``, a directory's with one at the end; the newest dump that
    has it, empty and −1 for a directory that no dump has itself.  ``kind``: a letter, f d l h s b c p, empty where it is
    not known; ``size`` bytes and ``mtime`` seconds since 1970, −1 where they are not known."""

    path: str
    is_directory: bool
    datestamp: str
    level: int
    kind: str = ""
    size: int = -1
    mtime: int = -1


@dataclass(frozen=True, slots=True)
class Shown:
    """What `ls` found: the disk, when it was so, the entries in the order of names, and what to be told with it."""

    host: str
    disk: str
    datestamp: str
    entries: tuple[Entry, ...]
    warnings: tuple[str, ...] = ()


def ls(site: Site, text: str, as_of: str = NOW, *, recursive: bool = False, now: float | None = None) -> Shown:
    """The names in the directory ``HOST:DISK[:PATH]``, or the file of that name, as of a date (see `core.restore.asof`).

    UsageError RST010 to RST013, WorldError RST001, RST014, RST024.
    """
    opened = open_catalogue(site)
    warnings = list(opened.warnings)
    with opened.catalogue as catalogue:
        spec = spec_of(site, catalogue, text)
        at = time.time() if now is None else now
        stamp = parse_as_of(as_of, at, warnings.append)
        moment = moment_of(site, catalogue, spec, stamp, lambda place, size: None, warnings.append, now=at)
        spec = as_named(moment.tree, spec)
        node = node_at(site, catalogue, moment, spec)
    top = os.fsencode(spec.path)
    found = walk(node, top)
    if isinstance(node, Directory):
        next(found)
        if not recursive:
            prefix = top + b"/" if top else b""
            children = node.children
            found = ((prefix + name, children[name]) for name in sorted(children))
    entries = tuple(entry_of(moment, path, child) for path, child in found)
    return Shown(spec.host, spec.disk, moment.datestamp, entries, tuple(warnings + moment.told))


def entry_of(moment: Moment, path: bytes, node: Node) -> Entry:
    """A name of a moment's tree as it is shown."""
    dump = moment.chain[node.dump] if node.dump >= 0 else None
    stamp, level = (dump.datestamp, dump.level) if dump is not None else ("", -1)
    if isinstance(node, Directory):
        return Entry("/" + os.fsdecode(path) + ("/" if path else ""), True, stamp, level, "d", -1, node.mtime)
    return Entry("/" + os.fsdecode(path), False, stamp, level, node.kind, size_of(node), node.mtime)


def dates(site: Site, text: str) -> list[Dump]:
    """The dumps of ``HOST:DISK`` whose state can be restored, oldest first.  UsageError RST011, RST012."""
    with open_catalogue(site).catalogue as catalogue:
        spec = spec_of(site, catalogue, text)
        return restorable(dumps(catalogue, spec.host, spec.disk))
