"""Indexes that are lines of text: ours of earlier versions, and Amanda's.  They are read into a nameless index."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO

from core.errors import WorldError
from core.index.lines import LineTaker
from core.index.writer import IndexWriter

_PIECE = 64 * 1024


def convert(path: Path, out: BinaryIO, spool: BinaryIO) -> None:
    """The index of the lines in ``path``, gzip or not, into ``out``.

    OSError; WorldError RST018 when it is damaged, RST015 when it is too long to be one.
    """
    writer = IndexWriter(out, spool)
    taker = LineTaker(writer, str(path))
    with open(path, "rb") as stored:
        if path.suffix != ".gz":
            while piece := stored.read(_PIECE):
                taker.feed(piece)
        else:
            _unpack(stored, taker, path)
    taker.finish()
    writer.finish()
    out.flush()


def _unpack(stored: BinaryIO, taker: LineTaker, path: Path) -> None:
    try:
        if stored.read(4)[3:] >= b"\x20":
            raise gzip.BadGzipFile("its flags are not those of gzip")  # Python would pass over them
        stored.seek(0)
        with gzip.GzipFile(fileobj=stored, mode="rb") as packed:
            while piece := packed.read(_PIECE):
                taker.feed(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        raise WorldError("RST018", f"{path}: is damaged in its first {stored.tell()} bytes: {fault}",
                         "it is only a list: the dump itself has all names") from fault
