"""NO-ROOM, step by step: other disks, a full file system, parking, the reserve, and the request with each of its answers."""

from __future__ import annotations

import pytest

from core.engine.inputs import Answered, FlushFound, Heard, HoldingSeen, Ordered
from core.engine.room import headers
from core.engine.state import State
from core.events import event as e
from core.model.disk import Dumptype, HoldingUse
from core.model.site import Policy, RunSettings, Storage
from core.model.units import Handle
from core.protocol import dumper, operator, planner
from tests.playbooks.test_engine_nights import ended, lines, night
from tests.support.world import STAMP, Faults, World

GROW = Faults(dump=lambda h, d, n: "grow" if n == 1 else "done")


def asked(world: World) -> list[e.QuestionAsked]:
    return [f for f in world.facts if isinstance(f, e.QuestionAsked)]


def closed(world: World) -> list[tuple[str, str, str]]:
    return [(f.choice, f.argument, f.by) for f in world.facts if isinstance(f, e.QuestionClosed)]


def targets(world: World) -> list[str]:
    return [f.target for f in world.facts if isinstance(f, e.DumpBegan)]


def balanced(state: State) -> None:
    """What a holding disk has in all is what is free, what dumps were promised and what whole dumps take."""
    for path, hold in state.holds.items():
        promised = sum(x.size for job in state.jobs.values() for x in [*job.given, *job.kept] if x.path == path)
        kept = sum(x.size for held in state.held.values() for x in held.extents if x.path == path and not held.foreign)
        assert hold.free + promised + kept == hold.total, (path, hold, promised, kept)


def test_allotments_over_three_holding_disks_and_the_dump_in_order_on_each() -> None:
    disks = {("a", "/x"): 2500}
    world = night(disks, holding=[("/h1", 1024), ("/h2", 1024), ("/h3", 1024)])
    world.play(lines(disks))
    assert [p.split("/")[1] for p in world.places] == ["h2", "h3"] and world.code == 0
    assert {p: h.free for p, h in world.engine.state.holds.items()} == {"/h1": 1024, "/h2": 1024, "/h3": 1024}


def test_a_full_file_system_is_measured_before_anybody_is_asked_and_the_dump_goes_on_elsewhere() -> None:
    disks = {("a", "/x"): 4000}
    world = night(disks, holding=[("/h1", 8192), ("/h2", 6000)], faults=Faults(dump=lambda *a: "full 1000"))
    world.free = {"/h1": 0, "/h2": 6000}
    world.play(lines(disks))
    assert [(f.missing, f.why) for f in world.facts if isinstance(f, e.DumpStalled)] == [(3000, "disk")]
    assert world.places == [f"/h2/{STAMP}/a._x.0"] and not asked(world) and ended(world) == {("a", "/x"): "done"}


def test_a_full_file_system_with_a_little_room_left_goes_on_in_place() -> None:
    disks = {("a", "/x"): 4000}
    world = night(disks, holding=[("/h1", 8192)], faults=Faults(dump=lambda *a: "full 1000"))
    world.free = {"/h1": 3500}
    world.play(lines(disks))
    assert world.places == [f"/h1/{STAMP}/a._x.0"] and not asked(world) and world.code == 0
    assert world.engine.state.holds["/h1"].total < 8192
    balanced(world.engine.state)


def test_a_disk_that_says_it_has_room_and_takes_nothing_is_believed_once_only() -> None:
    """A quota, or no inode: statvfs and write disagree.  Not for ever in a circle, but a question."""
    disks = {("a", "/x"): 4000}
    world = night(disks, holding=[("/h1", 8192)], faults=Faults(dump=lambda h, d, n: "full 1000" if n == 1 else "done"))
    world.free, world.stays_full = {"/h1": 5000}, True
    world.play(lines(disks))
    assert len([f for f in world.facts if isinstance(f, e.DumpStalled)]) <= 3
    assert [q.code for q in asked(world)] == ["HLD003"] and targets(world) == ["holding", "tape"] and world.code == 0


def test_a_holding_disk_that_cannot_be_measured_has_no_room() -> None:
    disks = {("a", "/x"): 4000}
    world = night(disks, holding=[("/h1", 8192)], faults=Faults(dump=lambda h, d, n: "full 1000" if n == 1 else "done"))
    world.free = {"/h1": -1}
    world.play(lines(disks))
    assert asked(world)[0].text == "a:/x level 0 needs about 2.9 MiB more on the holding disk, 0 B free, none coming"
    assert closed(world) == [("direct", "", "deadline")] and world.code == 0


def test_an_io_error_sends_the_next_attempt_to_another_disk_at_once() -> None:
    disks = {("a", "/x"): 1000}
    for holding, expected in ([("/h1", 8192), ("/h2", 4096)], ["holding", "holding"]), ([("/h1", 8192)], ["holding", "tape"]):
        world = night(disks, holding=holding, faults=Faults(dump=lambda h, d, n: "bad-disk" if n == 1 else "done"))
        world.play(lines(disks))
        assert targets(world) == expected and not asked(world)
        assert world.code == 1, "all is dumped, and the holding disk wants a look"
        files = [f.file for f in world.facts if isinstance(f, e.DumpBegan)]
        assert files[1].split("/")[1:2] in (["h2"], [])


def test_a_holding_disk_that_fails_two_dumps_in_a_row_is_used_no_more() -> None:
    """Not every dump of the night loses an attempt there; one that is good between takes the suspicion away."""
    disks = {("a", f"/{letter}"): 1000 for letter in "uvwxyz"}
    for bad, expected, told in (
        ("uv", ["holding", "tape", "holding", "tape", *["tape"] * 4], 1),
        ("uw", ["holding", "tape", "holding", "holding", "tape", *["holding"] * 3], 0),
    ):
        world = night(disks, run=RunSettings(inparallel=1), faults=Faults(
            dump=lambda h, d, n, bad=bad: "bad-disk" if n == 1 and d[1] in bad else "done"))  # type: ignore[misc]
        world.play(lines(disks))
        assert targets(world) == expected
        assert sum(isinstance(f, e.Notice) and f.code == "HLD025" for f in world.facts) == told
        assert set(ended(world).values()) == {"done"} and world.code == 1


def test_parked_while_the_taper_frees_space_and_nobody_is_asked() -> None:
    disks = {("a", "/x"): 5000, ("b", "/y"): 2000}
    world = night(disks, holding=[("/h1", 8192)], faults=Faults(dump=lambda h, d, n: "grow" if d == "/y" else "done"))
    world.play(lines(disks))
    stalled = [i for i, f in enumerate(world.facts) if isinstance(f, e.DumpStalled)]
    removed = next(i for i, f in enumerate(world.facts) if isinstance(f, e.FileRemoved))
    resumed = [i for i, f in enumerate(world.facts) if isinstance(f, e.DumpResumed)]
    assert stalled and not asked(world) and world.code == 0 and any(i > removed for i in resumed)


def test_the_reserve_is_taken_last_and_told() -> None:
    disks = {("a", "/x"): 300}
    world = night(disks, holding=[("/h1", 1024)], run=RunSettings(requests={"TAP*": Policy("degrade", 0.0)}),
                  faults=Faults(dump=lambda *a: "grow", volume=lambda n: "none"))
    world.engine.state.paused = "test"
    world.at(30.0, Ordered(operator.Resume(), "test"))
    world.play(lines(disks))
    notes = [f for f in world.facts if isinstance(f, e.Notice) and f.code == "HLD004"]
    beside = [f.use for f in world.facts if isinstance(f, e.DumpResumed)]
    assert len(notes) == 1 and "of the reserve of /h1" in notes[0].text and len(beside) == 2
    assert ended(world) == {("a", "/x"): "done"} and not [q for q in asked(world) if q.code == "HLD003"]


# -- the request ---------------------------------------------------------------------------
def stuck(*answers: str, storages: tuple[Storage, ...] = (Storage("main", "disk:/v"),), **more: object) -> World:
    """Two dumps that stand still on a full disk, and an operator who says these things, one at each question."""
    disks = {("a", "/x"): 2000, ("b", "/y"): 1500}
    said = list(answers)
    return night(disks, holding=[("/h1", 3800)], storages=storages,
                 answers=lambda *a: said.pop(0) if said else "", **{"faults": GROW, **more})


def test_the_question_names_the_smallest_with_every_choice_and_its_cost() -> None:
    world = stuck()
    world.play(lines(world.sizes))
    first = asked(world)[0]
    assert (first.code, first.severity, first.default, first.subject) == ("HLD003", "D", "direct", "b:/y")
    assert first.text.startswith("2 dumps need ")
    assert first.text.endswith(" more on the holding disk, 24.0 KiB free, none coming")
    effects = {c.name: c.effect for c in first.choices}
    assert list(effects) == ["direct", "abort", "abort-other", "wait", "add"]
    assert effects["direct"] == "1.7 MiB dumped so far are lost; it is dumped again, straight to a volume"
    assert effects["abort"].startswith("1.7 MiB dumped so far are lost; it is dumped again")
    assert effects["abort-other"] == "another one gives up what it has dumped, and its room goes to the rest: a:/x (2.0 MiB)"
    assert effects["wait"] == "it stands still; asked again in 10 minutes, or in as many as you say"
    assert [c.argument for c in first.choices] == ["", "", "HOST:DISK", "minutes", "directory"]
    assert closed(world)[0] == ("direct", "", "deadline") and first.deadline - world.now < 0
    assert set(ended(world).values()) == {"done"} and world.code == 0
    balanced(world.engine.state)


def test_send_straight_to_a_volume() -> None:
    world = stuck("direct")
    world.play(lines(world.sizes))
    first = next(f for f in world.facts if isinstance(f, e.DumpEnded) and f.outcome == "aborted")
    assert first.message == "HLD003 no room on the holding disk; sent straight to a volume: by operator"
    assert closed(world)[0] == ("direct", "", "operator") and "tape" in targets(world) and world.code == 0


def test_abort_this_one_and_it_comes_again_when_there_is_room() -> None:
    world = stuck("abort", storages=())
    world.play(lines(world.sizes))
    aborted = next(f for f in world.facts if isinstance(f, e.DumpEnded) and f.outcome == "aborted")
    assert (aborted.host, aborted.message) == ("b", "HLD003 no room on the holding disk; given up: by operator")
    assert set(ended(world)) == {("a", "/x"), ("b", "/y")} and world.code == 1
    balanced(world.engine.state)


@pytest.mark.parametrize("said", ["abort-other a:/x", "abort a:/x", "abort-other 00-00001"])
def test_abort_another_one_that_is_named(said: str) -> None:
    world = stuck(said)
    world.play(lines(world.sizes))
    aborted = [f.host for f in world.facts if isinstance(f, e.DumpEnded) and f.outcome == "aborted"]
    assert aborted[0] == "a" and closed(world)[0][:2] == tuple(said.split(" ")) and set(ended(world).values()) == {"done"}
    balanced(world.engine.state)


def test_flush_what_earlier_runs_left() -> None:
    world = stuck("flush")
    old = planner.Flush("c", "/old", "20261120000000", 0, "/h1/20261120000000/c._old.0")
    world.left = [FlushFound(old, 900)]
    engine = world.engine
    begin = engine.begin
    engine.begin = lambda by, pid, holdings: begin(by, pid, [  # type: ignore[method-assign]
        HoldingSeen(h.path, h.free, h.total, h.reserve, h.chunksize, left=900) for h in holdings])
    world.play(lines(world.sizes))
    first = asked(world)[0]
    effects = {c.name: c.effect for c in first.choices}
    assert effects["flush"] == "900 KiB that earlier runs left on the holding disk go to a volume; it stands still until then"
    written = [f.datestamp for f in world.facts if isinstance(f, e.WriteEnded) and f.outcome == "done"]
    assert "20261120000000" in written and closed(world)[0] == ("flush", "", "operator")
    assert all(c.name != "flush" for q in asked(world)[1:] for c in q.choices)


def test_a_leftover_that_is_flushed_anyway_is_not_offered_and_not_flushed_twice() -> None:
    disks = {("a", "/x"): 100}
    world = night(disks)
    old = planner.Flush("c", "/old", "20261120000000", 0, "/hold1/20261120000000/c._old.0")
    world.at(0.0, FlushFound(old, 900))
    world.play([planner.Date(STAMP), old, *lines(disks)[1:]])
    assert len([f for f in world.facts if isinstance(f, e.FlushPlanned)]) == 1


def test_wait_and_be_asked_again() -> None:
    world = stuck("wait 3", "wait")
    world.play(lines(world.sizes))
    times = [at for at, f in world.dated if isinstance(f, e.QuestionAsked)]
    assert 180 <= times[1] - times[0] < 182 and 600 <= times[2] - times[1] < 602
    assert [c[:2] for c in closed(world)[:3]] == [("wait", "3"), ("wait", ""), ("direct", "")] and world.code == 0


def test_room_that_comes_while_somebody_waits_is_used_at_once() -> None:
    world = stuck("wait 1000")
    world.at(60.0, HoldingSeen("/h1", 1 << 20))
    world.play(lines(world.sizes))
    assert len(asked(world)) == 1 and world.code == 0 and targets(world) == ["holding", "holding"]


def test_a_request_withdraws_itself_when_room_comes() -> None:
    world = stuck()
    world.at(60.0, HoldingSeen("/h1", 1 << 20))
    world.play(lines(world.sizes))
    assert closed(world) == [("", "", "withdrawn")] and targets(world) == ["holding", "holding"]


def test_add_a_directory() -> None:
    world = stuck("add /more")
    world.free = {"/more": 100_000}
    world.play(lines(world.sizes))
    assert len(asked(world)) == 1 and world.code == 0 and any(p.startswith(f"/more/{STAMP}/") for p in world.places)
    assert [f.path for f in world.facts if isinstance(f, e.HoldingFound)] == ["/h1", "/more"]
    assert not [f for f in world.facts if isinstance(f, e.Notice) and f.code == "HLD005"]


def test_add_a_directory_that_is_not_there_and_be_asked_again() -> None:
    world = stuck("add /none", "direct")
    world.play(lines(world.sizes))
    assert [c[0] for c in closed(world)[:2]] == ["add", "direct"] and world.code == 0


def test_dumps_that_stay_in_a_directory_that_the_next_run_does_not_know_are_told() -> None:
    world = stuck("add /more", storages=())
    world.free = {"/more": 100_000}
    world.engine.state.site.storages.clear()
    world.play(lines(world.sizes))
    stay = [h.file for h in world.engine.state.held.values() if h.file.startswith("/more/")]
    notes = [f.subject for f in world.facts if isinstance(f, e.Notice) and f.code == "HLD005"]
    assert notes == (["/more"] if stay else [])


@pytest.mark.parametrize(("choice", "argument", "why"), [
    ("add", "", "add needs the absolute path of a directory"), ("add", "more", "add needs the absolute path of a directory"),
    ("wait", "ten", "ten is no number of minutes from 1 to 1440"), ("wait", "0", "0 is no number of minutes from 1 to 1440"),
    ("wait", "000000001" + "9" * 5000, "00000000199999999999 is no number of minutes from 1 to 1440"),
    ("abort-other", "", "nothing is no dump on the holding disk; a:/x is"),
    ("abort", "z:/q", "z:/q is no dump on the holding disk; a:/x is"),
])
def test_answers_that_make_no_sense_are_refused_and_the_request_stays_open(choice: str, argument: str, why: str) -> None:
    world = stuck()
    world.at(60.0, Answered(1, choice, argument, "ana"))
    world.play(lines(world.sizes))
    assert world.replies == [operator.Refused(why)] and closed(world)[0] == ("direct", "", "deadline")


def test_a_policy_that_only_waits_does_so_once() -> None:
    world = stuck(run=RunSettings(requests={"HLD003": Policy("wait", 5.0, "2")}))
    world.play(lines(world.sizes))
    assert [c[0] for c in closed(world) if c[2] == "policy"][:1] == ["wait"] and world.code == 0
    assert len([c for c in closed(world) if c[2] == "policy"]) <= 2  # one for each disk


def test_no_holding_disk_and_no_volume_loses_only_what_cannot_be() -> None:
    world = stuck(storages=(), dumptype=Dumptype(holding=HoldingUse.REQUIRED))
    world.play(lines(world.sizes))
    assert all(q.default == "abort" for q in asked(world)) and world.code == 1
    assert set(ended(world)) == {("a", "/x"), ("b", "/y")}
    balanced(world.engine.state)


def test_the_dump_in_question_ends_before_the_answer_comes() -> None:
    world = stuck()
    world.at(60.0, Heard("dumper1", dumper.TryAgain(Handle("01-00002"), "CLT001 the connection ended")))
    world.at(61.0, Answered(1, "direct", "", "ana"))
    world._dumps.pop("dumper1", None)
    world.play(lines(world.sizes))
    assert set(ended(world).values()) == {"done"}


def test_stop_now_while_they_stand_still() -> None:
    world = stuck()
    world.at(60.0, Ordered(operator.Stop("now"), "ana"))
    world.play(lines(world.sizes))
    assert world.code == 3 and closed(world) == [("", "", "withdrawn")]
    assert world.engine.state.holds["/h1"].free == 3800


def test_a_degraded_night_says_in_the_question_why_no_volume_helps() -> None:
    world = stuck(run=RunSettings(requests={"TAP*": Policy("degrade", 0.0)}),
                  faults=Faults(dump=lambda h, d, n: "grow" if n == 1 else "done", volume=lambda n: "none"))
    world.play(lines(world.sizes))
    first = next(q for q in asked(world) if q.code == "HLD003")
    assert first.text.endswith("none coming; no volume: main: TAP012 no usable volume") and first.default == "abort"


def test_the_headers_of_chunks_count() -> None:
    assert [headers(size, 1024) for size in (0, 992, 993, 1984, 1985)] == [0, 0, 32, 32, 64]
    assert headers(10**9, 0) == 0 and headers(100, 32) == 96, "one file; a chunk that would be nothing but its header"
