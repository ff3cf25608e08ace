"""The tree of a disk out of whole listings, one laid over the other: the model that says what `core.restore.merged` has to
give a directory at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.index.record import Mark
from core.restore.listing import Listing
from core.restore.merged import origins
from core.restore.tree import Directory, File, Node


class _Whole(Directory):
    """One that holds all that is in it."""

    __slots__ = ("held",)

    def __init__(self, dump: int = -1) -> None:
        super().__init__(dump)
        self.held: dict[bytes, File | _Whole] = {}

    @property
    def children(self) -> Mapping[bytes, Node]:
        return self.held


@dataclass(slots=True)
class Tree:
    """``top`` and what is under it; ``missing``: names that were there and that no dump of the chain has;
    ``inexact``: numbers of the dumps whose listing could not tell what was deleted."""

    top: _Whole = field(default_factory=_Whole)
    missing: list[bytes] = field(default_factory=list)
    inexact: list[int] = field(default_factory=list)

    def find(self, path: bytes) -> Node | None:
        """What is at ``path``; ``b""`` is the top."""
        return _find(self.top, path)


def _find(top: _Whole, path: bytes) -> File | _Whole | None:
    node: File | _Whole = top
    for name in path.split(b"/") if path else ():
        if not isinstance(node, _Whole) or (found := node.held.get(name)) is None:
            return None
        node = found
    return node


def build(listings: Sequence[Listing]) -> Tree:
    """The tree after the last of ``listings``, which are those of a chain, the full first."""
    tree = Tree()
    for number, listing in enumerate(listings):
        listing.complete()
        if number and not listing.exact:
            tree.inexact.append(number)
        _rename(tree, listing.renames or [])
        tree.missing = []
        plain = File(number)
        for path in sorted(listing.names):
            if not _in_a_file(listing, path):
                _lay(tree, number, plain, path, listing)
        # A name that the dump has nothing of but what is below it is a directory of its own.
        tree.missing = [path for path in tree.missing if tree.find(path) is None and not _left_out(listings[0], path)]
    return tree


def _left_out(full: Listing, path: bytes) -> bool:
    """Whether the full saw a name and did not take it."""
    parent, _, name = path.rpartition(b"/")
    return full.names.get(parent, {}).get(name) is Mark.PRESENT


def _in_a_file(listing: Listing, path: bytes) -> bool:
    """Whether a listing says that something is below a file: that is not believed."""
    while path:
        parent, _, name = path.rpartition(b"/")
        if listing.names.get(parent, {}).get(name) is Mark.FILE:
            return True
        path = parent
    return False


def _lay(tree: Tree, number: int, plain: File, path: bytes, listing: Listing) -> None:
    """Lay one directory of a listing over the tree."""
    directory = _make(tree, path)
    before = directory.held
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
                after[name] = old if isinstance(old, _Whole) else _Whole(number)
            case Mark.PRESENT if old is not None:
                after[name] = old
            case _:
                tree.missing.append(path + b"/" + name if path else name)
    directory.held = after


def _make(tree: Tree, path: bytes) -> _Whole:
    """The directory at ``path``; what is no directory on the way gives place, since something is known to be below it."""
    node = tree.top
    for name in path.split(b"/") if path else ():
        found = node.held.get(name)
        if not isinstance(found, _Whole):
            found = node.held[name] = _Whole()
        node = found
    return node


def _rename(tree: Tree, renames: Sequence[tuple[bytes, bytes]]) -> None:
    """Move directories: all out, then all in.  Which they were in the dump below `core.restore.merged.origins` says."""
    out: list[tuple[bytes, File | _Whole]] = []
    pairs = origins(renames, lambda path: isinstance(tree.find(path), _Whole))
    for old, new in sorted(pairs, key=lambda pair: pair[0].count(b"/"), reverse=True):
        parent, _, name = old.rpartition(b"/")
        above = _find(tree.top, parent)
        if isinstance(above, _Whole) and (moved := above.held.pop(name, None)) is not None:
            out.append((new, _keep_sources(moved, old)))
    for new, moved in sorted(out, key=lambda pair: pair[0].count(b"/")):
        parent, _, name = new.rpartition(b"/")
        _make(tree, parent).held[name] = moved


def _keep_sources(node: File | _Whole, path: bytes) -> File | _Whole:
    """Write down where the dumps have what is about to get another name."""
    if isinstance(node, File):
        return node if node.source is not None else File(node.dump, path)
    if node.source is None:
        node.source = path
    for name, child in node.held.items():
        node.held[name] = _keep_sources(child, path + b"/" + name if path else name)
    return node
