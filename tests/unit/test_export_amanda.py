"""What an export writes into a configuration of Amanda, and what it leaves alone; made nights, no Amanda needed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from core.catalogue.rebuild import rebuild
from core.devices import tapelist
from core.errors import UsageError, WorldError
from core.export.amanda import OURS, Wanted, export_amanda
from core.model.site import Site
from core.model.volume import Volume
from tests.support.indexes import store_index
from tests.support.journals import Night, site_of

FIRST, SECOND = "20261101010000", "20261102010000"
CONF = '''
org "daily"
logdir "log"
indexdir "index"
infofile "curinfo"
tpchanger "chg-disk:/elsewhere"
'''
LINE = f"no-reuse BLOCKSIZE:32 POOL:daily STORAGE:daily CONFIG:daily #{OURS}"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Two nights: a full over two volumes, an incremental; and one blank volume."""
    made = site_of(tmp_path, ("web1", "/home"))
    one = Night(FIRST)
    one.volume("A-1")
    one.dump("web1", "/home", 0, size=100, orig=300, crc="0000000a:102400")
    one.volume("A-2")
    one.write("web1", "/home", 0, [("A-1", 1, 60, "00000001:61440"), ("A-2", 1, 40, "00000002:40960")], crc="0000000a:102400")
    one.end()
    two = Night(SECOND)
    two.volume("A-3")
    two.dump("web1", "/home", 1, size=7, orig=7, crc="0000000b:7168")
    two.write("web1", "/home", 1, [("A-3", 1, 7, "0000000b:7168")], crc="0000000b:7168")
    two.end()
    for night in (one, two):
        night.store(made)
    rebuild(made).close()
    with tapelist.edit(made.tapelist) as draft:
        draft.volumes = (
            *(Volume(label, stamp, pool="main", storage="main", config="test") for label, stamp in (
                ("A-3", SECOND), ("A-1", FIRST), ("A-2", FIRST))), Volume("A-4", pool="main", storage="main", config="test"))
    return made


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    directory = tmp_path / "daily"
    directory.mkdir()
    (directory / "amanda.conf").write_text(CONF)
    return directory


def lines(conf: Path) -> list[str]:
    return (conf / "tapelist").read_text().splitlines()


def files(conf: Path) -> set[str]:
    return {str(path.relative_to(conf)) for path in conf.rglob("*") if path.is_file()}


def test_all_that_amanda_needs_is_there(site: Site, conf: Path) -> None:
    done = export_amanda(site, conf, Wanted())
    assert (done.logs, done.volumes, done.dumps, done.infos, done.warnings) == (2, 4, 2, 1, [])
    assert lines(conf) == [f"{SECOND} A-3 {LINE}", f"{FIRST} A-2 {LINE}", f"{FIRST} A-1 {LINE}", f"0 A-4 {LINE}"]
    log = (conf / f"log/log.{FIRST}.0").read_text()
    told = [line.split(" [")[0] for line in log.splitlines() if " taper " in line and not line.startswith("INFO")]
    place = '"ST:daily" "POOL:daily"'
    assert told == [
        f"START taper datestamp {FIRST} {place} label A-1 tape 1",
        f"PART taper {place} A-1 1 web1 /home {FIRST} 1/-1 0",
        f"START taper datestamp {FIRST} {place} label A-2 tape 2",
        f"PART taper {place} A-2 1 web1 /home {FIRST} 2/-1 0",
        f"DONE taper {place} web1 /home {FIRST} 2 0 0000000a:102400 0000000a:102400 0000000a:102400",
    ]
    info = (conf / "curinfo/web1/_home/info").read_text()
    assert "\nstats: 0 300 100 2 " in info and " 1 A-1\nstats: 1 7 7 2 " in info and "\nlast_level: 1 1\n" in info
    assert "\nfull-comp: 0.333333\n" in info and "\nincr-comp:\n" in info


def test_a_second_export_changes_nothing_and_a_third_follows_the_volumes(site: Site, conf: Path) -> None:
    export_amanda(site, conf, Wanted())
    before = {name: (conf / name).read_bytes() for name in files(conf)}
    done = export_amanda(site, conf, Wanted())
    assert (done.logs, done.volumes, done.infos, done.gone, done.files) == (0, 0, 0, 0, 0)
    assert {name: (conf / name).read_bytes() for name in files(conf)} == before

    three = Night("20261103010000")  # writes A-1 anew: the full is gone, and its log with it
    three.volume("A-1")
    three.dump("web1", "/home", 0, size=5, orig=5)
    three.write("web1", "/home", 0, [("A-1", 1, 5, "")])
    three.end()
    three.store(site)
    with tapelist.edit(site.tapelist) as draft:
        draft.volumes = tuple(v for v in draft.volumes if v.label != "A-4")
    done = export_amanda(site, conf, Wanted())
    assert (done.logs, done.volumes, done.gone) == (2, 1, 1), "the new log, and the first one without the full"
    assert "PART" not in (conf / f"log/log.{FIRST}.0").read_text()
    assert [line.split()[:2] for line in lines(conf)] == [["20261103010000", "A-1"], [SECOND, "A-3"], [FIRST, "A-2"]]


def test_amandas_own_is_left_alone(site: Site, conf: Path) -> None:
    (conf / "log").mkdir()
    (conf / f"log/log.{FIRST}.0").write_text("Amanda's own of the same second\n")
    (conf / "curinfo/web1/_home").mkdir(parents=True)
    (conf / "curinfo/web1/_home/info").write_text("Amanda's\n")
    (conf / "tapelist").write_text(
        f"20261031000000 A-3 reuse POOL:daily\n{FIRST} A-2 reuse POOL:daily\n20261030000000 X reuse\n")
    done = export_amanda(site, conf, Wanted())
    assert (conf / f"log/log.{FIRST}.0").read_text() == "Amanda's own of the same second\n"
    assert (conf / "curinfo/web1/_home/info").read_text() == "Amanda's\n"
    assert "label A-1" in (conf / f"log/log.{FIRST}.1").read_text()
    assert not (conf / f"log/log.{SECOND}.0").exists()
    assert [line.split()[:3] for line in lines(conf)] == [
        [FIRST, "A-1", "no-reuse"], [FIRST, "A-2", "reuse"], ["20261031000000", "A-3", "reuse"],
        ["20261030000000", "X", "reuse"], ["0", "A-4", "no-reuse"]]
    assert [warning.split()[0] for warning in done.warnings] == ["TAP048"], "A-2 is known to Amanda as it is"
    assert done.dumps == 0, "half a dump is none"


def test_overwrite_replaces_what_is_in_the_way_and_says_so_without(site: Site, conf: Path) -> None:
    (conf / "curinfo/web1/_home").mkdir(parents=True)
    info = conf / "curinfo/web1/_home/info"
    info.write_text("Amanda's\n")
    done = export_amanda(site, conf, Wanted())
    assert done.warnings == [f"TAP044 {info} is not ours, and is kept; --overwrite replaces it"]
    assert export_amanda(site, conf, Wanted(insist=True)).warnings == [] and info.read_text().startswith("version: 0\n")


def test_handing_over_is_for_ever(site: Site, conf: Path) -> None:
    export_amanda(site, conf, Wanted())
    done = export_amanda(site, conf, Wanted(hand_over=True))
    assert done.volumes == 4 and {line.split()[2] for line in lines(conf)} == {"reuse"} and OURS not in "".join(lines(conf))
    assert json.loads((conf / "taperoom-export.json").read_text())["files"] == {}
    before = files(conf)
    done = export_amanda(site, conf, Wanted())
    assert (done.logs, done.volumes, done.gone) == (0, 0, 0) and files(conf) == before


def test_a_dry_run_writes_nothing(site: Site, conf: Path) -> None:
    done = export_amanda(site, conf, Wanted(dry_run=True))
    assert (done.logs, done.volumes, done.infos, done.dumps) == (2, 4, 1, 2) and files(conf) == {"amanda.conf"}


def test_names_in_amandas_lines(site: Site, conf: Path) -> None:
    directory = site.index_dir / "web1/_home"
    store_index(directory / f"{FIRST}_0.tix", [b"/", b"/sub/", b"/sub/two words", b"/odd\\n\\303\\274"])
    done = export_amanda(site, conf, Wanted())
    text = gzip.decompress((conf / f"index/web1/_home/{FIRST}_0-unsorted.gz").read_bytes())
    assert done.indexes == 1 and sorted(text.splitlines()) == [b"/", b"/odd\\n\\303\\274", b"/sub/", b"/sub/two words"]


def test_a_fault_on_the_way_leaves_the_tapelist_and_what_was_written_is_known(site: Site, conf: Path) -> None:
    (conf / "curinfo").write_text("in the way")
    with pytest.raises(WorldError, match="TAP043"):
        export_amanda(site, conf, Wanted())
    assert not (conf / "tapelist").exists()
    (conf / "curinfo").unlink()
    assert export_amanda(site, conf, Wanted()).warnings == [] and len(lines(conf)) == 4
    assert len(list((conf / "log").iterdir())) == 2


def test_warnings_before_it_is_too_late(site: Site, conf: Path) -> None:
    site.storages["main"] = type(site.storages["main"])("main", "disk:/elsewhere", autolabel="A-%")
    (conf / "amanda.conf").write_text(CONF + 'autolabel "A-%" any\n')
    done = export_amanda(site, conf, Wanted())
    assert [warning.split()[0] for warning in done.warnings] == ["TAP046", "TAP047"]
    with pytest.raises(UsageError, match="TAP041"):
        export_amanda(site, conf, Wanted(storages={"main": "weekly"}))
