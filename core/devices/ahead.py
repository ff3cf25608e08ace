"""Room ahead of a growing file, and its data on the way to the disk before anybody waits for it.

Both are advice to the kernel: a system or a file system that cannot do it only makes writing slower.  Measured with
2 GiB in parts of 256 MiB on ext4, durable: 0.69 s with both, 1.1 s with either alone, 1.2 s with neither; `cp`
without making it durable 0.84 s.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

FIRST = 1024 * 1024
"""Bytes up to which a file is left alone: small parts are not worth the calls."""
RESERVED = 64 * 1024 * 1024
WRITTEN = 8 * 1024 * 1024
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE
_START_WRITING = 2  # SYNC_FILE_RANGE_WRITE

_Call = Callable[[int, int, int, int], int]


def _load(name: str, *kinds: type[ctypes._SimpleCData[int]]) -> _Call | None:
    try:
        call = ctypes.CDLL(None)[name]
    except (OSError, AttributeError):
        return None
    call.argtypes, call.restype = kinds, ctypes.c_int
    found: _Call = call
    return found


_fallocate = _load("fallocate", ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
_sync_file_range = _load("sync_file_range", ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


class Ahead:
    """For one file that is written from its start to its end."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._reserved = self._started = 0
        self._next = FIRST

    def grown(self, size: int) -> None:
        """The file has ``size`` bytes now."""
        if size < self._next:
            return
        if _fallocate is not None and size + WRITTEN > self._reserved >= 0:
            wanted = max(size, self._reserved)
            if _fallocate(self._fd, _KEEP_SIZE, wanted, RESERVED) == 0:
                self._reserved = wanted + RESERVED
            else:
                self._reserved = -1  # no room, or a file system that cannot: never mind
        if _sync_file_range is not None and size - self._started >= WRITTEN:
            _sync_file_range(self._fd, self._started, size - self._started, _START_WRITING)
            self._started = size
        self._next = size + WRITTEN

    def ended(self, size: int) -> None:
        """The file has all its bytes; give back what was reserved beyond them.  OSError."""
        if self._reserved > size or self._reserved < 0:
            os.ftruncate(self._fd, size)
