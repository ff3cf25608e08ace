"""A changer whose slots are directories: Amanda's vtapes (perl/Amanda/Changer/disk.pm).

``disk:DIR`` has its volumes in ``DIR/slot1``, ``DIR/slot2`` …; slots up to the storage's number are made when a volume
is begun in them, ``DIR`` itself never is, since it may be a mount point.  ``DIR/data`` is a link to the slot that was
loaded last, so that Amanda's own tools read it as ``file:DIR``.  A real Amanda may use the same directory: its
``DIR/state`` is honoured and never changed (`core.devices.neighbour`).
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from core.devices import neighbour
from core.devices.contract import Capabilities, SlotView, fault_of
from core.devices.slot_volume import KERNEL, Copy, DirectoryVolume, Write
from core.errors import WorldError
from core.model.site import Storage

LOCK = "taperoom.lock"
_SLOT = re.compile(r"slot(\d{1,6})")


class DirectoryChanger:
    """The slots under the storage's directory.  ``write`` and ``copy`` are the kernel's but for tests."""

    capabilities = Capabilities(keeps_short_part=True, appends=True)

    def __init__(self, storage: Storage, *, write: Write = os.write, copy: Copy = KERNEL) -> None:
        self.path = Path(storage.address)
        self._slots, self._capacity, self._write, self._copy = storage.slots, storage.capacity * 1024, write, copy
        self._lock = -1

    def acquire(self) -> None:
        """Take the changer's lock for writing; WorldError TAP004 when another has it, TAP002 and TAP003."""
        if self._lock >= 0:
            return
        self._check()
        try:
            fd = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise fault_of(error, str(self.path / LOCK)) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(fd, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            raise WorldError("TAP004", f"{self.path} is in use by process {holder}", "wait until it ends") from None
        self._lock = fd
        try:
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            self.release()
            raise fault_of(error, str(self.path / LOCK)) from None

    def release(self) -> None:
        """Give the lock back."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def alone(self) -> AbstractContextManager[None]:
        """A real Amanda on the same slots stands still meanwhile.  WorldError TAP003, TAP004."""
        return neighbour.standing_still(self.path)

    def views(self) -> list[SlotView]:
        """Every slot as it is now, by number.  WorldError TAP002 when the directory is not there."""
        names, busy = self._names(), neighbour.in_hand(self.path)
        return [replace(self._volume(slot).view(), busy=busy.get(slot, "")) for slot in names]

    def glance(self) -> object:
        """Which slots there are, when each was changed last, and when Amanda took or gave one back.  No label is read.
        Never raises."""
        try:
            slots = sorted(name for name in os.listdir(self.path) if _SLOT.fullmatch(name))
            return tuple((name, state.st_dev, state.st_ino, state.st_mtime_ns)
                         for name in (*slots, neighbour.STATE) if (state := _state(self.path / name)))
        except OSError:
            return None

    def load(self, slot: str) -> DirectoryVolume:
        """The volume in a slot.  WorldError TAP018 when there is no such slot."""
        if slot not in self._names():
            raise WorldError("TAP018", f"{self.path} has no slot {slot}")
        return self._volume(slot)

    def show(self, slot: str) -> None:
        """Point ``DIR/data`` at a slot.  Only a convenience: faults are passed over."""
        link, new = self.path / "data", self.path / ".data.tmp"
        try:
            if link.is_symlink() or not link.exists():
                new.unlink(missing_ok=True)
                new.symlink_to(f"slot{slot}")
                new.replace(link)
        except OSError:
            pass

    def current(self) -> str:
        """The slot that ``DIR/data`` points at; empty when there is no such link.  Never raises."""
        try:
            found = _SLOT.fullmatch(os.readlink(self.path / "data").rstrip("/").rpartition("/")[2])
        except OSError:
            return ""
        return str(int(found[1])) if found else ""

    def unload(self) -> None:
        """Take the link ``DIR/data`` away.  WorldError TAP003 when it cannot be."""
        link = self.path / "data"
        try:
            if link.is_symlink():
                link.unlink()
        except OSError as error:
            raise fault_of(error, str(link)) from None

    def _volume(self, slot: str) -> DirectoryVolume:
        return DirectoryVolume(slot, self.path / f"slot{slot}", self._capacity, write=self._write, copy=self._copy)

    def _names(self) -> list[str]:
        self._check()
        try:
            found = {int(match[1]) for name in os.listdir(self.path) if (match := _SLOT.fullmatch(name))}
        except OSError as error:
            raise fault_of(error, str(self.path)) from None
        return [str(number) for number in sorted(found | set(range(1, self._slots + 1)))]

    def _check(self) -> None:
        if not self.path.is_dir():
            raise WorldError("TAP002", f"{self.path} is not there", "mount or create the directory of the volumes")


def _state(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None  # a link to nowhere, or gone meanwhile
