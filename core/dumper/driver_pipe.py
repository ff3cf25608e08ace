"""The driver's end of our pipes: orders in, reports out, both checked by the table that the driver uses, too.

Promises that garbage is answered with BAD-COMMAND and nothing else happens, and that end of file and SIGTERM both
look like QUIT.  Does not carry out any order.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Iterator
from typing import Any

from core.errors import BadLine, OutOfTurn, ProtocolError
from core.model.units import Handle
from core.protocol.conversation import Lines
from core.protocol.dumper import (
    Abort,
    AbortFinished,
    BadCommand,
    Continue,
    FileDump,
    Order,
    PortDump,
    Quit,
    State,
    conversation,
)

_READ = 64 * 1024


class DriverPipe:
    """Orders from ``inward`` (not blocking, see `waits`), reports to ``outward``; ``gone``: no more orders will come."""

    def __init__(self, inward: int = 0, outward: int = 1, wake: int = -1) -> None:
        self.gone = False
        self._in, self._out, self._wake = inward, outward, wake
        self._conversation = conversation()
        self._lines = Lines()
        self._skipping = False
        self._heard: deque[bytes] = deque()
        self._last = Handle("")
        self._stalled = False

    @property
    def waits(self) -> list[int]:
        """Descriptors that become readable when `listen` has something to do."""
        return [] if self.gone else [fd for fd in (self._in, self._wake) if fd >= 0]

    @property
    def state(self) -> State:
        """Where the conversation stands."""
        return self._conversation.state

    def listen(self, ready: set[int]) -> None:
        """Read what came on those of `waits` that are ``ready``."""
        if self._wake in ready:
            self.gone = True
        elif self._in in ready:
            data = os.read(self._in, _READ)
            if data:
                self._feed(data)
            else:
                self.gone = True

    def _feed(self, data: bytes) -> None:
        if self._skipping:
            _, newline, data = data.partition(b"\n")
            self._skipping = not newline
        try:
            self._heard.extend(self._lines.feed(data))
        except BadLine as fault:
            # The rest of the endless line is no order either.
            self._lines, self._skipping = Lines(), not data.endswith(b"\n")
            self.say(BadCommand(str(fault)))

    def orders(self) -> Iterator[Any]:
        """The orders that were heard and are allowed now, one by one; the table moves on with each."""
        while self._heard:
            order = self._receive(self._heard.popleft())
            if isinstance(order, Quit):
                self.gone = True
                return
            if order is not None:
                yield order

    def _receive(self, line: bytes) -> Any:
        before = self.state
        try:
            message = self._conversation.vocabulary.decode(line)
            if not isinstance(message, Order):
                raise OutOfTurn(f"dumper: {message.VERB} is not said to a dumper")
            if isinstance(message, Continue) and message.filename is not None and message.use is None:
                raise BadLine("dumper: CONTINUE takes no word, or a file, a chunk size and an allotment")
            order = self._conversation.receive(line)
        except ProtocolError as fault:
            if before is not State.IDLE or not self._is_late(line):
                self.say(BadCommand(str(fault)))
            return None
        if isinstance(order, FileDump | PortDump):
            self._last, self._stalled = order.handle, False
        return order

    def _is_late(self, line: bytes) -> bool:
        """An ABORT or CONTINUE that crossed our last word is no fault; the ABORT still wants its answer."""
        try:
            order = self._conversation.vocabulary.decode(line)
        except BadLine:
            return False
        if isinstance(order, Abort) and self._last:
            self._write(self._conversation.vocabulary.encode(AbortFinished(self._last)))
            return True
        return isinstance(order, Continue) and self._stalled

    def say(self, report: Any) -> None:
        """Send a report; when nobody reads any more, `gone` is set."""
        data = self._conversation.send(report)
        if self.state is State.STALLED:
            self._stalled = True
        self._write(data)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while len(view):
                view = view[os.write(self._out, view):]
        except BrokenPipeError:
            self.gone = True


def wake_on_sigterm() -> int:
    """A descriptor that becomes readable at SIGTERM; SIGINT is the terminal's and not for us."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return reader
