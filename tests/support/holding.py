"""Holding files for tests: made by our writer, with file systems that fill up when told to."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from core.holding.chunk import Calls
from core.holding.file import HoldingReader
from core.holding.header import Header, Kind

HEADER = Header(Kind.FILE, datestamp="20260102030405", host="web1", disk="/home", program="GNUTAR",
                recover="/bin/tar -xpGf - ...")


class FullDisk:
    """A file system with ``room`` bytes left; `calls` writes short and then says ENOSPC, as a real one does."""

    def __init__(self, room: int, code: int = errno.ENOSPC) -> None:
        self.room = room
        self.code = code
        self.calls = Calls(write=self._write, pwrite=self._pwrite)

    def _write(self, fd: int, piece: memoryview) -> int:
        return os.write(fd, piece[:self._take(len(piece))])

    def _pwrite(self, fd: int, block: bytes, at: int) -> int:
        if os.fstat(fd).st_size > at:
            return os.pwrite(fd, block, at)  # over blocks that it has
        return os.pwrite(fd, block[:self._take(len(block))], at)

    def _take(self, size: int) -> int:
        if self.room <= 0:
            raise OSError(self.code, os.strerror(self.code))
        took = min(size, self.room)
        self.room -= took
        return took


def data_of(path: Path, *, size: int = 50_000, unfinished: bool = False) -> bytes:
    """All data of the dump at ``path``, read ``size`` bytes at a time."""
    out, buffer = bytearray(), bytearray(size)
    with HoldingReader(path, unfinished=unfinished) as reader:
        while got := reader.readinto(buffer):
            out += buffer[:got]
    return bytes(out)
