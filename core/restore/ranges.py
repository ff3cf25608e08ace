"""Reading only those parts of a dump that have the chosen members, which its index says where to find.

Nothing is believed without a look: at each offset there must be the header of a member with the right name, each frame of a
compressed dump has a checksum of its own, and whoever calls falls back to reading the whole dump when anything is odd.  Of a
dump that is stored as it is whole MiB are read, so that they can be compared with the checksums of its own day.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from core.catalogue.queries import Dump
from core.errors import TaperoomError, WorldError
from core.holding.header import Header
from core.index.frames import GZIP, ZSTD, FrameTable
from core.index.reader import SUFFIX, IndexReader, open_index
from core.index.record import Mark
from core.model.framesums import FRAME, KeptSums
from core.model.site import Site
from core.restore.indexfile import index_file
from core.restore.kept import Compared, read_sums
from core.restore.source import Place
from core.restore.tarstream import TarStream
from core.restore.unpack import gzip, packed_by_zstd

SMALL = 4 * 1024 * 1024
"""Bytes of a dump that is rather read as a whole: that takes no time, and its checksum is compared."""
GAP = 256 * 1024
"""Bytes of the archive between two members that are rather read than jumped over."""
MANY = 1000
"""Names of which it is asked whether they are not better found by reading everything."""
_HEADERS = 2048  # bytes that a member has besides its data, as an estimate
_ZSTD_HEAD = 16
_DAMAGED = "this copy is damaged; another one is taken where there is one"
Count = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Ranges:
    """``offsets``: where each wanted member begins in the archive; ``frames`` of the stored data, None when it is the archive
    itself, ``sums`` of which are known or not; ``size``: about so many stored bytes are read, and ``spans`` says from which to
    which."""

    offsets: Mapping[bytes, int]
    frames: FrameTable | None
    sums: KeptSums | None
    size: int
    spans: tuple[tuple[int, int], ...]

    def feed(
        self, place: Place, stream: TarStream, count: Count, check: Callable[[Header], None], proved: Callable[[int], None]
    ) -> None:
        """Feed a tar stream with the members, one after the other, as they stand in the archive.

        ``check`` is shown the header before any data; ``proved`` hears of each byte of the archive up to which what was read is
        compared.  WorldError when the place has not what the index says.
        """
        at, rest = -1, memoryview(b"")
        pieces: Iterator[memoryview] = iter(())
        compared: Compared | None = None
        for offset in sorted(set(self.offsets.values())):
            if at < 0 or not 0 <= offset - at <= self._near(at, compared):
                if compared is not None:
                    compared.to_the_end_of_the_frame()
                at, rest = offset - (offset % FRAME if self.sums is not None else 0), memoryview(b"")
                pieces = self._archive(place, at, count, check, proved)
                if self.sums is not None:
                    compared = Compared(self.sums, pieces, at, place.text, proved)
                    pieces = iter(compared)
            members, gap = stream.members + 1, offset - at
            while stream.members < members or not stream.idle:
                if not len(rest):
                    rest = next(pieces, memoryview(b""))
                    if not len(rest) or stream.ended:
                        raise WorldError("RST020", "the dump ends before a file that its index names", _DAMAGED)
                if gap:
                    size = min(gap, len(rest))
                    gap -= size
                else:
                    size = stream.feed(rest, members=members)
                    if not size:
                        raise WorldError("RST020", "the dump ends before a file that its index names", _DAMAGED)
                rest, at = rest[size:], at + size
        if compared is not None:
            compared.to_the_end_of_the_frame()

    def _near(self, at: int, compared: Compared | None) -> int:
        """How far to the next member from byte ``at`` it is rather read than jumped: also what has to be read anyway."""
        return GAP if compared is None else max(GAP, -(-compared.at // FRAME) * FRAME - at)

    def _archive(
        self, place: Place, offset: int, count: Count, check: Callable[[Header], None], proved: Callable[[int], None]
    ) -> Iterator[memoryview]:
        """The archive from byte ``offset`` on."""
        assert place.open_at is not None
        frames = self.frames
        number = frames.frame_of(offset) if frames is not None else 0
        header, stored = place.open_at(offset if frames is None else frames.begin(number))
        check(header)
        if kind_of(header) != (frames.kind if frames is not None else 0):
            raise WorldError("RST021", "the dump is not packed as its index says", _DAMAGED)

        def counted() -> Iterator[memoryview]:
            for piece in stored:
                count(place.text, len(piece))
                yield piece

        return counted() if frames is None else _unpacked(counted(), frames, number, offset - number * frames.unit, proved)


def kind_of(header: Header) -> int:
    """Which kind of frames a dump may have, 0 for one that is stored as it is, −1 for one that cannot be read in parts."""
    filters = header.filters
    if filters.server_encrypt or filters.client_encrypt or filters.crypt not in ("", "N"):
        return -1
    if header.comp in ("N", ""):
        return 0
    if header.comp == ".gz":
        return GZIP
    return ZSTD if packed_by_zstd(header) else -1


def ranges_of(
    site: Site, dump: Dump, paths: Collection[bytes], known: Mapping[bytes, tuple[int, int]] | None = None
) -> Ranges | None:
    """What to read of a dump for ``paths``; None when its index does not tell, or when reading it all is as good.

    ``known``: offset and size of some of them.  With it the rest of a dump is wanted, and no more than that is read.
    """
    file = index_file(site, dump)
    if file is None or file.suffix != SUFFIX or dump.size * 1024 <= SMALL:
        return None
    try:
        with open_index(file) as index:
            sums = read_sums(site, dump, closely=False)[0] if index.frames is None else None
            return _ranges(index, dump, paths, sums if sums is not None and sums.frames else None, known)
    except (OSError, TaperoomError):
        return None  # whoever browsed by it has said so


def _ranges(
    index: IndexReader, dump: Dump, paths: Collection[bytes], sums: KeptSums | None,
    known: Mapping[bytes, tuple[int, int]] | None,
) -> Ranges | None:
    offsets: dict[bytes, int] = {}
    ends: list[tuple[int, int]] = []
    wanted, most = 0, max(dump.orig, dump.size) * 1024 // 2
    if known is None and len(paths) > MANY and index.count < 4 * len(paths):
        return None
    for path in sorted(paths):
        place = known.get(path) if known is not None else None
        if place is None:
            record = index.find(path)
            if record is None or record.mark is Mark.PRESENT or record.offset < 0:
                return None
            # What a sparse file takes in the archive is not known, only that its holes take nothing.
            place = record.offset, record.size if record.size > 0 and record.kind != "s" else 0
        offset, size = place
        offsets[path] = offset
        ends.append((offset, offset + size + _HEADERS))
        wanted += size + _HEADERS
        if known is None and wanted > most:
            return None
    frames = index.frames
    if frames is None:
        spans = _merged(ends, FRAME if sums is not None else 1)
        return Ranges(offsets, None, sums, sum(end - begin for begin, end in spans) if sums is not None else wanted, spans)
    touched = {number for begin, end in ends for number in range(frames.frame_of(begin), frames.frame_of(end) + 1)}
    begins = [0, *accumulate(frames.sizes)]
    spans = tuple((begins[number], begins[number + 1]) for number in sorted(touched) if number < len(frames))
    return Ranges(offsets, frames, None, sum(end - begin for begin, end in spans), spans)


def _merged(spans: Collection[tuple[int, int]], unit: int) -> tuple[tuple[int, int], ...]:
    """Spans in their order, each widened to whole units, those that touch as one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted((begin // unit * unit, -(-end // unit) * unit) for begin, end in spans):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return tuple(found)


def _unpacked(
    stored: Iterator[memoryview], frames: FrameTable, number: int, skip: int, proved: Callable[[int], None]
) -> Iterator[memoryview]:
    """The frames from ``number`` on, without the first ``skip`` bytes."""
    rest = b""
    for size in frames.sizes[number:]:
        gathered, have = [rest], len(rest)
        while have < size:
            piece = bytes(next(stored, b""))
            if not piece:
                raise WorldError("RST021", "the dump cannot be unpacked: it ends too early", _DAMAGED)
            gathered.append(piece)
            have += len(piece)
        whole = b"".join(gathered)
        frame, rest = whole[:size], whole[size:]
        raw = unpack_frame(frames.kind, frame, frames.unit)
        proved(number * frames.unit + len(raw))
        yield memoryview(raw)[skip:]
        skip, number = 0, number + 1


def unpack_frame(kind: int, frame: bytes, unit: int) -> bytes:
    """A frame of at most ``unit`` bytes unpacked.  WorldError RST021 when it is damaged."""
    return _gunzip(frame, unit) if kind == GZIP else _unzstd(frame, unit)


def _gunzip(frame: bytes, unit: int) -> bytes:
    try:
        unpacker = gzip.decompressobj(31)
        raw: bytes = unpacker.decompress(frame, unit + 1)
    except (zlib.error, gzip.error) as fault:
        raise WorldError("RST021", f"the dump cannot be unpacked: gzip: {fault}", _DAMAGED) from fault
    if not unpacker.eof or unpacker.unused_data or len(raw) > unit:
        raise WorldError("RST021", "the dump cannot be unpacked: a frame is not what its index says", _DAMAGED)
    return raw


def _unzstd(frame: bytes, unit: int) -> bytes:
    import zstandard

    unpacker: Any = zstandard.ZstdDecompressor()
    try:
        raw: bytes = unpacker.decompress(frame[_ZSTD_HEAD:], max_output_size=unit)
    except zstandard.ZstdError as fault:
        raise WorldError("RST021", f"the dump cannot be unpacked: zstd: {fault}", _DAMAGED) from fault
    if len(raw) > unit:
        raise WorldError("RST021", "the dump cannot be unpacked: a frame is not what its index says", _DAMAGED)
    return raw
