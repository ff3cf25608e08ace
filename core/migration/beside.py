"""Shadow mode: our plan from Amanda's own state next to Amanda's plan, and the differences in words.  Pure.

Our plan is made twice: by our rules, and once more by Amanda's own where ours differ on purpose.  What both of them say tells
where a difference comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.amanda.curinfo import history_of
from core.migration.planner import Line, Theirs
from core.migration.source import Key, Source
from core.model.history import DiskHistory
from core.model.site import Site
from core.model.units import show_kib
from core.planning.plan import Plan, plan, stand_all
from core.planning.sizing import Answer
from core.protocol.planner import DumpLine

NEAR = 0.05
"""Sizes that differ by less are the same."""
NEAR_KIB = 64


@dataclass(frozen=True, slots=True)
class Row:
    """One disk in both plans; a side is None when it does not dump it, and its reason is in ``words``."""

    host: str
    disk: str
    ours: DumpLine | None
    theirs: Line | None
    same: bool
    words: str


def histories_of(source: Source) -> dict[Key, DiskHistory]:
    """What curinfo knows of each disk of the disklist; one without a record is a new disk, as for Amanda."""
    return {key: history_of(info) for key, info in source.infos.items()}


def plans(
    site: Site, source: Source, now: float, answers: Mapping[Key, Answer], flushing: Mapping[str, int]
) -> tuple[Plan, Plan]:
    """Tonight by our rules, and by Amanda's where ours differ; ``now`` in seconds since the epoch."""
    standings = stand_all(site.disks, histories_of(source), now)
    return plan(site, standings, answers, flushing), plan(site, standings, answers, {}, as_amanda=True)


def compare(ours: Plan, as_amanda: Plan, theirs: Theirs, left_out: Mapping[Key, str]) -> list[Row]:
    """Every disk of either plan, in the order of ours."""
    mine = {(line.host, line.disk): line for line in ours.dumps}
    same = {(line.host, line.disk): line for line in as_amanda.dumps}
    skipped = {(skip.host, skip.disk): skip.message for skip in ours.skips} | dict(left_out)
    keys = dict.fromkeys([*mine, *skipped, *theirs.dumps, *theirs.failed])
    return [_row(key, mine.get(key), same.get(key), theirs, skipped.get(key, "")) for key in keys]


def _row(key: Key, ours: DumpLine | None, as_amanda: DumpLine | None, theirs: Theirs, skipped: str) -> Row:
    there = theirs.dumps.get(key)
    failed = theirs.failed.get(key, "")
    if ours is None and there is None:
        return Row(*key, None, None, True, f"neither dumps it: {skipped or failed}")
    if ours is None:
        return Row(*key, None, there, False, f"Taperoom does not dump it: {skipped or 'it is not in the configuration'}")
    if there is None:
        return Row(*key, ours, None, False,
                   f"Amanda does not dump it: {failed or 'its planner says nothing of it'}; Taperoom: {ours.why}")
    if ours.level == there.level:
        return _sizes(key, ours, there)
    return Row(*key, ours, there, False, _levels(ours, as_amanda, there))


def _sizes(key: Key, ours: DumpLine, there: Line) -> Row:
    gap = abs(ours.size - there.size)
    if gap <= max(NEAR_KIB, there.size * NEAR):
        return Row(*key, ours, there, True, ours.why)
    if abs(ours.orig - there.orig) <= max(NEAR_KIB, there.orig * NEAR):
        why = "both expect the same before compression, but another ratio: Taperoom takes it from the last three dumps"
    else:
        why = f"Taperoom expects {show_kib(ours.orig)} before compression, Amanda {show_kib(there.orig)}"
    return Row(*key, ours, there, False, f"the same level, another size: {why}; {ours.why}")


def _levels(ours: DumpLine, as_amanda: DumpLine | None, there: Line) -> str:
    here = f"Taperoom: level {ours.level}, {ours.why}"
    said = f"Amanda: level {there.level}{', ' + there.why if there.why else ''}"
    if as_amanda is not None and as_amanda.level == there.level:
        if there.level == 0:
            return (f"{said}; {here}. Amanda also makes fulls before their time that were made today, and does not count what "
                    "waits on the holding disk; Taperoom does neither")
        return f"{said}; {here}. What waits on the holding disk, or a dump cycle of its own, counts differently in Taperoom"
    if 0 in (ours.level, there.level):
        return (f"{said}; {here}. The sizes that both expect differ, and with them what fits and which fulls come before their "
                "time")
    return f"{said}; {here}. Both go up a level when that saves enough, and expect different sizes"


def totals(dumps: Mapping[Key, Line] | Mapping[Key, DumpLine]) -> str:
    """A plan in one line."""
    fulls = [line for line in dumps.values() if line.level == 0]
    return (f"{len(dumps)} dumps, {len(fulls)} full ({show_kib(sum(line.size for line in fulls))}), "
            f"{show_kib(sum(line.size for line in dumps.values()))} in all")

