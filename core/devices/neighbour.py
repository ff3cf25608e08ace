"""A real Amanda on the same directory of slots: which slots it has in hand, and how it is kept from taking one meanwhile.

Amanda's chg-disk writes down in ``DIR/state`` which process has which slot (perl/Amanda/Changer/disk.pm: ``drives``), and
looks and changes only under a POSIX record lock on that file.  A slot in hand may look empty for a moment, while its label
is being written, so nobody else may write there.  Promises to change nothing of Amanda's: the file is read, its lock is
taken and given back.  Where there is no such file, there is no Amanda.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.devices.contract import fault_of
from core.errors import WorldError

STATE = "state"
LOCK_SECONDS = 60.0
"""How long the lock is waited for: Amanda holds it for moments, and never while it writes data."""
_AGAIN = 0.05
_LONGEST = 1 << 20  # bytes of a state file that is believed
_DRIVE = re.compile(r"'drive\d+'\s*=>\s*\{([^{}]*)\}")
_PID = re.compile(r"'pid'\s*=>\s*'?(\d{1,9})'?")
_SLOT = re.compile(r"'slot'\s*=>\s*'slot(\d{1,9})'")


def drives(text: str) -> dict[str, int]:
    """Slot to the process that says it has it, from the text of a state file.  Never raises: what is none is passed over."""
    found: dict[str, int] = {}
    for drive in _DRIVE.findall(text):
        pid, slot = _PID.search(drive), _SLOT.search(drive)
        if pid is not None and slot is not None:
            found[str(int(slot[1]))] = int(pid[1])
    return found


def in_hand(directory: Path) -> dict[str, str]:
    """Slot to who has it, for the slots that a living process of Amanda has; a sentence for people.

    WorldError TAP003 when the file is there and may not be read: not to know is no leave to write.
    """
    try:
        with open(directory / STATE, "rb") as file:
            text = file.read(_LONGEST).decode("utf-8", "replace")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise fault_of(error, str(directory / STATE)) from None
    return {slot: f"process {pid} of Amanda has it in hand" for slot, pid in drives(text).items() if _lives(pid)}


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OverflowError:
        return False  # no process has such a number
    except PermissionError:
        return True
    return True


@contextmanager
def standing_still(directory: Path, wait: float = LOCK_SECONDS) -> Iterator[None]:
    """As long as this lasts no Amanda takes a slot or gives one back.

    WorldError TAP004 when the lock is held for longer than ``wait`` seconds, TAP003 when it may not be taken.
    """
    try:
        fd = _lock_of(directory / STATE, time.monotonic() + wait)
    except OSError as error:
        raise fault_of(error, str(directory / STATE)) from None
    try:
        yield
    finally:
        if fd >= 0:
            os.close(fd)  # and with it the lock


def _lock_of(path: Path, until: float) -> int:
    """A descriptor that holds the lock of that file; −1 when there is no such file.  OSError, WorldError TAP004."""
    while (fd := _opened(path)) >= 0:
        try:
            if _locked(fd):
                if _same(fd, path):
                    return fd
            elif time.monotonic() >= until:
                raise WorldError("TAP004", f"{path} is locked by a real Amanda", "wait until it ends")
            else:
                time.sleep(_AGAIN)
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
    return -1


def _opened(path: Path) -> int:
    """The file; −1 when there is none.  OSError."""
    for mode in (os.O_RDWR, os.O_RDONLY):
        with suppress(FileNotFoundError):
            try:
                return os.open(path, mode | os.O_CLOEXEC)
            except PermissionError:
                if mode == os.O_RDONLY:
                    raise
                continue  # a shared lock keeps Amanda out as well
        return -1
    return -1


def _locked(fd: int) -> bool:
    writable = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDWR
    try:
        fcntl.lockf(fd, (fcntl.LOCK_EX if writable else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return False
        raise
    return True


def _same(fd: int, path: Path) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(fd)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)
