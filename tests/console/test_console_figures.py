"""Rates, ends, sizes and the rows that give way: figures that neither jump nor lie."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.client import nights
from core.client.browse import Name
from core.client.nights import row_of
from core.client.runs import Run, view_of
from core.events import event as e
from core.events.event import Record
from core.events.gauges import Gauges
from core.events.view import DiskState, DiskView, RunView
from core.model.units import show_priority
from tests.console.conftest import Night
from tests.support import recorded_run
from tests.support.recorded_site import RecordedSite
from tui import format as show
from tui.app import ConsoleApp
from tui.goto import Goto, parse, suggestions
from tui.look import BUSY, DISK, Look
from tui.moment import Link, Moment
from tui.pace import Pace
from tui.panes import attention, clients, history, holding, plan, restore, run, tape, tapes
from tui.panes.layout import fit, part, spread
from tui.panes.status import hint_row, phase, plain, status_row, summary
from tui.widgets.ink import cells, cut, cut_name


@pytest.mark.parametrize(("kib", "wanted"), [
    (0, "0K"), (1, "1K"), (999, "999K"), (1000, "1.0M"), (42189, "41.2M"), (1048576, "1.0G"), (99.96 * 1024, "100M"),
    (412 * (1 << 20), "412G"), (5632 * (1 << 20), "5.5T"), (1 << 42, "4.0P"), (1 << 50, "1024P"),
])
def test_short_size(kib: float, wanted: str) -> None:
    assert show.short_size(kib) == wanted


@given(st.floats(0, 2**40))
def test_a_short_size_has_at_most_five_characters(kib: float) -> None:
    assert len(show.short_size(kib)) <= 5


def test_times() -> None:
    at = recorded_run.BEGAN
    assert (show.clock(at), show.moment(at), show.day(at), show.clock(0)) == ("00:15:00", "00:15", "Tue 01 Dec", "")
    assert (show.day_of("20261201001500"), show.day_of("odd")) == ("Tue 01 Dec 00:15", "odd")
    assert [show.span(s) for s in (-1, 5, 71, 8100)] == ["0s", "5s", "1m", "2h15m"]
    assert [show.remaining(at + s, at) for s in (-5, 0, 72, 3600, 9000)] == ["now", "now", "01:12", "1h00", "2h30"]
    assert [show.percent(p) for p in (0, 0.624, 0.999, 1)] == ["  0%", " 62%", " 99%", "100%"]
    assert (show.number(4213), show.plural(1, "dump"), show.plural(2, "child", "children")) == ("4 213", "1 dump", "2 children")


def test_the_code_of_a_delayed_full_stands_where_codes_stand() -> None:
    why = "PLN012 delayed full: tonight needs 3 TiB, the volumes of main hold 2 TiB"
    assert plan.without_code(why) == "delayed full: tonight needs 3 TiB, the volumes of main hold 2 TiB"
    rows = ["".join(text for text, _ in row) for row in plan._why(why, 60)]
    assert rows[0] == " code       PLN012W  x explains it" and rows[1].startswith(" why        delayed full: tonight")
    assert [text for row in plan._why("incremental", 60) for text, _ in row] == [" why        ", "incremental"]


def test_the_priority_of_a_disk_that_never_had_a_full_is_a_word() -> None:
    """It is overdue since 1970, in days; the order of the queue goes by that number all the same."""
    assert show_priority(20788, "new disk, first full") == "new"
    assert show_priority(20789, "incremental") == "first"
    assert show_priority(41, "") == "41"


@pytest.mark.parametrize("seconds", [0, 9, 59, 60, 599, 3599, 3600, 35999])
def test_the_first_row_stays_where_it_is_as_time_goes_by(seconds: int) -> None:
    view = RunView()
    view.apply_all([Record(1, 100.0, e.RunBegan("20260101010000", "org", "", "", 1, 1, 1, 1))])
    row = plain(status_row(Moment(view, now=100.0 + seconds, link=Link.LIVE), 80))
    assert row.index("0/1 ok") == plain(status_row(Moment(view, now=8200.0, link=Link.LIVE), 80)).index("0/1 ok")


def dumping(handle: str, estimate: int = 1000) -> DiskView:
    return DiskView("h", "/d", DiskState.DUMPING, handle=handle, estimate=estimate, began=100.0)


def test_a_rate_is_that_of_the_last_half_minute() -> None:
    pace = Pace()
    for at in range(0, 100, 10):
        pace.take(Gauges(100.0 + at, {"a": (at * 2, 0)}))
    assert pace.rate("a") == pytest.approx(2.0)
    pace.take(Gauges(260.0, {"a": (180, 0)}))
    assert pace.rate("a") < 0.1
    pace.take(Gauges(270.0, {}))
    assert (pace.rate("a"), pace.written("a")) == (0.0, 0)


def test_one_figure_gives_the_average_since_it_began() -> None:
    pace = Pace()
    pace.take(Gauges(200.0, {"a": (500, 0)}))
    disk = dumping("a")
    assert pace.rate("a", 100.0) == 5.0
    assert pace.dump_eta(disk, 200.0) == 300.0
    assert pace.part(disk) == 0.5
    pace.take(Gauges(201.0, {"a": (1500, 0)}))
    assert (pace.dump_eta(disk, 201.0), pace.part(disk)) == (0.0, 0.99)
    assert pace.total(["a", "b"]) == 1000.0
    assert pace.part(DiskView("h", "/d")) == 0.0


@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 2**50)), max_size=50))
def test_no_rate_is_negative(figures: list[tuple[float, int]]) -> None:
    pace = Pace()
    for at, written in figures:
        pace.take(Gauges(at, {"a": (written, written)}))
        assert pace.rate("a", 1.0) >= 0.0


def test_the_night_ends_when_what_is_left_is_done() -> None:
    view = RunView()
    view.disks["h", "/1"] = DiskView("h", "/1", DiskState.DONE, size=100, began=100.0)
    view.disks["h", "/2"] = DiskView("h", "/2", DiskState.PLANNED, estimate=300)
    assert Pace().night_eta(view, 200.0) == 500.0
    view.disks["h", "/2"].state = DiskState.DONE
    assert Pace().night_eta(view, 200.0) == 0.0


def test_the_night_does_not_end_before_a_dump_that_is_slower_than_the_rest() -> None:
    view, pace = RunView(), Pace()
    view.disks["h", "/fast"] = DiskView("h", "/fast", DiskState.DONE, size=10000, began=100.0)
    slow = view.disks["h", "/slow"] = DiskView("h", "/slow", DiskState.DUMPING, estimate=1000, began=100.0, handle="00-00001")
    for at, written in ((190.0, 90), (200.0, 100)):
        pace.take(Gauges(at, {"00-00001": (written, written)}))
    assert pace.night_eta(view, 200.0) == pace.dump_eta(slow, 200.0) == 1100.0


def test_nobody_can_tell_the_end_while_all_stand_still() -> None:
    view = RunView()
    view.disks["h", "/1"] = DiskView("h", "/1", DiskState.DONE, size=100, began=100.0)
    view.disks["h", "/2"] = DiskView("h", "/2", DiskState.PLANNED, estimate=300)
    view.disks["h", "/3"] = DiskView("h", "/3", DiskState.STALLED, estimate=300, began=100.0)
    assert Pace().night_eta(view, 200.0) == 0.0
    view.disks["h", "/3"].state = DiskState.DUMPING
    assert Pace().night_eta(view, 200.0) > 200.0
    view.disks["h", "/3"].state, view.paused = DiskState.PLANNED, "ana"
    assert Pace().night_eta(view, 200.0) == 0.0


@pytest.mark.parametrize(("name", "width", "wanted"), [
    ("web1:/home", 12, "web1:/home  "), ("web1:/srv/data/projects/alpha", 20, "web1:…projects/alpha"),
    ("web1:/srv/data/日本語", 17, "web1:…data/日本語"), ("a-host-with-a-long-name:/home", 20, "a-host-with-a-long-…"),
    ("no-colon-in-this-one-at-all", 12, "…-one-at-all"), ("h:/d", 1, "h"),
])
def test_a_name_keeps_its_host_and_its_end(name: str, width: int, wanted: str) -> None:
    assert cut_name(name, width) == wanted and cells(wanted) == width


async def test_what_a_driver_measured_is_gone_with_it(night: Night) -> None:
    async with night.at("dumping").shown() as pilot:
        app = cast(ConsoleApp, pilot.app)
        assert app.moment().gauges.holding and app.moment().pace.progress
        night.close()
        app.step()
        assert app.moment().link is Link.DEAD and app.moment().gauges == Gauges()
        assert app.moment().pace.progress  # how far its dumps came is still worth telling


@pytest.mark.parametrize("width", [34, 48, 60, 120])
def test_how_the_fulls_of_a_disk_stand_is_never_cut(width: int) -> None:
    disk = next(disk for row in RecordedSite().clients(recorded_run.BEGAN) for disk in row.disks if disk.overdue > 0)
    lines = ["".join(text for text, _ in line) for line in clients._disk(replace(disk, disk="/srv/data/projects/alpha"), width)]
    assert len(lines) == (1 if width >= 60 else 2) and all(len(line) <= width for line in lines), lines
    assert f"OVERDUE, cycle {disk.dumpcycle}" in lines[-1]


@pytest.mark.parametrize(("directory", "files", "wanted"), [
    (True, 40, "40 files"), (True, 1, "1 file"), (True, 0, "0 files"), (True, -1, ""), (False, 1, "")])
def test_what_is_below_a_directory_is_counted(directory: bool, files: int, wanted: str) -> None:
    assert restore._cells(Name("home", directory, "", 0, files, None), " ", "", False)()[2][0] == wanted


def test_the_time_of_another_try_is_told_until_it_has_come() -> None:
    view, disk = RunView(), DiskView("h", "/d", DiskState.RETRY, retry_after=recorded_run.BEGAN + 60)
    view.disks["h", "/d"] = disk
    ends = [run.disk_rows(Moment(view, now=recorded_run.BEGAN + after, link=Link.LIVE))[0].cells[7][0] for after in (0, 61)]
    assert ends == ["00:16", ""]


@given(st.lists(st.tuples(st.integers(0, 9), st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=20)),
                max_size=12), st.integers(1, 120))
def test_parts_go_whole_and_the_first_rank_stays(told: list[tuple[int, str]], width: int) -> None:
    parts = [part(rank, text) for rank, text in told]
    kept = fit(parts, width)
    assert [p for p in parts if p.rank == 0] == [p for p in kept if p.rank == 0]
    if any(p.rank for p in kept):
        assert sum(p.width for p in kept) + 2 * (len(kept) - 1) <= width
    assert plain(spread(kept, [], 200)).strip() == "  ".join(p.spans[0][0] for p in kept)


@given(st.text(max_size=60), st.integers(1, 40), st.booleans())
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, width: int, right: bool) -> None:
    shown = "".join(c for c in text if c.isprintable())
    assert cells(cut(shown, width, right=right)) == width


@given(st.floats(-1, 2), st.integers(0, 60), st.booleans())
def test_a_bar_has_its_width_and_is_full_only_at_the_end(share: float, width: int, plain_ascii: bool) -> None:
    bar = Look(plain_ascii).bar(share, width)
    assert len(bar) == width
    if share < 1 and width:
        assert bar[-1] in "░."


def test_every_state_has_a_mark_and_every_mark_an_ascii_one() -> None:
    assert set(DISK) == set(DiskState)
    assert all(mark.ascii.isascii() and len(mark.ascii) == 1 for mark in DISK.values())
    assert Look(True).cut("a…–目") == "a>-\\u76ee"
    assert Look().glyph(BUSY) == "▶"


def moment(folder: Path, stage: str, link: Link = Link.LIVE) -> Moment:
    view = view_of(Run(recorded_run.make_run(folder, stage).path))
    gauges, pace = recorded_run.gauges_at(recorded_run.STAGES[stage]), Pace()
    pace.take(gauges)
    return Moment(view, gauges, pace, recorded_run.BEGAN + recorded_run.STAGES[stage], Look(), link, "ana", True, 0)


@pytest.mark.parametrize("stage", recorded_run.STAGES)
@pytest.mark.parametrize("link", Link)
def test_every_pane_at_every_stage(tmp_path: Path, stage: str, link: Link) -> None:
    now = moment(tmp_path, stage, link)
    for width in (20, 60, 80, 120, 240):
        assert cells(plain(status_row(now, width))) <= max(width, 60)
        assert attention.attention_rows(now, width, 3) is not None
        assert len(attention.attention_rows(now, width, 2)) <= 2
        assert len(tape.short_rows(now, width)) == 3
        assert tape.tall_rows(now, width) and holding.room_rows(now, width)
    assert len(run.disk_rows(now)) == len(plan.entries(now)) == len(now.view.disks)
    for disk in now.view.disks.values():
        assert plan.detail(now, disk, 30)
        run.detail(now, disk)
    assert run.dumper_rows(now, 0) and run.dumper_rows(now, 99)
    tapes.storage_entries(now)
    for entry in tapes.volume_entries(now):
        tapes.content_entries(now, entry.key)
    for entry in holding.entries(now):
        assert holding.detail(now, entry.key)
    past = row_of(Run(tmp_path / "runs" / recorded_run.STAMP), now.view, live=link is Link.LIVE)
    assert history.entries([past], now.look) and history.detail(past, None, "", 40)
    assert phase(now.view, link) and summary(now.view)
    assert hint_row([], "run", 80, True)


def test_retries_and_requests_are_told_with_their_times(tmp_path: Path) -> None:
    rows = [plain(row) for row in attention.attention_rows(moment(tmp_path, "dumping"), 120, 6)]
    assert rows[0].startswith(" ! r answers #7 HLD003 NO-ROOM mail:/srv  flush in 07:40  mail:/srv needs")
    assert rows[1].startswith(" ! #8 TAP012 main  degrade in 43:40")
    assert rows[2] == " ◷ DMP007 TRY-AGAIN 1/3 git:/home  again 02:36 in 04:40  host busy: 2 dumps running"
    assert len(rows) == 3


def test_nothing_to_attend_takes_no_row(tmp_path: Path) -> None:
    assert attention.attention_rows(moment(tmp_path, "estimating"), 120, 6) == []


@pytest.mark.parametrize(("typed", "wanted"), [
    ("tapes", Goto("tapes")), (":2", Goto("plan")), ("t", Goto("tapes")),
    ("disk web1:/home dir", Goto("run", "disk", "web1:/home dir")),
    ("web1:/home", Goto("run", "disk", "web1:/home")), ("run", Goto("run")), ("run 2026", Goto("open", "run", "2026")),
    ("20261201", Goto("open", "run", "20261201")), ("02-00031", Goto("protocol", "handle", "02-00031")),
    ("client build7", Goto("clients", "client", "build7")), ("plan full", Goto("plan", "filter", "full")),
    ("theme paper", Goto("theme", "theme", "paper")), ("quit", Goto("quit", "quit")),
    ("dump web1:/home", Goto("dump", "dump", "web1:/home")), ("tape D-07", Goto("tapes", "tape", "D-07")),
    ("HLD003", Goto("explain", "explain", "HLD003")), ("explain tap012a", Goto("explain", "explain", "tap012a")),
    ("messages", Goto("messages", "messages")), ("keys", Goto("keys", "keys")), ("set", Goto("settings")),
    ("restore web1:/home", Goto("restore", "filter", "web1:/home")), ("file passwd", Goto("restore", "file", "passwd")),
    ("live", Goto("open", "live")),
    ("", None), ("nowhere", None), (":", None),
])
def test_where_a_word_leads(typed: str, wanted: Goto | None) -> None:
    assert parse(typed) == wanted


@given(st.text(max_size=60))
def test_any_word_leads_somewhere_or_nowhere(text: str) -> None:
    found = parse(text)
    assert found is None or found.target


def test_suggestions_lead_somewhere(tmp_path: Path) -> None:
    now = moment(tmp_path, "dumping")
    assert all(parse(word) for word in suggestions(now.view, ["20261201001500"], ["paper"]))


@pytest.mark.parametrize("width", [30, 40, 60])
def test_how_long_the_longest_dump_took_is_never_cut(width: int) -> None:
    row = replace(RecordedSite(recorded_run.BEGAN).nights(0)[0], verdict="")
    night = nights.Night(row, ("mail:/srv/exports/of/the/whole/department", 1, 6600.0), None, (), (), ())
    lines = ["".join(text for text, _ in told) for told in history.detail(row, night, "", width)]
    assert all(len(line) <= width for line in lines[1:]) and "".join(lines).split()[-1] == "1h50m", lines


@pytest.mark.parametrize(("disks", "wanted"), [(0, "2 dumps of earlier runs flushed"), (1, "1 disk done, 0 failed")])
def test_a_run_that_only_flushed_says_so_when_it_is_over(disks: int, wanted: str) -> None:
    view = RunView()
    facts: list[e.Event] = [e.RunBegan("20261202001500", "daily", "/etc/t.toml", "ana", 7, 2, 1, 4)]
    for n in range(2):
        facts += [e.WriteBegan(f"90-0000{n}", "taper0", "main", "h", f"/{n}", "20261201001500", 0, f"/hold/{n}", 9),
                  e.WriteEnded(f"90-0000{n}", "main", "h", f"/{n}", "20261201001500", 0, "done", "", f"/hold/{n}", 9, 1, 1.0,
                               "")]
    view.apply_all(Record(n, 100.0 + n, fact) for n, fact in enumerate([*facts, e.RunEnded(0, disks, 0, 0)], 1))
    for n in range(disks):
        view.disks["h", f"/d{n}"] = DiskView("h", f"/d{n}", DiskState.DONE)
    assert summary(view) == wanted
