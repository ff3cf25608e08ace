"""Acts: each key and dialog, what is sent, what is refused and why; what destroys asks, and Cancel has the keyboard."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import cast

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.client.runs import Run, view_of
from core.errors import WorldError
from core.events import event as e
from core.events.event import Record
from core.events.view import DiskState, RunView
from core.protocol import operator as op
from tests.console.conftest import Night, settled, text_of, typed
from tests.support import recorded_run
from tests.support.fake_hand import FakeDone, FakeHand
from tests.support.listening_driver import ListeningDriver
from tests.support.recorded_site import RecordedSite
from tui import keys
from tui.acting import LIVE, _waiting
from tui.acting_outside import OUTSIDE
from tui.app import ConsoleApp
from tui.deeds import Deed, Fork
from tui.look import Look
from tui.moment import Link, Moment
from tui.pace import Pace
from tui.screens.acts import rows
from tui.screens.choose import ChooseScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.run import RunScreen
from tui.subject import SpooledAt, Subject, VolumeAt
from tui.widgets.table import Table


def console(pilot: Pilot[int]) -> ConsoleApp:
    return cast(ConsoleApp, pilot.app)


def said(pilot: Pilot[int]) -> list[str]:
    return [notification.message for notification in console(pilot)._notifications]


def run_of(night: Night) -> Run:
    return Run(night.folder / "runs" / recorded_run.STAMP)


def go_to(pilot: Pilot[int], table: str, *key: str) -> None:
    assert pilot.app.screen.query_one(table, Table).go_to("\0".join(key))


def test_every_act_of_the_keys_is_one() -> None:
    assert {action.act for action in keys.ACTIONS if action.act} == {*LIVE, *OUTSIDE}
    assert all(action.operates for action in keys.ACTIONS if action.act)


async def test_abort_names_what_is_lost_and_cancel_has_the_keyboard(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown() as pilot:
        go_to(pilot, "#disks", "mail", "/srv")
        await typed(pilot, "A")
        assert isinstance(pilot.app.screen, ConfirmScreen)
        shown = text_of(console(pilot))
        assert "3.4 TiB of 5.5 TiB dumped in 2h01m are lost." in shown
        assert "same as  taperoom abort mail:/srv" in shown
        assert "[>Cancel ]" in shown
        await typed(pilot, "enter")
        assert isinstance(pilot.app.screen, RunScreen)
        await typed(pilot, "A", "escape", "A", "n", "A", "tab", "shift+tab", "enter")
        assert driver.orders == []
        await typed(pilot, "A", "tab", "enter", "A", "y")
        assert driver.orders == [op.AbortDump("02-00031"), op.AbortDump("02-00031")]
        assert said(pilot)[-1] == "done   same as: taperoom abort mail:/srv"


async def test_stop_after_and_stop_now(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown() as pilot:
        await typed(pilot, "S")
        assert isinstance(pilot.app.screen, ChooseScreen)
        await typed(pilot, "enter", "escape", "S", "a", "y")
        assert driver.orders == [op.Stop()]
        await typed(pilot, "S", "down", "down", "enter")
        assert "To do it type  stop  and enter:" in text_of(console(pilot))
        await typed(pilot, *"halt", "enter")
        assert "That is not the word: nothing was done." in text_of(console(pilot))
        await typed(pilot, *"stop", "enter")
        assert driver.orders == [op.Stop(), op.Stop("now")]
        await typed(pilot, "S", "n", "enter")
        assert len(driver.orders) == 2


async def test_pause_degrade_and_flush(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown() as pilot:
        await typed(pilot, "P", "y", "D", *"degrade", "enter", "F", "y", "5", "F", "y")
        assert driver.orders == [op.Pause(), op.Degrade(), op.FlushNow(), op.FlushNow()]


async def test_retry_hold_release_and_priority_need_no_question(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown() as pilot:
        go_to(pilot, "#disks", "git", "/home")
        await typed(pilot, "R", "H", "O", "f", "O", "n", *"7", "enter", "O", "n", *"x", "enter")
        assert driver.orders == [op.Retry("git", "/home"), op.Hold("git", "/home"), op.Priority("git", "/home", 3),
                                 op.Priority("git", "/home", 7)]
        assert said(pilot)[-1] == "CON010 'x' is no priority: a whole number, 0 or more"
        with open(run_of(night).journal, "ab") as journal:
            journal.write(b'{"seq":9001,"at":1.0,"event":"OperatorActed","by":"ana","order":"HOLD git /home","result":"OK"}\n')
        await settled(pilot)
        assert "held" in text_of(console(pilot))
        await typed(pilot, "H")
        assert driver.orders[-1] == op.Release("git", "/home")


@pytest.mark.parametrize(("key", "disk", "why"), [
    ("A", ("web02", "/var"), "web02:/var is done: only a dump under way can be given up"),
    ("R", ("web02", "/var"), "web02:/var is done: there is nothing to try again"),
    ("H", ("mail", "/srv"), "mail:/srv is NO-ROOM: only a disk that waits can be held"),
    ("O", ("mail", "/srv"), "mail:/srv is NO-ROOM: only a disk that waits has a place in the queue"),
    ("s", ("mail", "/srv"), "a run is under way: one at a time"),
])
async def test_what_cannot_be_says_why(night: Night, key: str, disk: tuple[str, str], why: str) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown() as pilot:
        go_to(pilot, "#disks", *disk)
        await typed(pilot, key)
        assert said(pilot) == [f"CON010 {why}"]
        assert driver.orders == []


async def test_after_the_end_only_a_new_run_can_be_started(night: Night) -> None:
    hand = FakeHand()
    async with night.at("ended").shown(hand=hand) as pilot:
        await typed(pilot, "A", "S")
        assert said(pilot) == ["CON010 no run is under way", "CON010 no run is under way"]
        await typed(pilot, "s", "escape", "s", "y", "F", "y")
        assert hand.asked == [("start", ()), ("flush",)]
        assert [text for _, text, _ in console(pilot).sayings][2:] == [
            "start is done   same as: taperoom start", "flush is done   same as: taperoom flush"]


@pytest.mark.parametrize("keys", ["sy", "Fy"])
async def test_a_run_that_is_begun_here_is_shown_also_where_another_was_asked_for(night: Night, keys: str) -> None:
    night.at("ended")
    first = run_of(night)
    later = f"{int(first.datestamp) + 10000}"

    class Starting(FakeHand):
        def _do(self, *asked: object) -> FakeDone:
            shutil.copytree(first.path, first.path.with_name(later))
            return super()._do(*asked)

    async with night.shown(run=first.datestamp, hand=Starting()) as pilot:
        await typed(pilot, *keys)
        now = console(pilot).feed.run
        assert now is not None and now.datestamp == later


async def test_marked_disks_are_started_and_forced(night: Night) -> None:
    hand = FakeHand()
    async with night.at("ended").shown((120, 40), hand=hand) as pilot:
        await typed(pilot, "2", "space", "space")
        table = pilot.app.screen.query_one("#plan", Table)
        marked = tuple(tuple(key.split("\0")) for key in table.marked)
        assert len(marked) == 2
        assert "2 marked" in text_of(console(pilot))
        await typed(pilot, "s")
        assert "Start a run of 2 disks" in text_of(console(pilot))
        await typed(pilot, "y", "f", "u", "escape", "f")
        assert hand.asked[:3] == [("start", marked), ("force", marked, "full"), ("force", marked, "")]
        assert table.marked == []
        assert hand.asked[3] == ("force", (tuple(table.key.split("\0")),), "full")


async def test_what_the_site_refuses_is_told_with_its_code(night: Night) -> None:
    hand = FakeHand(fault=WorldError("TAP018", "slot 9 does not answer", "look at the changer"))
    async with night.at("ended").shown(hand=hand) as pilot:
        console(pilot).act("load", Subject(volume=VolumeAt("main", "9", "DailySet1-09")))
        await settled(pilot)
        assert said(pilot) == ["TAP018 slot 9 does not answer. look at the changer"]


async def test_a_console_without_a_configuration_says_so(night: Night) -> None:
    async with night.at("ended").shown() as pilot:
        await typed(pilot, "s", "y")
        assert said(pilot)[0].startswith("CFG001 no configuration was found")


async def test_volumes_are_loaded_unloaded_and_labelled(night: Night) -> None:
    hand = FakeHand()
    blank = Subject(volume=VolumeAt("main", "9"))
    full = Subject(volume=VolumeAt("main", "8", "DailySet1-08", 700 << 20, 12, "needed until 2026-12-20"))
    async with night.at("ended").shown(hand=hand) as pilot:
        app = console(pilot)
        app.act("load", full)
        app.act("unload", full)
        await settled(pilot)
        app.act("load", Subject(volume=VolumeAt("main", "8", "DailySet1-08", loaded=True)))
        app.act("load", Subject(volume=VolumeAt("main", "", "DailySet1-01")))
        app.act("label", Subject())
        await settled(pilot)
        assert sorted(said(pilot)[-3:]) == sorted(
            ["CON010 slot 8 is loaded already", "CON010 DailySet1-01 is in no slot", "CON010 choose a volume or a slot first"])
        app.act("label", blank)
        await typed(pilot, "n", *"NEW-1", "enter", "y")
        app.act("label", full)
        await typed(pilot, "s")
        assert "for good; needed until 2026-12-20." in text_of(app)
        await typed(pilot, "y", "enter")
        assert app.screen.query_one(Input).value == ""
        await typed(pilot, *"DailySet1-08", "enter")
        assert hand.asked == [("load", "main", "8"), ("unload", "main"), ("label", "main", "9", "NEW-1", False),
                              ("label", "main", "8", "DailySet1-08", True)]


async def test_volumes_are_erased_and_retired(night: Night) -> None:
    hand = FakeHand()
    free = Subject(volume=VolumeAt("main", "8", "DailySet1-08", 700 << 20, 12))
    needed = Subject(volume=VolumeAt("main", "7", "DailySet1-07", 9 << 20, 1, "active for 5 days", reuse=False))
    async with night.at("ended").shown(hand=hand) as pilot:
        app = console(pilot)
        for subject in (free, needed):
            app.act("erase", subject)
            await settled(pilot)
            app.act("retire", subject)
            await settled(pilot)
            assert subject.volume is not None
            await typed(pilot, *subject.volume.label, "enter")
        app.act("erase", Subject(volume=VolumeAt("main", "9")))
        app.act("retire", Subject(volume=VolumeAt("main", "9")))
        await settled(pilot)
        assert said(pilot)[-2:] == ["CON010 choose a volume with a label that is in a slot", "CON010 it has no label"]
        assert hand.asked == [
            ("retire", "main", "DailySet1-08", False), ("erase", "main", "DailySet1-08", ""),
            ("retire", "main", "DailySet1-07", True), ("erase", "main", "DailySet1-07", "DailySet1-07")]


async def test_a_dump_is_removed_from_the_holding_disk(night: Night) -> None:
    hand = FakeHand()
    copied = SpooledAt("/hold/1/web.0", "web", "/", 0, "20261201001500", 2048, True, ("DailySet1-07",))
    only = SpooledAt("/hold/1/db.0", "db", "/srv", 0, "20261201001500", 9 << 20)
    torn = SpooledAt("/hold/1/x.tmp", "x", "/", 1, "20261201001500", 512, False)
    async with night.at("ended").shown(hand=hand) as pilot:
        app = console(pilot)
        app.act("remove", Subject(dump=copied))
        await settled(pilot)
        assert "It is on DailySet1-07" in text_of(app)
        await typed(pilot, "y")
        for dump in (only, torn):
            app.act("remove", Subject(dump=dump))
            await settled(pilot)
            await typed(pilot, *dump.title, "enter")
        app.act("remove", Subject())
        await settled(pilot)
        assert hand.asked == [("remove", copied.file, False), ("remove", only.file, True), ("remove", torn.file, True)]


async def test_a_dump_on_its_way_is_not_removed(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "5", "D")
        assert said(pilot) == ["CON010 a run is under way: one at a time"]


async def test_the_log_of_acts(night: Night) -> None:
    night.at("answered")
    async with ListeningDriver(run_of(night)) as driver, night.shown(hand=FakeHand()) as pilot:
        driver.answer = op.Refused("not now")
        await typed(pilot, "P", "y", "f", "at")
        shown = text_of(console(pilot))
        assert "alice (1000)    taperoom reply 7 flush" in shown
        assert "bob(1001)       taperoom tape load 8" in shown  # a fact of the site's journal, of no run
        await typed(pilot, "j", "k", "pagedown", "escape")
        assert isinstance(pilot.app.screen, RunScreen)


def test_an_answer_is_among_the_acts_whoever_gave_it_and_no_command_is_cut() -> None:
    view = RunView()
    asked = e.QuestionAsked(5, "HLD003", "D", "mail:/srv", "no room", (e.Choice("wait", "it waits", "MINUTES"),), "wait", 900.0)
    view.apply_all([Record(1, 100.0, asked), Record(2, 200.0, e.QuestionClosed(5, "wait", "15", "policy HLD*"))])
    long = "taperoom tape label DAILY-001 --storage main --slot 17 --force"
    site = [(150.0, e.OperatorActed("ana(0)", long, "OK"))]
    found = ["".join(text for text, _ in row) for row in rows(view, [], Look(), site)]
    assert next(line for line in found if "policy HLD*" in line).endswith("taperoom reply 5 wait 15")
    assert " ".join(line[37:] for line in found[:3]).startswith(long) and all(len(line) <= 72 for line in found)


def test_what_is_told_without_an_act_is_not_cut() -> None:
    found = ["".join(text for text, _ in row) for row in rows(RunView(), [], Look(), width=52)]
    assert all(len(line) <= 52 for line in found) and "the name of who did it." in " ".join(found)


def test_one_disk_is_told_as_one() -> None:
    assert [_waiting(n) for n in (0, 1, 2)] == ["0 disks that wait are", "1 disk that waits is", "2 disks that wait are"]


async def test_no_act_yet(night: Night) -> None:
    async with night.at("estimating").shown(door=RecordedSite(empty=True)) as pilot:
        await typed(pilot, "at")
        assert "Nobody has done anything yet." in text_of(console(pilot))


async def test_watching_hides_and_refuses_every_act(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown((200, 50), operate=False) as pilot:
        for key in ("A", "R", "H", "O", "P", "S", "D", "F", "f", "u", "s"):
            await typed(pilot, key)
        assert set(said(pilot)) == {"CON010 you are watching: attach without --read-only to act: taperoom attach"}
        assert driver.orders == []
        hints = text_of(console(pilot)).splitlines()[-1]
        assert not any(f"{a.key} {a.hint}" in hints for a in keys.ACTIONS if a.operates)


async def test_the_palette_says_why_an_act_is_off(night: Night) -> None:
    async with night.at("ended").shown((120, 40)) as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause()
        await pilot.press(*"give up the dump")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert "off: no run is under way" in text_of(console(pilot))
        await pilot.press("escape")


async def test_disks_are_marked_on_the_first_screen_when_no_run_lives(night: Night) -> None:
    hand = FakeHand()
    async with night.at("ended").shown((120, 40), hand=hand) as pilot:
        table = pilot.app.screen.query_one("#disks", Table)
        await typed(pilot, "space", "down", "space", "s", "y")
        marked = tuple(tuple(key.split("\0")) for key in table.marked)
        assert len(marked) == 2
        assert hand.asked == [("start", marked)]


@pytest.mark.parametrize("dumps", [2, 1, 0])
def test_what_is_lost_is_named_in_its_number_and_what_is_not_is_left_out(tmp_path: Path, dumps: int) -> None:
    run, seconds = recorded_run.make_run(tmp_path, "dumping"), recorded_run.STAGES["dumping"]
    now = Moment(view_of(run), recorded_run.gauges_at(seconds), Pace(), recorded_run.BEGAN + seconds, link=Link.LIVE)
    dumping = [d for d in now.view.disks.values() if d.state in (DiskState.DUMPING, DiskState.STALLED)]
    for disk in dumping[dumps:]:
        disk.state = DiskState.DONE
    for write in now.view.writes.values():
        write.ended = True
    lines = []
    for name in ("stop", "degrade", "pause"):
        offer = LIVE[name](now, Subject())
        assert not isinstance(offer, str)
        deeds = [offer] if isinstance(offer, Deed) else [option.deed("") for option in offer.options]
        lines += [deed.text for deed in deeds if isinstance(deed, Deed)]
        lines += [option.effect for option in offer.options] if isinstance(offer, Fork) else []
    told = "\n".join(lines)
    assert not re.search(r"\b0 (dump|write|waiting|disk)|\b1 \w+ under way are|cut off", told), told
    assert f"{dumps} dump{'s' if dumps > 1 else ''} under way" in told or (not dumps and "what is whole is written" in told)
