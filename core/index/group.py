"""A group of names as the file holds it: three blobs, so that a search unpacks names only.  Pure.

Names: each after a NUL.  Directories: how many names each has, and their paths.  Details: a byte with mark and kind a
name, then columns of sizes, times and offsets, the last two as differences from the name before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from core.index.layout import Packer, put_numbers, take_numbers
from core.index.record import KINDS, UNDER, Mark, Record

_KIND = {letter.encode(): number for number, letter in enumerate(KINDS)}
_UNKNOWN = [-1, -1, -1]
_MARK = 16  # a mark's place in its byte


@dataclass(frozen=True, slots=True)
class Packed:
    """A group ready to be written: its first key, how many names, its blobs and their three sizes."""

    key: bytes
    count: int
    blobs: bytes
    sizes: tuple[int, int, int]


def pack_group(lines: Sequence[tuple[bytes, bytes]], packer: Packer) -> Packed:
    """The group of ``lines``: sort key, and the digit of a mark with ``offset size mtime kind``."""
    names: list[bytes] = []
    directories: list[bytes] = []
    counts: list[int] = []
    last: bytes | None = None
    for key, _ in lines:
        directory, _, name = key.rpartition(UNDER)
        names.append(name)
        if directory != last:
            directories.append(directory.replace(b"\0", b"/"))
            counts.append(0)
            last = directory
        counts[-1] += 1
    blobs = [packer.pack(raw) for raw in (
        b"\0" + b"\0".join(names), put_numbers(counts) + b"\0".join(directories), _pack_details([line[1] for line in lines]))]
    return Packed(lines[0][0], len(lines), b"".join(blobs), (len(blobs[0]), len(blobs[1]), len(blobs[2])))


def _pack_details(details: Sequence[bytes]) -> bytes:
    marks = bytes(detail[0] - 48 for detail in details)
    try:
        offsets, sizes, times, kinds = zip(*[detail[1:].split(b" ") for detail in details], strict=True)
        columns = [list(map(int, offsets)), list(map(int, sizes)), list(map(int, times))]
        kind_numbers = [_KIND.get(kind, 0) for kind in kinds]
        numbers = _columns(columns)
    except (ValueError, OverflowError):
        rows, kind_numbers = [], []
        for detail in details:
            row, kind = _one(detail[1:])
            rows.append(row)
            kind_numbers.append(kind)
        numbers = _columns(list(zip(*rows, strict=True)))
    flags = bytes(mark * _MARK + kind for mark, kind in zip(marks, kind_numbers, strict=True))
    return flags + numbers


def _one(detail: bytes) -> tuple[list[int], int]:
    """A detail that may be nonsense: a client says what it likes."""
    words = detail.split(b" ")
    if len(words) != 4:
        return _UNKNOWN, 0
    row = [int(word) if len(word) < 18 and word.removeprefix(b"-").isdigit() else -1 for word in words[:3]]
    return row, _KIND.get(words[3], 0)


def _columns(columns: Sequence[Sequence[int]]) -> bytes:
    offsets, sizes, times = columns
    return put_numbers(_differences(offsets)) + put_numbers(sizes) + put_numbers(_differences(times))


def _differences(values: Sequence[int]) -> list[int]:
    return [values[0], *(after - before for before, after in pairwise(values))]


class Group:
    """A group when it was read: `names`, and records by their number."""

    def __init__(self, count: int, names: bytes, directories: bytes, details: bytes) -> None:
        """ValueError when they do not belong together, or have a name that would leave its disk."""
        self.count = count
        self.names = names[1:].split(b"\0")
        counts, at = take_numbers(directories, 0)
        paths = directories[at:]
        self.directories = paths.split(b"\0")
        # What wrote this cleaned its names; a file that somebody else made must not lead outside a restore's target.
        every = b"".join((names, b"\0", paths.replace(b"/", b"\0"), b"\0"))
        if b"/" in names or b"\0..\0" in every or b"\0.\0" in every or b"\0/" in b"\0" + paths:
            raise ValueError("it has a name that is none")
        self.starts = [0, *accumulate(counts)]
        """The number of each directory's first name; at the end the count of all."""
        self._flags = details[:count]
        offsets, at = take_numbers(details, count)
        self._sizes, at = take_numbers(details, at)
        times, at = take_numbers(details, at)
        self._offsets: Sequence[int] = list(accumulate(offsets))
        self._times: Sequence[int] = list(accumulate(times))
        lengths = {len(self.names), self.starts[-1], len(offsets), len(self._sizes), len(times), count}
        if len(lengths) != 1 or len(self.directories) != len(counts) or min(counts, default=0) < 1:
            raise ValueError("its columns are not of one length")

    def directory_of(self, number: int) -> bytes:
        """The directory that name ``number`` is in."""
        return self.directories[bisect_right(self.starts, number) - 1]

    def record(self, number: int, directory: bytes) -> Record:
        """The record of name ``number``, which is in ``directory``."""
        name, flag = self.names[number], self._flags[number]
        return Record(
            directory + b"/" + name if directory else name, _MARKS[flag // _MARK], _LETTERS[flag % _MARK],
            self._sizes[number], self._times[number], self._offsets[number])


_MARKS = [*Mark, *[Mark.PRESENT] * (_MARK - len(Mark))]
_LETTERS = [letter.strip() for letter in KINDS.ljust(_MARK)]
