"""What the data goes through on the server before it is stored: nothing, gzip or zstd in this process, or a custom program.

Promises that output comes in order and that the end says whether it is whole.  Does not store or count anything.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import Protocol

from core.errors import WorldError
from core.model.disk import Compression
from core.wire.packing import GZIP_BEST, GZIP_FAST, Packing, zstd_for

_PIPE = 1024 * 1024  # bytes read at once from a custom program


class Filter(Protocol):
    """A stage between wire and store.

    ``reader`` is a descriptor to be read with `take` when it is readable, ``writer`` one to be called with `push` when
    it is writable; −1 where there is none.  ``ended``: all output was given.
    """

    reader: int
    writer: int
    ended: bool

    def feed(self, piece: memoryview) -> memoryview | bytes:
        """Take a piece; whatever output is ready at once."""

    def finish(self) -> bytes:
        """No more input; whatever output is ready at once."""

    def push(self) -> None:
        """Give the program what it could not take before."""

    def take(self) -> bytes:
        """Output of the program.  WorldError DMP020 when it ended with a fault."""

    def close(self) -> None:
        """Stop it, whatever it does."""


class Plain:
    """No filter."""

    def __init__(self) -> None:
        self.reader = self.writer = -1
        self.ended = False

    def feed(self, piece: memoryview) -> memoryview | bytes:
        return piece

    def finish(self) -> bytes:
        self.ended = True
        return b""

    def push(self) -> None:
        raise AssertionError("has no program")

    def take(self) -> bytes:
        raise AssertionError("has no program")

    def close(self) -> None:
        return


class Frames:
    """Frames made in this process, each when all its bytes are there."""

    def __init__(self, packing: Packing) -> None:
        self.reader = self.writer = -1
        self.ended = False
        self._packing = packing
        self._buffer = memoryview(bytearray(packing.unit))
        self._filled = 0
        self._any = False  # nothing at all is an empty frame, not an empty file

    def feed(self, piece: memoryview) -> memoryview | bytes:
        self._any = True
        unit, out = self._packing.unit, []
        while len(piece):
            size = min(unit - self._filled, len(piece))
            self._buffer[self._filled:self._filled + size] = piece[:size]
            self._filled += size
            piece = piece[size:]
            if self._filled == unit:
                out.append(self._packing.pack(self._buffer))
                self._filled = 0
        return out[0] if len(out) == 1 else b"".join(out)

    def finish(self) -> bytes:
        self.ended = True
        if self._any and not self._filled:
            return b""
        return self._packing.pack(self._buffer[:self._filled])

    def push(self) -> None:
        raise AssertionError("has no program")

    def take(self) -> bytes:
        raise AssertionError("has no program")

    def close(self) -> None:
        return


class Custom:
    """A program that reads stdin and writes stdout; with ``-d`` it undoes what it did.  DMP020 when it cannot start."""

    def __init__(self, program: str) -> None:
        self._program = program
        try:
            self._child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        except OSError as fault:
            raise WorldError("DMP020", f"{program}: cannot be started: {fault.strerror}") from fault
        assert self._child.stdin is not None and self._child.stdout is not None
        self._in, self._out = self._child.stdin.fileno(), self._child.stdout.fileno()
        os.set_blocking(self._in, False)
        self.reader, self.writer = self._out, -1
        self.ended = False
        self._pending: list[memoryview] = []
        self._last = False

    def feed(self, piece: memoryview) -> memoryview | bytes:
        rest = self._write(piece) if not self._pending else piece
        if len(rest):
            self._pending.append(memoryview(bytes(rest)))
            self.writer = self._in
        return b""

    def finish(self) -> bytes:
        self._last = True
        self.push()
        return b""

    def push(self) -> None:
        while self._pending:
            rest = self._write(self._pending[0])
            if len(rest):
                self._pending[0] = rest
                return
            del self._pending[0]
        self.writer = -1
        if self._last and self._child.stdin is not None:
            self._child.stdin.close()

    def _write(self, piece: memoryview) -> memoryview:
        try:
            while len(piece):
                piece = piece[os.write(self._in, piece):]
        except BlockingIOError:
            return piece
        except BrokenPipeError:
            raise WorldError("DMP020", f"{self._program}: ended before it had read all data") from None
        return piece

    def take(self) -> bytes:
        data = os.read(self._out, _PIPE)
        if not data:
            self.ended, self.reader = True, -1
            code = self._child.wait()
            if code != 0 or not self._last or self._pending:
                raise WorldError("DMP020", f"{self._program}: ended with code {code} before the dump was whole"
                                 if code else f"{self._program}: ended before it had read all data")
        return data

    def close(self) -> None:
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        for end in (self._child.stdin, self._child.stdout):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.close()


def filter_of(compress: Compression, program: str) -> Filter:
    """The stage for that kind of compression.  WorldError DMP020 when a custom program cannot be started."""
    match compress:
        case Compression.SERVER_FAST:
            return Frames(GZIP_FAST)
        case Compression.SERVER_BEST:
            return Frames(GZIP_BEST)
        case Compression.SERVER_CUSTOM:
            zstd = zstd_for(program)
            return Frames(zstd) if zstd is not None else Custom(program)
        case Compression.NONE | Compression.CLIENT_FAST | Compression.CLIENT_BEST | Compression.CLIENT_CUSTOM:
            return Plain()
