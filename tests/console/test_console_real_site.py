"""Every screen on a real site after a real run: what the door says is what is on the disks."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot

from tests.console.conftest import settled, text_of, typed
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
        for text in ("ENDED", "RESULT", f"alpha:{home}", "0m L0", "every dump is on a volume", "is next",
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
