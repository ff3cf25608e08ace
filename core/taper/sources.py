"""Where a dump comes from: chunks on the holding disk, or a dumper that connects to our port.

Both give the header that the dumper wrote and then the data, piece by piece.  A holding file can be read again from
any byte; a connection cannot.  Everything that comes over the connection is checked before it is believed.
"""

from __future__ import annotations

import io
import socket
from pathlib import Path
from typing import Protocol

from core.errors import WorldError
from core.holding.file import HoldingReader
from core.holding.header import HEADER_SIZE, Header, Kind, parse
from core.holding.mapped import Origin
from core.protocol import taper
from core.taper.job import BadInput, Job

PIECE = 128 * 1024
"""Bytes of one read where the kernel does not copy: they are summed and written while they are in a core's own cache (with
512 KiB a third more CPU time).
Tried and left: reading ahead in a thread (a fifth more CPU, and no time won); pieces that begin at a multiple of it (for those
ext4 wants its memory in one piece, and in a virtual machine that is memory which the host first has to give: four times)."""
_RECEIVE_BUFFER = 4 * 1024 * 1024


class Source(Protocol):
    """A dump on its way to a volume."""

    header: Header
    rereadable: bool

    def piece(self, *, copied: bool) -> tuple[memoryview, Origin | None]:
        """The next bytes, as many as can be had at once; empty at the end.  Valid until the next call.  BadInput.

        ``copied``: the device would have the kernel copy them.  With an origin they were not read yet: they are looked at
        only when they have been copied from there.
        """

    def seek(self, offset: int) -> None:
        """Go on from that byte of the data; only if `rereadable`."""

    def close(self) -> None:
        """Let go of files and sockets."""


class HoldingSource:
    """All chunks of a holding file."""

    rereadable = True

    def __init__(self, order: taper.FileWrite) -> None:
        try:
            self._reader = HoldingReader(Path(order.filename))
        except WorldError as fault:
            raise BadInput("TAP015", f"{fault.message} ({fault.code})", fault.hint) from None
        self._buffer = memoryview(bytearray(PIECE))
        self.header = self._reader.header
        expect(self.header, order, order.filename)

    @property
    def size(self) -> int:
        """Bytes of data in all chunks."""
        return self._reader.size

    def piece(self, *, copied: bool) -> tuple[memoryview, Origin | None]:
        """The next bytes; BadInput TAP015 when a chunk cannot be read."""
        if copied and (found := self._reader.mapped()) is not None:
            return found
        try:
            return self._buffer[:self._reader.readinto(self._buffer)], None
        except WorldError as fault:
            raise BadInput("TAP015", f"{fault.message} ({fault.code})", fault.hint) from None

    def seek(self, offset: int) -> None:
        """Go on from that byte."""
        self._reader.seek(offset)

    def close(self) -> None:
        """Close the chunk that is open."""
        self._reader.close()


class BrokenOff(BadInput):
    """The connection ended without a proper close."""


class PortSource:
    """What a dumper sends to a port of ours: a header of 32 KiB, the data, end of file."""

    rereadable = False

    def __init__(self, order: taper.PortWrite, job: Job) -> None:
        self._job = job
        self._buffer = memoryview(bytearray(PIECE))
        self._peer = self._accept()
        try:
            block = bytearray(HEADER_SIZE)
            got = 0
            while got < HEADER_SIZE:
                piece = self._receive(memoryview(block)[got:])
                if piece == 0:
                    raise BrokenOff("TAP014", f"the dumper's connection ended after {got} bytes of the header")
                got += piece
            self.header = parse(bytes(block))
            expect(self.header, order, "what the dumper sent")
        except BaseException:
            self.close()
            raise

    def _accept(self) -> socket.socket:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            self._job.pipe.say(taper.Port(listener.getsockname()[1]))
            listener.setblocking(False)
            while True:
                try:
                    peer, _ = listener.accept()
                except BlockingIOError:
                    self._job.hear(listener.fileno())
                else:
                    peer.setblocking(True)
                    return peer

    def piece(self, *, copied: bool) -> tuple[memoryview, Origin | None]:
        """Wait for data and take what is there.  BrokenOff, and what `Job.hear` raises."""
        return self._buffer[:self._receive(self._buffer)], None

    def _receive(self, buffer: memoryview) -> int:
        done = 0
        while done < len(buffer):
            try:
                got = self._peer.recv_into(buffer[done:], 0, socket.MSG_DONTWAIT)
            except BlockingIOError:
                if done:
                    break
                self._job.hear(self._peer.fileno())
                continue
            except OSError as error:
                raise BrokenOff("TAP014", f"the dumper's connection broke: {error.strerror}") from None
            if got == 0:
                break
            done += got
        return done

    def seek(self, offset: int) -> None:
        """A connection cannot."""
        raise io.UnsupportedOperation("what came over a connection comes once")

    def close(self) -> None:
        """Close the connection; a dumper that still sends sees it reset."""
        self._peer.close()


def expect(header: Header, order: taper.FileWrite | taper.PortWrite, what: str) -> None:
    """BadInput TAP015 unless ``header`` is the first one of the dump that was ordered."""
    if header.kind is not Kind.FILE:
        raise BadInput("TAP015", f"{what} begins with a header of kind {header.kind}, not FILE")
    wanted = (order.host, order.disk, order.level)
    if (header.host, header.disk, header.level) != wanted or order.datestamp not in ("", header.datestamp):
        raise BadInput(
            "TAP015",
            f"{what} is {header.host}:{header.disk} level {header.level} of {header.datestamp}, not "
            f"{order.host}:{order.disk} level {order.level}" + (f" of {order.datestamp}" if order.datestamp else ""),
        )
