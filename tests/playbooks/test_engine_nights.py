"""Whole nights against a made world: what was journalled, what was said, how it ended."""

from __future__ import annotations

from collections import Counter

from core.engine.inputs import Ordered
from core.events import event as e
from core.events.view import DiskState
from core.model.disk import Dumptype, HoldingUse
from core.model.site import Policy, RunSettings, Storage
from core.model.units import Kib
from core.protocol import operator, planner
from tests.support.world import STAMP, Faults, World, dump_line, make_site


def ended(world: World) -> dict[tuple[str, str], str]:
    """Each disk's last word; exactly one each."""
    found = [f for f in world.facts if isinstance(f, e.DiskEnded)]
    assert max(Counter((f.host, f.disk) for f in found).values(), default=0) <= 1
    return {(f.host, f.disk): f.outcome for f in found}


def night(disks: dict[tuple[str, str], int], **more: object) -> World:
    faults = more.pop("faults", Faults())
    answers = more.pop("answers", lambda *a: "")
    site = make_site(disks, **more)  # type: ignore[arg-type]
    return World(site, disks, faults, answers)  # type: ignore[arg-type]


def lines(disks: dict[tuple[str, str], int]) -> list[planner.Said]:
    return [planner.Date(STAMP), planner.EndFlush(), *[dump_line(h, d, s) for (h, d), s in disks.items()]]


def test_three_disks_go_through_holding_to_the_volume() -> None:
    disks = {("a", "/x"): 1000, ("a", "/y"): 2000, ("b", "/z"): 3000}
    world = night(disks)
    view = world.play(lines(disks))
    assert world.code == 0
    assert set(ended(world).values()) == {"done"}
    assert not view.files and len(view.volumes) == 1 and view.volumes[0].closed
    assert all(d.state is DiskState.DONE for d in view.disks.values())
    assert world.engine.state.holds["/hold1"].free == 1 << 20


def test_a_disk_that_wants_no_holding_goes_straight_to_the_volume() -> None:
    disks = {("a", "/x"): 1000}
    world = night(disks, dumptype=Dumptype(holding=HoldingUse.NEVER))
    world.play(lines(disks))
    assert world.code == 0
    said = [line.split(" ", 2)[:3] for line in world.transcript]
    words = [f"{child} {way} {line.split()[0]}" for child, way, line in said if "PROGRESS" not in line]
    assert words == [
        "taper0 < START-TAPER", "taper0 > TAPER-OK", "taper0 < PORT-WRITE", "taper0 > PORT", "dumper0 < PORT-DUMP",
        "dumper0 > DONE", "taper0 < WRITE-DONE", "taper0 > REQUEST-NEW-TAPE", "taper0 < NEW-TAPE", "taper0 > NEW-TAPE",
        "taper0 > PARTDONE", "taper0 > DONE", "dumper0 < CONFIRM", "taper0 < DESCRIBE",
        "taper0 > DESCRIBED", "taper0 < CLOSE-VOLUME"]


def test_what_can_never_fit_on_the_holding_disk_goes_straight_to_the_volume() -> None:
    disks = {("a", "/x"): 1 << 21, ("a", "/y"): 100}
    world = night(disks)
    world.play(lines(disks))
    began = {(f.host, f.disk): f.target for f in world.facts if isinstance(f, e.DumpBegan)}
    assert began == {("a", "/x"): "tape", ("a", "/y"): "holding"} and world.code == 0


def test_a_dump_that_outgrows_its_estimate_is_given_more_room() -> None:
    disks = {("a", "/x"): 50_000}
    world = night(disks, faults=Faults(dump=lambda *a: "grow"))
    world.play(lines(disks))
    assert world.code == 0
    assert [type(f).__name__ for f in world.facts if type(f) in (e.DumpStalled, e.DumpResumed)] == [
        "DumpStalled", "DumpResumed"]


def test_two_holding_disks_share_one_dump() -> None:
    disks = {("a", "/x"): 1500}
    world = night(disks, holding=[("/h1", 1024), ("/h2", 1024)])
    world.play(lines(disks))
    assert world.code == 0
    resumed = [f.file for f in world.facts if isinstance(f, e.DumpResumed)]
    assert resumed == [f"/h2/{STAMP}/a._x.0"]


def test_no_room_and_nobody_there_takes_the_default_at_the_deadline_and_goes_to_the_volume() -> None:
    disks = {("a", "/x"): 400}
    world = night(disks, holding=[("/h1", 512)], faults=Faults(dump=lambda h, d, n: "grow" if n == 1 else "done"))
    world.play(lines(disks))
    asked = [f for f in world.facts if isinstance(f, e.QuestionAsked)]
    closed = [f for f in world.facts if isinstance(f, e.QuestionClosed)]
    assert [q.code for q in asked] == ["HLD003"] and closed[0].choice == "direct" and closed[0].by == "deadline"
    assert "are lost; it is dumped again, straight to a volume" in asked[0].choices[0].effect
    assert [f.target for f in world.facts if isinstance(f, e.DumpBegan)] == ["holding", "tape"]
    assert world.code == 0 and ended(world) == {("a", "/x"): "done"}


def test_an_operator_answers_before_the_deadline() -> None:
    disks = {("a", "/x"): 400}
    world = night(disks, holding=[("/h1", 512)], storages=(), faults=Faults(dump=lambda h, d, n: "grow"),
                  answers=lambda *a: "abort")
    world.play(lines(disks))
    closed = [f for f in world.facts if isinstance(f, e.QuestionClosed)]
    assert [(c.choice, c.by) for c in closed] == [("abort", "operator")]
    assert ended(world) == {("a", "/x"): "failed"} and world.code == 1


def test_a_policy_answers_sooner_and_is_named() -> None:
    disks = {("a", "/x"): 400}
    run = RunSettings(requests={"HLD*": Policy("abort", 5.0)})
    world = night(disks, holding=[("/h1", 512)], storages=(), run=run, faults=Faults(dump=lambda h, d, n: "grow"))
    before = world.now
    world.play(lines(disks))
    closed = next(f for f in world.facts if isinstance(f, e.QuestionClosed))
    assert closed.by == "policy" and world.now - before < 60


def test_a_stalled_dump_waits_while_a_volume_is_being_written() -> None:
    disks = {("a", "/x"): 4000, ("a", "/y"): 3000}
    world = night(disks, holding=[("/h1", 8192)], faults=Faults(dump=lambda h, d, n: "grow" if d == "/y" else "done"))
    world.sizes = {**disks, ("a", "/y"): 2000}
    world.play(lines(disks))
    assert world.code == 0 and not [f for f in world.facts if isinstance(f, e.QuestionAsked)]
    assert [f for f in world.facts if isinstance(f, e.DumpStalled)]


def test_try_again_is_tried_again_and_then_good() -> None:
    disks = {("a", "/x"): 1000}
    world = night(disks, faults=Faults(dump=lambda h, d, n: "try-again" if n == 1 else "done"))
    view = world.play(lines(disks))
    assert world.code == 0 and ended(world) == {("a", "/x"): "done"} and view.try_agains == 1
    closed = [f for f in world.facts if isinstance(f, e.QuestionClosed)]
    assert [(c.choice, c.by) for c in closed] == [("retry", "deadline")]


def test_try_again_for_ever_fails_once() -> None:
    disks = {("a", "/x"): 1000, ("b", "/y"): 10}
    world = night(disks, faults=Faults(dump=lambda h, d, n: "try-again" if h == "a" else "done"))
    world.play(lines(disks))
    assert ended(world) == {("a", "/x"): "failed", ("b", "/y"): "done"} and world.code == 1
    assert world.engine.state.holds["/hold1"].free == 1 << 20


def test_a_dumper_that_dies_is_replaced_and_its_disk_dumped() -> None:
    disks = {("a", "/x"): 1000, ("a", "/y"): 1000}
    world = night(disks, faults=Faults(dump=lambda h, d, n: "die" if (d, n) == ("/x", 1) else "done"))
    world.play(lines(disks))
    assert world.code == 0 and set(ended(world).values()) == {"done"}
    assert [f.child for f in world.facts if isinstance(f, e.ChildDied)]


def test_no_volume_keeps_dumps_on_the_holding_disk_and_says_so() -> None:
    disks = {("a", "/x"): 1000}
    world = night(disks, faults=Faults(volume=lambda n: "none"))
    view = world.play(lines(disks))
    assert ended(world) == {("a", "/x"): "done"} and world.code == 1
    assert list(view.files) == [f"/hold1/{STAMP}/a._x.0"] and view.degraded
    assert next(f for f in world.facts if isinstance(f, e.DiskEnded)).message == "HLD023 left on the holding disk, not on main"


def test_degraded_mode_dumps_plan_b_beside_the_reserve() -> None:
    disks = {("a", "/x"): 900}
    site_run = RunSettings(requests={"TAP*": Policy("degrade", 0.0)}, inparallel=1)
    world = night(disks, holding=[("/h1", 1024)], run=site_run, faults=Faults(volume=lambda n: "none"))
    world.engine.state.paused = "test"
    plan = [planner.Date(STAMP), planner.DumpLine(
        "a", "/x", 1, 0, Kib(900), plan_b=planner.PlanB(1, Kib(100), 1))]
    world.at(30.0, Ordered(operator.Resume(), "test"))
    world.play(plan)
    assert [f.level for f in world.facts if isinstance(f, e.DumpBegan)] == [1]


def test_degraded_mode_without_plan_b_fails_the_full_and_says_why() -> None:
    disks = {("a", "/x"): 900}
    world = night(disks, holding=[("/h1", 1024)], run=RunSettings(requests={"TAP*": Policy("degrade", 0.0)}),
                  faults=Faults(volume=lambda n: "none"))
    world.engine.state.paused = "test"
    world.at(30.0, Ordered(operator.Resume(), "test"))
    world.play(lines(disks))
    last = next(f for f in world.facts if isinstance(f, e.DiskEnded))
    assert last.outcome == "failed" and "does not fit beside the holding disk's reserve" in last.message


def test_flush_of_an_earlier_run_begins_before_the_plan_is_complete() -> None:
    disks = {("a", "/x"): 1000}
    world = night(disks)
    old = planner.Flush("a", "/x", "20261122003000", 1, "/hold1/20261122003000/a._x.1")
    world.play([planner.Date(STAMP), old, planner.EndFlush(), *lines(disks)[2:]])
    writes = [f for f in world.facts if isinstance(f, e.WriteBegan)]
    assert [w.datestamp for w in writes] == ["20261122003000", STAMP] and world.code == 0
    assert ended(world) == {("a", "/x"): "done"}
    assert world.engine.state.holds["/hold1"].free == (1 << 20) + 1056


def test_two_storages_both_get_it_before_the_file_goes() -> None:
    disks = {("a", "/x"): 1000}
    storages = (Storage("main", "disk:/v"), Storage("offsite", "disk:/w"))
    world = night(disks, storages=storages, dumptype=Dumptype(storage=("main", "offsite")))
    world.play(lines(disks))
    order = [type(f).__name__ for f in world.facts if type(f) in (e.WriteEnded, e.FileRemoved, e.DiskEnded)]
    assert order == ["WriteEnded", "WriteEnded", "FileRemoved", "DiskEnded"] and world.code == 0


def test_a_bad_volume_is_replaced_while_runtapes_allows() -> None:
    disks = {("a", "/x"): 1000}
    world = night(disks, run=RunSettings(runtapes=2), faults=Faults(write=lambda h, d, n: "tape-error" if n == 2 else "done"))
    view = world.play(lines(disks))
    assert world.code == 0 and len(view.volumes) == 2 and [v.closed for v in view.volumes] == [True, True]


def test_the_last_allowed_volume_failing_leaves_the_dump_on_the_holding_disk() -> None:
    disks = {("a", "/x"): 1000}
    world = night(disks, faults=Faults(write=lambda h, d, n: "tape-error"))
    view = world.play(lines(disks))
    assert world.code == 1 and view.files and "left on the holding disk" in view.disks["a", "/x"].message


def test_a_holding_file_that_cannot_be_read_back_is_dumped_again() -> None:
    disks = {("a", "/x"): 1000}
    world = night(disks, faults=Faults(write=lambda h, d, n: "try-again" if n <= 3 else "done"))
    world.play(lines(disks))
    targets = [f.target for f in world.facts if isinstance(f, e.DumpBegan)]
    assert targets == ["holding", "tape"] and ended(world) == {("a", "/x"): "done"} and world.code == 1
    assert [f.code for f in world.facts if isinstance(f, e.Notice)] == ["HLD007"]


def test_a_taper_that_dies_is_started_once_more() -> None:
    disks = {("a", "/x"): 1000}
    world = night(disks, run=RunSettings(runtapes=3), faults=Faults(write=lambda h, d, n: "die" if n == 2 else "done"))
    world.play(lines(disks))
    assert world.code == 0 and ended(world) == {("a", "/x"): "done"}


def test_stop_ends_after_the_dumps_under_way() -> None:
    disks = {("a", f"/{n}"): 100_000 for n in range(4)}
    world = night(disks, run=RunSettings(inparallel=1), maxdumps=1)
    world.at(5.0, Ordered(operator.Stop(), "ana"))
    world.play(lines(disks))
    outcomes = list(ended(world).values())
    assert world.code == 3 and outcomes.count("done") == 1 and outcomes.count("failed") == 3
    assert "RUN044 not dumped: the run was stopped by ana" in {f.message for f in world.facts if isinstance(f, e.DiskEnded)}


def test_stop_now_gives_up_what_is_under_way() -> None:
    disks = {("a", f"/{n}"): 100_000 for n in range(3)}
    world = night(disks)
    world.at(5.0, Ordered(operator.Stop("now"), "SIGTERM"))
    world.play(lines(disks))
    assert world.code == 3 and set(ended(world).values()) == {"failed"}
    assert world.engine.state.holds["/hold1"].free == 1 << 20


def test_orders_are_facts_and_refusals_say_why() -> None:
    disks = {("a", "/x"): 10_000, ("a", "/y"): 10_000}
    world = night(disks, maxdumps=1)
    for order in (operator.Hold("a", "/x"), operator.Priority("a", "/y", 9), operator.AbortDump("77-00001"),
                  operator.Pause(), operator.Resume(), operator.Release("a", "/x"), operator.Release("a", "/x"),
                  operator.Retry("a", "/q"), operator.FlushNow()):
        world.at(0.0, Ordered(order, "ana"))
    world.play(lines(disks))
    results = {f.order: f.result for f in world.facts if isinstance(f, e.OperatorActed)}
    assert results["ABORT-DUMP 77-00001"] == "no dump 77-00001 is under way"
    assert results["RETRY a /q"] == "a:/q is not in tonight's plan"
    assert results["PAUSE"] == results["RESUME"] == "OK" and world.code == 0
    assert all(f.by == "ana" for f in world.facts if isinstance(f, e.OperatorActed))


def test_abort_then_retry_by_hand() -> None:
    disks = {("a", "/x"): 100_000, ("a", "/y"): 600_000}
    world = night(disks)
    world.at(2.0, Ordered(operator.AbortDump("00-00001"), "ana"))
    world.at(9.0, Ordered(operator.Retry("a", "/x"), "ana"))
    world.play(lines(disks))
    assert [f.outcome for f in world.facts if isinstance(f, e.DiskEnded) and f.disk == "/x"] == ["failed", "done"]
    assert world.code == 0


def test_maxdumps_and_spindles_and_bandwidth_hold() -> None:
    disks = {("a", f"/{n}"): 5000 for n in range(6)}
    world = night(disks, maxdumps=2, run=RunSettings(inparallel=6))
    at_once = most = 0
    world.play(lines(disks))
    for fact in world.facts:
        if isinstance(fact, e.DumpBegan):
            at_once += 1
        elif isinstance(fact, e.DumpEnded):
            at_once -= 1
        most = max(most, at_once)
    assert most == 2 and world.code == 0


def test_an_empty_plan_needs_attention() -> None:
    world = night({})
    world.play([])
    assert world.code == 1 and [f.code for f in world.facts if isinstance(f, e.Notice)] == ["RUN013"]


def test_a_disk_with_a_starttime_waits_for_it_and_yesterdays_is_tomorrows() -> None:
    disks = {("a", "/x"): 1000}
    for after_midnight, begins in ((7200.0, 3600.0), (0.0, 0.0)):
        world = night(disks, dumptype=Dumptype(starttime=after_midnight))
        world.engine.state.midnight = world.now - 3600.0
        start = world.now
        seen: list[float] = []
        world.play(lines(disks))
        seen = [at for at, fact in world.dated if isinstance(fact, e.DumpBegan)]
        assert abs(seen[0] - start - begins) < 1.0 and world.code == 0
    late = night(disks, dumptype=Dumptype(starttime=0.0))
    late.engine.state.midnight = late.now - 13 * 3600.0
    begun = late.now
    late.play(lines(disks))
    assert [round(at - begun) for at, fact in late.dated if isinstance(fact, e.DumpBegan)] == [11 * 3600]


def test_a_request_for_a_volume_withdraws_itself_when_the_volume_appears() -> None:
    disks = {("a", "/x"): 1000}
    world = night(disks, faults=Faults(volume=lambda start: "none" if start < 4 else "ok"))
    view = world.play(lines(disks))
    closed = [(f.choice, f.by) for f in world.facts if isinstance(f, e.QuestionClosed)]
    assert closed == [("", "withdrawn")] and world.code == 0 and not view.files
