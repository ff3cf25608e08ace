"""Indexes made of lines, as a client sends them, for tests."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable
from pathlib import Path

from core.index.frames import FrameTable
from core.index.lines import LineTaker
from core.index.reader import IndexReader
from core.index.record import Mark
from core.index.writer import IndexWriter, writing
from core.restore.listing import Listing
from core.wire.packing import FrameSizes


def index_of_lines(lines: Iterable[bytes]) -> IndexReader:
    """An open index of lines, with or without their ends."""
    out = tempfile.TemporaryFile()  # noqa: SIM115 (the reader closes it)
    writer = IndexWriter(out, io.BytesIO())
    taker = LineTaker(writer, "lines")
    for line in lines:
        taker.feed(line if line.endswith(b"\n") else line + b"\n")
    taker.finish()
    writer.finish()
    out.flush()
    return IndexReader(out, "lines")


def of_index(index: IndexReader) -> Listing:
    """All names of an index in memory."""
    found = Listing(exact=index.exact, renames=None if index.renames is None else list(index.renames))
    for record in index.walk(b""):
        if record.mark is not Mark.PRESENT or record.kind != "d":
            found.add(record.path, record.mark)
    return found


def listing_of(lines: Iterable[bytes]) -> Listing:
    """The listing of lines."""
    with index_of_lines(lines) as index:
        return of_index(index)


def store_index(path: Path, lines: Iterable[bytes], frames: FrameSizes | None = None) -> None:
    """An index file of lines; ``frames`` were learnt of the stored data."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path) as writer:
        taker = LineTaker(writer, str(path))
        for line in lines:
            taker.feed(line if line.endswith(b"\n") else line + b"\n")
        if frames is not None and frames.whole:
            writer.frames = FrameTable(frames.kind, frames.unit, frames.sizes)


def lines_of(index: IndexReader) -> list[bytes]:
    """What the lines said that an index was made of, in the index's order."""
    return [b"\t" * (record.mark is Mark.PRESENT) + b"/" + record.path + b"/" * (record.mark is Mark.DIRECTORY and
            record.path != b"") for record in index.walk(b"") if (record.mark, record.kind) != (Mark.PRESENT, "d")]
