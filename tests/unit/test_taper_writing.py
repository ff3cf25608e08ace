"""Parts on volumes with made pieces, made faults and a made driver: what a direct dump may lose, and what not."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from crc32c import crc32c
from hypothesis import given, settings
from hypothesis import strategies as st

from core.devices.contract import Capabilities
from core.devices.slot_volume import DirectoryVolume
from core.holding.header import Header, Kind
from core.model.dump import Crc
from core.protocol import taper
from core.taper.job import NoTape
from core.taper.writing import Writing
from tests.support.taper import noise

HEADER = Header(Kind.FILE, datestamp="20261124010000", host="web1", disk="/home", program="/bin/tar")


@dataclass
class Pieces:
    """A source that gives these pieces; a connection unless ``rereadable``."""

    pieces: list[bytes]
    rereadable: bool = False
    header: Header = HEADER
    at: int = 0

    def piece(self, *, copied: bool) -> tuple[memoryview, None]:
        data, position = b"".join(self.pieces), 0
        for piece in self.pieces:
            position += len(piece)
            if self.at < position:
                found = data[self.at:position]
                self.at = position
                return memoryview(found), None
        return memoryview(b""), None

    def seek(self, offset: int) -> None:
        assert self.rereadable
        self.at = offset

    def close(self) -> None:
        pass


@dataclass
class Drive:
    """A job and a scribe in one: volumes come as they are asked for, ``fail`` says what the n-th write does."""

    place: Path
    fail: dict[int, int] = field(default_factory=dict)
    capacity: int = 0
    keeps: bool = True
    label: str = ""
    parts_on_volume: int = 0
    writes: int = 0
    volumes: int = 0
    said: list[Any] = field(default_factory=list)
    current: DirectoryVolume | None = None
    handle: str = "00-00001"
    faults: list[Any] = field(default_factory=list)
    kept: int = 0
    """bytes that are kept free for the volume's description"""
    reserve: Any = field(default_factory=lambda: SimpleNamespace(dump=lambda *key: None))

    def fault(self, fault: Any) -> None:
        self.faults.append(fault)

    @property
    def scribe(self) -> Any:
        return self

    @property
    def pipe(self) -> Any:
        return SimpleNamespace(say=self.said.append)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(self.keeps, True)

    def tick(self, written: int) -> None:
        pass

    def write(self, fd: int, data: memoryview) -> int:
        self.writes += 1
        if self.writes in self.fail:
            os.write(fd, data[:100])
            raise OSError(self.fail[self.writes], os.strerror(self.fail[self.writes]))
        return os.write(fd, data)

    def volume(self) -> Any:
        if self.current is not None and self.room() == 0:
            self.retire()
        if self.current is None:
            self.volumes += 1
            self.label, self.parts_on_volume = f"A-{self.volumes}", 0
            path = self.place / f"slot{self.volumes}"
            DirectoryVolume(str(self.volumes), path).begin(self.label, "20261124010203")
            self.current = DirectoryVolume(str(self.volumes), path, self.capacity, write=self.write)
        return self.current

    def room(self) -> int:
        room = self.current.room() if self.current is not None else 0
        return max(0, room - self.kept) if self.capacity else room

    def fill(self) -> None:
        self.current = None

    def retire(self) -> None:
        self.current = None

    def joined(self) -> bytes:
        """All parts that were reported, in their order."""
        out = b""
        for number, done in enumerate((word for word in self.said if isinstance(word, taper.PartDone)), 1):
            volume = DirectoryVolume("?", self.place / f"slot{done.label.removeprefix('A-')}")
            assert volume.read_header(done.fileno) == replace(HEADER, kind=Kind.SPLIT_FILE, part=number, parts=-1)
            with volume.open_part(done.fileno) as file:
                data = file.read()
            assert done.message.endswith(f"crc {Crc(crc32c(data), len(data))}")
            out += data
        return out


def run(drive: Drive, source: Pieces, part_kib: int = 0) -> Any:
    return Writing(drive, source, part_kib).run()  # type: ignore[arg-type]


def test_taper_direct_part_is_cut_short_at_a_full_disk(tmp_path: Path) -> None:
    drive = Drive(tmp_path, {3: errno.ENOSPC})
    pieces = [noise(1000, n) for n in range(4)]
    written = run(drive, Pieces(pieces))
    assert drive.joined() == b"".join(pieces)
    assert (written.parts, drive.volumes, written.crc.size) == (2, 2, 4000)
    assert [done.size for done in drive.said] == [1, 3]


def test_taper_direct_dump_is_lost_where_a_short_part_is_not_kept(tmp_path: Path) -> None:
    drive = Drive(tmp_path, {6: errno.ENOSPC}, keeps=False)
    with pytest.raises(NoTape) as caught:
        run(drive, Pieces([noise(32768)] * 4), part_kib=64)
    assert caught.value.message.endswith("No space left on device; a direct dump cannot be read again")
    assert drive.joined() == noise(32768) * 2


def test_taper_direct_dump_is_lost_to_an_error(tmp_path: Path) -> None:
    drive = Drive(tmp_path, {6: errno.EIO})
    with pytest.raises(NoTape) as caught:
        run(drive, Pieces([noise(32768)] * 4), part_kib=64)
    assert (caught.value.code, caught.value.message) == (
        "TAP008", f"{tmp_path}/slot1: Input/output error; a direct dump cannot be read again")


@pytest.mark.parametrize("at", [4, 5])
def test_taper_direct_dump_goes_on_when_nothing_of_the_part_was_written(tmp_path: Path, at: int) -> None:
    """Write 4 is the second part's header, 5 its first byte: the piece is still in hand."""
    drive = Drive(tmp_path, {at: errno.EIO})
    pieces = [noise(65536, n) for n in range(3)]
    assert run(drive, Pieces(pieces), part_kib=64).parts == 3
    assert drive.joined() == b"".join(pieces)
    assert drive.volumes == 2


@pytest.mark.parametrize("rereadable", [True, False])
def test_taper_full_at_the_first_byte_of_a_volume(tmp_path: Path, rereadable: bool) -> None:
    drive = Drive(tmp_path, {2: errno.ENOSPC})
    with pytest.raises(NoTape) as caught:
        run(drive, Pieces([b"data"], rereadable))
    assert caught.value.message == f"{tmp_path}/slot1: No space left on device; not one part fits on volume A-1"


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(st.integers(1, 200_000), max_size=8), rereadable=st.booleans(), part_kib=st.sampled_from([0, 32, 96]),
    capacity_kib=st.sampled_from([0, 192, 256, 384, 1000]),
    fails=st.dictionaries(st.integers(2, 30), st.sampled_from([errno.ENOSPC, errno.EIO]), max_size=3),
    kept=st.sampled_from([0, 65536]),
)
def test_taper_no_byte_is_lost_doubled_or_moved(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[int], rereadable: bool, part_kib: int, capacity_kib: int,
    fails: dict[int, int], kept: int,
) -> None:
    """Either all parts that were reported are the dump, or it is said that they are not."""
    data = [noise(size, number) for number, size in enumerate(pieces)]
    drive = Drive(tmp_path_factory.mktemp("volumes"), fails, capacity_kib * 1024, kept=kept if capacity_kib >= 384 else 0)
    whole = b"".join(data)
    try:
        written = run(drive, Pieces(data, rereadable), part_kib)
    except NoTape:
        assert whole.startswith(drive.joined())
        return
    assert drive.joined() == whole
    assert written.crc == Crc(crc32c(whole), len(whole))
    for slot in drive.place.iterdir():
        names = os.listdir(slot)
        assert not [name for name in names if name.startswith(".")]
        if capacity_kib:
            assert sum((slot / name).stat().st_size for name in names) <= capacity_kib * 1024
