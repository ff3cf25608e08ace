"""The index of a dump while it passes: lines of INDEX go in, and what is seen in the data; one sorted file comes out.

Promises what `core.dumper.sidefile` does: the file has its name only when it is whole and durable, and a fault here spoils no
dump.  Memory is bounded however many names there are.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from core.dumper.sidefile import fault_text, make_directories
from core.errors import WorldError
from core.holding.chunk import TMP, sync_directory
from core.index.frames import FrameTable
from core.index.lines import LineTaker
from core.index.names import clean_path
from core.index.record import Mark
from core.index.writer import IndexWriter
from core.wire.packing import FrameSizes
from core.wire.tar_index import TarIndexer

_DIRECTORY, _FILE = b"%d" % Mark.DIRECTORY, b"%d" % Mark.FILE


class IndexFile:
    """An index in the making; ``fault`` is empty while all is well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault = ""
        self._tmp = path.with_name(path.name + TMP)
        self._frames = FrameSizes()
        self._indexer: TarIndexer | None = None
        self._files: list[BinaryIO] = []
        self._writer: IndexWriter | None = None
        try:
            make_directories(path.parent)
            self._files.append(open(self._tmp, "wb"))  # noqa: SIM115 (closed by finish and discard)
            self._files.append(tempfile.TemporaryFile(dir=path.parent))  # noqa: SIM115 (closed by finish and discard)
        except (OSError, WorldError) as fault:
            self._give_up(fault)
            return
        self._writer = IndexWriter(*self._files)
        self._taker = LineTaker(self._writer, str(path))

    def read_data(self) -> None:
        """From now on `look` is shown the archive itself, unpacked, since the client does not tell where members begin."""
        self._indexer = TarIndexer(self._member, self._beside)

    def write(self, piece: memoryview) -> None:
        """Take a piece of INDEX; after a fault it is dropped."""
        if self._writer is not None:
            try:
                self._taker.feed(piece)
            except (OSError, WorldError) as fault:
                self._give_up(fault)

    def look(self, piece: memoryview) -> None:
        """A piece of the archive goes by."""
        if self._indexer is not None:
            try:
                self._indexer.feed(piece)
            except (OSError, WorldError) as fault:
                self._give_up(fault)

    def stored(self, piece: memoryview) -> None:
        """A piece of what is stored goes by."""
        self._frames.feed(piece)

    def finish(self, pulse: Callable[[], None] = lambda: None) -> None:
        """Make it whole and durable, and give it its name."""
        writer = self._writer
        if writer is None:
            return
        try:
            self._taker.finish()
            frames = self._frames
            if frames.whole:
                writer.frames = FrameTable(frames.kind, frames.unit, frames.sizes)
            writer.finish(pulse)
            out = self._files[0]
            out.flush()
            os.fsync(out.fileno())
            self._close()
            self._tmp.replace(self.path)
            sync_directory(self.path.parent)
        except (OSError, WorldError) as fault:
            self._give_up(fault)

    def discard(self) -> None:
        """Remove it while it is not whole."""
        if self._files:
            self._close()
            with contextlib.suppress(OSError):
                self._tmp.unlink(missing_ok=True)

    def _close(self) -> None:
        self._writer = self._indexer = None
        files, self._files = self._files, []
        for file in files:
            with contextlib.suppress(OSError):  # what it could not write before it cannot write now, either
                file.close()

    def _give_up(self, fault: OSError | WorldError) -> None:
        self.fault = fault_text(self.path, fault)
        self.discard()

    def _member(self, offset: int, name: bytes, size: int, mtime: int, kind: bytes) -> None:
        path = clean_path(name)
        if path is not None and self._writer is not None:
            mark = _DIRECTORY if kind == b"d" else _FILE
            self._writer.put(path, b"%s %d %d %d %s" % (mark, offset, size, mtime, kind))

    def _beside(self, line: bytes) -> None:
        if self._writer is not None:
            self._taker.line(b"\t" + line)
