"""Reading a holding file a few pieces ahead, in a thread: reading and writing both wait in the kernel, not for us.

Promises the bytes of the file in order, an error of the reader at its place among them, and no thread left behind
after `close`.  Small files are read without a thread.  Measured with 2 GiB on two idle cores: the whole copy, durable
and with its CRC, takes 0.50 s instead of 0.63 s; `cp` without making it durable 0.52 s.
"""

from __future__ import annotations

import threading
from pathlib import Path
from queue import SimpleQueue

from core.errors import WorldError
from core.holding.file import HoldingReader

PIECE = 512 * 1024
DEPTH = 4
"""Pieces in flight: two megabytes of buffers."""
_SMALL = 4 * 1024 * 1024
_STOP = -1


class ReadAhead:
    """The data of the dump at ``path``.  WorldError (HLD…) as `HoldingReader` has it, here or from `piece`."""

    def __init__(self, path: Path) -> None:
        self.reader = HoldingReader(path)
        self._threaded = self.reader.size > _SMALL
        self._buffers = [memoryview(bytearray(min(PIECE, max(1, self.reader.size))))]
        self._buffers += [memoryview(bytearray(PIECE)) for _ in range(DEPTH - 1 if self._threaded else 0)]
        self._thread: threading.Thread | None = None
        self._in_hand = _STOP
        self._free: SimpleQueue[int] = SimpleQueue()
        self._full: SimpleQueue[tuple[int, int, WorldError | None]] = SimpleQueue()

    def piece(self) -> memoryview:
        """The next bytes; empty at the end.  Valid until the next call."""
        if not self._threaded:
            return self._buffers[0][:self.reader.readinto(self._buffers[0])]
        if self._thread is None:
            self._begin()
        if self._in_hand != _STOP:
            self._free.put(self._in_hand)
        self._in_hand, size, fault = self._full.get()
        if fault is not None:
            raise fault
        return self._buffers[self._in_hand][:size]

    def seek(self, offset: int) -> None:
        """Go on from that byte of the data."""
        self._end()
        self.reader.seek(offset)

    def close(self) -> None:
        """Stop reading and close the file."""
        self._end()
        self.reader.close()

    def _begin(self) -> None:
        self._free, self._full, self._in_hand = SimpleQueue(), SimpleQueue(), _STOP
        for number in range(DEPTH):
            self._free.put(number)
        self._thread = threading.Thread(target=self._read, args=(self._free, self._full), daemon=True)
        self._thread.start()

    def _end(self) -> None:
        if self._thread is not None:
            self._free.put(_STOP)
            self._thread.join()
            self._thread = None

    def _read(self, free: SimpleQueue[int], full: SimpleQueue[tuple[int, int, WorldError | None]]) -> None:
        """The thread: fill buffers until it is told to stop; at the end each further buffer comes back empty."""
        while (number := free.get()) != _STOP:
            try:
                full.put((number, self.reader.readinto(self._buffers[number]), None))
            except WorldError as fault:
                full.put((number, 0, fault))
