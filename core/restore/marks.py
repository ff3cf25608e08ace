"""Marks in the tree of a disk: which of them count, and how much all that is below them comes to.

Pure: marks are paths from the disk's top, ``""`` is the top itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from core.errors import UsageError
from core.restore.tree import Directory, Node, walk

MOST = 2000
"""Marks that may stand in for one directory of which something is left out: they all go onto one command line."""


class Findable(Protocol):
    """A tree that can be asked for one path."""

    def find(self, path: bytes) -> Node | None:
        """What is at ``path``."""


@dataclass(frozen=True, slots=True)
class Total:
    """What some marks come to: ``files`` and ``directories`` in and below them, ``size`` bytes of the files whose size the
    indexes tell and how many are ``unsized``; ``dumps``: numbers of those of the chain that have any of it; ``missing``: marks
    that are not there."""

    files: int
    directories: int
    size: int
    unsized: int
    dumps: frozenset[int]
    missing: tuple[str, ...]


def tops(paths: Iterable[str]) -> list[str]:
    """Those of ``paths`` that are below no other one, each once, in the order that they came in."""
    given = dict.fromkeys(paths)
    return [path for path in given if not path or not covered(given, path.rpartition("/")[0])]


def covered(marks: Collection[str], path: str) -> bool:
    """Whether ``path`` or a directory above it is marked; quick where ``marks`` is a set."""
    while path not in marks:
        if not path:
            return False
        path = path.rpartition("/")[0]
    return True


def above(marks: Iterable[str]) -> frozenset[str]:
    """All directories that have a mark somewhere below them."""
    found: set[str] = set()
    for path in marks:
        while path and (path := path.rpartition("/")[0]) not in found:
            found.add(path)
    return frozenset(found)


def with_mark(marks: tuple[str, ...], path: str) -> tuple[str, ...]:
    """``marks`` and ``path``, which takes the place of those below it; unchanged when it is marked already."""
    return marks if covered(marks, path) else tuple(tops((*marks, path)))


def without_mark(marks: tuple[str, ...], path: str, names: Callable[[str], Iterable[str]]) -> tuple[str, ...]:
    """``marks`` without ``path`` and all below it.

    Where a directory above it is marked, all else in there stays marked, each name by itself: ``names`` gives the paths in
    a directory.  UsageError RST055 when these are too many for one command line.
    """
    kept = [mark for mark in marks if mark != path and not (path == "" or mark.startswith(f"{path}/"))]
    top = path
    while top and top not in kept:
        top = top.rpartition("/")[0]
    if top == path or top not in kept:
        return tuple(kept)
    found: list[str] = []
    while top != path:
        rest = path[len(top):].lstrip("/")
        on_the_way = f"{top}/{rest.partition('/')[0]}" if top else rest.partition("/")[0]
        found += [name for name in names(top) if name != on_the_way]
        if len(found) > MOST:
            raise UsageError("RST055", f"/{top} has too many names to leave one of them out",
                             "restore the directory, or mark what is wanted of it")
        top = on_the_way
    covering = path
    while covering not in kept:
        covering = covering.rpartition("/")[0]
    at = kept.index(covering)
    return (*kept[:at], *found, *kept[at + 1:])


def total_of(tree: Findable, paths: Iterable[str]) -> Total:
    """What ``paths`` come to; a path that is below another one is counted once."""
    files = directories = size = unsized = 0
    dumps: set[int] = set()
    missing: list[str] = []
    for path in tops(paths):
        node = tree.find(os.fsencode(path))
        if node is None:
            missing.append(path)
            continue
        for _, found in walk(node, os.fsencode(path)):
            if isinstance(found, Directory):
                directories += 1
            elif found.size < 0:
                files, unsized = files + 1, unsized + 1
            else:
                files, size = files + 1, size + found.size
            if found.dump >= 0:
                dumps.add(found.dump)
    return Total(files, directories, size, unsized, frozenset(dumps), tuple(missing))
