"""The tree of a disk as of a moment, made a directory at a time out of the indexes of a chain of dumps.

`core.restore.tree` says what the tree is; nothing is read but what was asked for.  A directory is a view: the names that its
dump's index gives it, laid over the same directory as the dump below left it, which is another view.  Renames are a view
between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from core.index.pattern import part_of, pattern_of
from core.index.record import Mark, Record
from core.restore.layer import Layer
from core.restore.tree import Directory, File, Node, walk

Renames = Sequence[tuple[bytes, bytes]]


class MergedTree:
    """The tree after the last of ``layers``, which are those of a chain, the full first.

    ``inexact``: numbers of the dumps whose index could not tell what was deleted.  ``missing``: names that were there and
    that no dump of the chain has, of the directories whose children were looked at.  Any method, and any view that it
    gives, may raise WorldError RST018.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers
        self.inexact = [number for number, layer in enumerate(layers) if number and not layer.exact]
        self.missing: dict[bytes, None] = {}
        self._renames: list[Renames] = []
        top: Directory = _Nothing()
        for number, layer in enumerate(layers):
            done: Renames = ()
            if layer.renames:
                top, done = renamed(top, layer.renames)
            self._renames.append(done)
            top = self._laid(number, b"", layer.find(b""), top)
        self.top = top

    def find(self, path: bytes) -> Node | None:
        """What is at ``path``; ``b""`` is the top."""
        return at(self.top, path)

    def walk(self, path: bytes = b"") -> Iterator[tuple[bytes, Node]]:
        """What is at ``path`` and all below it, directories before what is in them, in the order of names."""
        node = self.find(path)
        return iter(()) if node is None else walk(node, path)

    def search(
        self, needle: bytes, fold: bool = False, found: Sequence[Iterable[Record]] | None = None
    ) -> Iterator[tuple[bytes, Node]]:
        """All whose last component has ``needle`` in it, with ``fold`` whatever the case, each once, in no order.

        ``found``: for each layer what its own search gives, where that is known already.
        """
        if b"/" in needle or b"\0" in needle:
            return iter(())
        mine = [layer.search(needle, fold) for layer in self.layers] if found is None else found
        has = part_of(needle, fold)
        return self._fitting(mine, lambda path: path != b"" and bool(has(path.rpartition(b"/")[2])))

    def match(self, glob: bytes, found: Sequence[Iterable[Record]] | None = None) -> Iterator[tuple[bytes, Node]]:
        """All that a pattern of the shell fits, each once, in no order; ``found`` as in `search`."""
        mine = [layer.match(glob) for layer in self.layers] if found is None else found
        pattern = pattern_of(glob)

        def fits(path: bytes) -> bool:
            directory, _, name = path.rpartition(b"/")
            return bool(name) and any(True for _ in pattern.fitting(directory, [name], 0, 1))

        return self._fitting(mine, fits, moved=pattern.whole)

    def _fitting(
        self, found: Sequence[Iterable[Record]], fits: Callable[[bytes], bool], moved: bool = False
    ) -> Iterator[tuple[bytes, Node]]:
        """``moved``: a directory that gets another name may make the names below it fit."""
        seen: set[bytes] = set()
        for path in self._candidates(found, moved):
            if path not in seen and fits(path):
                seen.add(path)
                if (node := self.find(path)) is not None:
                    yield path, node

    def _candidates(self, found: Sequence[Iterable[Record]], moved: bool) -> Iterator[bytes]:
        """Where what a layer has may be after all the renames since."""
        for number, records in reversed(list(enumerate(found))):
            later = self._renames[number + 1:]
            for record in records:
                yield _carried(record.path, later)
        for number, renames in enumerate(self._renames):
            later = self._renames[number + 1:]
            for _, new in renames:
                if moved:
                    yield from (path for path, _ in self.walk(_carried(new, later)))
                # What it was put into may have been made for it.
                above = new
                while above:
                    yield _carried(above, later)
                    above = above.rpartition(b"/")[0]

    @property
    def lost(self) -> list[bytes]:
        """Those of ``missing`` that were not left out by choice, in order; none where the list of the full does not tell what
        was, as an Amanda's."""
        return sorted(self.missing) if self.layers[0].exact else []

    def left_out(self, path: bytes) -> bool:
        """Whether the full saw a name and did not take it: it is excluded, another file system, or a directory that could not
        be read, of which the night told."""
        full = self.layers[0].find(path)
        return full is not None and full.mark is Mark.PRESENT

    def _laid(self, number: int, path: bytes, record: Record | None, base: Node | None) -> Directory:
        """A directory that a layer says something about; ``base`` is what was there before."""
        below = base if isinstance(base, Directory) else None
        if record is not None and record.mark is Mark.DIRECTORY:
            return _Laid(self, number, path, below, number, path, record.mtime)
        if below is not None:
            return _Laid(self, number, path, below, below.dump, below.source, below.mtime)
        return _Laid(self, number, path, None, -1, None, -1)


class _Nothing(Directory):
    """An empty one."""

    __slots__ = ()

    @property
    def children(self) -> Mapping[bytes, Node]:
        return {}


class _Laid(Directory):
    """What layer ``number`` says of the directory ``path``, over the view ``base`` of what was there before."""

    __slots__ = ("_base", "_number", "_path", "_tree")

    def __init__(
        self, tree: MergedTree, number: int, path: bytes, base: Directory | None, dump: int, source: bytes | None, mtime: int
    ) -> None:
        super().__init__(dump, source, mtime)
        self._tree, self._number, self._path, self._base = tree, number, path, base

    @property
    def _all(self) -> bool:
        """Whether what is not named here was deleted: only the list of a directory that was dumped is complete."""
        return self.dump == self._number and self._tree.layers[self._number].exact

    @property
    def children(self) -> Mapping[bytes, Node]:
        before = self._base.children if self._base is not None else {}
        after: dict[bytes, Node] = {} if self._all else dict(before)
        cut, number = len(self._path) + 1 if self._path else 0, self._number
        for record in self._tree.layers[number].entries(self._path):
            path, mark, kind, size, mtime, offset = record
            name = path[cut:]
            if mark is Mark.FILE:  # as `_node` does; almost all are files
                after[name] = File(number, path, kind, size, mtime, offset)
                continue
            node = self._node(record, before.get(name))
            if node is not None:
                after[name] = node
            elif number == len(self._tree.layers) - 1 and not self._tree.left_out(path):
                self._tree.missing[path] = None
        return after

    def child(self, name: bytes) -> Node | None:
        record = self._tree.layers[self._number].find(self._path + b"/" + name if self._path else name)
        if self._base is None or (record is not None and record.mark is Mark.FILE) or (record is None and self._all):
            before = None
        else:
            before = self._base.child(name)
        return before if record is None else self._node(record, before)

    def _node(self, record: Record, before: Node | None) -> Node | None:
        """What a record makes of what was there ``before``; None: no dump has it."""
        if record.mark is Mark.FILE:
            return File(self._number, record.path, record.kind, record.size, record.mtime, record.offset)
        if record.mark is Mark.DIRECTORY or record.kind == "d":
            return self._tree._laid(self._number, record.path, record, before)
        return before


class Moved(Directory):
    """The directory ``base`` with some names taken out or put in."""

    __slots__ = ("_base", "owner", "put")

    def __init__(self, owner: object, base: Directory | None) -> None:
        super().__init__(*((base.dump, base.source, base.mtime) if base is not None else ()))
        self._base = base
        self.owner = owner
        self.put: dict[bytes, Node | None] = {}

    @property
    def children(self) -> Mapping[bytes, Node]:
        after = dict(self._base.children) if self._base is not None else {}
        for name, node in self.put.items():
            if node is None:
                after.pop(name, None)
            else:
                after[name] = node
        return after

    def child(self, name: bytes) -> Node | None:
        if name in self.put:
            return self.put[name]
        return self._base.child(name) if self._base is not None else None


def renamed(top: Directory, renames: Renames) -> tuple[Directory, list[tuple[bytes, bytes]]]:
    """``top`` after the directories in it got other names, and which names these were before and after it, in an order in
    which they can be taken out.

    All are taken out and then put in, since no order of them can be relied on: see `origins`.
    """
    pairs = origins(renames, lambda path: isinstance(at(top, path), Directory))
    root = Moved(renames, top)
    out: list[tuple[bytes, bytes, Node]] = []
    for old, new in sorted(pairs, key=lambda pair: -pair[0].count(b"/")):
        if (node := taken(root, old)) is not None:
            out.append((old, new, node))
    for _, new, node in sorted(out, key=lambda one: one[1].count(b"/")):
        put(root, new, node)
    return root, [(old, new) for old, new, _ in out]


def origins(renames: Renames, there: Callable[[bytes], bool]) -> list[tuple[bytes, bytes]]:
    """Each rename with the name that its directory had in the dump below, each of these once; ``there`` tells of names of it.

    GNU tar calls a directory that came out of a renamed one by the new name of that one, wherever it tells of it: after
    ``mv a n; mv n/b c`` it may say ``n/b`` to ``c``, ``a`` to ``n``, which it then cannot carry out itself.  Where the dump
    below has both ``n/b`` and ``a/b``, the order decides.  An empty name is tar's temporary directory.
    """
    pairs: list[tuple[bytes, bytes]] = []
    aside = b""
    for old, new in renames:
        if new:
            pairs.append((old or aside, new))
        else:
            aside = old
    places = {new: number for number, (_, new) in enumerate(pairs)}
    known: dict[int, bytes] = {}

    def origin(number: int, on_the_way: frozenset[int]) -> bytes:
        if number in known:
            return known[number]
        old = pairs[number][0]
        found, above = old, old.rpartition(b"/")[0]
        while above:
            by = places.get(above)
            if by is not None and by not in on_the_way:
                came = origin(by, on_the_way | {by})
                moved = came + old[len(above):]
                if came and there(moved) and (by < number or not there(old)):
                    found = moved
                break
            above = above.rpartition(b"/")[0]
        known[number] = found
        return found

    found = {origin(number, frozenset({number})): new for number, (_, new) in enumerate(pairs)}
    return [(old, new) for old, new in found.items() if old]


def at(top: Directory, path: bytes) -> Node | None:
    """What is at ``path``."""
    node: Node = top
    for name in path.split(b"/") if path else ():
        if not isinstance(node, Directory) or (found := node.child(name)) is None:
            return None
        node = found
    return node


def taken(root: Moved, path: bytes) -> Node | None:
    """What is at ``path``, where it is no more then."""
    parent, _, name = path.rpartition(b"/")
    above = _reach(root, parent, make=False)
    node = above.child(name) if above is not None else None
    if above is not None and node is not None:
        above.put[name] = None
    return node


def put(root: Moved, path: bytes, node: Node) -> None:
    """It is at ``path`` then, whatever was there."""
    parent, _, name = path.rpartition(b"/")
    into = _reach(root, parent, make=True)
    assert into is not None
    into.put[name] = node


def _reach(root: Moved, path: bytes, *, make: bool) -> Moved | None:
    """The directory at ``path`` as one that can be changed; with ``make`` what is no directory on the way gives place."""
    node = root
    for name in path.split(b"/") if path else ():
        found = node.child(name)
        if not isinstance(found, Directory):
            if not make:
                return None
            found = node.put[name] = Moved(root.owner, None)
        elif not isinstance(found, Moved) or found.owner is not root.owner:
            found = node.put[name] = Moved(root.owner, found)
        node = found
    return node


def _carried(path: bytes, levels: Iterable[Renames]) -> bytes:
    """Where what is at ``path`` is after the renames of some levels."""
    for renames in levels:
        inner = max((pair for pair in renames if path == pair[0] or path.startswith(pair[0] + b"/")),
                    key=lambda pair: len(pair[0]), default=None)
        if inner is not None:
            path = inner[1] + path[len(inner[0]):]
    return path
