"""TRY-AGAIN, step by step: whose fault, how long, how often, on which dumper, at which level; and FAILED at once."""

from __future__ import annotations

from itertools import pairwise

import pytest

from core.engine import waiting
from core.engine.inputs import Answered, Ordered
from core.events import event as e
from core.events.view import DiskState
from core.model.disk import Dumptype
from core.model.site import Policy, RunSettings
from core.model.units import Kib
from core.protocol import operator, planner
from tests.playbooks.test_engine_nights import ended, lines, night
from tests.support.world import STAMP, Faults, World

ONE = {("a", "/x"): 1000}


def retried(world: World) -> list[tuple[float, e.DumpRetried]]:
    return [(at, f) for at, f in world.dated if isinstance(f, e.DumpRetried)]


def begun(world: World) -> list[e.DumpBegan]:
    return [f for f in world.facts if isinstance(f, e.DumpBegan)]


def fails(fate: str, times: int = 99, **more: object) -> World:
    """One disk whose first attempts fail so."""
    return night(ONE, faults=Faults(dump=lambda h, d, n: fate if n <= times else "done"), **more)


def plan(level: int = 0, plan_b: int = 1) -> list[planner.Said]:
    return [planner.Date(STAMP), planner.DumpLine("a", "/x", 1, level, Kib(1000), plan_b=planner.PlanB(plan_b, Kib(100), 1))]


def test_each_wait_is_longer_and_attempts_are_as_the_dumptype_says() -> None:
    world = fails("try-again", dumptype=Dumptype(retry=4), run=RunSettings(retry_delay=30.0))
    world.play(lines(ONE))
    assert [round(f.after - at) for at, f in retried(world)] == [30, 60, 90]
    assert [(f.attempt, f.attempts) for _, f in retried(world)] == [(1, 4), (2, 4), (3, 4)]
    assert ended(world) == {("a", "/x"): "failed"} and len(begun(world)) == 4


def test_the_next_attempt_is_on_another_dumper() -> None:
    world = fails("try-again", dumptype=Dumptype(retry=3))
    world.play(lines(ONE))
    children = [f.child for f in begun(world)]
    assert len(children) == 3 and all(one != other for one, other in pairwise(children))


def test_the_same_dumper_serves_when_there_is_no_other() -> None:
    world = fails("try-again", 1, run=RunSettings(inparallel=1))
    world.play(lines(ONE))
    assert [f.child for f in begun(world)] == ["dumper0", "dumper0"] and world.code == 0


def test_what_is_pointless_to_retry_fails_at_once() -> None:
    world = fails("failed", dumptype=Dumptype(retry=5))
    world.play(lines(ONE))
    assert len(begun(world)) == 1 and not retried(world) and ended(world) == {("a", "/x"): "failed"}
    assert not [f for f in world.facts if isinstance(f, e.QuestionAsked)]


def test_a_busy_client_names_the_time_and_it_is_no_attempt() -> None:
    world = fails("retry 700 -1", 4, dumptype=Dumptype(retry=1))
    world.play(lines(ONE))
    assert [round(f.after - at) for at, f in retried(world)] == [700] * 4
    assert world.code == 0 and [f.attempt for f in begun(world)] == [1] * 5


def test_a_client_that_names_no_time_is_asked_after_five_minutes_and_none_later_than_the_deadline() -> None:
    for fate, seconds in ("retry -1 -1", 300), ("retry 999999 -1", 3600), ("retry 0 -1", 1):
        world = fails(fate, 1)
        world.play(lines(ONE))
        assert [round(f.after - at) for at, f in retried(world)] == [seconds] and world.code == 0


def test_a_client_that_is_busy_for_ever_comes_to_an_end() -> None:
    world = fails("retry 60 -1", dumptype=Dumptype(retry=2))
    world.play(lines(ONE))
    assert ended(world) == {("a", "/x"): "failed"} and len(begun(world)) == 7  # five are free, two are attempts


def test_a_client_names_the_level_too() -> None:
    world = fails("retry 60 1", 1)
    world.play(plan())
    assert [f.level for f in begun(world)] == [0, 1] and [f.estimate for f in begun(world)] == [1000, 100]
    assert retried(world)[0][1].reason == "a is busy; it wants level 1 instead of 0"
    back = fails("retry 60 0", 1)
    back.play(plan(level=2, plan_b=3))
    assert [f.level for f in begun(back)] == [2, 0]
    assert next(f.dumpdate for f in back.facts if isinstance(f, e.DumpEnded) and f.outcome == "done") == "1970:1:1:0:0:0"
    odd = fails("retry 60 777", 1)
    odd.play(plan())
    assert [f.level for f in begun(odd)] == [0, 0]


def test_a_full_whose_data_breaks_off_each_time_is_dumped_once_more_at_plan_b() -> None:
    world = fails("breaks-off", 2)
    world.play(plan())
    assert [f.level for f in begun(world)] == [0, 0, 1] and ended(world) == {("a", "/x"): "done"}
    assert retried(world)[-1][1].reason == "CLT001 the connection ended; the last attempt is at level 1"
    assert (retried(world)[-1][1].attempt, retried(world)[-1][1].attempts) == (2, 3)
    for other in (fails("breaks-off"), fails("try-again")):
        other.play(plan())
        assert ended(other) == {("a", "/x"): "failed"}
    assert [f.level for f in begun(other)] == [0, 0], "a client that cannot be reached is not reached at level 1 either"
    plain = fails("breaks-off")
    plain.play(lines(ONE))
    assert [f.level for f in begun(plain)] == [0, 0]


def test_the_request_offers_now_another_level_or_not_tonight() -> None:
    world = fails("try-again", 1)
    world.play(plan())
    asked = next(f for f in world.facts if isinstance(f, e.QuestionAsked))
    assert (asked.code, asked.severity, asked.default, asked.subject) == ("DMP007", "W", "retry", "a:/x")
    assert asked.text == "TRY-AGAIN 1/2: a said no"
    assert [(c.name, c.argument) for c in asked.choices] == [("retry", ""), ("level", "1"), ("skip", "")]
    assert asked.choices[1].effect == "it is dumped at level 1 instead of 0, as soon as a dumper is free: about 100 KiB"


@pytest.mark.parametrize(("said", "levels", "outcome"), [
    ("retry", [0, 0], "done"), ("level 1", [0, 1], "done"), ("level", [0, 1], "done"), ("skip", [0], "failed")])
def test_the_answers(said: str, levels: list[int], outcome: str) -> None:
    world = fails("try-again", 1, answers=lambda *a: said, run=RunSettings(retry_delay=5000.0))
    start = world.now
    world.play(plan())
    assert [f.level for f in begun(world)] == levels and ended(world) == {("a", "/x"): outcome}
    assert world.now - start < 60, "an answer is not waited out"
    if outcome == "failed":
        assert world.view.disks["a", "/x"].message == "DMP031 skipped by operator"


def test_back_to_the_planned_level_after_plan_b() -> None:
    world = fails("try-again", 2, dumptype=Dumptype(retry=3), answers=lambda *a: "level")
    world.play(plan())
    assert [f.level for f in begun(world)] == [0, 1, 0]


def test_a_level_that_the_plan_does_not_know_is_refused() -> None:
    world = fails("try-again", 1, run=RunSettings(retry_delay=100.0))
    world.at(50.0, Answered(1, "level", "7", "ana"))
    world.play(plan())
    assert world.replies == [operator.Refused("the plan knows level 1 of a:/x besides 0, not 7")]
    assert [f.level for f in begun(world)] == [0, 0]


def test_a_policy_gives_another_patience() -> None:
    world = fails("try-again", 1, run=RunSettings(retry_delay=1000.0, requests={"DMP007": Policy("retry", 20.0)}))
    world.play(lines(ONE))
    closed = next(f for f in world.facts if isinstance(f, e.QuestionClosed))
    assert (closed.choice, closed.by) == ("retry", "policy") and world.now - 1_800_000_000 < 60


def test_the_queue_shows_reason_attempt_and_time() -> None:
    world = fails("try-again", 1, run=RunSettings(retry_delay=600.0))
    seen: list[tuple[str, float, str]] = []
    give = world.give

    def watch(happened: object) -> None:
        give(happened)  # type: ignore[arg-type]
        disk = world.view.disks.get(("a", "/x"))
        if disk and disk.state is DiskState.RETRY:
            wait = {job.title: found for job, found in waiting.disks(world.engine.state)}["a:/x"]
            seen.append((wait.text, wait.until, disk.message))

    world.give = watch  # type: ignore[method-assign, assignment]
    world.at(100.0, Answered(99, "retry", "", "nobody"))
    world.play(lines(ONE))
    disk = world.view.disks["a", "/x"]
    assert seen[0] == ("tried again in 10m00s, after 1 attempt: a said no", disk.retry_after, "a said no")
    assert disk.attempts == 2 and any(text.startswith("tried again in 8m") for text, *_ in seen)
    waited = [(f.kind, f.seconds) for f in world.facts if isinstance(f, e.DiskWaited)]
    assert waited == [("try again", 600.0)]


def test_a_retry_that_is_ordered_is_at_once_withdraws_the_request_and_keeps_the_reason() -> None:
    world = fails("try-again", 1, run=RunSettings(retry_delay=600.0))
    world.at(100.0, Ordered(operator.Retry("a", "/x"), "ana"))
    world.at(100.0, Ordered(operator.Retry("a", "/x"), "bob"))
    world.play(lines(ONE))
    waits, ordered = retried(world)
    assert (ordered[1].reason, ordered[1].attempt, round(ordered[1].after - ordered[0])) == ("a said no; ordered by ana", 1, 0)
    closed = next(f for f in world.facts if isinstance(f, e.QuestionClosed))
    assert (closed.choice, closed.by) == ("", "withdrawn") and waits[1].reason == "a said no"
    assert next(at for at, f in world.dated if isinstance(f, e.QuestionClosed)) == ordered[0]
    again = next(at for at, f in world.dated if isinstance(f, e.DumpBegan) and f.attempt == 2)
    assert again - ordered[0] < 1 and ended(world) == {("a", "/x"): "done"}


def test_a_disk_that_failed_is_dumped_again_by_order_and_the_report_has_both_reasons() -> None:
    world = night({("a", "/x"): 1000, ("a", "/y"): 90_000}, faults=Faults(
        dump=lambda h, d, n: "failed" if d == "/x" and n == 1 else "done"))
    world.at(20.0, Ordered(operator.Retry("a", "/x"), "ana"))
    world.play(lines(world.sizes))
    ((_, fact),) = retried(world)
    assert (fact.attempt, fact.reason) == (0, "a said no; ordered by ana")
    assert ("a", "/x", "a said no; ordered by ana") in [setback[1:] for setback in world.view.setbacks]
    assert [f.outcome for f in world.facts if isinstance(f, e.DiskEnded) and f.disk == "/x"] == ["failed", "done"]
    assert world.code == 0


def test_a_disk_that_is_held_while_it_waits_to_be_tried_again_waits_for_that_when_it_is_released() -> None:
    world = fails("try-again", 1, run=RunSettings(retry_delay=600.0))
    states: list[DiskState] = []
    give = world.give

    def watch(happened: object) -> None:
        give(happened)  # type: ignore[arg-type]
        if isinstance(happened, Ordered):
            states.append(world.view.disks["a", "/x"].state)

    world.give = watch  # type: ignore[method-assign, assignment]
    world.at(100.0, Ordered(operator.Hold("a", "/x"), "ana"))
    world.at(200.0, Ordered(operator.Release("a", "/x"), "ana"))
    world.play(lines(ONE))
    assert states == [DiskState.HELD, DiskState.RETRY] and ended(world) == {("a", "/x"): "done"}
