"""Compression in frames that each stand alone, so that a restore may begin at any of them.  No I/O.

gzip: members of 1 MiB whose header has an extra field with the member's stored size and its size when unpacked; any gzip
reads them.  zstd: frames of 4 MiB, each after a skippable frame with the same two numbers; any zstd passes over that.
`FrameSizes` learns the sizes again from the stored stream as it goes by, hopping from head to head.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass

MEMBER = 1024 * 1024
"""Bytes before compression in one gzip member."""
ZSTD_FRAME = 4 * 1024 * 1024
"""Bytes before compression in one zstd frame: in smaller ones zstd finds a good deal less."""
GZIP, ZSTD = 1, 2
_RAW_DEFLATE = -15  # window bits that ask zlib for deflate's data and nothing around it
_ZSTD_LEVEL = 3
_GZIP_HEAD = struct.Struct("<4sIBBH2sHII")
_GZIP_MAGIC = b"\x1f\x8b\x08\x04"  # deflate, with an extra field
_GZIP_TAIL = struct.Struct("<II")
_OURS = b"TR"
_ZSTD_HEAD = struct.Struct("<IIII")
_SKIPPABLE = 0x184D2A5E
_SIZES = struct.Struct("<II")
_HEAD = _GZIP_HEAD.size
"""Bytes that are looked at where a frame begins; none of either kind is shorter."""

Compressor = Callable[[memoryview], bytes]
"""One frame of at most so many bytes as its kind has."""


def _member(body: bytes, crc: int, size: int) -> bytes:
    stored = _GZIP_HEAD.size + len(body) + _GZIP_TAIL.size
    head = _GZIP_HEAD.pack(_GZIP_MAGIC, 0, 0, 255, 12, _OURS, 8, stored, size)
    return b"".join((head, body, _GZIP_TAIL.pack(crc, size)))


def _isal(data: memoryview) -> bytes:
    return _member(_isal_zlib.compress(data, 1, _RAW_DEFLATE), _isal_zlib.crc32(data), len(data))


def _zlib_ng(data: memoryview) -> bytes:
    return _member(_ng.compress(data, 6, _RAW_DEFLATE), _ng.crc32(data), len(data))


def plain_zlib(level: int) -> Compressor:
    """Where neither isal nor zlib-ng is: the same ratio, two to four times slower."""
    def pack(data: memoryview) -> bytes:
        return _member(zlib.compress(data, level, _RAW_DEFLATE), zlib.crc32(data), len(data))
    return pack


try:
    from isal import isal_zlib as _isal_zlib

    FAST: Compressor = _isal
except ImportError:  # pragma: no cover - the development environment has it
    FAST = plain_zlib(1)

try:
    from zlib_ng import zlib_ng as _ng

    BEST: Compressor = _zlib_ng
except ImportError:  # pragma: no cover - the development environment has it
    BEST = plain_zlib(6)


@dataclass(frozen=True, slots=True)
class Packing:
    """How to make frames of one kind: from so many bytes at once, by that function."""

    unit: int
    pack: Compressor


GZIP_FAST, GZIP_BEST = Packing(MEMBER, FAST), Packing(MEMBER, BEST)


def zstd_for(program: str) -> Packing | None:
    """Frames as that program would make them, if it is the system's zstd, and Python has zstd as well."""
    if program not in ("zstd", "/bin/zstd", "/usr/bin/zstd", "/usr/local/bin/zstd"):
        return None
    try:
        import zstandard
    except ImportError:
        return None

    def pack(data: memoryview) -> bytes:
        # A compressor is not to be shared by threads, and a new one costs nothing beside 4 MiB.
        frame = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True, write_content_size=True).compress(data)
        return _ZSTD_HEAD.pack(_SKIPPABLE, 8, _ZSTD_HEAD.size + len(frame), len(data)) + frame

    return Packing(ZSTD_FRAME, pack)


class FrameSizes:
    """The frames of a stored stream, learnt as it goes by.  ``kind`` 0: it has none, or nothing came yet."""

    def __init__(self) -> None:
        self.kind = 0
        self.unit = 0
        """Bytes in a frame when it is unpacked, but for the last one."""
        self.sizes: array[int] = array("I")
        """Stored bytes of each frame, head included."""
        self._known = True
        self._short = False
        self._skip = 0
        self._head = bytearray()

    @property
    def whole(self) -> bool:
        """Whether every byte so far belongs to a whole frame."""
        return self._known and self.kind != 0 and not self._skip and not self._head

    def feed(self, data: memoryview) -> None:
        """The next piece of the stream, of any size."""
        at, end = 0, len(data)
        while self._known and at < end:
            if self._skip:
                size = min(self._skip, end - at)
                self._skip -= size
                at += size
                continue
            size = min(_HEAD - len(self._head), end - at)
            self._head += data[at:at + size]
            at += size
            if len(self._head) == _HEAD:
                self._known = self._begin(bytes(self._head))
                self._head.clear()

    def _begin(self, head: bytes) -> bool:
        """A frame begins with ``head``; whether it is one that may stand here."""
        kind, stored, size = frame_head(head)
        if not self.kind:
            self.kind, self.unit = kind, size
        # Only the last one may be shorter: from then on there must be no other.
        if not kind or kind != self.kind or not 0 < size <= self.unit or stored < _HEAD or self._short:
            return False
        self._short = size < self.unit
        self.sizes.append(stored)
        self._skip = stored - _HEAD
        return True


def frame_head(head: bytes) -> tuple[int, int, int]:
    """Of the first bytes of a frame: its kind, its stored bytes, its bytes when unpacked; kind 0 when it is none of ours."""
    if head[:4] == _GZIP_MAGIC and head[10:16] == b"\x0c\0" + _OURS + b"\x08\0":
        return (GZIP, *_SIZES.unpack_from(head, 16))
    if head[:8] == _SIZES.pack(_SKIPPABLE, 8):
        return (ZSTD, *_SIZES.unpack_from(head, 8))
    return 0, 0, 0
