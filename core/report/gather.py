"""Collecting a report's background from the site: catalogue, tapelist and slots.

Promises to look only and never to fail: what cannot be found out is left out of the report.
"""

from __future__ import annotations

import time

from core.catalogue.history import load_history
from core.catalogue.protect import protected_labels
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
