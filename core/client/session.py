"""A console's connection to the control socket of a live run, on an asyncio loop: orders with an answer, and nudges.

`core.client.control` has the one-shot call for commands, which need no loop.
"""

from __future__ import annotations

import asyncio
import contextlib

from core.client.control import DEADLINE, address, whoami
from core.client.runs import Run
from core.errors import BadLine
from core.protocol import operator as op
from core.protocol.conversation import Lines


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
            with address(self._run) as path:
                self._reader, self._writer = await asyncio.wait_for(asyncio.open_unix_connection(path), DEADLINE)
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
