"""Restores that have asked for something: a directory each, with the files of a run's, so that the same words read and answer
it.

``<state_dir>/restores/<datestamp>-<number>``: ``journal.jsonl``, ``lock`` while it lives, ``control`` while it waits.  Its
requests are numbered from a thousand times that number on, so that they are no other's; a run counts from 1.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from core.client.lock import lock_run
from core.client.runs import Run
from core.errors import StartError
from core.model.units import datestamp_of

STEP = 1000
"""Numbers of requests that each restore has for itself."""
_KEPT = 50
"""Directories of restores that are over that are kept to be looked at."""


def live_restores(state_dir: Path) -> list[Run]:
    """Those that asked for something and are still at work, oldest first."""
    return [run for run in _all(state_dir) if run.live()]


def number_of(run: Run) -> int:
    """The number of a restore among those that live."""
    return int(run.path.name.partition("-")[2])


def begin(state_dir: Path, now: float | None = None) -> tuple[Run, int]:
    """A directory for a restore, and its lock, which is held as long as the descriptor is open.  StartError RUN003."""
    directory = state_dir / "restores"
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        with _alone(directory):
            runs = _all(state_dir)
            used = {number_of(run) for run in runs if run.live()}
            number = next(free for free in range(1, len(used) + 2) if free not in used)
            run = Run(directory / f"{datestamp_of(time.time() if now is None else now)}-{number}")
            for old in [old for old in runs if not old.live()][:-_KEPT]:
                shutil.rmtree(old.path, ignore_errors=True)
            with contextlib.suppress(FileExistsError):  # of the same second, and over
                run.path.mkdir(mode=0o750)
            return run, lock_run(run.path)
    except OSError as fault:
        raise StartError("RUN003", f"{fault.filename or directory}: {fault.strerror}",
                         "Create it, writable for this user.") from fault


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _all(state_dir: Path) -> list[Run]:
    try:
        names = sorted(entry.name for entry in os.scandir(state_dir / "restores"))
    except FileNotFoundError:
        return []
    return [Run(state_dir / "restores" / name) for name in names
            if all(part.isdigit() for part in name.split("-")) and name.count("-") == 1]
