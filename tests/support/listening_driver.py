"""A control socket with nobody behind it: it keeps what consoles say, and answers what it is told to answer."""

from __future__ import annotations

import asyncio
import os
from types import TracebackType
from typing import Any, Self

from core.client.runs import Run
from core.protocol import operator as op
from core.protocol.conversation import Lines


class ListeningDriver:
    """``said`` grows; ``answer`` is what each order but HELLO gets."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._server: asyncio.Server | None = None
        self.said: list[Any] = []
        self.answer: op.Reply = op.Ok("done")
        self.writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        directory = os.open(self._run.path, os.O_PATH | os.O_DIRECTORY)
        try:  # by way of it, since a socket's path has 107 bytes at most
            self._server = await asyncio.start_unix_server(self._serve, f"/proc/self/fd/{directory}/{self._run.control.name}")
        finally:
            os.close(directory)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self.writers:
            writer.close()
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = Lines()
        self.writers.append(writer)
        while data := await reader.read(65536):
            for line in lines.feed(data):
                said = op.VOCABULARY.decode(line)
                self.said.append(said)
                writer.write(op.VOCABULARY.encode(op.Ok() if isinstance(said, op.Hello) else self.answer))
        writer.close()

    @property
    def orders(self) -> list[Any]:
        """What was said but HELLO."""
        return [said for said in self.said if not isinstance(said, op.Hello)]
