"""The real planner of Amanda, run beside its site: what it would do tonight, and what it says of it.  Where there is no plan to
be had, ``amadmin balance`` tells at least which fulls it expects.

Promises that nothing of the site is written: the planner's own places for state (curinfo, logs, command_file, tapelist) are
copies in a directory that is removed afterwards.  It leaves what every program of Amanda leaves, a file in its debug directory.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.amanda.disklist import Entry
from core.amanda.tracelog import Failed, parse_log
from core.migration.balance import Due, read_balance
from core.migration.source import Key, Source
from core.model.quoting import quote, split_lenient

PLANNER = Path("/usr/lib/amanda/planner")
AMADMIN = Path("/usr/sbin/amadmin")
PATIENCE = 4 * 3600.0
"""Seconds that the planner has: clients may take their time for estimates."""
_OFFLINE = 300.0
_SAID = (
    (re.compile(r"Full dump of (.+) (?:specially )?promoted from (\d+) days? ahead"), "promoted from {2} days ahead"),
    (re.compile(r"Forcing full dump of (.+) as directed"), "full forced by the operator"),
    (re.compile(r"Adding new disk (.+)\.$"), "new disk"),
    (re.compile(r"Incremental of (.+) bumped to level (\d+)"), "bumped to level {2}"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One dump that the planner wants; sizes KiB, ``size`` as stored."""

    level: int
    orig: int
    size: int
    why: str = ""


@dataclass(slots=True)
class Theirs:
    """The planner's plan by (host, disk); ``failed``: why others are not dumped; ``missing``: why there is no plan at all, and
    then ``balance`` has the nights that amadmin expects fulls on, None where that cannot be run either."""

    dumps: dict[Key, Line] = field(default_factory=dict)
    failed: dict[Key, str] = field(default_factory=dict)
    missing: str = ""
    balance: dict[str, Due] | None = None


def ask_planner(source: Source, stamp: str, *, ask: bool) -> Theirs:
    """The plan of the real planner for the run ``stamp``; without ``ask`` its sizes come from curinfo alone."""
    absent = f"{PLANNER} is not installed on this machine"
    if not PLANNER.exists() and not AMADMIN.exists():
        return Theirs(missing=absent)
    user = str(source.conf.top.get("dumpuser")) or "backup"
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return Theirs(missing=f"it runs as {user}, and there is no such user on this machine")
    become: tuple[str, ...] = ()
    if os.geteuid() == 0:
        become = ("runuser", "-u", user, "--")
    elif os.geteuid() != account.pw_uid:
        return Theirs(missing=f"it runs as {user}; be that user, or root")
    with _copies(source, account, ask) as place:
        words = (*become, str(PLANNER), ".", "--starttime", stamp, "--log-filename", str(place / "logs" / f"log.{stamp}.0"),
                 "--no-flush")
        theirs = _run(words, place, PATIENCE if ask else _OFFLINE) if PLANNER.exists() else Theirs(missing=absent)
        if theirs.missing:
            theirs.balance = _balance((*become, str(AMADMIN), ".", "balance"), place) if AMADMIN.exists() else None
        return theirs


@contextlib.contextmanager
def _copies(source: Source, account: pwd.struct_passwd, ask: bool) -> Iterator[Path]:
    """A directory of the planner's user with a configuration of the same name, and copies of all that it may write."""
    with tempfile.TemporaryDirectory(prefix="taperoom-beside-") as name:
        place = Path(name)
        (place / "logs").mkdir()
        (place / "curinfo").mkdir()
        for key in source.infos:
            origin = source.info_file(key)
            target = place / "curinfo" / origin.relative_to(source.path("infofile"))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, target)
        for name_of in ("command-file", "tapelist"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(source.path(name_of), place / name_of)
        _configuration(source, place, ask)
        if os.geteuid() == 0:
            for path in (place, *place.rglob("*")):
                os.chown(path, account.pw_uid, account.pw_gid)
        yield place


def _configuration(source: Source, place: Path, ask: bool) -> None:
    """The site's configuration, whose places for state are the copies, and its disklist; without ``ask`` no client tells sizes.

    Options on the planner's command line cannot do that: 3.5.1 never ends on one that names an estimate.
    """
    here = place / source.name
    here.mkdir()
    for file in source.conf.files:
        if not file.startswith("/"):
            target = here / ("site.conf" if file == "amanda.conf" else file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source.directory / file, target)
    lines = ['includefile "site.conf"', f"diskfile {_text(here / 'beside.disklist')}", f"logdir {_text(place / 'logs')}"]
    lines.append('displayunit "k"')
    lines += [f"{key} {_text(place / where)}" for key, where in (
        ("infofile", "curinfo"), ("command-file", "command-file"), ("tapelist", "tapelist"))]
    (here / "amanda.conf").write_text("\n".join(lines) + "\n")
    disks = "\n".join(_disk(entry, ask) for entry in source.disks)
    (here / "beside.disklist").write_bytes(disks.encode("utf-8", "surrogateescape"))


def _text(path: Path) -> str:
    return f'"{path}"'


def _disk(entry: Entry, ask: bool) -> str:
    """The entry with its dumptype between braces, where the estimate can be another one."""
    words = [entry.host, quote(entry.disk), *([quote(entry.device)] if entry.device else [])]
    body = entry.body if entry.body else f"  {entry.dumptype.name}"
    estimate = "" if ask else "  estimate server\n"
    tail = f"{entry.spindle} {entry.interface or 'default'}"
    return f"{' '.join(words)} {{\n{body}\n{estimate}}} {tail}\n"


def _asked(words: Sequence[str], place: Path, patience: float) -> subprocess.CompletedProcess[bytes]:
    """One of Amanda's programs on the copies, with everything of theirs as it was but what it may write."""
    [here] = (path.parent for path in place.glob("*/beside.disklist"))
    return subprocess.run(words, cwd=here, stdin=subprocess.DEVNULL, capture_output=True, timeout=patience, check=False)


def _balance(words: Sequence[str], place: Path) -> dict[str, Due] | None:
    try:
        done = _asked(words, place, _OFFLINE)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else read_balance(done.stdout.decode("utf-8", "surrogateescape"))


def _run(words: Sequence[str], place: Path, patience: float) -> Theirs:
    try:
        done = _asked(words, place, patience)
    except (OSError, subprocess.TimeoutExpired) as fault:
        why = fault.strerror if isinstance(fault, OSError) else f"it did not end within {patience:.0f} seconds"
        return Theirs(missing=f"{PLANNER} cannot be run: {why}")
    out = done.stdout.decode("utf-8", "surrogateescape")
    logs = "".join(path.read_bytes().decode("utf-8", "surrogateescape") for path in sorted((place / "logs").glob("log.*")))
    theirs = read_plan(out, logs)
    if done.returncode and not theirs.dumps:
        said = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
        theirs.missing = f"it ended with status {done.returncode}: {said[-1] if said else 'it said nothing'}"
    return theirs


def read_plan(out: str, log: str) -> Theirs:
    """The plan out of what the planner wrote on its stdout and into its log.  Pure."""
    theirs = Theirs()
    said = _said(log)
    for line in out.splitlines():
        if not line.startswith("DUMP "):
            continue
        words = split_lenient(line)
        try:
            host, disk, level, orig, size = words[1], words[3], int(words[6]), int(words[8]), int(words[9])
        except (IndexError, ValueError):
            continue
        theirs.dumps[host, disk] = Line(level, orig, size, said.get(f"{host}:{disk}", ""))
    for fact in parse_log(log).facts:
        if isinstance(fact, Failed) and fact.program == "planner" and (fact.host, fact.disk) not in theirs.dumps:
            theirs.failed[fact.host, fact.disk] = fact.message
    return theirs


def _said(log: str) -> dict[str, str]:
    """What the log says of each disk, by ``HOST:DISK``."""
    found: dict[str, str] = {}
    for line in log.splitlines():
        for pattern, words in _SAID:
            if (match := pattern.search(line)) is not None:
                found[match[1]] = words.replace("{2}", match[2] if match.re.groups > 1 else "")
    return found
