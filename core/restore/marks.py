"""Marks in the tree of a disk: which of them count, and how much all that is below them comes to.

Pure: marks are paths from the disk's top, ``""`` is the top itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from core.restore.tree import Directory, Node, walk


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

    def below_another(path: str) -> bool:
        while path:
            path = path.rpartition("/")[0]
            if path in given:
                return True
        return False

    return [path for path in given if not below_another(path)]


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
