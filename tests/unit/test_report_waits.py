"""What status, report and JSON say of who waits for what, from gauges and facts made by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.cli.beside import Beside
from core.cli.requests import tell_request
from core.events import event as e
from core.events.event import Record
from core.events.gauges import Gauges, decode, encode
from core.events.view import DiskState
from core.report.data import run_data
from core.report.lines import line_of
from core.report.morning import report_text
from core.report.status import status_text
from core.report.waits import why_waits
from tests.unit.test_report_night import made

NOW = 1795000100.0
PLAN = [e.DumpPlanned(host, "/x", 1, 0, 1000, 1000, 5, -1, 0, "") for host in "abcd"]
GAUGES = Gauges(
    at=NOW, waiting={"a:/x": "a runs 1 of maxdumps 1; until a:/y ends, in about 4m00s", "b:/x": "its start time is in 2h00m"},
    waits={"a:/x": ("client busy", NOW + 240), "b:/x": ("start time", NOW + 7200)},
    tapers={"taper0": ("nothing to write; a:/y is whole in about 4m00s", NOW + 240)},
    runway={"/h": (4096, 100.0, 0.0, NOW + 2460)}, holding={"/h": (4096, 0, 0)},
    act=(NOW + 2460, "the holding disks are full in 41m00s and no volume takes what is on them: act by then"),
    costs={3: {"abort": "41 GiB dumped so far are lost"}}, texts={3: "2 dumps need 9 GiB more"})
FACTS = (
    e.HoldingFound("/h", 9000, 8000, 30), e.ChildBegan("taper0", 9, "main"), e.TaperReady("taper0", "main", "drive0", "V-1"),
    *PLAN, e.PlanComplete(4, 0), e.DumpRetried("d", "/x", 2, 3, NOW + 50, "busy"),
    e.DumpRetried("c", "/x", 1, 3, NOW + 20, "the connection ended"))


def test_gauges_come_back_and_those_of_an_older_version_too() -> None:
    assert decode(encode(GAUGES)) == GAUGES
    old = json.loads(encode(GAUGES))
    for name in ("waits", "tapers", "runway", "act", "costs", "texts"):
        del old[name]
    found = decode(json.dumps(old).encode())
    assert found.waiting == GAUGES.waiting and found.act == (0.0, "") and not found.runway
    assert decode(b'{"at":1,"progress":{},"holding":{},"waiting":{},"network":{},"consoles":[],"act":7}').act == (0.0, "")


def test_status_says_why_each_waits_and_by_when_to_act() -> None:
    text = status_text(made(*FACTS), GAUGES, NOW, True)
    flat = " ".join(text.split())
    assert "1000 KiB, a runs 1 of maxdumps 1; until a:/y ends, in about 4m00s" in flat
    assert "next volume V-1: nothing to write; a:/y is whole in about 4m00s" in flat
    assert "holding /h: 7.8 MiB to use, 0 B of dumps, 4.0 MiB free, full in 41m00s" in flat
    assert "the holding disks are full in 41m00s and no volume takes what is on them: act by then" in flat and "ACT BY" in text
    again = text.index("c:/x"), text.index("d:/x")
    assert again[0] < again[1], "the next attempt stands first"
    assert "attempt 1 of 3, again at" in flat and all(len(line) <= 80 for line in text.splitlines())


def test_json_has_constraint_end_queue_runway_and_deadline() -> None:
    data = json.loads(json.dumps(run_data(made(*FACTS), GAUGES, NOW, True)))
    disks = {disk["host"]: disk for disk in data["disks"]}
    assert (disks["a"]["constraint"], disks["a"]["waits_until"]) == ("client busy", NOW + 240)
    assert disks["b"]["waits_for"] == "its start time is in 2h00m" and disks["c"]["waits_until"] is None
    assert data["tapers"][0]["waits_for"].startswith("nothing to write") and data["tapers"][0]["waits_until"] == NOW + 240
    assert data["holding"][0]["runway"] == {"kib": 4096, "kps_in": 100.0, "kps_out": 0.0, "full_at": NOW + 2460}
    assert data["act_by"]["at"] == NOW + 2460 and "act by then" in data["act_by"]["text"]
    assert [(r["host"], r["at"], r["attempt"], r["attempts"], r["reason"]) for r in data["retries"]] == [
        ("c", NOW + 20, 1, 3, "the connection ended"), ("d", NOW + 50, 2, 3, "busy")]
    bare = run_data(made(*FACTS))
    assert bare["act_by"] == {"at": None, "text": ""} and bare["holding"][0]["runway"]["kib"] is None


def test_what_a_disk_waited_for_before_its_dump_began_is_not_told_any_more() -> None:
    began = e.DumpBegan("00-00001", "a", "/x", 0, "dumper0", "holding", "/h/a", 1, 9)
    view = made(*FACTS, began)
    disk = view.disks["a", "/x"]
    old, new = (replace(GAUGES, at=disk.began + late) for late in (-0.5, 0.5))
    assert why_waits(disk, old) == "" and why_waits(disk, new).startswith("a runs 1 of maxdumps 1")
    told = [next(one for one in run_data(view, gauges, NOW, True)["disks"] if one["host"] == "a") for gauges in (old, new)]
    assert [(one["constraint"], one["waits_until"]) for one in told] == [("", None), ("client busy", NOW + 240)]


def test_the_report_of_a_live_run_says_what_waits() -> None:
    text = report_text(made(*FACTS), gauges=GAUGES)
    assert "WAITING NOW\n" in text and "  a:/x: a runs 1 of maxdumps 1" in text and "  storage main: nothing to write" in text
    many = Gauges(waiting={f"h{n}:/x": "all dumpers are busy" for n in range(20)})
    assert "  ... and 8 more" in report_text(made(*FACTS), gauges=many)
    assert "WAITING NOW" not in report_text(made(*FACTS, e.RunEnded(0, 0, 0, 0)), gauges=GAUGES)


def test_the_morning_report_says_what_disks_waited_for() -> None:
    told = [e.DiskWaited("a", "/x", "client busy", 600.0), e.DiskWaited("b", "/x", "client busy", 60.0),
            e.DiskWaited("a", "/x", "client busy", 5.0), e.DiskWaited("c", "/x", "holding disk", 7200.0),
            e.DiskWaited("d", "/x", "dumper", 2.0)]
    text = report_text(made(*FACTS, *told, e.RunEnded(0, 0, 0, 0)))
    assert ("WAITED - before they began, and while they stood still\n  for holding disk: 2h00m (1 disk, c:/x)\n"
            "  for client busy: 11m05s (2 disks, longest a:/x 10m05s)\n") in text and "dumper" not in text.split("WAITED")[1]


def test_the_morning_report_says_what_tapers_waited_for() -> None:
    told = [e.TaperWaited("taper0", "main", "dump", 3720.0), e.TaperWaited("taper0", "main", "operator", 600.0),
            e.TaperWaited("taper0", "main", "volume", 2.0)]
    view = made(*FACTS, *told, e.RunEnded(0, 0, 0, 0))
    assert "  storage main: for a whole dump 1h02m, for a person 10m00s\n" in report_text(view)
    assert run_data(view)["tapers"][0]["waited"] == {"dump": 3720.0, "operator": 600.0, "volume": 2.0}


def test_a_request_and_its_reasoning_are_in_the_report() -> None:
    choices = (e.Choice("direct", "41 GiB dumped so far are lost; it is dumped again, straight to a volume", "", True),
               e.Choice("wait", "it stands still", "minutes"))
    asked = e.QuestionAsked(7, "HLD003", "D", "a:/x", "4 dumps need 212 GiB more, 9 GiB free, none coming", choices, "direct",
                            NOW + 9)
    text = report_text(made(*FACTS, asked, e.QuestionClosed(7, "direct", "", "deadline")))
    assert "HLD003D  a:/x: answered direct by deadline" in text
    assert "     asked: 4 dumps need 212 GiB more, 9 GiB free, none coming\n" in text
    assert "     means: 41 GiB dumped so far are lost; it is dumped again, straight to a" in text
    open_ = report_text(made(*FACTS, asked))
    assert "open; direct at" in open_ and "means: 41 GiB" in open_
    gone = report_text(made(*FACTS, asked, e.QuestionClosed(7, "", "", "withdrawn")))
    assert "withdrawn: the world answered" in gone and "means:" not in gone


def test_what_went_wrong_and_was_overcome_is_in_the_report() -> None:
    began = [e.DumpBegan(f"00-{n}", host, "/x", 0, "dumper0", "holding", f"/h/{host}", 1, 9) for n, host in enumerate("abc")]
    done = [e.DiskEnded(host, "/x", 0, "done", "") for host in "ab"]
    bad = "HLD012 /h/c: write: Input/output error"
    view = made(*FACTS[:-2], *began, e.DumpStalled("00-0", 2048, "disk"), e.DumpStalled("00-1", 2048, "allotment"),
                e.DumpRetried("b", "/x", 1, 3, NOW + 50, "HLD012 /h/b: write: Input/output error"),
                e.DumpRetried("c", "/x", 1, 3, NOW + 50, bad), *done, e.DiskEnded("c", "/x", 0, "failed", bad))
    section = report_text(view).split("ON THE WAY - what went wrong, and was tried again\n")[1].split("\n\n")[0]
    assert section.splitlines() == ["  a:/x: the file system of /h/a took no more",
                                    "  b:/x: attempt 1 of 3: HLD012 /h/b: write: Input/output error"]
    told = run_data(view, GAUGES, NOW, False)["setbacks"]
    assert [(one["host"], one["text"][:9]) for one in told] == [("a", "the file "), ("b", "attempt 1"), ("c", "attempt 1")]
    assert "ON THE WAY" not in report_text(made(*FACTS[:-2], *began, *done))


def test_nothing_waits_when_the_run_is_over() -> None:
    """The last gauges are as of a moment when it was at work."""
    for over in (run_data(made(*FACTS), GAUGES, NOW, False), run_data(made(*FACTS, e.RunEnded(0, 1, 0, 0)), GAUGES, NOW, True)):
        assert not over["act_by"]["at"] and all(not one["waits_for"] and not one["waits_until"] for one in over["disks"])
        assert all(not taper["waits_for"] for taper in over["tapers"]) and over["holding"][0]["runway"]["kib"] is None
    assert any(one["waits_for"] for one in run_data(made(*FACTS), GAUGES, NOW, True)["disks"])


def test_a_request_that_ends_with_the_run() -> None:
    asked = e.QuestionAsked(7, "HLD003", "A", "a", "no room", (e.Choice("wait", ""),), "wait", NOW)
    closed = e.QuestionClosed(7, "", "", "withdrawn")
    assert "withdrawn: the run was stopped" in report_text(made(*FACTS, asked, e.Stopping("anna", True), closed))
    assert "withdrawn: the world answered" in report_text(made(*FACTS, asked, closed, e.Stopping("anna", True)))


def test_disks_that_no_gauge_speaks_of() -> None:
    began = e.DumpBegan("00-00001", "a", "/x", 0, "dumper0", "holding", "/h/a", 1, 9)
    view = made(*FACTS, e.EstimateGot("e", "/x", 0, 5), began, e.DumpStalled("00-00001", 2048, "allotment"))
    assert why_waits(view.disks["e", "/x"], Gauges()) == "its client is asked for the size"
    assert why_waits(view.disks["a", "/x"], Gauges()) == "stands still: 2.0 MiB missing" and view.disks["a", "/x"].stalled
    assert why_waits(view.disks["b", "/x"], Gauges()) == "" and view.disks["a", "/x"].state is DiskState.STALLED


NO_VOLUME = ("TAP012 storage main: no volume may be written: slot 1 DAILY-001: younger than 14 days; slot 2 DAILY-002: younger "
             "than 14 days; slot 3 DAILY-003: younger than 14 days; load another volume")
ASKED = e.QuestionAsked(1, "TAP012", "A", "main", NO_VOLUME, (e.Choice("done", "looked at again"),), "degrade", NOW + 300)


def _all_wait(left: str) -> Gauges:
    """Each disk waits for the one request, as the engine says it."""
    why = f"goes straight to a volume of main, which waits: request 1 (TAP012), degrade in {left}: {ASKED.said}"
    return Gauges(at=NOW, waiting=dict.fromkeys(("a:/x", "b:/x", "c:/x", "d:/x"), why),
                  tapers={"taper0": (f"waits for hands: request 1 (TAP012), degrade in {left}: {ASKED.said}", NOW + 300)})


def test_a_request_says_its_code_and_its_reason_once_however_many_disks_wait_for_it() -> None:
    view = made(e.ChildBegan("taper0", 9, "main"), *PLAN, e.PlanComplete(4, 0), ASKED)
    flat = " ".join(status_text(view, _all_wait("5m00s"), NOW, True).split())
    assert "1 TAP012A main: storage main: no volume may be written" in flat and "TAP012 storage" not in flat
    assert flat.count("slot 1 DAILY-001") == 1, "the request's own line has it"
    assert "4 disks: goes straight to a volume of main, which waits: request 1 (TAP012), degrade in 5m00s a:/x L0" in flat
    assert "waits for hands: request 1 (TAP012), degrade in 5m00s" in flat
    assert all(len(line) <= 80 for line in status_text(view, _all_wait("5m00s"), NOW, True).splitlines())
    assert NO_VOLUME in json.dumps(run_data(view, _all_wait("5m00s"), NOW, True)), "what a program reads keeps the whole text"


def test_a_storage_that_takes_nothing_says_why_once() -> None:
    down = [e.TaperDown("taper0", "main", NO_VOLUME), e.Degraded("main", NO_VOLUME)]
    why = f"main takes nothing: {NO_VOLUME}; it stays on the holding disk"
    view = made(e.ChildBegan("taper0", 9, "main"), *PLAN, e.PlanComplete(4, 0), *down)
    flat = " ".join(status_text(view, Gauges(at=NOW, waiting={"a:/x": why, "b:/x": why}), NOW, True).split())
    assert flat.count("slot 1 DAILY-001") == 1 and "DEGRADED: storage main takes nothing: TAP012 storage main" in flat
    assert "1000 KiB, main takes nothing; it stays on the holding disk" in flat or "2 disks: main takes nothing" in flat


def test_a_long_reason_of_many_failed_disks_stands_once_above_them() -> None:
    why = "its dumptype says no holding disk, and there is no volume: every slot holds a volume that is still needed"
    ended = [e.DiskEnded(host, "/x", 0, "failed", why) for host in "abc"] + [e.DiskEnded("d", "/x", 0, "failed", "refused")]
    text = status_text(made(*PLAN, e.PlanComplete(4, 0), *ended), Gauges(), NOW, True, shown=3)
    flat = " ".join(text.split())
    assert f"FAILED (4) 3 disks: {why} a:/x L0 b:/x L0 c:/x L0 ... and 1 more" in flat


def test_requests_and_replies_say_the_code_once(capsys: pytest.CaptureFixture[str]) -> None:
    tell_request(ASKED)
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("1 TAP012A main: storage main: no volume may be written") and said.count("TAP012") == 1


def test_a_line_of_a_request_and_those_of_who_waits_for_it_say_it_once() -> None:
    view = made(*PLAN, e.PlanComplete(4, 0), ASKED)
    assert str(line_of(Record(9, NOW, ASKED), view)).startswith("REQUEST 1 TAP012A main: storage main: no volume may be")
    beside = Beside(0.0)
    assert beside.lines(view, _all_wait("5m00s"), 60.0, NOW) == [
        "WAITING a:/x, b:/x, c:/x and 1 more: goes straight to a volume of main, which waits: request 1 (TAP012)"]
    assert beside.lines(view, _all_wait("3m58s"), 122.0, NOW) == [], "only the clock went on"
