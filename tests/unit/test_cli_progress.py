"""The line of long commands: how far, and how long it will still take; drawn again only on a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import show
from core.cli.progress import ProgressLine

MIB = 1 << 20


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def terminal(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr(show, "can_redraw", lambda: there)


def test_how_far_and_how_long(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    terminal(monkeypatch, True)
    line = ProgressLine(clock=clock)
    line.of_bytes(0, 4 * MIB, "web1:/home")
    assert capsys.readouterr().out == "\r\x1b[K0% 0 B of 4.0 MiB: web1:/home"
    line.of_bytes(MIB, 4 * MIB, "at once again")
    assert capsys.readouterr().out == ""
    clock.now += 10
    line.of_bytes(MIB, 4 * MIB, "web1:/home level 0 of 20260101000000, volume T-001 file 3")
    assert capsys.readouterr().out == "\r\x1b[K25% 1.0 MiB of 4.0 MiB, 30s left: web1:/home level 0 of 20260101000000, volu.."
    line.erase()
    line.erase()
    assert capsys.readouterr().out == "\r\x1b[K"
    line.of_bytes(4 * MIB, 4 * MIB, "a\nb")
    assert capsys.readouterr().out == "\r\x1b[K100% 4.0 MiB of 4.0 MiB: a\\nb"


def test_what_was_done_before_the_first_line_tells_nothing_about_speed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    terminal(monkeypatch, True)
    line = ProgressLine(clock=clock)
    line.of_bytes(2 * MIB, 4 * MIB, "x")
    clock.now += 5
    line.of_bytes(3 * MIB, 4 * MIB, "x")
    assert capsys.readouterr().out.endswith("75% 3.0 MiB of 4.0 MiB, 5s left: x")


def test_things_one_after_the_other(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    terminal(monkeypatch, True)
    line = ProgressLine(clock=clock)
    line.of_many(1, 3, "web1:/home: restoring")
    clock.now += 60
    line.of_many(2, 3, "web1:/var: restoring 1.0 MiB")
    assert capsys.readouterr().out.split("\r\x1b[K")[1:] == [
        "1 of 3: web1:/home: restoring", "2 of 3, 2m00s left: web1:/var: restoring 1.0 MiB"]


def test_plain_lines_are_few(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    terminal(monkeypatch, False)
    line = ProgressLine(clock=clock)
    for second in range(301):
        line.of_bytes(second * MIB, 300 * MIB, "x")
        clock.now += 1
    line.erase()
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["3% 10.0 MiB of 300 MiB, 4m50s left: x", "10% 30.0 MiB of 300 MiB, 4m30s left: x"]
    assert len(lines) == 11 and not any("\x1b" in text or "\r" in text for text in lines)


def test_a_short_command_has_no_plain_line_and_a_silent_one_none_at_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    terminal(monkeypatch, False)
    line = ProgressLine(clock=clock)
    line.of_bytes(0, 10, "x")
    clock.now += 9
    line.of_bytes(9, 10, "x")
    for there in (True, False):
        terminal(monkeypatch, there)
        silent = ProgressLine(silent=True, clock=clock)
        silent.of_bytes(0, 10, "x")
        clock.now += 99
        silent.of_bytes(9, 10, "x")
        silent.erase()
    assert capsys.readouterr().out == ""


def test_a_program_that_looks_on_finds_the_same_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], clock: Clock, tmp_path: Path
) -> None:
    terminal(monkeypatch, False)
    gauge = tmp_path / "progress.json"
    monkeypatch.setenv("TAPEROOM_PROGRESS", str(gauge))
    line = ProgressLine(silent=True, clock=clock)
    line.of_bytes(0, 4 * MIB, "first\n\udce9")
    assert json.loads(gauge.read_text()) == {"done": 0, "total": 4 * MIB, "what": "first\n\udce9", "left": -1.0}
    clock.now += 0.1
    line.of_bytes(MIB, 4 * MIB, "too soon")
    assert json.loads(gauge.read_text())["done"] == 0
    clock.now += 9.9
    line.of_bytes(MIB, 4 * MIB, "next")
    assert json.loads(gauge.read_text()) == {"done": MIB, "total": 4 * MIB, "what": "next", "left": 30.0}
    assert capsys.readouterr().out == "" and [path.name for path in tmp_path.iterdir()] == ["progress.json"]
    monkeypatch.setenv("TAPEROOM_PROGRESS", str(tmp_path / "none" / "progress.json"))
    ProgressLine(clock=clock).of_bytes(0, MIB, "it goes on")
