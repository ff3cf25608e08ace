"""The snapshot of a full dump, written before GNU tar runs: tar then has nothing to do but to pack.

Told to make the snapshot itself, tar looks at each file twice more, which for many small files is a fifth of all the time
that a dump takes.  Promises, where nothing changes meanwhile, what tar itself would write (GNU tar manual, "Format of the
Incremental Snapshot Files", version 2), which is what the next incremental goes on from; and like tar's it tells of the time
before the first file was read, so what changes later is in the next dump.  It is for whole disks only: what a pattern leaves
out or what lies on another file system only tar judges as tar does.
"""

from __future__ import annotations

import errno
import os
from typing import IO

_FORMAT = b"GNU tar-1.34-2\n"
"""Of the version tar reads the 2 alone."""
_NS = 10**9
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_DEEPEST = 200
"""Directories open at once: what lies deeper is left to tar."""
_MOST = 200_000
"""Names in one directory, which are all in memory for a moment: what has more is left to tar."""


def write_first(top: int, file: IO[bytes], began: int) -> bool:
    """Write of everything below the open directory ``top`` what a dump of it that began at ``began`` (ns since the epoch)
    leaves to the next one; False, with something or nothing written, where tar had better do it: a part cannot be read, or is
    another file system."""
    try:
        if _mounted_below(os.readlink(f"/proc/self/fd/{top}")):
            return False
        # As tar does it, no trace of the reading is left where that is allowed.
        flags = _FLAGS | (os.O_NOATIME if os.geteuid() == 0 else 0)
        directory = os.open(".", flags, dir_fd=top)
        file.write(_FORMAT + b"%d\0%d\0" % divmod(began, _NS))
        _Walk(os.fstat(top).st_dev, flags, file).enter(directory, b".", _DEEPEST)
    except OSError:
        return False
    return True


class _Walk:
    """From directory to directory, each opened in the one above, so that no link leads out of them."""

    def __init__(self, device: int, flags: int, file: IO[bytes]) -> None:
        self._device = device
        self._flags = flags
        self._file = file

    def enter(self, directory: int, name: bytes, deeper: int) -> None:
        """Write of an open directory and of all below it, and close it.  OSError where that is tar's affair."""
        try:
            found = os.fstat(directory)
            if found.st_dev != self._device or not deeper:
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            names, below = _names(directory)
            self._file.write(b"0\0%d\0%d\0%d\0%d\0%s\0%s\0\0" % (
                *divmod(found.st_mtime_ns, _NS), self._device, found.st_ino, name, _listed(names, below)))
            for one in below:
                try:
                    entered = os.open(one, self._flags, dir_fd=directory)
                except FileNotFoundError:
                    continue  # it is gone, and so it will be for tar
                self.enter(entered, name + b"/" + one, deeper - 1)
        finally:
            os.close(directory)


def _names(directory: int) -> tuple[list[bytes], list[bytes]]:
    """All names in it, by their bytes as tar sorts them, and those of directories.  OSError for more than `_MOST`."""
    names: list[str] = []
    directories: list[str] = []
    with os.scandir(directory) as entries:
        for entry in entries:
            names.append(entry.name)
            if len(names) > _MOST:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
            if entry.is_dir(follow_symlinks=False):
                directories.append(entry.name)
    return sorted(map(os.fsencode, names)), sorted(map(os.fsencode, directories))


def _listed(names: list[bytes], directories: list[bytes]) -> bytes:
    """The list of a directory: before each name D, of a directory, or Y, of anything else that is dumped; a NUL behind each."""
    if not directories:
        return b"Y" + b"\0Y".join(names) + b"\0" if names else b""
    known = frozenset(directories)
    return b"".join([(b"D%s\0" if name in known else b"Y%s\0") % name for name in names])


def _mounted_below(place: str) -> bool:
    """Whether anything is mounted below a directory: it may be a single file, which no directory tells."""
    prefix = os.fsencode(place).rstrip(b"/") + b"/"
    with open("/proc/self/mountinfo", "rb") as mounts:
        points = [_unescaped(line.split(b" ", 5)[4]) for line in mounts]
    return any(point.startswith(prefix) and point != prefix for point in points)


def _unescaped(name: bytes) -> bytes:
    """A mount point as the kernel writes it: a blank, say, as a backslash and three octal digits."""
    first, *rest = name.split(b"\\")
    return first + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in rest)
