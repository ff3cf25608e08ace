"""Each key of each screen, pressed: it does something that can be seen, or says why not; and each dialog's own keys."""

from __future__ import annotations

from typing import Any, cast

import pytest
from textual.pilot import Pilot

from core.client.runs import Run
from tests.console.conftest import Night, settled, text_of, typed
from tests.support import recorded_run
from tests.support.fake_hand import FakeHand
from tests.support.listening_driver import ListeningDriver
from tests.support.recorded_site import RecordedSite
from tui import keys
from tui.app import ConsoleApp
from tui.keys import Action
from tui.moment import Link
from tui.replaying import Playing
from tui.screens.acts import ActsScreen
from tui.screens.base import ConsoleScreen
from tui.screens.choose import ChooseScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.explain import ExplainScreen
from tui.screens.help import HelpScreen
from tui.screens.report import ReportScreen

ELSEWHERE = {
    "detach": "test_console_keys.test_q_detaches", "suspend": "test_console_terminal.test_sleep_and_come_back",
    "redraw": "test_console_terminal.test_redraw_paints_all_again",
}
"""Keys that end or stop the console, or whose work only a terminal sees, and the tests of those."""

PLACES = [place.name for place in keys.PLACES]
BEYOND = {"dump": ("enter",), "messages": ("x",), "keymap": ("end", "up", "up", "enter"), "restores": ("w",)}
"""Screens over others, and how one comes there."""


def console(pilot: Pilot[Any]) -> ConsoleApp:
    return cast(ConsoleApp, pilot.app)


async def at_place(pilot: Pilot[Any], name: str) -> None:
    """That screen, as it is when one comes to it."""
    app = console(pilot)
    app.player.come_back()
    app.feed.open_named("")
    await app.action_place(name if name in PLACES else {"keymap": "settings", "restores": "restore"}.get(name, "run"))
    await pilot.pause()
    for _ in range(6):
        cast(ConsoleScreen, app.screen).action_back()
    for key in BEYOND.get(name, ()):
        await pilot.press(key)
    app.clear_notifications()
    await settled(pilot)


def seen(pilot: Pilot[Any], hand: FakeHand, driver: ListeningDriver) -> tuple[object, ...]:
    """All that an operator, the site or the run could notice."""
    app = console(pilot)
    return (text_of(app), type(app.screen).__name__, app.theme, app.clipboard, len(hand.asked), len(driver.orders),
            len(app.sayings), str(app.focused), app.only, app.feed.link,
            sum(1 for asked in cast(RecordedSite, app.door).asked if asked[0] in ("check", "shelves")))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*PLACES, *BEYOND])
async def test_each_key_of_a_screen_does_something(
    name: str, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(night.folder))
    recorded_run.make_run(night.folder, "ended", "20261130001500")
    hand = FakeHand()
    night.at("dumping")
    silent = []
    async with ListeningDriver(Run(night.folder / "runs" / recorded_run.STAMP)) as driver, night.shown(
            (120, 40), hand=hand) as pilot:
        for action in keys.actions_of(name):
            if action.id in ELSEWHERE:
                continue
            for key in action.keys.split(","):
                await at_place(pilot, name)
                if name in ("plan", "protocol", "restore", "settings"):
                    await typed(pilot, "down" if name in ("plan", "settings") else "up")
                before = seen(pilot, hand, driver)
                await typed(pilot, key)
                if seen(pilot, hand, driver) == before:
                    silent.append((action.id, key))
    assert silent == []


async def test_each_key_of_time_does_something(night: Night) -> None:
    playing = Playing(Run(night.at("ended").folder / "runs" / recorded_run.STAMP), Link.REPLAY)
    async with night.shown((120, 40), playing=playing) as pilot:
        for action in keys.TIME:
            for key in action.keys.split(","):
                playing.seek(recorded_run.BEGAN + 8100)
                playing.replay.paused = True
                playing.replay.speed = 60.0
                console(pilot).clear_notifications()
                await settled(pilot)
                before = text_of(console(pilot))
                await typed(pilot, key)
                assert text_of(console(pilot)) != before, (action.id, key)


async def test_a_key_that_is_off_says_why_and_the_palette_names_each_action(night: Night) -> None:
    from tui.palette import Actions

    async with night.at("ended").shown((120, 40)) as pilot:
        for place in keys.PLACES:
            await typed(pilot, place.digit)
            screen = cast(ConsoleScreen, pilot.app.screen)
            told = [str(hit.text) async for hit in Actions(screen).discover()]
            for action in keys.actions_of(place.name):
                mine = [text for text in told if f": {action.help}   (" in text]
                assert len(mine) == 1, action.id
                assert ("off: " in mine[0]) == bool(_why_not(pilot, action)), action.id
            for other in keys.PLACES:
                assert any(text.startswith(f"{other.name}: ") for text in told)


def _why_not(pilot: Pilot[Any], action: Action) -> str:
    screen = cast(ConsoleScreen, pilot.app.screen)
    return console(pilot).actor.why_not(action.act, screen.subject()) if action.act else ""


@pytest.mark.parametrize(("stage", "way", "dialog", "leave"), [
    ("dumping", ("question_mark",), HelpScreen, ("escape", "q", "question_mark", "f1", "enter")),
    ("dumping", ("at",), ActsScreen, ("escape", "q", "at", "enter")),
    ("dumping", ("x", "enter"), ExplainScreen, ("escape", "q", "x", "enter", "space")),
    ("dumping", ("7", "down", "v"), ReportScreen, ("escape", "q", "v", "enter")),
    ("dumping", ("P",), ConfirmScreen, ("escape", "n", "q", "enter")),
    ("dumping", ("S",), ChooseScreen, ("escape",)),
])
async def test_each_dialog_opens_scrolls_and_is_left_by_each_of_its_keys(
    stage: str, way: tuple[str, ...], dialog: type[Any], leave: tuple[str, ...], night: Night
) -> None:
    night.at(stage)
    async with ListeningDriver(Run(night.folder / "runs" / recorded_run.STAMP)) as driver, night.shown() as pilot:
        for key in leave:
            await at_place(pilot, "run")
            await typed(pilot, *way)
            assert isinstance(pilot.app.screen, dialog)
            await typed(pilot, "down", "up", "j", "k")
            if not issubclass(dialog, ConfirmScreen | ChooseScreen):
                await typed(pilot, "pagedown", "pageup", "ctrl+f", "ctrl+b")
            assert isinstance(pilot.app.screen, dialog)
            await typed(pilot, key)
            assert not isinstance(pilot.app.screen, dialog), key
        assert driver.orders == []
        assert pilot.app.is_running


async def test_ctrl_q_detaches_from_every_dialog(night: Night) -> None:
    for way in (("question_mark",), ("at",), ("x", "enter"), ("7", "down", "v"), ("P",), ("S",), ("r",)):
        async with night.at("dumping").shown() as pilot:
            await typed(pilot, *way)
            await pilot.press("ctrl+q")
        assert console(pilot).detached, way
