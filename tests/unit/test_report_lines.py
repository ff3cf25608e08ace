"""A line for each fact: one test for every class of event, with the exact text."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator

import pytest

from core.events import event as e
from core.events.event import Event, Record
from core.events.gauges import Gauges
from core.events.view import RunView
from core.model.dump import Outcome
from core.report.lines import line_of
from core.report.morning import report_text
from core.report.status import status_text
from core.report.text import rate, took

AT = 1795000000.0


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def told(event: Event, *before: Event) -> str | None:
    view = RunView()
    for number, fact in enumerate((*before, event), 1):
        record = Record(number, AT, fact)
        view.apply(record)
    return line_of(record, view)


FILL: dict[type, object] = {int: 1, float: 1.0, bool: True, Outcome: Outcome.FAILED}
BEGAN = e.RunBegan("20261123010203", "daily", "/etc/t.toml", "ana", 7, 2, 1, 4)
DUMP = e.DumpBegan("00-00001", "web1", "/home", 1, "dumper0", "holding", "/h/x", 1, 100)
WRITE = e.WriteBegan("01-00002", "taper0", "main", "web1", "/home", "20261123010203", 1, "/h/x", 2048)
ASKED = e.QuestionAsked(
    7, "HLD003", "D", "holding", "no room", (e.Choice("wait", "waits", "minutes"), e.Choice("abort", "ends")), "wait", AT + 60)

CASES: list[tuple[Event, tuple[Event, ...], str | None]] = [
    (BEGAN, (), "run 20261123010203 of daily began: 1 disk on 2 clients, by ana"),
    (e.RunEnded(1, 3, 1, 2), (), "run ended: 3 done, 1 failed, 2 dumps left on holding disk; exit code 1"),
    (e.RunEnded(0, 3, 0, 0), (), "run ended: 3 done, 0 failed; exit code 0"),
    (e.HoldingFound("/h", 2048, 1024, 30), (), "holding disk /h: 1.0 MiB to use of 2.0 MiB"),
    (e.ChildBegan("dumper0", 1), (), None),
    (e.ChildDied("dumper0", "signal 9", "a\nlast words\n"), (), "DMP029E DIED dumper0: signal 9: last words"),
    (e.ChildDied("dumper0", "status 1", ""), (), "DMP029E DIED dumper0: status 1"),
    (e.EstimateBegan("web1"), (), "asking web1 for sizes"),
    (e.EstimateGot("web1", "/home", 0, 5), (), None),
    (e.EstimateMissing("web1", "/home", "no tar"), (), "NO SIZE of web1:/home: no tar"),
    (e.DumpPlanned("web1", "/home", 1, 0, 1024, 2048, 5, -1, 0, "full due"), (),
     "planned web1:/home level 0, 1.0 MiB (full due)"),
    (e.DumpPlanned("web1", "/home", 1, 0, 1024, 2048, 5, -1, 0, ""), (), "planned web1:/home level 0, 1.0 MiB"),
    (e.FlushPlanned("web1", "/home", "20261122", 0, "/h/x", 1024), (), "to flush: web1:/home level 0 of 20261122, 1.0 MiB"),
    (e.DiskSkipped("web1", "/home", "held", False), (), "skipped web1:/home: held"),
    (e.DiskSkipped("web1", "/home", "gone", True), (), "FAILED web1:/home: gone"),
    (e.PlanComplete(1, 0), (), "the plan is complete: 1 dump"),
    (e.PlanComplete(2, 1), (), "the plan is complete: 2 dumps, 1 dump to flush"),
    (DUMP, (), "dumping web1:/home level 1 to holding disk (dumper0)"),
    (e.DumpBegan("00-00001", "web1", "/home", 1, "dumper0", "tape", "", 2, 100), (),
     "dumping web1:/home level 1 straight to tape (dumper0, attempt 2)"),
    (e.DumpStalled("00-00001", 1024, "allotment"), (DUMP,), "HLD024W NO-ROOM web1:/home: 1.0 MiB missing: allotment"),
    (e.DumpStalled("09-00009", 1024, ""), (), "HLD024W NO-ROOM 09-00009: 1.0 MiB missing"),
    (e.DumpResumed("00-00001", "/h/x", 2048), (DUMP,), "CONTINUE web1:/home: 2.0 MiB more"),
    (e.DumpStrange("00-00001", "web1", "/home", "\n? changed\n? more"), (DUMP,), "STRANGE web1:/home: ? changed"),
    (e.DumpEnded("00-00001", "web1", "/home", 1, "done", "", "/h/x", 1024, 4096, 2.0, "", "", "", ""), (DUMP,),
     "dumped web1:/home level 1: 1.0 MiB in 2.0s, 2.0 MiB/s"),
    (e.DumpEnded("00-00001", "web1", "/home", 1, "strange", "", "/h/x", 1024, 0, 0.0, "", "", "", ""), (DUMP,),
     "dumped web1:/home level 1: 1.0 MiB in 0.0s"),
    (e.DumpEnded("00-00001", "web1", "/home", 1, "try-again", "busy", "", 0, 0, 0.0, "", "", "", ""), (DUMP,),
     "TRY-AGAIN web1:/home level 1: busy"),
    (e.DumpRetried("web1", "/home", 1, 3, AT + 60, "busy"), (),
     "TRY-AGAIN web1:/home: attempt 1 of 3 did not work, again at 11:07:40: busy"),
    (e.DumpRetried("web1", "/home", 1, 3, AT, "busy"), (),
     "TRY-AGAIN web1:/home: attempt 1 of 3 did not work, again at once: busy"),
    (e.DumpRetried("web1", "/home", 0, 3, AT, "busy; ordered by ana"), (),
     "TRY-AGAIN web1:/home: again at once: busy; ordered by ana"),
    (e.DiskWaited("web1", "/home", "client busy", 61.0), (), None),
    (e.TaperWaited("taper0", "main", "dump", 61.0), (), None),
    (e.DiskEnded("web1", "/home", 1, "done", ""), (), None),
    (e.DiskEnded("web1", "/home", 1, "strange", ""), (), None),
    (e.DiskEnded("web1", "/home", 1, "done", "left on the holding disk"), (), "web1:/home: left on the holding disk"),
    (e.DiskEnded("web1", "/home", 1, "failed", "gone"), (DUMP,), "FAILED for tonight: web1:/home"),
    (e.DiskEnded("web1", "/home", 1, "failed", "gone"), (), "FAILED for tonight: web1:/home: gone"),
    (e.DiskEnded("web1", "/home", 1, "skipped", "stopped"), (), "SKIPPED for tonight: web1:/home: stopped"),
    (e.TaperReady("taper0", "main", "drive0", "D-01"), (), "storage main is ready (drive0, next volume D-01)"),
    (e.TaperReady("taper0", "main", "", ""), (), "storage main is ready (taper0)"),
    (e.TaperDown("taper0", "main", "no volume"), (), "NO VOLUME in storage main: no volume"),
    (e.VolumeBegan("taper0", "main", "D-01", 1), (), "volume D-01 of storage main began, number 1 of this run"),
    (e.RunClosing(0, 3, 0, 0), (), None),
    (e.VolumeDescribed("taper0", "main", "D-01", 4, 96, ""), (), "volume D-01 describes itself in file 4: 96.0 KiB"),
    (e.VolumeEnded("taper0", "main", "D-01", 2048, 3), (), "volume D-01 of storage main ended: 2.0 MiB in 3 parts"),
    (e.Degraded("main", "no volume"), (), "DEGRADED: storage main takes nothing: no volume"),
    (WRITE, (), "writing web1:/home level 1 to storage main, 2.0 MiB"),
    (e.PartWritten("01-00002", "main", "D-01", 4, 2, 1024, "x"), (WRITE,), "part 2 of web1:/home is on D-01 file 4: 1.0 MiB"),
    (e.WriteEnded("01-00002", "main", "web1", "/home", "20261123010203", 1, "done", "", "/h/x", 2048, 2, 1.0, "x"), (WRITE,),
     "wrote web1:/home level 1 to storage main: 2.0 MiB, 2 parts"),
    (e.WriteEnded("01-00002", "main", "web1", "/home", "20261123010203", 1, "failed", "EIO", "/h/x", 0, 0, 1.0, ""), (WRITE,),
     "FAILED writing web1:/home level 1 to storage main: EIO"),
    (e.FileRemoved("/h/x", "written"), (), None),
    (ASKED, (), "REQUEST 7 HLD003D holding: no room [wait|abort] default wait at 11:07:40"),
    (e.QuestionClosed(7, "wait", "5", "ana"), (ASKED,), "request 7 is answered: wait 5, by ana"),
    (e.QuestionClosed(7, "", "", "withdrawn"), (ASKED,), "request 7 is withdrawn: the world answered it"),
    (e.OperatorActed("ana", "PAUSE", "OK"), (), "order of ana: PAUSE: OK"),
    (e.Notice("DMP007", "W", "web1", "slow"), (), "DMP007W web1: slow"),
    (e.Paused("ana"), (), "RUN047W PAUSED by ana: no new dump is started"),
    (e.Resumed("ana"), (), "resumed by ana"),
    (e.Stopping("ana", False), (), "RUN048W STOPPING after the dumps under way, by ana"),
    (e.Stopping("ana", True), (), "RUN048W STOPPING now, by ana"),
    (e.CopyVerified("ana", "web1", "/home", "20261123010203", 0, "main", "20261123010203", "", 5, 1.0, "good", "stored"), (),
     None),
    (e.DiskDrilled("ana", "web1", "/home", "20261123010203", 10, 5, 50, 2.0, "frames", 7, "good"), (), None),
]


@pytest.mark.parametrize(("event", "before", "expected"), CASES, ids=[
    f"{type(case[0]).__name__}-{number}" for number, case in enumerate(CASES)])
def test_the_line(event: Event, before: tuple[Event, ...], expected: str | None) -> None:
    assert told(event, *before) == expected


def test_every_kind_of_event_has_a_case() -> None:
    assert {type(case[0]) for case in CASES} == set(typing.get_args(Event))


def test_foreign_text_cannot_move_the_cursor() -> None:
    line = told(e.EstimateMissing("web1\x1b[2J", "/ho\nme", "tar:\r\x07 gone\udcff"))
    assert line == "NO SIZE of web1\\x1b[2J:/ho\\nme: tar:\\r\\x07 gone\\udcff"


def test_times_and_rates() -> None:
    assert [took(0.04), took(9.96), took(61)] == ["0.0s", "10.0s", "1m01s"]
    assert [rate(1024, 0.5), rate(1, 0)] == ["2.0 MiB/s", ""]


@pytest.mark.parametrize("kind", typing.get_args(Event), ids=lambda kind: kind.__name__)
def test_no_text_of_a_journal_from_elsewhere_moves_a_cursor(kind: type) -> None:
    """In any field of any fact, alone and after the facts that give handles a name."""
    bad = "\u202e\x1b[2J\nx"
    hints = typing.get_type_hints(kind)
    given: dict[str, object] = {
        field.name: bad if hints[field.name] is str else
        (e.Choice(bad, bad, bad, True),) if field.name == "choices" else typing.cast(object, FILL.get(hints[field.name], ()))
        for field in dataclasses.fields(kind)}
    event = kind(**given)
    for before in ((), (BEGAN, DUMP, WRITE)):
        view = RunView()
        for number, fact in enumerate((*before, event), 1):
            view.apply(Record(number, AT, fact))
        assert (line_of(Record(9, AT, event), view) or "x").isprintable()
        for text in (report_text(view), status_text(view, Gauges(), AT, True)):
            assert text.replace("\n", "").isprintable()
