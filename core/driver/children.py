"""A child of the driver: one dumper or taper process and the conversation with it.

Both ends walk the same table: what a child may not say now is a fault of the child, and it is killed.  What the engine
may not say now is a bug of ours and raises.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from core.driver.journal import Traffic
from core.engine.inputs import ChildGone, Heard, Input
from core.errors import OutOfTurn, ProtocolError
from core.protocol import dumper, taper
from core.protocol.conversation import MAX_LINE, Conversation, Lines

TAIL = 12
"""Lines of stderr that are kept for the journal when a child dies."""


class Child:
    """One process, from start to end."""

    def __init__(
        self, name: str, conversation: Conversation[Any], hear: Callable[[Input], None], traffic: Traffic, log: BinaryIO,
    ) -> None:
        self.name = name
        self._reports = dumper.Report if conversation.vocabulary is dumper.VOCABULARY else taper.Report
        self._talk, self._hear, self._traffic, self._log = conversation, hear, traffic, log
        self._process: asyncio.subprocess.Process | None = None
        self._before: list[Any] = []
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._task: asyncio.Task[None] | None = None
        self._quiet = False

    async def start(self, command: list[str]) -> None:
        """Start ``command``; orders that were told before are sent then."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, limit=MAX_LINE)
        except OSError as fault:
            self._hear(ChildGone(self.name, f"could not be started: {fault.strerror}"))
            return
        self._task = asyncio.create_task(self._attend(self._process), name=self.name)
        for order in self._before:
            self._send(order)
        self._before.clear()

    @property
    def pid(self) -> int:
        """Its process id, 0 before it is started."""
        return self._process.pid if self._process else 0

    def tell(self, order: Any) -> None:
        """Send an order, now or as soon as the process runs."""
        if isinstance(order, dumper.Continue) and not self._talk.allows(dumper.Continue):
            return  # its client left meanwhile: the dumper has said the end of the dump, which is the next thing to be heard
        if self._process is None:
            self._before.append(order)
        else:
            self._send(order)

    def _send(self, order: Any) -> None:
        line = self._talk.send(order)
        self._traffic.note("driver", self.name, line[:-1])
        stdin = self._process.stdin if self._process else None
        if stdin is not None and not stdin.is_closing():
            with contextlib.suppress(OSError):
                stdin.write(line)

    async def _attend(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None and process.stderr is not None
        errors = asyncio.create_task(self._read_errors(process.stderr))
        why = ""
        lines = Lines()
        try:
            while data := await process.stdout.read(1 << 16):
                for line in lines.feed(data):
                    self._traffic.note(self.name, "driver", line)
                    if not self._quiet:  # what one that we ended still says is for the log only
                        self._hear(Heard(self.name, self._receive(line)))
        except ProtocolError as fault:
            why = f"spoke nonsense: {fault}"
            self.kill(quietly=self._quiet)
        status = await process.wait()
        await errors
        if not self._quiet:
            self._hear(ChildGone(self.name, why or describe(status), "\n".join(self._tail)))

    def _receive(self, line: bytes) -> Any:
        message = self._talk.vocabulary.decode(line)
        if not isinstance(message, self._reports):
            raise OutOfTurn(f"{self._talk.vocabulary.name}: {message.VERB} is not said to the driver")
        return self._talk.receive(line)

    async def _read_errors(self, stderr: asyncio.StreamReader) -> None:
        partial = b""
        while data := await stderr.read(1 << 16):
            *lines, partial = (partial + data).split(b"\n")
            for line in [*lines, partial[:MAX_LINE]] if len(partial) > MAX_LINE else lines:
                self._tail.append(line[:500].decode("utf-8", "replace"))
                self._note(line)
            if len(partial) > MAX_LINE:
                partial = b""
        if partial:
            self._tail.append(partial[:500].decode("utf-8", "replace"))
            self._note(partial)

    def _note(self, line: bytes) -> None:
        with contextlib.suppress(OSError):  # a full disk under the logs is no fault of the child
            self._log.write(self.name.encode() + b": " + line + b"\n")

    def kill(self, *, quietly: bool = True) -> None:
        """End it at once; quietly: without a `ChildGone`."""
        self._quiet = quietly
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def quit(self, order: Any, patience: float) -> None:
        """Say QUIT, close its stdin, give it ``patience`` seconds, then kill it."""
        self._quiet = True
        if self._process is None:
            return
        if self._talk.allows(type(order)):
            self._send(order)
        stdin = self._process.stdin
        if stdin is not None:
            with contextlib.suppress(OSError):
                stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), patience)
        except TimeoutError:
            self.kill()
        if self._task is not None:
            await self._task


def describe(status: int) -> str:
    """A return code in words."""
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-status).name}"
        return f"killed by signal {-status}"
    return f"ended with status {status}"


def program(module: str, *arguments: str) -> list[str]:
    """The command that runs one of our programs by hand or as a child."""
    return [sys.executable, "-P", "-m", module, *arguments]


def open_log(path: Path) -> BinaryIO:
    """A log that many children write whole lines to."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640), "wb", buffering=0)
