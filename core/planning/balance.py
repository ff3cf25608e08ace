"""Nights of equal size: fulls are made before they are due when tonight has fewer than its share.

Amanda 3.5.1, server-src/planner.c `promote_highest_priority_incremental` and `promote_hills`.  We differ in three:
a disk with a dump cycle of its own counts with its exact share (Amanda divides integers, so a cycle longer than the
common one counts nothing); flushes of tonight count as used room; and a full that was made today is not made again, so
that a second run on one day does not repeat the biggest disk.  Sizes are KiB as stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from core.model.disk import Strategy
from core.model.site import RunSettings
from core.planning.choose import Draft
from core.planning.sheet import Sheet

TOLERANCE = 0.05
"""Fulls may be so much under or over the balanced size."""


def runs_per_cycle(run: RunSettings) -> int:
    """Runs in one dump cycle, at least 1; one a day when the configuration does not say."""
    return max(1, run.runspercycle if run.runspercycle > 0 else run.dumpcycle)


def balanced_size(sheet: Sheet, run: RunSettings) -> int:
    """KiB of fulls that each run would make if all runs made the same."""
    return sum(_share(draft, run) for draft in sheet.drafts.values())


def _share(draft: Draft, run: RunSettings) -> int:
    kind, size = draft.standing.disk.dumptype, draft.full_csize
    if kind.strategy in (Strategy.NOFULL, Strategy.INCRONLY) or kind.skip_full:
        return 0
    if kind.strategy is Strategy.NOINC or kind.dumpcycle == 0:
        return size
    if kind.dumpcycle != run.dumpcycle:
        return size * run.dumpcycle // (kind.dumpcycle * runs_per_cycle(run))
    return size // runs_per_cycle(run)


def promote(sheet: Sheet, run: RunSettings, flushing: Mapping[str, int], as_amanda: bool = False) -> int:
    """Move fulls to tonight until it has its share; the balanced size is returned.

    ``as_amanda``: also those that were made today.
    """
    balanced = balanced_size(sheet, run)
    candidates = [draft for draft in sheet.in_order() if _may_come(draft, as_amanda)]
    tally = _Tally(sheet)
    while balanced - sheet.full_kib > balanced * TOLERANCE:
        best = _best(sheet, candidates, tally, balanced, run, flushing)
        if best is None:
            break
        candidates = [draft for draft in candidates if draft is not best]
        tally.move(best)
        sheet.put(best.promoted())
    if sheet.full_kib == 0:
        _hills(sheet, candidates, flushing)
    return balanced


def _may_come(draft: Draft, as_amanda: bool) -> bool:
    kind, due_in = draft.standing.disk.dumptype, draft.standing.next_level0
    if draft.full or 0 not in draft.sizings or not 0 < due_in <= kind.maxpromoteday:
        return False
    return as_amanda or due_in < kind.dumpcycle


class _Tally:
    """How many fulls there are tonight, and how many disks are due on the same day, by host and over all hosts."""

    def __init__(self, sheet: Sheet) -> None:
        fulls = [draft.key[0] for draft in sheet.drafts.values() if draft.full]
        others = [draft for draft in sheet.drafts.values() if not draft.full]
        self.today: Counter[str] = Counter(fulls)
        self.all_today = len(fulls)
        self.same: Counter[tuple[str, int]] = Counter((d.key[0], d.standing.next_level0) for d in others)
        self.all_same: Counter[int] = Counter(d.standing.next_level0 for d in others)

    def move(self, draft: Draft) -> None:
        """One became a full."""
        host, days = draft.key[0], draft.standing.next_level0
        self.today[host] += 1
        self.all_today += 1
        self.same[host, days] -= 1
        self.all_same[days] -= 1

    def score(self, draft: Draft, cycle: int) -> int:
        """How much the coming days would gain: many due on one day, few made tonight, and soon due anyway."""
        days = draft.standing.next_level0
        today, same = self.today[draft.key[0]], self.same[draft.key[0], days]
        if today == 0 and same > 1:
            same += 1
        square = today * today
        return (same - square) ** 2 + cycle - days if same >= square else cycle - days - square

    def lonely(self, draft: Draft) -> bool:
        """The only one of its day, and nothing is made tonight: moving it only moves the hill."""
        return self.all_today == 0 and self.all_same[draft.standing.next_level0] == 1


def _best(
    sheet: Sheet, candidates: list[Draft], tally: _Tally, balanced: int, run: RunSettings, flushing: Mapping[str, int]
) -> Draft | None:
    best, best_score = None, 0
    limit = balanced * (1 + TOLERANCE)
    for draft in candidates:
        if tally.all_today > 0 and sheet.full_kib + draft.full_csize > limit:
            continue
        if tally.lonely(draft):
            continue
        score = tally.score(draft, run.dumpcycle)
        if (best is None or score > best_score) and sheet.fits(draft.promoted(), flushing):
            best, best_score = draft, score
    return best


def _hills(sheet: Sheet, candidates: list[Draft], flushing: Mapping[str, int]) -> None:
    """No full at all tonight: take one from the day that has most, if more than one is due then."""
    days: dict[int, list[Draft]] = {}
    for draft in candidates:
        days.setdefault(draft.standing.next_level0, []).append(draft)
    hills = [day for day in days.values() if len(day) > 1]
    for day in sorted(hills, key=lambda day: -sum(draft.full_csize for draft in day)):
        for draft in day:
            if sheet.fits(draft.promoted(), flushing):
                sheet.put(draft.promoted())
                return
