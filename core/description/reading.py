"""Volumes as they are found, and what their descriptions tell.

What comes off a volume is foreign: names are looked at before anything is made of them, journals have checksums in every
line, and an archive that is not what its header says gives its journals only, never its indexes.
"""

from __future__ import annotations

import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from core.description.archive import INDEX, JOURNAL, RUNS, TAPELIST, is_description
from core.devices.contract import Volume
from core.devices.tapelist import sync_directory
from core.errors import WorldError
from core.holding.header import Header
from core.model.crc32c import crc32c
from core.model.dump import Crc
from core.model.units import Kib, kib_of

_PIECE = 1 << 20
_LONGEST = 1 << 30
"""Bytes of an unpacked journal or tapelist that are believed."""
_RUN = re.compile(re.escape(RUNS) + r"(\d{8,14})/" + re.escape(JOURNAL))
_INDEX = re.compile(re.escape(INDEX) + r"([^/\0]+)/([^/\0]+)/(\d{8,14}_\d{1,4}[.-][A-Za-z0-9._-]{1,40})")


@dataclass(slots=True)
class Found:
    """A labelled volume: the run in its label, its files, and where its description is (0: none) with its header;
    ``sealed``: a program of ours wrote its label; ``home``: the directory of its run in the state directory."""

    storage: str
    label: str
    run: str
    volume: Volume
    filenos: list[int]
    described: int = 0
    header: Header | None = None
    sealed: bool = True
    home: str = ""

    @property
    def title(self) -> str:
        """For messages."""
        return f"volume {self.label} of storage {self.storage}"

    @property
    def size(self) -> Kib:
        """KiB of the description."""
        return kib_of(self.header.server.size) if self.header is not None else Kib(0)


@dataclass(slots=True)
class Told:
    """What a description tells: the bytes of journals by run, the tapelist, and how many index files were new."""

    journals: dict[str, bytes] = field(default_factory=dict)
    tapelist: bytes = b""
    indexes: int = 0
    faults: list[str] = field(default_factory=list)


def look(storage: str, label: str, run: str, volume: Volume, *, sealed: bool = True) -> Found:
    """A volume with its description, if it has one: that is near its end, so the last headers are read first.  WorldError."""
    found = Found(storage, label, run, volume, volume.filenos(), sealed=sealed)
    for fileno in reversed(found.filenos):
        try:
            header = volume.read_header(fileno)
        except WorldError:
            continue
        if is_description(header):
            found.described, found.header = fileno, header
        if header.is_dump:
            break  # what stands before a dump tells less than what stands behind the last one
    return found


def read(found: Found, index_dir: Path, warn: Callable[[str], None]) -> Told:
    """What the description tells; index files that are not there yet are put in their places.  WorldError, OSError."""
    told = Told()
    with tempfile.TemporaryFile() as copy:
        whole = _copy(found, copy)
        if not whole:
            warn(f"RST061 {found.title}: its description (file {found.described}) is damaged; only the journals in it are used")
        copy.seek(0)
        try:
            with tarfile.open(fileobj=copy, mode="r:") as archive:
                for member in archive:
                    _take(archive, member, told, index_dir if whole else None)
        except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError) as fault:
            warn(f"RST061 {found.title}: its description (file {found.described}) cannot be read to its end: {fault}")
    for sentence in told.faults:
        warn(f"RST061 {found.title}: {sentence}")
    return told


def _copy(found: Found, copy: IO[bytes]) -> bool:
    """Copy the archive; whether it is what its header says."""
    value = size = 0
    with found.volume.open_part(found.described) as file:
        while piece := file.read(_PIECE):
            copy.write(piece)
            value, size = crc32c(piece, value), size + len(piece)
    assert found.header is not None
    return Crc(value, size) == found.header.server


def _take(archive: tarfile.TarFile, member: tarfile.TarInfo, told: Told, index_dir: Path | None) -> None:
    # No description has holes: one that claims some could become any size when it is read.
    if not member.isreg() or member.issparse() or (file := archive.extractfile(member)) is None:
        return
    if run := _RUN.fullmatch(member.name):
        try:
            told.journals[run[1]] = _unpacked(file)
        except (zlib.error, EOFError, ValueError) as fault:
            told.faults.append(f"the journal of run {run[1]} in its description cannot be unpacked: {fault}")
    elif member.name == TAPELIST and member.size < _LONGEST:
        told.tapelist = file.read()
    elif index_dir is not None and (index := _INDEX.fullmatch(member.name)) and not {index[1], index[2]} & {".", ".."}:
        told.indexes += _put(index_dir / index[1] / index[2] / index[3], file)


def _unpacked(file: IO[bytes]) -> bytes:
    unpacker = zlib.decompressobj(31)
    data = unpacker.decompress(file.read(), _LONGEST)
    if not unpacker.eof:
        raise EOFError("it ends too early" if not unpacker.unconsumed_tail else "it is too long to be true")
    return data


def _put(path: Path, file: IO[bytes]) -> int:
    """Write a file that is not there yet, durably; 1 when it was written.  OSError."""
    if path.exists():
        return 0
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    with durable(path) as out:
        while piece := file.read(_PIECE):
            out.write(piece)
    return 1


@contextmanager
def durable(path: Path) -> Iterator[IO[bytes]]:
    """A file that has its name only when it is whole and on disk.  OSError."""
    new = path.with_name(path.name + ".tmp")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640), "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        new.rename(path)
        sync_directory(path.parent)
    finally:
        new.unlink(missing_ok=True)
