"""The storages as the console shows them, over real directories and made nights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.client import checks
from core.client.shelf import contents, inventory_of, protected, shelf, shelves
from core.devices import tapelist
from core.devices.labelling import begin_next, label_volume
from core.devices.registry import open_changer
from core.devices.shelf import rules_of
from core.errors import WorldError
from core.events import event as e
from core.events.view import RunView, TaperView, VolumeView
from core.model.site import Retention, Site, Storage
from core.model.units import seconds_of_datestamp
from tests.support.journals import Night, site_of

NOW = seconds_of_datestamp("20260110000000")
CRC = "00000001:102400"


def a_site(tmp_path: Path, slots: int = 4, **retention: int) -> tuple[Site, Storage]:
    site = site_of(tmp_path, ("web1", "/home"), **{"tapes": 1, "days": 0, "full": 0} | retention)
    storage = replace(site.storages["main"], slots=slots, autolabel="D-%%%", label="D-.*", capacity=4096)
    site.state_dir.mkdir()
    Path(storage.address).mkdir()
    return replace(site, storages={"main": storage}), storage


def written(site: Site, storage: Storage, stamp: str, level: int = 0) -> str:
    """A night that really labels the next volume and has a dump on it by its journal."""
    label = begin_next(open_changer(storage), site, rules_of(site, storage, datestamp=stamp))[1]
    night = Night(stamp)
    night.dump("web1", "/home", level, crc=CRC)
    night.volume(label)
    night.write("web1", "/home", level, [(label, 1, 60, "00000002:61440"), (label, 2, 40, "00000003:40960")], crc=CRC)
    night.say(e.DiskEnded("web1", "/home", level, "done", ""))
    night.end()
    night.store(site)
    return label


def test_a_check_by_somebody_who_may_not_read_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, _ = a_site(tmp_path)

    def closed(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(site.catalogue))

    monkeypatch.setattr("core.client.shelf.inventory_of", closed)
    told = [finding for finding in checks.server(site) if finding.subject == "storage main"]
    assert [(finding.severity, finding.code, finding.text) for finding in told] == [
        ("E", "RUN098", f"{site.catalogue}: Permission denied")]


def test_rows_before_the_first_run(tmp_path: Path) -> None:
    site, storage = a_site(tmp_path)
    (found,) = shelves(site, now=NOW)
    assert [(r.slot, r.label, r.word, r.next, r.loaded) for r in found.rows] == [
        ("1", "", "NEXT", True, False), ("2", "", "blank", False, False), ("3", "", "blank", False, False),
        ("4", "", "blank", False, False)]
    assert [r.reason for r in found.rows][:2] == ["no label; it would become D-001", "no label"]
    assert found.soon == (("D-001", "1", "no label; it would become D-001"), ("", "2", "no label"), ("", "3", "no label"),
                          ("", "4", "no label"))
    assert (found.known, found.bring, found.new, found.fault) == (0, (), 0, "")
    assert protected(site, storage) == {}


def test_when_a_volume_may_be_written_again(tmp_path: Path) -> None:
    site, storage = a_site(tmp_path, tapes=2, days=6)
    for day in (1, 3, 8):
        assert written(site, storage, f"202601{day:02d}000000")
    rows = shelf(site, storage, now=NOW).rows
    assert [(r.slot, r.label, r.flag, r.written, r.files, r.word) for r in rows[:3]] == [
        ("1", "D-001", "reuse", "20260101000000", 0, "NEXT"), ("2", "D-002", "reuse", "20260103000000", 0, "active"),
        ("3", "D-003", "reuse", "20260108000000", 0, "active")]
    assert [r.reason for r in rows[1:3]] == [
        "reusable after 1 more volume", "reusable in 4 days and after 2 more volumes"]
    assert [r.loaded for r in rows] == [False, False, True, False]


def test_what_keeps_a_volume_for_its_dumps_is_told_as_it_is(tmp_path: Path) -> None:
    site, storage = a_site(tmp_path, tapes=1, days=2, full=1)
    written(site, storage, "20260101000000", 0)
    written(site, storage, "20260109000000", 1)
    with tapelist.edit(site.tapelist) as draft:
        draft.volumes = tuple(replace(v, reuse=v.label != "D-002") for v in draft.volumes)
    first, second = shelf(site, storage, now=NOW).rows[:2]
    assert (first.word, first.reason) == ("active", "has a last full of web1:/home (20260101000000)")
    assert (second.flag, second.reason) == ("no-reuse", "marked no-reuse: it is kept until someone takes that back")
    assert inventory_of(site, storage, NOW)[0].standing.value == "active"


@pytest.mark.parametrize(("days", "reason"), [(9, "reusable in 3h00m"), (10, "reusable in 2 days"), (8, "last written")])
def test_days_left(tmp_path: Path, days: int, reason: str) -> None:
    site, storage = a_site(tmp_path, tapes=0, days=days)
    written(site, storage, "20260101030000")
    assert reason in shelf(site, storage, now=NOW).rows[0].reason


def test_the_volume_that_a_live_run_writes(tmp_path: Path) -> None:
    site, storage = a_site(tmp_path, slots=2)
    written(site, storage, "20260108000000")
    label_volume(site, storage, "2", "D-777")
    view = RunView(began=e.RunBegan("20260109000000", "test", "", "", 1, 1, 1, 1))
    view.tapers["taper0"] = TaperView("taper0", "main", "writing", label="D-001", volume_size=77_000)
    view.volumes.append(VolumeView("main", "D-001", 1))
    first, second = shelf(site, storage, view, NOW).rows
    assert (first.word, first.writing, first.used, first.reason) == ("WRITING", True, 77_000, "this run writes on it")
    assert (second.word, second.label, second.written, second.writing) == ("NEXT", "D-777", "", False)
    view.tapers["taper0"].state = "down"
    assert shelf(site, storage, view, NOW).rows[0].word == "active"
    view.ended = e.RunEnded(0, 1, 0, 0)
    assert shelf(site, storage, view, NOW).rows[0].word == "active"


def test_volumes_to_bring(tmp_path: Path) -> None:
    site, storage = a_site(tmp_path, slots=2)
    for day in (1, 2):
        written(site, storage, f"2026010{day}000000")
    assert shelf(site, storage, now=NOW).bring == ()
    site = replace(site, run=replace(site.run, runtapes=3))
    assert (shelf(site, storage, now=NOW).bring, shelf(site, storage, now=NOW).new) == ((), 2)
    Path(storage.address, "slot1").rename(tmp_path / "away")
    bare = replace(storage, autolabel="")
    found = shelf(replace(site, storages={"main": bare}), bare, now=NOW)
    assert (found.bring, found.new, found.soon) == (("D-001",), 2, ())
    assert [(r.slot, r.label, r.word) for r in found.rows][-1] == ("", "D-001", "elsewhere")


def test_a_changer_that_is_not_there(tmp_path: Path) -> None:
    site, storage = a_site(tmp_path)
    gone = replace(storage, changer=f"disk:{tmp_path / 'nowhere'}")
    found = shelf(site, gone)
    assert found.rows == () and found.fault.startswith(f"TAP002 {tmp_path / 'nowhere'} is not there")
    assert shelf(site, replace(storage, changer="robot:/dev/sg3", retention=Retention())).fault.startswith("TAP001")


def test_the_contents_of_a_volume(tmp_path: Path) -> None:
    site, storage = a_site(tmp_path)
    label = written(site, storage, "20260101000000")
    (found,) = contents(site, "main", label)
    assert (found.first, found.last, found.host, found.disk, found.datestamp, found.level, found.size, found.parts) == (
        1, 2, "web1", "/home", "20260101000000", 0, 100, 2)
    assert contents(site, "main", "D-999") == []
    site.catalogue.unlink()
    site.catalogue.mkdir()
    with pytest.raises(WorldError, match="RST001"):
        contents(site, "main", label)
    assert shelf(site, storage).fault.startswith("RST001")
