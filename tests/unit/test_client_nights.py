"""Runs as rows, and how well disks are covered, on made nights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from core.catalogue.orders import save_order
from core.client import nights as nights_module
from core.client.bundle import cache_dir
from core.client.coverage import DAY, coverage, disk_nights, usual_rates
from core.client.nights import CACHE, list_nights, night, sizes
from core.client.runs import Run, find_run, list_runs, view_of
from core.client.site import open_site
from core.errors import UsageError
from core.events import event as e
from core.events.codec import encode
from core.events.event import Record
from core.model.units import seconds_of_datestamp
from tests.support import recorded_run as recorded
from tests.support.cli import write_site
from tests.support.journals import Night, site_of


def made(stamp: str, *, level: int = 0, code: int = 0, label: str = "D-1", outcome: str = "done", file: str = "") -> Night:
    """A night that dumped web1:/home."""
    found = Night(stamp)
    found.say(e.DumpPlanned("web1", "/home", 1, level, 2048, 4096, 10, -1, 0, "why"))
    crc = "00000001:2097152"
    found.dump("web1", "/home", level, size=2048, orig=4096, outcome="done" if outcome == "done" else "failed", crc=crc,
               file=file)
    if outcome == "done" and label:
        found.volume(label)
        found.write("web1", "/home", level, [(label, 1, 2048, crc)], crc=crc, file=file)
    found.say(e.DiskEnded("web1", "/home", level, outcome, "" if outcome == "done" else "timed out"))
    found.end(code)
    return found


def test_the_recorded_night_as_a_row(tmp_path: Path) -> None:
    recorded.make_run(tmp_path, "ended")
    (row,) = list_nights(tmp_path)
    assert (row.datestamp, row.verdict, row.code, row.by) == (recorded.STAMP, "FAIL", 1, "cron")
    assert (row.done, row.total, row.failed, row.strange) == (7, 9, 2, 1)
    assert (row.volumes, row.requests, row.answered) == (("DailySet1-07",), 2, 1)
    assert row.seconds == pytest.approx(14998)
    assert sizes([row]) == [(recorded.STAMP, row.kib)] and row.kib > recorded.TIB


@pytest.mark.parametrize(("code", "outcome", "verdict"), [
    (0, "done", "ok"), (1, "failed", "FAIL"), (1, "done", "PART"), (3, "failed", "PART")])
def test_verdicts(tmp_path: Path, code: int, outcome: str, verdict: str) -> None:
    site = site_of(tmp_path, ("web1", "/home"))
    made("20260101010000", code=code, outcome=outcome).store(site)
    assert [row.verdict for row in list_nights(site.state_dir)] == [verdict]


def test_live_and_dead(tmp_path: Path) -> None:
    run = recorded.make_run(tmp_path, "dumping")
    assert [row.verdict for row in list_nights(tmp_path)] == ["DEAD"]
    with recorded.alive(run):
        (row,) = list_nights(tmp_path)
    assert (row.verdict, row.seconds, row.ended) == ("LIVE", 0.0, 0.0)
    assert sizes([row]) == []


def test_an_empty_run_and_no_run(tmp_path: Path) -> None:
    assert list_nights(tmp_path) == []
    (tmp_path / "runs" / "20260101000000").mkdir(parents=True)
    (row,) = list_nights(tmp_path)
    assert (row.verdict, row.total, row.began) == ("DEAD", 0, 0.0)


def test_rows_are_kept_by_time_and_size_of_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = site_of(tmp_path, ("web1", "/home"))
    for day in range(1, 6):
        made(f"202601{day:02d}010000").store(site)
    first = list_nights(site.state_dir)
    assert [row.datestamp[6:8] for row in first] == ["05", "04", "03", "02", "01"]
    read: list[str] = []
    whole = view_of

    def counted(run: Run) -> object:
        read.append(run.datestamp)
        return whole(run)

    monkeypatch.setattr(nights_module, "view_of", counted)
    assert list_nights(site.state_dir) == first
    assert read == []
    made("20260103010000", code=1, outcome="failed").store(site)
    assert [row.verdict for row in list_nights(site.state_dir)] == ["ok", "ok", "FAIL", "ok", "ok"]
    assert read == ["20260103010000"]
    shutil.rmtree(site.runs_dir / "20260101010000")
    assert len(list_nights(site.state_dir)) == 4
    assert len(json.loads((site.state_dir / CACHE).read_text())["nights"]) == 4


@pytest.mark.parametrize("text", ["", "[]", "{\"version\": 99}", "{\"version\": 1, \"nights\": {\"20260101010000\": [1]}}",
                                  "{\"version\": 1, \"nights\": {\"20260101010000\": [\"1:1\", [2]]}}"])
def test_a_damaged_cache_is_made_again(tmp_path: Path, text: str) -> None:
    site = site_of(tmp_path, ("web1", "/home"))
    made("20260101010000").store(site)
    (site.state_dir / CACHE).write_text(text)
    assert [row.verdict for row in list_nights(site.state_dir)] == ["ok"]
    assert json.loads((site.state_dir / CACHE).read_text())["version"] == 1


def test_patience_leaves_rows_unread(tmp_path: Path) -> None:
    site = site_of(tmp_path, ("web1", "/home"))
    for day in range(1, 4):
        made(f"202601{day:02d}010000").store(site)
    seen = [[row.verdict for row in list_nights(site.state_dir, patience=0)] for _ in range(3)]
    # The newest is always there; what was read before stays read.
    assert seen[0] == ["ok", "", ""]
    assert list_nights(site.state_dir)[-1].verdict == "ok"


def test_a_night_in_detail(tmp_path: Path) -> None:
    run = recorded.make_run(tmp_path, "ended")
    found = night(run, {("vm-host3", "/"): 99.0})
    assert found.longest is not None and found.slowest is not None
    assert found.longest[:2] == ("fs-archive:/a", 0)
    assert found.failed == (("mail:/srv", "data timeout: nothing came for 1800 s"),
                            ("build7:/work", "connect to build7: timed out after 30 s"))
    assert found.strange == (("web01:/var", "? gtar: ./log/x: file changed as we read it"),)
    assert [(a.id, a.choice, a.by) for a in found.requests] == [
        (7, "flush", "alice (1000)"), (8, "", "withdrawn: DailySet1-08 is in slot 8")]
    assert found.requests[0].after == pytest.approx(119.0, abs=0.2)
    assert found.report.startswith("TAPEROOM DailySet1")
    (run.path / "report.txt").write_text("as it was\n")
    assert night(run).report == "as it was\n"


def test_coverage_from_the_catalogue(tmp_path: Path) -> None:
    site = site_of(tmp_path, ("web1", "/home"), ("db1", "/var"))
    made("20260101010000", level=0).store(site)
    made("20260105010000", level=1, label="D-2").store(site)
    save_order(site, "db1:/var", "full")
    now = seconds_of_datestamp("20260110010000")
    web, db = coverage(site, now)
    assert web.last is not None and web.full is not None
    assert (web.title, web.last.level, web.last.labels, web.full.labels) == ("web1:/home", 1, ("D-2",), ("D-1",))
    assert web.age == pytest.approx(5 * DAY, abs=10) and web.full_age == pytest.approx(9 * DAY, abs=10)
    assert web.overdue == pytest.approx(2 * DAY, abs=10)
    assert (db.age, db.full_age, db.overdue, db.order) == (None, None, float("inf"), "full")


@pytest.mark.parametrize("catalogue", [True, False])
def test_coverage_as_a_run_found_it(tmp_path: Path, catalogue: bool) -> None:
    site = site_of(tmp_path, ("web1", "/home"), ("db1", "/var"))
    made("20260101010000", level=0).store(site)
    made("20260105010000", level=1, label="D-2").store(site)
    made("20260107010000", level=0, label="D-1").store(site)  # over the first full
    save_order(site, "web1:/home", "full")
    if not catalogue:
        site.catalogue.mkdir()
    now = seconds_of_datestamp("20260105013000")
    web, db = coverage(site, now, "20260105010000")
    assert web.last is not None and web.full is not None and db.last is None
    assert (web.last.datestamp, web.full.datestamp, web.order) == ("20260101010000", "20260101010000", "")
    assert web.last.held is not catalogue
    assert web.age == pytest.approx(4 * DAY + 1800, abs=10)
    assert coverage(site, now, "20260101010000")[0].last is None
    web, _ = coverage(site, now, "20260106010000")
    assert web.last is not None and (web.last.level, web.last.labels) == (1, ("D-2",))


def test_coverage_from_the_journals_when_there_is_no_catalogue(tmp_path: Path) -> None:
    site = site_of(tmp_path, ("web1", "/home"), ("db1", "/var"))
    made("20260101010000", level=0).store(site)
    made("20260105010000", level=1, label="D-2").store(site)
    site.catalogue.mkdir()
    web, db = coverage(site, seconds_of_datestamp("20260110010000"))
    assert web.last is not None and web.full is not None and db.last is None
    assert (web.last.level, web.full.level, web.last.labels) == (1, 0, ("D-2",))
    assert [found.level for found in disk_nights(site, "web1", "/home")] == [1, 0]
    assert usual_rates(site) == {}


def test_the_nights_of_a_disk(tmp_path: Path) -> None:
    site = site_of(tmp_path, ("web1", "/home"))
    made("20260101010000", level=0).store(site)
    made("20260102010000", level=1, outcome="failed", code=1).store(site)
    made("20260103010000", level=1, label="D-2").store(site)
    found = disk_nights(site, "web1", "/home")
    assert [(n.run[6:8], n.level, n.outcome, n.message, n.labels) for n in found] == [
        ("03", 1, "done", "", ("D-2",)), ("02", 1, "failed", "timed out", ()), ("01", 0, "done", "", ("D-1",))]
    assert (found[0].size, found[0].orig, found[0].seconds) == (2048, 4096, 2.0)
    assert [n.run[6:8] for n in disk_nights(site, "web1", "/home", 1)] == ["03"]
    assert disk_nights(site, "web9", "/home") == []
    assert usual_rates(site) == {("web1", "/home"): 1024.0}


def test_the_site_of_a_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TAPEROOM_CONFIG", raising=False)
    file = write_site(tmp_path)
    state = tmp_path / "state"
    with pytest.raises(UsageError) as caught:
        open_site(state)
    assert (caught.value.code, caught.value.message) == ("CFG001", f"no configuration was found whose state is in {state}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(UsageError) as caught:
        open_site(cache_dir() / "0123456789abcdef01234567")
    assert caught.value.message == "only this run is here, from an exported file; its site is elsewhere"
    run = state / "runs" / "20260101000000"
    run.mkdir(parents=True)
    began = e.RunBegan("20260101000000", "DailySet1", str(file), "ana", 1, 1, 1, 4)
    (run / "journal.jsonl").write_bytes(encode(Record(1, 1.0, began)))
    assert open_site(state).file == file
    monkeypatch.setenv("TAPEROOM_CONFIG", str(file))
    shutil.rmtree(run)
    assert open_site(state).org == "DailySet1"
    assert open_site(state, str(file)).org == "DailySet1"
    with pytest.raises(UsageError, match="tried"):
        open_site(tmp_path)
    assert find_run(state) is None and list_runs(state) == []
