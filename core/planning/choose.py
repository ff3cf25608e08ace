"""The first draft: each disk at the level that its own rules want, before anybody looks at the tapes.

Amanda 3.5.1, server-src/planner.c `analyze_estimate` and `pick_inclevel`.  Sizes are KiB.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.model.disk import Strategy
from core.planning import reasons as r
from core.planning.bump import bumps
from core.planning.levels import Standing
from core.planning.sizing import Answer, Sizing


@dataclass(frozen=True, slots=True)
class Draft:
    """What is meant to be done with one disk.

    ``plan_b``: the incremental that is made instead of a full, in degraded mode or when the full must wait.
    ``steady``: the reason that holds when it is dumped as an incremental.
    """

    standing: Standing
    answer: Answer
    sizings: dict[int, Sizing]
    level: int
    plan_b: Sizing | None
    reason: r.Reason
    steady: r.Reason
    storages: tuple[str, ...]
    may_split: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """Host and disk."""
        return self.standing.key

    @property
    def sizing(self) -> Sizing:
        """The size at its level."""
        return self.sizings[self.level]

    @property
    def csize(self) -> int:
        """KiB as stored at its level."""
        return self.sizing.csize

    @property
    def full(self) -> bool:
        """Whether it is a full."""
        return self.level == 0

    @property
    def full_csize(self) -> int:
        """KiB of its full as stored: tonight's estimate, else the last one made; 0 when neither is known."""
        if 0 in self.sizings:
            return self.sizings[0].csize
        stat = self.standing.history.levels.get(0)
        return stat.csize if stat is not None else 0

    def promoted(self) -> Draft:
        """The same as a full before its time; its incremental becomes plan B."""
        return replace(self, level=0, plan_b=self.sizing, reason=r.Promoted(self.standing.next_level0))

    def delayed(self, cause: r.TooBig | r.NoSpace) -> Draft | None:
        """The same as an incremental; None when it has none."""
        if not self.full or self.plan_b is None:
            return None
        return replace(self, level=self.plan_b.level, plan_b=None, reason=r.Delayed(cause))


def choose(
    standing: Standing, answer: Answer, sizings: dict[int, Sizing], storages: tuple[str, ...], may_split: bool
) -> Draft | r.NoSize:
    """The draft for one disk, or that nobody knows a size."""
    if not sizings:
        return r.NoSize(answer.error, answer.reached)
    incremental, reason = _incremental(standing, sizings)
    want_full = standing.next_level0 <= 0 or (standing.last_level == 0 and standing.forced == "no-bump")
    if 0 in sizings and (want_full or incremental is None):
        chosen, why = sizings[0], _why_full(standing, want_full)
    elif incremental is not None:
        chosen = incremental
        why = r.FullWithoutSize() if want_full and standing.forced in ("", "full") else reason
    else:
        return r.NoSize(answer.error, answer.reached)
    plan_b = incremental if chosen.level == 0 else None
    return Draft(standing, answer, sizings, chosen.level, plan_b, why, reason, storages, may_split)


def _why_full(standing: Standing, due: bool) -> r.Reason:
    kind = standing.disk.dumptype
    if standing.history.misdated:  # before all others: this is what tells the coming nights that it was made
        return r.Misdated(standing.history.misdated)
    if standing.forced in ("full", "no-bump"):
        return r.Forced(standing.forced)
    if standing.new and kind.strategy is not Strategy.NOINC:
        return r.FullLost() if standing.history.recent else r.NewDisk()
    if kind.strategy is Strategy.NOINC or kind.dumpcycle == 0:
        return r.FullEveryRun()
    return r.FullDue(max(0, -standing.next_level0)) if due else r.FullWithoutIncremental()


def _incremental(standing: Standing, sizings: dict[int, Sizing]) -> tuple[Sizing | None, r.Reason]:
    """The incremental of tonight if a full is not made, and why at this level."""
    kind = standing.disk.dumptype
    never = kind.strategy in (Strategy.NOFULL, Strategy.INCRONLY)
    plain = r.Incremental(None if never else max(0, standing.next_level0))
    if standing.forced in ("level-1", "bump", "no-bump"):
        level = {"level-1": 1, "bump": standing.last_level + 1, "no-bump": standing.last_level}[standing.forced]
        return (sizings.get(level) if level > 0 else None), r.Forced(standing.forced)
    last = max(standing.last_level, 0)
    if last == 0 or kind.strategy is Strategy.NOFULL:
        return sizings.get(1), plain
    now, up = sizings.get(last), sizings.get(last + 1)
    if now is None or up is None:
        return now or up, plain
    full = sizings[0].size if 0 in sizings else standing.history.levels[0].size
    if bumps(last, standing.level_days, now.size, up.size, full, kind.bump):
        return up, r.Bumped(last, last + 1, now.size - up.size)
    return now, plain
