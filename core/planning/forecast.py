"""The coming nights: tonight's plan, then history as if all of it went well, then the next night's.

Knows no clients: sizes come from history, and stay what they were.  `after_dump` is the rule by which history grows
(Amanda 3.5.1, server-src/infofile.c and driverio.c `update_info_dumper`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from core.model.disk import Disk
from core.model.history import DiskHistory, LevelStat
from core.model.site import Site
from core.model.units import datestamp_of
from core.planning.levels import DAY
from core.planning.plan import NO_HISTORY, Plan, plan, stand_all
from core.planning.sheet import Key
from core.planning.sizing import Answer
from core.protocol.planner import DumpLine

MAX_RECENT = 100


@dataclass(frozen=True, slots=True)
class Night:
    """One night of the forecast; ``at`` when it begins, in seconds since the epoch."""

    at: float
    plan: Plan


def after_dump(history: DiskHistory, stat: LevelStat) -> DiskHistory:
    """The history after a good dump: the levels above it are void, and so is an order of the operator."""
    levels = {level: old for level, old in history.levels.items() if level < stat.level}
    levels[stat.level] = stat
    again = history.consecutive + 1 if history.last_level == stat.level else 1
    return DiskHistory(levels, (stat, *history.recent[: MAX_RECENT - 1]), stat.level, again)


def forecast(
    site: Site, disks: Iterable[Disk], histories: Mapping[Key, DiskHistory], now: float, nights: int,
    answers: Mapping[Key, Answer] | None = None, held: Collection[Key] = (),
) -> list[Night]:
    """The plans of ``nights`` nights from ``now`` on, one a day.

    ``answers``: sizes that clients told, used on each night for the levels that they name.  ``held`` disks are never
    dumped.
    """
    known = dict(histories)
    listed = list(disks)
    found: list[Night] = []
    for number in range(nights):
        at = now + number * DAY
        tonight = plan(site, stand_all(listed, known, at, held), answers or {})
        found.append(Night(at, tonight))
        for line in tonight.dumps:
            key = (line.host, line.disk)
            known[key] = after_dump(known.get(key, NO_HISTORY), _as_dumped(line, at))
    return found


def _as_dumped(line: DumpLine, at: float) -> LevelStat:
    return LevelStat(line.level, line.orig, line.size, float(line.seconds), at, datestamp=datestamp_of(at))
