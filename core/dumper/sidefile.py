"""What is kept beside a dump: its index and its state, compressed, in ``index/HOST/DISK/STAMP_LEVEL.gz``.

Promises that the file has its name only when it is whole and durable, and that a fault here spoils no dump: it is
kept as a sentence for the operator.  Knows nothing of the lines inside (Amanda 3.5.1, server-src/amindex.c).
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

from core.dumper.filters import compressor
from core.errors import WorldError
from core.holding.chunk import TMP, sync_directory
from core.model.site import Site
from core.model.units import sanitise

_GATHER = 64 * 1024  # bytes a write
LIMIT = 2 * 1024**3
"""Bytes on disk, after compression; ten million paths need about 80 MiB.  A client that says more only fills the disk."""


def index_path(site: Site, host: str, disk: str, datestamp: str, level: int) -> Path:
    """Where the index of that dump is."""
    return site.index_dir / sanitise(host) / sanitise(disk) / f"{datestamp}_{level}.gz"


class SideFile:
    """One compressed file in the making; ``fault`` is empty while all is well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault = ""
        self._tmp = path.with_name(path.name + TMP)
        self._packer = compressor(1)
        self._gathered = bytearray()
        self._size = 0
        self._file: BinaryIO | None = None
        try:
            _make_directories(path.parent)
            self._file = open(self._tmp, "wb", buffering=0)  # noqa: SIM115 (closed by finish and discard)
        except (OSError, WorldError) as fault:
            self._give_up(fault)

    def write(self, piece: memoryview) -> None:
        """Take a piece of the stream; after a fault it is dropped."""
        if self._file is not None:
            self._gathered += self._packer.compress(piece)
            if len(self._gathered) >= _GATHER:
                self._flush()

    def finish(self) -> None:
        """Make it whole and durable, and give it its name."""
        if self._file is None:
            return
        self._gathered += self._packer.flush()
        self._flush()
        if self._file is None:
            return
        try:
            os.fsync(self._file)
            self._file.close()
            self._file = None
            self._tmp.replace(self.path)
            sync_directory(self.path.parent)
        except (OSError, WorldError) as fault:
            self._give_up(fault)

    def discard(self) -> None:
        """Remove it while it is not whole."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._tmp.unlink(missing_ok=True)

    def _flush(self) -> None:
        assert self._file is not None
        rest = memoryview(bytes(self._gathered))
        self._gathered.clear()
        self._size += len(rest)
        try:
            if self._size > LIMIT:
                raise OSError(errno.EFBIG, f"it is larger than {LIMIT} bytes")
            while len(rest):
                rest = rest[self._file.write(rest):]
        except OSError as fault:
            self._give_up(fault)

    def _give_up(self, fault: OSError | WorldError) -> None:
        said = fault.strerror if isinstance(fault, OSError) else fault.message
        self.fault = f"DMP019 {self.path}: could not be written: {said}"
        try:
            self.discard()
        except OSError:
            self._file = None


def _make_directories(path: Path) -> None:
    """Make ``path`` and what is missing above it, durably.  OSError, WorldError."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing):
        sync_directory(made.parent)
