"""Where in the stored data of a compressed dump each independent frame begins.  Pure.

Every frame unpacks to the same number of bytes, the last one perhaps to fewer, so only the stored sizes are kept.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

GZIP, ZSTD = 1, 2


@dataclass(frozen=True, slots=True)
class FrameTable:
    """``kind``: `GZIP` or `ZSTD`; ``unit``: bytes in a frame when unpacked; ``sizes``: stored bytes of each, in order."""

    kind: int
    unit: int
    sizes: array[int] = field(default_factory=lambda: array("I"))

    def frame_of(self, offset: int) -> int:
        """The number of the frame that has byte ``offset`` of the unpacked archive."""
        return offset // self.unit

    def begin(self, frame: int) -> int:
        """At which stored byte a frame begins; for the number after the last one, how many bytes there are."""
        return sum(self.sizes[:frame])

    def __len__(self) -> int:
        return len(self.sizes)
