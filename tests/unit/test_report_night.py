"""The whole report, the status screen and their JSON from a recorded night, against golden files.

TAPEROOM_WRITE_GOLDEN=1 writes the files again; look at them before you keep them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.events import event as e
from core.events.event import Event, Record
from core.events.gauges import Gauges
from core.events.view import DiskState, RunView
from core.report.background import Background
from core.report.data import questions_data, run_data
from core.report.morning import report_text, verdict, where
from core.report.progress import of_disk, of_run
from core.report.status import status_text
from core.report.text import width
from tests.support import recorded_run as recorded

GOLDEN = Path(__file__).parents[1] / "golden" / "report"


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def night(stage: str = "ended") -> RunView:
    view = RunView()
    cut = recorded.STAGES[stage]
    view.apply_all(Record(n, recorded.BEGAN + at, fact) for n, (at, fact) in enumerate(recorded.facts(), 1) if at <= cut)
    return view


def made(*facts: Event) -> RunView:
    view = RunView()
    began = e.RunBegan("20261123010203", "daily", "/etc/t.toml", "ana", 7, 2, 1, 4)
    view.apply_all(Record(n, 1795000000.0 + n, fact) for n, fact in enumerate((began, *facts), 1))
    return view


def background() -> Background:
    return Background(
        now=recorded.BEGAN + 15000, capacity={"main": 2 * (1 << 30)}, disks=(
            ("db01", "/srv"), ("build7", "/work"), ("mail", "/srv"), ("new", "/x")),
        last_good={("mail", "/srv"): recorded.BEGAN - 9 * 86400.0, ("build7", "/work"): recorded.BEGAN - 86400.0},
        next_volumes={"main": ("DailySet1-08 (slot 8)",), "offsite": ()}, bring=("to storage offsite: OFF-003",))


def golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("TAPEROOM_WRITE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()
    assert all(width(line) <= 80 for line in text.splitlines())


def test_the_report_of_a_bad_night() -> None:
    golden("ended.txt", report_text(night(), background()))


def test_the_report_without_a_background() -> None:
    golden("plain.txt", report_text(night()))


@pytest.mark.parametrize("stage", ["begun", "estimating", "dumping", "answered", "ended"])
def test_the_status_screen(stage: str) -> None:
    cut = recorded.STAGES[stage]
    gauges = recorded.gauges_at(cut) if stage != "ended" else Gauges()
    golden(f"status-{stage}.txt", status_text(night(stage), gauges, recorded.BEGAN + cut, stage != "ended"))


def test_a_run_that_wrote_nothing() -> None:
    assert report_text(RunView()) == "This run has written nothing; there is nothing to report.\n"
    assert status_text(RunView(), Gauges(), 0.0, True) == "The run has written nothing yet.\n"


def test_a_run_whose_driver_died() -> None:
    screen = status_text(night("dumping"), Gauges(), recorded.BEGAN + 9000, False)
    assert "NOT RUNNING: the run ended without a last word; 'taperoom cleanup' tidies up after it" in screen
    assert "NOT FINISHED" in report_text(night("dumping"))


def test_what_moved_with_a_driver_is_not_told_when_it_is_gone() -> None:
    cut = recorded.STAGES["dumping"]
    gauges, at = recorded.gauges_at(cut), recorded.BEGAN + cut
    gauges.act = (at + 60.0, "request 7: without an answer abort")
    screens = [status_text(night("dumping"), gauges, at, alive) for alive in (True, False)]
    lives, died = (" ".join(screen.split()) for screen in screens)
    for promise in ("ACT BY", "all dumped at about", "free", "taperoom reply", "/s,"):
        assert promise in lives and promise not in died, promise
    assert "REQUESTS (2 not answered; nobody waits for an answer any more)" in died
    assert "7 HLD003D mail:/srv" in died


def test_the_end_is_not_guessed_while_all_stand_still() -> None:
    view, gauges = night("dumping"), recorded.gauges_at(recorded.STAGES["dumping"])
    at = recorded.BEGAN + recorded.STAGES["dumping"]
    assert "all dumped at about" in " ".join(status_text(view, gauges, at, True).split())
    for disk in view.disks.values():
        if disk.state is DiskState.DUMPING:
            disk.state = DiskState.STALLED
    assert "all dumped at about" not in " ".join(status_text(view, gauges, at, True).split())


def test_one_reason_is_told_once_for_all_disks_of_a_client() -> None:
    text = report_text(made(*(e.DiskSkipped("web4", f"/d{n}", "connection refused", True) for n in range(10)),
                            e.RunEnded(1, 0, 10, 0)))
    assert text.count("connection refused") == 1
    assert "web4:/d7 and 2 more" in text.replace("\n    ", " ")
    assert "do:   taperoom run web4 (the next run tries it, too)" in text


def test_a_known_code_brings_its_remedy() -> None:
    text = report_text(made(e.DiskSkipped("web4", "/my data", "HLD003 no room", True), e.RunEnded(1, 0, 1, 0)))
    assert "direct: this dump again" in text
    assert "Then taperoom run 'web4:/my data'" in " ".join(text.split())


def test_a_disk_that_came_at_last_is_no_failure() -> None:
    ended = ("00-00001", "web1", "/home", 0)
    text = report_text(made(
        e.DumpBegan(*ended, "dumper0", "holding", "/h/a", 1, 100),
        e.DumpEnded(*ended, "try-again", "busy", "", 0, 0, 0.0, "", "", "", ""),
        e.DumpBegan(*ended, "dumper0", "holding", "/h/a", 2, 100),
        e.DumpEnded(*ended, "done", "", "/h/a", 100, 200, 1.0, "", "", "", ""),
        e.DiskEnded("web1", "/home", 0, "done", ""), e.FileRemoved("/h/a", "written"), e.RunEnded(0, 1, 0, 0)))
    assert "FAILED" not in text
    assert "ALL WELL" in text.splitlines()[0]


def test_a_reason_of_several_lines_has_them_below_each_other() -> None:
    text = report_text(made(e.DiskEnded("web1", "/home", 0, "failed", "DMP015 tar ended]\ntar: close:\x07 no space"),
                            e.RunEnded(1, 0, 1, 0)))
    assert "      why:  DMP015 tar ended]\n            tar: close:\\x07 no space\n      do:" in text


def test_half_a_copy_is_no_place_of_a_dump() -> None:
    """What a write that failed left on a volume; the one after it began anew."""
    ended, file = ("web1", "/home", 0), "/h/a"
    write = ("main", "web1", "/home", "20261123010203", 0)
    half = [
        e.DumpBegan("00-00001", *ended, "dumper0", "holding", file, 1, 100),
        e.DumpEnded("00-00001", *ended, "done", "", file, 100, 200, 1.0, "", "", "", ""),
        e.WriteBegan("90-00002", "taper0", *write, file, 100), e.PartWritten("90-00002", "main", "D-01", 8, 1, 60, ""),
        e.WriteEnded("90-00002", *write, "failed", "TAP013 no more", file, 60, 1, 1.0, "")]
    again = [
        e.WriteBegan("90-00003", "taper0", *write, file, 100), e.PartWritten("90-00003", "main", "D-02", 1, 1, 100, ""),
        e.WriteEnded("90-00003", *write, "done", "", file, 100, 1, 1.0, "")]
    assert [where(made(*facts).disks["web1", "/home"]) for facts in (half[:4], half, half + again)] == [
        ["D-01:8"], ["holding disk"], ["D-02:1"]]


def test_notes_are_told_once_and_deaths_with_their_last_words() -> None:
    note = e.Notice("RUN011", "W", "web1:/home", "planned twice")
    text = report_text(made(note, note, e.ChildDied("dumper1", "signal 9", "x\nkilled\n"), e.Degraded("main", "no volume"),
                            e.RunEnded(1, 0, 0, 0)))
    assert text.count("planned twice") == 1
    assert "dumper1 died: signal 9: killed" in text
    assert "storage main took nothing: no volume" in text


def test_strange_output_is_cut() -> None:
    said = "\n".join(f"? line {n}" for n in range(9))
    text = report_text(made(
        e.DumpStrange("00-00001", "web1", "/home", said), e.DiskEnded("web1", "/home", 0, "strange", ""),
        e.RunEnded(0, 1, 0, 0)))
    assert "? line 4" in text
    assert "? line 5" not in text
    assert "... and 4 more lines" in text


def test_stopped_and_paused() -> None:
    assert verdict(made(e.RunEnded(3, 0, 0, 0))) == "STOPPED"
    assert "PAUSED by ana for" in status_text(made(e.PlanComplete(0, 0), e.Paused("ana")), Gauges(), 1795000060.0, True)
    assert "stopping by ana for" in status_text(made(e.Stopping("ana", False)), Gauges(), 1795000060.0, True)


def test_long_lists_are_counted() -> None:
    planned = [e.DumpPlanned("h", f"/d{n:02d}", 1, 0, 1024, 1024, 1, -1, 0, "") for n in range(20)]
    screen = status_text(made(*planned), Gauges(waiting={"h:/d00": "no dumper free"}), 1795000060.0, True)
    assert "WAITING (20)" in screen
    assert "... and 14 more" in screen
    assert "1.0 MiB, no dumper free" in screen


def test_coverage_lists_the_worst_only() -> None:
    keys = tuple(("h", f"/d{n:02d}") for n in range(40))
    text = report_text(made(e.RunEnded(0, 0, 0, 0)), Background(now=1795000000.0, disks=keys))
    assert text.count("NEVER") == 20
    assert "... and 20 more" in text


def test_progress_of_a_disk() -> None:
    view = night("dumping")
    disk = view.disks["db01", "/srv"]
    gauges = Gauges(progress={disk.handle: (disk.estimate // 2, disk.estimate)})
    at = of_disk(disk, gauges, disk.began + 100)
    assert (at.percent, at.left) == (50, pytest.approx(100.0, rel=0.01))
    assert of_disk(disk, gauges, disk.began + 1).rate is None
    assert of_disk(disk, Gauges(), disk.began + 100).left is None


def test_progress_of_a_run_that_has_not_begun() -> None:
    at = of_run(made(), Gauges(), 1795000100.0)
    assert (at.planned, at.percent, at.rate, at.left) == (0, None, None, None)


def test_a_run_is_not_over_before_its_slowest_dump() -> None:
    view, began = night("dumping"), recorded.BEGAN
    now = began + recorded.STAGES["dumping"]
    slow = next(disk for disk in view.disks.values() if disk.state is DiskState.DUMPING)
    gauges = Gauges(now, {slow.handle: (slow.estimate // 1000, 0)})
    assert of_run(view, gauges, now).left == of_disk(slow, gauges, now).left


@pytest.mark.parametrize("stage", list(recorded.STAGES))
def test_json_has_the_same_facts(stage: str) -> None:
    view, cut = night(stage), recorded.STAGES[stage]
    plain = json.loads(json.dumps(run_data(view, recorded.gauges_at(cut), recorded.BEGAN + cut, True, background())))
    assert plain["run"] == recorded.STAMP
    assert len(plain["disks"]) == len(view.disks)
    assert sum(plain["counts"].values()) == len(view.disks)
    assert plain["live"] == (stage != "ended")
    assert [q["id"] for q in plain["requests"]] == list(view.questions)
    assert [q["id"] for q in questions_data(view, Gauges(), only_open=True)] == [q.asked.id for q in view.open_questions]
