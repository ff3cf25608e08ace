"""``taperoom ls``: what was in a directory of a disk at a moment, and which dump has each name."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from core.catalogue.queries import Dump, dumps
from core.catalogue.rebuild import open_catalogue
from core.model.site import Site
from core.restore.asof import parse_as_of
from core.restore.chain import restorable
from core.restore.moment import moment_of, node_at, spec_of
from core.restore.tree import Directory, walk


@dataclass(frozen=True, slots=True)
class Entry:
    """One name: its path from the disk's top with a leading ``/``, a directory's with one at the end; the newest dump that
    has it, empty and −1 for a directory that no dump has itself."""

    path: str
    is_directory: bool
    datestamp: str
    level: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What `ls` found: the disk, when it was so, the entries in the order of names, and what to be told with it."""

    host: str
    disk: str
    datestamp: str
    entries: tuple[Entry, ...]
    warnings: tuple[str, ...] = ()


def ls(site: Site, text: str, as_of: str = "", *, recursive: bool = False, now: float | None = None) -> Shown:
    """The names in the directory ``HOST:DISK[:PATH]``, or the file of that name, as of a date (see `core.restore.asof`).

    UsageError RST010 to RST013, WorldError RST001, RST014, RST024.
    """
    opened = open_catalogue(site)
    warnings = list(opened.warnings)
    with opened.catalogue as catalogue:
        spec = spec_of(site, catalogue, text)
        stamp = parse_as_of(as_of, time.time() if now is None else now)
        moment = moment_of(site, catalogue, spec, stamp, lambda place, size: None, warnings.append)
        node = node_at(site, catalogue, moment, spec)
    top = os.fsencode(spec.path)
    found = walk(node, top)
    if isinstance(node, Directory):
        next(found)
        if not recursive:
            prefix = top + b"/" if top else b""
            found = ((prefix + name, node.children[name]) for name in sorted(node.children))
    entries = []
    for path, child in found:
        dump = moment.chain[child.dump] if child.dump >= 0 else None
        directory = isinstance(child, Directory)
        entries.append(Entry("/" + os.fsdecode(path) + ("/" if directory else ""), directory,
                             dump.datestamp if dump else "", dump.level if dump else -1))
    return Shown(spec.host, spec.disk, moment.datestamp, tuple(entries), tuple(warnings + moment.warnings))


def dates(site: Site, text: str) -> list[Dump]:
    """The dumps of ``HOST:DISK`` whose state can be restored, oldest first.  UsageError RST011, RST012."""
    with open_catalogue(site).catalogue as catalogue:
        spec = spec_of(site, catalogue, text)
        return restorable(dumps(catalogue, spec.host, spec.disk))
