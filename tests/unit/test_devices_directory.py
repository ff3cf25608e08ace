"""What is particular to volumes in directories: names, odd files, links, vanished places."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.devices.contract import Condition, VolumeFault
from core.devices.directory import DirectoryChanger
from core.devices.slot_volume import DirectoryVolume
from core.errors import WorldError
from core.holding.header import Header, Kind, build
from core.holding.seal import seal
from core.model.site import Storage

HEADER = Header(Kind.SPLIT_FILE, datestamp="20261124010000", host="web1", disk="/srv/a: \\b ü", level=3, part=1,
                parts=-1, program="/bin/tar")
LABEL = seal(build(Header(Kind.TAPESTART, datestamp="20261124010203", label="A-1")))


def volume_in(path: Path) -> DirectoryVolume:
    volume = DirectoryVolume("1", path / "slot1")
    volume.begin("A-1", "20261124010203")
    return volume


def test_devices_names_are_amandas(tmp_path: Path) -> None:
    volume = volume_in(tmp_path)
    volume.begin_part(HEADER).finish()
    assert sorted(os.listdir(tmp_path / "slot1")) == ["00000.A-1", "00001.web1._srv_a_ _b ü.3"]
    assert (tmp_path / "slot1" / "00000.A-1").read_bytes() == LABEL


def test_devices_next_number_is_one_more_than_the_highest(tmp_path: Path) -> None:
    volume = volume_in(tmp_path)
    (tmp_path / "slot1" / "7.old").write_bytes(b"")
    (tmp_path / "slot1" / "00000-lock").write_bytes(b"")
    assert volume.begin_part(HEADER).fileno == 8
    assert volume.view().condition is Condition.LABELLED


def test_devices_beginning_leaves_what_is_not_a_volumes(tmp_path: Path) -> None:
    slot = tmp_path / "slot1"
    slot.mkdir()
    for name in ("00000.OLD", "00001.web1._home.0", "00000-lock", "README", ".00002.tmp", "12-x"):
        (slot / name).write_bytes(b"x")
    volume_in(tmp_path)
    assert sorted(os.listdir(slot)) == ["00000-lock", "00000.A-1", "README"]


@pytest.mark.parametrize(("names", "condition", "note"), [
    (["README"], Condition.EMPTY, ""),
    (["00001.web1._home.0"], Condition.WEIRD, "it has files but no label"),
    (["00000.A", "00000.B"], Condition.WEIRD, "it has two label files"),
    (["00000.A"], Condition.WEIRD, "its label is not Amanda's"),
])
def test_devices_odd_slots(tmp_path: Path, names: list[str], condition: Condition, note: str) -> None:
    (tmp_path / "slot1").mkdir()
    for name in names:
        (tmp_path / "slot1" / name).write_bytes(b"")
    view = DirectoryVolume("1", tmp_path / "slot1").view()
    assert (view.condition, view.note) == (condition, note)


def test_devices_a_slot_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "slot1").write_bytes(b"a file")
    view = DirectoryVolume("1", tmp_path / "slot1").view()
    assert (view.condition, view.note) == (Condition.FAULTY, "Not a directory")
    view = DirectoryVolume("2", tmp_path / "slot2").view()
    assert (view.condition, view.note) == (Condition.EMPTY, "the slot is not made yet")


def test_devices_places_that_vanish(tmp_path: Path) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    volume = volume_in(shelf)
    part = volume.begin_part(HEADER)
    (shelf / "slot1").rename(tmp_path / "away")
    with pytest.raises(WorldError) as caught:
        part.finish()
    assert caught.value.code == "TAP022"
    part.discard()
    with pytest.raises(VolumeFault) as caught:
        volume.begin_part(HEADER)
    assert caught.value.message == "slot 1 does not hold A-1 any more"
    shelf.rmdir()
    for action in (volume.filenos, lambda: volume.begin_part(HEADER), lambda: volume.read_header(1),
                   lambda: volume.open_part(1)):
        with pytest.raises(WorldError) as caught:
            action()
        assert caught.value.code == "TAP002"
    with pytest.raises(WorldError) as caught:
        DirectoryVolume("1", tmp_path / "no" / "slot1").begin("A", "X")
    assert caught.value.code == "TAP002"
    with pytest.raises(WorldError) as caught:
        DirectoryVolume("1", tmp_path / "no" / "slot1").room()
    assert caught.value.code == "TAP002"


def test_devices_a_part_never_replaces_another(tmp_path: Path) -> None:
    volume = volume_in(tmp_path)
    part = volume.begin_part(HEADER)
    name = tmp_path / "slot1" / "00001.web1._srv_a_ _b ü.3"
    name.write_bytes(b"somebody else's")
    with pytest.raises(WorldError) as caught:
        part.finish()
    assert caught.value.message == f"{name} is there already"
    assert name.read_bytes() == b"somebody else's"


def test_devices_a_file_without_header_is_no_part(tmp_path: Path) -> None:
    volume = volume_in(tmp_path)
    (tmp_path / "slot1" / "00001.x").write_bytes(b"rubbish")
    with pytest.raises(WorldError) as caught:
        volume.read_header(1)
    assert caught.value.message == f"{tmp_path}/slot1/00001.x does not begin with a header"


def test_devices_data_link_shows_the_slot(tmp_path: Path) -> None:
    changer = DirectoryChanger(Storage("main", f"disk:{tmp_path}", slots=2))
    changer.show("2")
    assert os.readlink(tmp_path / "data") == "slot2"
    changer.show("1")
    assert os.readlink(tmp_path / "data") == "slot1"
    (tmp_path / "data").unlink()
    (tmp_path / "data").write_bytes(b"5")
    changer.show("2")
    assert (tmp_path / "data").read_bytes() == b"5"
    DirectoryChanger(Storage("main", "disk:/nowhere/at/all")).show("1")


def test_devices_more_slots_than_configured_are_seen(tmp_path: Path) -> None:
    for name in ("slot0", "slot12", "slot3", "slotx", "data"):
        (tmp_path / name).mkdir()
    changer = DirectoryChanger(Storage("main", f"disk:{tmp_path}", slots=2))
    assert [view.slot for view in changer.views()] == ["0", "1", "2", "3", "12"]
    assert "data" in os.listdir(tmp_path)
