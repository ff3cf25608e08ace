"""The catalogue file: what goes in once, what is asked, and what becomes of a bad file."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from core.catalogue import queries
from core.catalogue.rebuild import catch_up, open_catalogue, rebuild
from core.catalogue.store import VERSION, Catalogue, StaleCatalogue
from core.catalogue.traces import by_disk
from core.codes import lookup
from core.errors import WorldError
from core.events import event as e
from core.model.dump import Crc
from core.model.site import Site
from tests.support.journals import Night, site_of

WEB = ("web1", "/home")
ODD = ("web1", "/srv/\udcff x:y\n")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_of(tmp_path, WEB, ODD)


def a_night(stamp: str = "20260101010000", label: str = "A-1") -> Night:
    night = Night(stamp)
    night.say(e.EstimateGot(*WEB, 0, 90), e.DumpPlanned(*WEB, 1, 0, 90, 90, 2, -1, 0, "full due today"),
              e.DiskSkipped(*ODD, "skip-incr", False))
    night.dump(*WEB, 0, file="/h/a", crc="0000000a:102400")
    night.dump(*ODD, 0, outcome="failed")
    night.say(e.QuestionAsked(1, "TAP012", "A", "main", "load one", (e.Choice("done", "x"),), "degrade", 9.0),
              e.QuestionClosed(1, "done", "", "ana"))
    night.volume(label)
    night.write(*WEB, 0, [(label, 1, 60, "00000001:61440"), (label, 2, 40, "00000002:40960")], file="/h/a",
                crc="0000000a:102400")
    night.say(e.VolumeEnded("taper0", "main", label, 100, 2), e.DiskEnded(*WEB, 0, "done", ""),
              e.DiskEnded(*ODD, -1, "failed", "no route"))
    return night


def fill(site: Site, *nights: Night) -> Catalogue:
    catalogue = Catalogue(site.catalogue)
    for night in nights:
        with catalogue.batch():
            for record in night.records:
                assert catalogue.apply(night.datestamp, record)
    return catalogue


def test_a_night_is_in_the_tables(site: Site) -> None:
    night = a_night()
    night.end(1)
    with fill(site, night) as catalogue:
        [run] = queries.runs(catalogue)
        assert (run.run, run.code, run.by, run.done) == (night.datestamp, 1, "ana", 1)
        assert catalogue.rows("SELECT host, disk, level, outcome, why, message FROM disks ORDER BY outcome") == [
            (*WEB, 0, "done", "full due today", ""), (*ODD, -1, "failed", "", "no route")]
        [dump] = queries.dumps(catalogue)
        assert dump.key == (*WEB, night.datestamp, 0) and dump.server == Crc(10, 102400) and dump.file == ""
        assert dump.held and dump.labels == ("A-1",) and [p.fileno for p in dump.copies[0].parts] == [1, 2]
        assert queries.volumes_of(catalogue, *dump.key) == {"main": ("A-1",)}
        assert queries.volumes_of(catalogue, "no", "such", "1", 0) == {}
        assert queries.known_disks(catalogue) == [WEB]
        [volume] = queries.volumes(catalogue, "main")
        assert (volume.label, volume.written, volume.size, volume.parts, volume.closed) == (
            "A-1", night.datestamp, 100, 2, 1)
        assert catalogue.rows("SELECT choice, by FROM requests") == [("done", "ana")]
        assert catalogue.rows("SELECT level, size FROM estimates") == [(0, 90)]
        assert queries.last_good(catalogue, [ODD]) == {WEB: dump, ODD: None}


def test_a_record_counts_once(site: Site) -> None:
    night = a_night()
    with fill(site, night) as catalogue:
        before = catalogue.dump()
        assert not any(catalogue.apply(night.datestamp, record) for record in night.records)
        assert catalogue.dump() == before


def test_names_that_are_not_utf8_come_back(site: Site) -> None:
    night = Night("20260101010000")
    night.dump(*ODD, 0, file="/h/\udcfe")
    with fill(site, night) as catalogue:
        [dump] = queries.dumps(catalogue, *ODD)
        assert (dump.host, dump.disk, dump.file) == (*ODD, "/h/\udcfe")
        catalogue.apply(night.datestamp, e.Record(99, 1.0, e.FileRemoved("/h/\udcfe", "on volume")))
        assert not queries.dumps(catalogue)[0].held


def test_a_volume_written_anew_no_longer_has_the_old_dump(site: Site) -> None:
    second = Night("20260102010000")
    second.volume("A-1")
    with fill(site, a_night(), second) as catalogue:
        [dump] = queries.dumps(catalogue)
        assert not dump.held and dump.labels == ()
        assert queries.last_good(catalogue, [WEB]) == {WEB: None}
        [volume] = queries.volumes(catalogue, "main")
        assert (volume.written, volume.size, volume.parts, volume.closed) == (second.datestamp, 0, 0, 0)


def test_a_write_that_failed_is_no_copy(site: Site) -> None:
    night = Night("20260101010000")
    night.dump(*WEB, 0, file="/h/a")
    night.volume("A-1")
    night.write(*WEB, 0, [("A-1", 1, 60, "")], file="/h/a", outcome="try-again")
    with fill(site, night) as catalogue:
        [dump] = queries.dumps(catalogue)
        assert dump.copies == () and dump.file == "/h/a"


def test_a_copy_without_crcs_is_whole_by_its_number_of_parts_or_its_size(site: Site) -> None:
    night = Night("20260101010000")
    night.dump(*WEB, 0)
    night.volume("A-1")
    night.write(*WEB, 0, [("A-1", 1, 60, ""), ("A-1", 2, 40, "")])
    direct = night.dump(*WEB, 1)
    night.say(e.PartWritten(direct, "main", "A-1", 3, 7, 100, ""),
              e.WriteEnded(direct, "main", *WEB, night.datestamp, 1, "done", "", "", 100, 0, 1.0, ""))
    with fill(site, night) as catalogue:
        full, level1 = queries.dumps(catalogue)
        assert len(full.copies[0].parts) == 2 and len(level1.copies[0].parts) == 1


def test_of_several_attempts_the_last_good_one_counts(site: Site) -> None:
    night = Night("20260101010000")
    night.dump(*WEB, 0, outcome="try-again", size=1)
    night.dump(*WEB, 0, file="/h/a", size=2)
    night.dump(*WEB, 0, file="/h/a", size=3, outcome="strange")
    with fill(site, night) as catalogue:
        assert [(d.size, d.outcome) for d in queries.dumps(catalogue)] == [(3, "strange")]


def test_a_dump_that_only_the_holding_disk_knows_is_catalogued(site: Site) -> None:
    night = a_night("20260103010000")
    night.say(e.FlushPlanned(*ODD, "20251224", 1, "/h/odd", 7), e.FlushPlanned(*ODD, "x", 1, "/h/odd2", 7))
    with fill(site, night) as catalogue:
        old, odd = queries.dumps(catalogue, *ODD)
        assert (old.datestamp, old.level, old.file, old.size) == ("20251224", 1, "/h/odd", 7) and old.began < odd.began
        catalogue.apply(night.datestamp, e.Record(99, 1.0, e.FlushPlanned(*WEB, night.datestamp, 0, "/h/moved", 7)))
        assert queries.dumps(catalogue, *WEB)[0].file == "/h/moved"


def test_recent_keeps_the_newest_and_one_of_each_level(site: Site) -> None:
    nights = []
    for day in range(1, 8):
        night = Night(f"202601{day:02d}010000")
        night.dump(*WEB, 0 if day == 1 else 1, file=f"/h/{day}")
        nights.append(night)
    with fill(site, *nights) as catalogue:
        assert [trace.datestamp[6:8] for trace in next(by_disk(catalogue, 2))] == ["01", "06", "07"]


def test_a_failed_batch_leaves_nothing(site: Site) -> None:
    night = a_night()
    with Catalogue(site.catalogue) as catalogue:
        with pytest.raises(RuntimeError), catalogue.batch():
            catalogue.apply(night.datestamp, night.records[0])
            raise RuntimeError
        assert queries.runs(catalogue) == []
        assert catalogue.apply(night.datestamp, night.records[0])


def test_a_catalogue_behind_its_journal_catches_up(site: Site) -> None:
    night = a_night()
    night.store(site)
    with Catalogue(site.catalogue) as catalogue:
        for record in night.records[:5]:
            catalogue.apply(night.datestamp, record)
        assert catch_up(site, catalogue) == len(night.records) - 5
        assert catch_up(site, catalogue) == 0
    night.end()
    night.store(site)
    opened = open_catalogue(site)
    with opened.catalogue as catalogue:
        assert opened.warnings == [] and queries.runs(catalogue)[0].code == 0
        assert catalogue.dump() == rebuild(site).dump()


def test_a_catalogue_that_lacks_an_earlier_run_is_made_again(site: Site) -> None:
    first, second = a_night(), Night("20260102010000")
    second.volume("A-1")
    for night in (first, second):
        night.store(site)
    with Catalogue(site.catalogue) as catalogue:
        for record in second.records:
            catalogue.apply(second.datestamp, record)
    opened = open_catalogue(site)
    with opened.catalogue as catalogue:
        assert [volume.written for volume in queries.volumes(catalogue, "main")] == [second.datestamp]
        assert [dump.held for dump in queries.dumps(catalogue)] == [False]
    assert opened.warnings == [f"RST002 the catalogue {site.catalogue} lacks facts of the run {first.datestamp}; it was rebuilt"
                               " from the journals"]


def test_a_missing_catalogue_is_made_and_said(site: Site) -> None:
    night = a_night()
    night.store(site)
    (site.runs_dir / "20260102010000").mkdir()
    opened = open_catalogue(site)
    with opened.catalogue as catalogue:
        assert len(queries.dumps(catalogue)) == 1
    assert opened.warnings == [f"RST002 there is no catalogue {site.catalogue}; it was rebuilt from the journals"]


def test_a_new_site_has_an_empty_one_without_a_word(site: Site) -> None:
    opened = open_catalogue(site)
    with opened.catalogue as catalogue:
        assert opened.warnings == [] and queries.runs(catalogue) == []


@pytest.mark.parametrize("damage", ["garbage", "version", "table", "middle"])
def test_a_bad_catalogue_is_made_again(site: Site, damage: str) -> None:
    night = a_night()
    night.store(site)
    rebuild(site).close()
    match damage:
        case "garbage":
            site.catalogue.write_bytes(b"garbage " * 1000)
        case "version":
            with sqlite3.connect(site.catalogue) as db:
                db.execute(f"PRAGMA user_version={VERSION + 1}")
            db.close()
        case "table":
            with sqlite3.connect(site.catalogue) as db:
                db.execute("DROP TABLE runs")
            db.close()
        case _:
            data = bytearray(site.catalogue.read_bytes())
            data[4096:] = os.urandom(len(data) - 4096)
            site.catalogue.write_bytes(data)
    opened = open_catalogue(site)
    with opened.catalogue as catalogue:
        assert len(queries.dumps(catalogue)) == 1
    [warning] = opened.warnings
    assert warning.startswith(f"RST002 the catalogue {site.catalogue} ") and "rebuilt from the journals" in warning
    assert lookup(warning[:6]) is not None


def test_damage_while_it_is_open_is_told_as_such(site: Site) -> None:
    with fill(site, a_night()) as catalogue:
        catalogue.rows("DROP TABLE volumes")
        with pytest.raises(StaleCatalogue, match="is incomplete: no such table: volumes") as caught:
            queries.volumes(catalogue, "main")
        assert caught.value.code == "RST002"


def test_a_place_that_cannot_be_is_one_clear_message(site: Site) -> None:
    site.state_dir.parent.joinpath("state").write_text("a file")
    with pytest.raises(WorldError, match="cannot be opened") as caught:
        Catalogue(site.catalogue)
    assert caught.value.code == "RST001" and caught.value.hint
    with pytest.raises(WorldError, match="RST001"):
        rebuild(site)


def test_a_directory_in_its_place_is_one_clear_message(site: Site) -> None:
    site.catalogue.mkdir(parents=True)
    with pytest.raises(WorldError, match="cannot be opened: unable to open database file"):
        Catalogue(site.catalogue)
    with pytest.raises(WorldError, match="cannot be rebuilt: Is a directory"):
        rebuild(site)
    assert [p.name for p in site.state_dir.iterdir()] == ["catalogue.sqlite"]


def test_a_thousand_disks_are_in_at_once(site: Site) -> None:
    night = Night("20260101010000")
    night.volume("A-1")
    for number in range(1000):
        disk = ("web1", f"/d{number}")
        night.say(e.EstimateGot(*disk, 0, 9), e.DumpPlanned(*disk, 1, 0, 9, 9, 1, -1, 0, "new disk"))
        night.dump(*disk, 0, file=f"/h/{number}")
        night.write(*disk, 0, [("A-1", number + 1, 9, "")], file=f"/h/{number}")
    began = time.process_time()
    with fill(site, night) as catalogue:
        spent = time.process_time() - began
        assert len(queries.dumps(catalogue)) == 1000
    print(f"{len(night.records)} records in {spent:.2f} s")


def test_a_volume_that_was_begun_anew_and_never_told_of_has_nothing_of_before(site: Site) -> None:
    """A taper wrote label and tapelist, and the power went before a journal had it: the old dumps are gone from there."""
    night = a_night()
    night.end(0)
    with fill(site, night) as catalogue:
        assert queries.volumes_of(catalogue, *WEB, "20260101010000", 0) == {"main": ("A-1",)}
    site.tapelist.write_text("20260101010000 A-1 reuse POOL:main\n")
    with open_catalogue(site).catalogue as catalogue:
        assert queries.volumes_of(catalogue, *WEB, "20260101010000", 0) == {"main": ("A-1",)}
    site.tapelist.write_text("20260102010000 A-1 reuse POOL:main\n")
    with open_catalogue(site).catalogue as catalogue:
        assert queries.volumes_of(catalogue, *WEB, "20260101010000", 0) == {}
        assert queries.volumes(catalogue, "main") == []
