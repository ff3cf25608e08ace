"""The driver's look at the holding disks: how much is free, what a FLUSH line names, and removing what is on volume."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from core.engine import room
from core.engine.inputs import FlushFound, HoldingSeen
from core.engine.state import State
from core.errors import WorldError
from core.holding import area
from core.holding.chain import read_chunk
from core.holding.chunk import TMP
from core.holding.header import Kind
from core.holding.scan import remove_path, scan
from core.holding.scan import tidy as tidy_directories
from core.model.site import HoldingDisk, Site
from core.model.units import sanitise
from core.protocol import planner

DIGITS = "0123456789"


def survey(site: Site) -> list[HoldingSeen]:
    """What this run may use of each holding disk, or why one cannot be used."""
    found = []
    for disk in site.holding:
        try:
            seen = area.measure(disk, occupied=_occupied(disk))
            area.prove(disk.path)
        except WorldError as fault:
            found.append(HoldingSeen(str(disk.path), 0, failed=fault.message.removeprefix(f"{disk.path}: ")))
            continue
        found.append(HoldingSeen(
            str(disk.path), seen.usable, seen.usable, disk.reserve, disk.chunksize,
            left=sum(-(-dump.size // 1024) for dump in scan([disk]) if dump.complete)))
    return found


def left(site: Site, datestamp: str) -> Iterator[FlushFound]:
    """The whole dumps of other runs on the holding disks, as FLUSH lines would name them."""
    for dump in scan(site.holding):
        header = dump.header
        if dump.complete and header.datestamp != datestamp:
            line = planner.Flush(header.host, header.disk, header.datestamp, header.level, str(dump.path))
            yield FlushFound(line, -(-dump.size // 1024))


def _occupied(disk: HoldingDisk) -> int:
    return sum(dump.kib for dump in scan([disk])) if disk.use > 0 else 0


def measured(site: Site, path: str) -> HoldingSeen:
    """What is free at a holding disk of the configuration now.  OSError when it cannot be told."""
    for disk in site.holding:
        if str(disk.path) == path:
            try:
                seen = area.measure(disk, occupied=_occupied(disk))
            except WorldError as fault:
                raise OSError(0, fault.message) from fault
            return HoldingSeen(path, seen.usable, seen.usable, disk.reserve, disk.chunksize)
    return added(path)


def added(path: str) -> HoldingSeen:
    """A directory that the operator gave to the run as a holding disk.  OSError when it cannot be used."""
    if not Path(path).is_absolute():
        raise OSError(0, "is no absolute path")
    try:
        seen = area.measure(HoldingDisk(Path(path)))
        area.prove(Path(path))
    except WorldError as fault:
        raise OSError(0, fault.message) from fault
    return HoldingSeen(path, seen.usable, seen.usable, 0, HoldingDisk(Path(path)).chunksize)


def watch(site: Site, state: State) -> Iterator[HoldingSeen]:
    """While a dump stands still: did the world make room by itself?"""
    if not room.stalled(state):
        return
    for path in state.holds:
        try:
            yield measured(site, path)
        except OSError:
            continue


def flush_size(file: Path) -> int | None:
    """KiB of data in the whole dump that begins with ``file``; None when it is none."""
    for found in scan([HoldingDisk(file.parent.parent)]):
        if found.path == file:
            return -(-found.size // 1024) if found.complete else None
    return None


def remove(file: Path, holding: Iterable[str] = ()) -> None:
    """Remove a dump with its chunks, and what a dead dumper left of it there and on these holding disks, to which it may have
    gone on.  OSError when something stays."""
    try:
        remove_path(file)
    except WorldError as fault:
        if file.exists():
            raise OSError(0, fault.message) from fault
    for directory in {file.parent, *(Path(path) / file.parent.name for path in holding)}:
        for path in list(_leftovers(directory, file.name)):
            path.unlink(missing_ok=True)


def _leftovers(directory: Path, name: str) -> Iterator[Path]:
    """Files without which there is nothing of the dump whose first file has that name: unfinished ones, and chunks that had
    their names already when the dumper died, which the next attempt could not write again."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return
    for found in names:
        rest = found.removeprefix(name) if found.startswith(name) else "?"
        if rest.removesuffix(TMP).lstrip(".").strip(DIGITS):
            continue
        path = directory / found
        if rest.endswith(TMP) or (rest and name not in names and _is_chunk_of(path, name)):
            yield path


def _is_chunk_of(path: Path, name: str) -> bool:
    try:
        header = read_chunk(path).header
    except WorldError:
        return False
    return header.kind is Kind.CONT_FILE and f"{header.host}.{sanitise(header.disk)}.{header.level}" == name


def tidy(site: Site) -> None:
    """Remove the directories of runs that hold nothing any more."""
    tidy_directories(site.holding)
