"""The holding disks as the Holding screen shows them: room, every dump with where it stands, and removing one.

Reads headers only.  A dump that a live run has in hand is told from one that a crash left by the run's view.  Sizes KiB,
times seconds since the epoch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import TaperoomError, UsageError
from core.events.gauges import Gauges
from core.events.view import DiskState, RunView
from core.model.site import HoldingDisk, Site

if TYPE_CHECKING:
    from core.catalogue.queries import Dump
    from core.holding.header import Header
    from core.holding.scan import Found


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One holding disk: size and free room of its file system, what dumps may still take, what they take, what a live run
    has promised; ``reserve`` percent.  ``fault`` says why it cannot be used."""

    path: str
    total: int = 0
    free: int = 0
    usable: int = 0
    dumps: int = 0
    allotted: int = 0
    use: int = 0
    reserve: int = 0
    chunksize: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class DumpRow:
    """One dump.  ``word``: ``dumping``, ``NO-ROOM``, ``writing``, ``whole``, ``partial`` its data is not all there, ``crash``
    a run that is over left it unfinished; ``note`` says it in words.  ``at``: when it was last written.

    ``on`` volumes that have it whole, ``waits`` the storages that it must still go to; neither is known when the catalogue
    cannot be read, and then ``waits`` has all.
    """

    path: Path
    area: str
    host: str
    disk: str
    datestamp: str
    level: int
    size: int
    chunks: int
    word: str
    note: str
    at: float
    program: str
    compression: str
    orig: int
    crc: str
    on: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """``HOST:DISK``."""
        return f"{self.host}:{self.disk}"


@dataclass(frozen=True, slots=True)
class Spool:
    """Everything on the holding disks; ``others`` are paths that are no dump of ours."""

    areas: tuple[AreaRow, ...]
    dumps: tuple[DumpRow, ...]
    others: tuple[Path, ...]

    @property
    def only_here(self) -> int:
        """KiB of whole dumps that no volume has."""
        return sum(dump.size for dump in self.dumps if dump.word in ("whole", "writing") and not dump.on)


def spool(site: Site, view: RunView | None = None, gauges: Gauges | None = None) -> Spool:
    """What lies on the holding disks; ``view`` and ``gauges`` are the live run's, when there is one.  Never raises."""
    from core.holding.scan import survey

    found = survey(site.holding)
    live = view if view is not None and view.live else None
    known = _known(site, found.dumps)
    rows = tuple(_row(site, dump, live, known.get(dump.header.key)) for dump in found.dumps)
    return Spool(tuple(_area(disk, rows, gauges) for disk in site.holding), rows, (*found.orphans, *found.cruft))


def _area(disk: HoldingDisk, rows: Sequence[DumpRow], gauges: Gauges | None) -> AreaRow:
    from core.holding.area import measure

    dumps = sum(row.size for row in rows if row.area == str(disk.path))
    allotted = gauges.holding.get(str(disk.path), (0, 0, 0))[1] if gauges else 0
    try:
        area = measure(disk, occupied=dumps)
    except TaperoomError as fault:
        return AreaRow(str(disk.path), dumps=dumps, use=disk.use, reserve=disk.reserve, chunksize=disk.chunksize,
                       fault=str(fault))
    return AreaRow(str(disk.path), area.total, area.free, area.usable, dumps, allotted, disk.use, disk.reserve,
                   disk.chunksize)


def _known(site: Site, dumps: Sequence[Found]) -> dict[tuple[str, str, str, int], Dump]:
    """What the catalogue knows of these dumps; nothing when it cannot be read."""
    from core.catalogue import queries
    from core.catalogue.rebuild import open_catalogue

    disks = {(dump.header.host, dump.header.disk) for dump in dumps}
    if not disks:
        return {}
    try:
        with open_catalogue(site).catalogue as catalogue:
            return {dump.key: dump for key in sorted(disks) for dump in queries.dumps(catalogue, *key)}
    except (TaperoomError, OSError):
        return {}


def _row(site: Site, dump: Found, live: RunView | None, known: Dump | None) -> DumpRow:
    header = dump.header
    entry = site.disk(header.host, header.disk)
    wanted = site.storages_of(entry) if entry else tuple(site.storages)[:1]
    have = {copy.storage for copy in known.copies} if known else set()
    on = tuple(dict.fromkeys(label for copy in known.copies for label in copy.labels)) if known else ()
    waits = tuple(name for name in wanted if name not in have) if dump.complete else ()
    word, note = _standing(dump, live, on, waits)
    note = "; ".join([note, *(f"HLD022 {damage}" for damage in dump.notes)])
    area = next((str(disk.path) for disk in site.holding if dump.path.is_relative_to(disk.path)), "")
    return DumpRow(
        dump.path, area, header.host, header.disk, header.datestamp, header.level, dump.kib, len(dump.files), word, note,
        _written_at(dump), header.application or header.program, _compression(header), header.orig_kib,
        str(header.server) if header.server.known else "", on, waits)


def _standing(dump: Found, live: RunView | None, on: Sequence[str], waits: Sequence[str]) -> tuple[str, str]:
    """The word for where a dump stands, and the same as a sentence."""
    path = str(dump.path)
    if live is not None:
        for disk in live.disks.values():
            if disk.file and path == f"{disk.file}.tmp":
                stalled = disk.state is DiskState.STALLED
                return ("NO-ROOM", "it stands still: no room") if stalled else ("dumping", f"is being dumped by {disk.child}")
        for write in live.writes.values():
            if write.file == path and not write.ended:
                return "writing", f"is being written to storage {write.storage}"
    if not dump.complete:
        if path.endswith(".tmp"):
            return "crash", "left unfinished by a run that is over; 'taperoom cleanup' removes it"
        return "partial", dump.fault
    if not waits:
        return "whole", f"on {', '.join(on)}" if on else "no storage wants it"
    return "whole", f"{'on ' + ', '.join(on) + ', ' if on else ''}waits for storage {', '.join(waits)}"


def _written_at(dump: Found) -> float:
    try:
        return max(os.stat(file).st_mtime for file in dump.files)
    except OSError:
        return 0.0


def _compression(header: Header) -> str:
    """What packed it; empty when it is not packed."""
    program = header.filters.server_compress or header.filters.client_compress
    return program or {"N": "", ".gz": "gzip", ".Z": "compress"}.get(header.comp, header.comp)


def age_of(row: DumpRow, now: float | None = None) -> float:
    """Seconds since it was last written."""
    return max(0.0, (time.time() if now is None else now) - row.at)


def remove_dump(site: Site, path: Path, *, force: bool = False) -> DumpRow:
    """Remove one dump with all its chunks; what was removed.

    BusyError RUN004 while a run is under way; UsageError HLD019 for a path that is no dump on a holding disk, HLD020 for a
    whole dump that no volume has, unless ``force``; WorldError HLD012.
    """
    from core.catalogue.outside import forget_file
    from core.client.lock import lock_site
    from core.holding import scan

    lock = lock_site(site.state_dir)
    try:
        dump = next((found for found in scan.scan(site.holding) if found.path == path), None)
        if dump is None:
            raise UsageError("HLD019", f"{path} is no dump on a holding disk", "'taperoom holding list' shows what is there")
        row = _row(site, dump, None, _known(site, [dump]).get(dump.header.key))
        if dump.complete and not row.on and not force:
            raise UsageError("HLD020", f"{row.title} level {row.level} of {row.datestamp} is on no volume: "
                             "this is its only copy", "flush it first, or insist with --force: it is lost then")
        scan.remove(dump)
        scan.tidy(site.holding)
        forget_file(site, str(path))
        return row
    finally:
        os.close(lock)
