"""Cutting a dump into parts: how long the next one may be.

Pure arithmetic with Amanda's rules (perl/Amanda/Taper/Scribe.pm for the part size, device-src/vfs-device.c for the
early warning): a part size is rounded up to whole blocks, and the early warning comes with the first block after
which fewer than four blocks are left.  That block is still written.  Sizes are bytes unless a name says KiB.
"""

from __future__ import annotations

from core.devices.contract import BLOCK, UNLIMITED
from core.holding.header import HEADER_SIZE

RESERVED_BLOCKS = 4
"""Blocks that are kept free for the end of a volume."""
SMALLEST_VOLUME = 2 * HEADER_SIZE + RESERVED_BLOCKS * BLOCK
"""Bytes of the smallest capacity that takes data: a label and a part's header without early warning."""


def part_size_of(part_kib: int) -> int:
    """Bytes of a full part for a configured size in KiB; 0 or less does not split."""
    if part_kib <= 0:
        return UNLIMITED
    return -(-part_kib * 1024 // BLOCK) * BLOCK


def room_by_capacity(used: int, capacity: int) -> int:
    """Data bytes of the next part up to and with the block that brings the early warning.

    ``used`` bytes are on the volume, label included; ``capacity`` 0 or less has no end.  0: a header alone would
    bring the warning, so no part is begun.
    """
    if capacity <= 0:
        return UNLIMITED
    spare = capacity - RESERVED_BLOCKS * BLOCK - used - HEADER_SIZE
    if spare < 0:
        return 0
    return (spare // BLOCK + 1) * BLOCK


def room_by_free(free: int) -> int:
    """Data bytes of the next part on a file system with ``free`` bytes; the reserve stays free, too."""
    spare = free - RESERVED_BLOCKS * BLOCK - HEADER_SIZE
    return max(0, spare // BLOCK * BLOCK)


def next_part_length(part_size: int, room: int) -> int:
    """Bytes after which the part is to be closed: a full part, or what the volume has room for."""
    return min(part_size, room)
