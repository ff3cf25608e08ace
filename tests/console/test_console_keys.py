"""Every key does what the table of actions says; nothing acts on the run without an operator who meant it."""

from __future__ import annotations

from typing import cast

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from core.client.runs import Run
from core.events.view import DiskState
from core.protocol import operator as op
from tests.console.conftest import Night, settled, text_of, typed
from tests.support import recorded_run
from tests.support.listening_driver import ListeningDriver
from tui import keys
from tui.app import ConsoleApp
from tui.moment import Link
from tui.screens.help import HelpScreen
from tui.screens.protocol import ProtocolScreen
from tui.screens.request import RequestScreen
from tui.screens.run import RunScreen
from tui.widgets.prompt import Prompt
from tui.widgets.ringlog import RingLog
from tui.widgets.table import Table


def console(pilot: Pilot[int]) -> ConsoleApp:
    return cast(ConsoleApp, pilot.app)


def said(pilot: Pilot[int]) -> list[str]:
    return [notification.message for notification in console(pilot)._notifications]


def run_of(night: Night) -> Run:
    return Run(night.folder / "runs" / recorded_run.STAMP)


async def test_digits_go_to_screens(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        for place in keys.PLACES:
            await typed(pilot, place.digit)
            assert pilot.app.current_mode == place.name


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_q_detaches(night: Night, key: str) -> None:
    async with night.at("dumping").shown() as pilot:
        await pilot.press(key)
    assert (console(pilot).detached, pilot.app.return_code) == (True, 0)


async def test_q_closes_the_help_and_ctrl_q_detaches_anywhere(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "question_mark", "q")
        assert isinstance(pilot.app.screen, RunScreen)
        await typed(pilot, "colon")
        await pilot.press("ctrl+q")
    assert console(pilot).detached


async def test_q_detaches_from_a_request_and_leaves_it_open(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown() as pilot:
        await typed(pilot, "r")
        await pilot.press("q")
    assert console(pilot).detached
    assert driver.orders == []


async def test_ctrl_c_ends_nothing(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "ctrl+c", "ctrl+c")
        assert pilot.app.is_running
        assert said(pilot)[0] == "q detaches; the run goes on"


async def test_help_lists_every_key_of_the_screen(night: Night) -> None:
    async with night.at("dumping").shown((120, 60)) as pilot:
        await typed(pilot, "3", "question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        shown = text_of(console(pilot))
        assert "only the next channel, then all again" in shown
        assert "give up the dump" not in shown
        await typed(pilot, "escape")
        assert isinstance(pilot.app.screen, ProtocolScreen)


async def test_every_action_has_a_handler(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        for place in keys.PLACES:
            await typed(pilot, place.digit)
            for action in keys.actions_of(place.name):
                name = action.action.partition("(")[0]
                assert hasattr(pilot.app.screen, f"action_{name}"), (place.name, action.id)


async def test_no_key_is_taken_twice_on_a_screen() -> None:
    for place in keys.PLACES:
        taken = [key for action in keys.actions_of(place.name) for key in action.keys.split(",")]
        taken += [p.digit for p in keys.PLACES]
        assert len(taken) == len(set(taken)), place.name


async def test_filter_as_one_types_and_esc(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        table = pilot.app.screen.query_one("#disks", Table)
        await typed(pilot, "slash", "w", "e", "b")
        assert [row.cells[1][0] for row in table.rows] == ["web01:/var", "web02:/var"]
        await typed(pilot, "enter")
        assert pilot.app.focused is table
        assert "filter: web  2/9" in text_of(console(pilot))
        await typed(pilot, "escape")
        assert len(table.rows) == 9
        await typed(pilot, "slash", "exclamation_mark", "s", "r", "v", "escape")
        assert (len(table.rows), table.filter) == (9, "")


async def test_go_to_places_disks_runs_and_nowhere(night: Night) -> None:
    recorded_run.make_run(night.folder, "ended", "20261130001500")
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "colon", *"tap", "enter")
        assert pilot.app.current_mode == "tapes"
        await typed(pilot, "colon", *"disk ", "tab", "enter")
        assert pilot.app.current_mode == "run"
        assert pilot.app.screen.query_one("#disks", Table).key == "db01\0/srv"
        await typed(pilot, "colon", *"02-00031", "enter")
        assert cast(ProtocolScreen, pilot.app.screen).only.text == "02-00031"
        await typed(pilot, "colon", *"word no-room", "enter")
        assert len(cast(ProtocolScreen, pilot.app.screen).log_pane.shown()) == 1
        await typed(pilot, "colon", *"word abort-finished", "enter")
        assert "nothing of what was said fits; esc shows all" in text_of(console(pilot))
        await typed(pilot, "colon", *"nowhere", "enter")
        assert "CON003 nowhere is called 'nowhere'; ? lists the places" in said(pilot)
        await typed(pilot, "colon", *"run 20261130", "enter")
        assert console(pilot).feed.run == Run(night.folder / "runs" / "20261130001500")
        assert pilot.app.current_mode == "run"
        assert "ENDED" in text_of(console(pilot))
        await typed(pilot, "colon", *"live", "enter")
        assert console(pilot).feed.run == run_of(night)
        await typed(pilot, "colon", *"theme paper", "enter", "colon", *"theme none", "enter")
        assert pilot.app.theme == "taperoom-paper"
        assert any(line.startswith("CON010 there is no theme 'none'") for line in said(pilot))


async def test_space_holds_the_traffic_while_more_comes(night: Night) -> None:
    night.at("dumping")
    async with night.shown() as pilot:
        log = pilot.app.screen.query_one(RingLog)
        await typed(pilot, "space")
        before = [log.render_line(y).text for y in range(log.size.height)]
        with open(run_of(night).traffic, "a") as more:
            more.writelines(f"{night.now():.6f} dumper1 > driver PROGRESS 01-00099 {n} {n}\n" for n in range(5_000))
        await settled(pilot)
        assert [log.render_line(y).text for y in range(log.size.height)] == before
        assert "PAUSED +5" in text_of(console(pilot))
        await typed(pilot, "space")
        assert "01-00099 4999" in log.render_line(log.size.height - 1).text
        assert console(pilot).feed.traffic.total == 5_241


async def test_a_console_without_frames_holds_no_more_lines_than_its_panes_and_counts_them_all(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        feed = console(pilot).feed
        with open(run_of(night).traffic, "a") as more:
            more.writelines(f"{night.now():.6f} dumper1 > driver PROGRESS 01-00099 {n} {n}\n" for n in range(50_000))
        while feed.pump():
            assert len(feed.fresh) <= 20_000
        console(pilot).frame()
        await pilot.pause()
        log = pilot.app.screen.query_one(RingLog)
        assert len(log.shown()) == 20_000 and log.shown()[-1].text == "PROGRESS 01-00099 49999 49999"
        assert "Protocol  50 241 FOLLOW" in text_of(console(pilot))
        await typed(pilot, "3")
        assert "50 241 FOLLOW" in text_of(console(pilot)) or "20 000 FOLLOW" in text_of(console(pilot))


async def test_moving_up_pauses_and_the_end_follows(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "3", "k", "k")
        screen = cast(ProtocolScreen, pilot.app.screen)
        assert not screen.log_pane.following
        assert "KiB written and KiB before compression" in text_of(console(pilot))
        await typed(pilot, "v")
        assert screen.only.text == "02-00031"
        await typed(pilot, "escape", "g")
        assert screen.log_pane.current is not None and screen.log_pane.current.number == 1
        await typed(pilot, "G")
        assert screen.log_pane.following
        await typed(pilot, "c")
        assert screen.only.channel == "dumper0"


async def test_export_and_copy(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(night.folder))
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "3", "w", "w", "e", "y")
        written = night.folder / f"taperoom-{recorded_run.STAMP}-traffic.txt"
        assert written.read_text() == "02:29:41 dumper2 > driver NO-ROOM 02-00031 2254857216 allotment\n"
        assert pilot.app.clipboard == "NO-ROOM 02-00031 2254857216 allotment"


async def test_traffic_of_a_disk(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "p")
        assert pilot.app.current_mode == "protocol"
        about = cast(ProtocolScreen, pilot.app.screen).only.about
        assert about is not None and (about.key, about.handles) == (("mail", "/srv"), {"02-00031"})


async def test_an_answer_takes_two_keys(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown() as pilot:
        await typed(pilot, "r", "f")
        assert driver.orders == [op.Answer(7, "flush")]
        assert said(pilot) == ["done   same as: taperoom reply 7 flush"]
        assert isinstance(pilot.app.screen, RunScreen)


async def test_what_destroys_asks_once_more(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown() as pilot:
        await typed(pilot, "r", "a")
        assert driver.orders == []
        await typed(pilot, "escape", "enter")
        assert isinstance(pilot.app.screen, RequestScreen)
        assert "Really ABORT?" in text_of(console(pilot))
        await typed(pilot, "y")
        assert driver.orders == [op.Answer(7, "abort")]


async def test_an_argument_is_asked_for(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown() as pilot:
        await typed(pilot, "r", "w", *"15", "enter")
        assert driver.orders == [op.Answer(7, "wait", "15")]


async def test_another_open_request_by_its_digit(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown() as pilot:
        await typed(pilot, "r", "2", "d")
        assert driver.orders == [op.Answer(8, "done")]


async def test_enter_chooses_nothing_by_itself(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown() as pilot:
        await typed(pilot, "r", "enter", "enter")
        assert driver.orders == []
        await typed(pilot, "down", "down", "down", "enter")
        assert driver.orders == [op.Answer(7, "flush")]


async def test_what_was_typed_before_cannot_answer(night: Night) -> None:
    night.at("dumping")
    now = [100.0]
    async with ListeningDriver(run_of(night)) as driver, night.shown(guard=0.3, ticks=lambda: now[0]) as pilot:
        await typed(pilot, "r")
        now[0] = 100.2
        await typed(pilot, "f")
        assert driver.orders == []
        now[0] = 100.4
        await typed(pilot, "f")
        assert driver.orders == [op.Answer(7, "flush")]


async def test_somebody_else_answered_first(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown() as pilot:
        driver.answer = op.Refused("closed by alice 02:31")
        await typed(pilot, "r", "f")
        assert said(pilot) == ["RUN021 refused: closed by alice 02:31"]
        await typed(pilot, "r")
        night.at("answered")
        await settled(pilot)
        assert "answered already: flush by alice (1000)" in text_of(console(pilot))
        await typed(pilot, "f")
        assert len(driver.orders) == 1


async def test_no_request_is_said(night: Night) -> None:
    async with night.at("answered").shown() as pilot:
        await typed(pilot, "r")
        assert said(pilot) == ["no request is open; the last one was #8: withdrawn: DailySet1-08 is in slot 8"]


async def test_watching_sends_nothing_and_says_why(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown(operate=False) as pilot:
        await typed(pilot, "r", "S", "A")
        assert said(pilot)[0].startswith("CON010 2 open. You are watching. To answer, attach without --read-only")
        assert isinstance(pilot.app.screen, RunScreen)
        assert driver.orders == []
        assert "r answer" not in text_of(console(pilot))
        assert await console(pilot).feed.say(op.Pause()) == (False, "you are watching: attach without --read-only to act")


async def test_no_driver_no_answer(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "r", "f")
        assert said(pilot) == ["RUN020 the run did not answer: it is over, or its driver is gone"]


async def test_the_cursor_stays_on_its_disk(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        table = pilot.app.screen.query_one("#disks", Table)
        await typed(pilot, "down", "down")
        assert table.key == "db01\0/srv"
        night.at("answered")
        await settled(pilot)
        assert table.key == "db01\0/srv"
        assert console(pilot).feed.view.disks["mail", "/srv"].state is DiskState.DUMPING


async def test_tab_zoom_and_theme(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        assert pilot.app.focused is not None and pilot.app.focused.id == "disks"
        await typed(pilot, "tab")
        assert pilot.app.focused.id == "traffic"
        await typed(pilot, "z")
        assert pilot.app.screen.query_one("#traffic").size.height > 15
        await typed(pilot, "escape")
        assert pilot.app.screen.query_one("#traffic").size.height < 10
        before = pilot.app.theme
        await typed(pilot, "T")
        assert pilot.app.theme != before


async def test_history_opens_a_run_and_comes_back(night: Night) -> None:
    recorded_run.make_run(night.folder, "ended", "20261130001500")
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "7", "down", "enter")
        assert console(pilot).feed.run == Run(night.folder / "runs" / "20261130001500")
        assert pilot.app.current_mode == "run"
        await typed(pilot, "7", "l")
        assert console(pilot).feed.run == run_of(night)


async def test_palette_has_every_action(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause()
        await pilot.press(*"tapes")
        await pilot.pause()
        assert pilot.app.screen.query_one(Input).value == "tapes"
        await pilot.press("escape")


async def test_the_palette_finds_what_other_screens_do(night: Night) -> None:
    """By its name, which is not in its help; it leads to where that is done."""
    from tui.palette import Actions

    async with night.at("ended").shown((120, 40)) as pilot:
        hits = [hit async for hit in Actions(pilot.app.screen).search("erase")]
        [found] = [hit for hit in hits if str(hit.text).startswith("tapes: erase: erase what is on this volume")]
        await found.command()  # type: ignore[misc]
        await settled(pilot)
        assert getattr(pilot.app.screen, "where", "") == "tapes"


async def test_a_disk_that_is_not_in_this_run_is_gone_to(night: Night) -> None:
    async with night.at("begun").shown() as pilot:
        await typed(pilot, "colon", *"dump fs-archive:/a", "enter")
        assert "fs-archive:/a" in text_of(console(pilot))


@pytest.mark.parametrize(("opens", "text"), [(":", "tapes"), (":", "dump db01:/SAD"), ("/", "Ptaps"), (":", "run 2026")])
async def test_what_comes_in_one_piece_with_the_key_that_opens_the_line_is_typed_there(
    night: Night, opens: str, text: str,
) -> None:
    """A slow link, a paste, or a quick hand: the letters after ``:`` are no keys of the screen."""
    async with night.at("dumping").shown() as pilot:
        for character in opens + text:
            key = {":": "colon", "/": "slash", " ": "space"}.get(character, character)
            pilot.app.post_message(events.Key(key, character))
        await settled(pilot)
        prompt = pilot.app.screen.query_one(Prompt)
        assert (prompt.value, prompt.has_focus) == (text, True)
        assert isinstance(pilot.app.screen, RunScreen) and console(pilot).feed.link is Link.LIVE and not said(pilot)


async def test_a_line_typed_at_once_with_its_enter_leads_there(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        for key, character in (("colon", ":"), *((c, c) for c in "tapes"), ("enter", "\r")):
            pilot.app.post_message(events.Key(key, character))
        await settled(pilot)
        assert pilot.app.current_mode == "tapes"
