"""The Restore screen beyond walking: the line of dumps, search, preview, words, and the way from a mark to a restore."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.client.restores import Restoring
from core.client.standing import Standing, World
from core.client.words import Outcome, obey
from core.errors import UsageError, WorldError
from core.model.units import datestamp_of
from tests.console.conftest import Night, settled, text_of, typed
from tests.support.fake_hand import FakeHand
from tests.support.recorded_run import BEGAN
from tests.support.recorded_site import DAY, TREE, RecordedSite
from tui import saying
from tui.app import ConsoleApp
from tui.look import Look
from tui.screens.confirm import ConfirmScreen
from tui.screens.help import HelpScreen
from tui.screens.page import PageScreen
from tui.screens.restore import RestoreScreen
from tui.screens.restores import RestoresScreen
from tui.screens.start import StartScreen
from tui.widgets.prompt import Prompt
from tui.widgets.table import Table

INTO = ("8", "enter", "down", "enter")
"""The directory that the second dump of the first disk saw."""


def console(pilot: Pilot[Any]) -> ConsoleApp:
    return cast(ConsoleApp, pilot.app)


def screen(pilot: Pilot[Any]) -> str:
    return text_of(console(pilot))


def place(pilot: Pilot[Any]) -> RestoreScreen:
    return cast(RestoreScreen, pilot.app.screen)


def said(pilot: Pilot[Any]) -> str:
    return console(pilot).sayings[-1][1]


def asked(pilot: Pilot[Any], what: str) -> list[Any]:
    return [one for one in cast(RecordedSite, console(pilot).door).asked if one[0] == what]


async def word(pilot: Pilot[Any], line: str) -> None:
    await typed(pilot, "colon")
    pilot.app.screen.query_one(Prompt).value = line
    await typed(pilot, "enter")


def a_restore(**more: Any) -> Restoring:
    return replace(Restoring(
        Path("/state/restores/20261201023000"), ("taperoom", "restore", "db01:/srv:/etc", "--as-of", "2026-11-30 00:15:00",
                                                 "--to", "/srv/back"), "ana(1000)", BEGAN + 8100, True,
        done=300 << 20, total=1200 << 20, left=125.0, what="db01:/srv level 0 from volume DailySet1-02 of storage main",
        said=("to be read: about 1.2 GiB of 2 dumps on 2 volumes, in about 24m00s",
              "25% 300 MiB of 1.2 GiB: db01:/srv level 0")), **more)


# ---- the line of dumps -------------------------------------------------------------------


async def test_the_dumps_are_a_line_that_one_steps_along(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, *INTO)
        way = place(pilot).way
        assert "Nov 26 L0  27 L1  28 L1  29 L1 [30 L1] Dec 01 L1" in screen(pilot)
        await typed(pilot, "end", "down", "left")
        assert way.date == "20261129001500" and "[29 L1]" in screen(pilot) and "Sun 29 Nov 00:15" in screen(pilot)
        assert place(pilot).query_one("#listing", Table).key == "README"
        await typed(pilot, "home", "enter", "space", "h", "h", "h")
        assert (way.date, way.path, way.marked) == ("20261126001500", "etc", ("etc/nginx.conf",))
        assert "[Nov 26 L0]" in screen(pilot) and "[x] nginx.conf" in screen(pilot)
        await typed(pilot, "left")
        assert said(pilot) == "this is the oldest dump that can be restored" and way.date == "20261126001500"
        await typed(pilot, "l", "right", "right", "right", "right", "right")
        assert said(pilot) == "this is the newest dump" and way.date == "20261201001500"


async def test_in_the_list_of_dates_the_same_keys_move(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "8", "left")
        assert said(pilot) == "CON010 choose a disk and a date first"
        await typed(pilot, "enter", "left")
        assert place(pilot).query_one("#listing", Table).key == "20261130001500" and "[30 L1]" in screen(pilot)
        await typed(pilot, "right")
        assert "[Dec 01 L1]" in screen(pilot)
        await typed(pilot, "enter", "equals_sign")
        assert place(pilot).way.step == "dates" and place(pilot).query_one("#listing", Table).key == "20261201001500"
        await typed(pilot, "enter")
        assert place(pilot).way.step == "names" and len(asked(pilot, "browse")) == 1


async def test_a_line_of_very_many_dumps_shows_those_around(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    dates = RecordedSite(BEGAN).dates("db01", "/srv")
    many = [replace(dates[1], datestamp=datestamp_of(BEGAN - DAY * n), at=BEGAN - DAY * n, level=n % 7 and 1)
            for n in range(90)]
    monkeypatch.setattr(RecordedSite, "dates", lambda self, host, disk: many)
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "8", "enter", *["down"] * 40, "enter")
        row = next(row for row in screen(pilot).splitlines() if "[" in row and "L1]" in row)
        assert row.startswith(" <") and row.rstrip().endswith(">") and len(row) <= 80
        before, after = int(row.split()[0][1:]), int(row.split()[-1][:-1])
        assert before + after + row.count(" L") == 90
        await typed(pilot, *["right"] * 40)
        assert place(pilot).way.date == many[0].datestamp and not screen(pilot).splitlines()[2].rstrip().endswith(">")


async def test_which_dumps_have_a_name_is_on_the_line(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, *INTO, "end", "i")
        line = place(pilot).query_one("#timeline").rows  # type: ignore[attr-defined]
        assert [text for text, colour in line[0] if colour == "good"] == ["L0"]


async def test_who_steps_fast_reads_only_the_last(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, *INTO)
        before = len(asked(pilot, "browse"))
        await pilot.press(*["left"] * 4)
        await settled(pilot)
        assert place(pilot).way.date == "20261126001500" and place(pilot).way.tree is not None
        assert place(pilot).way.tree.datestamp == "20261126001500"  # type: ignore[union-attr]
        assert len(asked(pilot, "browse")) - before <= 4


# ---- search and preview ------------------------------------------------------------------


async def test_a_search_leads_to_where_the_name_is(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, *INTO, "f", *"pass", "enter")
        assert "/etc/passwd" in screen(pilot) and "find pass" in screen(pilot)
        await typed(pilot, "enter")
        assert place(pilot).way.path == "etc" and place(pilot).query_one("#listing", Table).key == "etc/passwd"
        await typed(pilot, "f", *"site-a", "enter", "enter")
        assert place(pilot).way.path == "srv/www/site-a" and not place(pilot).way.searched


async def test_what_was_found_can_be_marked(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, *INTO, "f", *"site", "enter", "space", "space")
        assert place(pilot).way.marked == ("srv/www/site-a", "srv/www/site-b")
        assert screen(pilot).count("[x]") == 2


async def test_the_beginning_of_a_text_is_harmless(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        await typed(pilot, *INTO, "home", "enter", "v")
        assert isinstance(pilot.app.screen, PageScreen)
        shown = screen(pilot)
        for text in ("/etc/nginx.conf", "from volume DailySet1-06", "user    www-data;", "location /0 { root /srv; }",
                     r"\x1b[31mred\x1b]52;c;aGk=\x07 [/x] \xff"):
            assert text in shown
        assert all(char.isprintable() or char == "\n" for char in shown)
        await typed(pilot, "G")
        assert "location /59" in screen(pilot)
        await typed(pilot, "escape")
        assert isinstance(pilot.app.screen, RestoreScreen)


async def test_what_is_no_text_is_said_and_shown_as_bytes(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, *INTO, "end", "enter")
        assert "This is no text. Its first 256 bytes:" in screen(pilot) and "0000  00 01 02 03" in screen(pilot)


async def test_what_cannot_be_looked_at_says_why(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, *INTO, "v")
        assert said(pilot) == "that is a directory: enter goes into it"
        await typed(pilot, "home", "enter", "end", "v")
        assert "RST024 no copy can be read: volume DailySet1-06 is in no slot" in screen(pilot)
        assert "load it, and look again" in screen(pilot)


# ---- marks -------------------------------------------------------------------------------


async def test_a_name_is_left_out_of_a_directory_that_is_marked(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, *INTO, "space")
        assert place(pilot).way.marked == ("etc",)
        await pilot.pause()
        assert ", at most " in screen(pilot), "what is read of the dumps is told when the restore is begun"
        await typed(pilot, "home", "enter", "end")
        assert "[x] passwd" in screen(pilot)
        await typed(pilot, "space")
        assert place(pilot).way.marked == ("etc/nginx.conf",) and "[ ] passwd" in screen(pilot)
        await typed(pilot, "space")
        assert set(place(pilot).way.marked) == {"etc/nginx.conf", "etc/passwd"}


async def test_a_directory_of_very_many_names_is_made_into_rows_once(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    from tui.panes import restore

    monkeypatch.setitem(TREE, "srv/www/site-b", [f"srv/www/site-b/{n:06}" for n in range(20_000)])
    made = 0
    was = restore.name_entries

    def counted(*given: Any) -> Any:
        nonlocal made
        made += 1
        return was(*given)

    monkeypatch.setattr(restore, "name_entries", counted)
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, *INTO)
        await word(pilot, "cd /srv/www/site-b")
        assert "Names  20000" in screen(pilot)
        before = made
        for _ in range(10):
            console(pilot).frame()
        await typed(pilot, "down", "pagedown", "end")
        assert made == before and "019999" in screen(pilot)
        await typed(pilot, "space")
        assert made == before + 1 and "[x] 019999" in screen(pilot)


# ---- the command line ----------------------------------------------------------------------


async def test_the_words_of_amrecover_do_what_they_say(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    hand = FakeHand()
    async with night.at("dumping").shown((120, 40), hand=hand) as pilot:
        await typed(pilot, "8")
        way = place(pilot).way
        await word(pilot, "setdate yesterday")
        assert said(pilot) == ("RST052 setdate needs a host and a disk first. write sethost HOST, then setdisk DISK")
        await word(pilot, "sethost db01")
        assert (way.at.title, way.date) == ("db01:/srv", "20261201001500") and "[Dec 01 L1]" in screen(pilot)
        await word(pilot, "setdate 2026-11-28")
        assert way.date == "20261128001500" and "[28 L1]" in screen(pilot)
        await word(pilot, "cd srv/www")
        assert way.path == "srv/www" and "site-a/" in screen(pilot)
        await word(pilot, "add site-*")
        assert way.marked == ("srv/www/site-a", "srv/www/site-b") and screen(pilot).count("[x]") == 2
        assert "2 names marked" in screen(pilot)
        await word(pilot, "delete site-b")
        assert way.marked == ("srv/www/site-a",) and said(pilot) == "not marked any more: /srv/www/site-b"
        await word(pilot, "pwd")
        assert said(pilot) == "/srv/www of db01:/srv as of 2026-11-28 00:15:00"
        await word(pilot, "find passwd")
        assert "Found  1" in screen(pilot)
        await word(pilot, "ls")
        assert "Names  3" in screen(pilot) and not way.searched
        await word(pilot, "list")
        assert isinstance(pilot.app.screen, PageScreen) and "NOT HERE: bring it" in screen(pilot)
        await typed(pilot, "escape")
        await word(pilot, "history")
        assert way.step == "dates" and place(pilot).query_one("#listing", Table).key == "20261128001500"
        await typed(pilot, "enter")
        await word(pilot, "lcd /srv/back")
        await word(pilot, "help")
        assert isinstance(pilot.app.screen, HelpScreen)
        await typed(pilot, "escape")
        await word(pilot, "extract")
        assert isinstance(pilot.app.screen, StartScreen) and pilot.app.screen.query_one(Input).value == "/srv/back"
        await typed(pilot, "escape")
        await word(pilot, "clear")
        assert way.marked == ()
        await typed(pilot, "colon", *"quit")
        await pilot.press("enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
    assert console(pilot).detached and hand.asked == []


async def test_sethost_with_more_disks_shows_them(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordedSite, "disks", lambda self: [("a", "/x"), ("a", "/y"), ("b", "/x")])
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "8")
        await word(pilot, "sethost a")
        assert said(pilot).startswith("host a has 2 disks") and len(place(pilot).query_one("#listing", Table).rows) == 2
        await word(pilot, "setdisk /y")
        assert place(pilot).way.at.title == "a:/y" and place(pilot).way.step == "names"


@pytest.mark.parametrize(("line", "is_said"), [
    ("add", "RST051 add is written so: add NAME ..."),
    ("add nothing", "RST054 nothing is called 'nothing' in / of db01:/srv"),
    ("cd \x1b]52;c;x\x07[/x]", r"RST054 there is no directory '\x1b]52;c;x\x07[/x]' in / of db01:/srv"),
    ("setmode smb", "RST050 setmode is not needed here: every dump is restored by the program that made it"),
    ("nonsense", "CON003 nowhere is called 'nonsense'"),
])
async def test_wrong_words_get_one_sentence(line: str, is_said: str, night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, *INTO)
        await word(pilot, line)
        assert said(pilot).startswith(is_said)
        assert all(char.isprintable() or char == "\n" for char in screen(pilot))


async def test_places_are_still_found_from_here(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "8")
        await word(pilot, "tapes")
        assert pilot.app.current_mode == "tapes"
        await typed(pilot, "colon", *"restores", "enter")
        assert isinstance(pilot.app.screen, RestoresScreen)


async def test_words_are_completed_with_tab(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, *INTO, "colon", *"add etc/pa", "tab")
        assert place(pilot).query_one(Prompt).value == "add etc/passwd"
        await typed(pilot, "enter")
        assert place(pilot).way.marked == ("etc/passwd",)
        await typed(pilot, "colon", *"setda", "tab")
        assert place(pilot).query_one(Prompt).value == "setdate"
        await typed(pilot, *" 2026-11-29", "enter", "colon", *"tap", "tab", "enter")
        assert pilot.app.current_mode == "tapes"


async def test_who_went_on_meanwhile_is_not_taken_back(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, *INTO)
        way = place(pilot).way

        def meanwhile(line: str, at: Standing, world: World) -> Outcome:
            way.at = replace(way.at, marks=("README",))
            return obey(line, at, world)

        monkeypatch.setattr(saying, "obey", meanwhile)
        await word(pilot, "add etc")
        assert said(pilot) == "CON010 you went on meanwhile, so this was not done: add etc" and way.marked == ("README",)


# ---- from a mark to a restore ----------------------------------------------------------------


async def test_a_restore_is_foretold_asked_for_and_begun(night: Night) -> None:
    hand = FakeHand()
    async with night.at("dumping").shown(hand=hand) as pilot:
        await typed(pilot, *INTO, "space", "R")
        assert isinstance(pilot.app.screen, StartScreen)
        assert pilot.app.screen.query_one(Input).value == "/home/ana/restored/db01_srv-20261130"
        pilot.app.screen.query_one(Input).value = "/srv/back"
        await typed(pilot, "enter")
        words = ("taperoom", "restore", "db01:/srv:/etc", "--as-of", "2026-11-30 00:15:00", "--to", "/srv/back")
        assert asked(pilot, "foresee") == [("foresee", words)]
        for text in ("312 files and 3 directories are written to /srv/back",
                     "about 1.2 GiB to read on 2 volumes, in about 24m00s", "1. DailySet1-02 of main  files 9-11  slot 2",
                     "2. DailySet1-06 of main  file 3  NOT HERE: bring it",
                     "same as  taperoom restore db01:/srv:/etc --as-of '2026-11-30", "[>Cancel ]"):
            assert text in screen(pilot), text
        await typed(pilot, "enter")
        assert hand.asked == [] and isinstance(pilot.app.screen, RestoreScreen)
        await typed(pilot, "R")
        pilot.app.screen.query_one(Input).value = "/srv/back"
        await typed(pilot, "enter", "tab", "enter")
        assert hand.asked == [("restore", words)] and said(pilot).startswith("restore is done")


async def test_what_is_typed_takes_the_place_of_the_target_that_is_proposed(night: Night) -> None:
    async with night.at("dumping").shown(hand=FakeHand()) as pilot:
        await typed(pilot, *INTO, "space", "R", *"/srv/back")
        entry = pilot.app.screen.query_one(Input)
        assert entry.value == "/srv/back"
        await typed(pilot, "enter", "t", "end", *"/2")
        assert entry.value == "/srv/back/2"
        await typed(pilot, "enter", "t", "home", *"/x", "delete")
        assert entry.value == "/xsrv/back/2"
        await typed(pilot, "enter", "t", "left", "delete", "right", "delete")
        assert entry.value == "xrv/back/2"
        await typed(pilot, "enter", "t", "backspace")
        assert entry.value == ""


async def test_y_begins_it_and_t_takes_another_directory(night: Night) -> None:
    hand = FakeHand()
    async with night.at("dumping").shown((120, 40), hand=hand) as pilot:
        await typed(pilot, *INTO, "space", "R", "enter", "t")
        pilot.app.screen.query_one(Input).value = "host2:/srv/back"
        await typed(pilot, "end", "y", "backspace", "enter", "y")
        assert [asked[1][-1] for asked in hand.asked] == ["host2:/srv/back"]  # type: ignore[index]


async def test_names_that_are_there_are_only_overwritten_after_the_word(night: Night) -> None:
    hand = FakeHand()
    async with night.at("dumping").shown(hand=hand) as pilot:
        await typed(pilot, *INTO, "space")
        await word(pilot, "lcd /srv/taken")
        await typed(pilot, "R", "enter")
        assert "2 names there already: /etc/nginx.conf, /etc/passwd" in screen(pilot)
        await typed(pilot, "y", "enter")
        assert isinstance(pilot.app.screen, StartScreen) and hand.asked == []
        await typed(pilot, "o")
        assert isinstance(pilot.app.screen, ConfirmScreen) and "This cannot be undone" in screen(pilot)
        await typed(pilot, *"yes", "enter")
        assert hand.asked == [] and "That is not the word" in screen(pilot)
        await typed(pilot, *"overwrite", "enter")
        assert [asked[1][-1] for asked in hand.asked] == ["--overwrite"]  # type: ignore[index]
        assert isinstance(pilot.app.screen, RestoreScreen)


async def test_what_is_in_the_way_cannot_be_overwritten(night: Night) -> None:
    hand = FakeHand()
    async with night.at("dumping").shown(hand=hand) as pilot:
        await typed(pilot, *INTO, "space")
        await word(pilot, "lcd /srv/blocked")
        await typed(pilot, "R", "enter")
        assert "It cannot be restored there." in screen(pilot)
        await typed(pilot, "o", "y", "enter")
        assert isinstance(pilot.app.screen, StartScreen) and hand.asked == []


async def test_why_it_cannot_be_foretold_is_said_there(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: RecordedSite, words: Any) -> Any:
        raise UsageError("RST030", "/srv/x: Permission denied", "restore to a directory that you may write")

    monkeypatch.setattr(RecordedSite, "foresee", fails)
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, *INTO, "space", "R", "enter")
        assert "RST030 /srv/x: Permission denied" in screen(pilot) and "restore to a directory" in screen(pilot)
        await typed(pilot, "y")
        assert isinstance(pilot.app.screen, StartScreen)
        await typed(pilot, "t", "escape")
        assert isinstance(pilot.app.screen, RestoreScreen)


async def test_who_watches_may_look_but_not_restore(night: Night) -> None:
    async with night.at("dumping").shown(operate=False) as pilot:
        await typed(pilot, *INTO, "space", "R")
        assert said(pilot).startswith("CON010 you are watching") and isinstance(pilot.app.screen, RestoreScreen)
        await word(pilot, "extract")
        assert said(pilot).startswith("CON010 you are watching") and isinstance(pilot.app.screen, RestoreScreen)
        assert " R restore" not in screen(pilot).splitlines()[-1]
        await typed(pilot, "home", "enter", "v")
        assert isinstance(pilot.app.screen, PageScreen)


async def test_nothing_marked_is_said(night: Night) -> None:
    async with night.at("ended").shown() as pilot:
        await typed(pilot, *INTO, "R")
        assert said(pilot) == "CON010 mark something first: space marks a name with all that is below it"


@pytest.mark.parametrize("stage", ["dumping", "ended", ""])
async def test_it_works_on_live_and_finished_and_no_runs(stage: str, night: Night) -> None:
    hand, door = FakeHand(), RecordedSite(BEGAN)
    async with (night.at(stage) if stage else night).shown(hand=hand, door=door) as pilot:
        await typed(pilot, *INTO, "space", "R", "enter", "y")
        assert [what[0] for what in hand.asked] == ["restore"]


# ---- restores under way ------------------------------------------------------------------------


async def test_a_restore_that_goes_on_is_followed(night: Night) -> None:
    hand, door = FakeHand(), RecordedSite(BEGAN)
    door.restores = [a_restore()]
    async with night.at("dumping").shown(hand=hand, door=door) as pilot:
        await typed(pilot, "8")
        assert "restore to /srv/back  25% of 1.2 GiB, 2m05s left" in screen(pilot)
        await typed(pilot, "w")
        assert isinstance(pilot.app.screen, RestoresScreen)
        for text in ("Restores  1", "ana(1000)", "25% of 1.2 GiB, 2m05s left", "db01:/srv level 0 from volume DailySet1-02",
                     "to be read: about 1.2 GiB", "same as taperoom restore db01:/srv:/etc"):
            assert text in screen(pilot), text
        await typed(pilot, "y")
        assert pilot.app.clipboard == "taperoom restore db01:/srv:/etc --as-of '2026-11-30 00:15:00' --to /srv/back"
        await typed(pilot, "K")
        assert isinstance(pilot.app.screen, ConfirmScreen) and "same as" not in screen(pilot)
        await typed(pilot, "y")
        assert hand.asked == [("stop_restore", "20261201023000")]
        door.restores = [a_restore(alive=False, code=130, ended=night.now(), said=("interrupted",))]
        console(pilot).known.stale()
        await settled(pilot)
        await settled(pilot)
        assert "interrupted" in screen(pilot)
        await typed(pilot, "K")
        assert said(pilot) == "CON010 choose a restore that goes on first"
        await typed(pilot, "escape")
        assert isinstance(pilot.app.screen, RestoreScreen) and "restore to /srv/back  interrupted" in screen(pilot)


@pytest.mark.parametrize(("more", "shown"), [
    ({"alive": True, "total": 0, "said": ()}, "looking what is needed"),
    ({"alive": False, "code": 0, "said": ("3 files and 2 directories in /srv/back", "  db01:/srv as it was on …")},
     "done  3 files and 2 directories"),
    ({"alive": False, "code": 1, "said": ("RST026 tar says: x", "3 files in /srv/back")}, "needs attention  RST026 tar says"),
    ({"alive": False, "code": 2, "said": ("RST031 /srv/back has 1 of the names already", "  Hint: y")},
     "failed, code 2  RST031"),
    ({"alive": False, "code": None, "said": ()}, "ended without a word"),
])
async def test_how_a_restore_ended(more: dict[str, Any], shown: str, night: Night) -> None:
    door = RecordedSite(BEGAN)
    night.at("dumping")
    door.restores = [a_restore(**{"ended": night.now() - 10, **more})]
    async with night.shown(door=door) as pilot:
        await typed(pilot, "8")
        assert f"restore to /srv/back  {shown}" in screen(pilot)
        assert all(len(row) <= 80 for row in screen(pilot).splitlines())


async def test_one_that_is_over_for_long_takes_no_row(night: Night) -> None:
    door = RecordedSite(BEGAN)
    night.at("dumping")
    door.restores = [a_restore(alive=False, code=0, ended=night.now() - 3600)]
    async with night.shown(door=door) as pilot:
        await typed(pilot, "8")
        assert "restore to" not in screen(pilot)
        await typed(pilot, "w")
        assert "done" in screen(pilot)


async def test_no_restore_and_no_state(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: RecordedSite) -> Any:
        raise WorldError("RST001", "state/restores: Permission denied")

    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "8", "w")
        assert "none was begun from a console yet" in screen(pilot)
        await typed(pilot, "y")
        assert said(pilot) == "CON010 no restore stands here"
        monkeypatch.setattr(RecordedSite, "restorings", fails)
        console(pilot).known.restorings.value = None
        console(pilot).known.stale()
        await settled(pilot)
        await settled(pilot)
        assert "RST001 state/restores: Permission denied" in screen(pilot)


async def test_ascii_has_nothing_else(night: Night) -> None:
    door = RecordedSite(BEGAN)
    door.restores = [a_restore()]
    async with night.at("dumping").shown((120, 40), door=door, look=Look(ascii=True)) as pilot:
        for keys in (INTO, ("space", "i"), ("R",), ("enter",), ("escape", "w"), ("escape", "home", "enter", "v"),
                     ("escape", "question_mark")):
            await typed(pilot, *keys)
            assert [row for row in screen(pilot).splitlines() if not row.isascii()] == [], keys
