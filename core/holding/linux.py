"""Two hints to the kernel that Python's os does not have; where the C library lacks them, nothing happens.

Promises to change no byte and no size of a file, and never to raise.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

_WRITE = 2  # SYNC_FILE_RANGE_WRITE: begin, and do not wait
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE


def _call(*names: str) -> Callable[..., int] | None:
    try:
        library = ctypes.CDLL(None)
    except OSError:
        return None
    return next((getattr(library, name) for name in names if hasattr(library, name)), None)


_sync_file_range = _call("sync_file_range")
_fallocate = _call("fallocate64", "fallocate")


def write_back(fd: int, start: int, length: int) -> None:
    """Begin to write those bytes to the disk, so that a later sync has little left to do."""
    if _sync_file_range is not None:
        _sync_file_range(fd, ctypes.c_int64(start), ctypes.c_int64(length), ctypes.c_uint(_WRITE))


def allocate(fd: int, start: int, length: int) -> bool:
    """Find room for those bytes beyond the end of the file; whether it was done."""
    return _fallocate is not None and not _fallocate(fd, _KEEP_SIZE, ctypes.c_int64(start), ctypes.c_int64(length))
