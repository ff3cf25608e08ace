"""What a tree needs of the index of one dump, and such an index in memory, of a dump that has no file of it.

`core.index.reader.IndexReader` is a layer as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from core.index.pattern import part_of, pattern_of
from core.index.record import Mark, Record
from core.restore.listing import Listing


class Layer(Protocol):
    """The names of one dump.  Everything that something is in has a record of its own: PRESENT with kind ``d`` for a
    directory that is not in the dump itself.  Each method may raise WorldError RST018."""

    @property
    def exact(self) -> bool:
        """Whether what a listed directory does not name was not there."""

    @property
    def renames(self) -> Sequence[tuple[bytes, bytes]] | None:
        """Directories that were renamed since the dump below, in tar's order; None: not told."""

    def entries(self, directory: bytes) -> list[Record]:
        """What is directly in a directory, by name."""

    def find(self, path: bytes) -> Record | None:
        """The record of a path; ``b""`` is the top."""

    def search(self, needle: bytes, fold: bool = False) -> Iterator[Record]:
        """All whose last component has ``needle`` in it; with ``fold`` whatever the case of its letters."""

    def match(self, glob: bytes) -> Iterator[Record]:
        """All that a pattern of the shell fits: the last component, or the path when the pattern has a slash."""


class Listed:
    """A layer in memory, of a `Listing`."""

    def __init__(self, listing: Listing) -> None:
        listing.complete()
        self.exact = listing.exact
        self.renames: Sequence[tuple[bytes, bytes]] | None = listing.renames
        self._listing = listing
        self._order = {directory: sorted(held) for directory, held in listing.names.items()}

    def _record(self, directory: bytes, name: bytes, mark: Mark) -> Record:
        path = directory + b"/" + name if directory else name
        is_directory = mark is Mark.DIRECTORY or (mark is Mark.PRESENT and path in self._order)
        return Record(path, mark, "d" if is_directory else "")

    def entries(self, directory: bytes) -> list[Record]:
        """See `Layer`."""
        held = self._listing.names.get(directory, {})
        return [self._record(directory, name, held[name]) for name in self._order.get(directory, ())]

    def find(self, path: bytes) -> Record | None:
        """See `Layer`."""
        if not path:
            return Record(b"", Mark.DIRECTORY, "d") if b"" in self._listing.listed else None
        directory, _, name = path.rpartition(b"/")
        mark = self._listing.names.get(directory, {}).get(name)
        return None if mark is None else self._record(directory, name, mark)

    def search(self, needle: bytes, fold: bool = False) -> Iterator[Record]:
        """See `Layer`."""
        has = part_of(needle, fold)
        for directory, names in self._order.items():
            for name in names:
                if has(name):
                    yield self._record(directory, name, self._listing.names[directory][name])

    def match(self, glob: bytes) -> Iterator[Record]:
        """See `Layer`."""
        pattern = pattern_of(glob)
        for directory, names in self._order.items():
            for number in pattern.fitting(directory, names, 0, len(names)):
                yield self._record(directory, names[number], self._listing.names[directory][names[number]])
