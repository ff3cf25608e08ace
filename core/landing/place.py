"""Moving what was extracted to where it is wanted, and giving directories their looks.

Files are moved by rename within one file system, so each appears whole or not at all.  Nothing outside the two directories is
touched: a link in either is never followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from core.errors import WorldError
from core.landing.state import Look


class Below:
    """A directory in which names are reached by way of real directories only; those that were seen are remembered."""

    def __init__(self, root: bytes) -> None:
        self.root = root
        self._real: set[bytes] = set()

    def path(self, name: bytes) -> bytes:
        """Where a name is; ``b""`` is the directory itself."""
        return self.root + b"/" + name if name else self.root

    def check(self, name: bytes) -> None:
        """OSError unless everything above ``name`` is a directory itself."""
        parent = name.rpartition(b"/")[0]
        if not parent or parent in self._real:
            return
        self.check(parent)
        at = self.path(parent)
        if not stat.S_ISDIR(os.lstat(at).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), at)
        self._real.add(parent)

    def find(self, name: bytes) -> os.stat_result | None:
        """What is there, not through a link: a dump could have one that leads to files of this machine."""
        try:
            self.check(name)
            return os.lstat(self.path(name))
        except OSError:
            return None

    def make_above(self, name: bytes) -> None:
        """Make the directories above ``name`` that are not there.  OSError when one is something else."""
        parent = name.rpartition(b"/")[0]
        if not parent or parent in self._real:
            return
        self.make_above(parent)
        with contextlib.suppress(FileExistsError):
            os.mkdir(self.path(parent), 0o700)
        self.check(name)


def fault_of(error: OSError, otherwise: bytes) -> WorldError:
    """A file system that refuses, as a fault."""
    name = error.filename if error.filename is not None else otherwise
    return WorldError("RST025", f"{os.fsdecode(name)}: {error.strerror}",
                      "what is in its place stays; make room, or restore the rest elsewhere")


def look_of(at: bytes) -> Look | None:
    """How a directory looks; it is made passable, since what is in it will be moved out.  None when it is none."""
    found = os.lstat(at)
    if not stat.S_ISDIR(found.st_mode):
        return None
    if found.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        os.chmod(at, 0o700)  # or nobody but root could move out what is in it
    attributes: dict[str, bytes] = {}
    with contextlib.suppress(OSError):  # a file system without attributes
        attributes = {name: os.getxattr(at, name, follow_symlinks=False) for name in os.listxattr(at, follow_symlinks=False)}
    return Look(stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, found.st_atime_ns, found.st_mtime_ns, attributes)


def dress(at: bytes, look: Look | None) -> None:
    """Owner, attributes, mode and times, in the order in which one does not undo the other."""
    if look is None:
        os.chmod(at, 0o755)
        return
    if os.geteuid() == 0:
        os.chown(at, look.uid, look.gid)
    for name, value in look.attributes.items():
        # Some are the kernel's own and cannot be set; tar said so when it mattered.
        with contextlib.suppress(OSError):
            os.setxattr(at, name, value)
    os.chmod(at, look.mode)
    os.utime(at, ns=(look.atime, look.mtime))
