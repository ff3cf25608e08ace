"""How much room a holding disk has for dumps, under its ``use`` rule (Amanda's holdingdisk `use`, man amanda.conf).

Promises KiB as the file system counts them for an ordinary user.  Does not know which dumps have been promised room:
that is the driver's account.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import WorldError
from core.model.site import HoldingDisk

_BLOCK = 4096
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_PROOF = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT})
"""What systems say to whom asks for a file without a name and cannot have one."""


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


def prove(path: Path, code: str = "HLD010", *, room: bool = False) -> None:
    """Write a block there, durably, in a file without a name, of which nothing can stay: a file system that became read-only
    by an error still says that it may be written.  One that knows no such files (NFS) passes, and one that is full unless
    ``room`` is wanted; WorldError ``code`` with the system's own words where it fails."""
    try:
        descriptor = os.open(path, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, bytes(_BLOCK))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as fault:
        if fault.errno in _NO_PROOF or (fault.errno in _FULL and not room):
            return
        hint = "Make room there." if fault.errno in _FULL else (
            "Look for errors of the device in the system's log, and whether its file system became read-only.")
        raise WorldError(code, f"{path}: a file cannot be written there: {fault.strerror}", hint) from fault
