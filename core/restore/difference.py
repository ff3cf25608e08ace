"""``taperoom diff``: what was added, removed, changed or renamed on a disk between two dates."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from core.catalogue.rebuild import open_catalogue
from core.model.site import Site
from core.restore.asof import NOW, parse_as_of
from core.restore.history import State, state_of
from core.restore.moment import Moment, as_named, moment_of, node_at, spec_of
from core.restore.tree import Directory, Node


@dataclass(frozen=True, slots=True)
class Change:
    """One path, with a leading ``/`` and for a directory one at the end: ``added``, ``removed``, ``changed``, ``renamed`` from
    ``old``, or ``dumped`` again when no index tells whether it was changed.  Sizes in bytes, times in seconds; −1: not known.
    """

    path: str
    what: str
    old: str = ""
    size_before: int = -1
    size_after: int = -1
    mtime_before: int = -1
    mtime_after: int = -1


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes from one date to the other, by path."""

    host: str
    disk: str
    before: str
    after: str
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]


def diff(site: Site, text: str, before: str, after: str = NOW, *, now: float | None = None) -> Difference:
    """What is different in ``HOST:DISK[:PATH]`` on the date ``after`` from the date ``before``.

    UsageError RST010 to RST013; WorldError RST001, RST014, RST024.
    """
    opened = open_catalogue(site)
    warnings = list(opened.warnings)
    at = time.time() if now is None else now
    stamps = [parse_as_of(date, at, warnings.append) for date in (before, after)]
    with opened.catalogue as catalogue:
        spec = spec_of(site, catalogue, text)
        old, new = (moment_of(site, catalogue, spec, stamp, lambda place, size: None, warnings.append, now=at)
                    for stamp in stamps)
        spec = next((named for moment in (new, old) if (named := as_named(moment.tree, spec)) != spec), spec)
        path = os.fsencode(spec.path)
        nodes = (old.tree.find(path), new.tree.find(path))
        if nodes == (None, None):
            node_at(site, catalogue, new, spec)  # says where it is
    changes = _renamed(list(_changes(old, new, path, *nodes)))
    told = dict.fromkeys([*warnings, *old.told, *new.told])
    return Difference(spec.host, spec.disk, old.datestamp, new.datestamp, tuple(changes), tuple(told))


_Found = tuple[Change, State | None, State | None]


def _changes(old: Moment, new: Moment, top: bytes, before: Node | None, after: Node | None) -> Iterator[_Found]:
    """Path by path, in the order of names, directories before what is in them; with the states that they are of."""
    heap: list[tuple[bytes, Node | None, Node | None]] = [(top, before, after)]
    while heap:
        path, one, two = heap.pop()
        here, there = _children(one), _children(two)
        prefix = path + b"/" if path else b""
        heap.extend((prefix + name, here.get(name), there.get(name)) for name in sorted({*here, *there}, reverse=True))
        was = state_of(old.chain, path, one) if one is not None else None
        now = state_of(new.chain, path, two) if two is not None else None
        what = _what(was, now)
        if what:
            is_directory = now.directory if now is not None else was is not None and was.directory
            shown = "/" + os.fsdecode(path) + ("/" if is_directory and path else "")
            yield Change(shown, what, "", was.size if was else -1, now.size if now else -1, was.mtime if was else -1,
                         now.mtime if now else -1), was, now


def _children(node: Node | None) -> Mapping[bytes, Node]:
    return node.children if isinstance(node, Directory) else {}


def _what(was: State | None, now: State | None) -> str:
    if was is None or now is None:
        return "added" if was is None else "removed"
    if was.same(now):
        return ""
    known = was.size >= 0 and was.mtime >= 0 and now.size >= 0 and now.mtime >= 0
    return "changed" if known or was.directory != now.directory else "dumped"


def _renamed(found: list[_Found]) -> list[Change]:
    """What is gone from one path and there at another was renamed: the same bytes of the same dump, or, since tar dumps what
    is below a renamed directory again, a file of the same name, size and time."""
    moved: dict[str, Change] = {}
    for likeness in (_data_of, _looks_of):
        taken = {old.path for old in moved.values()}
        gone = {like: change for change, was, _ in found if change.what == "removed" and change.path not in taken
                and (like := likeness(change, was)) is not None}
        for change, _, now in found:
            if change.what == "added" and change.path not in moved and (like := likeness(change, now)) is not None:
                old = gone.pop(like, None)
                if old is not None:
                    moved[change.path] = old
    sources = {old.path for old in moved.values()}
    return [replace(change, what="renamed", old=moved[change.path].path, size_before=change.size_after,
                    mtime_before=change.mtime_after) if change.path in moved else change
            for change, *_ in found if not (change.what == "removed" and change.path in sources)]


def _data_of(change: Change, state: State | None) -> object:
    """Which bytes of which dump; None: not to be compared."""
    return None if state is None or state.dump is None or state.directory else (state.dump.key, state.source)


def _looks_of(change: Change, state: State | None) -> object:
    """A file's name, kind, size and time; None: not known."""
    if state is None or state.directory or state.size < 0 or state.mtime < 0:
        return None
    return (change.path.rpartition("/")[2], state.kind, state.size, state.mtime)
