"""Why something waits, how long the room lasts, and what nobody knows yet: said where it is looked for, and never wrongly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.cli.plan import _table
from core.client.runs import Run, view_of
from core.events import event as e
from core.events import gauges as gauges_file
from core.events.gauges import Gauges
from core.events.view import DiskState
from core.model.units import Kib
from core.protocol.planner import DumpLine
from tests.console.conftest import Night, settled, text_of, typed
from tests.support import recorded_run
from tui.acting import priority
from tui.app import ConsoleApp
from tui.deeds import Fork
from tui.keys import PLACES, actions_of
from tui.moment import Link, Moment
from tui.pace import Pace
from tui.panes import attention, dump, holding, run, spool, standing, tape, tapes, waits
from tui.panes.layout import Row
from tui.panes.status import plain
from tui.subject import Subject

GIT = ("git", "/home")
FULL = recorded_run.BEGAN + 9000.0


def at_stage(tmp_path: Path, stage: str, **given: object) -> Moment:
    """The recorded night at a stage, with these gauges beside its own."""
    made = recorded_run.make_run(tmp_path, stage)
    told = replace(recorded_run.gauges_at(recorded_run.STAGES[stage]), **given)  # type: ignore[arg-type]
    pace = Pace()
    pace.take(told)
    return Moment(view_of(made), told, pace, recorded_run.BEGAN + recorded_run.STAGES[stage], link=Link.LIVE)


def words(rows: list[Row]) -> str:
    return "\n".join(plain(row) for row in rows)


def test_a_retry_that_is_due_says_what_it_still_waits_for(tmp_path: Path) -> None:
    now = at_stage(tmp_path, "dumping", waiting={"git:/home": "needs 12 GiB of holding disk, 0 B free"})
    disk = now.view.disks[GIT]
    assert disk.state is DiskState.RETRY and disk.retry_after > now.now
    assert run.what(now, disk) == "host busy: 2 dumps running"
    assert dump.waits(now, disk) == "host busy: 2 dumps running; tried again 02:36, in 04:40"
    late = replace(now, now=disk.retry_after + 5)
    assert run.what(late, disk) == "needs 12 GiB of holding disk, 0 B free"
    assert dump.waits(late, disk) == (
        "needs 12 GiB of holding disk, 0 B free; to be tried again since 02:36, host busy: 2 dumps running")
    assert "again 02:36 now  needs 12 GiB" in words(attention.attention_rows(late, 120, 6))
    cells = next(row for row in waits.try_again_rows(late) if row.key == "git\0/home").cells
    assert [text for text, _ in (cells)][-2:] == [
        "now", "needs 12 GiB of holding disk, 0 B free"]
    blind = replace(late, gauges=Gauges())
    assert dump.waits(blind, disk) == "host busy: 2 dumps running; tried again 02:36, now"


def test_the_screen_says_how_long_the_holding_disks_last(tmp_path: Path) -> None:
    runway = {"/hold1": (900, 10.0, 0.0, FULL), "/hold2": (900, 0.0, 0.0, 0.0)}
    now = at_stage(tmp_path, "dumping", runway=runway, act=(0.0, "/hold1 may fill up: 2 TiB are to come"))
    hold = words(tape.short_rows(now, 120)).splitlines()[1]
    assert hold.count("full 02:45") == 1 and hold.index("/hold1") < hold.index("full") < hold.index("/hold2")
    assert tape.full_about(now, "/hold2") == ""
    assert "/hold2" in (short := words(tape.short_rows(now, 80)).splitlines()[1]) and len(short.rstrip()) <= 80
    side = words(tape.tall_rows(now, 38))
    assert "nobody must act: /hold1 may fill" in side and "act by" not in words(attention.attention_rows(now, 120, 6))
    assert "full about 02:45" in words(holding.room_rows(now, 100))
    ended = replace(now, view=view_of(recorded_run.make_run(tmp_path / "ended", "ended")))
    assert tape.full_about(ended, "/hold1") == "" and "nobody must act" not in words(tape.tall_rows(ended, 38))


def test_when_somebody_must_act_every_screen_says_by_when(tmp_path: Path) -> None:
    now = at_stage(tmp_path, "dumping", act=(FULL, "the holding disks are full in 13m and no volume takes what is on them"))
    rows = words(attention.attention_rows(now, 120, 6)).splitlines()
    assert rows[2].startswith(" ! RUN049 act by 02:45  the holding disks are full in 13m")
    assert "#7" in rows[0] and "#8" in rows[1]  # what can be answered comes first
    assert "act by 02:45" in words(tape.tall_rows(now, 38))


def test_where_rows_are_few_single_disks_give_way_to_what_concerns_the_whole_run(tmp_path: Path) -> None:
    now = at_stage(tmp_path, "dumping", act=(FULL, "the holding disks are full in 13m and no volume takes what is on them"))
    now.view.degraded["main"] = "no volume may be written"
    assert [words([row])[3:15] for row in attention.attention_rows(now, 80, 6)] == [
        "r answers #7", "#8 TAP012 ma", "RUN049 act b", "DMP007 TRY-A", "degraded: ma"]
    few = words(attention.attention_rows(now, 80, 4)).splitlines()
    assert "#7" in few[0] and "act by 02:45" in few[1] and "degraded: main" in few[2] and few[3].endswith(" 2 more")


def test_what_must_be_done_takes_as_many_rows_whatever_it_says(tmp_path: Path) -> None:
    short = at_stage(tmp_path, "dumping", act=(0.0, "all fits"))
    long = replace(short, gauges=replace(short.gauges, act=(0.0, "word " * 60)))
    assert len(tape.tall_rows(short, 38)) == len(tape.tall_rows(long, 38))


def test_no_face_shows_the_days_since_1970_as_a_priority(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _table([DumpLine("h", "/new", 20788, 0, Kib(1024), why="new disk, first full")])
    now = at_stage(tmp_path, "dumping")
    disk = now.view.disks["git", "/home"]
    disk.priority, disk.why = 20788, "new disk, first full"
    asked = priority(now, Subject(("git", "/home")))
    assert isinstance(asked, Fork) and "its priority: new." in asked.text
    told = capsys.readouterr().out + asked.text + "".join(option.effect for option in asked.options)
    assert "2078" not in told and " new " in told


def test_a_storage_that_writes_nothing_says_why(tmp_path: Path) -> None:
    now = at_stage(tmp_path, "answered", tapers={"taper0": ("nothing to write; db01:/srv is whole in about 13m", 0.0)})
    cells = tapes.storage_entries(now)[0].cells
    assert (cells)[-1][0] == "nothing to write; db01:/srv is whole in about 13m"


async def test_held_disks_are_told_apart_from_those_to_dump(night: Night) -> None:
    made = Run(night.at("dumping").folder / "runs" / recorded_run.STAMP)
    from core.events import codec
    from core.events import event as e
    from core.events.event import Record

    with open(made.journal, "ab") as journal:
        journal.write(codec.encode(Record(9000, recorded_run.BEGAN + 8175, e.OperatorActed("a", "HOLD fs-archive /a", "OK"))))
    async with night.shown() as pilot:
        said = text_of(pilot.app)  # type: ignore[arg-type]
        assert "Disks  9, 1 to dump, 1 held" in said and "1 to dump 12.0G, 1 held" in said


async def test_of_the_coming_night_the_plan_tells_that_night_only(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "2")
        assert "state      NO-ROOM" in text_of(app_of(pilot.app))
        await typed(pilot, "n")
        said = text_of(app_of(pilot.app))
        assert "dump       L0  1.4T as stored  in 3h10m" in said and "night      " in said
        assert "state      NO-ROOM" not in said and "estimate   L0" not in said
        assert "last good" in said and "last full" in said


async def test_without_a_run_the_plan_explains_the_disk_under_the_cursor(night: Night) -> None:
    from tests.support.recorded_site import RecordedSite

    async with night.shown(door=RecordedSite(night.now())) as pilot:
        await typed(pilot, "2", "down")
        said = text_of(app_of(pilot.app))
        assert "no disk chosen" not in said and "fs-archive:/a" in said and "why        promoted from 3 days ahead" in said


async def test_a_disk_in_the_history_has_its_story_beside_it(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        await typed(pilot, "7", "t", "down", "down")
        said = text_of(app_of(pilot.app))
        assert "This disk" in said and "mail:/srv" in said and "last good  25h L1" in said and "last nights" in said


async def test_what_is_still_read_is_not_said_to_be_missing(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    from typing import Any

    from tui.fetch import Fetch

    asked: list[Any] = []

    async def never(fetch: Fetch[Any], question: Any) -> None:
        asked.append(question)

    monkeypatch.setattr(Fetch, "_one", never)
    async with night.console().run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await pilot.pause()
        await pilot.pause()
        said = text_of(app_of(pilot.app))
        assert asked and "looking …" in said and "no holding disk" not in said


async def test_a_request_that_nobody_can_answer_is_not_offered(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        assert "r answer" in text_of(app_of(pilot.app)).splitlines()[-1]
    night.close()
    async with night.shown() as pilot:
        assert "r answer" not in text_of(app_of(pilot.app)).splitlines()[-1]


@pytest.mark.parametrize("width", [80, 120])
async def test_no_explanation_of_a_key_is_cut_off(night: Night, width: int) -> None:
    async with night.at("dumping").shown((width, 200)) as pilot:
        await typed(pilot, "question_mark")
        said = text_of(app_of(pilot.app))
        left = next(line for line in said.splitlines() if "Help" in line).index("╭─ Help")
        inside = [line[left:] for line in said.splitlines()]
        page = [line.split("│")[1] for line in inside if line.startswith("│")]
        said = " ".join(" ".join(page).split())
        for told in (*(action.help for action in actions_of("run")), *(place.help for place in PLACES)):
            assert " ".join(told.split()) in said


async def test_the_holding_disk_has_one_figure_on_every_screen(night: Night) -> None:
    folder = night.at("dumping").folder
    told = gauges_file.decode((folder / "runs" / recorded_run.STAMP / "status.json").read_bytes())
    assert told is not None and "/hold1" in told.holding
    async with night.shown((120, 40)) as pilot:
        await settled(pilot)
        assert "72%  7.2T/10.0T" in text_of(app_of(pilot.app))
        await typed(pilot, "5")
        assert "72%  7.2T/10.0T" in text_of(app_of(pilot.app))


def test_the_rows_of_the_spool_and_of_the_run_have_the_same_columns(tmp_path: Path) -> None:
    now = at_stage(tmp_path, "dumping")
    rows = holding.entries(now)
    assert rows and {len(row.cells) for row in rows} == {len(holding.FILES)}
    assert not hasattr(spool, "FILES")


async def test_who_operates_is_seen_beside_open_requests_and_another_operator(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        status = text_of(app_of(pilot.app)).splitlines()[0]
        assert "REQ 2" in status and "+1" in status and "ana:OPERATE" in status


def app_of(app: object) -> ConsoleApp:
    assert isinstance(app, ConsoleApp)
    return app


def test_a_storage_that_waits_for_hands_says_for_which_answer(tmp_path: Path) -> None:
    now = at_stage(tmp_path, "dumping")
    taper = now.view.tapers["taper0"]
    assert "#8" not in words(tape.short_rows(now, 120))  # it writes: nobody waits
    taper.state = "starting"
    assert "waits for request #8" in words(tape.short_rows(now, 120)) and "waits for #8" in words(tape.tall_rows(now, 38))
    assert "starting" not in words(tape.short_rows(now, 120)) + words(tape.tall_rows(now, 38))
    assert tapes.storage_entries(now)[0].cells[0][0] == "◷"


def test_what_stands_still_behind_a_request_about_another_dump_says_so(tmp_path: Path) -> None:
    now = at_stage(tmp_path, "dumping")
    asked = next(q.asked for q in now.view.open_questions if q.asked.code == "HLD003")
    other = next(d for d in now.view.disks.values() if d.state is DiskState.DUMPING and d.handle != asked.handle)
    other.state = DiskState.STALLED
    told = {row.key: row.cells[-1][0] for row in waits.no_room_rows(now)}
    assert told == {asked.subject.replace(":", "\0"): f"r answers #{asked.id}",
                    run.key_of(other): f"waits for the answer to #{asked.id}"}
    assert dump.waits(now, other).endswith(f"waits for the answer to #{asked.id}")
    assert f"waits for the answer to #{asked.id}" in words(attention.attention_rows(now, 120, 9))


async def test_a_narrow_screen_says_how_many_dumpers_are_at_work_when_it_cannot_show_them(night: Night) -> None:
    async with night.at("dumping").shown((80, 24)) as pilot:
        assert "    dumper    disk " in text_of(pilot.app)
        view, handle = pilot.app.feed.view, next(filter(None, pilot.app.feed.view.dumpers.values()))  # type: ignore[attr-defined]
        view.dumpers.update({f"dumper{n}": handle for n in range(9)})
        await settled(pilot)
        assert "    9 busy    disk " in text_of(pilot.app)


def test_the_result_of_a_run_names_what_wants_attention(tmp_path: Path) -> None:
    """Where every disk may be done all the same; a message that was told twice counts once."""
    now = at_stage(tmp_path, "ended")
    assert "HLD025" not in words(standing.rows(now, None, None, None, None, 120))
    note = e.Notice("HLD025", "E", "/hold1", "2 dumps in a row failed there")
    for said in (note, note, e.Notice("HLD010", "E", "/hold2", "cannot be used tonight: gone"), replace(note, severity="W")):
        now.view.notices.append((now.now, said))
    assert "HLD025 /hold1 and 1 more  x explains" in words(standing.rows(now, None, None, None, None, 120))
