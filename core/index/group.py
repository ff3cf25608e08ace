"""A group of names as the file holds it: three blobs, so that a search unpacks names only.  Pure.

Names: each after a NUL.  Directories: how many names each has, and their paths.  Details: a byte with mark and kind a
name, then columns of sizes, times and offsets, the last two as differences from the name before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import add, sub

from core.index.layout import Packer, put_numbers, take_numbers
from core.index.record import KINDS, UNDER, Mark, Record

_KIND = {letter.encode(): number for number, letter in enumerate(KINDS)} | {b"?": 0}
_MARK = {b"%d" % mark: 16 * mark for mark in Mark}  # a mark's place in its byte
_UNKNOWN = [-1, -1, -1]


@dataclass(frozen=True, slots=True)
class Packed:
    """A group ready to be written: its first key, how many names, its blobs and their three sizes."""

    key: bytes
    count: int
    blobs: bytes
    sizes: tuple[int, int, int]


def pack_group(keys: Sequence[bytes], details: Sequence[bytes], packer: Packer) -> Packed:
    """The group of sort keys, each with its ``mark offset size mtime kind``."""
    parts = [key.rpartition(UNDER) for key in keys]
    names = [part[2] for part in parts]
    found = Counter(part[0] for part in parts)  # in order, since keys are sorted by it
    directories = [directory.replace(b"\0", b"/") for directory in found]
    counts = list(found.values())
    blobs = [packer.pack(raw) for raw in (
        b"\0" + b"\0".join(names), put_numbers(counts) + b"\0".join(directories), _pack_details(details))]
    return Packed(keys[0], len(keys), b"".join(blobs), (len(blobs[0]), len(blobs[1]), len(blobs[2])))


def _pack_details(details: Sequence[bytes]) -> bytes:
    try:
        if {detail.count(b" ") for detail in details} != {4}:
            raise ValueError
        words = b" ".join(details).split(b" ")
        marks, offsets, sizes, times, kinds = (words[n::5] for n in range(5))
        flags = bytes(map(add, map(_MARK.__getitem__, marks), map(_KIND.__getitem__, kinds)))
        return flags + _columns([list(map(int, offsets)), list(map(int, sizes)), list(map(int, times))])
    except (ValueError, OverflowError, KeyError):
        rows = [_one(detail) for detail in details]
        return bytes(row[0] for row in rows) + _columns(list(zip(*[row[1] for row in rows], strict=True)))


def _one(detail: bytes) -> tuple[int, list[int]]:
    """A detail that may be nonsense: a client says what it likes."""
    mark, *words = detail.split(b" ")
    if len(words) != 4:
        return _MARK[mark], _UNKNOWN
    row = [int(word) if len(word) < 18 and word.removeprefix(b"-").isdigit() else -1 for word in words[:3]]
    return _MARK[mark] + _KIND.get(words[3], 0), row


def _columns(columns: Sequence[Sequence[int]]) -> bytes:
    offsets, sizes, times = columns
    return put_numbers(_differences(offsets)) + put_numbers(sizes) + put_numbers(_differences(times))


def _differences(values: Sequence[int]) -> list[int]:
    return [values[0], *map(sub, values[1:], values)]


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
            directory + b"/" + name if directory else name, _MARKS[flag // 16], _LETTERS[flag % 16],
            self._sizes[number], self._times[number], self._offsets[number])


_MARKS = [*Mark, *[Mark.PRESENT] * (16 - len(Mark))]
_LETTERS = [letter.strip() for letter in KINDS.ljust(16)]
