"""What a program says on stderr is for eyes: it may be lost, and never ends the program.

stderr is often a log on the very file system that is full, or a pipe whose reader is gone.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys


class _Lossy(io.RawIOBase):
    """Writes what can be written."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        with contextlib.suppress(OSError):
            while view:
                view = view[os.write(2, view):]
        return memoryview(data).nbytes  # type: ignore[arg-type]


def lose_what_cannot_be_said() -> None:
    """Let writing to stderr always succeed from here on; names that are no UTF-8 are escaped."""
    sys.stderr = io.TextIOWrapper(_Lossy(), encoding="utf-8", errors="backslashreplace", write_through=True)
