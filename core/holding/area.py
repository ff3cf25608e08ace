"""How much room a holding disk has for dumps, under its ``use`` rule (Amanda's holdingdisk `use`, man amanda.conf).

Promises KiB as the file system counts them for an ordinary user.  Does not know which dumps have been promised room:
that is the driver's account.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import WorldError
from core.model.site import HoldingDisk


@dataclass(frozen=True, slots=True)
class Area:
    """One holding disk now, in KiB: size of its file system, what is free there, and what dumps may still take."""

    path: Path
    total: int
    free: int
    usable: int


def usable_kib(use: int, free: int, occupied: int) -> int:
    """KiB that dumps may still take: ``use`` 0 all that is free, negative all but that much, positive that much in all.

    ``occupied`` KiB of dumps are there already; they count against a positive ``use``.
    """
    if use > 0:
        return max(0, min(free, use - occupied))
    return max(0, free + use)


def measure(disk: HoldingDisk, *, occupied: int = 0) -> Area:
    """The room of ``disk``, where dumps take ``occupied`` KiB already.  HLD010 when its directory cannot be used."""
    try:
        found = os.statvfs(disk.path)
    except OSError as fault:
        raise WorldError("HLD010", f"{disk.path}: {fault.strerror}",
                         "Create the directory or mount its file system.") from fault
    if not disk.path.is_dir() or not os.access(disk.path, os.W_OK | os.X_OK):
        raise WorldError("HLD010", f"{disk.path}: is no directory that this user may write to")
    free = found.f_bavail * found.f_frsize // 1024
    return Area(disk.path, found.f_blocks * found.f_frsize // 1024, free, usable_kib(disk.use, free, occupied))
