"""What the planner needs of earlier runs: each disk's history, with the rules of Amanda's curinfo (server-src/infofile.c).

A dump at level n makes the entries above n void.  A dump of 0 KiB keeps the sizes known before but counts as dumped
(Amanda forgets it, and then asks for the same level for ever).  A dump that nothing holds any more is no base for an
incremental: it stays in ``recent`` for its size, not in ``levels``.

A dump that is dated later than the clock does not count at all: what a client dumped then it takes for its last dump, and no
date tells in which order that and the others were.  So there is no base either, until a full was made for this reason.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from core.catalogue.orders import LEVEL_ORDERS, load_orders
from core.catalogue.queries import Key
from core.catalogue.rebuild import open_catalogue
from core.catalogue.store import Catalogue
from core.catalogue.traces import Trace, by_disk
from core.model.history import DiskHistory, LevelStat
from core.model.site import Site
from core.model.units import latest_stamp
from core.planning.explain import MISDATED

RECENT = 100


def load_history(site: Site, now: float | None = None) -> dict[Key, DiskHistory]:
    """Host and disk to the history of every disk that was dumped or has an order.  Empty when nothing was ever dumped.
    ``now``: seconds since the epoch, the clock's unless given.

    WorldError RST001 when the catalogue can be neither read nor made.
    """
    found: dict[Key, DiskHistory] = {}
    latest = latest_stamp(time.time() if now is None else now)
    if site.catalogue.exists() or site.runs_dir.exists():
        with open_catalogue(site).catalogue as catalogue:
            for good in by_disk(catalogue, RECENT):
                key = good[0].host, good[0].disk
                found[key] = history_of([dump for dump in good if dump.datestamp <= latest], os.path.exists)
                if good[-1].datestamp > latest and not _settled(catalogue, *good[-1].key[:3]):
                    found[key] = DiskHistory(recent=found[key].recent, misdated=good[-1].datestamp)
    keys = {disk.title: disk.key for disk in site.disks}
    for title, order in load_orders(site).items():
        if order in LEVEL_ORDERS and title in keys:
            found[keys[title]] = replace(found.get(keys[title], DiskHistory()), forced=order)
    return found


def _settled(catalogue: Catalogue, host: str, disk: str, datestamp: str) -> bool:
    """Whether a full was made because the dump of that ``datestamp`` is dated later than the clock."""
    return bool(catalogue.rows(
        "SELECT 1 FROM dumps JOIN disks USING (run, host, disk) WHERE host=? AND disk=? AND dumps.level=0"
        " AND dumps.outcome IN ('done','strange') AND substr(why, 1, ?)=? LIMIT 1",
        host, disk, len(MISDATED) + len(datestamp), MISDATED + datestamp))


def history_of(good: Sequence[Trace], exists: Callable[[str], bool]) -> DiskHistory:
    """The history of one disk from its good dumps, oldest first; ``exists`` tells whether a holding file is there."""
    levels: dict[int, LevelStat] = {}
    recent: list[LevelStat] = []
    last_level, consecutive, lost = -1, 0, set()
    for dump in good:
        stat = LevelStat(dump.level, dump.orig, dump.size, dump.seconds, dump.began, dump.labels, dump.datestamp)
        before = levels.get(dump.level)
        if before is not None and (dump.orig == 0 or dump.size == 0):
            stat = replace(stat, size=before.size, csize=before.csize, seconds=before.seconds)
        levels = {level: known for level, known in levels.items() if level < dump.level}
        levels[dump.level] = stat
        recent.append(stat)
        consecutive = consecutive + 1 if dump.level == last_level else 1
        last_level = dump.level
        if not dump.places and not (dump.file and exists(dump.file)):
            lost.add((dump.datestamp, dump.level))
    # Without its base an incremental restores nothing, so a lost level takes those above it along.
    first_lost = min((level for level, stat in levels.items() if (stat.datestamp, level) in lost), default=last_level + 1)
    kept = {level: stat for level, stat in levels.items() if level < first_lost}
    if first_lost <= last_level:
        last_level, consecutive = (max(kept), 1) if kept else (-1, 0)
    return DiskHistory(kept, tuple(reversed(recent[-RECENT:])), last_level, consecutive)
