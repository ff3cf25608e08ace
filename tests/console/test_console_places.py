"""The screens that look beyond the run: clients, tapes, holding, history, restore, a dump, messages, no run at all."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import cast

import pytest
from textual.pilot import Pilot

from core.client.runs import Run
from core.client.shelf import VolumeRow
from core.errors import UsageError
from core.events import codec
from core.events import event as e
from core.events.event import Record
from tests.console.conftest import Night, settled, text_of, typed
from tests.support import recorded_run
from tests.support.recorded_site import RecordedSite
from tui import keys
from tui.app import ConsoleApp
from tui.keymap import shown
from tui.look import Look
from tui.screens.clients import ClientsScreen
from tui.screens.dump import DumpScreen
from tui.screens.explain import ExplainScreen
from tui.screens.holding import HoldingScreen
from tui.screens.messages import MessagesScreen
from tui.screens.report import ReportScreen
from tui.screens.restore import RestoreScreen
from tui.screens.tapes import TapesScreen
from tui.widgets.ringlog import RingLog
from tui.widgets.table import Table

LOST = UsageError("CFG001", "no configuration was found", "name one with --config FILE")


def console(pilot: Pilot[int]) -> ConsoleApp:
    return cast(ConsoleApp, pilot.app)


def screen(pilot: Pilot[int]) -> str:
    return text_of(console(pilot))


def said(pilot: Pilot[int]) -> list[str]:
    return [text for _, text, _ in console(pilot).sayings]


# ---- a dump ----------------------------------------------------------------------------


async def test_enter_tells_the_story_of_a_disk_and_esc_leads_back(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        await typed(pilot, "enter")
        assert isinstance(pilot.app.screen, DumpScreen)
        shown_now = screen(pilot)
        assert "needs 2.1T more room; request #7 waits for an answer" in shown_now
        assert "NO-ROOM      needs 2.1 TiB more (allotment)" in shown_now
        assert "nothing of it is on a volume yet" in shown_now
        assert all("02-00031" in line.text or "mail /srv" in line.text
                   for line in pilot.app.screen.query_one(RingLog).shown())
        await typed(pilot, "enter")
        assert isinstance(pilot.app.screen, ExplainScreen)
        assert "No room on the holding disks" in screen(pilot)
        await typed(pilot, "escape", "escape")
        assert pilot.app.screen.query_one("#disks", Table).key == "mail\0/srv"


async def test_a_story_goes_on_with_the_run(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        await typed(pilot, "enter")
        story = cast(DumpScreen, pilot.app.screen)
        before = len(story.story.steps)
        lines = len(story.query_one(RingLog).shown())
        night.at("answered")
        await settled(pilot)
        await settled(pilot)
        words = [step.word for step in story.story.steps[before:]]
        assert words == ["request #7", "CONTINUE"]
        assert len(story.query_one(RingLog).shown()) > lines


async def test_parts_words_and_the_filter_of_a_story(night: Night) -> None:
    async with night.at("ended").shown((120, 40)) as pilot:
        await typed(pilot, "colon", *"dump web01:/var", "enter")
        assert "1 part  2.0G" in screen(pilot)
        assert "1 file changed as it was read" in screen(pilot)
        steps = pilot.app.screen.query_one("#steps", Table)
        await typed(pilot, "slash", *"part", "enter")
        assert {row.cells[3][0] for row in steps.rows} == {"part", "on volume"}
        await typed(pilot, "escape")
        assert len(steps.rows) == 11
        await typed(pilot, "p")
        assert pilot.app.current_mode == "protocol"


async def test_traffic_from_before_what_is_kept_comes_from_the_log(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(night.at("dumping").folder / "runs" / recorded_run.STAMP)
    old = [f"{recorded_run.BEGAN + n / 1e6:.6f} dumper2 > driver PROGRESS 02-00031 1 {n}\n" for n in range(30_000)]
    run.traffic.write_text("".join(old) + run.traffic.read_text())
    async with night.shown((120, 40)) as pilot:
        await typed(pilot, "enter")
        await settled(pilot)
        lines = pilot.app.screen.query_one(RingLog).shown()
        assert lines[0].at < recorded_run.BEGAN + 0.03
        assert [line.number for line in lines] == sorted({line.number for line in lines})
        assert sum(1 for line in lines if line.text.startswith("NO-ROOM")) == 1


async def test_a_disk_that_the_run_does_not_know_has_an_empty_story(night: Night) -> None:
    async with night.at("ended").shown((80, 24)) as pilot:
        await typed(pilot, "end", "enter")
        assert isinstance(pilot.app.screen, DumpScreen)
        assert "nas-b:/vol1" in screen(pilot)
        await typed(pilot, "4")
        assert pilot.app.current_mode == "tapes"
        await typed(pilot, "1")
        assert not isinstance(pilot.app.screen, DumpScreen)


@pytest.mark.parametrize("name", ["nothing:/such", "srv", ""])
async def test_a_dump_that_is_no_one_disk_is_said(night: Night, name: str) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "colon", *f"dump {name}", "enter")
        assert said(pilot)[-1].startswith("CON003 no one disk is called")


async def test_a_dump_is_found_by_its_handle_and_by_a_part_of_its_name(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        for name in ("02-00031", "mail"):
            await typed(pilot, "colon", *f"dump {name}", "enter")
            assert cast(DumpScreen, pilot.app.screen).story.title == "mail:/srv"


# ---- messages --------------------------------------------------------------------------


async def test_x_lists_messages_with_their_pages_and_makes_them_seen(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        assert "3 new" in screen(pilot)
        await typed(pilot, "x")
        assert isinstance(pilot.app.screen, MessagesScreen)
        assert pilot.app.screen.code() == "HLD003"
        assert "3 new" not in screen(pilot)
        await typed(pilot, "up")
        assert pilot.app.screen.code() == "DMP007"
        await typed(pilot, "enter")
        assert "git answers slowly: 41 s for a request" in screen(pilot)
        await typed(pilot, "x", "slash", *"nearly", "enter")
        assert len(pilot.app.screen.query_one("#messages", Table).rows) == 1
        await typed(pilot, "escape", "escape")
        assert pilot.app.current_mode == "run" and not isinstance(pilot.app.screen, MessagesScreen)


async def test_what_the_console_said_is_among_the_messages(night: Night) -> None:
    async with night.at("ended").shown() as pilot:
        await typed(pilot, "colon", *"nowhere", "enter", "colon", *"messages", "enter")
        assert "CON003" in screen(pilot)
        assert "nowhere is called 'nowhere'" in screen(pilot)
        await typed(pilot, "colon", *"explain ZZZ999", "enter")
        assert said(pilot)[-1] == "CON003 no message has the code 'ZZZ999'"
        await typed(pilot, "colon", *"tap012", "enter")
        assert isinstance(pilot.app.screen, ExplainScreen)


async def test_a_request_and_a_plan_are_explained_too(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        await typed(pilot, "r", "x")
        assert isinstance(pilot.app.screen, ExplainScreen)
        assert "No room on the holding disks" in screen(pilot)
        await typed(pilot, "escape", "escape", "2")
        for text in ("13d OVERDUE", "last nights", "data timeout"):
            assert text in screen(pilot)


# ---- no run lives ----------------------------------------------------------------------


async def test_the_first_screen_of_an_ended_run_has_the_age_of_each_last_good_backup(night: Night) -> None:
    async with night.at("ended").shown((120, 40)) as pilot:
        shown_now = screen(pilot)
        for text in ("RESULT", "3 fulls overdue", "DailySet1-08 (slot 8) is next", "bring DailySet1-06 + 1 new",
                     "2.0T on no volume yet", "1 of 10 in trouble: build7", "last good", "13d OVERDUE"):
            assert text in shown_now
        assert len(pilot.app.screen.query_one("#disks", Table).rows) == 10


async def test_a_site_without_a_run_shows_its_disks(night: Night) -> None:
    async with night.shown() as pilot:
        assert "No run has been made yet." in screen(pilot)
        assert "10 disks without any" in screen(pilot)
        night.at("begun")
        night.stage = "estimating"
        await settled(pilot)
        assert "LIVE" in screen(pilot)


async def test_without_a_configuration_the_run_alone_is_shown(night: Night) -> None:
    async with night.at("ended").shown(door=RecordedSite(fault=LOST)) as pilot:
        assert len(pilot.app.screen.query_one("#disks", Table).rows) == 9
        for place, text in (("4", "DailySet1-07"), ("5", "fs-archive"), ("6", "CFG001 no configuration was found"),
                            ("7", "CFG001"), ("8", "CFG001 no configuration was found")):
            await typed(pilot, place)
            assert text in screen(pilot)


# ---- tapes and holding -----------------------------------------------------------------


async def test_tapes_begin_on_the_volume_that_is_written_and_look_into_it(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "4")
        place = cast(TapesScreen, pilot.app.screen)
        row = place.chosen()
        assert row is not None and (row.label, row.word, row.loaded) == ("DailySet1-07", "WRITING", True)
        volume = place.subject().volume
        assert volume is not None and (volume.slot, volume.needed) == ("7", "this run writes on it")
        await typed(pilot, "enter")
        assert "1-8 nas-b:/vol1" in screen(pilot)
        await typed(pilot, "down", "enter")
        assert cast(DumpScreen, pilot.app.screen).story.title == "db02:/srv"
        await typed(pilot, "escape", "escape")
        assert pilot.app.focused is place.query_one("#volumes")


async def test_a_volume_by_its_label(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        await typed(pilot, "colon", *"tape DailySet1-08", "enter")
        row = cast(TapesScreen, pilot.app.screen).chosen()
        assert row is not None and row.slot == "8"
        assert "TAP002 disk:/mnt/vault: it is not mounted" in screen(pilot) or "down" in screen(pilot)
        await typed(pilot, "colon", *"tape no-such", "enter")
        assert "nothing has this text; esc shows all" in screen(pilot)


async def test_a_slot_without_a_label_has_nothing_of_the_volume_that_was_looked_at_before(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, *_ = RecordedSite(recorded_run.BEGAN).shelves(None, 0.0)
    blank = VolumeRow("main", "12", "", "", "", 0, 800 << 20, 0, "blank", "no label")
    rows = (shelf.rows[3], blank, shelf.rows[7])
    monkeypatch.setattr(RecordedSite, "shelves", lambda self, live, now: [replace(shelf, rows=rows)])
    async with night.at("ended").shown((120, 40)) as pilot:
        await typed(pilot, "4", "home")
        contents = pilot.app.screen.query_one("#contents", Table)
        assert contents.rows and "On DailySet1-07  this run writes on it" in screen(pilot)
        await typed(pilot, "down")
        assert contents.rows == [] and "In slot 12  no label" in screen(pilot)
        volume = cast(TapesScreen, pilot.app.screen).subject().volume
        assert volume is not None and (volume.slot, volume.dumps) == ("12", 0)
        await typed(pilot, "L")
        assert "Label slot 12 of main" in screen(pilot) and "It is blank." in screen(pilot)
        await typed(pilot, "escape", "down", "L")
        assert said(pilot)[-1] == "slot 11: TAP003 the slot cannot be read"


async def test_the_volumes_stand_as_they_stood_when_one_comes_back_from_the_contents(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf, *_ = RecordedSite(recorded_run.BEGAN).shelves(None, 0.0)
    rows = tuple(VolumeRow("main", str(n), f"V-{n:03}", "", "", 0, 800 << 20, 1, "active", "") for n in range(60))
    monkeypatch.setattr(RecordedSite, "shelves", lambda self, live, now: [replace(shelf, rows=rows)])
    async with night.at("ended").shown() as pilot:
        await typed(pilot, "4", "down", "down", "down")
        before = screen(pilot)
        assert "V-000" in before and "> .    3" in before.replace("·", ".")
        await typed(pilot, "enter", "escape")
        assert screen(pilot) == before


async def test_what_a_finished_run_changed_is_asked_for_at_once(night: Night) -> None:
    door = RecordedSite(night.at("dumping").now())
    async with night.shown((120, 40), door=door) as pilot:
        await typed(pilot, "2")
        before = door.asked.count(("ahead",))
        await typed(pilot, "1", "2")
        assert door.asked.count(("ahead",)) == before
        night.at("ended")
        await typed(pilot, "1", "2")
        assert door.asked.count(("ahead",)) == before + 1


async def test_a_run_of_some_disks_is_whole_when_those_are(night: Night) -> None:
    run = Run(night.folder / "runs" / recorded_run.STAMP)
    run.path.mkdir(parents=True)
    facts = (e.RunBegan(recorded_run.STAMP, "DailySet1", "/x.toml", "ana", 1, 8, 40, 4),
             e.DumpPlanned("db01", "/srv", 1, 0, 1024, 2048, 60, 1, 512, "asked for"), e.PlanComplete(1, 0),
             e.DiskEnded("db01", "/srv", 0, "done", ""), e.RunEnded(0, 1, 0, 0))
    for known, counted in ((1, "0/40 ok"), (3, "0/1 ok"), (5, "1/1 ok")):
        run.journal.write_bytes(b"".join(
            codec.encode(Record(n, recorded_run.BEGAN + n, fact)) for n, fact in enumerate(facts[:known], 1)))
        with recorded_run.alive(run) if known < 5 else nullcontext():
            async with night.shown() as pilot:
                assert counted in screen(pilot)


async def test_holding_shows_what_the_header_says(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        await typed(pilot, "5", "down", "down", "down")
        shown_now = screen(pilot)
        for text in ("GNUTAR, gzip, 2.0 TiB of 4.0 TiB in 2 048 chunks", "8c1d02aa:", "NOT ON A VOLUME",
                     "waits for storage main", "1 path here no dump of ours: /hold1/lost+found", "2.0T nowhere else"):
            assert text in shown_now
        dump = cast(HoldingScreen, pilot.app.screen).subject().dump
        assert dump is not None and (dump.title, dump.complete, dump.labels) == ("nas-b:/vol2", True, ())
        await typed(pilot, "home", "enter")
        assert cast(DumpScreen, pilot.app.screen).story.title == "mail:/srv"
        await typed(pilot, "escape", "p")
        assert pilot.app.current_mode == "protocol"


# ---- clients ---------------------------------------------------------------------------


async def test_clients_in_trouble_come_first_with_what_to_try(night: Night) -> None:
    door = RecordedSite(recorded_run.BEGAN + 8180)
    async with night.at("dumping").shown((120, 40), door=door) as pilot:
        await typed(pilot, "6")
        assert "connect to build7:10080: timed" in screen(pilot) and "try next" in screen(pilot)
        place = cast(ClientsScreen, pilot.app.screen)
        assert place.code() == "CLT007"
        await typed(pilot, "x")
        assert isinstance(pilot.app.screen, ExplainScreen)
        await typed(pilot, "escape", "c")
        assert ("check", ["build7"]) in door.asked
        await typed(pilot, "a")
        assert ("check", []) in door.asked
        await typed(pilot, "colon", *"client mail", "enter")
        assert place.query_one("#clients", Table).key == "mail"
        await typed(pilot, "colon", *"client none", "enter")
        assert place.query_one("#clients", Table).filter == "none"


async def test_a_check_that_fails_says_why(night: Night) -> None:
    door = RecordedSite(recorded_run.BEGAN)
    async with night.at("dumping").shown((120, 40), door=door) as pilot:
        await typed(pilot, "6")
        door.fault = LOST
        await typed(pilot, "a")
        assert "CFG001 no configuration was found" in screen(pilot)


# ---- history ---------------------------------------------------------------------------


@pytest.mark.parametrize("ascii", [False, True])
async def test_a_report_has_all_its_columns_on_a_screen_of_as_many(night: Night, ascii: bool) -> None:
    line = "".join(str(n % 10) for n in range(80))
    async with night.at("ended").shown((80, 24), look=Look(ascii=ascii)) as pilot:
        await pilot.app.push_screen(ReportScreen(recorded_run.STAMP, line, Look(ascii=ascii)))
        await settled(pilot)
        assert line in screen(pilot).splitlines() and "Report of Tue 01 Dec 00:15   esc closes" in screen(pilot)


async def test_history_tells_a_run_and_shows_its_report(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        await typed(pilot, "7", "down", "down")
        for text in ("28 runs", "2 failed", "1 partial", "last good one 26h ago", "nas-b:/vol1 3.1M/s",
                     "#3 TAP012 main: slot 6 by"):
            assert text in screen(pilot)
        await typed(pilot, "v")
        assert isinstance(pilot.app.screen, ReportScreen)
        assert "DailySet1: the report of that night" in screen(pilot)
        await typed(pilot, "j", "G", "escape")
        assert pilot.app.current_mode == "history"
        await typed(pilot, "colon", *"history FAIL", "enter")
        assert len(pilot.app.screen.query_one("#runs", Table).rows) == 1


# ---- restore ---------------------------------------------------------------------------


async def test_restore_goes_down_marks_and_names_volumes_and_command(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        await typed(pilot, "8", "enter", "down", "enter")
        place = cast(RestoreScreen, pilot.app.screen)
        assert (place.way.host, place.way.disk, place.way.date) == ("db01", "/srv", "20261130001500")
        assert place.code() == "RST011"
        await typed(pilot, "enter", "space", "i")
        assert list(place.way.marked) == ["etc/nginx.conf"]
        for text in ("/etc", "[x] nginx.conf", "needs 2 volumes", "NOT HERE: bring it", "taperoom restore",
                     "Dumps that have it"):
            assert text in screen(pilot)
        footer = "1 name marked  312 files  1.2 MiB  from 2 volumes  1 not here  1 size unknown"
        assert footer in screen(pilot)
        await typed(pilot, "y")
        assert pilot.app.clipboard == "taperoom restore db01:/srv:/etc/nginx.conf --as-of '2026-11-30 00:15:00' --to DIR"
        await typed(pilot, "escape", "escape")
        assert "[-] etc/" in screen(pilot)
        await typed(pilot, "space")
        assert list(place.way.marked) == ["etc"]
        await typed(pilot, "home", "enter", "space")
        assert list(place.way.marked) == ["etc/passwd"]
        await typed(pilot, "backspace", "equals_sign", "down", "enter")
        assert place.way.date == "20261129001500" and list(place.way.marked) == ["etc/passwd"]
        await typed(pilot, "U")
        assert "Nothing marked" in screen(pilot) and "name marked" not in screen(pilot)


async def test_restore_keeps_the_marks_while_one_walks_and_filters(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "8", "enter", "down", "enter", "slash", *"READ", "enter", "space")
        place = cast(RestoreScreen, pilot.app.screen)
        assert list(place.way.marked) == ["README"] and " 1 name marked" in screen(pilot)
        await typed(pilot, "escape", "home", "enter", "slash", *"pass", "enter", "space")
        assert list(place.way.marked) == ["README", "etc/passwd"] and " 2 names marked" in screen(pilot)
        await typed(pilot, "escape", "backspace")
        assert "[-] etc/" in screen(pilot) and "[x] README" in screen(pilot)


async def test_restore_finds_a_name_anywhere(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        await typed(pilot, "8", "f")
        assert said(pilot)[-1] == "CON010 choose a disk and a date first"
        await typed(pilot, "y")
        assert said(pilot)[-1].startswith("CON010 mark something first")
        await typed(pilot, "enter", "down", "enter", "f", *"site", "enter")
        assert "/srv/www/site-a/" in screen(pilot) and "find site" in screen(pilot)
        await typed(pilot, "escape")
        assert "README" in screen(pilot)
        await typed(pilot, "colon", *"file passwd", "enter")
        assert "/etc/passwd" in screen(pilot)


async def test_restore_back_to_the_disks_and_a_disk_without_dates(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "colon", *"restore build7:/work", "enter")
        assert "no dump of it can be restored" in screen(pilot)
        await typed(pilot, "escape")
        table = pilot.app.screen.query_one("#listing", Table)
        assert table.key == "build7\0/work"
        await typed(pilot, "minus", "slash", *"web", "enter")
        assert len(table.rows) == 2
        await typed(pilot, "escape", "escape")
        assert len(table.rows) == 10


# ---- keys and hints of all of them -----------------------------------------------------


def test_ids_are_unique() -> None:
    ids = [action.id for action in (*keys.ACTIONS, *keys.TIME)]
    assert len(ids) == len(set(ids))


def test_keys_are_shown_as_they_stand_on_a_keyboard() -> None:
    assert [shown(key) for key in ("slash", "ctrl+l", "equals_sign,plus", "x")] == ["/", "ctrl+l", "=", "x"]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 15), (200, 50), (20, 5)])
async def test_every_place_at_every_size(night: Night, size: tuple[int, int]) -> None:
    async with night.at("dumping").shown(size) as pilot:
        for place in keys.PLACES:
            await typed(pilot, place.digit)
            assert all(len(row) <= size[0] for row in screen(pilot).splitlines())
            assert too_wide(pilot) == []
        for keys_ in (("1", "enter"), ("escape", "x"), ("escape",)):
            await typed(pilot, *keys_)
            assert too_wide(pilot) == []
        assert pilot.app.is_running


async def test_a_list_of_one_row_shows_the_one_under_the_cursor(night: Night) -> None:
    async with night.at("dumping").shown((40, 7)) as pilot:
        table = pilot.app.screen.query_one("#disks", Table)
        assert table.size.height == 1
        seen = []
        for _ in range(3):
            seen.append(next(line for line in screen(pilot).splitlines() if line.startswith("> ")))
            await typed(pilot, "down")
        assert len(set(seen)) == 3 and "disk" not in "".join(seen)


def too_wide(pilot: Pilot[int]) -> list[str]:
    """What reaches beyond the screen: its text would end there without a sign that more comes."""
    width = pilot.app.screen.size.width
    return [str(widget) for widget in pilot.app.screen.walk_children() if widget.is_on_screen and widget.region.right > width]
