"""The taper's end of its pipe: orders in, reports out, both checked by the table of `core.protocol.taper`.

Promises that nothing but messages is written to stdout, that garbage is answered with BAD-COMMAND and harms nothing,
and that QUIT, end of file and SIGTERM all arrive as one exception, `Stopped`.  Knows nothing of volumes.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections import deque
from typing import Any

from core.errors import BadLine, OutOfTurn, ProtocolError
from core.protocol import taper
from core.protocol.conversation import Lines


class Stopped(Exception):
    """No more work is wanted; the conversation is in its ENDING state."""


class Pipe:
    """Blocking conversation over two file descriptors; ``wake`` becomes readable when a signal came."""

    def __init__(self, source: int = 0, sink: int = 1, wake: int = -1) -> None:
        self._source, self._sink, self._wake = source, sink, wake
        self._talk = taper.conversation()
        self._lines = Lines()
        self._waiting: deque[bytes] = deque()
        self._ended = False

    def say(self, message: taper.Report) -> None:
        """Send one message.  A driver that is gone is found out by the next `listen`."""
        data = memoryview(self._talk.send(message))
        try:
            while data:
                data = data[os.write(self._sink, data):]
        except OSError:
            self._end()

    def listen(self, timeout: float | None = None, also: int = -1) -> taper.Order | None:
        """The next order; None after ``timeout`` seconds or when ``also`` is readable.  Stopped for the end."""
        while True:
            while self._waiting:
                order = self._decode(self._waiting.popleft())
                if isinstance(order, taper.Quit):
                    raise Stopped
                if order is not None:
                    return order
            if self._ended:
                self._end()
                raise Stopped
            ready = self._poll(timeout, also)
            if self._wake in ready:
                print("taper: SIGTERM, ending", file=sys.stderr)
                self._end()
                raise Stopped
            if self._source in ready:
                self._read()
            elif also in ready or timeout is not None:
                return None

    def _poll(self, timeout: float | None, also: int) -> set[int]:
        poller = select.poll()
        for fd in {self._source, self._wake, also} - {-1}:
            poller.register(fd, select.POLLIN)
        return {fd for fd, _ in poller.poll(None if timeout is None else timeout * 1000)}

    def _read(self) -> None:
        try:
            data = os.read(self._source, 65536)
        except OSError:
            data = b""
        if not data:
            self._ended = True
            return
        try:
            self._waiting.extend(self._lines.feed(data))
        except BadLine as fault:
            # A line without end: nothing that follows can be trusted to begin a line.
            self._complain(fault)
            self._ended = True

    def _decode(self, line: bytes) -> taper.Order | None:
        if not line:
            return None
        try:
            message = self._talk.vocabulary.decode(line)
            if not isinstance(message, taper.Order):
                raise OutOfTurn(f"taper: {message.VERB} is not said to a taper")
            order: taper.Order = self._talk.receive(line)
        except (ProtocolError, UnicodeError) as fault:
            self._complain(fault)
            return None
        return order

    def _complain(self, fault: Exception) -> None:
        print(fault, file=sys.stderr)
        if self._talk.allows(taper.BadCommand):
            self.say(taper.BadCommand(str(fault)))

    def _end(self) -> None:
        self._ended = True
        if self._talk.allows(taper.Quit):
            self._talk.receive(b"QUIT")

    def quit(self) -> None:
        """The last word."""
        if self._talk.allows(taper.Quiting):
            self.say(taper.Quiting())

    def allows(self, kind: type[Any]) -> bool:
        """Whether the table lets the taper say that now."""
        return self._talk.allows(kind)


def wake_on_sigterm() -> int:
    """Ignore the terminal's signals; the file descriptor that becomes readable on SIGTERM."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: None)
    return reader
