"""The tapelist: Amanda's text, its order, its lock, its faults."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from core.devices import tapelist
from core.errors import WorldError
from core.model.volume import (
    Volume,
    find_volume,
    format_tapelist,
    parse_tapelist,
    with_volume,
    without_volume,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "amanda-3.5.1"


@pytest.mark.parametrize("name", ["tapelist", "tapelist-split"])
def test_devices_amandas_tapelist_is_read_and_written_the_same(name: str) -> None:
    text = (GOLDEN / name).read_text()
    volumes = parse_tapelist(text)
    assert format_tapelist(volumes) == text
    assert volumes[0].used and volumes[0].blocksize == 32
    assert (volumes[-1].pool, volumes[-1].storage, volumes[-1].config) == ((volumes[-1].label.split("-")[0].lower()),) * 3


def test_devices_every_field_of_a_volume() -> None:
    text = "0 A-1 no-reuse BARCODE:b META:m BLOCKSIZE:64 POOL:p STORAGE:s CONFIG:c #kept by hand\n"
    [volume] = parse_tapelist("\n" + text + "  \r\n")
    assert volume == Volume("A-1", "0", False, "b", "m", 64, "p", "s", "c", "kept by hand")
    assert not volume.used
    assert format_tapelist([volume]) == text
    assert parse_tapelist("20261123 A reuse # \n") == (Volume("A", "20261123"),)


@pytest.mark.parametrize(("text", "fault"), [
    ("20261123005243 A-1\n", "line 1: '20261123005243 A-1' is not"),
    ("\n20261123 A maybe", "line 2: '20261123 A maybe' is not"),
    ("2026 A reuse", "line 1: '2026 A reuse' is not"),
    ("5 A reuse", "line 1: '5 A reuse' is not"),
    ("0 A reuse SIZE:5", "line 1: 'SIZE:5' is unknown or comes twice"),
    ("0 A reuse POOL:a POOL:b", "line 1: 'POOL:b' is unknown or comes twice"),
    ("0 A reuse BLOCKSIZE:big", "line 1: BLOCKSIZE:big is no number of KiB"),
    ("0 A reuse\n\x00\x01", "line 2: '\\x00\\x01' is not"),
])
def test_devices_malformed_lines_name_their_line(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match="line") as caught:
        parse_tapelist(text)
    assert str(caught.value).startswith(fault)


@pytest.mark.parametrize("volume", [
    Volume("A B"), Volume(""), Volume("A", pool="x y"), Volume("A#"), Volume("A", comment="a\nb"),
])
def test_devices_what_cannot_be_written_is_refused(volume: Volume) -> None:
    with pytest.raises(ValueError, match="tapelist"):
        format_tapelist([volume])


def test_devices_newest_write_comes_first() -> None:
    volumes = parse_tapelist("20261123 B reuse POOL:p\n20261122 A reuse POOL:p\n0 C reuse POOL:p\n0 D reuse POOL:q\n")
    again = with_volume(volumes, Volume("A", "20261123", pool="p"))
    assert [v.label for v in again] == ["A", "B", "C", "D"]
    assert [v.label for v in with_volume(again, Volume("D", "0", pool="p"))] == ["A", "B", "D", "C", "D"]
    assert [v.label for v in without_volume(again, "D", "q")] == ["A", "B", "C"]
    assert without_volume(again, "E", "q") == again
    poolless = (Volume("A", "20261123"), Volume("A", "20261122", pool="q"))
    assert find_volume(poolless, "A", "p") is poolless[0]
    assert find_volume(poolless, "A", "q") is poolless[1]
    assert find_volume(poolless, "B", "q") is None
    assert with_volume(poolless, Volume("A", "20261124", pool="p")) == (Volume("A", "20261124", pool="p"), poolless[1])


def test_devices_edit_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "tapelist"
    assert tapelist.read(path) == ()
    with tapelist.edit(path) as draft:
        draft.volumes = with_volume(draft.volumes, Volume("A", "20261123"))
    assert path.read_text() == "20261123 A reuse BLOCKSIZE:32\n"
    before = path.stat().st_ino
    with tapelist.edit(path):
        pass
    assert path.stat().st_ino == before
    with pytest.raises(RuntimeError), tapelist.edit(path) as draft:
        draft.volumes = ()
        raise RuntimeError
    assert tapelist.read(path) == (Volume("A", "20261123"),)
    assert not (tmp_path / "tapelist.new").exists()


def test_devices_bytes_that_are_no_utf8_survive(tmp_path: Path) -> None:
    path = tmp_path / "tapelist"
    path.write_bytes(b"0 A reuse BLOCKSIZE:32 #caf\xe9\n")
    with tapelist.edit(path) as draft:
        draft.volumes = with_volume(draft.volumes, Volume("B"))
    assert path.read_bytes() == b"0 B reuse BLOCKSIZE:32\n0 A reuse BLOCKSIZE:32 #caf\xe9\n"


def test_devices_the_lock_is_waited_for_and_named(tmp_path: Path) -> None:
    path = tmp_path / "tapelist"
    # A POSIX lock does not keep out its own process: another one must hold it.
    holder = subprocess.Popen(
        [sys.executable, "-c", "import fcntl, sys\nf = open(sys.argv[1], 'w')\nfcntl.lockf(f, fcntl.LOCK_EX)\n"
         "print('held', flush=True)\nsys.stdin.read()", f"{path}.lock"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin is not None and holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(WorldError) as caught, tapelist.edit(path, wait=0.1):
            pass
        assert caught.value.code == "TAP010"
        assert caught.value.message == f"{path}.lock is held by another program since 0 s"
        holder.stdin.close()
        with tapelist.edit(path) as draft:
            draft.volumes = (Volume("A"),)
    finally:
        holder.stdout.close()
        holder.wait()
    with open(f"{path}.lock", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_devices_faults_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "tapelist"
    path.write_text("0 A reuse\n0 B\n")
    with pytest.raises(WorldError) as caught:
        tapelist.read(path)
    assert caught.value.code == "TAP009"
    assert caught.value.message.startswith(f"{path}:2: '0 B' is not '<datestamp> <label> reuse|no-reuse")
    path.unlink()
    path.mkdir()
    with pytest.raises(WorldError, match="Is a directory") as caught:
        tapelist.read(path)
    assert caught.value.code == "TAP010"
    (tmp_path / "in the way").write_text("")
    with pytest.raises(WorldError, match=r"in the way/tapelist.lock: File exists") as caught, tapelist.edit(
            tmp_path / "in the way" / "tapelist"):
        pass
    assert caught.value.code == "TAP010"
