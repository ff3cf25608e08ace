"""Where the data of a dump goes: a holding file, or the taper's port.

Promises that `put` says exactly how much was taken and never waits.  Knows neither the client nor the driver's words.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from pathlib import Path
from typing import Protocol

from core.dumper.task import Task, ToFile, ToPort
from core.errors import WorldError
from core.holding.file import HoldingWriter
from core.holding.header import HEADER_KIB, Header, build
from core.model.units import Kib
from core.protocol.dumper import Continue

LEAST_MISSING = 32 * 1024
"""KiB that are asked for when nothing better is known."""
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: drop what is unsent and tell the peer so


class Store(Protocol):
    """A place for data.

    ``waits``: the descriptor that will be writable when more can be taken; −1 means that the driver must give room
    (`missing`, `why`, `go_on`).
    """

    waits: int

    @property
    def size(self) -> int:
        """Bytes of data taken so far."""

    def begin(self, header: Header) -> None:
        """What goes before the data.  ValueError when it cannot be written."""

    def put(self, piece: memoryview) -> int:
        """How many bytes of ``piece`` were taken; fewer than given means: not now.  WorldError."""

    def missing(self, expected_kib: int) -> Kib:
        """An honest guess of the KiB that are still needed; ``expected_kib`` is the whole dump's size, 0 unknown."""

    @property
    def why(self) -> str:
        """``allotment`` or ``disk``."""

    def go_on(self, order: Continue) -> None:
        """Room was made.  WorldError when it is of no use."""

    def finish(self, header: Header) -> None:
        """The data is whole: make it durable.  WorldError."""

    def discard(self) -> None:
        """The dump failed: leave nothing behind.  Never raises."""


class HoldingStore:
    """A holding file."""

    def __init__(self, target: ToFile) -> None:
        self._writer = HoldingWriter(target.path, chunksize=target.chunksize, use=target.use)
        self._asked = 0
        self.waits = -1

    @property
    def size(self) -> int:
        return self._writer.written

    def begin(self, header: Header) -> None:
        self._writer.begin(header)

    def put(self, piece: memoryview) -> int:
        return self._writer.write(piece)

    def missing(self, expected_kib: int) -> Kib:
        rest = expected_kib + HEADER_KIB - self._writer.kib
        if expected_kib <= 0 or rest <= 0:
            rest = max(LEAST_MISSING, self._writer.kib // 10)
        self._asked = -(-rest // HEADER_KIB) * HEADER_KIB
        return Kib(self._asked)

    @property
    def why(self) -> str:
        return self._writer.why or "allotment"

    def go_on(self, order: Continue) -> None:
        if order.filename is None or Path(order.filename) == self._writer.place:
            if self.why == "disk":
                self._writer.void()  # the driver believes in what was written, not in what was allotted there
            self._writer.grant(self._asked if order.use is None else order.use)
        else:
            self._writer.move(Path(order.filename), order.chunksize, order.use)

    def finish(self, header: Header) -> None:
        self._writer.finish(header)

    def discard(self) -> None:
        self._writer.discard()


class PortStore:
    """The taper's port on 127.0.0.1: the header block, the data, end of file.  DMP021 when nobody listens."""

    def __init__(self, target: ToPort) -> None:
        self._size = 0
        self._rest = memoryview(b"")
        try:
            self._socket = socket.create_connection(("127.0.0.1", target.port), timeout=10)
        except OSError as fault:
            raise WorldError("DMP021", f"port {target.port}: the taper does not answer: {fault.strerror or fault}") from fault
        self._socket.setblocking(False)
        self.waits = self._socket.fileno()

    @property
    def size(self) -> int:
        return self._size

    def begin(self, header: Header) -> None:
        self._rest = memoryview(build(header))

    def put(self, piece: memoryview) -> int:
        done = 0
        try:
            while len(self._rest):
                self._rest = self._rest[self._socket.send(self._rest):]
            while done < len(piece):
                done += self._socket.send(piece[done:])
        except BlockingIOError:
            pass
        except OSError as fault:
            raise WorldError("DMP021", f"the taper closed the connection: {fault.strerror}") from fault
        self._size += done
        return done

    def missing(self, expected_kib: int) -> Kib:
        return Kib(0)

    @property
    def why(self) -> str:
        return ""

    def go_on(self, order: Continue) -> None:
        return

    def finish(self, header: Header) -> None:
        try:
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.close()
        except OSError as fault:
            raise WorldError("DMP021", f"the taper closed the connection: {fault.strerror}") from fault

    def discard(self) -> None:
        # A plain close would look like the end of a whole dump.
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        with contextlib.suppress(OSError):
            self._socket.close()


def store_of(task: Task) -> Store:
    """The store of a task.  WorldError when it is of no use from the start."""
    match task.target:
        case ToFile() as target:
            return HoldingStore(target)
        case ToPort() as target:
            return PortStore(target)

