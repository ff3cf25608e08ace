"""The tree of a disk as of a moment: the listings of a chain of dumps laid one over the other.  Pure.

Of every name it tells which dump of the chain has its newest version, and under which name there: a directory that was
renamed left its unchanged files in the older dump under the old name.

`core.restore.merged` makes the tree, a directory at a time, which is what a disk of millions of names needs; a model of the
tests that makes all of it at once, `tests/support/whole_tree.py`, says what it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import NamedTuple


class File(NamedTuple):
    """Anything but a directory, in dump number ``dump`` of the chain; ``source`` its path there when that differs.

    ``kind`` (`core.index.record`), ``size`` in bytes, ``mtime`` in seconds and ``offset`` in the dump's archive as far as an
    index tells; −1: it does not."""

    dump: int
    source: bytes | None = None
    kind: str = ""
    size: int = -1
    mtime: int = -1
    offset: int = -1


class Directory(ABC):
    """A directory; ``dump`` −1: it must have been there, but no dump has it itself."""

    __slots__ = ("dump", "mtime", "source")

    def __init__(self, dump: int = -1, source: bytes | None = None, mtime: int = -1) -> None:
        self.dump = dump
        self.source = source
        self.mtime = mtime

    @property
    @abstractmethod
    def children(self) -> Mapping[bytes, Node]:
        """What is directly in it, in no order."""

    def child(self, name: bytes) -> Node | None:
        """One name of it."""
        return self.children.get(name)


Node = File | Directory


def size_of(node: File) -> int:
    """Bytes of a file, −1 where they are not known: a second name of a file has its bytes under the first."""
    return -1 if node.kind == "h" else node.size


def walk(node: Node, path: bytes) -> Iterator[tuple[bytes, Node]]:
    """``node`` and all below it with their paths, directories before what is in them, in the order of names."""
    heap: list[tuple[bytes, Node]] = [(path, node)]
    while heap:
        at, found = heap.pop()
        yield at, found
        if not isinstance(found, File):  # which is told much sooner than that it is a directory, an abstract class
            prefix = at + b"/" if at else b""
            children = found.children
            heap.extend((prefix + name, children[name]) for name in sorted(children, reverse=True))


def source_of(path: bytes, node: Node) -> bytes:
    """The name that ``node`` at ``path`` has in its dump."""
    return path if node.source is None else node.source
