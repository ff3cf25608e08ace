"""How well each disk is covered: its last good backup and last full with their ages, and how its nights went.

From the catalogue; when that can be neither read nor made, from the newest journals.  Sizes KiB, times seconds since the
epoch, ages seconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from core.client.runs import list_runs, view_of
from core.errors import TaperoomError
from core.events.view import DiskState, DiskView, RunView
from core.model.disk import Disk
from core.model.site import Site

DAY = 86400.0
_JOURNALS = 60
"""So many runs are looked through when there is no catalogue."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One good dump of a disk; ``labels`` empty: only on the holding disk, or, when it is not ``held``, nowhere by now."""

    level: int
    at: float
    datestamp: str
    labels: tuple[str, ...]
    size: int = 0
    held: bool = True


@dataclass(frozen=True, slots=True)
class Covered:
    """A disk of the configuration.  ``overdue``: seconds that its full is older than the dumpcycle, 0 when it is not; a disk
    that never had a full is overdue for ever (``inf``)."""

    host: str
    disk: str
    dumpcycle: int
    last: Backup | None
    full: Backup | None
    order: str
    now: float

    @property
    def title(self) -> str:
        """``HOST:DISK``."""
        return f"{self.host}:{self.disk}"

    @property
    def age(self) -> float | None:
        """Seconds since the last good backup began; None: there is none."""
        return max(0.0, self.now - self.last.at) if self.last else None

    @property
    def full_age(self) -> float | None:
        """Seconds since the last full began; None: there is none."""
        return max(0.0, self.now - self.full.at) if self.full else None

    @property
    def overdue(self) -> float:
        """How late the next full is."""
        age = self.full_age
        return float("inf") if age is None else max(0.0, age - self.dumpcycle * DAY)


def coverage(site: Site, now: float | None = None, before: str = "") -> list[Covered]:
    """Every disk of the configuration, in its order; as it stood when the run of the datestamp ``before`` began."""
    from core.catalogue.orders import load_orders

    at = time.time() if now is None else now
    if before:
        found, orders = _backups_before(site, before), dict[str, str]()
    else:
        found, orders = _backups(site), load_orders(site)
    return [_covered(disk, found.get(disk.key, (None, None)), orders.get(disk.title, ""), at) for disk in site.disks]


def _covered(disk: Disk, backups: tuple[Backup | None, Backup | None], order: str, now: float) -> Covered:
    return Covered(*disk.key, disk.dumptype.dumpcycle, *backups, order, now)


def _backups(site: Site) -> dict[tuple[str, str], tuple[Backup | None, Backup | None]]:
    """Of each disk the last good backup and the last full."""
    from core.catalogue.history import load_history
    from core.model.history import LevelStat

    def backup(stat: LevelStat | None) -> Backup | None:
        return Backup(stat.level, stat.date, stat.datestamp, stat.labels, stat.csize) if stat else None

    try:
        histories = load_history(site)
    except (TaperoomError, OSError):
        return _of_journals(site)
    # `levels` has only what is still held: a full whose volume was written anew covers nothing.
    return {key: (backup(max(h.levels.values(), key=lambda stat: stat.date, default=None)), backup(h.levels.get(0)))
            for key, h in histories.items()}


def _backups_before(site: Site, before: str) -> dict[tuple[str, str], tuple[Backup | None, Backup | None]]:
    """The same as an earlier run found it.  What was written over since then counts: then it was there."""
    from core.catalogue.rebuild import open_catalogue
    from core.catalogue.traces import by_disk

    found: dict[tuple[str, str], tuple[Backup | None, Backup | None]] = {}
    try:
        with open_catalogue(site).catalogue as catalogue:
            for good in by_disk(catalogue):
                earlier = [
                    Backup(dump.level, dump.began, dump.datestamp, dump.labels, dump.size, bool(dump.labels or dump.file))
                    for dump in good if dump.datestamp < before]
                if earlier:
                    found[good[0].host, good[0].disk] = (
                        earlier[-1], next((one for one in reversed(earlier) if one.level == 0), None))
    except (TaperoomError, OSError):
        return _of_journals(site, before)
    return found


def _of_journals(site: Site, before: str = "") -> dict[tuple[str, str], tuple[Backup | None, Backup | None]]:
    missing = {disk.key for disk in site.disks}
    found: dict[tuple[str, str], tuple[Backup | None, Backup | None]] = {}
    for datestamp, view in _views(site, before):
        for key, disk in view.disks.items():
            if disk.state not in (DiskState.DONE, DiskState.STRANGE):
                continue
            labels = tuple(dict.fromkeys(label for _, label, _ in disk.parts))
            backup = Backup(disk.level, disk.began, datestamp, labels, disk.size)
            last, full = found.get(key, (None, None))
            found[key] = (last or backup, full or (backup if disk.level == 0 else None))
            if found[key][1] is not None:
                missing.discard(key)
        if not missing:
            break
    return found


def _views(site: Site, before: str = "") -> Iterator[tuple[str, RunView]]:
    """The newest runs first, of those before a datestamp when it is given."""
    runs = [run for run in list_runs(site.state_dir) if not before or run.datestamp < before]
    for run in reversed(runs[-_JOURNALS:]):
        yield run.datestamp, view_of(run)


@dataclass(frozen=True, slots=True)
class DiskNight:
    """A disk in one run: ``outcome`` ``done``, ``strange``, ``failed``, ``skipped`` or empty when nothing was said yet;
    ``labels`` are the volumes that have its dump now, ``file`` the holding file."""

    run: str
    at: float
    level: int
    outcome: str
    message: str = ""
    size: int = 0
    orig: int = 0
    seconds: float = 0.0
    labels: tuple[str, ...] = ()
    file: str = ""


_NIGHTS = """
SELECT disks.run, disks.level, disks.outcome, disks.message, coalesce(d.began, runs.began), coalesce(d.size, 0),
       coalesce(d.orig, 0), coalesce(d.seconds, 0), coalesce(d.file, '')
FROM disks JOIN runs USING (run)
LEFT JOIN dumps d ON d.run = disks.run AND d.host = disks.host AND d.disk = disks.disk AND d.outcome IN ('done','strange')
     AND d.handle NOT LIKE 'found %'
WHERE disks.host=? AND disks.disk=? ORDER BY disks.run DESC, d.ended LIMIT ?
"""


def disk_nights(site: Site, host: str, disk: str, most: int = 60) -> list[DiskNight]:
    """How the last runs of a disk went, newest first."""
    from core.catalogue import queries
    from core.catalogue.rebuild import open_catalogue

    try:
        with open_catalogue(site).catalogue as catalogue:
            labels = {dump.datestamp: dump.labels for dump in queries.dumps(catalogue, host, disk)}
            rows = catalogue.rows(_NIGHTS, host, disk, 2 * most)
    except (TaperoomError, OSError):
        return [night_of(stamp, found) for stamp, view in _views(site) if (found := view.disks.get((host, disk)))][:most]
    nights = {run: DiskNight(run, at, level, outcome, message, size, orig, seconds, labels.get(run, ()), file)
              for run, level, outcome, message, at, size, orig, seconds, file in rows}
    return list(nights.values())[:most]


def night_of(stamp: str, disk: DiskView) -> DiskNight:
    """A disk in the run of this datestamp, as its view has it."""
    outcome = {DiskState.DONE: "done", DiskState.STRANGE: "strange", DiskState.FAILED: "failed",
               DiskState.SKIPPED: "skipped", DiskState.DUMPED: "done", DiskState.WRITING: "done"}.get(disk.state, "")
    labels = tuple(dict.fromkeys(label for _, label, _ in disk.parts))
    return DiskNight(stamp, disk.began, disk.level, outcome, disk.message, disk.size, disk.orig, disk.seconds, labels,
                     disk.file)


def usual_rates(site: Site) -> dict[tuple[str, str], float]:
    """KiB/s that each disk's dumps usually make (the median); empty without a catalogue."""
    from core.catalogue.history import load_history

    try:
        histories = load_history(site)
    except (TaperoomError, OSError):
        return {}
    rates = {key: [stat.csize / stat.seconds for stat in history.recent if stat.seconds > 0 and stat.csize >= 1024]
             for key, history in histories.items()}
    return {key: median(found) for key, found in rates.items() if found}
