"""Parts that the kernel copies: whatever it does in the middle, the volumes have the dump and its checksum is right."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from crc32c import crc32c

from core.devices.slot_volume import KERNEL, DirectoryVolume
from core.model.dump import Crc
from core.model.units import Handle
from core.protocol import taper
from core.taper.job import BadInput, NoTape
from core.taper.sources import HoldingSource
from core.taper.writing import Writing
from tests.support.taper import hold, make_room, noise
from tests.unit.test_taper_writing import Drive

MIB = 1024 * 1024
DATA = noise(11 * MIB + 12345)


@dataclass
class Kernel(Drive):
    """Its copying: ``most`` bytes at once; the n-th call fails with ``stop[n]``, 0 is a copy of nothing."""

    most: int = 1 << 40
    stop: dict[int, int] | None = None
    copies: int = 0
    copied: int = 0

    def copy(self, source: int, target: int, count: int, offset: int) -> int:
        self.copies += 1
        if self.stop and self.copies in self.stop:
            if self.stop[self.copies] == 0:
                return 0
            raise OSError(self.stop[self.copies], os.strerror(self.stop[self.copies]))
        done = KERNEL(source, target, min(count, self.most), offset)
        self.copied += done
        return done

    def volume(self) -> DirectoryVolume:
        volume: DirectoryVolume = super().volume()
        volume._copy = self.copy
        return volume


def run(drive: Kernel, path: Path, part_kib: int = 0) -> bytes:
    """What the volumes have, after the checksums were compared."""
    source = HoldingSource(taper.FileWrite(Handle("00-00001"), str(path), "web1", "/home", 0))
    written = Writing(drive, source, part_kib).run()  # type: ignore[arg-type]
    source.close()
    out = b""
    for done in (word for word in drive.said if isinstance(word, taper.PartDone)):
        with DirectoryVolume("?", drive.place / f"slot{done.label.removeprefix('A-')}").open_part(done.fileno) as file:
            data = file.read()
        assert done.message.endswith(f"crc {Crc(crc32c(data), len(data))}")
        out += data
    assert written.crc == Crc(crc32c(out), len(out))
    return out


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "drive"
    path.mkdir()
    return path


@pytest.mark.parametrize("chunk_kib", [0, 3000])
@pytest.mark.parametrize("part_kib", [0, 1500, 4096, 32 * 1024])
@pytest.mark.parametrize("most", [1 << 40, 777_777])
def test_taper_all_that_can_be_is_copied(tmp_path: Path, place: Path, chunk_kib: int, part_kib: int, most: int) -> None:
    drive = Kernel(place, most=most)
    assert run(drive, hold(make_room(tmp_path), DATA, chunk_kib=chunk_kib), part_kib) == DATA
    assert drive.copied >= len(DATA) - (4 if chunk_kib else 1) * MIB, "only the end of a chunk is too short for it"


@pytest.mark.parametrize("stop", [errno.EXDEV, errno.EIO, errno.ENOSYS, errno.EINVAL, errno.ENOSPC, 0])
@pytest.mark.parametrize("at", [1, 2, 5])
def test_taper_where_copying_ends_writing_goes_on(tmp_path: Path, place: Path, stop: int, at: int) -> None:
    drive = Kernel(place, most=MIB + 5, stop={at: stop})
    assert run(drive, hold(make_room(tmp_path), DATA), 6000) == DATA
    assert (drive.copies, drive.copied) == (at, (at - 1) * (MIB + 5)), "it is not tried again for this dump"
    assert drive.faults == []


def test_taper_a_volume_that_is_full_is_found_by_writing(tmp_path: Path, place: Path) -> None:
    drive = Kernel(place, {3: errno.ENOSPC}, most=MIB, stop={8: errno.ENOSPC})  # two headers were written before
    assert run(drive, hold(make_room(tmp_path), DATA), 4096) == DATA
    assert [fault.code for fault in drive.faults] == ["TAP007"]
    assert drive.volumes == 2


def test_taper_a_part_that_is_copied_ends_at_the_early_warning(tmp_path: Path, place: Path) -> None:
    drive = Kernel(place, capacity=5 * MIB)
    assert run(drive, hold(make_room(tmp_path), DATA)) == DATA
    assert drive.volumes == 3 and drive.faults == []


def test_taper_a_broken_volume_is_told_from_a_broken_holding_disk(tmp_path: Path, place: Path) -> None:
    path = hold(make_room(tmp_path), DATA)
    drive = Kernel(place, {2: errno.EIO, 4: errno.EIO}, stop={1: errno.EIO})  # a header, then data, on each of two volumes
    with pytest.raises(NoTape) as no_tape:
        run(drive, path)
    assert no_tape.value.code == "TAP008"

    source = HoldingSource(taper.FileWrite(Handle("00-00001"), str(path), "web1", "/home", 0))
    os.truncate(path, 2 * MIB)
    with pytest.raises(BadInput) as bad_input:
        Writing(Kernel(place, stop={1: 0}), source, 0).run()  # type: ignore[arg-type]
    assert bad_input.value.code == "TAP015"
    source.close()
