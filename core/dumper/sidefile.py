"""What is kept beside a dump in ``index/HOST/DISK``: its index (`core.dumper.indexing`) and its state, compressed lines.

Promises that the file has its name only when it is whole and durable, and that a fault here spoils no dump: it is
kept as a sentence for the operator.  Knows nothing of the lines inside (Amanda 3.5.1, server-src/amindex.c).
"""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from core.errors import TaperoomError, WorldError
from core.holding.chunk import TMP, sync_directory
from core.index.reader import SUFFIX
from core.model.site import Site
from core.model.units import sanitise

_GATHER = 64 * 1024  # bytes a write
_GZIP = 16 + zlib.MAX_WBITS
LIMIT = 2 * 1024**3
"""Bytes on disk, after compression; ten million paths need about 80 MiB.  A client that says more only fills the disk."""


def index_path(site: Site, host: str, disk: str, datestamp: str, level: int) -> Path:
    """Where the index of that dump is."""
    return site.index_dir / sanitise(host) / sanitise(disk) / f"{datestamp}_{level}{SUFFIX}"


def state_path(index: Path) -> Path:
    """Where the state of the dump with that index is."""
    return index.with_name(index.name.removesuffix(SUFFIX) + ".state.gz")


class Side(Protocol):
    """A file beside a dump; ``fault`` is empty while all is well."""

    fault: str

    def write(self, piece: memoryview) -> None:
        """Take a piece of its stream; after a fault it is dropped."""

    def finish(self, pulse: Callable[[], None]) -> None:
        """Make it whole and durable, and give it its name.  ``pulse`` is called now and then when that takes a while; what
        it raises is raised here."""

    def discard(self) -> None:
        """Remove it while it is not whole.  Never raises."""


class SideFile:
    """One compressed file in the making; ``fault`` is empty while all is well."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault = ""
        self._tmp = path.with_name(path.name + TMP)
        self._packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
        self._gathered = bytearray()
        self._size = 0
        self._file: BinaryIO | None = None
        try:
            make_directories(path.parent)
            self._file = open(self._tmp, "wb", buffering=0)  # noqa: SIM115 (closed by finish and discard)
        except (OSError, WorldError) as fault:
            self._give_up(fault)

    def write(self, piece: memoryview) -> None:
        """Take a piece of the stream; after a fault it is dropped."""
        if self._file is not None:
            self._gathered += self._packer.compress(piece)
            if len(self._gathered) >= _GATHER:
                self._flush()

    def finish(self, pulse: Callable[[], None] = lambda: None) -> None:
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
        self.fault = fault_text(self.path, fault)
        try:
            self.discard()
        except OSError:
            self._file = None


def fault_text(path: Path, fault: OSError | TaperoomError) -> str:
    """The sentence for a file that cannot be written."""
    said = (fault.strerror or str(fault)) if isinstance(fault, OSError) else fault.message
    return f"DMP019 {path}: could not be written: {said}"


def make_directories(path: Path) -> None:
    """Make ``path`` and what is missing above it, durably.  OSError, WorldError."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing):
        sync_directory(made.parent)
