"""Where each disk stands tonight: when its full is due, its last level, and which levels are worth an estimate.

The rules are Amanda 3.5.1's (server-src/planner.c `setup_estimate`).  We differ in two: a forced full of a known disk
also asks for its incremental, so that there is something to dump in degraded mode; and a level whose lower levels are
lost is not continued.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.model.disk import Disk, Strategy
from core.model.history import DiskHistory
from core.planning.bump import may_bump
from core.planning.reasons import BySetting, Rule

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Standing:
    """One disk before anybody was asked.

    ``next_level0`` days until a full is due, ≤ 0 now.  ``last_level`` −1: no full is known.  ``level_days`` runs at
    that level.  ``forced`` the operator's order as far as it can be obeyed, ``warning`` why it is not.  ``asks`` the
    levels that need a size.  ``refusal`` why it is not dumped at all.
    """

    disk: Disk
    history: DiskHistory
    next_level0: int
    last_level: int
    level_days: int
    priority: int
    forced: str
    asks: tuple[int, ...]
    refusal: BySetting | None = None
    warning: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Host and disk."""
        return self.disk.key

    @property
    def new(self) -> bool:
        """No full of it is known."""
        return 0 not in self.history.levels

    @property
    def full_date(self) -> float:
        """Seconds since the epoch of its last full, 0 if there is none."""
        stat = self.history.levels.get(0)
        return stat.date if stat is not None else 0.0


def days_between(earlier: float, later: float) -> int:
    """Whole nights between two times, rounded: a run that begins an hour early is still the next night."""
    return max(0, int((later - earlier) / DAY + 0.5))


def stand(disk: Disk, history: DiskHistory, now: float, held: bool = False) -> Standing:
    """Where ``disk`` stands at ``now`` (seconds since the epoch); ``held`` back by the operator it is not dumped."""
    last = _last_level(disk, history)
    forced, warning = _obeyed(disk, history.forced, last)
    next_level0 = _next_level0(disk, history, last, forced, now)
    urgent = max(-next_level0, 1 if forced == "full" else 0)
    days = history.consecutive if last == history.last_level else 0
    return Standing(
        disk, history, next_level0, last, days, disk.dumptype.priority + max(urgent, 0), forced,
        _asks(disk, history, next_level0, last, days, forced),
        BySetting(Rule.HELD) if held else _refusal(disk, next_level0, last, forced), warning,
    )


def _last_level(disk: Disk, history: DiskHistory) -> int:
    """The last level whose lower levels are all known; −1 without a full.  ``nofull`` needs none."""
    if disk.dumptype.strategy is Strategy.NOFULL:
        return 1 if 1 in history.levels else -1
    if 0 not in history.levels:
        return -1
    known = 0
    while known + 1 in history.levels:
        known += 1
    return max(0, min(history.last_level, known))


def _obeyed(disk: Disk, order: str, last: int) -> tuple[str, str]:
    strategy = disk.dumptype.strategy
    if order == "full" and strategy in (Strategy.NOFULL, Strategy.INCRONLY):
        return "", f"{disk.title}: a full was forced, but strategy {strategy} makes none; the order is ignored"
    if order in ("bump", "level-1") and (last < 0 or strategy is Strategy.NOINC):
        return "", f"{disk.title}: {order} was forced, but there is no full to build on; the order is ignored"
    return order, ""


def _next_level0(disk: Disk, history: DiskHistory, last: int, forced: str, now: float) -> int:
    kind = disk.dumptype
    match kind.strategy:
        case Strategy.NOFULL | Strategy.INCRONLY:
            return 1
        case _ if forced == "full":
            return -kind.dumpcycle
        case Strategy.NOINC:
            return 0
        case _ if last < 0:
            return -days_between(0, now)
        case _:
            since = days_between(history.levels[0].date, now)
            if kind.skip_full and kind.dumpcycle > 0:
                return -(since % kind.dumpcycle) % kind.dumpcycle if since else kind.dumpcycle
            return kind.dumpcycle - since


def _asks(disk: Disk, history: DiskHistory, next_level0: int, last: int, days: int, forced: str) -> tuple[int, ...]:
    kind = disk.dumptype
    if kind.strategy is Strategy.NOFULL:
        return (1,)
    if kind.strategy is Strategy.NOINC or last < 0:
        return (0,)
    if forced == "level-1":
        return (1,)
    if forced == "bump":
        return (last + 1,)
    full = () if kind.strategy is Strategy.INCRONLY or (kind.skip_full and forced != "full") else (0,)
    if last == 0:
        return full if forced == "no-bump" and full else (*full, 1)
    at_last = history.levels.get(last)
    size = at_last.size if at_last is not None else 0
    up = forced != "no-bump" and may_bump(last, days, size, history.levels[0].size, kind.bump)
    return (*full, last, last + 1) if up else (*full, last)


def _refusal(disk: Disk, next_level0: int, last: int, forced: str) -> BySetting | None:
    kind = disk.dumptype
    if kind.strategy is Strategy.SKIP:
        return BySetting(Rule.STRATEGY_SKIP)
    if kind.strategy is Strategy.INCRONLY and last < 0:
        return BySetting(Rule.INCRONLY_UNKNOWN)
    if forced == "full" or kind.strategy in (Strategy.NOFULL, Strategy.INCRONLY):
        return None
    if kind.skip_full and kind.strategy is not Strategy.NOINC:
        if last < 0:
            return BySetting(Rule.SKIP_FULL_UNKNOWN)
        if next_level0 <= 0:
            return BySetting(Rule.SKIP_FULL)
    if kind.skip_incr and next_level0 > 0:
        return BySetting(Rule.SKIP_INCR)
    return None
