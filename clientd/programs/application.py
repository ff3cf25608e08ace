"""A dump program with Amanda's Application API: an executable of the client's application directory (Amanda 3.5.1:
client-src/sendbackup.c, sendsize.c, selfcheck.c).

Promises to call it as Amanda's client does, to pass on what it says, and that a fault of it is a WorldError or a failed dump.
What it does with its incremental state is its own matter: it is told ``--record`` and gets no word from the server after that.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from fcntl import F_DUPFD_CLOEXEC, fcntl
from pathlib import Path

from clientd.pipes import enlarge
from clientd.programs.contract import Sort, Task
from clientd.programs.plugin import Support, ask, call, environment, findings, last_line, path_of, support_of
from core.errors import WorldError
from core.wire.words import clean

_SIZE = re.compile(r"(\d{1,3}) (-?\d{1,18}) (-?\d{1,9})", re.ASCII)
_FIRST = 3
"""The descriptor on which an application says its lines; then come those for index and state."""
_FREE = 16  # descriptors from here on are in nobody's way


class Application:
    """An application of this client, by the name that a request gives."""

    def __init__(self, name: str) -> None:
        self.name = name

    def check(self, task: Task) -> Iterator[tuple[bool, str]]:
        """Its own selfcheck."""
        try:
            path, support = _found(task)
            status, said, complained = ask(path, call("selfcheck", task, support))
        except WorldError as fault:
            yield False, f"{fault.code} {fault.message}"
            return
        wrong = False
        for well, text in (*findings(said), *((False, clean(line)) for line in complained.splitlines() if line.strip())):
            wrong = wrong or not well
            yield well, text if well else f"CLT039 {self.name}: {text}"
        if status and not wrong:
            yield False, f"CLT039 {self.name} selfcheck: exit status {status}"

    def estimate(self, task: Task, levels: Sequence[int]) -> dict[int, int]:
        """What it says; −2 for a level that it cannot dump at."""
        path, support = _found(task)
        methods = task.dle.estimate or ("CLIENT",)
        calcsize = next((method == "CALCSIZE" for method in methods if method in ("CLIENT", "CALCSIZE")
                         and support.has("CALCSIZE" if method == "CALCSIZE" else "CLIENT-ESTIMATE")), None)
        if calcsize is None:
            return dict.fromkeys(levels, -1)
        sizes = {level: -2 for level in levels if level > support.max_level}
        asked = [level for level in levels if level not in sizes]
        for some in ([asked] if support.has("MULTI-ESTIMATE") and asked else [[level] for level in asked]):
            status, said, complained = ask(path, call("estimate", task, support, some, calcsize=calcsize))
            sizes |= self._sizes(said, complained, status, some)
        return sizes

    def _sizes(self, said: str, complained: str, status: int, levels: Sequence[int]) -> dict[int, int]:
        sizes: dict[int, int] = {}
        for line in said.splitlines():
            word, _, text = line.strip().partition(" ")
            if word == "ERROR":
                raise WorldError("CLT039", f"{self.name} estimate: {clean(text)}")
            found = _SIZE.fullmatch(line.strip())
            if found is not None and int(found[1]) in levels:
                blocks, kib = int(found[2]), int(found[3])
                sizes[int(found[1])] = blocks * kib if blocks >= 0 and kib > 0 else max(-2, min(blocks, -1))
        if not sizes:
            raise WorldError("CLT039", f"{self.name} estimate: {last_line(complained) or f'exit status {status}'}")
        return {level: sizes.get(level, -1) for level in levels}

    def prepare(self, task: Task, level: int) -> ApplicationDump:
        """Nothing but asking what it supports: it checks by itself."""
        path, support = _found(task)
        if level > support.max_level:
            raise WorldError("CLT025", f"{self.name} dumps at no level above {support.max_level}")
        return ApplicationDump(task, level, path, support)


class ApplicationDump:
    """One run of it."""

    def __init__(self, task: Task, level: int, path: Path, support: Support) -> None:
        self.backup = "APPLICATION"
        self.application = task.dle.program
        self.restore_command = f"{path} restore [./file-to-restore]+"
        self.lists_kept = False
        self.complete = False
        self.relays: Mapping[str, int] = {}
        self._task = task
        self._level = level
        self._path = path
        self._support = support
        self._complained = ""

    def start(self) -> subprocess.Popen[bytes]:
        """Run it with the archive on its stdout; `relays` are the ends of what it says for MESG, INDEX and STATE."""
        names = ["MESG", *(["INDEX"] if self._task.dle.index else [])]
        state = -1
        if self._support.has("STATE-STREAM") and self._task.wants_state:
            state = _FIRST + 2
            names = ["MESG", "INDEX", "STATE"]
        words = call("backup", self._task, self._support, [self._level], state=state)
        ends = [os.pipe2(os.O_CLOEXEC) for _ in names]
        high = [fcntl(writer, F_DUPFD_CLOEXEC, _FREE) for _, writer in ends]
        # The descriptor on which Popen hears of a failed exec must not be one of those that the child is about to take.
        held = []
        while (held_fd := os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)) < _FIRST + len(names):
            held.append(held_fd)
        held.append(held_fd)

        def place() -> None:
            for number, descriptor in enumerate(high):
                os.dup2(descriptor, _FIRST + number)

        try:
            process = subprocess.Popen(
                [os.fspath(self._path), *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                bufsize=0, env=environment(), preexec_fn=place, pass_fds=range(_FIRST, _FIRST + len(names)),
            )
        except (OSError, subprocess.SubprocessError) as fault:
            for reader, _ in ends:
                os.close(reader)
            why = fault.strerror if isinstance(fault, OSError) else str(fault)
            raise WorldError("CLT039", f"{self.application} cannot be run: {why}") from None
        finally:
            for descriptor in (*held, *high, *(writer for _, writer in ends)):
                os.close(descriptor)
        self.relays = {name: reader for name, (reader, _) in zip(names, ends, strict=True)}
        for reader in self.relays.values():
            enlarge(reader)
        return process

    def begins(self, archive: int) -> bytes:
        """Its own matter."""
        return b""

    def sort(self, line: str) -> Sort:
        """What it says on stderr is a fault: that is what this channel is for."""
        self._complained = line or self._complained
        return Sort.STRANGE

    def fault(self, status: int) -> str:
        """Good is 0, and nothing on stderr."""
        if status:
            how = f"ended with exit status {status}" if status > 0 else f"was killed by signal {-status}"
            return f"CLT039 {self.application} {how}"
        return f"CLT039 {self.application} reports a fault" if self._complained else ""

    def commit(self) -> None:
        """It has done so itself."""

    def discard(self) -> None:
        """It has done so itself."""


def _found(task: Task) -> tuple[Path, Support]:
    path = path_of(task)
    return path, support_of(path)
