"""The snapshot files of GNU tar's ``--listed-incremental``: one a disk and level, named as Amanda names them.

A dump at level n works on a copy of the nearest lower level's file, ``.new`` until the dump is good.  Where no state is kept,
tar works on a file in memory, and there is never a lower level.  Promises that a good file is only ever replaced by rename, and
that two dumps never work on one file.  It reads of a snapshot only the time of the dump and the directories it knows (GNU tar
manual, "Format of the Incremental Snapshot Files", version 2).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zlib import crc32

from core.errors import WorldError
from core.model.dump import MAX_LEVEL
from core.model.units import sanitise

_LOCK_WAIT = 2.0  # seconds; the tar of a dump that was just cut off ends in less
_LONGEST_NAME = 200
_READ = 1024 * 1024
_FIELDS = 200


class Snapshot:
    """A snapshot that is being made: tar works on `file`.  It holds a lock until `commit` or `discard`.  Without a ``target``
    it is in memory, as what ``lock`` is open on.  ``base``: what it goes on from, open as long; None: it is a full dump's."""

    def __init__(self, file: Path, target: Path | None, lock: int, base: BinaryIO | None = None) -> None:
        self.file = file
        self.base = base
        self._target = target
        self._lock = lock

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What tar has to inherit."""
        return () if self._target is not None or self._lock < 0 else (self._lock,)

    def write(self, full: Callable[[BinaryIO], bool]) -> bool:
        """Where there is no base, write what ``full`` writes; False, and still nothing known, where it says so.
        WorldError CLT027."""
        assert self.base is None
        try:
            with open(self._lock, "wb", closefd=False) as file:
                good = full(file)
            if not good:
                os.ftruncate(self._lock, 0)
                os.lseek(self._lock, 0, os.SEEK_SET)
        except OSError as fault:
            raise _state_fault(self.file, fault) from None
        return good

    def forget(self, gone: Callable[[Known], bool]) -> None:
        """Begin anew with the base, but for directories that are ``gone`` and what was below them: all that is at their names
        now is new to tar.  OSError; ValueError and IndexError for a base that is no snapshot."""
        assert self.base is not None
        with mmap(self.base.fileno(), 0, access=ACCESS_READ) as data:
            away = {known.name for known in directories_in(data) if gone(known)}
            os.ftruncate(self._lock, 0)
            os.lseek(self._lock, 0, os.SEEK_SET)
            with open(self._lock, "wb", closefd=False) as file:
                file.write(data[:_first(data)])
                for known in directories_in(data):
                    if known.name not in away and not below(known.name, away):
                        file.write(data[known.begin:known.end])

    def commit(self) -> None:
        """The dump is good: put the file in the place of the level's old one.  WorldError CLT027."""
        if self._target is None:
            self._unlock()
            return
        try:
            os.fsync(self._lock)
            os.replace(self.file, self._target)
            _sync_directory(self._target.parent)
        except OSError as fault:
            raise _state_fault(self._target, fault) from None
        self._unlock()

    def discard(self) -> None:
        """The dump is not good, or shall leave no trace."""
        with contextlib.suppress(OSError):
            if self._target is not None:
                self.file.unlink(missing_ok=True)
        self._unlock()

    def _unlock(self) -> None:
        if self.base is not None:
            self.base.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


@dataclass(frozen=True, slots=True)
class Snapshots:
    """All snapshots in one directory; None keeps none."""

    directory: Path | None

    def path(self, host: str, disk: str, level: int) -> Path:
        """The file of a level: host and sanitised disk, an underscore, the level.  Only where there is a directory."""
        assert self.directory is not None
        name = os.fsencode(sanitise(host) + sanitise(disk))
        if len(name) > _LONGEST_NAME:  # longer than a file name may be
            from hashlib import sha256

            name = name[:_LONGEST_NAME - 65] + b"_" + sha256(name).hexdigest().encode()
        return self.directory / os.fsdecode(name + b"_%d" % level)

    def base(self, host: str, disk: str, level: int) -> Path | None:
        """The file that a dump at ``level`` goes on from: the nearest lower level's; None makes it a full dump."""
        if self.directory is None:
            return None
        for lower in range(min(level, MAX_LEVEL + 1) - 1, -1, -1):
            file = self.path(host, disk, lower)
            if file.exists():
                return file
        return None

    def prepare(self) -> None:
        """Make the directory.  WorldError CLT027."""
        if self.directory is None:
            return
        try:
            if not self.directory.is_dir():
                self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                _sync_directory(self.directory.parent)
        except OSError as fault:
            raise _state_fault(self.directory, fault) from None

    def begin(self, host: str, disk: str, level: int) -> Snapshot:
        """A copy of the base to work on.  WorldError CLT027; CLT033 when another dump of the disk does not end."""
        if self.directory is None:
            memory = os.memfd_create("snapshot", os.MFD_CLOEXEC)
            return Snapshot(Path(f"/proc/self/fd/{memory}"), None, memory)
        self.prepare()
        target = self.path(host, disk, level)
        file = target.with_name(target.name + ".new")
        lock = _locked(file, disk)
        old = None
        try:
            os.ftruncate(lock, 0)
            base = self.base(host, disk, level)
            if base is not None:
                old = base.open("rb")
                with open(lock, "wb", closefd=False) as new:
                    shutil.copyfileobj(old, new, _READ)
        except OSError as fault:
            if old is not None:
                old.close()
            os.close(lock)
            raise _state_fault(file, fault) from None
        return Snapshot(file, target, lock, old)


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _locked(file: Path, disk: str) -> int:
    deadline = time.monotonic() + _LOCK_WAIT
    while True:
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as fault:
            raise _state_fault(file, fault) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held the lock may have renamed or removed the file since we opened it.
            if os.path.exists(file) and os.path.samestat(os.fstat(descriptor), os.stat(file)):
                return descriptor
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise WorldError("CLT033", f"{disk} is being dumped already") from None
            time.sleep(0.05)
        except OSError:
            pass
        os.close(descriptor)


def _state_fault(file: Path, fault: OSError) -> WorldError:
    return WorldError("CLT027", f"the incremental state {file} cannot be written: {fault.strerror}")


@dataclass(frozen=True, slots=True)
class Base:
    """What an incremental compares with: files changed since ``time`` (ns since the epoch) are dumped, and everything in
    a directory that is not known.  Of the names only a checksum is kept: there may be millions."""

    time: int
    _inodes: array[int]
    _names: array[int]

    def known(self, inode: int) -> int | None:
        """`name_sum` of the name that the directory had when the base was made; None when it was not there."""
        at = bisect_left(self._inodes, inode)
        return self._names[at] if at < len(self._inodes) and self._inodes[at] == inode else None

    def names(self) -> array[int]:
        """`name_sum` of all names, in order."""
        return array("L", sorted(self._names))


def name_sum(name: bytes) -> int:
    """A checksum of a directory's name, ``./a/b``."""
    return crc32(name)


def below(name: bytes, directories: Container[bytes]) -> bool:
    """Whether a directory above ``name`` is one of these."""
    while name:
        name = name.rpartition(b"/")[0]
        if name in directories:
            return True
    return False


def read_base(file: Path, device: int) -> Base | None:
    """What a snapshot knows of the directories on ``device``; None when it cannot be read: tar then dumps everything.

    The file names every file of the disk, so it is mapped and hopped through, not split into names.
    """
    try:
        with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as data:
            found = sorted((known.inode, name_sum(known.name)) for known in directories_in(data) if known.device == device)
            seconds, nanoseconds = data[_end_of_line(data):_first(data)].split(b"\0")[:2]
        inodes, names = array("Q", (inode for inode, _ in found)), array("L", (name for _, name in found))
        return Base(int(seconds) * 10**9 + int(nanoseconds), inodes, names)
    except (OSError, ValueError, OverflowError, IndexError):
        return None


class Known(NamedTuple):
    """A directory that a snapshot knows, by the name that tar gives it, ``./a/b``; the snapshot tells of it from ``begin`` to
    ``end``."""

    nfs: bool
    device: int
    inode: int
    name: bytes
    begin: int
    end: int


def directories_in(data: mmap) -> Iterator[Known]:
    """All directories that a snapshot knows, in its own order.  ValueError and IndexError for what is no snapshot."""
    place = _first(data)
    # A directory: nfs, seconds, nanoseconds, device, inode, name, its entries; its end is an entry without a name
    # and one NUL more, so three NULs stand between two directories and nowhere else.
    while place < len(data):
        fields = data[place:place + _FIELDS].split(b"\0", 5)
        start = place + sum(map(len, fields[:5])) + 5
        end = data.find(b"\0\0\0", start)
        end = end + 3 if end >= 0 else len(data)
        yield Known(fields[0] == b"1", int(fields[3]), int(fields[4]), data[start:data.find(b"\0", start)], place, end)
        place = end


def _end_of_line(data: mmap) -> int:
    line = data[:100].partition(b"\n")[0]
    if not line.startswith(b"GNU tar-") or not line.endswith(b"-2"):
        raise ValueError("no snapshot of version 2")
    return len(line) + 1


def _first(data: mmap) -> int:
    """Where the first directory begins, behind the time of the dump: seconds, nanoseconds."""
    place = _end_of_line(data)
    return place + sum(map(len, data[place:place + _FIELDS].split(b"\0", 2)[:2])) + 2
