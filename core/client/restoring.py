"""Restores that go on by themselves: what one would do, starting it as a process of its own, and how far each is.

Each is the command ``taperoom restore …`` exactly as it is shown, kept by `core.client.keeper`, with a directory
``restores-started/<datestamp>`` in the state directory: ``command.json``, ``said.log`` (what it prints), ``progress.json`` (see
`core.cli.progress`), ``end.json``, and ``lock``, which it holds as long as it lives, whoever began it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.client.acts import note, who
from core.errors import StartError, TaperoomError, UsageError, WorldError
from core.model.site import Site
from core.model.units import datestamp_of

DIRECTORY = "restores-started"
KEPT = 20
"""Restores that are over and are still told of."""
PROGRAM = (sys.executable, "-P", "-m", "core.cli")
_TAIL = 64 * 1024
_FAULT = re.compile(r"(?:taperoom: )?([A-Z]{3}\d{3}) (.*)")


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a restore would do (`core.restore.forecast.Forecast`, as ``--dry-run --json`` tells it).

    ``stops``: storage (empty for a holding file), label and file numbers, in order; ``taken``: names in the target that would
    be replaced, ``blocked`` those that cannot be; ``refused``: it would not begin.  Bytes, seconds, bytes a second.
    """

    to: str
    files: int
    directories: int
    size: int
    seconds: float
    rate: float
    measured: int
    stops: tuple[tuple[str, str, tuple[int, ...]], ...] = ()
    taken: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    refused: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Restoring:
    """One restore; ``code`` None: it goes on, or ended without a word when it is not ``alive``.

    ``done`` of ``total`` bytes are read, ``left``: seconds that it will still take, −1 while nobody knows; ``what`` is being
    read.  ``said``: the last lines that it printed, not cleaned.
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

    @property
    def command(self) -> str:
        """As a shell takes it."""
        return shlex.join(self.words)

    @property
    def to(self) -> str:
        """Where to."""
        return self.words[self.words.index("--to") + 1] if "--to" in self.words[:-1] else ""

    @property
    def name(self) -> str:
        """What it is called here: its datestamp."""
        return self.path.name


def foresee(site: Site, words: Sequence[str]) -> Ahead:
    """What ``taperoom restore …`` would do.  The TaperoomError that it would end with; StartError RST059 when it tells
    nothing."""
    done = subprocess.run([*PROGRAM, *words[1:], "--dry-run", "--json"], stdin=subprocess.DEVNULL, capture_output=True,
                          env=environment(site), check=False)
    try:
        told: dict[str, Any] = json.loads(done.stdout)
        return Ahead(
            str(told["to"]), int(told["files"]), int(told["directories"]), int(told["bytes"]), float(told["seconds"]),
            float(told["rate"]), int(told["measured"]),
            tuple((str(stop["storage"]), str(stop["label"]), tuple(map(int, stop["files"]))) for stop in told["order"]),
            tuple(told["taken"]), tuple(told["blocked"]), bool(told["refused"]), tuple(told["warnings"]))
    except (ValueError, KeyError, TypeError):
        raise _fault(done.stderr.decode("utf-8", "replace"), done.returncode) from None


def _fault(said: str, status: int) -> TaperoomError:
    """What a command said before it ended, as the error that it was."""
    lines = said.splitlines()
    for number, line in enumerate(lines):
        if found := _FAULT.fullmatch(line):
            after = lines[number + 1].strip() if number + 1 < len(lines) else ""
            kind = {1: WorldError, 2: UsageError}.get(status, StartError)
            return kind(found[1], found[2], after.removeprefix("Hint: ") if after.startswith("Hint: ") else "")
    return StartError("RST059", lines[-1] if lines else f"the restore ended with status {status} and said nothing",
                      "the command in a shell says more")


def begin(site: Site, words: Sequence[str], at: float | None = None) -> Restoring:
    """Start a restore that goes on whatever becomes of the caller, and write down who did.  StartError RST059."""
    top = site.state_dir / DIRECTORY
    try:
        path = _make(top, time.time() if at is None else at)
        command = {"words": list(words), "who": who(), "began": time.time()}
        (path / "command.json").write_text(json.dumps(command), "ascii")
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as fault:
        raise StartError("RST059", f"{top}: {fault.strerror}", "it must be writable for this user") from fault
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.set_inheritable(lock, True)
        keeper = subprocess.run(
            [sys.executable, "-P", "-m", "core.client.keeper", str(path), str(lock), *PROGRAM, *words[1:]],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=(lock,), close_fds=True,
            start_new_session=True, env=environment(site), check=False)
    except OSError as fault:
        raise StartError("RST059", f"{sys.executable}: {fault.strerror}", "see to what the system is short of") from fault
    finally:
        os.close(lock)
    if keeper.returncode:
        said = keeper.stderr.decode("utf-8", "replace").strip().splitlines()
        raise StartError("RST059", said[-1] if said else f"its keeper ended with status {keeper.returncode}")
    note(site.state_dir, shlex.join(words))
    _forget_old(top)
    return look(path)


def environment(site: Site) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TEXTUAL")}
    return kept | {"TAPEROOM_CONFIG": str(site.file)}


def _make(top: Path, at: float) -> Path:
    """A new directory, named after the second or the next free one."""
    top.mkdir(parents=True, exist_ok=True, mode=0o750)
    while True:
        path = top / datestamp_of(at)
        try:
            path.mkdir(mode=0o750)
            return path
        except FileExistsError:
            at += 1


def restorings(state_dir: Path, most: int = KEPT) -> list[Restoring]:
    """The last restores, newest first."""
    return [look(state_dir / DIRECTORY / name) for name in reversed(_names(state_dir / DIRECTORY))][:most]


def _names(top: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(top) if entry.name.isdigit())
    except FileNotFoundError:
        return []


def look(path: Path) -> Restoring:
    """How one stands."""
    alive = _alive(path)  # before its end is read: it may end meanwhile
    command, end, progress = _plain(path / "command.json"), _plain(path / "end.json"), _plain(path / "progress.json")
    code = end.get("code")
    return Restoring(
        path, tuple(map(str, command.get("words", ()))), str(command.get("who", "")), float(command.get("began", 0.0)),
        alive and code is None, code if isinstance(code, int) else None, float(end.get("at", 0.0)),
        int(progress.get("done", 0)), int(progress.get("total", 0)), float(progress.get("left", -1.0)),
        str(progress.get("what", "")), _tail(path / "said.log"))


def _alive(path: Path) -> bool:
    try:
        with open(path / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


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
    """Interrupt one as ctrl-c does: it clears away what it had begun.  UsageError RST059 when it is over."""
    try:
        pid = int((restoring.path / "pid").read_text("ascii"))
    except (OSError, ValueError):
        pid = 0
    if pid <= 1 or not _alive(restoring.path):
        raise UsageError("RST059", f"the restore to {restoring.to} is over")
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGINT)


def _forget_old(top: Path) -> None:
    for name in _names(top)[:-KEPT]:
        if not _alive(top / name):
            shutil.rmtree(top / name, ignore_errors=True)
