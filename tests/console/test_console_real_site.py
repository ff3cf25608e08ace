"""Every screen on a real site after a real run: what the door says is what is on the disks."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.client.restores import Restoring, look, restorings
from tests.console.conftest import settled, text_of, typed
from tests.support.cli import ROOT
from tests.support.console_terminal import ConsoleTerminal
from tests.support.small_site import SmallSite
from tui.app import ConsoleApp
from tui.door import ClientDoor
from tui.screens.restore import RestoreScreen


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallSite:
    made = SmallSite(tmp_path, {"alpha:/home": {"letters/ana": b"dear reader\n" * 100, "notes": b"n"},
                                "beta:/etc": {"passwd": b"x"}})
    for name, value in made.env.items():
        monkeypatch.setenv(name, value)
    done = made.amdump()
    assert done.returncode == 0, made.logs()
    return made


def console(site: SmallSite, config: str) -> ConsoleApp:
    state = site.root / "state"
    return ConsoleApp(state, serve=False, guard=0.0, door=ClientDoor(state, config))


def screen(pilot: Pilot[int]) -> str:
    return text_of(cast(ConsoleApp, pilot.app))


async def test_all_places_of_a_real_site(site: SmallSite) -> None:
    home = str(site.data("alpha:/home"))
    async with console(site, str(site.config)).run_test(size=(200, 50)) as pilot:
        await settled(pilot)
        await settled(pilot)
        for text in ("ENDED", "RESULT", f"alpha:{home}", "0m L0", "no dump waits for a volume", "is next",
                     "none was checked yet"):
            assert text in screen(pilot)
        await typed(pilot, "enter")
        assert "on volume" in screen(pilot) and "1 part" in screen(pilot)
        await typed(pilot, "escape", "4")
        assert "T-001" in screen(pilot) and "NEXT" in screen(pilot)
        await typed(pilot, "home", "enter")
        assert home in screen(pilot)
        await typed(pilot, "5")
        assert "nothing lies on the holding disk" in screen(pilot)
        await typed(pilot, "6", "a")
        await settled(pilot)
        assert "2 clients  2 ok" in screen(pilot) and "taperoom" in screen(pilot)
        await typed(pilot, "7")
        assert "2/2" in screen(pilot) and "1 run" in screen(pilot)
        await typed(pilot, "v")
        assert "test" in screen(pilot)
        await typed(pilot, "escape", "colon", *f"restore alpha:{home}", "enter")
        await settled(pilot)
        await typed(pilot, "enter")
        await settled(pilot)
        assert "letters/" in screen(pilot) and "notes" in screen(pilot)
        await typed(pilot, "space", "i")
        await settled(pilot)
        way = cast(RestoreScreen, pilot.app.screen).way
        assert list(way.marked) == ["letters"] and way.needs.value is not None
        assert [need.label for need in way.needs.value.needs] == ["T-001"]
        assert way.needs.value.command.startswith("taperoom restore alpha:")
        assert "Dumps that have it" in screen(pilot)


async def test_the_configuration_is_found_by_what_the_run_says(site: SmallSite) -> None:
    async with console(site, "").run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await settled(pilot)
        assert "0m L0" in screen(pilot)


def over(one: Restoring) -> Restoring:
    """Wait until nobody holds its lock any more."""
    with open(one.path / "lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
    return look(one.path)


def files(top: Path) -> dict[str, bytes]:
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


async def test_files_are_marked_looked_at_and_restored(site: SmallSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    home, target = str(site.data("alpha:/home")), site.root / "back"
    async with console(site, str(site.config)).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await typed(pilot, "colon", *f"restore alpha:{home}", "enter", "enter")
        await typed(pilot, "f", *"ana", "enter", "enter", "v")
        assert "dear reader" in screen(pilot) and "from volume T-001" in screen(pilot)
        await typed(pilot, "escape", "space", "R")
        pilot.app.screen.query_one(Input).value = str(target)
        await typed(pilot, "enter")
        await settled(pilot)
        for text in ("1 file and 2 directories are written to", "1. T-001 of main", "slot 1"):
            assert text in screen(pilot), text
        assert not target.exists()
        await typed(pilot, "y")
        one = over(restorings(site.root / "state")[0])
        assert one.code == 0, one.said
        assert files(target) == {"letters/ana": b"dear reader\n" * 100}
        cast(ConsoleApp, pilot.app).known.stale()
        await typed(pilot, "w")
        await settled(pilot)
        assert "Restores  1" in screen(pilot) and " done" in screen(pilot) and "same as taperoom restore" in screen(pilot)
        assert cast(ConsoleApp, pilot.app).known.restorings.value == [one]


def test_a_restore_goes_on_when_the_console_is_left(site: SmallSite, tmp_path: Path) -> None:
    """Its tar waits at a gate that is opened when the console is gone; the next console finds it done."""
    gate, bin_ = tmp_path / "gate", tmp_path / "bin"
    os.mkfifo(gate)
    bin_.mkdir()
    (bin_ / "tar").write_text(f'#!/bin/sh\n[ -p {gate} ] && cat {gate} >/dev/null\nexec {shutil.which("tar")} "$@"\n')
    (bin_ / "tar").chmod(0o755)
    target = tmp_path / "back"
    environment = {**site.env, "PATH": f"{bin_}:{os.environ['PATH']}", "TAPEROOM_CONFIG": str(site.config)}
    with ConsoleTerminal("--state-dir", str(site.root / "state"), environment=environment) as terminal:
        terminal.until("ENDED")
        terminal.press("8")
        terminal.until("> alpha:")  # the head of the list is there before its rows
        terminal.press("\r")
        terminal.until("Dates  1")
        terminal.press("\r")
        terminal.until("notes")
        for line, came in ((f"lcd {target}", "files are restored to"), ("add notes", "1 name marked")):
            terminal.press(":")
            terminal.until("setdate, cd, add")  # what may be typed there
            terminal.press(f"{line}\r")
            terminal.until(came)
        terminal.press("R")
        terminal.until("tells what it takes")
        terminal.press("\r")
        terminal.until("1 file and 1 directory are written")
        terminal.press("y")
        terminal.until("the restore began")
        with open(gate, "wb"):  # opened when tar waits there
            one = restorings(site.root / "state")[0]
            assert one.alive and not target.joinpath("notes").exists()
            terminal.press("q")
            assert terminal.ended() == 0
            assert look(one.path).alive
        gate.unlink()
    one = over(one)
    assert one.code == 0, one.said
    assert files(target) == {"notes": b"n"}
    with ConsoleTerminal("--state-dir", str(site.root / "state"), environment=environment) as terminal:
        terminal.until("ENDED")
        terminal.press("8")
        terminal.until("restore to /")
        terminal.until("  done  1 file and 1 d")
        terminal.press("q")
        assert terminal.ended() == 0
