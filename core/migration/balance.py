"""What stands in for the plan of Amanda's planner where that cannot be had: ``amadmin CONFIG balance``, the fulls that it
expects on each of the coming nights, next to ours.

Ours are counted as amadmin counts: a day that has begun is a day, so both are up to a night earlier than a planner makes them.
The one that runs amadmin is `core.migration.planner`; here is what it says and what it means.  Pure but for the time zone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.amanda.curinfo import history_of
from core.migration.source import Key, Source
from core.model.disk import Strategy
from core.model.site import Site
from core.planning.levels import DAY, Standing
from core.planning.plan import stand_all

_LINE = re.compile(r" ?(\d\d/\d\d) \S{2,9}\s+(\d{1,9})\s+(\d{1,15})\s+(\d{1,15})\b.*", re.ASCII)
_MOST_NAMES = 3
_NEW, _FORCED, _EVERY = "new here, and left out by amadmin", "ordered, which amadmin does not count", "dumped full every night"


@dataclass(frozen=True, slots=True)
class Due:
    """Fulls that are due on one night; KiB as stored."""

    fulls: int = 0
    kib: int = 0


@dataclass(frozen=True, slots=True)
class Night:
    """One night of both; ``words``: why they differ, empty where they do not."""

    label: str
    ours: Due
    theirs: Due
    words: str = ""


@dataclass(slots=True)
class _Ours:
    fulls: int = 0
    kib: int = 0
    special: dict[str, list[str]] = field(default_factory=dict)


def read_balance(text: str) -> dict[str, Due]:
    """What ``amadmin balance`` said of each night, by month and day.  Lines that it is not known to say are passed over."""
    return {found[1]: Due(int(found[2]), int(found[4])) for line in text.splitlines() if (found := _LINE.fullmatch(line))}


def compare_balance(
    site: Site, source: Source, theirs: Mapping[str, Due] | None, left_out: Mapping[Key, str], now: float,
) -> list[Night]:
    """The nights of the dump cycle on which either expects a full; ``now`` in seconds since the epoch.  Nothing without
    ``theirs``."""
    if theirs is None:
        return []
    count = max(1, site.run.dumpcycle)
    nights = [_Ours() for _ in range(count)]
    for standing in stand_all(site.disks, {key: history_of(info) for key, info in source.infos.items()}, now):
        first, step, special = _due(standing, now)
        for at in range(first, count, step):
            nights[at].fulls += 1
            nights[at].kib += _size(standing)
            if special and (at == first or special == _EVERY):
                nights[at].special.setdefault(special, []).append(standing.disk.title)
    found = []
    for at, ours in enumerate(nights):
        label = time.strftime("%m/%d", time.localtime(now + at * DAY))
        there = theirs.get(label, Due())
        if ours.fulls or there.fulls:
            words = "" if ours.fulls == there.fulls else _why(ours, there, left_out)
            found.append(Night(label, Due(ours.fulls, ours.kib), there, words))
    return found


def _due(standing: Standing, now: float) -> tuple[int, int, str]:
    """On which night from now its full is due, after how many again, and what is special about that."""
    cycle = max(1, standing.disk.dumptype.dumpcycle)
    match standing.disk.dumptype.strategy:
        case Strategy.SKIP | Strategy.NOFULL | Strategy.INCRONLY:
            return 1 << 30, 1, ""
        case Strategy.NOINC:
            return 0, 1, _EVERY
        case _ if standing.new:
            return 0, cycle, _NEW
    due = cycle - int((now - standing.full_date + DAY) // DAY)
    if standing.forced == "full" and due > 0:
        return 0, cycle, _FORCED
    return max(0, due), cycle, ""


def _size(standing: Standing) -> int:
    stat = standing.history.levels.get(0)
    return stat.csize if stat is not None else 0


def _why(ours: _Ours, theirs: Due, left_out: Mapping[Key, str]) -> str:
    said = [f"{special}: {_names(titles)}" for special, titles in ours.special.items()]
    if ours.fulls - sum(len(titles) for titles in ours.special.values()) < theirs.fulls:
        said.append("some of Amanda's come earlier here, being ordered or dumped full every night"
                    + (f", or are not dumped by Taperoom ({len(left_out)} are not)" if left_out else ""))
    return "; ".join(said) or "a strategy or a dump cycle of its own is counted in another way by amadmin"


def _names(titles: list[str]) -> str:
    return ", ".join(titles[:_MOST_NAMES]) + (f" and {len(titles) - _MOST_NAMES} more" if len(titles) > _MOST_NAMES else "")
