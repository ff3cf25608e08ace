"""When a full is due, which levels are asked for, and what the operator's orders do."""

from __future__ import annotations

import pytest

from core.model.disk import Bump, Disk, Strategy
from core.model.history import DiskHistory
from core.planning.levels import DAY, Standing, days_between, stand
from core.planning.reasons import BySetting, Rule
from tests.support.planning import NOW, make_disk, past, stat

KNOWN = past(stat(0, 50_000, 3), stat(1, 500, 2), stat(1, 500, 1))


def at(disk: Disk, history: DiskHistory) -> Standing:
    return stand(disk, history, NOW)


def test_nights_are_rounded() -> None:
    """A run that begins an hour early, or late, is the next night all the same; a clock that went back counts 0."""
    assert days_between(NOW - DAY + 3600, NOW) == 1
    assert days_between(NOW - DAY - 3600, NOW) == 1
    assert days_between(NOW - 100, NOW) == 0
    assert days_between(NOW + 5 * DAY, NOW) == 0


def test_days_until_a_full() -> None:
    """dumpcycle − days since the last full; ≤ 0 raises the priority by the days overdue."""
    three = at(make_disk(), KNOWN)
    assert (three.next_level0, three.last_level, three.level_days, three.priority) == (4, 1, 2, 1)
    today = at(make_disk(), past(stat(0, 1, 7)))
    assert (today.next_level0, today.priority) == (0, 1)
    late = at(make_disk(priority=2), past(stat(0, 1, 10)))
    assert (late.next_level0, late.priority) == (-3, 5)


def test_a_new_disk_is_most_urgent() -> None:
    """Amanda counts its days from 1970."""
    new = at(make_disk(), DiskHistory())
    assert new.new
    assert new.last_level == -1
    assert new.next_level0 == -int(NOW / DAY + 0.5)
    assert new.priority == 1 - new.next_level0
    assert new.asks == (0,)


@pytest.mark.parametrize(("strategy", "next_level0", "asks"), [
    (Strategy.STANDARD, 4, (0, 1)), (Strategy.NOFULL, 1, (1,)), (Strategy.NOINC, 0, (0,)), (Strategy.INCRONLY, 1, (1,)),
])
def test_strategies(strategy: Strategy, next_level0: int, asks: tuple[int, ...]) -> None:
    """When a full is due and what is asked for, by strategy."""
    found = at(make_disk(strategy=strategy), KNOWN)
    assert (found.next_level0, found.asks, found.refusal) == (next_level0, asks, None)


def test_strategy_skip_is_never_dumped() -> None:
    assert at(make_disk(strategy=Strategy.SKIP), KNOWN).refusal == BySetting(Rule.STRATEGY_SKIP)


def test_held_by_the_operator() -> None:
    assert stand(make_disk(), KNOWN, NOW, held=True).refusal == BySetting(Rule.HELD)


def test_incronly_needs_a_full() -> None:
    assert at(make_disk(strategy=Strategy.INCRONLY), DiskHistory()).refusal == BySetting(Rule.INCRONLY_UNKNOWN)


def test_nofull_needs_none() -> None:
    """Level 1 for ever, also on the first night."""
    disk = make_disk(strategy=Strategy.NOFULL)
    assert at(disk, DiskHistory()).asks == (1,)
    assert at(disk, past(stat(1, 100, 1))).last_level == 1
    assert at(disk, DiskHistory()).refusal is None


def test_the_next_level_is_asked_for_when_it_may_pay() -> None:
    """After bump.days at a level that is bigger than the threshold, or whose size is not known."""
    disk = make_disk(bump=Bump(size=10_000, mult=1.5, days=2))
    assert at(disk, past(stat(0, 50_000, 3), stat(1, 10_001, 2), stat(1, 10_001, 1))).asks == (0, 1, 2)
    assert at(disk, past(stat(0, 50_000, 3), stat(1, 10_001, 2), stat(1, 10_000, 1))).asks == (0, 1)
    assert at(disk, past(stat(0, 50_000, 2), stat(1, 10_001, 1))).asks == (0, 1)
    unknown = past(stat(0, 50_000, 3), stat(1, 0, 2), stat(1, 0, 1))
    assert at(disk, unknown).asks == (0, 1, 2)


def test_the_day_after_a_full_is_level_1() -> None:
    assert at(make_disk(), past(stat(0, 50_000, 1))).asks == (0, 1)


def test_a_level_without_its_base_is_not_continued() -> None:
    """Level 2 cannot follow when level 1 is lost; without the full the disk is new."""
    two = past(stat(0, 9, 3), stat(1, 9, 2), stat(2, 9, 1))
    lost = DiskHistory({0: two.levels[0], 2: two.levels[2]}, two.recent, 2, 1)
    assert (at(make_disk(), lost).last_level, at(make_disk(), lost).level_days) == (0, 0)
    gone = DiskHistory({1: two.levels[1], 2: two.levels[2]}, two.recent, 2, 1)
    assert at(make_disk(), gone).new
    assert at(make_disk(), gone).asks == (0,)


def test_forced_full() -> None:
    """Due at once, overdue by a dump cycle; its incremental is asked for too, for degraded mode."""
    history = past(*reversed(KNOWN.recent), forced="full")
    found = at(make_disk(), history)
    assert (found.next_level0, found.priority, found.asks) == (-7, 8, (0, 1))
    assert at(make_disk(dumpcycle=0), history).priority == 2


@pytest.mark.parametrize("strategy", [Strategy.NOFULL, Strategy.INCRONLY])
def test_a_forced_full_that_cannot_be(strategy: Strategy) -> None:
    found = at(make_disk(strategy=strategy), past(*reversed(KNOWN.recent), forced="full"))
    assert (found.forced, found.next_level0) == ("", 1)
    assert found.warning == f"web1:/home: a full was forced, but strategy {strategy} makes none; the order is ignored"


@pytest.mark.parametrize(("order", "asks"), [("level-1", (1,)), ("bump", (2,)), ("no-bump", (0, 1))])
def test_other_orders(order: str, asks: tuple[int, ...]) -> None:
    """level-1 and bump ask for nothing else, so they also win over a full that is due."""
    big = past(stat(0, 90_000, 9), stat(1, 80_000, 2), stat(1, 80_000, 1), forced=order)
    assert at(make_disk(), big).asks == asks


def test_no_bump_after_a_full_is_a_full_again() -> None:
    assert at(make_disk(), past(stat(0, 9, 1), forced="no-bump")).asks == (0,)
    incronly = make_disk(strategy=Strategy.INCRONLY)
    assert at(incronly, past(stat(0, 9, 1), forced="no-bump")).asks == (1,)


@pytest.mark.parametrize("order", ["bump", "level-1"])
def test_orders_that_need_a_full(order: str) -> None:
    found = at(make_disk(), DiskHistory(forced=order))
    assert (found.forced, found.asks) == ("", (0,))
    assert found.warning == f"web1:/home: {order} was forced, but there is no full to build on; the order is ignored"
    assert at(make_disk(strategy=Strategy.NOINC), past(stat(0, 9, 1), forced=order)).forced == ""


def test_skip_full() -> None:
    """The full of each dump cycle is made elsewhere: that night the disk rests, the other nights are incremental."""
    disk = make_disk(skip_full=True)
    assert at(disk, past(stat(0, 9, 7))).refusal == BySetting(Rule.SKIP_FULL)
    assert at(disk, past(stat(0, 9, 14))).refusal == BySetting(Rule.SKIP_FULL)
    for days, due in ((0, 7), (1, 6), (6, 1), (8, 6)):
        found = at(disk, past(stat(0, 9, days)))
        assert (found.next_level0, found.refusal, found.asks) == (due, None, (1,))
    assert at(disk, DiskHistory()).refusal == BySetting(Rule.SKIP_FULL_UNKNOWN)
    forced = at(disk, DiskHistory(forced="full"))
    assert (forced.refusal, forced.asks) == (None, (0,))
    assert at(make_disk(skip_full=True, strategy=Strategy.NOINC), past(stat(0, 9, 1))).refusal is None
    assert at(make_disk(skip_full=True, dumpcycle=0), past(stat(0, 9, 1))).refusal == BySetting(Rule.SKIP_FULL)


def test_skip_incr() -> None:
    disk = make_disk(skip_incr=True)
    assert at(disk, past(stat(0, 9, 6))).refusal == BySetting(Rule.SKIP_INCR)
    assert at(disk, past(stat(0, 9, 7))).refusal is None
    assert at(disk, DiskHistory()).refusal is None
