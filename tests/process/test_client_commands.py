"""Commands that stand on core.client: what they print, and their exit codes."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client.runs import Run
from core.holding.file import HoldingWriter
from core.holding.header import Header, Kind
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


def test_volumes_by_command(site: Path, capsys: Capture) -> None:
    for words, out in (
        (("label",), "storage main: slot 1 has the label D-01 now\n"),
        (("load", "D-01"), "storage main: slot 1 is loaded, D-01\n"),
        (("unload",), "storage main: slot 1 is unloaded\n"),
        (("erase", "D-01"), "storage main: volume D-01 in slot 1 is empty now; 32.0 KiB were erased\n"),
        (("retire", "D-01"), "volume D-01 is never overwritten\n"),
    ):
        said = call(capsys, "tape", *words)
        assert (said.code, said.out, said.err) == (0, out, "")
    said = call(capsys, "tape", "erase", "D-01")
    assert (said.code, said.err) == (2, "TAP021 volume D-01 is still needed: marked no-reuse\n"
                                     "  Hint: to lose what is on it type its label: --confirm D-01\n")
    assert call(capsys, "tape", "load", "9").err.startswith("TAP018 storage main has no slot 9 and no volume of that label\n")


def test_the_holding_disk_by_command(site: Path, capsys: Capture) -> None:
    said = call(capsys, "holding", "list")
    assert said.code == 0 and said.out.endswith("0 dumps, 0 B on no volume yet\n")
    path = site / "hold" / "20260101000000" / "git._home.0"
    header = Header(Kind.FILE, datestamp="20260101000000", host="git", disk="/home", program="GNUTAR")
    writer = HoldingWriter(path, chunksize=0)
    writer.begin(header)
    writer.write(memoryview(bytes(10_000)))
    writer.finish(header)
    lines = call(capsys, "holding", "list").out.splitlines()
    assert lines[1].split() == ["disk", "L", "size", "age", "state"]
    assert "git:/home" in lines[2] and lines[2].endswith("whole  waits for storage main")
    assert lines[3] == f"  {path}"
    assert lines[4] == "1 dump, 42.0 KiB on no volume yet; taperoom flush writes it"
    plain = json.loads(call(capsys, "holding", "list", "--json").out)
    assert (plain["dumps"][0]["path"], plain["dumps"][0]["word"]) == (str(path), "whole")
    said = call(capsys, "holding", "remove", str(path))
    assert (said.code, said.err.splitlines()[0]) == (
        2, "HLD020 git:/home level 0 of 20260101000000 is on no volume: this is its only copy")
    said = call(capsys, "holding", "remove", str(path), "--force")
    assert (said.code, said.out) == (0, "git:/home level 0 of 20260101000000 is removed, 42.0 KiB came free\n")
