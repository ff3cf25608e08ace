"""The tapelist on disk: read it, or change it under its lock.

Promises that a reader sees the old list or the new one, never a mixture: the new text is written to ``<file>.new``,
made durable and renamed.  The lock is ``<file>.lock`` with a POSIX record lock, as Amanda's file_lock takes it
(common-src/amflock.c), so a real Amanda on the same file keeps out of the way.  A missing file is an empty list.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import WorldError
from core.model.volume import Volume, format_tapelist, parse_tapelist

LOCK_SECONDS = 60.0
"""How long the lock is waited for."""
_AGAIN = 0.05


class Draft:
    """The list while it is locked; assign `volumes` to change it."""

    def __init__(self, volumes: tuple[Volume, ...]) -> None:
        self.volumes = volumes


def read(path: Path) -> tuple[Volume, ...]:
    """The volumes, newest write first.  WorldError TAP009 names file and line of a fault, TAP010 what cannot be read."""
    try:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise WorldError("TAP010", f"{path}: {error.strerror}") from None
    try:
        return parse_tapelist(text)
    except ValueError as fault:
        where, _, what = str(fault).partition(": ")
        number = where.removeprefix("line ")
        raise WorldError("TAP009", f"{path}:{number}: {what}", "correct the line; nothing is written until then") from None


@contextmanager
def edit(path: Path, wait: float = LOCK_SECONDS) -> Iterator[Draft]:
    """The list under its lock; what `Draft.volumes` holds at the end replaces it, durably.

    Nothing is written when the block raises or changes nothing.  WorldError TAP009, TAP010.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)  # volumes are labelled before the first run
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise WorldError("TAP010", f"{path}.lock: {error.strerror}", "the state directory must be writable") from None
    try:
        _wait_for(lock, path, wait)
        draft = Draft(read(path))
        before = draft.volumes
        yield draft
        if draft.volumes != before:
            _replace(path, draft.volumes)
    finally:
        os.close(lock)  # and with it the lock


def _wait_for(lock: int, path: Path, wait: float) -> None:
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            if time.monotonic() >= until:
                raise WorldError("TAP010", f"{path}.lock is held by another program since {wait:.0f} s") from None
        time.sleep(_AGAIN)


def _replace(path: Path, volumes: tuple[Volume, ...]) -> None:
    text = format_tapelist(volumes).encode("utf-8", "surrogateescape")
    new = Path(f"{path}.new")
    try:
        with new.open("wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # By this link a process of Amanda knows that it wrote last, and does not read again what it has in memory.
        Path(f"{path}.last_write").unlink(missing_ok=True)
        new.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise WorldError("TAP010", f"{path}: {error.strerror}", "the state directory must be writable") from None


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable.  OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
