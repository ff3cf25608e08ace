"""What every device of volumes can do, and how it fails.

A `Changer` has slots; a slot holds a `Volume`; a part is written through a `PartWriter`.  Two ends of a volume are
told apart: the early warning (Amanda's LEOM), after which the part is closed short and good, and the hard end
(PEOM), `VolumeFull`, after which the part under way is not to be trusted.  A device that can foretell its early
warning says so with `room`; writers never go beyond it.

A new device is one module with these classes and one line in `core.devices.registry`; the conformance suite
(tests/conformance) runs over the registry and says what is missing.  Sizes are bytes.
"""

from __future__ import annotations

import errno
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Protocol

from core.errors import WorldError
from core.holding.header import Header
from core.holding.mapped import Origin

BLOCK = 32768
"""Bytes of a block; a volume's data is measured in blocks wherever early warning matters."""
UNLIMITED = sys.maxsize
"""As `room`: no end is known."""


class VolumeFull(WorldError):
    """The hard end.  ``written`` bytes of the piece in hand got through before it."""

    def __init__(self, code: str, message: str, hint: str = "", *, written: int = 0) -> None:
        super().__init__(code, message, hint)
        self.written = written


class VolumeFault(WorldError):
    """This volume (and perhaps no other) cannot be written or read."""


class Condition(StrEnum):
    """What stands in a slot."""

    LABELLED = "labelled"
    EMPTY = "empty"
    WEIRD = "weird"
    FAULTY = "faulty"


@dataclass(frozen=True, slots=True)
class SlotView:
    """A slot as it was found.  ``datestamp`` is the label's own; ``used`` bytes; ``note`` says why it is odd.

    ``sealed``: the label's block bears our checksum, so a program of ours wrote it.  ``busy``: who has the slot in hand
    just now, a sentence; empty when nobody has.
    """

    slot: str
    condition: Condition
    label: str = ""
    datestamp: str = ""
    used: int = 0
    files: int = 0
    note: str = ""
    sealed: bool = False
    busy: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a device promises beyond the contract.

    ``keeps_short_part``: after `VolumeFull` the bytes that got through are good and `finish` may close the part.
    ``appends``: a volume that was closed can be written on at its end.
    """

    keeps_short_part: bool
    appends: bool


class PartWriter(Protocol):
    """One part under way; nothing of it counts before `finish` has returned."""

    fileno: int
    room: int

    def write(self, data: memoryview) -> bool:
        """Write all of ``data``; True is the early warning.  VolumeFull, VolumeFault or WorldError."""

    def copy(self, origin: Origin, length: int) -> tuple[bool, int]:
        """Have the kernel copy from a file, if the device can: the early warning, and how many bytes it copied.

        Fewer than ``length``, none too, when it does not go on, whyever: `write` finds out.  VolumeFull beyond `room`.
        """

    def finish(self) -> int:
        """Make the part durable and visible; its data's size.  The same errors."""

    def discard(self) -> None:
        """Drop it as far as the device can.  Never raises."""


class Volume(Protocol):
    """The volume in one slot."""

    slot: str

    def view(self) -> SlotView:
        """What is in the slot now.  Never raises: a fault is a Condition."""

    def room_if_begun(self) -> int:
        """What `room` would be after `begin`; 0 when no part would fit."""

    def begin(self, label: str, datestamp: str) -> None:
        """Erase it and write its label, durable when it returns.  VolumeFull, VolumeFault or WorldError."""

    def room(self) -> int:
        """Bytes of data that the next part may have before the early warning; 0: the volume is full."""

    def begin_part(self, header: Header) -> PartWriter:
        """Start the next file with this header.  VolumeFull, VolumeFault or WorldError."""

    def filenos(self) -> list[int]:
        """The numbers of the files after the label, in order.  WorldError."""

    def read_header(self, fileno: int) -> Header:
        """The header of a file, 0 is the label.  WorldError TAP019 when there is none."""

    def open_part(self, fileno: int) -> BinaryIO:
        """The data of a file, unbuffered, at its first byte.  WorldError TAP019."""


class Changer(Protocol):
    """The slots of a storage."""

    capabilities: Capabilities

    def acquire(self) -> None:
        """Take the changer's lock for writing; WorldError TAP004 when another has it."""

    def release(self) -> None:
        """Give the lock back."""

    def alone(self) -> AbstractContextManager[None]:
        """Between looking at the slots and writing a label: programs of others that use the same slots stand still.
        WorldError TAP004 when they do not let us."""

    def views(self) -> list[SlotView]:
        """Every slot as it is now, in order.  WorldError when the changer itself is not there."""

    def glance(self) -> object:
        """A value that differs from an earlier one when something may stand elsewhere or anew in the slots.  Loads nothing
        (barcodes, door, a directory's times), so that waiting for a volume costs the drive nothing.  Never raises."""

    def load(self, slot: str) -> Volume:
        """The volume in a slot.  WorldError TAP018 when there is no such slot."""

    def show(self, slot: str) -> None:
        """Make it the current slot for people and for other tools.  Never raises."""

    def current(self) -> str:
        """The current slot; empty when there is none.  Never raises."""

    def unload(self) -> None:
        """Have no current slot any more.  WorldError."""


def fault_of(error: OSError, what: str, *, written: int = 0) -> WorldError:
    """The fault that an OSError stands for, by what it says about volume or storage."""
    why = error.strerror or str(error)
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return VolumeFull("TAP007", f"{what}: {why}", "free room on the file system of the volumes", written=written)
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return WorldError("TAP003", f"{what}: {why}", "mount it for writing, or correct owner and mode")
        case errno.ENOENT | errno.ENOTDIR | errno.ESTALE:
            return WorldError("TAP002", f"{what}: {why}", "is the file system of the volumes mounted?")
        case _:
            return VolumeFault("TAP008", f"{what}: {why}", "look at the kernel's log")
