"""Runs of wanted small files in an archive: only their first and last header are looked at.  Pure.

To look at each of a hundred thousand headers costs as much as to read and to compare the archive.  Where the index of the dump
says that files lie one right behind the other, and go to the same tar, what is between the first and the last goes there as it
is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from core.errors import WorldError
from core.landing.item import Item
from core.restore.tarstream import BLOCK, TarStream, padded

Run = tuple[int, int]
"""From which byte of an archive to which: where the second of some files begins, and where the last one does."""


def runs(items: Iterable[Item], ways: Mapping[bytes, int]) -> Iterator[Run]:
    """Where wanted files follow each other, with nothing between them that is not wanted and not even a long name, and go the
    same way (`ways_of`)."""
    begin = last = edge = -1
    way = 0
    for offset, size, kind, source in sorted((item.offset, item.size, item.kind, item.source) for item in items):
        to = ways.get(source.rpartition(b"/")[0], 0)
        if kind == "f" and offset == edge and to == way:
            begin = offset if begin < 0 else begin
        else:
            if 0 <= begin < last:
                yield begin, last
            begin = -1
        last, way = offset, to
        edge = offset + BLOCK + padded(size) if kind == "f" and offset >= 0 and size >= 0 else -2
    if 0 <= begin < last:
        yield begin, last


def feed(pieces: Iterable[memoryview], runs: Sequence[Run], stream: TarStream) -> None:
    """Feed a stream with an archive, and pass by what is in a run.  RST020 when no file begins where a run says so."""
    at, ahead = 0, iter(runs)
    begin, end = next(ahead, (-1, -1))
    for piece in pieces:
        done, size = 0, len(piece)
        while done < size:
            if begin < 0:
                stream.feed(piece[done:] if done else piece)
                break
            if at < begin:
                length = min(size - done, begin - at)
                stream.feed(piece[done:done + length])
            else:
                if at == begin and not (stream.idle and stream.passed):
                    raise WorldError("RST020", "the dump is not as its index says", "it is read without")
                length = min(size - done, end - at)
                stream.pass_by(piece[done:done + length])
            done, at = done + length, at + length
            if at == end:
                begin, end = next(ahead, (-1, -1))
