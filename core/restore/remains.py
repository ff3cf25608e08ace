"""What is whole of a dump of which no copy is: its members that lie in pieces which are as they were dumped, in any place.

A dump of ours has a checksum for each MiB of its archive, or is compressed in frames that have one each, and its index tells
where each member begins.  So damage costs the files that it touches, and no others.  Without that nothing can be told apart,
and nothing is given.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from core.catalogue.queries import Dump
from core.errors import PeerError, TaperoomError, WorldError
from core.holding.header import Header
from core.index.reader import SUFFIX, IndexReader, open_index
from core.index.record import Mark
from core.model.crc32c import crc32c
from core.model.framesums import FRAME
from core.model.site import Site
from core.restore.indexfile import index_file
from core.restore.kept import read_sums
from core.restore.ranges import kind_of, unpack_frame
from core.restore.shelves import Stopped
from core.restore.source import Place
from core.restore.tarstream import TarStream

Count = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Pieces:
    """How an archive is cut: ``unit`` bytes of it in each piece; where each begins in the stored data, and how long it is
    there; ``kind`` of its frames, 0: stored as it is, with these ``sums``; ``size`` bytes of the archive in all, at most."""

    unit: int
    begins: Sequence[int]
    sizes: Sequence[int]
    kind: int
    sums: Sequence[int]
    size: int

    def good(self, number: int, stored: bytes) -> bytes | None:
        """The archive's bytes of a piece; None when they are not what was dumped."""
        if len(stored) != self.sizes[number]:
            return None
        if not self.kind:
            return stored if crc32c(stored) == self.sums[number] else None
        try:
            raw = unpack_frame(self.kind, stored, self.unit)
        except WorldError:
            return None
        return raw if len(raw) == self.unit or number == len(self.sizes) - 1 else None


def pieces_of(site: Site, dump: Dump, index: IndexReader) -> Pieces | None:
    """How a dump's archive can be told apart; None when it cannot.  WorldError RST018."""
    if (frames := index.frames) is not None:
        begins = [0, *accumulate(frames.sizes)]
        return Pieces(frames.unit, begins[:-1], frames.sizes, frames.kind, (), len(frames) * frames.unit)
    sums = read_sums(site, dump)[0]
    if sums is None or not sums.frames:
        return None
    size = sums.crc.size
    begins = list(range(0, size, FRAME))
    return Pieces(FRAME, begins, [min(FRAME, size - begin) for begin in begins], 0, sums.frames, size)


class Remains:
    """What can be had of a dump out of ``places``, none of which has all of it."""

    def __init__(self, pieces: Pieces, index: IndexReader, places: Iterable[Place], count: Count,
                 check: Callable[[Header], None]) -> None:
        """``check`` is shown each header before any data; ``count`` hears what is read.  WorldError RST018."""
        self._pieces, self._index = pieces, index
        self._readers = [_Reader(pieces, place, count, check) for place in places if place.open_at is not None]
        self._spans: dict[bytes, tuple[int, int]] = {}
        self._where: dict[int, _Reader | None] = {}

    def whole(self, paths: Collection[bytes]) -> frozenset[bytes]:
        """Those of the members that lie in good pieces only.  WorldError RST018."""
        spans = self._spans_of(paths)
        self._spans |= spans
        needed = {number for begin, end in spans.values() for number in self._numbers(begin, end)}
        for number in sorted(needed - self._where.keys()):
            self._where[number] = next((one for one in self._readers if one.read(number) is not None), None)
        return frozenset(path for path, (begin, end) in spans.items()
                         if all(self._where[number] is not None for number in self._numbers(begin, end)))

    def _spans_of(self, paths: Collection[bytes]) -> dict[bytes, tuple[int, int]]:
        """From which to which byte of the archive each member goes: to where the next one begins."""
        found = {path: record.offset for path in paths
                 if (record := self._index.find(path)) is not None and record.mark is not Mark.PRESENT and record.offset >= 0}
        begins = sorted(set(found.values()))
        ends = [self._pieces.size] * len(begins)
        for record in self._index.walk(b""):
            at = bisect_left(begins, record.offset) - 1
            if at >= 0 and record.mark is not Mark.PRESENT and record.offset < ends[at]:
                ends[at] = record.offset
        span = dict(zip(begins, ends, strict=True))
        return {path: (begin, span[begin]) for path, begin in found.items() if begin < span[begin]}

    def _numbers(self, begin: int, end: int) -> range:
        return range(begin // self._pieces.unit, -(-end // self._pieces.unit))

    def feed(self, paths: Collection[bytes], stream: TarStream) -> None:
        """Feed members that are whole, in the order of the archive.  WorldError RST020, RST023 when they are not any more."""
        for begin, end in sorted({self._spans[path] for path in paths}):
            members = stream.members + 1
            for piece in self._bytes(begin, end):
                stream.feed(piece, members=members)
            if stream.members < members or not stream.idle:
                raise WorldError("RST020", "the dump ends before a file that its index names", "another date may be whole")

    def _bytes(self, begin: int, end: int) -> Iterator[memoryview]:
        unit = self._pieces.unit
        for number in self._numbers(begin, end):
            reader = self._where.get(number)
            found = reader.read(number) if reader is not None else None
            if found is None:
                raise WorldError("RST023", f"piece {number} of the archive was whole just now, and is not any more",
                                 "look at the disk or the drive")
            yield memoryview(found)[max(0, begin - number * unit):end - number * unit]


class _Reader:
    """The pieces of one place; the last one is kept, and the next is read on from it."""

    def __init__(self, pieces: Pieces, place: Place, count: Count, check: Callable[[Header], None]) -> None:
        self._pieces, self._place, self._count, self._check = pieces, place, count, check
        self._stored: Iterator[memoryview] = iter(())
        self._rest = b""
        self._next = -1
        self._kept: tuple[int, bytes | None] = (-1, None)

    def read(self, number: int) -> bytes | None:
        """A piece of the archive; None when this place does not have it as it was dumped."""
        if self._kept[0] != number:
            self._kept = number, self._read(number)
        return self._kept[1]

    def _read(self, number: int) -> bytes | None:
        try:
            if number != self._next:
                self._open(number)
            stored = self._take(self._pieces.sizes[number])
            self._next = number + 1
        except PeerError:
            raise
        except (TaperoomError, OSError) as fault:
            self._next, self._rest = -1, b""
            if isinstance(fault, Stopped):
                raise
            return None
        return self._pieces.good(number, stored)

    def _open(self, number: int) -> None:
        assert self._place.open_at is not None
        header, self._stored = self._place.open_at(self._pieces.begins[number])
        self._rest = b""
        self._check(header)
        if kind_of(header) != self._pieces.kind:
            raise WorldError("RST021", "the dump is not packed as its index says", "")

    def _take(self, size: int) -> bytes:
        gathered, have = [self._rest], len(self._rest)
        while have < size and (piece := bytes(next(self._stored, b""))):
            self._count(self._place.text, len(piece))
            gathered.append(piece)
            have += len(piece)
        whole = b"".join(gathered)
        self._rest = whole[size:]
        return whole[:size]


def remains_of(
    site: Site, dump: Dump, places: Iterable[Place], count: Count, check: Callable[[Header], None],
) -> tuple[IndexReader, Remains] | None:
    """What can be had of a damaged dump, and its index, which is to be closed; None when nothing can be told apart."""
    file = index_file(site, dump)
    if file is None or file.suffix != SUFFIX:
        return None
    try:
        index = open_index(file)
    except (OSError, TaperoomError):
        return None
    try:
        pieces = pieces_of(site, dump, index)
        if pieces is not None and len(pieces.sums if not pieces.kind else pieces.sizes) == len(pieces.sizes):
            return index, Remains(pieces, index, places, count, check)
    except WorldError:
        pass
    index.close()
    return None
