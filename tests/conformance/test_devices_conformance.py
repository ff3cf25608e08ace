"""What every device of the registry must do.  A new device is right when this passes for it.

A device joins by one entry in `WORLDS`: how to make a storage for it, and how to put faults into its writing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from core.devices.contract import BLOCK, UNLIMITED, Changer, Condition, Volume, VolumeFault, VolumeFull
from core.devices.directory import DirectoryChanger
from core.devices.registry import DEVICES, open_changer
from core.errors import UsageError, WorldError
from core.holding.header import HEADER_SIZE, Header, Kind
from core.model.site import Storage
from tests.support.taper import noise

HEADER = Header(Kind.SPLIT_FILE, datestamp="20261124010000", host="web1", disk="/home", part=1, parts=-1,
                program="/bin/tar", recover="/bin/tar -xf -")
STAMP = "20261124010203"


@dataclass(slots=True)
class Faults:
    """The ``at``-th write (from 1) lets ``through`` bytes pass, then fails with ``code``; 0 only writes short."""

    at: int = 0
    through: int = 0
    code: int = 0
    count: int = 0

    def write(self, fd: int, data: memoryview) -> int:
        self.count += 1
        if self.count == self.at and self.through:
            return os.write(fd, data[:self.through])
        if self.code and self.count == self.at + (1 if self.through else 0):
            raise OSError(self.code, os.strerror(self.code))
        return os.write(fd, data)


@dataclass(frozen=True, slots=True)
class World:
    """How a device is made for a test."""

    storage: Callable[[Path], Storage]
    faulty: Callable[[Storage, Faults], Changer]
    damage: Callable[[Path], None]


def _disk(path: Path) -> Storage:
    path.mkdir(exist_ok=True)
    return Storage("main", f"disk:{path}", slots=3)


def _damage_disk(path: Path) -> None:
    (path / "slot1" / "00000.A-1").write_bytes(b"not Amanda's")


WORLDS: dict[str, World] = {
    "disk": World(_disk, lambda storage, faults: DirectoryChanger(storage, write=faults.write), _damage_disk),
}


@pytest.fixture(params=sorted(DEVICES))
def world(request: Any) -> World:
    assert request.param in WORLDS, f"device {request.param} has no entry in WORLDS"
    return WORLDS[request.param]


@pytest.fixture
def storage(world: World, tmp_path: Path) -> Storage:
    return world.storage(tmp_path / "store")


def begun(storage: Storage, label: str = "A-1", slot: str = "1") -> Volume:
    volume = open_changer(storage).load(slot)
    volume.begin(label, STAMP)
    return volume


def put(volume: Volume, data: bytes, header: Header = HEADER) -> int:
    part = volume.begin_part(header)
    part.write(memoryview(data))
    assert part.finish() == len(data)
    return part.fileno


def read(volume: Volume, fileno: int) -> bytes:
    with volume.open_part(fileno) as file:
        return file.read()


def test_devices_unknown_kind_is_refused() -> None:
    for changer in ("robot:/dev/sg3", "disk:", "/srv/vtapes", ""):
        with pytest.raises(UsageError) as caught:
            open_changer(Storage("main", changer))
        assert caught.value.message == f"storage main: changer {changer!r} is none of disk:…"
        assert caught.value.code == "TAP001"


def test_devices_slots_are_there_before_anything_is_written(storage: Storage) -> None:
    views = open_changer(storage).views()
    assert [view.slot for view in views] == ["1", "2", "3"]
    assert {view.condition for view in views} == {Condition.EMPTY}
    with pytest.raises(WorldError) as caught:
        open_changer(storage).load("9")
    assert caught.value.code == "TAP018"


def test_devices_slots_can_be_looked_at_and_begun_while_others_stand_still(storage: Storage) -> None:
    changer = open_changer(storage)
    with changer.alone():
        assert len(changer.views()) == 3
        changer.load("2").begin("A-1", STAMP)
        assert not any(view.busy for view in changer.views()), "nobody else is there"
        assert [view.sealed for view in changer.views()] == [False, True, False]
    with changer.alone():
        pass


def test_devices_a_glance_tells_that_something_was_moved(storage: Storage) -> None:
    changer = open_changer(storage)
    seen = [changer.glance()]
    assert changer.glance() == seen[0]
    volume = begun(storage)
    seen.append(changer.glance())
    put(volume, b"data")
    changer.views()
    seen.append(changer.glance())
    assert changer.glance() == seen[2] and seen[0] != seen[1]


def test_devices_a_begun_volume_bears_its_label(storage: Storage) -> None:
    begun(storage)
    view = open_changer(storage).views()[0]
    assert (view.condition, view.label, view.datestamp, view.files) == (Condition.LABELLED, "A-1", STAMP, 0)
    header = open_changer(storage).load("1").read_header(0)
    assert (header.kind, header.label, header.datestamp) == (Kind.TAPESTART, "A-1", STAMP)


def test_devices_parts_come_back_as_they_were(storage: Storage) -> None:
    volume = begun(storage)
    texts = [noise(1), b"", noise(BLOCK), noise(300_000)]
    for number, data in enumerate(texts, 1):
        assert put(volume, data, replace(HEADER, part=number)) == number
    again = open_changer(storage).load("1")
    assert again.filenos() == [1, 2, 3, 4]
    for number, data in enumerate(texts, 1):
        assert read(again, number) == data
        assert again.read_header(number) == replace(HEADER, part=number)
    assert open_changer(storage).views()[0].files == 4
    for missing in (lambda: again.read_header(5), lambda: again.open_part(7)):
        with pytest.raises(WorldError) as caught:
            missing()
        assert caught.value.code == "TAP019"


def test_devices_beginning_erases(storage: Storage) -> None:
    volume = begun(storage)
    put(volume, noise(1000))
    again = open_changer(storage).load("1")
    again.begin("A-1", "20261125000000")
    assert (again.view().datestamp, again.view().files, again.filenos()) == ("20261125000000", 0, [])
    again.begin("A-2", "20261126000000")
    assert (again.view().label, again.view().condition) == ("A-2", Condition.LABELLED)


def test_devices_a_part_that_is_discarded_was_never_there(storage: Storage) -> None:
    volume = begun(storage)
    part = volume.begin_part(HEADER)
    part.write(memoryview(b"half of it"))
    assert volume.view().files == 0
    part.discard()
    part.discard()
    assert put(volume, b"whole") == 1
    assert read(volume, 1) == b"whole"


def test_devices_room_foretells_the_early_warning(storage: Storage) -> None:
    volume = begun(replace(storage, capacity=384))
    assert volume.room() == 7 * BLOCK
    part = volume.begin_part(HEADER)
    assert part.room == 7 * BLOCK
    assert not part.write(memoryview(bytes(6 * BLOCK)))
    assert part.write(memoryview(bytes(BLOCK)))
    assert part.finish() == 7 * BLOCK
    assert volume.room() == 0
    assert volume.view().used <= 384 * 1024
    assert open_changer(replace(storage, capacity=384)).load("1").room() == 0
    assert volume.room_if_begun() == 7 * BLOCK


def test_devices_beyond_its_room_is_the_hard_end(storage: Storage) -> None:
    volume = begun(replace(storage, capacity=256))
    part = volume.begin_part(HEADER)
    with pytest.raises(VolumeFull) as caught:
        part.write(memoryview(bytes(4 * BLOCK)))
    assert (caught.value.code, caught.value.written) == ("TAP007", 0)
    part.discard()


def test_devices_without_capacity_the_room_is_the_worlds(storage: Storage) -> None:
    assert 0 < begun(storage).room() <= UNLIMITED


@pytest.mark.parametrize("through", [1, 1000, HEADER_SIZE - 1])
def test_devices_short_writes_lose_nothing(world: World, storage: Storage, through: int) -> None:
    for at in (1, 2, 3):
        faults = Faults(at=at, through=through)
        volume = world.faulty(storage, faults).load("1")
        volume.begin("A-1", STAMP)
        data = noise(100_000)
        put(volume, data)
        assert faults.count > 3
        assert read(volume, 1) == data
        assert volume.view().label == "A-1"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("through", [0, 777])
def test_devices_a_fault_leaves_earlier_parts_whole(world: World, storage: Storage, code: int, through: int) -> None:
    kind = VolumeFault if code == errno.EIO else VolumeFull
    for at in (4, 5):  # the second part's header, its data
        volume = world.faulty(storage, Faults(at=at, through=through, code=code)).load("2")
        volume.begin("A-1", STAMP)
        put(volume, b"first part")
        part = None
        with pytest.raises(kind) as caught:
            part = volume.begin_part(HEADER)
            part.write(memoryview(noise(5000)))
        assert os.strerror(code) in caught.value.message
        assert not isinstance(caught.value, VolumeFull) or caught.value.written == (through if at == 5 else 0)
        if part is not None:
            part.discard()
        again = open_changer(storage).load("2")
        assert (again.filenos(), read(again, 1)) == ([1], b"first part")
        assert again.view().condition is Condition.LABELLED
        assert put(again, b"after it") == 2


def test_devices_keeps_the_short_part_it_promises(world: World, storage: Storage) -> None:
    changer = world.faulty(storage, Faults(at=3, through=1234, code=errno.ENOSPC))
    if not changer.capabilities.keeps_short_part:
        pytest.skip("the device does not promise it")
    volume = changer.load("1")
    volume.begin("A-1", STAMP)
    part = volume.begin_part(HEADER)
    data = noise(5000)
    with pytest.raises(VolumeFull) as caught:
        part.write(memoryview(data))
    assert caught.value.written == 1234
    assert part.finish() == 1234
    assert read(volume, 1) == data[:1234]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_devices_a_label_that_fails_is_no_label(world: World, storage: Storage, code: int) -> None:
    put(begun(storage, slot="3"), b"old data")
    volume = world.faulty(storage, Faults(at=1, code=code)).load("3")
    with pytest.raises(WorldError) as caught:
        volume.begin("A-2", "20261125000000")
    assert caught.value.code in ("TAP003", "TAP007", "TAP008")
    view = open_changer(storage).load("3").view()
    assert (view.condition, view.label, view.files) in (
        (Condition.LABELLED, "A-1", 0), (Condition.LABELLED, "A-1", 1), (Condition.EMPTY, "", 0))
    open_changer(storage).load("3").begin("A-2", "20261125000000")
    assert open_changer(storage).load("3").view().label == "A-2"


def test_devices_what_is_not_amandas_is_weird(world: World, storage: Storage, tmp_path: Path) -> None:
    begun(storage)
    world.damage(tmp_path / "store")
    view = open_changer(storage).views()[0]
    assert (view.condition, view.label) == (Condition.WEIRD, "")
    assert view.note


def test_devices_one_writer_at_a_time(storage: Storage) -> None:
    first, second = open_changer(storage), open_changer(storage)
    first.acquire()
    first.acquire()
    with pytest.raises(WorldError) as caught:
        second.acquire()
    assert (caught.value.code, caught.value.hint) == ("TAP004", "wait until it ends")
    first.release()
    first.release()
    second.acquire()
    second.release()
