"""A slot whose volume is taken out or exchanged while it is written: the other volume is never touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.devices.contract import VolumeFault
from core.devices.directory import DirectoryChanger
from core.devices.slot_volume import DirectoryVolume
from core.holding.header import Header, Kind
from core.model.site import Storage

HEADER = Header(Kind.SPLIT_FILE, datestamp="20261124010000", host="web1", disk="/home", level=0, part=1, parts=-1,
                program="/bin/tar")


def begun(path: Path, slot: str, label: str) -> DirectoryVolume:
    volume = DirectoryChanger(Storage("main", f"disk:{path}", slots=2)).load(slot)
    volume.begin(label, "20261124010203")
    return volume


def test_devices_another_volume_in_the_slot_is_not_written_on(tmp_path: Path) -> None:
    volume = begun(tmp_path, "1", "A-1")
    begun(tmp_path, "2", "A-2")
    part = volume.begin_part(HEADER)
    part.write(memoryview(b"data"))
    (tmp_path / "slot1").rename(tmp_path / "away")
    (tmp_path / "slot2").rename(tmp_path / "slot1")
    before = sorted(os.listdir(tmp_path / "slot1"))
    with pytest.raises(VolumeFault) as caught:
        part.finish()
    assert (caught.value.code, caught.value.message) == ("TAP022", "slot 1 does not hold A-1 any more")
    part.discard()
    with pytest.raises(VolumeFault):
        volume.begin_part(HEADER)
    assert sorted(os.listdir(tmp_path / "slot1")) == before == ["00000.A-2"]


def test_devices_a_volume_begun_anew_by_another_is_another_volume(tmp_path: Path) -> None:
    volume = begun(tmp_path, "1", "A-1")
    os.link(tmp_path / "slot1" / "00000.A-1", tmp_path / "keeps the inode")
    begun(tmp_path, "1", "A-1")
    with pytest.raises(VolumeFault):
        volume.begin_part(HEADER)


def test_devices_a_volume_that_is_gone_on_with_is_recognised(tmp_path: Path) -> None:
    begun(tmp_path, "1", "A-1")
    again = DirectoryChanger(Storage("main", f"disk:{tmp_path}", slots=2)).load("1")
    again.begin_part(HEADER).finish()
    (tmp_path / "slot1" / "00000.A-1").unlink()
    with pytest.raises(VolumeFault):
        again.begin_part(HEADER)
    assert [entry.name for entry in (tmp_path / "slot1").iterdir()] == ["00001.web1._home.0"]
