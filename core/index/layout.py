"""The bytes of an index file: columns of whole numbers, blobs with their checksums, the footer.  Pure.

The page `docs/formats/index.md` describes them for people.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import zstandard

from core.errors import WorldError
from core.model.crc32c import crc32c

MAGIC = b"TRINDEX1"
"""The first eight bytes of the file, the last one its version, and the last eight of it."""
LEVEL = 3
MAX_BLOB = 1 << 28
"""Bytes of a blob when unpacked: more is no index of ours."""
_CRC = struct.Struct("<I")
_CODES = "bhiq"
_LEAST = {code: -(1 << (8 * array(code).itemsize - 1)) for code in _CODES}
_FOOTER = struct.Struct("<IQQQQQQQQ")
EXACT, RENAMES, FRAMES = 1, 2, 4
"""Flags: the PRESENT names are complete; the renames are told; there is a table of frames."""


@dataclass(frozen=True, slots=True)
class Footer:
    """What the end of the file says: flags, names, groups of them, and where three blobs are (byte, length)."""

    flags: int
    count: int
    groups: int
    table: tuple[int, int]
    renames: tuple[int, int]
    frames: tuple[int, int]

    def pack(self) -> bytes:
        """Its bytes, with their checksum and the magic."""
        body = _FOOTER.pack(self.flags, self.count, self.groups, *self.table, *self.renames, *self.frames)
        return body + _CRC.pack(crc32c(body)) + MAGIC


FOOTER_SIZE = _FOOTER.size + _CRC.size + len(MAGIC)


def read_footer(data: bytes) -> Footer | None:
    """The footer in the last `FOOTER_SIZE` bytes of a file; None when they are none."""
    body = data[:_FOOTER.size]
    if len(data) != FOOTER_SIZE or data[-len(MAGIC):] != MAGIC or _CRC.unpack_from(data, _FOOTER.size)[0] != crc32c(body):
        return None
    flags, count, groups, *places = _FOOTER.unpack(body)
    return Footer(flags, count, groups, (places[0], places[1]), (places[2], places[3]), (places[4], places[5]))


class Packer:
    """Makes blobs: a checksum, then a zstd frame that tells its size."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdCompressor(level=LEVEL, write_content_size=True, write_checksum=False)

    def pack(self, raw: bytes) -> bytes:
        """``raw`` as a blob."""
        packed = self._zstd.compress(raw)
        return _CRC.pack(crc32c(packed)) + packed


class Unpacker:
    """Reads blobs.  ``name`` is the file's, for people."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._zstd = zstandard.ZstdDecompressor()

    def unpack(self, blob: bytes, at: int) -> bytes:
        """What is in a blob that stands at byte ``at``.  WorldError RST018 when it is damaged."""
        packed = blob[_CRC.size:]
        if len(blob) <= _CRC.size or _CRC.unpack_from(blob)[0] != crc32c(packed):
            raise self.damaged(at, "its checksum is wrong")
        try:
            if not 0 <= zstandard.frame_content_size(packed) <= MAX_BLOB:
                raise self.damaged(at, "it is larger than a part of an index can be")
            return self._zstd.decompress(packed)
        except zstandard.ZstdError as fault:
            raise self.damaged(at, f"zstd: {fault}") from fault

    def damaged(self, at: int, why: str) -> WorldError:
        """The fault to be raised for what stands at byte ``at``."""
        return WorldError("RST018", f"{self._name}: is damaged at byte {at}: {why}",
                          "it is only a list: the dump itself has all names")


def put_numbers(values: Sequence[int]) -> bytes:
    """A column: the letter of the narrowest type that holds all, how many there are, and they, low byte first.

    OverflowError for a number of more than 64 bits.
    """
    low, high = min(values, default=0), max(values, default=0)
    code = next((code for code in _CODES if _LEAST[code] <= low and high < -_LEAST[code]), "q")
    column = array(code, values)
    if sys.byteorder == "big":  # pragma: no cover - no such machine here
        column.byteswap()
    return struct.pack("<cI", code.encode(), len(values)) + column.tobytes()


def take_numbers(raw: bytes, at: int) -> tuple[array[int], int]:
    """The column at byte ``at``, and where it ends.  ValueError when there is none."""
    if len(raw) < at + 5 or raw[at:at + 1] not in (b"b", b"h", b"i", b"q"):
        raise ValueError("a column is not there")
    code, count = raw[at:at + 1].decode(), int.from_bytes(raw[at + 1:at + 5], "little")
    column = array(code)
    end = at + 5 + count * column.itemsize
    if end > len(raw):
        raise ValueError("a column is cut short")
    column.frombytes(raw[at + 5:end])
    if sys.byteorder == "big":  # pragma: no cover - no such machine here
        column.byteswap()
    return column, end
