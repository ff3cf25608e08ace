"""Reading only those parts of a dump that have the chosen members, which its index says where to find.

Nothing is believed without a look: at each offset there must be the header of a member with the right name, each frame of a
compressed dump has a checksum of its own, and whoever calls falls back to reading the whole dump when anything is odd.
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
from core.model.site import Site
from core.restore.indexfile import index_file
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
    itself; ``size``: about so many stored bytes are read, and ``spans`` says from which to which."""

    offsets: Mapping[bytes, int]
    frames: FrameTable | None
    size: int
    spans: tuple[tuple[int, int], ...]

    def feed(self, place: Place, stream: TarStream, count: Count, check: Callable[[Header], None]) -> None:
        """Feed a tar stream with the members, one after the other, as they stand in the archive.

        ``check`` is shown the header before any data.  WorldError when the place has not what the index says.
        """
        assert place.open_at is not None
        at, rest = -1, memoryview(b"")
        pieces: Iterator[memoryview] = iter(())
        for offset in sorted(set(self.offsets.values())):
            if at < 0 or not 0 <= offset - at <= GAP:
                pieces, rest, at = self._archive(place, offset, count, check), memoryview(b""), offset
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

    def _archive(self, place: Place, offset: int, count: Count, check: Callable[[Header], None]) -> Iterator[memoryview]:
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

        return counted() if frames is None else _unpacked(counted(), frames, number, offset - number * frames.unit)


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


def ranges_of(site: Site, dump: Dump, paths: Collection[bytes]) -> Ranges | None:
    """What to read of a dump for ``paths``; None when its index does not tell, or when reading it all is as good."""
    file = index_file(site, dump)
    if file is None or file.suffix != SUFFIX or dump.size * 1024 <= SMALL:
        return None
    try:
        with open_index(file) as index:
            return _ranges(index, dump, paths)
    except (OSError, TaperoomError):
        return None  # whoever browsed by it has said so


def _ranges(index: IndexReader, dump: Dump, paths: Collection[bytes]) -> Ranges | None:
    offsets: dict[bytes, int] = {}
    ends: list[tuple[int, int]] = []
    wanted, most = 0, max(dump.orig, dump.size) * 1024 // 2
    if len(paths) > MANY and index.count < 4 * len(paths):
        return None
    for path in sorted(paths):
        record = index.find(path)
        if record is None or record.mark is Mark.PRESENT or record.offset < 0:
            return None
        offsets[path] = record.offset
        # What a sparse file takes in the archive is not known, only that its holes take nothing.
        size = (record.size if record.size > 0 and record.kind != "s" else 0) + _HEADERS
        ends.append((record.offset, record.offset + size))
        wanted += size
        if wanted > most:
            return None
    frames = index.frames
    if frames is None:
        return Ranges(offsets, None, wanted, tuple(sorted(ends)))
    touched = {number for begin, end in ends for number in range(frames.frame_of(begin), frames.frame_of(end) + 1)}
    begins = [0, *accumulate(frames.sizes)]
    spans = tuple((begins[number], begins[number + 1]) for number in sorted(touched) if number < len(frames))
    return Ranges(offsets, frames, sum(end - begin for begin, end in spans), spans)


def to_read(site: Site, dump: Dump, paths: Collection[bytes]) -> tuple[int, tuple[tuple[int, int], ...] | None]:
    """About how many stored bytes a restore of ``paths`` reads of a dump, and which; None: all of them."""
    ranges = ranges_of(site, dump, paths)
    return (ranges.size, ranges.spans) if ranges is not None else (dump.size * 1024, None)


def _unpacked(stored: Iterator[memoryview], frames: FrameTable, number: int, skip: int) -> Iterator[memoryview]:
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
        raw = _gunzip(frame, frames.unit) if frames.kind == GZIP else _unzstd(frame, frames.unit)
        yield memoryview(raw)[skip:]
        skip = 0


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
