"""The scratch directory of a drill: one of its own below the place that is configured, gone again whatever happens.

Promises that nothing outside of it is written or removed, and that it never holds much more than its limit.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
import time
from pathlib import Path
from types import TracebackType

from core.errors import WorldError
from core.landing.room import remove_tree
from core.model.units import show_size

PREFIX = "taperoom-drill-"
_NAME = re.compile(rf"{PREFIX}(\d+)-\w+")
_LOOK = 0.1
"""Seconds between two looks at how much is there."""


class TooMuch(Exception):
    """What is being restored is more than the scratch directory may hold."""


class Scratch:
    """A directory that only this drill uses; ``limit`` bytes.  WorldError VFY012 when it cannot be made."""

    def __init__(self, parent: str, limit: int) -> None:
        self.parent = Path(parent or tempfile.gettempdir())
        self.limit = limit
        self._next = 0.0
        try:
            self.parent.mkdir(parents=True, exist_ok=True)
            _remove_left(self.parent)
            self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=self.parent))
        except OSError as fault:
            raise no_room(self.parent, fault.strerror or str(fault)) from fault

    def used(self) -> int:
        """Bytes on disk."""
        total = 0
        for at, _, files in os.walk(self.path):
            for name in files:
                try:
                    total += os.lstat(os.path.join(at, name)).st_blocks * 512
                except OSError:
                    continue  # moved to its place just now
        return total

    def watch(self, *, at_once: bool = False) -> None:
        """Look, now and then or at once, whether it holds too much already.  TooMuch."""
        now = time.monotonic()
        if at_once or now >= self._next:
            self._next = now + _LOOK
            if self.used() > self.limit:
                raise TooMuch

    def empty(self) -> None:
        """Remove all that is in it."""
        for entry in list(self.path.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                remove_tree(entry)
            else:
                entry.unlink(missing_ok=True)

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        remove_tree(self.path)


def no_room(path: Path, why: str) -> WorldError:
    """VFY012 for a scratch directory."""
    return WorldError("VFY012", f"scratch {path}: {why}", "make room, or name another directory with --scratch")


def over(limit: int) -> str:
    """How much it may hold, for people."""
    return f"more than the {show_size(limit)} that the drill may take"


def _remove_left(parent: Path) -> None:
    """Remove what drills left that were killed: ours by owner and name, and no process of that number lives."""
    for entry in parent.glob(f"{PREFIX}*"):
        found = _NAME.fullmatch(entry.name)
        try:
            state = os.lstat(entry)
        except OSError:
            continue
        if found and stat.S_ISDIR(state.st_mode) and state.st_uid == os.geteuid() and not _lives(int(found[1])):
            remove_tree(entry)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
