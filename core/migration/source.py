"""A site of Amanda, read as a whole: configuration, disklist, and every file that it keeps its state in.

Promises: either all of it, or one fault that names every place that cannot be read, with file and line.  Files are opened for
reading only.  What is in them becomes something of ours elsewhere in this package.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.amanda.commands import Command, parse_commands
from core.amanda.conf import Block, Conf, read_conf
from core.amanda.curinfo import Info, parse_info
from core.amanda.disklist import Entry, read_disklist
from core.amanda.tracelog import Fact, Process, parse_log
from core.errors import UsageError
from core.model.units import sanitise
from core.model.volume import Volume, parse_tapelist

SYSTEM = Path("/etc/amanda")
"""Where a bare word is looked for, as Amanda's own programs do."""
_DEFAULTS = {"infofile": "/usr/adm/amanda/curinfo", "logdir": "/usr/adm/amanda", "indexdir": "/usr/adm/amanda/index",
             "tapelist": "tapelist", "diskfile": "disklist", "command-file": "command_file"}
_LOG = re.compile(r"log\.(\d{8}(?:\d{6})?)\.(\d+)", re.ASCII)

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """All of it.  ``name`` is the configuration's, ``logs`` by the datestamp of the run, oldest first; ``damaged``: a sentence
    for each place that was passed over because that was asked for."""

    directory: Path
    name: str
    conf: Conf
    disks: tuple[Entry, ...]
    tapelist: tuple[Volume, ...] = ()
    infos: dict[Key, Info] = field(default_factory=dict)
    logs: dict[str, list[Fact]] = field(default_factory=dict)
    commands: tuple[Command, ...] = ()
    damaged: tuple[str, ...] = ()

    def path(self, key: str) -> Path:
        """The file or directory of a global keyword such as ``indexdir``."""
        return path_of(self.directory, self.conf.top, key)

    def info_file(self, key: Key) -> Path:
        """Where the curinfo record of a disk is."""
        return self.path("infofile") / sanitise(key[0]) / sanitise(key[1]) / "info"


def path_of(directory: Path, top: Block, key: str) -> Path:
    """The path that a global keyword names, or its default; relative ones begin at the configuration's directory."""
    return directory / (str(top.get(key)) or _DEFAULTS[key])


def find_directory(name: str) -> Path:
    """The directory of a configuration of Amanda, given by its path or by its name.  UsageError AMA001."""
    closed: list[Path] = []
    for candidate in (Path(name), *([SYSTEM / name] if "/" not in name else [])):
        try:
            if (candidate / "amanda.conf").is_file():
                return candidate.absolute()
        except PermissionError:  # as the working directory is, after su or runuser
            closed.append(candidate.absolute())
    if closed:
        raise UsageError("AMA001", f"{name}: this user may not look into {closed[-1]}", "be Amanda's user, or root")
    raise UsageError("AMA001", f"{name}: there is no amanda.conf",
                     f"name the directory that has it, such as {SYSTEM}/daily; it has to be readable")


def read_source(name: str, *, skip_damaged: bool = False) -> Source:
    """The site whose configuration is ``name``.

    UsageError AMA001, CFG011 with all faults of the configuration, AMA002 with all faults of the state; ``skip_damaged``
    passes over damaged records and lines of the state, never of the configuration.
    """
    directory = find_directory(name)
    read = _reader(directory)
    conf = read_conf("amanda.conf", read, directory.name)
    disks = read_disklist(str(conf.top.get("diskfile")) or _DEFAULTS["diskfile"], conf, read)
    state = _State(directory, conf.top)
    tapelist = state.tapelist()
    commands = state.commands()
    infos = state.infos(disks)
    logs = state.logs()
    hard = [*state.faults, *([] if skip_damaged else state.damage)]
    if hard:
        count = "1 fault" if len(hard) == 1 else f"{len(hard)} faults"
        soft = not state.faults
        raise UsageError("AMA002", f"what Amanda keeps of {directory.name} has {count}:\n" + "\n".join(hard),
                         "nothing was taken over; --skip-damaged goes on without these places" if soft
                         else "nothing was taken over; correct them, or read as a user who may")
    return Source(directory, directory.name, conf, disks, tapelist, infos, logs, commands, tuple(state.damage))


def _reader(directory: Path) -> Callable[[str], str]:
    def read(name: str) -> str:
        return _text(directory / name)

    return read


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


class _State:
    """Reads the files of the state.  ``faults`` make everything else worthless, ``damage`` only what it names."""

    def __init__(self, directory: Path, top: Block) -> None:
        self._directory, self._top = directory, top
        self.faults: list[str] = []
        self.damage: list[str] = []

    def _path(self, key: str) -> Path:
        return path_of(self._directory, self._top, key)

    def _read(self, path: Path) -> str:
        """Its text; empty when there is no such file."""
        try:
            return _text(path)
        except FileNotFoundError:
            return ""
        except OSError as fault:
            self.faults.append(f"{path}: cannot be read: {fault.strerror}")
            return ""

    def tapelist(self) -> tuple[Volume, ...]:
        """The volumes; a tapelist with a fault is a fault of all: a volume that is overlooked would be overwritten."""
        path = self._path("tapelist")
        try:
            return parse_tapelist(self._read(path))
        except ValueError as fault:
            number, _, what = str(fault).removeprefix("line ").partition(": ")
            self.faults.append(f"{path}:{number}: {what}")
            return ()

    def commands(self) -> tuple[Command, ...]:
        """What Amanda still means to do."""
        path = self._path("command-file")
        try:
            return parse_commands(self._read(path))
        except ValueError as fault:
            self.faults.append(f"{path}:{fault}")
            return ()

    def infos(self, disks: tuple[Entry, ...]) -> dict[Key, Info]:
        """The records of the disks that have one."""
        found: dict[Key, Info] = {}
        for entry in disks:
            path = self._path("infofile") / sanitise(entry.host) / sanitise(entry.disk) / "info"
            text = self._read(path)
            if not text:
                continue
            try:
                found[entry.host, entry.disk] = parse_info(text)
            except ValueError as fault:
                self.damage.append(f"{path}:{fault}; Amanda takes {entry.title} for a new disk")
        return found

    def logs(self) -> dict[str, list[Fact]]:
        """The facts of all runs, oldest first."""
        found: dict[str, list[Fact]] = {}
        for stamp, path in self._log_files():
            log = parse_log(self._read(path))
            self.damage += [f"{path}:{number}: {what}" for number, what in log.faults]
            found.setdefault(stamp, []).extend(log.facts)
        return found

    def _log_files(self) -> Iterator[tuple[str, Path]]:
        directory = self._path("logdir")
        try:
            names = [(match[1], int(match[2]), name) for name in os.listdir(directory) if (match := _LOG.fullmatch(name))]
        except FileNotFoundError:
            return
        except OSError as fault:
            self.faults.append(f"{directory}: cannot be read: {fault.strerror}")
            return
        for stamp, _, name in sorted(names):
            yield stamp, directory / name


def busy(source: Source) -> str:
    """The program of Amanda that works on this site just now; empty when none does.

    A run's log says which programs began and which ended; one that did not end is at work if its process still is.
    """
    if not source.logs:
        return ""
    running: dict[int, str] = {}
    for fact in source.logs[max(source.logs)]:
        if isinstance(fact, Process) and fact.done:
            running.pop(fact.pid, None)
        elif isinstance(fact, Process):
            running[fact.pid] = fact.program
    return next((f"{program} (process {pid})" for pid, program in running.items() if _is_amanda(pid)), "")


def _is_amanda(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(b"amanda" in word or word.rpartition(b"/")[2].startswith(b"am") for word in words[:2])
