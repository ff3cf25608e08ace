"""Nights in which volumes are missing, wrong, used up or stuck: what is asked, what is waited for, what is flushed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.codes import PAGES
from core.engine.inputs import Answered, ChildGone, Ordered, PlanEnded
from core.engine.tape_waiting import code_of
from core.events import event as e
from core.events.event import Event
from core.model.disk import Dumptype, HoldingUse
from core.model.site import Policy, RunSettings
from core.model.units import Kib
from core.protocol import operator, planner
from tests.playbooks.test_engine_nights import ended, lines, night
from tests.support.world import STAMP, Faults, World

AT_ONCE = {"TAP*": Policy("degrade", 5.0)}
TWO = {("a", "/x"): 1000, ("b", "/y"): 2000}


def of(world: World, *kinds: type) -> list[str]:
    """The names of those facts, in order."""
    return [type(fact).__name__ for fact in world.facts if isinstance(fact, kinds)]


def only(world: World, kind: type) -> list[Event]:
    return [fact for fact in world.facts if isinstance(fact, kind)]


def play(world: World, plan: list[planner.Said], until: float) -> None:
    """A night whose plan is complete after so many seconds."""
    world.at(max(until, 1.0), PlanEnded())
    world.play(plan, end=False)


def accounts(world: World) -> None:
    """At the end of a night in which everything reached a volume."""
    state = world.engine.state
    assert all(hold.free == hold.total for hold in state.holds.values()), state.holds
    assert not state.held and not state.questions


def test_a_volume_that_comes_in_the_middle_of_the_night_ends_degraded_mode_and_flushes() -> None:
    world = night(TWO, run=RunSettings(requests=AT_ONCE), faults=Faults(volume=lambda n: "none" if n < 4 else "ok"))
    play(world, lines(TWO), 600.0)
    assert of(world, e.TaperDown, e.Degraded, e.TaperReady, e.VolumeBegan, e.RunEnded) == [
        "TaperDown", "Degraded", "TaperReady", "VolumeBegan", "RunEnded"]
    assert ended(world) == {("a", "/x"): "done", ("b", "/y"): "done"} and world.code == 0
    assert not world.view.degraded and not world.view.files and world.view.tapers["taper0"].state == "ready"
    accounts(world)


def test_the_drive_is_asked_now_and_then_not_all_the_time() -> None:
    world = night(TWO, run=RunSettings(requests=AT_ONCE), faults=Faults(volume=lambda n: "none"))
    play(world, lines(TWO), 600.0)
    looks = [line for line in world.transcript if line.startswith("taper0 < START-TAPER")]
    assert 5 <= len(looks) <= 12 and world.code == 1 and world.view.degraded


def test_disks_that_failed_for_want_of_a_volume_are_dumped_when_one_comes() -> None:
    disks = {("a", "/x"): 900}
    world = night(disks, dumptype=Dumptype(holding=HoldingUse.NEVER), run=RunSettings(requests=AT_ONCE),
                  faults=Faults(volume=lambda n: "none" if n < 4 else "ok"))
    play(world, lines(disks), 600.0)
    assert [f.outcome for f in only(world, e.DiskEnded)] == ["failed", "done"]  # type: ignore[attr-defined]
    assert only(world, e.DumpRetried)[0].reason == "TAP030 storage main has a volume again"  # type: ignore[attr-defined]
    assert world.code == 0


@pytest.mark.parametrize("use", [HoldingUse.NEVER, HoldingUse.AUTO])
def test_a_taper_that_fails_without_a_word_is_told_with_a_code_all_the_same(use: HoldingUse) -> None:
    disks = {("a", "/x"): 900}
    world = night(disks, dumptype=Dumptype(holding=use), run=RunSettings(requests=AT_ONCE),
                  faults=Faults(write=lambda h, d, n: "mute"))
    world.play(lines(disks))
    said = [world.view.disks["a", "/x"].message, *world.view.degraded.values(), *(
        f.reason for f in only(world, e.DumpRetried))]  # type: ignore[attr-defined]
    assert said and all(code_of(text) in PAGES and text.startswith(code_of(text)) for text in said), said
    assert any(text.startswith("TAP029 taper0 failed and did not say why") for text in said)


def test_why_a_storage_takes_nothing_has_a_code_whoever_said_it() -> None:
    world = night(TWO, faults=Faults(volume=lambda n: "none"), answers=lambda *a: "degrade")
    world.play(lines(TWO))
    assert world.view.degraded == {"main": "TAP012 no usable volume"}


def test_a_full_too_big_for_the_reserve_is_dumped_after_all_when_a_volume_comes() -> None:
    disks = {("a", "/x"): 900}
    world = night(disks, holding=[("/h1", 1024)], run=RunSettings(requests=AT_ONCE),
                  faults=Faults(volume=lambda n: "none" if n < 4 else "ok"))
    world.engine.state.paused = "test"
    world.at(30.0, Ordered(operator.Resume(), "test"))
    play(world, lines(disks), 600.0)
    assert [f.outcome for f in only(world, e.DiskEnded)] == ["failed", "done"]  # type: ignore[attr-defined]
    assert world.code == 0


def test_a_disk_that_waits_to_be_tried_again_is_a_full_again() -> None:
    """Plan B failed on the client, and before it is tried again a volume has come."""
    disks = {("a", "/x"): 900}
    world = night(disks, holding=[("/h1", 1024)], run=RunSettings(requests=AT_ONCE, retry_delay=300.0),
                  faults=Faults(volume=lambda n: "none" if n < 4 else "ok",
                                dump=lambda h, d, n: "try-again" if n == 1 else "done"))
    world.engine.state.paused = "test"
    world.at(30.0, Ordered(operator.Resume(), "test"))
    plan: list[planner.Said] = [planner.Date(STAMP), planner.DumpLine(
        "a", "/x", 1, 0, Kib(900), plan_b=planner.PlanB(1, Kib(100), 1))]
    play(world, plan, 600.0)
    assert [f.level for f in only(world, e.DumpBegan)] == [1, 0] and world.code == 0  # type: ignore[attr-defined]


def test_an_incremental_made_of_a_full_is_told_though_a_volume_came_later() -> None:
    disks = {("a", "/x"): 900}
    world = night(disks, holding=[("/h1", 1024)], run=RunSettings(requests=AT_ONCE),
                  faults=Faults(volume=lambda n: "none" if n < 4 else "ok"))
    world.engine.state.paused = "test"
    world.at(30.0, Ordered(operator.Resume(), "test"))
    plan: list[planner.Said] = [planner.Date(STAMP), planner.DumpLine(
        "a", "/x", 1, 0, Kib(900), plan_b=planner.PlanB(1, Kib(100), 1))]
    play(world, plan, 600.0)
    assert [f.level for f in only(world, e.DumpBegan)] == [1]  # type: ignore[attr-defined]
    assert ended(world) == {("a", "/x"): "done"} and world.code == 1 and not world.view.files


@pytest.mark.parametrize("how", ["answer", "order"])
def test_what_a_person_gave_up_stays_given_up(how: str) -> None:
    person = (lambda *a: "degrade") if how == "answer" else (lambda *a: "")
    world = night(TWO, answers=person, faults=Faults(volume=lambda n: "none" if n < 2 else "ok"))
    if how == "order":
        world.at(0.05, Ordered(operator.Degrade(), "ana"))  # while the taper looks; what it finds comes too late
    play(world, lines(TWO), 700.0)
    assert of(world, e.TaperReady) == [] and world.code == 1 and len(world.view.files) == 2


def test_runtapes_used_up_is_no_want_of_volumes() -> None:
    world = night(TWO, run=RunSettings(runtapes=1), faults=Faults(volume_kib=1500))
    play(world, lines(TWO), 700.0)
    down = only(world, e.TaperDown)
    assert len(down) == 1 and "runtapes = 1 allows no more" in down[0].message  # type: ignore[attr-defined]
    assert len(world.view.files) == 1 and world.code == 1
    assert len([line for line in world.transcript if "START-TAPER" in line]) == 1


def test_a_drive_that_looks_well_and_writes_badly_is_not_tried_all_night() -> None:
    world = night(TWO, run=RunSettings(runtapes=99), faults=Faults(write=lambda h, d, n: "tape-error"))
    play(world, lines(TWO), 850.0)
    assert len(only(world, e.TaperDown)) == 4 and world.code == 1 and len(world.view.files) == 2
    assert all(state == "done" for state in ended(world).values())


@pytest.mark.parametrize(("stuck", "written"), [
    (Faults(volume=lambda n: "hang"), 0), (Faults(volume=lambda n: "hang" if n == 1 else "ok"), 2),
    (Faults(hands=lambda n: "hang"), 0), (Faults(hands=lambda n: "hang" if n == 1 else "ok"), 2),
    (Faults(write=lambda h, d, n: "hang"), 0), (Faults(write=lambda h, d, n: "hang" if (h, n) == ("b", 1) else "ok"), 2),
], ids=["start", "start once", "load", "load once", "write", "write once"])
@pytest.mark.parametrize("direct", [False, True])
def test_a_drive_or_changer_that_does_not_answer_is_given_up(stuck: Faults, written: int, direct: bool) -> None:
    if direct and stuck.hands(1) == "hang":
        pytest.skip("the made world loads a volume for a direct dump in one step: see tests/process")
    kind = Dumptype(holding=HoldingUse.NEVER if direct else HoldingUse.AUTO)
    world = night(TWO, dumptype=kind, faults=stuck, run=RunSettings(child_timeout=900.0, runtapes=2))
    if stuck.write("b", "/y", 1) == "hang":  # attempts are counted for dumps and writes alike
        world.faults.write = lambda h, d, n: "hang" if h == "b" and (written == 0 or n <= 2 - direct) else "done"
    began = world.now
    world.play(lines(TWO))
    assert world.now - began < 3 * 900.0 + 120
    told = [f.status for f in only(world, e.ChildDied)]  # type: ignore[attr-defined]
    assert told and all(text == "was ended: it said nothing for 15m00s: its drive or changer is stuck" for text in told)
    done = [f for f in only(world, e.WriteEnded) if f.outcome == "done"]  # type: ignore[attr-defined]
    assert world.code == 1 and (len(done) == 2 if written else len(done) < 2 and bool(world.view.degraded))
    assert set(ended(world)) == set(TWO)


def test_a_slow_dump_straight_to_a_volume_is_not_taken_for_a_stuck_drive() -> None:
    disks = {("a", "/x"): 2 << 20}
    world = night(disks, dumptype=Dumptype(holding=HoldingUse.NEVER))
    world.play(lines(disks))
    assert world.code == 0 and not only(world, e.ChildDied)


def test_a_request_in_the_middle_of_a_dump_withdraws_itself() -> None:
    world = night(TWO, faults=Faults(hands=lambda n: "none" if n < 20 else "ok"))
    world.play(lines(TWO))
    closed = [(f.choice, f.by) for f in only(world, e.QuestionClosed)]  # type: ignore[attr-defined]
    assert closed == [("", "withdrawn")] and world.code == 0
    accounts(world)


def test_nobody_brings_the_second_volume_until_long_after_the_deadline() -> None:
    """The request's deadline closes it; when the volume comes at last, what waits is flushed."""
    world = night(TWO, run=RunSettings(requests=AT_ONCE, runtapes=2), faults=Faults(
        hands=lambda n: "ok" if n in (1,) or n > 20 else "none", volume_kib=2500,
        volume=lambda n: "none" if 1 < n < 5 else "ok"))
    play(world, lines(TWO), 800.0)
    closed = [(f.choice, f.by) for f in only(world, e.QuestionClosed)]  # type: ignore[attr-defined]
    assert ("degrade", "policy") in closed
    downs = of(world, e.TaperDown, e.TaperReady)
    assert downs[:3] == ["TaperReady", "TaperDown", "TaperReady"]


def test_a_deadline_that_passes_while_the_taper_looks() -> None:
    """The answer to the look comes after the storage was given up: it is back at once."""
    world = night(TWO, run=RunSettings(request_deadline=10.1), faults=Faults(volume=lambda n: "none" if n < 2 else "ok"))
    play(world, lines(TWO), 300.0)
    assert of(world, e.TaperDown, e.TaperReady) == ["TaperDown", "TaperReady"]
    assert world.code == 0
    accounts(world)


def test_a_taper_that_dies_while_its_storage_is_given_up_is_started_once_more() -> None:
    world = night(TWO, run=RunSettings(requests=AT_ONCE), faults=Faults(volume=lambda n: "none" if n < 3 else "ok"))
    world.at(30.0, ChildGone("taper0", "killed by SIGKILL"))
    play(world, lines(TWO), 600.0)
    assert of(world, e.TaperDown, e.ChildDied, e.TaperReady) == ["TaperDown", "ChildDied", "TaperReady"]
    assert world.code == 0 and not world.view.files


def test_a_volume_that_a_person_says_is_there_is_looked_for_closely() -> None:
    world = night(TWO, answers=lambda *a: "done", faults=Faults(volume=lambda n: "none" if n < 2 else "ok"))
    world.play(lines(TWO))
    said = [line.split()[2] for line in world.transcript if line.startswith("taper0 < ")]
    assert said[:3] == ["START-TAPER", "CLOSE-VOLUME", "START-TAPER"] and world.code == 0


def test_degraded_mode_keeps_the_reserve_and_takes_incrementals() -> None:
    """Ten fulls of 224 KiB with their headers on 1,500 KiB with 30 % in reserve: four fulls, incrementals of the others."""
    disks = {("a", f"/d{n}"): 170 for n in range(10)}
    world = night(disks, holding=[("/h1", 1500)], run=RunSettings(requests=AT_ONCE, inparallel=1),
                  faults=Faults(volume=lambda n: "none"))
    world.engine.state.paused = "test"
    world.at(30.0, Ordered(operator.Resume(), "test"))
    sizes = world.sizes
    world.sizes = {**sizes}
    plan: list[planner.Said] = [planner.Date(STAMP), *[planner.DumpLine(
        "a", f"/d{n}", 1, 0, Kib(170), plan_b=planner.PlanB(1, Kib(20), 1)) for n in range(10)]]

    def begun(event: Event) -> None:
        if isinstance(event, e.DumpBegan) and event.level:
            world.sizes[event.host, event.disk] = 20

    _watch(world, begun)
    world.play(plan)
    levels = [f.level for f in only(world, e.DumpBegan)]  # type: ignore[attr-defined]
    fulls = sum(f.size for f in only(world, e.DumpEnded) if f.level == 0)  # type: ignore[attr-defined]
    assert levels.count(0) == 4 and levels.count(1) == 6 and fulls <= 1500 * 70 // 100
    assert set(ended(world).values()) == {"done"} and world.code == 1
    total = sum(e_.size for held in world.engine.state.held.values() for e_ in held.extents)
    assert total + world.engine.state.holds["/h1"].free == 1500


def _watch(world: World, see: Callable[[Event], None]) -> None:
    """Call ``see`` with each fact as it is journalled."""
    class Facts(list[Event]):
        def append(self, event: Event) -> None:
            see(event)
            super().append(event)

    world.facts = Facts(world.facts)


WORDS = st.sampled_from(["ok", "ok", "ok", "none", "hang"])
WRITES = st.sampled_from(["done", "done", "done", "done", "tape-error", "try-again", "die", "hang"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(10, 3000), min_size=1, max_size=6), st.lists(WORDS, min_size=1, max_size=8),
    st.lists(WORDS, min_size=1, max_size=8), st.lists(WRITES, min_size=1, max_size=12), st.integers(1, 4),
    st.sampled_from([500, 2000, 1 << 20]), st.sampled_from(list(HoldingUse)), st.integers(0, 3000),
    st.lists(st.tuples(st.floats(0, 3000), st.sampled_from(["done", "degrade"])), max_size=3))
def test_whatever_volumes_do_every_night_ends_in_time_and_accounts_for_everything(
    sizes: list[int], looks: list[str], hands: list[str], writes: list[str], runtapes: int, volume_kib: int,
    holding: HoldingUse, until: int, answers: list[tuple[float, str]],
) -> None:
    disks = {("h", f"/d{n}"): size for n, size in enumerate(sizes)}
    tried = [0]

    def write(host: str, disk: str, attempt: int) -> str:
        tried[0] += 1
        return writes[tried[0] % len(writes)]

    faults = Faults(volume=lambda n: looks[n % len(looks)], hands=lambda n: hands[n % len(hands)], write=write,
                    volume_kib=volume_kib)
    world = night(disks, faults=faults, dumptype=Dumptype(holding=holding), holding=[("/h1", 8192)],
                  run=RunSettings(runtapes=runtapes, request_deadline=1200.0))
    for at, choice in answers:
        for number in range(1, 6):
            world.at(at, Answered(number, choice, "", "ana"))
    began = world.now
    play(world, lines(disks), float(until))
    # Two silences and a request each for as many volumes as the run may have, and for each return from degraded mode.
    assert world.now - began < until + (len(sizes) * 2 + runtapes + 4) * (900 + 1200) + 3600
    last = {(f.host, f.disk): f.outcome for f in world.facts if isinstance(f, e.DiskEnded)}
    assert set(last) == set(disks)
    volumes = [f for f in world.facts if isinstance(f, e.VolumeBegan)]
    assert len(volumes) <= runtapes
    state = world.engine.state
    held = {f.file for f in state.held.values()}
    assert held <= set(world.view.files)
    kept = sum(extent.size for one in state.held.values() for extent in one.extents)
    lost = state.holds["/h1"].total - state.holds["/h1"].free - kept
    bad = [f for f in world.facts if isinstance(f, e.Notice) and f.code == "HLD007"]
    assert lost == 0 or (lost > 0 and bad)  # a file that cannot be read back stays where it is
    if world.code == 0:
        assert not held and set(last.values()) == {"done"}
