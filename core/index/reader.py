"""Reading an index: one directory, one name, all names below a directory, or those that a pattern fits.

A directory costs the groups that it is in, a search the names only.  Every blob is checked when it is used.  The file is
read piece by piece and not mapped: a mapped page would count as memory, and a file that shrinks would kill the reader.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from core.index.frames import GZIP, ZSTD, FrameTable
from core.index.group import Group
from core.index.layout import EXACT, FOOTER_SIZE, FRAMES, MAGIC, MAX_BLOB, RENAMES, Unpacker, read_footer, take_numbers
from core.index.pattern import Pattern, part_of, pattern_of
from core.index.record import UNDER, Mark, Record, directory_key, sort_key

SUFFIX = ".tix"
_KEPT = 8  # groups that are kept unpacked


class IndexReader:
    """An open index.  ``exact``: what a listed directory's names do not name was not there.  ``renames``: of directories
    since the dump below, in tar's order; None: not told.  ``count``: names.

    A context manager.  Each method raises WorldError RST018 with the position when it meets damage.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Of a file, which is closed with this; ``name`` is for people.  OSError, WorldError RST018."""
        self._file = file
        self._unpacker = Unpacker(name)
        self._size = size = file.seek(0, 2)
        if size < len(MAGIC) + FOOTER_SIZE:
            raise self._unpacker.damaged(size, "it ends too early")
        footer = read_footer(self._read(size - FOOTER_SIZE, FOOTER_SIZE))
        if self._read(0, len(MAGIC)) != MAGIC:
            raise self._unpacker.damaged(0, "it does not begin as an index does")
        if footer is None:
            raise self._unpacker.damaged(size - FOOTER_SIZE, "it does not end as an index does")
        self._footer = footer
        self.exact = bool(footer.flags & EXACT)
        self.count = footer.count
        self._groups: OrderedDict[int, Group] = OrderedDict()
        try:
            self._read_table()
            self.renames = self._read_renames() if footer.flags & RENAMES else None
        except ValueError as fault:
            raise self._unpacker.damaged(footer.table[0], str(fault)) from fault
        self._frames: FrameTable | None = None

    def __enter__(self) -> IndexReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._groups.clear()
        self._file.close()

    @property
    def frames(self) -> FrameTable | None:
        """Where to begin reading stored data for a byte of the archive; None: the data has no frames, so a dump that is not
        compressed has that byte at its own place, and any other is read from its beginning."""
        if self._frames is None and self._footer.flags & FRAMES:
            at, length = self._footer.frames
            try:
                raw = self._blob(at, length)
                (kind, unit), end = take_numbers(raw, 0)
                sizes, _ = take_numbers(raw, end)
                if kind not in (GZIP, ZSTD) or unit < 1 or min(sizes, default=1) < 1:
                    raise ValueError("a table of frames that cannot be")
                self._frames = FrameTable(kind, unit, sizes)
            except ValueError as fault:
                raise self._unpacker.damaged(at, str(fault)) from fault
        return self._frames

    def listed(self, directory: bytes) -> bool:
        """Whether a directory is itself in the dump."""
        found = self.find(directory)
        return found is not None and found.mark is Mark.DIRECTORY

    def entries(self, directory: bytes) -> list[Record]:
        """What is directly in a directory, by name."""
        key = directory_key(directory) + UNDER
        found: list[Record] = []
        for number in range(max(0, bisect_left(self._keys, key) - 1), len(self._keys)):
            if self._keys[number] > key and not self._keys[number].startswith(key):
                break
            group = self._group(number)
            if directory in group.directories:
                place = group.directories.index(directory)
                names = range(group.starts[place], group.starts[place + 1])
                found += [group.record(name, directory) for name in names if group.names[name]]
        return found

    def find(self, path: bytes) -> Record | None:
        """The record of a path."""
        number = bisect_right(self._keys, sort_key(path)) - 1
        if number < 0:
            return None
        group = self._group(number)
        directory, _, name = path.rpartition(b"/")
        if directory not in group.directories:
            return None
        place = group.directories.index(directory)
        at = bisect_left(group.names, name, group.starts[place], group.starts[place + 1])
        return group.record(at, directory) if at < group.starts[place + 1] and group.names[at] == name else None

    def walk(self, top: bytes) -> Iterator[Record]:
        """``top`` and all that is below it, in the file's order: a directory before what is in it, all names of a directory
        together."""
        if top:
            itself = self.find(top)
            if itself is not None:
                yield itself
        low, high = (directory_key(top) + b"\0", directory_key(top) + b"\1") if top else (b"", b"\xff" * 8)
        below = top + b"/"
        for number in range(max(0, bisect_right(self._keys, low) - 1), len(self._keys)):
            if top and self._keys[number] >= high:
                break
            group = self._group(number, keep=False)
            for place, directory in enumerate(group.directories):
                if not top or directory == top or directory.startswith(below):
                    for name in range(group.starts[place], group.starts[place + 1]):
                        yield group.record(name, directory)

    def search(self, needle: bytes, fold: bool = False) -> Iterator[Record]:
        """All whose last component has ``needle`` in it; with ``fold`` whatever the case of its letters."""
        if b"\0" in needle or b"/" in needle:
            return
        has = part_of(needle, fold)
        for number in range(len(self._keys)):
            if not has(self._names(number)):
                continue
            group = self._group(number, keep=False)
            for name, text in enumerate(group.names):
                if text and has(text):
                    yield group.record(name, group.directory_of(name))

    def match(self, glob: bytes) -> Iterator[Record]:
        """All that a pattern of the shell fits: the last component, or the path when the pattern has a slash."""
        pattern: Pattern = pattern_of(glob)
        for number in range(len(self._keys)):
            if not pattern.may_be_in(self._names(number), lambda number=number: self._directories(number)):  # type: ignore[misc]
                continue
            group = self._group(number, keep=False)
            for place, directory in enumerate(group.directories):
                start, end = group.starts[place], group.starts[place + 1]
                for name in pattern.fitting(directory, group.names, start, end):
                    yield group.record(name, directory)

    def _read_table(self) -> None:
        raw = self._blob(*self._footer.table)
        at, columns = 0, []
        for _ in range(5):
            column, at = take_numbers(raw, at)
            if len(column) != self._footer.groups or min(column, default=0) < 0:
                raise ValueError("its table is not of one length")
            columns.append(column)
        self._counts, *self._sizes, lengths = columns
        self._keys: list[bytes] = []
        for length in lengths:
            self._keys.append(raw[at:at + length])
            at += length
        self._places = [len(MAGIC)]
        for sizes in zip(*self._sizes, strict=True):
            self._places.append(self._places[-1] + sum(sizes))
        if self._places[-1] != self._footer.table[0] or sum(self._counts) != self.count:
            raise ValueError("its table does not fit what is there")

    def _read_renames(self) -> Sequence[tuple[bytes, bytes]]:
        raw = self._blob(*self._footer.renames)
        lengths, at = take_numbers(raw, 0)
        names = []
        for length in lengths:
            names.append(raw[at:at + length])
            at += length
        return list(zip(names[::2], names[1::2], strict=True))

    def _blob(self, at: int, length: int) -> bytes:
        return self._unpacker.unpack(self._read(at, length), at)

    def _read(self, at: int, length: int) -> bytes:
        if length > MAX_BLOB or at + length > self._size:
            raise self._unpacker.damaged(at, "it is larger than a part of an index can be")
        try:
            return os.pread(self._file.fileno(), length, at)
        except OSError as fault:
            raise self._unpacker.damaged(at, f"reading failed: {fault.strerror}") from fault

    def _names(self, number: int) -> bytes:
        return self._blob(self._places[number], self._sizes[0][number])

    def _directories(self, number: int) -> bytes:
        return self._blob(self._places[number] + self._sizes[0][number], self._sizes[1][number])

    def _group(self, number: int, *, keep: bool = True) -> Group:
        """A group, unpacked; those used last are kept, unless a walk comes by."""
        found = self._groups.get(number)
        if found is not None:
            self._groups.move_to_end(number)
            return found
        at = self._places[number] + self._sizes[0][number] + self._sizes[1][number]
        details = self._blob(at, self._sizes[2][number])
        try:
            group = Group(self._counts[number], self._names(number), self._directories(number), details)
        except ValueError as fault:
            raise self._unpacker.damaged(self._places[number], str(fault)) from fault
        if keep:
            self._groups[number] = group
            if len(self._groups) > _KEPT:
                self._groups.popitem(last=False)
        return group


def open_index(path: Path) -> IndexReader:
    """The index in a file; one that is lines of text costs a pass over it.

    OSError; WorldError RST018 when it is damaged, with the position, RST015 when it is too long to be true.
    """
    if path.suffix == SUFFIX:
        file: BinaryIO = open(path, "rb")  # noqa: SIM115 (closed with the reader)
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the reader)
    try:
        if path.suffix != SUFFIX:
            from core.index.text import convert  # mostly not needed, and then not loaded

            with tempfile.TemporaryFile() as spool:
                convert(path, file, spool)
        return IndexReader(file, str(path))
    except BaseException:
        file.close()
        raise
