"""The lines that stand beside the facts, and that plain lines say what the console says."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cli import follow
from core.cli.beside import PROGRESS_EVERY, WAITING_EVERY, Beside, progress_text
from core.client.runs import view_of
from core.events import event as e
from core.events import gauges as codec
from core.events.event import KINDS, Record
from core.events.gauges import Gauges
from core.events.view import RunView
from core.report.lines import choices_of
from tests.support import recorded_run as recorded


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def view(tmp_path: Path, stage: str = "dumping") -> RunView:
    return view_of(recorded.make_run(tmp_path, stage))


def test_nothing_is_said_at_first_and_nothing_without_gauges(tmp_path: Path) -> None:
    beside, found = Beside(0.0), view(tmp_path)
    assert beside.lines(found, Gauges(), 1e6, 1.0) == []
    assert beside.lines(found, recorded.gauges_at(8180), 1.0, recorded.BEGAN + 8180) == []
    found.ended = e.RunEnded(0, 1, 0, 0)
    assert beside.lines(found, recorded.gauges_at(8180), 1e6, recorded.BEGAN + 8180) == []


def test_why_disks_wait_is_said_when_it_changes(tmp_path: Path) -> None:
    beside, found = Beside(0.0), view(tmp_path)
    gauges = Gauges(1.0, waiting={"a:/1": "no dumper free", "b:/2": "no dumper free", "c:/3": "host busy\x1b[2J"})

    def said(now: float) -> list[str]:
        return beside.lines(found, gauges, now, recorded.BEGAN)

    assert said(WAITING_EVERY - 1) == []
    assert said(WAITING_EVERY) == ["WAITING c:/3: host busy\\x1b[2J", "WAITING a:/1, b:/2: no dumper free"]
    assert said(2 * WAITING_EVERY) == []
    gauges.waiting = {f"x{n}:/": "no dumper free" for n in range(9)}
    assert said(2 * WAITING_EVERY + 1) == ["WAITING x0:/, x1:/, x2:/ and 6 more: no dumper free"]
    gauges.waiting["y:/"] = "held"
    assert said(2 * WAITING_EVERY + 2) == []
    assert said(3 * WAITING_EVERY + 1) == ["WAITING y:/: held"]
    gauges.waiting = {}
    assert said(5 * WAITING_EVERY - 30) == []


def test_who_comes_and_who_leaves(tmp_path: Path) -> None:
    beside, found = Beside(0.0), view(tmp_path)
    told = [beside.lines(found, Gauges(1.0, consoles=names), 1.0, 1.0) for names in (
        ["ana:operate"], ["ana:operate", "bob(root):watch"], ["bob(root):watch"], ["bob(root):watch"])]
    assert told == [[], ["bob(root):watch attached"], ["ana:operate detached"], []]


def test_how_far_it_is_is_said_now_and_then(tmp_path: Path) -> None:
    beside, found, gauges = Beside(0.0), view(tmp_path), recorded.gauges_at(8180)
    gauges.waiting = {}
    at = recorded.BEGAN + 8180
    assert beside.lines(found, gauges, PROGRESS_EVERY, at) == [f"so far {progress_text(found, gauges, at)}"]
    assert beside.lines(found, gauges, 2 * PROGRESS_EVERY - 1, at) == []
    assert len(beside.lines(found, gauges, 2 * PROGRESS_EVERY, at)) == 1
    assert re.fullmatch(r"4/9 disks, 1 dumping, .* of .* \(\d+%\), .* on volumes, .*/s, .* left, 2 open requests",
                        progress_text(found, gauges, at))


def test_a_request_comes_with_the_command_for_each_choice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = view(tmp_path)
    asked = found.questions[7].asked
    follow.plain_line(Record(1, recorded.BEGAN, asked), found)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("00:15:00 REQUEST 7 HLD003D mail:/srv: ") and lines[0].endswith("default flush at 02:39:00")
    assert lines[1:] == [f"00:15:00   {choice}" for choice in choices_of(asked)]
    assert lines[1] == "00:15:00   taperoom reply 7 wait MINUTES: stands still for 10 minutes more; other dumps go on"


HOSTILE = "x\x1b]52;c;AAAA\x07\x1b[2J\u202e\n\rREQUEST 9 fake"


def hostile(kind: type) -> e.Event:
    """A fact of that kind whose every text wants to harm a terminal."""
    from dataclasses import fields

    values: dict[str, object] = {}
    for field in fields(kind):
        text = str(field.type)
        values[field.name] = {"int": 1, "float": 1.0, "bool": True}.get(text, HOSTILE)
        if "Choice" in text:
            values[field.name] = (e.Choice(HOSTILE, HOSTILE, HOSTILE),)
    return kind(**values)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_no_fact_moves_the_cursor(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found, record = RunView(), Record(1, 1.0, hostile(KINDS[name]))
    if name != "DiskEnded":  # its outcome is a word of ours
        found.apply(record)
    follow.plain_line(record, found)
    lines = capsys.readouterr().out.split("\n")[:-1]
    assert all(line.isprintable() for line in lines)
    assert len(lines) <= (2 if name == "QuestionAsked" else 1)


def test_following_says_what_stands_beside(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    run = recorded.make_run(tmp_path, "dumping")
    # One fact later every minute has gone by, and then the driver goes, too.
    clock = iter([0.0] + [1e4 * n for n in range(1, 100)])
    monkeypatch.setattr("core.cli.follow.time.monotonic", lambda: next(clock))
    looks = iter([True, True, False, False, False])
    monkeypatch.setattr(type(run), "live", lambda self: next(looks))
    seen = view_of(run).seq
    follow.follow(run, quiet_until=seen)
    lines = [line.split(" ", 1)[1] for line in capsys.readouterr().out.splitlines()]
    assert "WAITING fs-archive:/a: no dumper free: 4 of 4 at work" in lines
    assert "WAITING git:/home: not before 02:36:00: host busy" in lines
    assert any(line.startswith("so far 4/9 disks, 1 dumping, ") for line in lines)


def test_json_lines_are_facts_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = recorded.make_run(tmp_path, "ended")
    run.status.write_bytes(codec.encode(recorded.gauges_at(8180)))
    follow.follow(run, json=True)
    assert all(json.loads(line)["event"] in KINDS for line in capsys.readouterr().out.splitlines())
