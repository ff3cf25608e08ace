"""Commands that stand on core.client: what they print, and their exit codes."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client.runs import Run
from tests.support import recorded_run as recorded
from tests.support.cli import call, write_site

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("TAPEROOM_CONFIG", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # Not tmp_path: a control socket's path may have 107 bytes only.
    directory = Path(tempfile.mkdtemp(prefix="tr-"))
    write_site(directory)
    monkeypatch.chdir(directory)
    monkeypatch.setenv("XDG_CACHE_HOME", str(directory / "cache"))
    yield directory
    shutil.rmtree(directory)


def night(site: Path, stage: str = "ended") -> Run:
    return recorded.make_run(site / "state", stage)


def test_replay_in_lines(site: Path, capsys: Capture) -> None:
    night(site)
    said = call(capsys, "replay", "--lines")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "00:15:00 run 20261201001500 of DailySet1 began: 9 disks on 8 clients, by cron"
    assert lines[-1] == "04:24:58 run ended: 7 done, 2 failed, 1 dump left on holding disk; exit code 1"
    assert any("NO-ROOM mail:/srv" in line for line in lines)
    # Without a terminal there are lines, too, and nobody waits for them.
    assert call(capsys, "replay").out == said.out


def test_replay_from_a_time_of_day(site: Path, capsys: Capture) -> None:
    night(site)
    lines = call(capsys, "replay", "2026", "--from", "04:20", "--lines").out.splitlines()
    assert lines[0].startswith("04:20:00 from here on; ")
    assert lines[1].startswith("04:24:50 ") and lines[-1].startswith("04:24:58 ")
    assert call(capsys, "replay", "--from", "00:15").out.startswith("00:15:00 run 2026")


@pytest.mark.parametrize(("words", "said"), [
    (("--from", "late"), "CFG006 --from late: that is no time of day"),
    (("--from", "12:00"), "CFG006 --from 12:00: the run was from 00:15:00 to 04:24:58"),
    (("--speed", "0"), "CFG006 --speed 0: it is between 1 and 1000"),
    (("1999",), "RUN022 there is no run '1999'; the last ones are 20261201001500"),
    (("no.zip",), "RUN026 no.zip: No such file or directory"),
])
def test_replay_of_what_is_not_there(site: Path, capsys: Capture, words: tuple[str, ...], said: str) -> None:
    night(site)
    found = call(capsys, "replay", *words)
    assert (found.code, found.out, found.err.splitlines()[0]) == (2, "", said)


def test_export_and_replay_without_a_configuration(site: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    night(site)
    said = call(capsys, "export", "2026")
    assert said.code == 0
    assert said.out.startswith("taperoom-20261201001500.zip, ")
    assert said.out.endswith("see it with: taperoom replay taperoom-20261201001500.zip\n")
    lines = call(capsys, "replay", "--lines").out
    (site / "taperoom.toml").unlink()
    monkeypatch.setenv("HOME", str(site))
    said = call(capsys, "replay", "taperoom-20261201001500.zip")
    assert (said.code, said.out, said.err) == (0, lines, "")


def test_the_console_that_replays(site: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    run = night(site)
    became: list[list[str]] = []
    monkeypatch.setattr("core.cli.show.can_show_console", lambda: True)
    monkeypatch.setattr("os.execvp", lambda program, words: became.append(words))
    call(capsys, "replay", "--speed", "200", "--from", "02:30")
    assert became[0][3:] == ["tui", "--state-dir", str(run.path.parent.parent), "--run", run.datestamp, "--replay", "--speed",
                             "200", "--from", f"{recorded.BEGAN + 8100:.0f}"]
