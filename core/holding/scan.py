"""What lies on the holding disks: whole dumps, unfinished ones, and what is not ours.

The layout is Amanda 3.5.1's (server-src/holding.c): ``<holding disk>/<8 or 14 digits>/<host>.<disk>.<level>[.n]``.
Promises to follow no link and to read nothing but headers.  Does not know whether a run is live: what a live run is
writing looks unfinished, too.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.errors import WorldError
from core.holding.chain import Chunk, chain, read_chunk
from core.holding.chunk import TMP
from core.holding.header import HEADER_KIB, Header, Kind
from core.model.site import HoldingDisk

_STAMP = re.compile(r"\d{8}(?:\d{6})?", re.ASCII)
_NOT_CRUFT = ("lost+found",)
_PID = "pid"  # Amanda's: the process that writes there
_AMANDAS = frozenset({"amdump", "planner", "driver", "chunker", "taper", "dumper", "amflush", "amcleanup", "amvault"})


@dataclass(frozen=True, slots=True)
class Found:
    """A dump: its first file, the header there, ``size`` bytes of data in all ``files``.

    ``complete`` is False when a file still has its `.tmp` name, a chunk is missing, or a live Amanda has it in hand;
    ``fault`` says which.  ``notes``: damage of headers that did no harm, a sentence with file and byte each.
    ``amandas``: a run of a real Amanda made its directory.
    """

    path: Path
    header: Header
    size: int
    complete: bool
    files: tuple[Path, ...]
    fault: str = ""
    notes: tuple[str, ...] = ()
    amandas: bool = False

    @property
    def kib(self) -> int:
        """KiB on disk, headers included, rounded up."""
        return -(-self.size // 1024) + HEADER_KIB * len(self.files)


@dataclass(frozen=True, slots=True)
class Survey:
    """All that was found, in the order of the paths: dumps, chunks without a dump, and what is not ours.

    ``damage``: for each damaged header a sentence with its code, the file and the byte.
    """

    dumps: tuple[Found, ...] = ()
    orphans: tuple[Path, ...] = ()
    cruft: tuple[Path, ...] = ()
    damage: tuple[str, ...] = ()


@dataclass(slots=True)
class _Heap:
    dumps: list[Found] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    cruft: list[Path] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)


def scan(holding: Iterable[HoldingDisk]) -> list[Found]:
    """The dumps on these holding disks, oldest first; a disk that is not there has none."""
    return list(survey(holding).dumps)


def survey(holding: Iterable[HoldingDisk]) -> Survey:
    """Everything on these holding disks."""
    heap = _Heap()
    for disk in holding:
        for entry in _entries(disk.path):
            if entry.name in _NOT_CRUFT:
                continue
            if _STAMP.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                _look_into(Path(entry.path), heap)
            else:
                heap.cruft.append(Path(entry.path))
    owned = {path for dump in heap.dumps for path in dump.files}
    orphans = [chunk.path for chunk in heap.chunks if chunk.path not in owned]
    dumps = sorted(heap.dumps, key=lambda dump: (dump.header.datestamp, dump.path))
    return Survey(tuple(dumps), tuple(sorted(orphans)), tuple(sorted(heap.cruft)), tuple(heap.damage))


def _entries(path: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(path) as found:
            yield from sorted(found, key=lambda entry: entry.name)
    except OSError:
        return


def _look_into(directory: Path, heap: _Heap) -> None:
    writer = _writer(directory)
    if writer is not None:
        theirs = _Heap()
        _read_entries(directory, theirs)
        live = f"process {writer} of Amanda is at work in {directory}" if writer else ""
        heap.dumps += [replace(dump, amandas=True, complete=dump.complete and not live, fault=live or dump.fault)
                       for dump in theirs.dumps]
        heap.damage += theirs.damage
        if not live:  # what is under way changes while one looks
            heap.chunks, heap.cruft = heap.chunks + theirs.chunks, heap.cruft + theirs.cruft
        return
    _read_entries(directory, heap)


def _writer(directory: Path) -> int | None:
    """The live process of Amanda that writes in a directory; 0 when that is over; None for one that Amanda did not make."""
    try:
        pid = int((directory / _PID).read_bytes()[:20].split(b"\0")[0])
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return 0
    try:
        return pid if Path(f"/proc/{pid}/comm").read_text().strip() in _AMANDAS else 0  # numbers of processes come again
    except (OSError, UnicodeDecodeError):
        return 0


def _read_entries(directory: Path, heap: _Heap) -> None:
    for entry in _entries(directory):
        path = Path(entry.path)
        if entry.name == _PID:
            continue
        if not entry.is_file(follow_symlinks=False):
            heap.cruft.append(path)
            continue
        try:
            chunk = read_chunk(path)
        except WorldError:
            continue  # it was removed just now, or is not for us to read
        if chunk.header.note:
            heap.damage.append(f"HLD022 {path}: {chunk.header.note}")
        if chunk.header.kind is Kind.FILE:
            heap.dumps.append(_dump(chunk))
        elif chunk.header.kind is Kind.CONT_FILE:
            heap.chunks.append(chunk)
        elif path.name.endswith(TMP) and chunk.header.kind is Kind.EMPTY:
            heap.chunks.append(chunk)  # a dumper died before its first byte
        else:
            heap.cruft.append(path)


def _dump(first: Chunk) -> Found:
    unfinished = first.path.name.endswith(TMP)
    try:
        chunks = chain(first.path, unfinished=unfinished)
    except WorldError as fault:
        return Found(first.path, first.header, first.size, False, (first.path,), fault.message)
    files = tuple(chunk.path for chunk in chunks)
    size = sum(chunk.size for chunk in chunks)
    why = f"{first.path}: was not finished" if unfinished else "marked as partial" if first.header.partial else ""
    notes = tuple(f"{chunk.path}: {chunk.header.note}" for chunk in chunks if chunk.header.note)
    return Found(first.path, first.header, size, not why, files, why, notes)


def remove(dump: Found) -> None:
    """Remove a dump's files, the first one first: so it stops to be a dump at once.  WorldError HLD012."""
    for path in dump.files:
        try:
            path.unlink(missing_ok=True)
        except OSError as fault:
            raise WorldError("HLD012", f"{path}: cannot be removed: {fault.strerror}") from fault


def remove_path(path: Path) -> None:
    """Remove the dump whose first file is ``path``, as far as its chunks can be found.  HLD012, HLD014 to HLD016."""
    remove(_dump(read_chunk(path)))


def tidy(holding: Iterable[HoldingDisk]) -> None:
    """Remove the runs' directories that are empty; only when no run is live, since a dumper may be about to use one."""
    for disk in holding:
        for entry in _entries(disk.path):
            if _STAMP.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    Path(entry.path).rmdir()
