"""The rarer words and orders, one at a time, against the made world."""

from __future__ import annotations

import pytest

from core.engine.engine import Engine
from core.engine.inputs import ChildGone, Heard, HoldingSeen, Ordered
from core.events import event as e
from core.events import gauges
from core.events.gauges import Gauges
from core.model.disk import Disk, Dumptype, HoldingUse
from core.model.site import RunSettings
from core.model.units import EPOCH_DUMPDATE, Handle, Kib, dumpdate_of, seconds_of_dumpdate
from core.protocol import dumper, operator, planner, taper
from tests.playbooks.test_engine_nights import ended, lines, night
from tests.support.world import STAMP, Faults, World, dump_line

ONE = {("a", "/x"): 200_000}


def results(world: World) -> list[str]:
    return [f.result for f in world.facts if isinstance(f, e.OperatorActed)]


def test_a_held_disk_waits_and_says_so_until_it_is_released() -> None:
    world = night(ONE | {("b", "/y"): 10})
    world.engine.state.paused = "ana"
    world.at(0.1, Ordered(operator.Hold("a", "/x"), "ana"))
    world.at(0.2, Ordered(operator.Resume(), "ana"))
    reasons: list[dict[str, str]] = []
    give = world.give

    def watch(happened: object) -> None:
        give(happened)  # type: ignore[arg-type]
        reasons.append(world.engine.reasons())

    world.give = watch  # type: ignore[method-assign, assignment]
    world.at(50.0, Ordered(operator.Release("a", "/x"), "ana"))
    world.at(400.0, Ordered(operator.Hold("a", "/x"), "ana"))
    world.play(lines(ONE | {("b", "/y"): 10}))
    paused = "the run is paused by ana; 'taperoom resume' ends that"
    assert {"a:/x": paused, "b:/y": paused} in reasons
    assert {"a:/x": "held by ana; 'taperoom release' ends that"} in reasons
    assert results(world)[:3] == ["OK", "OK", "OK"] and world.code == 0


def test_why_a_disk_waits_names_the_constraint() -> None:
    world = night({("a", f"/{n}"): 90_000 for n in range(3)} | {("b", "/z"): 90_000}, maxdumps=2,
                  run=RunSettings(inparallel=6, netusage=3000))
    site = world.engine.state.site
    spindled = tuple(Disk(d.host, d.disk, d.dumptype, spindle=1 if d.disk in ("/0", "/1") else -1) for d in site.disks)
    object.__setattr__(site, "disks", spindled)
    seen: set[str] = set()
    give = world.give

    def watch(happened: object) -> None:
        give(happened)  # type: ignore[arg-type]
        seen.update(world.engine.reasons().values())

    world.give = watch  # type: ignore[method-assign, assignment]
    world.play([planner.Date(STAMP), planner.Estimating("a"), planner.Estimate("a", "/0", 0, Kib(1)),
                planner.NoEstimate("a", "/1", "no answer"), planner.EndFlush(),
                *[dump_line("a", f"/{n}", 90_000, kps=1400) for n in range(3)], dump_line("b", "/z", 90_000, kps=1400)])
    assert any(text.startswith("another disk of spindle 1 is being dumped; until a:/0 ends") for text in seen)
    assert any(text.startswith("network default: 2800 of 3000 KiB/s are in use, it needs 1400; until ") for text in seen)
    assert {e.EstimateBegan, e.EstimateGot, e.EstimateMissing} <= {type(f) for f in world.facts} and world.code == 0


def test_maxdumps_is_named() -> None:
    world = night({("a", "/x"): 50_000, ("a", "/y"): 50_000}, maxdumps=1)
    seen: set[str] = set()
    give = world.give

    def watch(happened: object) -> None:
        give(happened)  # type: ignore[arg-type]
        seen.update(world.engine.reasons().values())

    world.give = watch  # type: ignore[method-assign, assignment]
    world.play(lines({("a", "/x"): 50_000, ("a", "/y"): 50_000}))
    assert any(text.startswith("a runs 1 of maxdumps 1; until a:/x ends") for text in seen)


def test_a_child_that_does_not_understand_is_replaced() -> None:
    world = night(ONE)
    world.at(5.0, Heard("dumper0", dumper.BadCommand("FILE-DUMP what")))
    world.at(900.0, Heard("taper0", taper.BadCommand("what")))
    world.play(lines(ONE))
    assert ended(world) == {("a", "/x"): "done"} and world.code == 0
    assert [f.reason for f in world.facts if isinstance(f, e.DumpRetried)] == [
        "DMP029 dumper0 died: did not understand the driver: FILE-DUMP what"]


def test_a_taper_that_does_not_understand_is_started_again() -> None:
    world = night({("a", "/x"): 1000})
    give = world.give

    def confuse(happened: object) -> None:
        if isinstance(happened, Heard) and isinstance(happened.message, taper.RequestNewTape) and not world.confused:
            world.confused = True  # type: ignore[attr-defined]
            world._writes.clear()
            give(Heard("taper0", taper.BadCommand("FILE-WRITE")))
        else:
            give(happened)  # type: ignore[arg-type]

    world.confused = False  # type: ignore[attr-defined]
    world.give = confuse  # type: ignore[method-assign, assignment]
    world.play(lines({("a", "/x"): 1000}))
    assert world.code == 0 and ended(world) == {("a", "/x"): "done"}


def test_a_dumper_whose_statistics_make_no_sense_is_ended_and_the_dump_tried_again() -> None:
    world = night(ONE)
    world.at(5.0, Heard("dumper0", dumper.Done(Handle("00-00001"), "[sec 1] server-crc what")))
    world.play(lines(ONE))
    died = next(f for f in world.facts if isinstance(f, e.ChildDied))
    assert died.child == "dumper0"
    assert died.status == "was ended: it gave statistics that make no sense: [sec 1] server-crc what"
    assert ended(world) == {("a", "/x"): "done"}


def test_words_of_a_child_that_is_none_are_ignored() -> None:
    engine = Engine(night(ONE).site, STAMP, 0.0)
    list(engine.begin("t", 1, []))
    before = repr(engine.state)
    assert list(engine.handle(Heard("nobody", dumper.Progress(Handle("x"), Kib(1), Kib(1))))) == []
    assert repr(engine.state) == before
    assert [type(x.event) for x in engine.handle(ChildGone("nobody", "?")) if hasattr(x, "event")] == [e.ChildDied]


def test_a_disk_that_is_full_is_measured_and_the_dump_goes_on_elsewhere() -> None:
    world = night({("a", "/x"): 60_000}, holding=[("/h1", 100_000), ("/h2", 100_000)])
    world.at(5.0, Heard("dumper0", dumper.NoRoom(Handle("00-00001"), Kib(0), "disk")))
    world.play(lines({("a", "/x"): 60_000}))
    resumed = [f.file for f in world.facts if isinstance(f, e.DumpResumed)]
    assert resumed == [f"/h2/{STAMP}/a._x.0"] and world.code == 0


def test_a_holding_disk_that_cannot_be_used_is_told_and_the_night_goes_on_without_it() -> None:
    world = night(ONE, holding=[("/h1", 100_000), ("/gone", 100_000)])
    begin = world.engine.begin
    world.engine.begin = lambda by, pid, holdings: begin(by, pid, [  # type: ignore[method-assign]
        h if h.path == "/h1" else HoldingSeen(h.path, 0, failed="No such file or directory") for h in holdings])
    world.play(lines(ONE))
    told = [f for f in world.facts if isinstance(f, e.Notice)]
    assert [(f.code, f.severity, f.subject) for f in told] == [("HLD010", "E", "/gone")]
    assert [f.path for f in world.facts if isinstance(f, e.HoldingFound)] == ["/h1"] == list(world.engine.state.holds)
    assert set(ended(world).values()) == {"done"} and world.code == 1


def test_what_the_world_measures_corrects_the_account() -> None:
    world = night(ONE)
    world.at(3.0, HoldingSeen("/hold1", 900_000, 900_000))
    world.play(lines(ONE))
    assert world.code == 0 and world.engine.state.holds["/hold1"].free <= 900_000
    kept = night({("a", "/x"): 1500}, holding=[("/h1", 1024), ("/h2", 1024)])
    kept.at(0.0, HoldingSeen("/h2", 900))
    kept.play(lines({("a", "/x"): 1500}))
    assert kept.code == 0


def test_a_directory_given_by_the_operator_lets_the_dump_go_on() -> None:
    def answers(id: int, code: str, default: str) -> str:
        return "add"

    world = night({("a", "/x"): 400}, holding=[("/h1", 512)], storages=(), faults=Faults(dump=lambda *a: "grow"),
                  answers=answers)
    world.at(20.0, HoldingSeen("/extra", 4096, 4096, 0, 1 << 20))
    world.play(lines({("a", "/x"): 400}))
    assert ended(world) == {("a", "/x"): "done"}
    assert [f.path for f in world.facts if isinstance(f, e.HoldingFound)] == ["/h1", "/extra"]


@pytest.mark.parametrize(("answer", "code"), [("done", 0), ("degrade", 1)])
def test_a_taper_that_needs_hands_asks_and_is_answered(answer: str, code: int) -> None:
    world = night({("a", "/x"): 1000}, answers=lambda *a: answer)
    give = world.give
    asked: list[bool] = []

    def hands(happened: object) -> None:
        if isinstance(happened, Heard) and isinstance(happened.message, taper.NewTape) and not asked:
            asked.append(True)
            world._has_volume.discard("taper0")
            give(Heard("taper0", taper.RequestOperator("TAP014", "load a volume")))
        elif isinstance(happened, Heard) and isinstance(happened.message, taper.PartDone | taper.Done) and (
                "taper0" not in world._has_volume or not world.talks["taper0"].allows(type(happened.message))):
            return  # this made taper writes the dump once for each answer
        else:
            give(happened)  # type: ignore[arg-type]

    world.give = hands  # type: ignore[method-assign, assignment]
    obey = world._obey

    def again(child: str, order: object) -> None:
        if isinstance(order, taper.NewTape) and asked:
            world._writes.setdefault(child, (taper.FileWrite(order.handle, "f", "a", "/x", 0), "done"))
        obey(child, order)

    world._obey = again  # type: ignore[method-assign]
    world.play(lines({("a", "/x"): 1000}))
    question = next(f for f in world.facts if isinstance(f, e.QuestionAsked))
    assert question.code == "TAP014" and question.subject == "main" and world.code == code


def test_every_dumper_dying_again_and_again_ends_the_run() -> None:
    disks = {("a", f"/{n}"): 10 for n in range(5)}
    world = night(disks, run=RunSettings(inparallel=1, retry_delay=0.0), faults=Faults(dump=lambda *a: "die"))
    world.play(lines(disks))
    messages = {f.message for f in world.facts if isinstance(f, e.DiskEnded)}
    assert "DMP030 not dumped: every dumper died again and again" in messages and world.code == 1


def test_stop_now_while_a_volume_is_written_and_while_a_port_is_awaited() -> None:
    world = night({("a", "/x"): 200_000})
    world.at(230.0, Ordered(operator.Stop("now"), "ana"))
    world.play(lines({("a", "/x"): 200_000}))
    assert world.code == 3
    direct = night({("a", "/x"): 1000}, dumptype=Dumptype(holding=HoldingUse.NEVER))
    direct.at(0.22, Ordered(operator.Stop("now"), "ana"))
    direct.play(lines({("a", "/x"): 1000}))
    assert direct.code == 3 and ended(direct) == {("a", "/x"): "failed"}


def test_a_plan_line_that_comes_after_stop_ends_at_once() -> None:
    world = night(ONE | {("b", "/y"): 10})
    from core.engine.inputs import Planned
    world.at(3.0, Ordered(operator.Stop(), "ana"))
    world.at(4.0, Planned(dump_line("b", "/y", 10)))
    world.at(5.0, Ordered(operator.Retry("b", "/y"), "ana"))
    world.play(lines(ONE))
    assert ended(world)["b", "/y"] == "failed" and results(world)[-1] == "the run is stopping"


def test_a_disk_planned_twice_and_one_unknown_are_told() -> None:
    world = night({("a", "/x"): 10, ("z", "/new"): 10})
    object.__setattr__(world.engine.state.site, "disks", world.site.disks[:1])
    world.play([*lines({("a", "/x"): 10, ("z", "/new"): 10}), dump_line("a", "/x", 99)])
    assert [f.code for f in world.facts if isinstance(f, e.Notice)] == ["RUN011"]
    assert ended(world) == {("a", "/x"): "done", ("z", "/new"): "failed"} and world.code == 1
    (why,) = [f.message for f in world.facts if isinstance(f, e.DiskEnded) and f.host == "z"]
    assert why.startswith("RUN012 ") and not [f for f in world.facts if isinstance(f, e.DumpBegan) and f.host == "z"]


def test_retry_of_what_is_well_is_refused_and_flush_with_something_to_do_is_not() -> None:
    disks = {("a", "/x"): 1000, ("a", "/y"): 900_000}
    world = night(disks, run=RunSettings(taperalgo="last"))
    world.at(3.0, Ordered(operator.Retry("a", "/x"), "ana"))
    world.at(1.2, Ordered(operator.FlushNow(), "ana"))
    world.play(lines(disks))
    assert "a:/x is ended: there is nothing to try again" in results(world)


def test_the_tape_failing_first_is_not_held_against_the_client() -> None:
    disks = {("a", "/x"): 1000}
    world = night(disks, dumptype=Dumptype(holding=HoldingUse.NEVER), run=RunSettings(runtapes=3),
                  faults=Faults(write=lambda h, d, n: "tape-error" if n == 1 else "done"))
    world.play(lines(disks))
    assert [f.target for f in world.facts if isinstance(f, e.DumpBegan)] == ["tape", "tape"] and world.code == 0


def test_a_disk_without_holding_fails_when_there_is_no_volume() -> None:
    disks = {("a", "/x"): 1000}
    for faults in (Faults(volume=lambda n: "none"), Faults(write=lambda h, d, n: "tape-error")):
        world = night(disks, dumptype=Dumptype(holding=HoldingUse.NEVER, retry=5), faults=faults)
        world.play(lines(disks))
        assert ended(world) == {("a", "/x"): "failed"}
    none = night(disks, dumptype=Dumptype(holding=HoldingUse.NEVER), storages=())
    none.play(lines(disks))
    assert "no holding disk, and there is no volume" in next(f for f in none.facts if isinstance(f, e.DiskEnded)).message


def test_a_dump_too_big_for_everything_fails_and_says_how_much() -> None:
    disks = {("a", "/x"): 10_000}
    world = night(disks, holding=[("/h", 1024)], storages=(), dumptype=Dumptype(holding=HoldingUse.REQUIRED))
    world.play(lines(disks))
    message = next(f for f in world.facts if isinstance(f, e.DiskEnded)).message
    assert message == "DMP027 needs 9.8 MiB of holding disk, there are 1.0 MiB, and no volume to go to instead"


def test_a_dump_too_big_for_what_others_leave_free_says_that() -> None:
    disks = {("a", "/x"): 700, ("a", "/y"): 800}
    world = night(disks, holding=[("/h", 1024)], faults=Faults(volume=lambda n: "none"),
                  dumptype=Dumptype(holding=HoldingUse.REQUIRED))
    world.play([planner.Date(STAMP), planner.EndFlush(), *[dump_line(h, d, size, 1) for (h, d), size in disks.items()]])
    (message,) = [f.message for f in world.facts if isinstance(f, e.DiskEnded) and f.outcome == "failed"]
    assert message == ("DMP027 needs 800 KiB of holding disk, there are 1.0 MiB, of which 288 KiB are free, and no volume to go"
                       " to instead")


def test_a_holding_disk_that_failed_a_dump_is_tried_again_when_somebody_orders_it() -> None:
    """And until then what is free there is not counted as free for it."""
    disks = {("a", "/x"): 700, ("a", "/long"): 90_000}
    world = night(disks, holding=[("/h", 200_000)], storages=(), dumptype=Dumptype(holding=HoldingUse.REQUIRED, retry=2),
                  faults=Faults(dump=lambda h, d, n: "bad-disk" if d == "/x" and n == 1 else "done"))
    waits = []
    give = world.give

    def watch(happened: object) -> None:
        if isinstance(happened, Ordered):
            waits.append(world.engine.reasons()["a:/x"])
        give(happened)  # type: ignore[arg-type]

    world.give = watch  # type: ignore[method-assign, assignment]
    world.at(20.0, Ordered(operator.Retry("a", "/x"), "ana"))
    world.play(lines(disks))
    assert waits[0].startswith("needs 700 KiB of holding disk, 0 B free besides /h, where writing failed; until a:/long ends")
    begun = [(f.disk, f.attempt) for f in world.facts if isinstance(f, e.DumpBegan)]
    assert begun == [("/x", 1), ("/long", 1), ("/x", 2)] and ended(world) == {("a", "/x"): "done", ("a", "/long"): "done"}


def test_a_dump_that_the_only_holding_disk_failed_says_so_at_its_end() -> None:
    disks = {("a", "/x"): 700}
    world = night(disks, holding=[("/h", 1024)], storages=(), dumptype=Dumptype(holding=HoldingUse.REQUIRED, retry=2),
                  faults=Faults(dump=lambda h, d, n: "bad-disk"))
    world.play(lines(disks))
    assert [f.message for f in world.facts if isinstance(f, e.DiskEnded)] == [
        "DMP027 needs 700 KiB of holding disk, there are 0 B besides /h, where writing failed, and no volume to go to instead"]


def test_gauges_come_back_and_nonsense_is_empty() -> None:
    made = Gauges(1.5, {"00-00001": (1, 2)}, {"/h": (3, 4, 5)}, {"a:/x": "why"}, {"default": 6}, ["ana:operate"])
    assert gauges.decode(gauges.encode(made)) == made
    for data in (b"", b"{}", b"[]", b'{"at": "x", "progress": 3}'):
        assert gauges.decode(data) == Gauges()


def test_dumpdates_of_nothing_and_of_nonsense() -> None:
    assert dumpdate_of(0) == dumpdate_of(-5.0) == EPOCH_DUMPDATE
    with pytest.raises(ValueError, match="is no dumpdate"):
        seconds_of_dumpdate("1970:1:1")
