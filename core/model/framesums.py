"""A checksum for each MiB of a dump's archive, taken while it passes by for the first time.

Promises that each byte is summed once: the CRC-32C of the whole follows from those of the frames.  With them a restore can
be compared, years later and frame by frame, with what the dump program said then, whatever compressed and stored it.
`encode` and `decode` are the file ``<stamp>_<level>.crcs`` (docs/formats/checksums.md).  Pure; who has a `crc32c` gives it.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from core.model.crc_tail import crc_moved
from core.model.dump import Crc

FRAME = 1 << 20
"""Bytes of the archive under one checksum."""
MOST = 1 << 24
"""Frames that are kept, 16 TiB of archive; a larger dump has no checksums of frames, only that of the whole."""
_MAGIC = b"TAPEROOM-CRCS-1\n"
_HEAD = struct.Struct("<16sIIQI")
"""Magic, bytes a frame, how many frames, bytes in all, CRC-32C of all."""
_WORD = struct.Struct("<I")

Crc32c = Callable[[memoryview, int], int]


class Sums(Protocol):
    """What is known of an archive: its CRC and those of its frames."""

    @property
    def crc(self) -> Crc:
        """The whole."""

    @property
    def frames(self) -> array[int]:
        """One CRC-32C for each `FRAME` bytes, the last for what was left; empty where there were too many."""


@dataclass(frozen=True, slots=True)
class KeptSums:
    """Sums as they were read from a file."""

    crc: Crc
    frames: array[int]


class FrameSums:
    """Sums in the making: show it the archive with `add`."""

    def __init__(self, crc32c: Crc32c) -> None:
        self._crc32c = crc32c
        self._done = array("I")
        self._whole = 0     # the CRC of all frames that are complete
        self._frame = 0     # of the one under way
        self._filled = 0    # bytes of it
        self._count = 0

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._count * FRAME + self._filled

    @property
    def complete(self) -> int:
        """How many frames are complete."""
        return self._count

    def was(self, number: int) -> int:
        """The CRC-32C of a complete frame that is kept."""
        return self._done[number]

    def add(self, piece: memoryview) -> None:
        """Take the next bytes."""
        at, size = 0, len(piece)
        while at < size:
            part = piece[at:at + FRAME - self._filled] if self._filled or at or size > FRAME else piece
            self._frame = self._crc32c(part, self._frame)
            self._filled += len(part)
            at += len(part)
            if self._filled == FRAME:
                self._whole = self._frame ^ crc_moved(self._whole, FRAME)
                if self._count < MOST:
                    self._done.append(self._frame)
                self._count += 1
                self._frame = self._filled = 0

    @property
    def crc(self) -> Crc:
        """Of everything so far."""
        return Crc(self._frame ^ crc_moved(self._whole, self._filled), self.size)

    @property
    def frames(self) -> array[int]:
        """Of each frame so far, the last one as far as it came; empty when there were too many to keep."""
        if self._count + bool(self._filled) > MOST:
            return array("I")
        return self._done + array("I", [self._frame] * bool(self._filled))


def frames_of(size: int) -> int:
    """How many frames so many bytes have."""
    return -(-size // FRAME)


def whole_of(frames: array[int], size: int) -> int:
    """The CRC-32C of ``size`` bytes whose frames have those."""
    whole = 0
    for number, frame in enumerate(frames):
        whole = frame ^ crc_moved(whole, min(FRAME, size - number * FRAME))
    return whole


def wrong_frames(now: Sums, then: Sums) -> list[int]:
    """The numbers of the frames that are not what they were; those that only one of them has count, too."""
    most = max(len(now.frames), len(then.frames))
    return [n for n in range(most) if now.frames[n:n + 1] != then.frames[n:n + 1] or (
        n == most - 1 and now.crc.size != then.crc.size)]


def encode(sums: Sums) -> bytes:
    """The bytes of the file."""
    frames = sums.frames
    head = _HEAD.pack(_MAGIC, FRAME, len(frames), sums.crc.size, sums.crc.value)
    return head + _little(frames).tobytes()


def sealed(data: bytes, crc32c: Crc32c) -> bytes:
    """``data`` of `encode` with its own CRC-32C at its end, as it is stored."""
    return data + _WORD.pack(crc32c(memoryview(data), 0))


def decode(data: bytes, crc32c: Crc32c, *, closely: bool = True) -> KeptSums:
    """The sums in a file's bytes.  ValueError says what is wrong with them.  ``closely``: also whether they give the checksum
    of the whole, which takes a moment for many; their own seal is looked at in any case."""
    body = memoryview(data)[:-_WORD.size]
    if len(data) < _HEAD.size + _WORD.size or _WORD.unpack(data[-_WORD.size:])[0] != crc32c(body, 0):
        raise ValueError("they do not give their own checksum")
    magic, frame, count, size, value = _HEAD.unpack_from(data)
    if magic != _MAGIC or frame != FRAME:
        raise ValueError("they are of another version")
    if len(body) != _HEAD.size + 4 * count or count not in (0, frames_of(size)):
        raise ValueError("their number is wrong")
    frames = array("I")
    frames.frombytes(body[_HEAD.size:])
    frames = _little(frames)
    if closely and count and whole_of(frames, size) != value:
        raise ValueError("they do not give the checksum of the whole")
    return KeptSums(Crc(value, size), frames)


def _little(frames: array[int]) -> array[int]:
    if sys.byteorder == "little":
        return frames
    swapped = array("I", frames)
    swapped.byteswap()
    return swapped
