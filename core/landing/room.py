"""The hidden room of a restore inside its target: the facts, the lock, and a directory for what comes out of each dump.

It is inside, so that a move is a rename and stays on one file system.  Who holds the lock works in it, and so does a tar that
outlives a killed restore for a moment.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from core.errors import BusyError, WorldError
from core.landing.place import Below
from core.landing.state import NAME, State, line_of

ROOM = ".taperoom-restore"
"""The room's name; where the dump has that name itself, a number is added."""
SYNC_EVERY = 30.0
"""Seconds between two moments of which is written down that everything before them is on disk."""
PATIENCE = 3.0
"""Seconds that a room is waited for: a tar of a restore that was killed ends soon."""


def room_name(tops: Iterable[bytes]) -> str:
    """What the room is called in a target in which names begin with ``tops``."""
    taken = set(tops)
    number, name = 0, ROOM
    while os.fsencode(name) in taken:
        number += 1
        name = f"{ROOM}-{number}"
    return name


def open_room(target: Below, name: str) -> int | None:
    """That room of a target, open; None when there is none.  OSError; WorldError RST037 unless it is a directory that we made.

    Whoever else may write in the target could put a link there to have files written, and removed, elsewhere, or a state that
    says what is whole.
    """
    try:
        room = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=target.top)
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise _strange(target, name, "no directory") from None
    found = os.fstat(room)
    what = "another user's" if found.st_uid != os.geteuid() else "open to others" if found.st_mode & 0o022 else ""
    if what:
        os.close(room)
        raise _strange(target, name, what)
    return room


def _strange(target: Below, name: str, what: str) -> WorldError:
    return WorldError("RST037", f"{os.fsdecode(target.path(os.fsencode(name)))} is {what}, so no restore of ours made it",
                      "look at it and remove it, or restore to another directory")


class Room:
    """A room that is taken.  ``path`` is its name in messages, ``state`` what its facts say.

    It is held open: its name in the target may be made to mean something else, but what is in it only we can change.
    """

    def __init__(self, target: Below, name: str) -> None:
        """Take it; it is made.  BusyError RST035; WorldError RST025, RST037."""
        self.path = Path(os.fsdecode(target.path(os.fsencode(name))))
        self._target, self._name = target, name
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=target.top)
            room = open_room(target, name)
            if room is None:
                raise _strange(target, name, "taken away")
        except OSError as fault:
            raise self._refused(fault) from fault
        self._open = room
        with contextlib.suppress(OSError):  # a file system without ACLs, or a target without one for what is made in it
            os.removexattr(self.inside, "system.posix_acl_default")
        try:
            self.lock = os.open(NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=room)
        except OSError as fault:
            os.close(room)
            raise self._refused(fault) from fault
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    self._let_go()
                    raise BusyError("RST035", f"another restore to {self.path.parent} is under way",
                                    "wait until it ends, or restore to another directory") from None
                time.sleep(0.05)
        self.state = State("")
        self._sync: subprocess.Popen[bytes] | None = None
        self._sync_began = 0.0
        self._next_sync = time.monotonic() + SYNC_EVERY

    def _refused(self, fault: OSError) -> WorldError:
        return WorldError("RST025", f"{self.path}: {fault.strerror}", "restore to a directory that you may write")

    @property
    def inside(self) -> Path:
        """The room itself, by a name that nobody can give to something else."""
        return Path(f"/proc/self/fd/{self._open}")

    def below(self) -> Below:
        """Names in it; to be closed."""
        return Below(self._open, os.fsencode(self.path))

    def place(self, dump: int, part: str) -> Path:
        """Where a part of a dump's members is extracted; it is made.  OSError."""
        place = self.inside / str(dump) / part
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return place

    def begin(self, first: dict[str, Any], state: State) -> None:
        """Forget everything and begin anew with this first fact."""
        self.empty()
        os.ftruncate(self.lock, 0)
        self.state = state
        self._write(first)

    def note(self, fact: dict[str, Any]) -> None:
        """Write a fact down.  WorldError RST025."""
        self.state.fold(fact)
        self._write(fact)

    def _write(self, fact: dict[str, Any]) -> None:
        line = line_of(fact)
        size = os.fstat(self.lock).st_size
        try:
            written = os.write(self.lock, line)
            if written < len(line):
                os.ftruncate(self.lock, size)
                raise OSError(28, "No space left on device")
        except OSError as fault:
            raise WorldError("RST025", f"{self.path / NAME}: {fault.strerror}",
                             "make room, or restore to another directory") from fault

    def tick(self) -> None:
        """Now and then have the file system written out, without waiting for it, and write down what that made safe."""
        now = time.monotonic()
        if self._sync is not None:
            if (status := self._sync.poll()) is None:
                return
            self._sync = None
            if status == 0:
                self.note({"synced": self._sync_began})
                with contextlib.suppress(OSError):
                    os.fdatasync(self.lock)
        if now >= self._next_sync:
            self._next_sync = now + SYNC_EVERY
            # A file's time is that of the last tick of the kernel's clock: what is younger may have been changed meanwhile.
            self._sync_began = time.time() - 0.1
            with contextlib.suppress(OSError):
                self._sync = subprocess.Popen(["sync", "-f", "."], cwd=self.inside, stdin=subprocess.DEVNULL,
                                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def drop(self, dump: int, part: str = "") -> None:
        """Remove what came out of a dump, or only a part of it."""
        remove_tree(self.inside / str(dump) / part)

    def empty(self) -> None:
        """Remove everything but the facts."""
        for entry in list(os.scandir(self.inside)):
            if entry.name != NAME:
                if entry.is_dir(follow_symlinks=False):
                    remove_tree(Path(entry.path))
                else:
                    with contextlib.suppress(OSError):
                        os.unlink(entry.path)

    def close(self) -> None:
        """Let it be; the facts stay."""
        if self.lock >= 0:
            if self._sync is not None:
                self._sync.kill()
                self._sync.wait()
                self._sync = None
            self._let_go()

    def _let_go(self) -> None:
        os.close(self.lock)
        os.close(self._open)
        self.lock = self._open = -1

    def remove(self) -> None:
        """Take it away.  Never raises."""
        with contextlib.suppress(OSError):
            self.empty()
            os.unlink(NAME, dir_fd=self._open)
        self.close()
        with contextlib.suppress(OSError):
            os.rmdir(self._name, dir_fd=self._target.top)


def remove_tree(path: Path) -> None:
    """Remove what a restore left for itself, whatever modes its directories have.  Never raises."""
    def again(call: Callable[..., object], name: str, fault: object) -> None:
        with contextlib.suppress(OSError):
            os.chmod(os.path.dirname(name), 0o700)
            os.chmod(name, 0o700)
            call(name)

    shutil.rmtree(path, onerror=again)
