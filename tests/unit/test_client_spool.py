"""The holding disks as the console shows them, and removing a dump from them."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from core.catalogue import queries
from core.catalogue.history import load_history
from core.catalogue.outside import forget_erased
from core.catalogue.rebuild import open_catalogue
from core.client.lock import lock_site
from core.client.spool import DumpRow, age_of, remove_dump, spool
from core.devices import tapelist
from core.errors import BusyError, TaperoomError
from core.events import event as e
from core.events.gauges import Gauges
from core.events.view import DiskState, DiskView, RunView, WriteView
from core.holding.file import HoldingWriter
from core.holding.header import Filters, Header, Kind
from core.model.dump import Crc
from core.model.site import HoldingDisk, Site, Storage
from core.model.volume import NEVER, Volume
from tests.support.journals import Night, site_of

STAMP = "20260101010000"
CRC = "00000001:102400"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    found = site_of(tmp_path, ("web1", "/home"), ("db1", "/var"))
    (tmp_path / "holding").mkdir()
    found.state_dir.mkdir()
    area = HoldingDisk(tmp_path / "holding", use=1 << 20, chunksize=2048, reserve=20)
    return replace(found, holding=(area, HoldingDisk(tmp_path / "absent")))


def dump(site: Site, name: str, host: str = "web1", disk: str = "/home", *, finish: bool = True, stamp: str = STAMP,
         **header: object) -> Path:
    path = site.holding[0].path / stamp / name
    told = Header(Kind.FILE, datestamp=stamp, host=host, disk=disk, level=0, program="GNUTAR", recover="/bin/tar -xpGf - ...")
    writer = HoldingWriter(path, chunksize=64)
    writer.begin(told)
    writer.write(memoryview(bytes(50_000)))
    if finish:
        writer.finish(replace(told, **header))  # type: ignore[arg-type]
    return path


def night(site: Site, file: Path, *, label: str = "") -> None:
    """A run that dumped web1:/home to ``file``, and wrote it to a volume or not."""
    made = Night(STAMP)
    made.dump("web1", "/home", 0, crc=CRC, file=str(file))
    if label:
        made.volume(label)
        made.write("web1", "/home", 0, [(label, 1, 100, CRC)], crc=CRC)
    made.end()
    made.store(site)


def rows(site: Site, view: RunView | None = None) -> dict[str, DumpRow]:
    return {row.path.name: row for row in spool(site, view).dumps}


def test_an_empty_holding_disk_and_one_that_is_not_there(site: Site) -> None:
    found = spool(site, gauges=Gauges(holding={str(site.holding[0].path): (1, 77, 3)}))
    good, bad = found.areas
    assert (good.dumps, good.allotted, good.reserve, good.chunksize, good.use, good.fault) == (0, 77, 20, 2048, 1 << 20, "")
    assert 0 < good.usable <= good.free <= good.total
    assert bad.fault.startswith(f"HLD010 {site.holding[1].path}: ")
    assert (found.dumps, found.others, found.only_here) == ((), (), 0)


def test_whole_partial_and_what_a_crash_left(site: Site) -> None:
    whole = dump(site, "web1._home.0", native=Crc(1, 2), server=Crc(0x8C1D02AA, 50_000), orig_kib=49, comp=".gz")
    dump(site, "db1._var.0", "db1", "/var", finish=False)
    broken = dump(site, "web1._home.1", comp="cust", filters=Filters(server_compress="/usr/bin/zstd"))
    Path(f"{broken}.1").unlink()
    (site.holding[0].path / "junk").mkdir()
    night(site, whole)
    found = spool(site)
    by = {row.path.name: row for row in found.dumps}
    row = by["web1._home.0"]
    assert (row.title, row.level, row.word, row.note) == ("web1:/home", 0, "whole", "waits for storage main")
    assert (row.chunks, row.size, row.program, row.compression, row.crc, row.orig) == (
        2, 113, "GNUTAR", "gzip", "8c1d02aa:50000", 49)
    assert (row.on, row.waits, row.area) == ((), ("main",), str(site.holding[0].path))
    assert age_of(row, row.at + 60) == 60 and age_of(row) >= 0
    assert (by["db1._var.0.tmp"].word, by["db1._var.0.tmp"].waits) == ("crash", ())
    assert by["db1._var.0.tmp"].note == "left unfinished by a run that is over; 'taperoom cleanup' removes it"
    assert by["web1._home.1"].word == "partial" and "next chunk" in by["web1._home.1"].note
    assert by["web1._home.1"].compression == "/usr/bin/zstd"
    assert found.others == (site.holding[0].path / "junk",)
    assert found.only_here == row.size


def test_what_is_on_a_volume_already(site: Site) -> None:
    night(site, dump(site, "web1._home.0"), label="T-001")
    row = rows(site)["web1._home.0"]
    assert (row.on, row.waits, row.note) == (("T-001",), (), "on T-001")
    two = replace(site, storages={**site.storages, "offsite": Storage("offsite", "disk:/x")})
    entry = two.disks[0]
    two = replace(two, disks=(replace(entry, dumptype=replace(entry.dumptype, storage=("main", "offsite"))), two.disks[1]))
    row = rows(two)["web1._home.0"]
    assert (row.on, row.waits, row.note) == (("T-001",), ("offsite",), "on T-001, waits for storage offsite")
    none = replace(site, storages={})
    assert rows(replace(none, disks=()))["web1._home.0"].note == "on T-001"


def test_what_a_live_run_has_in_hand(site: Site) -> None:
    path = dump(site, "web1._home.0", finish=False)
    other = dump(site, "db1._var.0", "db1", "/var")
    view = RunView(began=e.RunBegan(STAMP, "test", "", "", 1, 1, 1, 1))
    view.disks["web1", "/home"] = disk = DiskView("web1", "/home", DiskState.DUMPING, child="dumper3", file=str(path))
    view.writes["x"] = write = WriteView("x", "taper0", "main", "db1", "/var", STAMP, 0, str(other), 10, 1.0)
    found = rows(site, view)
    assert (found["web1._home.0.tmp"].word, found["web1._home.0.tmp"].note) == ("dumping", "is being dumped by dumper3")
    assert (found["db1._var.0"].word, found["db1._var.0"].note) == ("writing", "is being written to storage main")
    disk.state, write.ended = DiskState.STALLED, 2.0
    found = rows(site, view)
    assert (found["web1._home.0.tmp"].word, found["db1._var.0"].word) == ("NO-ROOM", "whole")
    view.ended = e.RunEnded(0, 1, 0, 0)
    assert rows(site, view)["web1._home.0.tmp"].word == "crash"


def test_without_a_catalogue_nothing_is_taken_for_safe(site: Site) -> None:
    night(site, dump(site, "web1._home.0"), label="T-001")
    site.catalogue.mkdir()
    row = rows(site)["web1._home.0"]
    assert (row.on, row.waits) == ((), ("main",))
    with pytest.raises(TaperoomError, match="HLD020"):
        remove_dump(site, row.path)


def refused(site: Site, path: Path, **words: bool) -> tuple[str, str]:
    with pytest.raises(TaperoomError) as caught:
        remove_dump(site, path, **words)
    return caught.value.code, caught.value.message


def test_removing(site: Site) -> None:
    only = dump(site, "web1._home.0")
    night(site, only)
    assert refused(site, only) == (
        "HLD020", f"web1:/home level 0 of {STAMP} is on no volume: this is its only copy")
    assert refused(site, Path("/etc/passwd"), force=True) == ("HLD019", "/etc/passwd is no dump on a holding disk")
    assert refused(site, Path(f"{only}.1"), force=True)[0] == "HLD019"
    assert load_history(site)["web1", "/home"].last_level == 0
    assert remove_dump(site, only, force=True).title == "web1:/home"
    assert not only.parent.exists() and spool(site).dumps == ()
    with open_catalogue(site).catalogue as catalogue:
        (found,) = queries.dumps(catalogue)
        assert not found.held
    assert load_history(site)["web1", "/home"].last_level == -1


def test_removing_what_is_on_a_volume_or_was_never_whole_needs_no_force(site: Site) -> None:
    safe, torn = dump(site, "web1._home.0"), dump(site, "db1._var.0", "db1", "/var", finish=False)
    night(site, safe, label="T-001")
    assert remove_dump(site, safe).on == ("T-001",)
    assert remove_dump(site, torn.with_name(torn.name + ".tmp")).word == "crash"
    assert spool(site).dumps == ()


def test_nothing_is_removed_beside_a_run(site: Site) -> None:
    path = dump(site, "web1._home.0")
    lock = lock_site(site.state_dir)
    try:
        with pytest.raises(BusyError, match="RUN004"):
            remove_dump(site, path, force=True)
    finally:
        os.close(lock)
    assert path.exists()


def test_erased_volumes_are_forgotten_for_good(site: Site) -> None:
    night(site, Path("/nowhere"), label="T-001")

    def enter(stamp: str) -> None:
        with tapelist.edit(site.tapelist) as draft:
            draft.volumes = (Volume("T-001", stamp, pool="main", storage="main"),)

    enter(STAMP)
    assert load_history(site)["web1", "/home"].last_level == 0
    enter(NEVER)
    assert load_history(site)["web1", "/home"].last_level == -1
    site.catalogue.unlink()
    assert load_history(site)["web1", "/home"].last_level == -1
    with open_catalogue(site).catalogue as catalogue:
        assert forget_erased(site, catalogue) == 0
        assert queries.volumes(catalogue, "main") == []


def test_a_lost_or_broken_tapelist_hides_no_backup(site: Site) -> None:
    night(site, Path("/nowhere"), label="T-001")
    site.tapelist.write_text("rubbish\n")
    assert load_history(site)["web1", "/home"].last_level == 0
    site.tapelist.unlink()
    assert load_history(site)["web1", "/home"].last_level == 0
    shutil.rmtree(site.state_dir)
    assert load_history(site) == {}
