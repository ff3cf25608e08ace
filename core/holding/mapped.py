"""A stretch of a file that is in memory as the kernel has it, and where it lies in that file.

What the kernel copies from file to file need not pass through a program; to be summed it need only be looked at.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass

MOST = 8 * 1024 * 1024
"""Bytes mapped at once, from one multiple of it to the next, where the kernel shows a page of 2 MiB in one go: a fifth quicker
than as many bytes from anywhere.  They count as the program's own while it looks at them."""
_LARGE_PAGE = 2 * 1024 * 1024
LEAST = 1024 * 1024
"""For less, reading is as quick."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The open file ``fd`` from byte ``offset`` on."""

    fd: int
    offset: int

    def moved(self, by: int) -> Origin:
        """So many bytes further on."""
        return Origin(self.fd, self.offset + by)


def mapped(fd: int, offset: int, most: int) -> memoryview | None:
    """Up to ``most`` bytes of the file from ``offset`` on; None where it cannot be mapped, or is too short for that.

    The mapping goes away with the last view of it.  Whoever looks at it must know that the bytes can be read: a file that
    becomes shorter, or a disk that cannot read, kills a process that looks.
    """
    before = offset % _LARGE_PAGE
    length = MOST - offset % MOST
    length = min(most, length if length >= LEAST else length + MOST)
    if length < LEAST:
        return None
    try:
        found = mmap.mmap(fd, length + before, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ, offset=offset - before)
    except (OSError, ValueError):
        return None
    return memoryview(found)[before:]
