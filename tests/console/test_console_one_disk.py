"""One disk on every screen; which lines are about a disk; marks, steps and copies in the traffic; what stands still."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from core.client.runs import Run, view_of
from core.events.view import RunView
from core.protocol import dumper, operator, planner, taper
from tests.console.conftest import Night, settled, text_of, typed
from tests.support import recorded_run
from tests.support.fake_hand import FakeHand
from tests.support.listening_driver import ListeningDriver
from tui.about import About
from tui.app import ConsoleApp
from tui.clean import clean
from tui.explain import NOTES
from tui.screens.protocol import ProtocolScreen
from tui.screens.run import RunScreen
from tui.traffic import Filter, handle_in, parse
from tui.widgets.ringlog import RingLog
from tui.widgets.table import Table


def console(pilot: Pilot[Any]) -> ConsoleApp:
    return cast(ConsoleApp, pilot.app)


def said(pilot: Pilot[Any]) -> list[str]:
    return [text for _, text, _ in console(pilot).sayings]


def rows(pilot: Pilot[Any], table: str) -> list[str]:
    return [row.key for row in pilot.app.screen.query_one(table, Table).rows]


def run_of(night: Night) -> Run:
    return Run(night.folder / "runs" / recorded_run.STAMP)


# ---- which lines ------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "about"), [
    ("dumper2 > driver NO-ROOM 02-00031 5", True), ("dumper2 > driver NO-ROOM 12-00031 5", False),
    ("dumper2 > driver NO-ROOM 02-000311 5", False), ("driver : retry vm:/ not before 02:36:00", True),
    ("driver : retry vm:/home not before 02:36:00", False), ("planner > driver ESTIMATE vm / 0 12", True),
    ("planner > driver ESTIMATE vm /srv 0 12", False), ("planner > driver ESTIMATE avm / 0 12", False),
    ("planner > driver vm / 2 0 59 11", True), ("driver > dumper2 CONTINUE /h/2026/vm._.0 1 2", True),
    ("driver > dumper2 CONTINUE /h/2026/vm._.0.1 1 2", True), ("driver > dumper2 CONTINUE /h/2026/vm._.01 1 2", False),
    ("driver > dumper2 CONTINUE /h/2026/vm._.0x 1 2", False),
])
def test_a_line_is_about_a_disk(line: str, about: bool) -> None:
    one = About("vm", "/")
    assert one.add(["02-00031", ""], ["/h/2026/vm._.0", ""])
    assert not one.add(["02-00031"])
    assert one.takes(parse(f"1 {line}", 1).text) is about
    assert Filter(about=one).takes(parse(f"1 {line}", 1)) is about
    assert Filter(about=one)


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_any_name_is_found_in_its_own_line(host: str, disk: str) -> None:
    from core.model.quoting import join

    text = clean(f"ESTIMATE {join([host, disk])} 0 12".replace("\n", " "))
    if "\n" not in host + disk:
        assert About(host, disk).takes(text)


def test_what_the_run_knows_of_a_disk(tmp_path: Path) -> None:
    run = recorded_run.make_run(tmp_path, "ended")
    about = About("git", "/home")
    assert about.learn(view_of(run))
    assert about.handles == {"03-00033", "03-00040", "04-00042"}  # two attempts, and the write to a volume
    assert not about.learn(view_of(run))
    assert not About("no", "/such").learn(RunView())


# ---- every field of every message has an explanation ------------------------------------


@pytest.mark.parametrize("module", [dumper, taper, planner, operator])
def test_every_field_of_every_message_has_a_note(module: Any) -> None:
    messages = [*module.VOCABULARY.messages.values(), *([planner.DumpLine] if module is planner else [])]
    names = {name for message in messages for name in message.__dataclass_fields__ if name != "VERB"}
    assert names - set(NOTES) - {"handle", "plan_b", "options"} == set()  # those three are taken apart
    assert all((message.__doc__ or "").strip() for message in messages)


# ---- one disk on every screen -----------------------------------------------------------


async def test_one_disk_on_every_screen(night: Night) -> None:
    recorded_run.make_run(night.folder, "ended", "20261130001500")
    async with night.at("dumping").shown((120, 40)) as pilot:
        app = console(pilot)
        whole = len(pilot.app.screen.query_one(RingLog).shown())
        await typed(pilot, "o")
        assert app.only == ("mail", "/srv")
        assert rows(pilot, "#disks") == ["mail\0/srv"] == rows(pilot, "#no-room")
        assert rows(pilot, "#try-again") == []
        assert rows(pilot, "#dumpers") == ["dumper2"]
        about = pilot.app.screen.query_one(RingLog).shown()
        assert 200 < len(about) < whole
        assert {handle_in(line.text) for line in about} == {"02-00031", ""}
        for place, table, wanted in (("2", "#plan", "mail\0/srv"), ("6", "#clients", "mail"), ("8", "#listing", "mail\0/srv")):
            await typed(pilot, place)
            assert rows(pilot, table) == [wanted], place
            assert "only mail:/srv on every screen" in text_of(app)
        await typed(pilot, "3")
        assert {line.number for line in cast(ProtocolScreen, app.screen).log_pane.shown()} == {line.number for line in about}
        assert "Protocol  mail:/srv" in text_of(app)
        await typed(pilot, "5")
        assert [key.rpartition("/")[2] for key in rows(pilot, "#files")] == ["mail._srv.0.tmp"]
        await typed(pilot, "7")
        assert len(rows(pilot, "#runs")) == 6 and "Nights of mail:/srv" in text_of(app)
        await typed(pilot, "4")
        assert "DailySet1-06" in text_of(app) and "Weekly-03" not in text_of(app)
        await typed(pilot, "x")
        assert "git answers slowly" not in text_of(app)
        await typed(pilot, "escape", "1", "o")
        assert app.only is None
        assert len(rows(pilot, "#disks")) == 9
        assert len(pilot.app.screen.query_one(RingLog).shown()) == whole
        await typed(pilot, "3")
        assert len(cast(ProtocolScreen, app.screen).log_pane.shown()) == whole


async def test_one_disk_by_name_from_any_screen_and_esc_shows_all(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        app = console(pilot)
        await typed(pilot, "5", "colon", *"only git:/home", "enter")
        assert app.only == ("git", "/home")
        await typed(pilot, "1")
        assert rows(pilot, "#disks") == ["git\0/home"]
        await typed(pilot, "escape")
        assert app.only is None and len(rows(pilot, "#disks")) == 9
        await typed(pilot, "colon", *"only db01", "enter", "colon", *"only", "enter")
        assert app.only is None
        await typed(pilot, "colon", *"only srv", "enter")
        assert said(pilot)[-1] == "CON003 no one disk is called 'srv'"
        await typed(pilot, "9", "o")
        assert said(pilot)[-1] == "CON010 choose a disk first"


@pytest.mark.parametrize(("place", "way", "disk"), [
    ("2", ("down",), ("fs-archive", "/a")), ("3", ("up",), ("mail", "/srv")), ("4", ("enter", "down"), ("db02", "/srv")),
    ("5", (), ("mail", "/srv")), ("6", (), ("build7", "/work")), ("8", ("down",), ("db02", "/srv")),
    ("7", ("t",), ("build7", "/work")), ("1", ("enter",), ("mail", "/srv")),
])
async def test_a_disk_is_selected_on_any_screen(place: str, way: tuple[str, ...], disk: tuple[str, str], night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        await typed(pilot, place, *way, "o")
        assert console(pilot).only == disk
        await typed(pilot, "o")
        assert console(pilot).only is None


async def test_a_second_attempt_joins_the_lines_of_its_disk(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        await typed(pilot, "colon", *"traffic git:/home", "enter")
        screen = cast(ProtocolScreen, pilot.app.screen)
        assert "03-00040" not in {handle_in(line.text) for line in screen.log_pane.shown()}
        night.at("ended")
        await settled(pilot)
        assert {"03-00033", "03-00040", "04-00042"} <= {handle_in(line.text) for line in screen.log_pane.shown()}
        await typed(pilot, "c")
        assert screen.only.about is not None and screen.only.channel
        await typed(pilot, "escape")
        assert not screen.only


# ---- marks, steps, copies ---------------------------------------------------------------


async def test_lines_are_marked_copied_and_exported(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(night.folder))
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "3", "g", "m", "down", "m")
        screen = cast(ProtocolScreen, pilot.app.screen)
        assert [line.number for line in screen.log_pane.marked()] == [1, 3]
        assert "2 marked" in text_of(console(pilot))
        await typed(pilot, "w", "escape")  # another filter and back: marks stay, esc takes them first
        assert not screen.log_pane.marks
        await typed(pilot, "escape", "g", "m", "down", "m", "e", "Y")
        written = (night.folder / f"taperoom-{recorded_run.STAMP}-traffic.txt").read_text().splitlines()
        assert written == ["00:15:00 driver > taper0 START-TAPER 20261201001500",
                           "00:15:01 planner > driver DATE 20261201001500"]
        assert pilot.app.clipboard.splitlines() == written
        assert said(pilot)[-1].startswith("2 lines copied")
        await typed(pilot, "G", "N")
        assert screen.log_pane.current is not None and screen.log_pane.current.number == 3
        await typed(pilot, "N", "N", "n", "m")
        assert said(pilot)[-1] == "no mark before this"
        assert [line.number for line in screen.log_pane.marked()] == [1]


async def test_the_pane_is_copied_as_far_as_terminals_take_it(night: Night) -> None:
    night.at("dumping")
    with open(run_of(night).traffic, "a") as more:
        more.writelines(f"{night.now():.6f} dumper1 > driver PROGRESS 01-00099 {n} {n}\n" for n in range(900))
    async with night.shown() as pilot:
        await typed(pilot, "3", "Y")
        assert len(pilot.app.clipboard.splitlines()) == 500
        assert said(pilot)[-1].startswith("500 lines, the last of 1 141 copied")


async def test_steps_along_a_handle(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "3", "g", "n")
        assert said(pilot)[-1] == "CON010 this line has no handle, and none is marked"
        await typed(pilot, "slash", *"03-00033", "enter", "g")
        screen = cast(ProtocolScreen, pilot.app.screen)
        first = screen.log_pane.current
        await typed(pilot, "n")
        second = screen.log_pane.current
        assert first is not None and second is not None and "TRY-AGAIN" in second.text
        await typed(pilot, "n")
        assert said(pilot)[-1] == "no line of 03-00033 after this"
        await typed(pilot, "N")
        assert screen.log_pane.current == first


# ---- what stands still ------------------------------------------------------------------


async def test_no_room_and_try_again_have_panes(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        shown = text_of(console(pilot))
        assert "NO-ROOM  1" in shown and "TRY-AGAIN  1" in shown
        assert "r answers #7" in shown and "host busy: 2 dumps running" in shown
        await typed(pilot, "tab", "enter")
        assert "mail:/srv" in text_of(console(pilot))
        night.at("ended")
        await typed(pilot, "escape")
        assert "NO-ROOM  1" not in text_of(console(pilot))


async def test_the_panes_alone_on_a_small_screen(night: Night) -> None:
    night.at("dumping")
    async with ListeningDriver(run_of(night)) as driver, night.shown() as pilot:
        await typed(pilot, "w")
        shown = text_of(console(pilot))
        for text in ("NO-ROOM  1", "TRY-AGAIN  1", "Tape and holding", "DailySet1-07"):
            assert text in shown, text
        await typed(pilot, "tab")
        assert pilot.app.focused is pilot.app.screen.query_one("#try-again")
        await typed(pilot, "R")
        assert [type(order).__name__ for order in driver.orders] == ["Retry"]
        await typed(pilot, "escape")
        assert isinstance(pilot.app.screen, RunScreen) and not pilot.app.screen.has_class("-waits")
        assert pilot.app.focused is pilot.app.screen.query_one("#disks")
        await typed(pilot, "w", "z", "z", "w", "w", "w")
        assert not pilot.app.screen.has_class("-waits")
    async with night.at("ended").shown() as pilot:
        await typed(pilot, "w")
        assert said(pilot)[-1] == "no run is under way: nothing stands still"


async def test_panes_of_what_stands_still_say_that_nothing_does(night: Night) -> None:
    async with night.at("estimating").shown() as pilot:
        await typed(pilot, "w")
        assert "no dump stands still for want of room" in text_of(console(pilot))
        assert "no disk waits to be tried again" in text_of(console(pilot))


# ---- history by disk, a run as a file, slots again, the coming night ---------------------


async def test_history_by_disk_and_its_nights(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        await typed(pilot, "7", "t")
        assert "Disks  10" in text_of(console(pilot)) and "cycle" in text_of(console(pilot))
        await typed(pilot, "slash", *"git", "enter", "enter")
        assert console(pilot).only == ("git", "/home")
        await typed(pilot, "escape", "down", "down")
        assert "Nights of git:/home  6" in text_of(console(pilot)) or console(pilot).only is None
        await typed(pilot, "t", "t")
        assert "Runs  28" in text_of(console(pilot)) or "Disks  10" in text_of(console(pilot))


async def test_a_run_is_exported_from_history(night: Night) -> None:
    hand = FakeHand()
    async with night.at("dumping").shown(hand=hand) as pilot:
        await typed(pilot, "7", "down", "e")
        assert hand.asked == [("export", "20261130001500")]


async def test_slots_are_looked_through_again(night: Night) -> None:
    async with night.at("ended").shown() as pilot:
        await typed(pilot, "4")
        door = cast(Any, console(pilot).door)
        before = door.asked.count(("shelves",))
        await typed(pilot, "s")
        assert door.asked.count(("shelves",)) == before + 1


async def test_the_coming_night_is_a_dry_run(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        await typed(pilot, "2")
        assert "Coming nights" in text_of(console(pilot)) and "from history; even: 9.0T of fulls" in text_of(
            console(pilot))
        await typed(pilot, "n")
        assert "Plan  of the coming night, from history" in text_of(console(pilot))
        assert rows(pilot, "#plan")[0] == "mail\0/srv"
        await typed(pilot, "escape")
        assert "Plan  9 disks" in text_of(console(pilot))
