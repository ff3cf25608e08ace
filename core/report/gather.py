"""Collecting a report's background from the site: catalogue, tapelist and slots.

Promises to look only and never to fail: what cannot be found out is left out of the report.
"""

from __future__ import annotations

import time

from core.catalogue.checked import DAMAGED, FAILED, read_checks
from core.catalogue.history import load_history
from core.catalogue.protect import protected_labels
from core.catalogue.queries import dumps
from core.catalogue.rebuild import open_catalogue
from core.devices.scan_policy import Standing
from core.devices.shelf import ShelfRow, inventory
from core.errors import TaperoomError
from core.model.site import Site, Storage
from core.report.background import Background

_DAY = 86400.0


def gather(site: Site, now: float | None = None) -> Background:
    """Everything that a report can say beside its run; ``now`` is the clock's unless given."""
    at = time.time() if now is None else now
    cycle = max((disk.dumptype.dumpcycle for disk in site.disks), default=7)
    shelves = {storage.name: _shelf(site, storage, at) for storage in site.storages.values()}
    return Background(
        now=at,
        capacity={storage.name: storage.capacity for storage in site.storages.values()},
        last_good=_last_good(site),
        disks=tuple(disk.key for disk in site.disks),
        next_volumes={name: _next(rows) for name, rows in shelves.items() if rows is not None},
        bring=tuple(sentence for name, rows in shelves.items() if rows for sentence in _bring(name, rows)),
        overdue_after=max(2, min(cycle, 7)) * _DAY,
        proof=tuple(_proof(site, at)),
    )


def _last_good(site: Site) -> dict[tuple[str, str], float]:
    try:
        histories = load_history(site)
    except (TaperoomError, OSError):
        return {}
    return {key: max(stat.date for stat in history.recent) for key, history in histories.items() if history.recent}


def _shelf(site: Site, storage: Storage, now: float) -> list[ShelfRow] | None:
    try:
        return inventory(site, storage, protected_labels(site, storage, now), now)
    except (TaperoomError, OSError):
        return None


def _next(rows: list[ShelfRow]) -> tuple[str, ...]:
    return tuple(f"{row.label or 'a new volume'} (slot {row.slot})" for row in rows if row.next)


def _bring(storage: str, rows: list[ShelfRow]) -> list[str]:
    """Volumes that are in no slot and may be overwritten, when nothing in a slot may."""
    if any(row.next for row in rows):
        return []
    away = [row.label for row in rows if row.standing is Standing.ELSEWHERE and row.reason == "may be overwritten"]
    return [f"to storage {storage}: {', '.join(away[:5]) or 'new volumes'}"]


def _proof(site: Site, now: float) -> list[str]:
    """Copies that were found damaged and are still held, disks whose last drill failed, and how much is due."""
    try:
        checked = read_checks(site.state_dir)
        if not (checked.whole or checked.on_volume or checked.drills):
            return []
        with open_catalogue(site).catalogue as catalogue:
            held = [dump for dump in dumps(catalogue) if dump.held]
    except (TaperoomError, OSError):
        return []
    said, due = [], 0
    for dump in held:
        for copy in (*((None,) if dump.file else ()), *dump.copies):
            last = checked.of(dump, copy)
            due += bool(site.verify.every and (last is None or now - last.at >= site.verify.every or last.at > now))
            if last is not None and last.outcome == DAMAGED:
                where = f"volume {', '.join(copy.labels)}" if copy else f"holding file {dump.file}"
                said.append(f"DAMAGED {dump.host}:{dump.disk} level {dump.level} of {dump.datestamp} on {where}")
    drills = {(drill.host, drill.disk): drill for _, drill in checked.drills}
    said += [f"FAILED drill of {host}:{disk}: {drill.message.partition(chr(10))[0]}"
             for (host, disk), drill in drills.items() if drill.outcome == FAILED]
    if due:
        said.append(f"{due} {'copy is' if due == 1 else 'copies are'} due to be read again: taperoom verify")
    return said
