"""The storages as the Tapes screen shows them: every slot and volume, what is on it, which is next, and what to bring.

Looks only: nothing is locked, written or moved.  A storage whose changer is not there has a ``fault`` and no rows.  Sizes
KiB, datestamps Amanda's, ages by the clock that is given.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.errors import TaperoomError
from core.events.view import RunView
from core.model.site import Retention, Site, Storage
from core.model.units import seconds_of_datestamp, show_duration

if TYPE_CHECKING:
    from core.catalogue.checked import VolumeChecks
    from core.catalogue.traces import Trace
    from core.devices.shelf import ShelfRow
    from core.model.volume import Volume

_DAY = 86400.0
_SOON = 5
"""So many volumes are named that come next."""


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """One slot, or a volume that is in none (``slot`` empty).  ``word``: NEXT, WRITING, reusable, new, blank, active,
    foreign, faulty, busy, elsewhere; ``label`` is what it bears, empty for a blank slot; ``flag``: reuse, no-reuse, or
    empty for what is not in the tapelist; ``loaded``: the changer's current slot."""

    storage: str
    slot: str
    label: str
    flag: str
    written: str
    used: int
    capacity: int
    files: int
    word: str
    reason: str
    next: bool = False
    writing: bool = False
    loaded: bool = False


@dataclass(frozen=True, slots=True)
class Shelf:
    """One storage.  ``soon``: (label, slot, reason) of what will be written, in this order; ``bring``: labels of volumes to
    load since too few in the slots may be written, ``new`` how many more blank ones; ``known`` volumes in the tapelist."""

    storage: str
    changer: str
    capacity: int
    retention: Retention
    rows: tuple[VolumeRow, ...] = ()
    soon: tuple[tuple[str, str, str], ...] = ()
    bring: tuple[str, ...] = ()
    new: int = 0
    known: int = 0
    fault: str = ""


def protected(site: Site, storage: Storage, now: float | None = None) -> dict[str, str]:
    """Labels that are still needed, with the reason; empty before the first run.  WorldError RST001."""
    from core.catalogue.protect import protected_labels

    if not site.catalogue.exists() and not site.runs_dir.exists():
        return {}
    return protected_labels(site, storage, time.time() if now is None else now)


def inventory_of(site: Site, storage: Storage, now: float | None = None) -> list[ShelfRow]:
    """Every slot and every volume, as the taper would judge them.  WorldError, UsageError."""
    from core.devices.shelf import inventory

    return inventory(site, storage, protected(site, storage, now), now)


def shelves(site: Site, view: RunView | None = None, now: float | None = None) -> list[Shelf]:
    """Every storage; ``view`` is the live run's, when there is one.  Never raises: a storage has its ``fault``."""
    return [shelf(site, storage, view, now) for storage in site.storages.values()]


def shelf(site: Site, storage: Storage, view: RunView | None = None, now: float | None = None) -> Shelf:
    """One storage.  Never raises."""
    from core.devices import tapelist
    from core.devices.registry import open_changer

    at = time.time() if now is None else now
    empty = Shelf(storage.name, storage.changer, storage.capacity, storage.retention)
    try:
        found = inventory_of(site, storage, at)
        entries = {v.label: v for v in tapelist.read(site.tapelist) if v.pool in ("", storage.name)}
        kept = _why_kept(site, storage, entries, at)
        current = open_changer(storage).current()
    except TaperoomError as fault:
        return replace(empty, fault=str(fault))
    except OSError as fault:
        return replace(empty, fault=f"{storage.changer}: {fault.strerror or fault}")
    writing = _written_now(storage, view)
    rows = tuple(_row(storage, row, entries, kept, writing, current) for row in found)
    soon = _soon(found)
    bring, new = _bring(site, storage, found)
    return replace(empty, rows=rows, soon=soon, bring=bring, new=new, known=len(entries))


def _row(storage: Storage, row: ShelfRow, entries: Mapping[str, Volume], kept: Mapping[str, str],
         writing: Mapping[str, int], current: str) -> VolumeRow:
    from core.devices.scan_policy import Standing

    entry = entries.get(row.label) if row.standing is not Standing.BLANK else None
    word, reason, used = row.standing.value, row.reason, int(row.used)
    blank = row.standing is Standing.BLANK
    if blank and row.label and not row.next:
        reason = "no label"  # only the next one would get the label that the policy names
    if row.standing is Standing.ACTIVE:
        reason = kept.get(row.label, reason)
    if row.next:
        word = "NEXT"
    at_work = bool(row.slot) and not blank and row.label in writing
    if at_work:
        word, reason, used = "WRITING", "this run writes on it", max(used, writing[row.label])
    return VolumeRow(
        storage.name, row.slot, "" if blank else row.label, ("reuse" if entry.reuse else "no-reuse") if entry else "",
        "" if row.datestamp in ("0", "X") else row.datestamp, used, storage.capacity, row.files, word, reason,
        row.next and not at_work, at_work, bool(row.slot) and row.slot == current)


def _written_now(storage: Storage, view: RunView | None) -> dict[str, int]:
    """Label of the volume that each taper of the storage has in hand, and the KiB on it."""
    if view is None or not view.live:
        return {}
    return {taper.label: taper.volume_size for taper in view.tapers.values()
            if taper.storage == storage.name and taper.label and taper.state != "down"}


def _why_kept(site: Site, storage: Storage, entries: Mapping[str, Volume], now: float) -> dict[str, str]:
    """Why active volumes may not be overwritten yet, told as when that ends where retention by number or age keeps them."""
    from core.catalogue.protect import protect
    from core.catalogue.queries import volumes
    from core.catalogue.rebuild import open_catalogue
    from core.catalogue.traces import by_disk

    reasons: dict[str, str] = {}
    if site.catalogue.exists() or site.runs_dir.exists():
        only_fulls = replace(storage.retention, tapes=0, days=0)
        with open_catalogue(site).catalogue as catalogue:
            disks: Sequence[list[Trace]] = list(by_disk(catalogue))
            reasons = protect(only_fulls, volumes(catalogue, storage.name), disks, storage.name, now)
    ours = sorted((v for v in entries.values() if v.used and v.reuse), key=lambda v: v.datestamp, reverse=True)
    for number, volume in enumerate(ours):
        if volume.label in reasons:
            continue
        ends = _ends(storage.retention, number, volume.datestamp, now)
        if ends:
            reasons[volume.label] = ends
    for volume in entries.values():
        if not volume.reuse:
            reasons[volume.label] = "marked no-reuse: it is kept until someone takes that back"
    return reasons


def _ends(retention: Retention, number: int, datestamp: str, now: float) -> str:
    """``reusable in 2 days``; empty when neither number nor age keeps it.  ``number``: 0 is the newest volume."""
    found = []
    try:
        left = seconds_of_datestamp(datestamp) + retention.days * _DAY - now
    except ValueError:
        left = 0.0
    if retention.days > 0 and left > 0:
        days = -(-left // _DAY)
        found.append(f"in {days:.0f} days" if days > 1 else f"in {show_duration(left)}")
    more = retention.tapes - number
    if more > 0:
        found.append(f"after {more} more volume{'s' if more > 1 else ''}")
    return f"reusable {' and '.join(found)}" if found else ""


def _soon(rows: Sequence[ShelfRow]) -> tuple[tuple[str, str, str], ...]:
    """What may be written, in the policy's order: reusable ones by age, then new ones, then blank slots."""
    from core.devices.scan_policy import WRITABLE, Standing

    def rank(row: ShelfRow) -> tuple[bool, int, str]:
        return not row.next, WRITABLE.index(row.standing), row.datestamp if row.standing is Standing.REUSABLE else ""

    may = sorted((row for row in rows if row.slot and row.writable), key=rank)
    found: list[tuple[str, str, str]] = []
    for row in may[:_SOON]:
        # Every blank slot shows the label that it would get if it were next; only the first of them will get that one.
        taken = any(row.label == label for label, _, _ in found)
        found.append(("", row.slot, "no label") if taken else (row.label, row.slot, row.reason))
    return tuple(found)


def _bring(site: Site, storage: Storage, rows: Sequence[ShelfRow]) -> tuple[tuple[str, ...], int]:
    """Volumes to load so that a run has as many as it may fill; then how many new ones are needed besides."""
    from core.devices.scan_policy import Standing

    wanted = storage.runtapes if storage.runtapes is not None else site.run.runtapes
    missing = max(0, wanted - sum(1 for row in rows if row.slot and row.writable))
    away = sorted((row for row in rows if row.standing is Standing.ELSEWHERE and row.reason == "may be overwritten"),
                  key=lambda row: row.datestamp)
    return tuple(row.label for row in away[:missing]), max(0, missing - len(away))


@dataclass(frozen=True, slots=True)
class Content:
    """A dump, or a piece of it, on a volume: its files from ``first`` to ``last``, ``parts`` of them, ``size`` KiB here."""

    first: int
    last: int
    host: str
    disk: str
    datestamp: str
    level: int
    size: int
    parts: int


def checks_of_volumes(site: Site) -> dict[tuple[str, str], VolumeChecks]:
    """Storage and label of volumes with dumps, with what `taperoom verify` said of them; empty as long as it never ran.

    WorldError RST001, VFY013.
    """
    from core.catalogue.checked import by_volume, read_checks
    from core.catalogue.queries import dumps
    from core.catalogue.rebuild import open_catalogue

    checked = read_checks(site.state_dir)
    if not checked.whole and not checked.on_volume:
        return {}
    with open_catalogue(site).catalogue as catalogue:
        return by_volume(dumps(catalogue), checked)


_CONTENT = """
SELECT min(fileno), max(fileno), host, disk, datestamp, level, sum(parts.size), count(*)
FROM parts JOIN writes USING (run, handle, storage)
WHERE parts.storage=? AND label=? GROUP BY run, handle ORDER BY min(fileno)
"""


def contents(site: Site, storage: str, label: str) -> list[Content]:
    """What a volume holds by the catalogue, in the order of its files; a live run's parts are there as they are written.

    WorldError RST001.  `core.devices.shelf.open_volume` reads the volume itself.
    """
    from core.catalogue.rebuild import open_catalogue

    with open_catalogue(site).catalogue as catalogue:
        return [Content(*row) for row in catalogue.rows(_CONTENT, storage, label)]
