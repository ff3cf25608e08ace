"""A dump that becomes far larger than its estimate: asked about, goes on by default, given up by a policy or a person."""

from __future__ import annotations

import pytest

from core.engine.growth import LEAST
from core.engine.inputs import Ordered
from core.events import event as e
from core.model.disk import Dumptype
from core.model.site import Policy, RunSettings
from core.protocol import operator
from tests.playbooks.test_engine_nights import ended, night
from tests.playbooks.test_engine_room import asked, balanced, closed
from tests.support.world import World, dump_line

KEY = ("a", "/x")
GIB = 1024 * 1024


def grows(
    estimate: int, size: int, *, dumptype: Dumptype | None = None, run: RunSettings | None = None, answers: str = "",
) -> World:
    """The night of one disk that has ``size`` KiB and whose plan says ``estimate``."""
    world = night({KEY: size}, holding=[("/h1", 64 * GIB)], dumptype=dumptype or Dumptype(),
                  run=run or RunSettings(child_timeout=1e6), answers=lambda *a: answers)
    world.play([dump_line(*KEY, size=estimate)])
    return world


def test_a_dump_far_beyond_its_estimate_is_asked_about_and_goes_on_by_default() -> None:
    world = grows(GIB // 4, 16 * GIB)
    first, *later = asked(world)
    assert (first.code, first.subject, first.default) == ("DMP033", "a:/x", "go-on")
    assert first.text.endswith("10 times its estimate of 256 MiB, and does not end") and "become 2.6 GiB" in first.text
    assert first.choices[1].effect.startswith("2.6 GiB dumped so far are lost; the disk is not dumped tonight")
    assert len(later) == 2, "at twice and at four times that"
    assert {(choice, by) for choice, _, by in closed(world)} <= {("go-on", "deadline"), ("", "withdrawn")}
    assert ended(world) == {KEY: "done"} and world.code == 0 and not world.engine.state.questions


@pytest.mark.parametrize(("estimate", "size", "times"), [
    (1000, LEAST, 10), (GIB, 9 * GIB, 10), (1000, 12 * GIB, 0)])
def test_who_merely_grew_is_left_alone(estimate: int, size: int, times: int) -> None:
    world = grows(estimate, size, dumptype=Dumptype(beyond_estimate=times))
    assert not asked(world) and world.code == 0


def test_a_policy_is_the_bound_of_what_a_client_may_send() -> None:
    run = RunSettings(requests={"DMP033": Policy("abort", 60.0)}, child_timeout=1e6)
    world = grows(1000, 32 * GIB, run=run)
    assert closed(world) == [("abort", "", "policy")]
    last = next(f for f in world.facts if isinstance(f, e.DiskEnded))
    assert last.outcome == "failed" and last.message.startswith("DMP034 given up by a policy: it had become 1.")
    assert world.code == 1 and world.engine.state.holds["/h1"].free == 64 * GIB
    balanced(world.engine.state)


def test_a_policy_also_ends_one_that_stands_still_by_then() -> None:
    run = RunSettings(requests={"DMP033": Policy("abort", 60.0)}, child_timeout=1e6)
    world = grows(1000, 1 << 40, run=run)
    assert [q.code for q in asked(world)] == ["DMP033", "HLD003"]
    assert closed(world) == [("abort", "", "policy"), ("", "", "withdrawn")]
    balanced(world.engine.state)


def test_an_operator_gives_it_up() -> None:
    world = grows(1000, 32 * GIB, answers="abort")
    assert [choice for choice, _, _ in closed(world)] == ["abort"]
    assert next(f for f in world.facts if isinstance(f, e.DiskEnded)).message.startswith("DMP034 given up by ")


def test_the_request_goes_with_its_dump() -> None:
    world = night({KEY: 3 * GIB}, holding=[("/h1", 64 * GIB)], run=RunSettings(child_timeout=1e6, request_deadline=1e6))
    world.play([dump_line(*KEY, size=1000)])
    assert [q.code for q in asked(world)] == ["DMP033"] and closed(world) == [("", "", "withdrawn")]
    stopped = night({KEY: 3 * GIB}, holding=[("/h1", 64 * GIB)], run=RunSettings(child_timeout=1e6, request_deadline=1e6))
    stopped.at(2000.0, Ordered(operator.Stop("now"), "ana"))
    stopped.play([dump_line(*KEY, size=1000)])
    assert closed(stopped) == [("", "", "withdrawn")] and stopped.code == 3
