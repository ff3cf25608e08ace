"""One chunk file while it is written: named `.tmp` until its dump is whole.

Promises that a chunk holds exactly the bytes that `append` said it took, that a full file system is told apart from
every other fault, and that nothing is called safe before it was synced.  Does not know what a dump is.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import WorldError
from core.holding import linux

SLICE = 128 * 1024
"""Bytes a write, and what its place in the file is a multiple of: on ext4 of current kernels 1 MiB writes, and writes
that begin in the middle of a page, cost about twice as much CPU."""
EARLY = 8 * 1024 * 1024
"""Bytes after which the kernel is asked to begin writing back, so that the last sync has little left to do."""
AHEAD = 256 * 1024 * 1024
"""Bytes of a large chunk that are allocated at once: fewer, longer pieces on disk and a tenth less time."""
LARGE = 32 * 1024 * 1024
"""Bytes from which a chunk counts as large."""
TMP = ".tmp"
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Calls:
    """The system calls that may fail; tests put failing ones here."""

    write: Callable[[int, memoryview], int] = os.write
    pwrite: Callable[[int, bytes, int], int] = os.pwrite
    fsync: Callable[[int], None] = os.fsync


SYSTEM = Calls()


class ChunkFile:
    """A chunk at ``path``, on disk as ``path`` + `.tmp`; ``size`` bytes are in it, header included.

    WorldError when it cannot be created: HLD013 a whole file of that name is there, HLD011 anything else.
    """

    def __init__(self, path: Path, calls: Calls = SYSTEM) -> None:
        self.path = path
        self.tmp = path.with_name(path.name + TMP)
        self.size = 0
        self._early = self._allocated = 0
        self._surplus = self._published = False
        self._calls = calls
        self._fd = self._create()

    def _create(self) -> int:
        if os.path.lexists(self.path):
            raise WorldError("HLD013", f"{self.path}: a dump of that name is there already",
                             "Flush it to tape, or move it away.")
        try:
            self.tmp.unlink(missing_ok=True)  # left by a dumper that died; never whole, so of no use
            return os.open(self.tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            raise WorldError("HLD011", f"{self.tmp}: cannot be created: {fault.strerror}") from fault

    @property
    def closed(self) -> bool:
        """Whether no more can be written."""
        return self._fd < 0

    def put_header(self, block: bytes) -> bool:
        """Write ``block`` over the first bytes; False when the file system is full.  HLD012 for other faults."""
        at = 0
        try:
            while at < len(block):
                at += self._calls.pwrite(self._fd, block[at:], at)
        except OSError as fault:
            return self._only_full(fault)
        if self.size == 0:
            self.size = os.lseek(self._fd, len(block), os.SEEK_SET)
        return True

    def append(self, piece: memoryview, room: int = AHEAD) -> int:
        """Write as much of ``piece`` as there is room for; fewer bytes than given mean that the file system is full.

        ``room``: bytes that may go into this chunk from here on, so that not more is allocated.  HLD012 for other faults.
        """
        if self.size >= LARGE and self.size + len(piece) > self._allocated:
            self._allocate(min(AHEAD, room))
        fd, write, base, at, end = self._fd, self._calls.write, self.size, 0, len(piece)
        try:
            while at < end:
                at += write(fd, piece[at:at + SLICE - (base + at) % SLICE])
        except OSError as fault:
            self._only_full(fault)
        self.size += at
        if self.size - self._early >= EARLY + SLICE:
            # Not the slice that is being filled: its last page will be written to again.
            done = self.size // SLICE * SLICE
            linux.write_back(fd, self._early, done - self._early)
            self._early = done
        return at

    def _allocate(self, length: int) -> None:
        """A help, not a promise: when the system does not want it, writing goes on as before."""
        self._allocated = self.size + max(length, AHEAD)
        if linux.allocate(self._fd, self.size, length):
            self._surplus = True

    def _only_full(self, fault: OSError) -> bool:
        if fault.errno not in _FULL:
            raise WorldError("HLD012", f"{self.tmp}: writing failed: {fault.strerror}") from fault
        return False

    def sync(self) -> None:
        """Make it durable and close it.  HLD012 when the system cannot."""
        try:
            if self._surplus:
                os.ftruncate(self._fd, self.size)  # gives back what was allocated and not used
            self._calls.fsync(self._fd)
        except OSError as fault:
            raise WorldError("HLD012", f"{self.tmp}: could not be made durable: {fault.strerror}") from fault
        finally:
            self.close()

    def close(self) -> None:
        """Close it as it is; once more does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def publish(self) -> None:
        """Give it its name without `.tmp`.  HLD012 when the system refuses, HLD013 when the name is taken."""
        if os.path.lexists(self.path):
            raise WorldError("HLD013", f"{self.path}: a dump of that name is there already")
        try:
            self.tmp.rename(self.path)
            self._published = True
        except OSError as fault:
            raise WorldError("HLD012", f"{self.tmp}: cannot be renamed: {fault.strerror}") from fault

    def discard(self) -> None:
        """Close it and remove it, under the name that it has.  Never raises."""
        self.close()
        with contextlib.suppress(OSError):
            (self.path if self._published else self.tmp).unlink(missing_ok=True)


def sync_directory(path: Path) -> None:
    """Make the names in ``path`` durable.  HLD012 when the system cannot."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as fault:
        raise WorldError("HLD012", f"{path}: could not be made durable: {fault.strerror}") from fault
