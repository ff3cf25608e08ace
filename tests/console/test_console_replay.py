"""A recorded night on the screens of the console, and the past of one that lives."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from textual.pilot import Pilot

from core.client.coverage import Covered, DiskNight
from core.client.nights import NightRow
from core.client.runs import Run
from core.errors import UsageError
from core.events import codec
from core.events.event import Record, RunEnded
from core.protocol import operator as op
from tests.console.conftest import Night, settled, text_of, typed
from tests.support import recorded_run
from tests.support.console_terminal import ConsoleTerminal
from tests.support.recorded_site import RecordedSite
from tui.app import ConsoleApp
from tui.look import Look
from tui.moment import Link
from tui.panes.scrubber import scrubber_row
from tui.panes.status import plain
from tui.replaying import Playing, play
from tui.screens.request import RequestScreen
from tui.screens.run import RunScreen
from tui.travel import open_dump
from tui.widgets.ringlog import RingLog


def console(pilot: Pilot[int]) -> ConsoleApp:
    return cast(ConsoleApp, pilot.app)


def said(pilot: Pilot[int]) -> list[str]:
    return [notification.message for notification in console(pilot)._notifications]


def run_of(night: Night) -> Run:
    return Run(night.folder / "runs" / recorded_run.STAMP)


def playing_of(night: Night) -> Playing:
    night.at("ended")
    return Playing(run_of(night))


async def test_the_hint_says_what_space_does_now(night: Night) -> None:
    playing = playing_of(night)
    async with night.shown(playing=playing) as pilot:
        assert "space pause" in text_of(console(pilot))
        await typed(pilot, "space")
        assert playing.replay.paused and "space play" in text_of(console(pilot))
        await typed(pilot, "space")
        assert not playing.replay.paused and "space pause" in text_of(console(pilot))


async def test_a_night_plays_on_the_same_screens(night: Night) -> None:
    playing = playing_of(night)
    async with night.shown((120, 40), playing=playing) as pilot:
        assert "REPLAY 00:15:00" in text_of(console(pilot))
        playing.advance(141.0)  # at 60 times
        await settled(pilot)
        shown = text_of(console(pilot))
        assert "REPLAY 02:36:00" in shown
        assert "HLD003" not in shown  # it was answered by then
        assert pilot.app.screen.query_one(RingLog).shown()
        playing.advance(1000.0)
        await settled(pilot)
        shown = text_of(console(pilot))
        assert "RESULT" in shown and "7 disks done, 2 failed" in shown
        assert " end " in shown


async def test_the_keys_of_time(night: Night) -> None:
    playing = playing_of(night)
    async with night.shown(playing=playing) as pilot:
        await typed(pilot, "right_square_bracket")
        first = playing.replay.now
        assert playing.replay.paused and first > recorded_run.BEGAN
        await typed(pilot, "M", "right_square_bracket")
        assert playing.stops_at == "NO-ROOM"
        assert playing.replay.now == recorded_run.BEGAN + 8081
        assert said(pilot)[-1] == "02:29:41 NO-ROOM mail:/srv"
        assert "NO-ROOM" in text_of(console(pilot))
        await typed(pilot, "right_square_bracket")
        assert said(pilot)[-1] == "no NO-ROOM after this"
        await typed(pilot, "comma")
        assert playing.replay.now < recorded_run.BEGAN + 8081
        await typed(pilot, "full_stop")
        assert playing.replay.now == recorded_run.BEGAN + 8081
        await typed(pilot, "plus", "plus", "minus")
        assert playing.replay.speed == 120.0 and not playing.replay.paused
        await typed(pilot, "space")
        assert playing.replay.paused
        for _ in range(12):
            await typed(pilot, "plus")
        assert playing.replay.speed == 1000.0
        for _ in range(12):
            await typed(pilot, "minus")
        assert playing.replay.speed == 1.0
        await typed(pilot, "M", "M", "M", "M", "left_square_bracket")
        assert playing.stops_at == ""
        assert playing.replay.now < recorded_run.BEGAN + 8081


class Hindsight(RecordedSite):
    """A site some nights later: it knows how the replayed night ended, and of one more."""

    def coverage(self, now: float, before: str = "") -> list[Covered]:
        rows = super().coverage(now, before)
        return rows if before else [replace(row, last=replace(row.last, level=0, labels=("LATER-1",)))
                                    for row in rows if row.last is not None]

    def disk_nights(self, host: str, disk: str) -> list[DiskNight]:
        later = [DiskNight(stamp, recorded_run.BEGAN, 0, "done", labels=("LATER-1",)) for stamp in (LATER, recorded_run.STAMP)]
        return [*later, *super().disk_nights(host, disk)]

    def nights(self, patience: float) -> list[NightRow]:
        return [NightRow(LATER, "FAIL", recorded_run.BEGAN + 86400), *super().nights(patience)]


LATER = "20261202001500"


async def test_a_replay_does_not_know_what_came_later(night: Night) -> None:
    playing = playing_of(night)
    playing.scrub(recorded_run.BEGAN + 8180)
    async with night.shown((120, 40), playing=playing, door=Hindsight(recorded_run.BEGAN + 9 * 86400)) as pilot:
        open_dump(console(pilot), "db01", "/srv")
        await settled(pilot)
        shown = text_of(console(pilot))
        assert "▶ dumping  L0" in shown and "LATER-1" not in shown
        assert "last good  28h L1  DailySet1-06" in shown
        assert "Tue 01 Dec" not in shown.partition("last nights")[2]
        assert "Mon 30 Nov" in shown.partition("last nights")[2]
        playing.scrub(recorded_run.BEGAN + 9150)
        await settled(pilot)
        shown = text_of(console(pilot))
        assert "last good  59m L0  on the holding disk only" in shown  # it began at 01:48, and it is 02:47
        assert "Tue 01 Dec" in shown.partition("last nights")[2]
        await typed(pilot, "7")
        shown = text_of(console(pilot))
        assert "Wed 02 Dec" not in shown and "Tue 01 Dec" in shown
        assert "LIVE" in shown and "FAIL" in shown
        await typed(pilot, "t")
        assert "LATER-1" not in text_of(console(pilot))
        await typed(pilot, "2")
        assert "a replay does not foresee them" in text_of(console(pilot))


async def test_a_replay_at_its_end_tells_ages_of_then(night: Night) -> None:
    playing = playing_of(night)
    playing.scrub(playing.replay.ended)
    async with night.shown((120, 40), playing=playing, door=Hindsight(recorded_run.BEGAN + 9 * 86400)) as pilot:
        shown = text_of(console(pilot))
        assert "RESULT" in shown and "LATER-1" not in shown
        assert "2h L0" in next(line for line in shown.splitlines() if "db01:/srv" in line)
        assert "VOLUME" not in shown and "HOLDING" not in shown
        await typed(pilot, "6")
        assert "8d ago" not in text_of(console(pilot))


async def test_going_back_forgets_what_came_after(night: Night) -> None:
    playing = playing_of(night)
    async with night.shown(playing=playing) as pilot:
        playing.seek(playing.replay.ended)
        await settled(pilot)
        whole = pilot.app.screen.query_one(RingLog).shown()
        playing.seek(recorded_run.BEGAN + 100)
        await settled(pilot)
        early = pilot.app.screen.query_one(RingLog).shown()
        assert 0 < len(early) < len(whole)
        assert not playing.cut_off


async def test_keys_of_time_do_not_type_and_do_not_reach_through_dialogs(night: Night) -> None:
    playing = playing_of(night)
    async with night.shown(playing=playing) as pilot:
        await typed(pilot, "slash", "full_stop", "space", "comma")
        assert pilot.app.screen.query_one("#prompt").value == ". ,"  # type: ignore[attr-defined]
        await typed(pilot, "escape", "question_mark")
        assert "to the next mark: NO-ROOM" in text_of(console(pilot))
        await typed(pilot, "full_stop", "escape")
        assert playing.replay.now == recorded_run.BEGAN


async def test_nothing_can_be_done_to_a_replay(night: Night) -> None:
    playing = playing_of(night)
    async with night.shown((120, 40), playing=playing) as pilot:
        playing.seek(recorded_run.BEGAN + 8160)
        await settled(pilot)
        await typed(pilot, "r", "A", "s", "t")
        assert said(pilot) == ["CON010 this is a replay: what it shows is over"] * 3 + [
            "this is a replay already: [ ] , . move in time"]
        assert isinstance(pilot.app.screen, RunScreen)
        assert await playing.say(op.Pause()) == (False, "this is a replay: what it shows is over")
        await playing.close()


async def test_another_run_is_replayed(night: Night) -> None:
    playing = playing_of(night)
    recorded_run.make_run(night.folder, "ended", "20261130001500")
    empty = night.folder / "runs" / "20261129001500"
    empty.mkdir()
    async with night.shown(playing=playing) as pilot:
        await typed(pilot, "colon", *"run 20261130", "enter")
        assert playing.run.datestamp == "20261130001500"
        assert playing.replay.now == playing.replay.began
        assert not playing.open_named("20261129")
        assert not playing.open_named("1999")


async def test_the_past_of_a_live_run_and_back(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        app = console(pilot)
        live = app.feed
        await typed(pilot, "t")
        playing = cast(Playing, app.feed)
        assert isinstance(playing, Playing) and playing.link is Link.PAST
        shown = text_of(app)
        assert "AS OF 02:30:50" in shown
        assert "now: 2 open t now" in shown
        await typed(pilot, "left_square_bracket", "left_square_bracket", "left_square_bracket")
        assert playing.replay.now < recorded_run.BEGAN + 8081
        assert "HLD003" not in text_of(app)
        await typed(pilot, "r")
        assert said(pilot)[-1] == "CON010 this is the past: t leads back to now"
        assert not isinstance(app.screen, RequestScreen)
        await typed(pilot, "t")
        assert app.feed is live
        assert "HLD003" in text_of(app) and "LIVE" in text_of(app)
        await typed(pilot, "t", "colon", *"live", "enter")
        assert app.feed is live


async def test_the_present_goes_on_behind_the_past(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        app = console(pilot)
        live = app.feed
        await typed(pilot, "t")
        night.at("answered")
        while live.pump():
            pass
        await settled(pilot)
        assert "now: 2 open" not in text_of(app)
        assert app.player.present.open_questions == []
        with open(run_of(night).journal, "ab") as journal:
            journal.write(codec.encode(Record(9000, recorded_run.BEGAN + 9999, RunEnded(0, 9, 0, 0))))
        await typed(pilot, "t")
        await settled(pilot)
        assert app.feed.view.ended is not None


async def test_no_past_without_a_run(night: Night) -> None:
    async with night.shown() as pilot:
        await typed(pilot, "t")
        assert said(pilot) == ["there is no run whose past could be shown"]


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("look", [Look(), Look(True)])
def test_the_line_of_time_fits_and_shows_marks(night: Night, width: int, look: Look) -> None:
    playing = playing_of(night)
    for part in (0.0, 0.5, 1.0):
        playing.seek(playing.replay.began + part * (playing.replay.ended - playing.replay.began))
        row = plain(scrubber_row(playing, width, look))
        assert len(row) == width
        assert ("O" if look.ascii else "●") in row
        assert "!" in row or "x" in row or "✖" in row
        assert row.isascii() or not look.ascii


def test_where_a_replay_begins(night: Night) -> None:
    night.at("ended")
    assert play(run_of(night), "", 10.0, 0.0, 90.0).replay.now == recorded_run.BEGAN + 90
    begun = play(run_of(night), "", 5000.0, recorded_run.BEGAN + 60, 0.0).replay
    assert (begun.now, begun.speed) == (recorded_run.BEGAN + 60, 1000.0)
    with pytest.raises(UsageError) as fault:
        play(None, "1999", 1.0, 0.0, 0.0)
    assert (fault.value.code, fault.value.message) == ("RUN025", "there is no run 1999 to replay")


def test_on_a_terminal_a_directory_is_played_to_its_end(night: Night) -> None:
    run = recorded_run.make_run(night.folder, "ended")
    with ConsoleTerminal("--replay", str(run.path), "--speed", "1000", "--at", "8000") as terminal:
        terminal.until("REPLAY 02:")
        terminal.until("RESULT")
        terminal.press("[")
        terminal.until("paused")
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.restored()
        assert b"Detached" not in terminal.sent


def test_on_a_terminal_a_run_of_the_site_is_played(night: Night) -> None:
    recorded_run.make_run(night.folder, "ended")
    begin = str(int(recorded_run.BEGAN) + 8100)
    with ConsoleTerminal("--state-dir", str(night.folder), "--run", recorded_run.STAMP, "--replay", "--speed", "1", "--from",
                         begin) as terminal:
        terminal.until("REPLAY 02:30:0")
        terminal.press("q")
        assert terminal.ended() == 0


@pytest.mark.parametrize("arguments", [("--replay", "/nowhere/runs/1"), ("--state-dir", "/nowhere", "--replay")])
def test_on_a_terminal_nothing_to_play(arguments: tuple[str, ...]) -> None:
    with ConsoleTerminal(*arguments) as terminal:
        assert terminal.ended() == 2
        assert b"taperoom: RUN025 " in terminal.sent
