"""What earlier runs left on the holding disk, and where it goes; and what is known of earlier runs.

Thin edges to the holding disk and the catalogue.  Both may be missing: then nothing is left, and nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from core.errors import TaperoomError
from core.model.history import DiskHistory
from core.model.site import Site
from core.protocol.planner import Flush

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Left:
    """Dumps to flush, oldest first, and KiB of them for each storage."""

    flushes: tuple[Flush, ...] = ()
    kib: dict[str, int] = field(default_factory=dict)


def flushes(site: Site, datestamp: str, only: Collection[Key] | None, log: Callable[[str], None]) -> Left:
    """The whole dumps that are older than the run ``datestamp``; with ``only``, of these disks."""
    from core.holding.scan import survey

    there = survey(site.holding)
    for sentence in there.damage:
        log(sentence)
    found: list[Flush] = []
    wanted: dict[str, int] = {}
    for dump in there.dumps:
        header = dump.header
        if header.datestamp >= datestamp or (only is not None and (header.host, header.disk) not in only):
            continue
        if not dump.complete:
            log(f"{dump.path}: not flushed: {dump.fault}")
            continue
        found.append(Flush(header.host, header.disk, header.datestamp, header.level, str(dump.path)))
        disk = site.disk(header.host, header.disk)
        for storage in site.storages_of(disk) if disk is not None else tuple(site.storages)[:1]:
            wanted[storage] = wanted.get(storage, 0) + dump.kib
    return Left(tuple(found), wanted)


def held(site: Site) -> frozenset[Key]:
    """The disks that the operator holds back."""
    from core.catalogue.orders import load_orders

    orders = load_orders(site)
    return frozenset(disk.key for disk in site.disks if orders.get(disk.title) == "hold")


def histories(site: Site, log: Callable[[str], None]) -> dict[Key, DiskHistory]:
    """What earlier runs tell of each disk, the operator's orders included."""
    from core.catalogue.history import load_history

    try:
        return load_history(site)
    except (TaperoomError, OSError) as fault:
        log(f"PLN008 {fault}; every disk is planned like a new one")
        return {}
