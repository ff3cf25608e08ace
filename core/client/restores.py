"""Restores that others can see: a directory each, ``<state_dir>/restores/<datestamp>-<number>``, with a ``lock`` held while
it lives.

One that a console began goes on by itself: the command ``taperoom restore …`` exactly as it is shown, kept by
`core.client.keeper`.  ``command.json`` has its words, ``said.log`` what it prints, ``progress.json`` how far it is
(`core.cli.progress`), ``end.json`` its end.  One that was begun in a shell has a directory from its first request on.

What it asks is in files as a run has them, so that the same words read and answer it: ``journal.jsonl``, and ``control`` while
it waits.  Its requests are numbered from a thousand times its number on, so that they are no other's; a run counts from 1.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.client.acts import note, who
from core.client.control import order
from core.client.foresee import PROGRAM, environment
from core.client.lock import lock_run
from core.client.runs import Run, view_of
from core.errors import StartError, UsageError
from core.events.rows import QuestionView
from core.model.site import Site
from core.model.units import datestamp_of
from core.protocol import operator as op

DIRECTORY = "restores"
STEP = 1000
"""Numbers of requests that each restore has for itself."""
KEPT = 50
"""Directories of restores that are over that are kept to be looked at."""
_AHEAD = 60.0
"""Seconds that names may be ahead of the clock, when many restores of one second are over."""
SHOWN = 20
MINE = "TAPEROOM_RESTORE"
"""The variable that names the directory which was made for a restore by whoever began it."""
_TAIL = 64 * 1024


@dataclass(frozen=True, slots=True)
class Restoring:
    """One restore; ``code`` None: it goes on, or ended without a word when it is not ``alive``.

    ``done`` of ``total`` bytes are read, ``left``: seconds that it will still take, −1 while nobody knows; ``what`` is being
    read.  ``said``: the last lines that it printed, not cleaned; ``asked``: its requests, as long as it lives.
    """

    path: Path
    words: tuple[str, ...]
    who: str
    began: float
    alive: bool
    code: int | None = None
    ended: float = 0.0
    done: int = 0
    total: int = 0
    left: float = -1.0
    what: str = ""
    said: tuple[str, ...] = ()
    asked: tuple[QuestionView, ...] = ()

    @property
    def command(self) -> str:
        """As a shell takes it."""
        return shlex.join(self.words)

    @property
    def to(self) -> str:
        """Where to."""
        return next((word.removeprefix("--to=") for word in self.words if word.startswith("--to=")),
                    self.words[self.words.index("--to") + 1] if "--to" in self.words[:-1] else "")

    @property
    def name(self) -> str:
        """What it is called here: its datestamp and its number."""
        return self.path.name

    @property
    def datestamp(self) -> str:
        """When its directory was made."""
        return self.path.name.partition("-")[0]

    @property
    def asks(self) -> list[QuestionView]:
        """Its open requests."""
        return [question for question in self.asked if not question.closed]


def live_restores(state_dir: Path) -> list[Run]:
    """Those that asked for something and are still at work, oldest first."""
    return [run for run in _all(state_dir) if run.live() and run.journal.exists()]


def number_of(run: Run) -> int:
    """The number of a restore among those that live."""
    return int(run.path.name.partition("-")[2])


def take(state_dir: Path, words: Sequence[str], now: float | None = None) -> tuple[Run, int]:
    """A directory for a restore, and its lock, which is held as long as the descriptor is open.  StartError RUN003."""
    directory = state_dir / DIRECTORY
    now = time.time() if now is None else now
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        with _alone(directory):
            runs = _all(state_dir)
            used = {number_of(run) for run in runs if run.live()}
            over = {run.path.name for run in runs}
            number = next(free for free in range(1, len(used) + 2) if free not in used)
            newest = max((run.path.name.partition("-")[0] for run in runs), default="")
            while datestamp_of(now) < newest <= datestamp_of(now + _AHEAD):  # one of those below: it stays the older one
                now += 1
            while (name := f"{datestamp_of(now)}-{number}") in over:  # of the same second, and over
                now += 1
            for old in [run for run in runs if not run.live()][:-KEPT]:
                shutil.rmtree(old.path, ignore_errors=True)
            run = Run(directory / name)
            run.path.mkdir(mode=0o750)
            _write(run.path / "command.json", {"words": list(words), "who": who(), "began": time.time()})
            return run, lock_run(run.path)
    except OSError as fault:
        raise StartError("RUN003", f"{fault.filename or directory}: {fault.strerror}",
                         "Create it, writable for this user.") from fault


def mine(state_dir: Path) -> Run | None:
    """The directory that was made for this restore by whoever began it; its lock is held."""
    name = os.environ.get(MINE, "")
    return next((run for run in _all(state_dir) if run.path.name == name and run.live()), None)


def end(run: Run, code: int) -> None:
    """Note how a restore ended whose directory is its own."""
    with contextlib.suppress(OSError):
        _write(run.path / "end.json", {"code": code, "at": time.time()})


def _write(file: Path, plain: dict[str, Any]) -> None:
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(json.dumps(plain), "ascii")
    fresh.replace(file)


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _all(state_dir: Path) -> list[Run]:
    """Oldest first."""
    try:
        names = [entry.name for entry in os.scandir(state_dir / DIRECTORY)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    parts = [part for part in (name.split("-") for name in names) if len(part) == 2 and all(map(str.isdecimal, part))]
    return [Run(state_dir / DIRECTORY / "-".join(part)) for part in sorted(parts, key=lambda part: (part[0], int(part[1])))]


def begin(site: Site, words: Sequence[str], at: float | None = None) -> Restoring:
    """Start a restore that goes on whatever becomes of the caller, and write down who did.  StartError RUN003, RST059."""
    run, lock = take(site.state_dir, words, at)
    try:
        os.set_inheritable(lock, True)
        keeper = subprocess.run(
            [sys.executable, "-P", "-m", "core.client.keeper", str(run.path), str(lock), *PROGRAM, *words[1:]],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=(lock,), close_fds=True,
            start_new_session=True, env=environment(site) | {MINE: run.path.name}, check=False)
    except OSError as fault:
        raise StartError("RST059", f"{sys.executable}: {fault.strerror}", "see to what the system is short of") from fault
    finally:
        os.close(lock)
    if keeper.returncode:
        said = keeper.stderr.decode("utf-8", "replace").strip().splitlines()
        raise StartError("RST059", said[-1] if said else f"its keeper ended with status {keeper.returncode}")
    note(site.state_dir, shlex.join(words))
    return look(run.path)


def restorings(state_dir: Path, most: int = SHOWN) -> list[Restoring]:
    """The last restores, newest first."""
    return [look(run.path) for run in reversed(_all(state_dir))][:most]


def look(path: Path) -> Restoring:
    """How one stands."""
    run = Run(path)
    alive = run.live()  # before its end is read: it may end meanwhile
    command, ended, progress = _plain(path / "command.json"), _plain(path / "end.json"), _plain(path / "progress.json")
    code = ended.get("code")
    alive = alive and code is None
    return Restoring(
        path, tuple(map(str, command.get("words", ()))), str(command.get("who", "")), float(command.get("began", 0.0)),
        alive, code if isinstance(code, int) else None, float(ended.get("at", 0.0)),
        int(progress.get("done", 0)), int(progress.get("total", 0)), float(progress.get("left", -1.0)),
        str(progress.get("what", "")), _tail(path / "said.log"),
        tuple(view_of(run).questions.values()) if alive and run.journal.exists() else ())


def _plain(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _tail(path: Path, most: int = 200) -> tuple[str, ...]:
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            data = file.read()
    except OSError:
        return ()
    return tuple(data.decode("utf-8", "replace").splitlines()[-most:])


def stop(restoring: Restoring) -> None:
    """Interrupt one as ctrl-c does: it clears away what it had begun.  UsageError RST059 when it is over, or belongs to a
    shell."""
    if not Run(restoring.path).live():
        raise UsageError("RST059", f"the restore to {restoring.to} is over")
    try:
        pid = int((restoring.path / "pid").read_text("ascii"))
    except (OSError, ValueError):
        pid = 0
    if pid <= 1:
        raise UsageError("RST059", f"the restore to {restoring.to} was begun in a shell",
                         "interrupt it there with ctrl-c, or answer its request with stop")
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGINT)


def answer(state_dir: Path, name: str, said: op.Answer, by: str) -> str:
    """Answer a request of the restore of that name; what it said to that.  UsageError RUN021 when it refuses, StartError RUN020
    when it is over."""
    match order(Run(state_dir / DIRECTORY / name), said, name=by):
        case op.Ok(message):
            return message or "done"
        case op.Refused(message):
            raise UsageError("RUN021", f"the restore refused: {message}")
        case op.Gone():
            raise StartError("RUN020", "the restore is over, or does not wait for an answer any more")
