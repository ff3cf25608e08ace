"""Why is it waiting?  One sentence for each disk and taper at each moment, with its end; the runway; by when to act."""

from __future__ import annotations

import pytest

from core.engine import runway, waiting
from core.engine.inputs import Heard, Ordered
from core.engine.state import Phase
from core.engine.waiting import Wait
from core.events import event as e
from core.model.disk import Disk, Dumptype, HoldingUse, Host
from core.model.site import RunSettings
from core.model.units import Handle, Kib
from core.protocol import dumper, operator, taper
from tests.playbooks.test_engine_nights import ended, lines, night
from tests.support.world import Faults, World, dump_line


class Seen:
    """Every wait of a night: for each disk and taper the different sentences in their order, and runway and act."""

    def __init__(self, world: World, plan: list[object] | None = None) -> None:
        self.disks: dict[str, list[Wait]] = {}
        self.tapers: dict[str, list[Wait]] = {}
        self.acts: list[runway.Act] = []
        self.runways: list[runway.Runway] = []
        give = world.give

        def watch(happened: object) -> None:
            give(happened)  # type: ignore[arg-type]
            self.look(world)

        world.give = watch  # type: ignore[method-assign, assignment]
        world.play(plan if plan is not None else lines(world.sizes))  # type: ignore[arg-type]

    def look(self, world: World) -> None:
        state = world.engine.state
        now = {job.key: found for job, found in waiting.disks(state)}
        for job in state.jobs.values():
            moves = job.phase in (Phase.DUMPING, Phase.ENDED) or (job.phase is Phase.DUMPED and job.key not in now)
            assert moves or job.key in now, f"{job.title} is {job.phase} and nobody says why"
        for key, found in now.items():
            assert found.text and found.kind and (found.until == 0 or found.until >= state.now)
            kept = self.disks.setdefault(":".join(key), [])
            if not kept or kept[-1].text != found.text:
                kept.append(found)
        for tape, found in waiting.tapers(state):
            kept = self.tapers.setdefault(tape.child, [])
            if not kept or kept[-1].text != found.text:
                kept.append(found)
        self.acts.append(runway.act(state))
        self.runways += runway.of_holding(state)

    def said(self, title: str) -> str:
        return "\n".join(found.text for found in self.disks[title])

    def of_taper(self) -> str:
        return "\n".join(found.text for found in self.tapers["taper0"])


def test_dumpers_that_are_all_busy() -> None:
    seen = Seen(night({("a", "/x"): 90_000, ("b", "/y"): 50, ("c", "/z"): 60}, run=RunSettings(inparallel=1)))
    assert "the dumper is busy, it is next; until a:/x ends" in seen.said("b:/y")
    assert "the dumper is busy, 1 disk is before it; until a:/x ends" in seen.said("c:/z")
    assert {found.kind for found in seen.disks["c:/z"]} <= {"dumper", "tape"}


def test_a_busy_client_and_when_it_has_time() -> None:
    world = night({("a", "/x"): 90_000, ("a", "/y"): 50_000}, maxdumps=1)
    world.at(40.0, Heard("dumper0", dumper.Progress(Handle("00-00001"), Kib(40_000), Kib(40_000))))
    seen = Seen(world)
    texts = [found for found in seen.disks["a:/y"] if found.kind == "client busy"]
    assert texts[0].text == "a runs 1 of maxdumps 1; until a:/x ends" and texts[0].until == 0
    told = next(found for found in texts if "in about" in found.text)
    assert told.text == "a runs 1 of maxdumps 1; until a:/x ends, in about 50s" and told.until > 0


def test_a_planners_time_is_believed_until_there_is_a_rate() -> None:
    world = night({("a", "/x"): 90_000, ("a", "/y"): 50}, maxdumps=1)
    plan = [dump_line("a", "/x", 90_000, seconds=120), dump_line("a", "/y", 50)]
    seen = Seen(world, plan)  # type: ignore[arg-type]
    assert "until a:/x ends, in about 2m00s" in seen.said("a:/y")


def test_spindle_bandwidth_and_start_time() -> None:
    world = night({("a", f"/{n}"): 90_000 for n in range(2)} | {("b", "/z"): 90_000, ("c", "/late"): 10},
                  run=RunSettings(inparallel=6, netusage=3000))
    site = world.engine.state.site
    hosts = {h: Host(h, maxdumps=4, starttime=7200.0 if h == "c" else None) for h in "abc"}
    object.__setattr__(site, "disks", tuple(
        Disk(hosts[d.host.name], d.disk, d.dumptype, spindle=1 if d.host.name == "a" else -1) for d in site.disks))
    world.engine.state.midnight = world.now
    seen = Seen(world, [*(dump_line("a", f"/{n}", 90_000, kps=1400) for n in range(2)),
                        dump_line("b", "/z", 90_000, kps=1700), dump_line("c", "/late", 10)])
    assert "another disk of spindle 1 is being dumped; until a:/0 ends" in seen.said("a:/1")
    assert "network default: 1400 of 3000 KiB/s are in use, it needs 1700; until a:/0 ends" in seen.said("b:/z")
    late = seen.disks["c:/late"][0]
    assert late == Wait("start time", "its start time is in 2h00m", world.engine.state.midnight + 7200)


def test_holding_disk_and_the_taper_that_frees_it() -> None:
    world = night({("a", "/x"): 6000, ("b", "/y"): 5000}, holding=[("/h1", 8192)])
    world.at(7.5, Heard("taper0", taper.Progress(Handle("90-00003"), Kib(10))))
    seen = Seen(world)
    assert "needs 4.9 MiB of holding disk, 2.1 MiB free; until a:/x ends" in seen.said("b:/y")
    assert "come when a:/x is on a volume" in seen.said("b:/y")
    assert "waits for main" in seen.said("a:/x") or "takes" in seen.of_taper()


def test_a_dump_that_stands_still_and_its_request() -> None:
    world = night({("a", "/x"): 400}, holding=[("/h1", 512)], faults=Faults(dump=lambda h, d, n: "grow" if n == 1 else "done"))
    seen = Seen(world)
    still = [found for found in seen.disks["a:/x"] if found.text.startswith("stands still")]
    assert still[0].text == ("stands still: needs about 720 KiB more of holding disk, 0 B free; request 1: direct of a:/x in "
                             "10m00s")
    assert still[0].kind == "holding disk" and still[0].until > world.engine.state.began + 600
    assert any("request 1 (a:/x): without an answer direct in" in act.text and act.by for act in seen.acts)
    waited = {(f.kind, f.seconds) for f in world.facts if isinstance(f, e.DiskWaited)}
    assert ("holding disk", 600.0) in {(kind, round(seconds, -1)) for kind, seconds in waited}


def test_after_wait_the_time_of_the_next_question_is_told() -> None:
    said = ["wait 5"]
    world = night({("a", "/x"): 400}, holding=[("/h1", 512)], answers=lambda *a: said.pop() if said else "",
                  faults=Faults(dump=lambda h, d, n: "grow" if n == 1 else "done"))
    seen = Seen(world)
    assert "asked again in 5m00s" in seen.said("a:/x")
    assert any(act.text.startswith("1 dump stands still for want of room, asked about again in 5m00s: ") for act in seen.acts)


def test_when_a_dump_ends_that_is_larger_than_its_estimate_nobody_claims_to_know() -> None:
    world = night({("a", "/x"): 3000, ("b", "/y"): 50}, holding=[("/h1", 65536)], run=RunSettings(inparallel=1))
    world.at(2.5, Heard("dumper0", dumper.Progress(Handle("00-00001"), Kib(3001), Kib(3001))))
    seen = Seen(world)
    said = [found for found in seen.disks["b:/y"] if found.kind == "dumper"]
    assert said[-1] == Wait("dumper", "the dumper is busy, it is next; until a:/x ends")
    assert not [found for found in seen.tapers["taper0"] if "a:/x is whole in about 0s" in found.text]


def test_a_disk_straight_to_a_volume_and_a_taper_that_waits_for_hands() -> None:
    world = night({("a", "/x"): 1000, ("b", "/y"): 50_000}, dumptype=Dumptype(holding=HoldingUse.NEVER),
                  run=RunSettings(request_deadline=300.0), faults=Faults(volume=lambda n: "none" if n < 5 else "ok"))
    seen = Seen(world)
    assert "goes straight to a volume of main, which waits: request 1 (TAP012), degrade in 5m00s: no usable volume" in \
        seen.said("a:/x")
    assert "waits for hands: request 1 (TAP012), degrade in 5m00s: no usable volume" in seen.of_taper()
    assert "goes straight to a volume, and main is " in seen.said("b:/y") + seen.said("a:/x")
    assert any(act.by for act in seen.acts) and world.code == 0


def test_what_a_taper_without_work_waits_for() -> None:
    world = night({("a", "/x"): 50_000})
    world.at(20.0, Heard("dumper0", dumper.Progress(Handle("00-00001"), Kib(20_000), Kib(20_000))))
    seen = Seen(world)
    assert "looks for a volume that may be written" in seen.of_taper()
    assert "nothing to write; no dump is whole yet" in seen.of_taper()
    assert "nothing to write; a:/x is whole in about" in seen.of_taper()


def test_how_long_a_taper_waited_for_what_is_a_fact_at_the_end() -> None:
    world = night({("a", "/x"): 50_000}, faults=Faults(volume=lambda n: "none" if n == 1 else "ok"))
    Seen(world)
    told = {f.kind: f.seconds for f in world.facts if isinstance(f, e.TaperWaited)}
    assert told["operator"] >= 9 and told["dump"] >= 30 and world.view.tapers["taper0"].waited == told


def test_a_taper_that_describes_its_volume_waits_for_nothing() -> None:
    world = night({("a", "/x"): 1000})
    at_the_end: list[object] = []
    give = world.give

    def watch(happened: object) -> None:
        if world.engine.state.closing is not None and world.code is None:
            at_the_end.extend(waiting.tapers(world.engine.state))
        give(happened)  # type: ignore[arg-type]

    world.give = watch  # type: ignore[method-assign, assignment]
    world.play(lines(world.sizes))
    assert any(isinstance(f, e.VolumeDescribed) for f in world.facts) and at_the_end == []


def test_degraded_and_held_on_the_holding_disk() -> None:
    world = night({("a", "/x"): 100, ("b", "/y"): 60_000}, faults=Faults(volume=lambda n: "none"),
                  answers=lambda *a: "degrade")
    seen = Seen(world)
    assert "main takes nothing: TAP012 no usable volume; it stays on the holding disk" in seen.said("a:/x")
    assert "takes nothing: TAP012 no usable volume" in seen.of_taper()


def test_aborted_dumps_say_that_they_are_given_up() -> None:
    world = night({("a", "/x"): 90_000})
    world.at(5.0, Ordered(operator.AbortDump("00-00001"), "ana"))
    assert "it is given up: DMP028 aborted by ana" in Seen(world).said("a:/x")


def test_the_runway_of_each_holding_disk() -> None:
    world = night({("a", "/x"): 6000, ("b", "/y"): 6000}, holding=[("/h1", 8192), ("/h2", 100)],
                  run=RunSettings(inparallel=1))
    world.at(3.0, Heard("dumper0", dumper.Progress(Handle("00-00001"), Kib(3000), Kib(3000))))
    seen = Seen(world)
    full = next(one for one in seen.runways if one.path == "/h1" and one.full_at)
    assert full.fills == pytest.approx(1000, rel=0.05) and full.drains == 0
    assert full.text(full.full_at - 5.0).startswith("full in 5s: 5.1 MiB left, 1000 KiB/s in, 0 B/s out")
    assert any("dumps wait until the tapers make room" in act.text for act in seen.acts)
    quiet = next(one for one in seen.runways if one.path == "/h2")
    assert not quiet.full_at and quiet.text(0.0) == "100 KiB left, 0 B/s in, 0 B/s out"


@pytest.mark.parametrize(("second", "said", "full"), [
    (0, "the holding disks last for the night: ", set()),
    (12_000, "/h1 may fill up, the others have room", {"/h1"})])
def test_what_is_said_of_the_night_agrees_with_when_each_disk_is_full(second: int, said: str, full: set[str]) -> None:
    disks = {("a", "/x"): 6000} | ({("b", "/y"): second} if second else {})
    world = night(disks, holding=[("/h1", 12_000), ("/h2", 11_000)], run=RunSettings(inparallel=1))
    world.at(3.0, Heard("dumper0", dumper.Progress(Handle("00-00001"), Kib(3000), Kib(3000))))
    seen = Seen(world)
    assert any(act.text.startswith(said) and not act.by for act in seen.acts)
    filled = {one.path for one in seen.runways if one.full_at}
    assert filled >= full and bool(filled) is bool(full)
    for at, act in enumerate(seen.acts):
        fills = any(one.full_at for one in seen.runways[2 * at:2 * at + 2])
        assert not (fills and "last for the night" in act.text)


def test_the_taper_drains_the_runway() -> None:
    world = night({("a", "/x"): 6000}, holding=[("/h1", 8192)], faults=Faults(write=lambda *a: "hang"))
    world.at(10.0, Heard("taper0", taper.Progress(Handle("90-00002"), Kib(2000))))
    seen = Seen(world)
    assert any(one.drains > 0 and not one.full_at for one in seen.runways)


def test_by_when_somebody_must_act_when_no_volume_takes_what_fills_the_holding_disk() -> None:
    disks = {("a", "/x"): 5000} | {("b", f"/{n}"): 2000 for n in range(4)}
    world = night(disks, holding=[("/h1", 8192)], run=RunSettings(inparallel=1, request_deadline=9000.0),
                  faults=Faults(volume=lambda n: "none"))
    world.at(3.0, Heard("dumper0", dumper.Progress(Handle("00-00001"), Kib(2900), Kib(2900))))
    seen = Seen(world)
    told = [act for act in seen.acts if "act by then, or" in act.text]
    assert any("the holding disks are full in" in act.text and "no volume takes what is on them" in act.text for act in told)
    assert all(act.by >= world.engine.state.began for act in told)
    assert any(" 3 dumps must be made smaller or left out" in act.text or " 2 dumps must" in act.text for act in told)


def test_a_night_that_waits_for_its_tapers_needs_nobody() -> None:
    disks = {("a", "/x"): 5000} | {("b", f"/{n}"): 2000 for n in range(4)}
    seen = Seen(night(disks, holding=[("/h1", 8192)], run=RunSettings(inparallel=1)))
    assert any("dumps wait until the tapers make room" in act.text and not act.by for act in seen.acts)
    assert Seen(night({("a", "/x"): 10}, holding=[])).acts[0] == runway.Act(0.0, "")


def test_every_wait_of_a_long_odd_night_is_told() -> None:
    """`Seen.look` fails when a disk waits and nobody says why; here with many constraints at once."""
    disks = {(h, f"/{n}"): 500 * (n + 1) for h in "abcd" for n in range(4)}
    fates = ("done", "grow", "try-again", "breaks-off", "retry 40 -1", "full 300", "die", "strange")
    world = night(disks, holding=[("/h1", 4096), ("/h2", 2048)], maxdumps=2, run=RunSettings(inparallel=3, netusage=2500),
                  faults=Faults(dump=lambda h, d, n: fates[(ord(h) + int(d[1:]) + n) % 8] if n < 3 else "done"))
    world.free = {"/h1": 3000, "/h2": 2000}
    seen = Seen(world)
    assert set(ended(world)) == set(disks) and {f.kind for waits in seen.disks.values() for f in waits} >= {
        "client busy", "try again", "tape"}
