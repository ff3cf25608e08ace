"""A real Amanda on the same slots: what it has in hand is left alone, and its lock is honoured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from core.devices import tapelist
from core.devices.directory import DirectoryChanger
from core.devices.label import is_label
from core.devices.labelling import NoVolume, begin_next, label_volume
from core.devices.neighbour import drives, in_hand, standing_still
from core.devices.registry import open_changer
from core.devices.retiring import erase_volume
from core.devices.scan_policy import Standing, judge
from core.devices.shelf import inventory, rules_of
from core.errors import WorldError
from core.holding.header import Header, Kind, build
from core.model.site import Retention, Site, Storage
from tests.support.taper import make_room

STAMP = "20261101000000"
TEXT = """$STATE = {
           'drives' => {
                         'drive0' => {
                                       'pid' => %s,
                                       'slot' => 'slot%s'
                                     },
                         'drive1' => {
                                       'slot' => 'slot04',
                                       'pid' => '%s'
                                     },
                         'drive2' => {}
                       },
           'current' => 'slot3',
           'meta' => undef
         };
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_room(tmp_path).site(retention=Retention(tapes=1, days=0, full=0), label="DAILY-[0-9]+")


@pytest.fixture
def storage(site: Site) -> Storage:
    return site.storages["main"]


@pytest.fixture
def dead() -> int:
    """The number of a process that is no more."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def state_of(storage: Storage, text: str) -> Path:
    path = Path(storage.address) / "state"
    path.write_text(text)
    return path


def amandas_label(storage: Storage, slot: int, label: str, stamp: str) -> None:
    """A label as Amanda writes it: without our checksum."""
    directory = Path(storage.address) / f"slot{slot}"
    directory.mkdir(exist_ok=True)
    (directory / f"00000.{label}").write_bytes(build(Header(Kind.TAPESTART, datestamp=stamp, label=label)))


def test_what_the_state_file_says(dead: int) -> None:
    assert drives(TEXT % (4711, 2, 12)) == {"2": 4711, "4": 12}
    for text in ("", "$STATE = {};", "'drive0' => {'pid' => , 'slot' => 'slot1'}", "\x00\xff", "'drives' => {},"):
        assert drives(text) == {}


def test_only_living_processes_have_a_slot_in_hand(tmp_path: Path, dead: int) -> None:
    assert in_hand(tmp_path) == {}
    (tmp_path / "state").write_text(TEXT % (os.getpid(), 2, dead))
    assert in_hand(tmp_path) == {"2": f"process {os.getpid()} of Amanda has it in hand"}
    (tmp_path / "state").write_text(TEXT % (1, 2, 999999999))
    assert list(in_hand(tmp_path)) == ["2"], "a process of another user lives, too"


def test_a_slot_in_hand_is_not_written_however_empty_it_looks(site: Site, storage: Storage) -> None:
    state_of(storage, TEXT % (os.getpid(), 1, os.getpid()))
    rows = {row.slot: row for row in inventory(site, storage)}
    assert (rows["1"].standing, rows["4"].standing) == (Standing.BUSY, Standing.BUSY)
    assert rows["2"].next and not rows["1"].next
    volume, label = begin_next(open_changer(storage), site, rules_of(site, storage, datestamp=STAMP))
    assert (volume.slot, label) == ("2", "DAILY-001")
    with pytest.raises(WorldError) as caught:
        label_volume(site, storage, "1", force=True)
    assert (caught.value.code, caught.value.message) == ("TAP004", f"slot 1: process {os.getpid()} of Amanda has it in hand")
    assert label_volume(site, storage)[0] == "3"


def test_our_own_volume_in_amandas_hand_is_neither_written_nor_erased(site: Site, storage: Storage) -> None:
    for day in (1, 2):
        begin_next(open_changer(storage), site, rules_of(site, storage, datestamp=f"2026110{day}000000"))
    state_of(storage, TEXT % (os.getpid(), 1, os.getpid()))
    views = {verdict.view.slot: verdict for verdict in judge(
        open_changer(storage).views(), tapelist.read(site.tapelist), rules_of(site, storage))}
    assert views["1"].standing is Standing.BUSY and views["2"].standing is Standing.ACTIVE
    with pytest.raises(WorldError, match="TAP004"):
        erase_volume(site, storage, "DAILY-001", insist=True)
    state_of(storage, "$STATE = {};")
    assert erase_volume(site, storage, "DAILY-001")[0] == "1"


def test_when_all_is_in_hand_the_reasons_are_told(site: Site, storage: Storage) -> None:
    few = replace(storage, slots=1)
    state_of(few, TEXT % (os.getpid(), 1, os.getpid()))
    with pytest.raises(NoVolume) as caught:
        begin_next(open_changer(few), site, rules_of(site, few, datestamp=STAMP))
    assert f"slot 1 DAILY-001: process {os.getpid()} of Amanda has it in hand" in caught.value.message


def test_a_glance_tells_that_amanda_gave_a_slot_back(storage: Storage) -> None:
    changer = open_changer(storage)
    state = state_of(storage, TEXT % (os.getpid(), 1, os.getpid()))
    before = changer.glance()
    os.utime(state, ns=(1, 1))
    assert changer.glance() != before


def test_a_label_that_amanda_has_just_written_is_not_one_of_a_run_of_ours_that_died(site: Site, storage: Storage) -> None:
    """It matches our pattern, has no data yet and is in no tapelist of ours: but we did not write it."""
    amandas_label(storage, 1, "DAILY-001", STAMP)
    row = inventory(site, storage)[0]
    assert (row.standing, row.reason) == (Standing.FOREIGN, "not in the tapelist")
    open_changer(storage).load("2").begin("DAILY-007", STAMP)
    assert inventory(site, storage)[1].standing is Standing.NEW, "one of ours is taken up again"


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process has the lock on a file, as Amanda takes it."""
    code = ("import fcntl, sys; file = open(sys.argv[1], 'r+b'); fcntl.lockf(file, fcntl.LOCK_EX); "
            "print(flush=True); sys.stdin.read()")
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdin is not None
    child.stdout.readline()
    try:
        yield child
    finally:
        child.stdin.close()
        child.wait()
        child.stdout.close()


def test_the_lock_is_waited_for_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "state"
    with standing_still(tmp_path):
        assert not path.exists(), "where there is no Amanda, none is made"
    path.write_text("")
    with held(path), pytest.raises(WorldError) as caught, standing_still(tmp_path, wait=0.1):
        pass
    assert caught.value.code == "TAP004"
    code = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    with standing_still(tmp_path):
        tried = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=False)
        assert b"BlockingIOError" in tried.stderr
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0


def test_the_lock_comes_when_amanda_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("")
    with held(path) as child:
        assert child.stdin is not None
        child.stdin.close()
        began = time.monotonic()
        with standing_still(tmp_path, wait=30):
            assert time.monotonic() - began < 20


def test_amandas_files_are_never_changed(site: Site, storage: Storage) -> None:
    state = state_of(storage, TEXT % (1, 9, 1))
    before = state.read_bytes(), state.stat().st_mtime_ns
    changer = DirectoryChanger(storage)
    begin_next(changer, site, rules_of(site, storage, datestamp=STAMP))
    changer.show("2")
    assert (state.read_bytes(), state.stat().st_mtime_ns) == before
    assert is_label("DAILY-001")


def test_a_process_that_wrote_the_tapelist_last_reads_it_again(site: Site, storage: Storage) -> None:
    """Amanda's processes keep what is in memory as long as ``<tapelist>.last_write`` names them."""
    mark = Path(f"{site.tapelist}.last_write")
    site.tapelist.parent.mkdir(exist_ok=True)
    mark.symlink_to("4711")
    begin_next(open_changer(storage), site, rules_of(site, storage, datestamp=STAMP))
    assert not mark.is_symlink()
