"""Sorting more byte strings than memory holds: runs on disk, merged at the end.

Memory is bounded by `RUN` and `FAN`, however many strings there are.  The file is the caller's, nameless at best.
"""

from __future__ import annotations

import errno
import marshal
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import zstandard

RUN = 6 * 1024 * 1024
"""Bytes of strings that are sorted in memory; Python needs about half as much again for each."""
PIECE = 32 * 1024
"""Bytes of strings in one piece of a run, and so of each run while runs are merged."""
FAN = 192
"""Runs that are merged at once."""
LIMIT = 8 * 1024**3
"""Bytes of all runs, compressed; 10^8 names need a third of it.  A client that says more only fills the disk."""
_COST = 50  # bytes that Python needs for a string besides what is in it
_SIZE = struct.Struct("<I")


@dataclass(slots=True)
class _Run:
    at: int
    end: int
    head: list[bytes] = field(default_factory=list)


class Sorter:
    """`add` strings, then iterate over `sorted` once: lists of them, all in order."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._runs: list[_Run] = []
        self._strings: list[bytes] = []
        self._held = 0
        self._packer = zstandard.ZstdCompressor(level=1)
        self._unpacker = zstandard.ZstdDecompressor()

    def add(self, string: bytes) -> None:
        """Take one string.  OSError when the disk refuses."""
        self._strings.append(string)
        self._held += len(string) + _COST
        if self._held > RUN:
            self._spill()

    def extend(self, strings: list[bytes]) -> None:
        """Take many strings.  OSError when the disk refuses."""
        self._strings += strings
        self._held += sum(map(len, strings)) + _COST * len(strings)
        if self._held > RUN:
            self._spill()

    def sorted(self, pulse: Callable[[], None] = lambda: None) -> Iterator[list[bytes]]:
        """All strings.  ``pulse`` is called for each list.  OSError when the disk refuses."""
        if not self._runs:
            self._strings.sort()
            if self._strings:
                yield self._strings
            self._strings = []
            return
        self._spill()
        while len(self._runs) > FAN:
            few, self._runs = self._runs[:FAN], self._runs[FAN:]
            self._write(self._merge(few, pulse))
        yield from self._merge(self._runs, pulse)

    def _spill(self) -> None:
        if self._strings:
            self._strings.sort()
            strings, self._strings, self._held = self._strings, [], 0
            self._write(iter([strings]))

    def _write(self, lists: Iterator[list[bytes]]) -> None:
        """One more run, at the end of the file."""
        at = end = self._file.seek(0, 2)
        for strings in lists:
            begin = size = 0
            for number, string in enumerate(strings):
                size += len(string)
                if size >= PIECE or number == len(strings) - 1:
                    packed = self._packer.compress(marshal.dumps(strings[begin:number + 1]))
                    self._file.seek(end)  # a merge reads other runs in between
                    self._file.write(_SIZE.pack(len(packed)) + packed)
                    end += _SIZE.size + len(packed)
                    if end > LIMIT:
                        raise OSError(errno.EFBIG, f"its names need more than {LIMIT} bytes")
                    begin, size = number + 1, 0
        self._runs.append(_Run(at, end))

    def _merge(self, runs: list[_Run], pulse: Callable[[], None]) -> Iterator[list[bytes]]:
        """Pieces of all runs up to the least of their last strings are in order once they are sorted together."""
        runs = [run for run in runs if self._load(run)]
        while runs:
            least = min(run.head[-1] for run in runs)
            together: list[bytes] = []
            left: list[_Run] = []
            pulse()
            for run in runs:
                if run.head[0] > least:
                    left.append(run)
                    continue
                until = bisect_right(run.head, least)
                together += run.head[:until]
                del run.head[:until]
                if run.head or self._load(run):
                    left.append(run)
            together.sort()
            yield together
            runs = left

    def _load(self, run: _Run) -> bool:
        """The next piece of a run; whether there is one."""
        if run.at >= run.end:
            return False
        self._file.seek(run.at)
        [size] = _SIZE.unpack(self._file.read(_SIZE.size))
        run.head = marshal.loads(self._unpacker.decompress(self._file.read(size)))
        run.at += _SIZE.size + size
        return True
