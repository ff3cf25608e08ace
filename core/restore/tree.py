"""The tree of a disk as of a moment: the listings of a chain of dumps laid one over the other.  Pure.

Of every name it tells which dump of the chain has its newest version, and under which name there: a directory that was
renamed left its unchanged files in the older dump under the old name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from core.index.record import Mark
from core.restore.listing import Listing


@dataclass(frozen=True, slots=True)
class File:
    """Anything but a directory, in dump number ``dump`` of the chain; ``source`` its path there when that differs."""

    dump: int
    source: bytes | None = None


@dataclass(slots=True)
class Directory:
    """A directory; ``dump`` −1: it must have been there, but no dump has it itself."""

    dump: int = -1
    source: bytes | None = None
    children: dict[bytes, File | Directory] = field(default_factory=dict)


Node = File | Directory


@dataclass(slots=True)
class Tree:
    """``top`` and what is under it; ``missing``: names that were there and that no dump of the chain has;
    ``inexact``: numbers of the dumps whose listing could not tell what was deleted."""

    top: Directory = field(default_factory=Directory)
    missing: list[bytes] = field(default_factory=list)
    inexact: list[int] = field(default_factory=list)

    def find(self, path: bytes) -> Node | None:
        """What is at ``path``; ``b""`` is the top."""
        node: Node = self.top
        for name in path.split(b"/") if path else ():
            if not isinstance(node, Directory) or (found := node.children.get(name)) is None:
                return None
            node = found
        return node


def build(listings: Sequence[Listing]) -> Tree:
    """The tree after the last of ``listings``, which are those of a chain, the full first."""
    tree = Tree()
    for number, listing in enumerate(listings):
        if number and not listing.exact:
            tree.inexact.append(number)
        _rename(tree, listing.renames or [])
        tree.missing = []
        plain = File(number)
        for path in sorted(listing.names):
            _lay(tree, number, plain, path, listing)
    return tree


def _lay(tree: Tree, number: int, plain: File, path: bytes, listing: Listing) -> None:
    """Lay one directory of a listing over the tree."""
    directory = _make(tree, path)
    before = directory.children
    listed = path in listing.listed
    if listed:
        directory.dump, directory.source = number, None
    # Only the list of a directory that was dumped is complete; what else is named comes on top.
    after = {} if listing.exact and listed else before
    for name, mark in listing.names[path].items():
        old = before.get(name)
        match mark:
            case Mark.FILE:
                after[name] = plain
            case Mark.DIRECTORY:
                after[name] = old if isinstance(old, Directory) else Directory(number)
            case Mark.PRESENT if old is not None:
                after[name] = old
            case _:
                tree.missing.append(path + b"/" + name if path else name)
    directory.children = after


def _make(tree: Tree, path: bytes) -> Directory:
    """The directory at ``path``; what is no directory on the way gives place, since something is known to be below it."""
    node = tree.top
    for name in path.split(b"/") if path else ():
        found = node.children.get(name)
        if not isinstance(found, Directory):
            found = node.children[name] = Directory()
        node = found
    return node


def _rename(tree: Tree, renames: Sequence[tuple[bytes, bytes]]) -> None:
    """Move directories as GNU tar would on extraction, in its order; an empty name is its temporary directory."""
    spare: Node | None = None
    for old, new in renames:
        if old:
            parent, _, name = old.rpartition(b"/")
            above = tree.find(parent)
            moved = above.children.pop(name, None) if isinstance(above, Directory) else None
        else:
            moved, spare = spare, None
        if moved is None:
            continue
        if old:
            _keep_sources(moved, old)
        if not new:
            spare = moved
            continue
        parent, _, name = new.rpartition(b"/")
        _make(tree, parent).children[name] = moved


def _keep_sources(node: Node, path: bytes) -> None:
    """Write down where the dumps have what is about to get another name."""
    if not isinstance(node, Directory):
        return
    if node.source is None:
        node.source = path
    for name, child in node.children.items():
        below = path + b"/" + name if path else name
        if isinstance(child, Directory):
            _keep_sources(child, below)
        elif child.source is None:
            node.children[name] = File(child.dump, below)


def walk(node: Node, path: bytes) -> Iterator[tuple[bytes, Node]]:
    """``node`` and all below it with their paths, directories before what is in them, in the order of names."""
    heap: list[tuple[bytes, Node]] = [(path, node)]
    while heap:
        at, found = heap.pop()
        yield at, found
        if isinstance(found, Directory):
            prefix = at + b"/" if at else b""
            heap.extend((prefix + name, found.children[name]) for name in sorted(found.children, reverse=True))


def source_of(path: bytes, node: Node) -> bytes:
    """The name that ``node`` at ``path`` has in its dump."""
    return path if node.source is None else node.source
