"""The control socket of a live run, as its clients see it: orders with an answer, and nudges that say "look again".

Every call has a deadline; a run that is over, or whose driver does not answer, gives `Gone`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import socket
import time
from types import TracebackType
from typing import Self

from core.client.runs import Run
from core.errors import BadLine
from core.protocol import operator as op
from core.protocol.conversation import Lines

DEADLINE = 5.0
"""Seconds that a driver has to answer an order."""


def whoami() -> str:
    """The name an order is given under: the login name, or the uid where there is none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def order(run: Run, said: op.Said, *, name: str = "", mode: str = "operate") -> op.Ok | op.Refused | op.Gone:
    """Say one thing to the driver and return its answer; `Gone` when nobody listens or answers within `DEADLINE`."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(DEADLINE)
            sock.connect(str(run.control))
            sock.sendall(op.VOCABULARY.encode(op.Hello(name or whoami(), mode)) + op.VOCABULARY.encode(said))
            return _answer(sock, skip=1)
    except (OSError, BadLine):
        return op.Gone()


def _answer(sock: socket.socket, skip: int) -> op.Ok | op.Refused | op.Gone:
    lines, deadline = Lines(), time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        data = sock.recv(65536)
        if not data:
            break
        for line in lines.feed(data):
            match op.VOCABULARY.decode(line):
                case (op.Ok() | op.Refused() | op.Gone()) as reply:
                    if skip == 0 or isinstance(reply, op.Gone | op.Refused):
                        return reply
                    skip -= 1
    return op.Gone()


class Session:
    """A console's connection: orders and nudges over one socket, on an asyncio loop."""

    def __init__(self, run: Run, name: str = "", mode: str = "operate") -> None:
        self._run, self._name, self._mode = run, name or whoami(), mode
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._replies: asyncio.Queue[op.Ok | op.Refused | op.Gone] = asyncio.Queue()
        self._news = asyncio.Event()
        self._lock = asyncio.Lock()
        self.connected = False

    async def connect(self) -> bool:
        """Attach; False when the run has no driver any more."""
        try:
            self._reader, self._writer = await asyncio.wait_for(
                asyncio.open_unix_connection(str(self._run.control)), DEADLINE)
        except (OSError, TimeoutError):
            return False
        self.connected = True
        self._task = asyncio.create_task(self._listen())
        await self.order(op.Hello(self._name, self._mode))
        return self.connected

    async def order(self, said: op.Said) -> op.Ok | op.Refused | op.Gone:
        """Say one thing; its answer, or `Gone`."""
        async with self._lock:
            if self._writer is None or not self.connected:
                return op.Gone()
            try:
                self._writer.write(op.VOCABULARY.encode(said))
                await asyncio.wait_for(self._writer.drain(), DEADLINE)
                return await asyncio.wait_for(self._replies.get(), DEADLINE)
            except (OSError, TimeoutError):
                await self.close()
                return op.Gone()

    async def wait(self, seconds: float) -> None:
        """Return at the next nudge, or after so many seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
        self._news.clear()

    async def _listen(self) -> None:
        lines = Lines()
        try:
            while self._reader is not None and (data := await self._reader.read(65536)):
                for line in lines.feed(data):
                    match op.VOCABULARY.decode(line):
                        case (op.Ok() | op.Refused() | op.Gone()) as reply:
                            self._replies.put_nowait(reply)
                        case _:
                            self._news.set()
        except (OSError, BadLine):
            pass
        self.connected = False
        self._replies.put_nowait(op.Gone())
        self._news.set()

    async def close(self) -> None:
        """Detach; the run does not notice."""
        self.connected = False
        if self._task is not None:
            self._task.cancel()
        if self._writer is not None:
            self._writer.close()
        self._writer = self._task = None


class Nudges:
    """Only the nudges of a run: `wait` returns early when the driver says that something is new."""

    def __init__(self, run: Run) -> None:
        self._session = Session(run, mode="watch")

    async def __aenter__(self) -> Self:
        await self._session.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def wait(self, seconds: float) -> None:
        """Return at the next nudge, or after so many seconds."""
        if self._session.connected:
            await self._session.wait(seconds)
        else:
            await asyncio.sleep(min(seconds, 0.2))
