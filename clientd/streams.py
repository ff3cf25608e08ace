"""Where a service's streams go: as frames onto the wire, or to Amanda's file descriptors when it is run by hand.

Promises that each `write` is whole before the next begins, from whichever thread it comes, and that a stream ends
once.  A frame is at most as long as the peer takes.  It does not know what the streams carry.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from clientd.pipes import Tee
from core.wire.frames import HEADER, LARGE_PIECE, end_of

PLACES = ("DATA", "MESG", "INDEX", "STATE")
FIRST_SYMBOL = 150
"""The number that a service run by hand prints in CONNECT for its first stream (Amanda's amandad.c)."""
_IOV_MAX = 512

Relay = Callable[[int, Callable[[int], None]], None]
"""Sends so many bytes, which wait in its source, and calls back with how many to read from there, until all were read.
BrokenPipeError when the peer is gone."""


class Streams(Protocol):
    """The named streams of one service: DATA, MESG, INDEX, STATE."""

    def open(self, names: Sequence[str]) -> dict[str, int]:
        """Make the streams; the handles for the CONNECT line."""

    def begin(self) -> bool:
        """Wait until the server has the reply; False when it is gone."""

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Send ``data`` on a stream; nothing happens for one that is not open.  BrokenPipeError when the peer is gone."""

    def relay(self, name: str, source: int) -> Relay | None:
        """A way to send what waits in the pipe ``source`` on a stream without copying it; None where there is none."""

    def end(self, name: str) -> None:
        """End a stream."""

    def confirmed(self) -> bool:
        """Wait until the server says that the dump is safe; False when it leaves without saying so."""


class WireStreams:
    """Streams as frames on the connection.  ``go``: a pipe on which amandad writes a byte each time the peer lets us on."""

    def __init__(self, wire: int, go: int, first_handle: int, piece: int) -> None:
        self._wire = wire
        self._go = go
        self._next = first_handle
        self._piece = piece
        self._handles: dict[str, int] = {}
        self._lock = threading.Lock()
        self._ending = False

    def open(self, names: Sequence[str]) -> dict[str, int]:
        """Handles count down from ``first_handle``, as Amanda's do."""
        for name in names:
            self._handles[name] = self._next
            self._next -= 1
        return dict(self._handles)

    def begin(self) -> bool:
        """Wait for amandad's byte; from then on we do not outlive it."""
        if not self._let_on():
            return False
        threading.Thread(target=self._watch, daemon=True).start()
        return True

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Send ``data`` as frames of at most ``piece`` bytes."""
        handle = self._handles.get(name)
        size = len(data)
        if handle is None or not size:
            return
        view = memoryview(data)
        with self._lock:
            if size <= self._piece:
                _write_all(self._wire, [memoryview(HEADER.pack(size, handle)), view], size + HEADER.size)
                return
            head = memoryview(HEADER.pack(self._piece, handle))
            vectors: list[memoryview] = []
            total = 0
            for at in range(0, size, self._piece):
                piece = view[at:at + self._piece]
                vectors += [head if len(piece) == self._piece else memoryview(HEADER.pack(len(piece), handle)), piece]
                total += len(piece) + HEADER.size
                if len(vectors) >= _IOV_MAX:
                    _write_all(self._wire, vectors, total)
                    vectors, total = [], 0
            if vectors:
                _write_all(self._wire, vectors, total)

    def relay(self, name: str, source: int) -> Relay | None:
        """One frame for each call.  None for a peer of short frames: with a pipe's page for each header little is won."""
        handle = self._handles.get(name)
        if handle is None or self._piece < LARGE_PIECE:
            return None
        try:
            tee = Tee(source, self._wire)
        except OSError:
            return None

        def send(size: int, take: Callable[[int], None]) -> None:
            with self._lock:
                _write_all(self._wire, [memoryview(HEADER.pack(size, handle))], HEADER.size)
                while size:
                    # Taken at once, since tee always begins with what was not taken yet.
                    shown = tee.show(size)
                    take(shown)
                    size -= shown
        return send

    def end(self, name: str) -> None:
        """Send the end of the stream."""
        handle = self._handles.pop(name, None)
        # After the last end the server may go on to its next request, and amandad shuts our pipe without harm.
        self._ending = not self._handles
        if handle is not None:
            with self._lock:
                _write_all(self._wire, [memoryview(end_of(handle))], HEADER.size)

    def confirmed(self) -> bool:
        """Wait for amandad's second byte."""
        return self._let_on()

    def _watch(self) -> None:
        # Should amandad be killed, its end of the pipe shuts; tar and we are one process group by then.
        poll = select.poll()
        poll.register(self._go, 0)
        poll.poll()
        if not self._ending:
            os.killpg(0, signal.SIGKILL)

    def _let_on(self) -> bool:
        return os.read(self._go, 1) != b""


class DescriptorStreams:
    """Streams on file descriptors 151, 153, 155 and 157, as Amanda's services have them, or on those of ``places``; MESG on
    stderr if its own is shut."""

    def __init__(self, places: Mapping[str, int] | None = None) -> None:
        self._places = places or {name: FIRST_SYMBOL + 1 + 2 * at for at, name in enumerate(PLACES)}
        self._descriptors: dict[str, int] = {}
        self._lock = threading.Lock()

    def open(self, names: Sequence[str]) -> dict[str, int]:
        """Use those descriptors that whoever started us has opened."""
        for name in names:
            descriptor = self._places.get(name, -1)
            try:
                os.fstat(descriptor)
            except OSError:
                if name != "MESG":
                    continue
                descriptor = 2
            self._descriptors[name] = descriptor
        return {name: FIRST_SYMBOL + PLACES.index(name) for name in names}

    def begin(self) -> bool:
        """Nobody to wait for."""
        return True

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Write to the stream's descriptor."""
        descriptor = self._descriptors.get(name)
        if descriptor is not None and len(data):
            with self._lock:
                _write_all(descriptor, [memoryview(data)], len(data))

    def relay(self, name: str, source: int) -> Relay | None:
        """Never: whoever runs us by hand is in no hurry."""
        return None

    def end(self, name: str) -> None:
        """Close the stream's descriptor."""
        descriptor = self._descriptors.pop(name, None)
        if descriptor is not None and descriptor > 2:
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def confirmed(self) -> bool:
        """Nobody to wait for."""
        return True


def _write_all(descriptor: int, vectors: list[memoryview], left: int) -> None:
    while True:
        try:
            written = os.writev(descriptor, vectors)
        except ConnectionResetError:  # how a peer by TCP is gone
            raise BrokenPipeError from None
        left -= written
        if not left:
            return
        while written >= len(vectors[0]):
            written -= len(vectors[0])
            vectors = vectors[1:]
        vectors = [vectors[0][written:], *vectors[1:]]
