"""Locks and directories of a run: one run a site at a time, and a run is live as long as its driver holds its lock.

Both are flock(2) on open files: they vanish with the processes that hold them, whatever killed those.
"""

from __future__ import annotations

import fcntl
import os
from datetime import datetime, timedelta
from pathlib import Path

from core.errors import BusyError, StartError
from core.model.site import Site


def lock_site(state_dir: Path) -> int:
    """Take the site's lock; the descriptor holds it, also in a child that inherits it.  BusyError RUN004."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
        lock = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as fault:
        raise StartError("RUN003", f"{state_dir}: {fault.strerror}", "Create it, writable for this user.") from fault
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise BusyError("RUN004", "another run of this configuration is active",
                        "Watch it with: taperoom attach; stop it with: taperoom stop.") from None
    return lock


def lock_run(directory: Path) -> int:
    """Mark a run as live.  Waits: whoever looks whether it lives holds a shared lock for that moment."""
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def make_run_directory(site: Site, datestamp: str) -> Path:
    """``runs/<datestamp>``; the next free second when that run exists.  StartError RUN003."""
    stamp = datestamp
    for _ in range(3600):
        directory = site.runs_dir / stamp
        try:
            directory.mkdir(parents=True, mode=0o750)
            for parent in (site.runs_dir, site.state_dir):
                _sync(parent)
            return directory
        except FileExistsError:
            stamp = (datetime.strptime(stamp.ljust(14, "0"), "%Y%m%d%H%M%S") + timedelta(seconds=1)).strftime("%Y%m%d%H%M%S")
        except OSError as fault:
            raise StartError("RUN003", f"{directory}: {fault.strerror}", "Create it, writable for this user.") from fault
    raise StartError("RUN003", f"{site.runs_dir}: no free name for a run after {datestamp}")


def _sync(directory: Path) -> None:
    """Make the names in a directory durable.  OSError."""
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
