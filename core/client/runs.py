"""Runs of a site: which there are, which one lives, and starting one that needs no screen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import StartError
from core.events.codec import read
from core.events.view import RunView
from core.model.units import latest_stamp

SPARE = "spare.tmp"
"""Room beside the journal of a run that lives, for what is said when there is none any more."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run's directory; its name is the datestamp."""

    path: Path

    @property
    def datestamp(self) -> str:
        """``YYYYMMDDhhmmss``."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """The facts."""
        return self.path / "journal.jsonl"

    @property
    def traffic(self) -> Path:
        """Every line of every pipe: ``<epoch> <from> > <to> <line>``."""
        return self.path / "traffic.log"

    @property
    def status(self) -> Path:
        """The gauges."""
        return self.path / "status.json"

    @property
    def control(self) -> Path:
        """The socket of a live run."""
        return self.path / "control"

    def live(self) -> bool:
        """Whether its driver runs: it holds a lock on the file ``lock`` as long as it lives."""
        try:
            with open(self.path / "lock", "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False


def list_runs(state_dir: Path) -> list[Run]:
    """All runs, oldest first."""
    try:
        names = sorted(entry.name for entry in os.scandir(state_dir / "runs") if entry.name.isdigit())
    except FileNotFoundError:
        return []
    return [Run(state_dir / "runs" / name) for name in names]


def permitted(state_dir: Path, *, history: bool = False) -> None:
    """StartError RUN098 when there is a state directory that this user may not look into; ``history``: nor use what tells of
    earlier runs, which takes the right to write, too.

    Asked before anything that would go on without what it may not read, as if there were nothing.
    """
    look, use = os.R_OK | os.X_OK, os.R_OK | os.W_OK
    wanted = [(state_dir, look | (use if history else 0)), (state_dir / "runs", look)]
    for path, mode in [*wanted, *([(state_dir / "catalogue.sqlite", use)] if history else [])]:
        try:
            path.stat()
            closed = not os.access(path, mode)
        except PermissionError:  # a directory above it is closed
            closed = True
        except OSError:
            continue
        if closed:
            raise StartError("RUN098", f"{path}: this user may not {'read and write' if mode & os.W_OK else 'look into'} it",
                             "be the user who runs the backup")


def live_run(state_dir: Path) -> Run | None:
    """The run under way, if there is one."""
    return next((run for run in reversed(list_runs(state_dir)) if run.live()), None)


def ahead_runs(runs: Iterable[Run], now: float | None = None) -> list[Run]:
    """Those of ``runs`` that are dated later than the clock: it was wrong then, or is now."""
    latest = latest_stamp(time.time() if now is None else now)
    return [run for run in runs if run.datestamp > latest]


def find_run(state_dir: Path, name: str = "", now: float | None = None) -> Run | None:
    """The run whose datestamp begins with ``name``; the live or else the last one when it is empty.

    One that is dated later than the clock is the last one only where there is no other.
    """
    runs = list_runs(state_dir)
    if not name:
        ahead = ahead_runs(runs, now)
        last = next((run for run in reversed(runs) if run not in ahead), runs[-1] if runs else None)
        return live_run(state_dir) or last
    return next((run for run in reversed(runs) if run.datestamp.startswith(name)), None)


def view_of(run: Run) -> RunView:
    """The run as its journal stands now."""
    view = RunView()
    with contextlib.suppress(FileNotFoundError):
        view.apply_all(read(run.journal.read_bytes()))
    return view


def start(
    config: Path, state_dir: Path, disks: Iterable[str] = (), extra: Sequence[str] = (), *, patience: float = 20.0
) -> Run:
    """Start ``amdump CONFIG [DISK…]`` in its own session and return its run once the journal is there.

    The run goes on whatever becomes of the caller.  StartError with what amdump said when it ended before that, with
    amdump's own exit code in ``exit_code``.
    """
    before = {run.datestamp for run in list_runs(state_dir)}
    out_read, out_write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "core.amdump", str(config), *extra, *disks], stdin=subprocess.DEVNULL,
        stdout=out_write, stderr=out_write, start_new_session=True, close_fds=True)
    os.close(out_write)
    os.set_blocking(out_read, False)
    deadline = time.monotonic() + patience
    try:
        while time.monotonic() < deadline:
            for run in list_runs(state_dir):
                if run.datestamp not in before and run.journal.exists():
                    return run
            if process.poll() is not None:
                raise _start_error(out_read, process.returncode)
            time.sleep(0.01)
    finally:
        os.close(out_read)
    raise StartError("RUN002", f"amdump did not begin a run within {patience:.0f} seconds",
                     f"run it by hand to see why: {sys.executable} -P -m core.amdump {config}")


def _start_error(out_read: int, status: int) -> StartError:
    try:
        said = os.read(out_read, 65536).decode("utf-8", "replace").strip()
    except BlockingIOError:
        said = ""
    last = said.splitlines()[-1] if said else f"amdump ended with status {status}"
    code, _, rest = last.partition(" ")
    known = code[:3].isupper() and code[3:6].isdigit()
    error = StartError(code if known else "RUN002", rest if known else last)
    error.exit_code = status if status > 0 else 3
    return error
