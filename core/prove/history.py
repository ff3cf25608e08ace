"""Drills over months: how long each disk took to come back, as a table and a chart of text.  Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.catalogue.checked import GOOD
from core.events.event import DiskDrilled

BAR = 30
"""Columns of the longest bar."""


@dataclass(frozen=True, slots=True)
class Month:
    """The drills of a disk in one month: how many, how many of them failed, and the median of seconds and of KiB/s that
    were read, of the good ones; 0 when there was none."""

    month: str
    drills: int
    failed: int
    seconds: float
    rate: float


def by_disk(drills: Iterable[tuple[float, DiskDrilled]]) -> dict[tuple[str, str], list[tuple[float, DiskDrilled]]]:
    """The drills of each disk, oldest first, disks in the order of their names."""
    found: dict[tuple[str, str], list[tuple[float, DiskDrilled]]] = {}
    for at, drill in sorted(drills, key=lambda one: one[0]):
        found.setdefault((drill.host, drill.disk), []).append((at, drill))
    return dict(sorted(found.items()))


def months(drills: Sequence[tuple[float, DiskDrilled]]) -> list[Month]:
    """The drills of one disk by month, local time, oldest first."""
    grouped: dict[str, list[DiskDrilled]] = {}
    for at, drill in drills:
        grouped.setdefault(datetime.fromtimestamp(at).strftime("%Y-%m"), []).append(drill)
    return [_month(name, group) for name, group in sorted(grouped.items())]


def _month(name: str, group: Sequence[DiskDrilled]) -> Month:
    good = [drill for drill in group if drill.outcome == GOOD and drill.files]
    seconds = statistics.median([drill.seconds for drill in good]) if good else 0.0
    rates = [drill.read / drill.seconds for drill in good if drill.seconds > 0]
    return Month(name, len(group), sum(drill.outcome != GOOD for drill in group), seconds,
                 statistics.median(rates) if rates else 0.0)


def bar(value: float, most: float) -> str:
    """A bar for ``value``, of `BAR` columns for ``most``; anything but nothing has one mark at least."""
    if value <= 0 or most <= 0:
        return ""
    return "#" * max(1, round(BAR * value / most))


def slower(drills: Sequence[Month]) -> float:
    """How many times as long the last month took as the months before it, by their median; 0 when that is not known."""
    timed = [month.seconds for month in drills if month.seconds > 0]
    if len(timed) < 2 or not drills[-1].seconds:
        return 0.0
    return timed[-1] / statistics.median(timed[:-1])
