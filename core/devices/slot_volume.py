"""A volume that is a directory: one file for the label, one for each part.

Promises Amanda 3.5.1's layout (device-src/vfs-device.c): ``00000.<label>`` and ``<5 digits>.<host>.<disk>.<level>``,
names sanitised as a whole, 32 KiB header then raw data without padding.  A part has a name that begins with a dot
until it is whole and durable, so a crash leaves no half part that a reader could take for one.  Capacity is the sum
of the files' sizes.  Whether the volume may be written is not decided here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from core.devices.ahead import Ahead
from core.devices.contract import Condition, SlotView, VolumeFault, VolumeFull, fault_of
from core.devices.parts import room_by_capacity, room_by_free
from core.devices.tapelist import sync_directory
from core.errors import WorldError
from core.holding.header import HEADER_SIZE, Header, Kind, build, parse
from core.holding.mapped import Origin
from core.holding.seal import seal
from core.model.units import sanitise

Write = Callable[[int, memoryview], int]
"""write(2); tests put faults into it."""
Copy = Callable[[int, int, int, int], int]
"""copy_file_range(2): from, to, so many bytes, from which on.  Likewise."""


def _nowhere(source: int, target: int, count: int, offset: int) -> int:
    """For a Python whose C library has no copy_file_range."""
    del source, target, count, offset
    return 0


KERNEL: Copy = getattr(os, "copy_file_range", _nowhere)

_NUMBERED = re.compile(r"(\d+)[.-]")
_LOCK = "00000-lock"
_TEMPORARY = re.compile(r"\.\d{5}\.tmp")
_SLICE = 128 * 1024  # bytes of one write: on ext4 larger ones cost two to three times the CPU
_MODE = 0o666  # less the umask, as Amanda


class DirectoryVolume:
    """The volume in ``path``; ``capacity`` bytes, 0 for all that the file system has.  Use by one writer only."""

    def __init__(
        self, slot: str, path: Path, capacity: int = 0, *, write: Write = os.write, copy: Copy = KERNEL,
    ) -> None:
        self.slot, self.path, self.capacity = slot, path, capacity
        self._write, self._copy = write, copy
        self._used: int | None = None
        self._last: int | None = None
        self._mine: tuple[Path, int, int] | None = None

    def view(self) -> SlotView:
        """What is in the slot now.  Never raises: a fault is a Condition."""
        try:
            sizes = self._sizes()
            labels = [name for name in sizes if _number(name) == 0]
            used, files = sum(sizes.values()), len(sizes) - len(labels)
            if not labels:
                if files:
                    return SlotView(self.slot, Condition.WEIRD, used=used, files=files, note="it has files but no label")
                return SlotView(self.slot, Condition.EMPTY)
            if len(labels) > 1:
                return SlotView(self.slot, Condition.WEIRD, used=used, files=files, note="it has two label files")
            header = self._parse_file(labels[0])
        except FileNotFoundError:
            return SlotView(self.slot, Condition.EMPTY, note="the slot is not made yet")
        except OSError as error:
            return SlotView(self.slot, Condition.FAULTY, note=error.strerror or str(error))
        if header.kind is not Kind.TAPESTART:
            note = f"{self.path / labels[0]}: {header.note}" if header.note else "its label is not Amanda's"
            return SlotView(self.slot, Condition.WEIRD, used=used, files=files, note=note)
        note = f"{self.path / labels[0]}: {header.note}" if header.note else ""
        return SlotView(self.slot, Condition.LABELLED, header.label, header.datestamp, used, files, note, header.sealed)

    def room_if_begun(self) -> int:
        """What `room` would be after `begin`; 0 when no part would fit."""
        return self._room(HEADER_SIZE, self._usage() - HEADER_SIZE)

    def room(self) -> int:
        """Bytes of data that the next part may have before the early warning; 0: the volume is full."""
        return self._room(self._usage(), 0)

    def _room(self, used: int, freed: int) -> int:
        by_capacity = room_by_capacity(used, self.capacity)
        try:
            place = self.path if self.path.exists() else self.path.parent
            state = os.statvfs(place)
        except OSError as error:
            raise fault_of(error, str(self.path)) from None
        free = state.f_bavail * state.f_frsize
        return min(by_capacity, room_by_free(free + freed)) if state.f_blocks else by_capacity

    def begin(self, label: str, datestamp: str) -> None:
        """Erase it and write its label, durable when it returns.  VolumeFull, VolumeFault or WorldError.

        The old label goes last and the new one comes by rename, so a crash leaves a volume with its old label and
        fewer parts, or a labelled empty one.
        """
        block = seal(build(Header(Kind.TAPESTART, datestamp=datestamp, label=label)))
        name = sanitise(f"00000.{label}")
        temporary = self.path / ".00000.tmp"
        try:
            if not self.path.is_dir():
                self.path.mkdir()
                sync_directory(self.path.parent)
            old = [entry for entry in os.listdir(self.path) if _NUMBERED.match(entry) or _TEMPORARY.fullmatch(entry)]
            for entry in sorted(old, reverse=True):
                if _number(entry) != 0:
                    os.unlink(self.path / entry)
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
            try:
                self._write_all(fd, memoryview(block))
                os.fsync(fd)
            finally:
                os.close(fd)
            for entry in old:
                if _number(entry) == 0 and entry not in (name, _LOCK):
                    os.unlink(self.path / entry)
            temporary.rename(self.path / name)
            sync_directory(self.path)
            self._recognise(self.path / name)
        except OSError as error:
            raise fault_of(error, f"{self.path}: label {label}") from None
        self._used, self._last = HEADER_SIZE, None

    def _recognise(self, label: Path) -> None:
        state = os.stat(label)
        self._mine = label, state.st_dev, state.st_ino

    def check_mine(self) -> None:
        """VolumeFault TAP022 when another volume stands in the slot than the one that was begun here, or none.

        A part must never land on a volume that somebody put into the slot meanwhile.  WorldError TAP002.
        """
        if self._mine is None:
            try:
                self._recognise(self.path / self._name_of(0))
            except OSError as error:
                raise fault_of(error, str(self.path)) from None
            return
        label, device, inode = self._mine
        try:
            state = os.stat(label)
        except OSError as error:
            if not self.path.parent.is_dir():
                raise fault_of(error, str(label)) from None
        else:
            if (state.st_dev, state.st_ino) == (device, inode):
                return
        raise VolumeFault("TAP022", f"slot {self.slot} does not hold {label.name.partition('.')[2]} any more",
                          "put it back, or leave it: what is on it is good")

    def begin_part(self, header: Header) -> DirectoryPart:
        """Start the next file with this header.  VolumeFull, VolumeFault or WorldError."""
        self.check_mine()
        room = self.room()
        if self._last is None:
            self._last = max(self.filenos(), default=0)
        fileno = self._last + 1
        temporary = self.path / f".{fileno:05d}.tmp"
        final = self.path / sanitise(f"{fileno:05d}.{header.host}.{header.disk}.{header.level}")
        fd = -1
        try:
            temporary.unlink(missing_ok=True)
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
            self._write_all(fd, memoryview(seal(build(header))))
        except OSError as error:
            if fd >= 0:
                os.close(fd)
                temporary.unlink(missing_ok=True)
            raise fault_of(error, str(temporary)) from None
        return DirectoryPart(self, fileno, room, fd, temporary, final, self._write, self._copy)

    def filenos(self) -> list[int]:
        """The numbers of the files after the label, in order.  WorldError."""
        try:
            return sorted(number for number in map(_number, self._sizes()) if number > 0)
        except OSError as error:
            raise fault_of(error, str(self.path)) from None

    def read_header(self, fileno: int) -> Header:
        """The header of a file, 0 is the label.  WorldError TAP019 when there is none."""
        name = self._name_of(fileno)
        try:
            header = self._parse_file(name)
        except OSError as error:
            raise fault_of(error, str(self.path / name)) from None
        if header.kind in (Kind.WEIRD, Kind.EMPTY):
            why = f": {header.note}" if header.note else ""
            raise WorldError("TAP019", f"{self.path / name} does not begin with a header{why}")
        return header

    def open_part(self, fileno: int) -> BinaryIO:
        """The data of a file, unbuffered, at its first byte.  WorldError TAP019."""
        name = self._name_of(fileno)
        try:
            file = (self.path / name).open("rb", buffering=0)
        except OSError as error:
            raise fault_of(error, str(self.path / name)) from None
        file.seek(HEADER_SIZE)
        return file

    def grew(self, fileno: int, size: int) -> None:
        """That part became visible; it has so many bytes with its header."""
        self._used, self._last = self._usage() + size, fileno

    def _usage(self) -> int:
        if self._used is None:
            try:
                self._used = max(HEADER_SIZE, sum(self._sizes().values()))
            except FileNotFoundError:
                self._used = HEADER_SIZE
            except OSError as error:
                raise fault_of(error, str(self.path)) from None
        return self._used

    def _sizes(self) -> dict[str, int]:
        with os.scandir(self.path) as entries:
            return {
                entry.name: entry.stat(follow_symlinks=False).st_size for entry in entries
                if _NUMBERED.match(entry.name) and entry.name != _LOCK
            }

    def _name_of(self, fileno: int) -> str:
        try:
            names = [name for name in self._sizes() if _number(name) == fileno]
        except OSError as error:
            raise fault_of(error, str(self.path)) from None
        if not names:
            raise WorldError("TAP019", f"{self.path} has no file {fileno}")
        return min(names)

    def _parse_file(self, name: str) -> Header:
        with open(self.path / name, "rb", buffering=0) as file:
            return parse(file.read(HEADER_SIZE))

    def _write_all(self, fd: int, data: memoryview) -> None:
        while data:
            data = data[self._write(fd, data):]


class DirectoryPart:
    """One part under way, in a file whose name begins with a dot."""

    def __init__(self, volume: DirectoryVolume, fileno: int, room: int, fd: int, temporary: Path, final: Path,
                 write: Write, copy: Copy) -> None:
        self.fileno, self.room = fileno, room
        self._volume, self._fd, self._temporary, self._final = volume, fd, temporary, final
        self._write, self._copy, self._size, self._ragged = write, copy, 0, False
        self._ahead = Ahead(fd)

    def write(self, data: memoryview) -> bool:
        """Write all of ``data``; True is the early warning.  VolumeFull, VolumeFault or WorldError."""
        if self._size + len(data) > self.room:
            raise VolumeFull("TAP007", f"{self._temporary.parent} is full", written=0)
        done = 0
        try:
            while done < len(data):
                done += self._write(self._fd, data[done:done + _SLICE])
        except OSError as error:
            self._size += done
            self._ragged = True
            raise fault_of(error, str(self._temporary.parent), written=done) from None
        self._size += done
        self._ahead.grown(HEADER_SIZE + self._size)
        return self._size >= self.room

    def copy(self, origin: Origin, length: int) -> tuple[bool, int]:
        """Copy as far as the kernel will, which is nowhere between two file systems; the early warning, and how far.
        VolumeFull beyond `room`."""
        if self._size + length > self.room:
            raise VolumeFull("TAP007", f"{self._temporary.parent} is full", written=0)
        done = 0
        with suppress(OSError):
            while done < length and (got := self._copy(origin.fd, self._fd, length - done, origin.offset + done)):
                done += got
        self._size += done
        self._ahead.grown(HEADER_SIZE + self._size)
        return self._size >= self.room, done

    def finish(self) -> int:
        """Make the part durable and visible; its data's size.  The same errors as `write`."""
        try:
            self._ahead.ended(HEADER_SIZE + self._size)
            if self._ragged:
                os.ftruncate(self._fd, HEADER_SIZE + self._size)  # what a failed write left counts for nothing
            os.fsync(self._fd)
            self._volume.check_mine()
            if os.path.lexists(self._final):
                raise VolumeFault("TAP008", f"{self._final} is there already")
            self._temporary.rename(self._final)
            try:
                sync_directory(self._final.parent)
            except OSError:
                self._final.unlink(missing_ok=True)  # nobody is told of it, so nobody may find it
                raise
        except OSError as error:
            raise fault_of(error, str(self._final)) from None
        finally:
            self._close()
        self._volume.grew(self.fileno, HEADER_SIZE + self._size)
        return self._size

    def discard(self) -> None:
        """Drop it; what is left after a fault is overwritten by the next part.  Never raises."""
        self._close()
        with suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _number(name: str) -> int:
    """The file number a name begins with; −1 for a name without one."""
    found = _NUMBERED.match(name)
    return int(found[1]) if found else -1
