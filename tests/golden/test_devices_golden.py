"""Volumes of a real Amanda 3.5.1: read as they are, and written again byte for byte."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from crc32c import crc32c

from core.devices.contract import Condition
from core.devices.directory import DirectoryChanger
from core.devices.scan_policy import Standing
from core.devices.shelf import inventory, open_volume
from core.errors import WorldError
from core.holding.header import HEADER_SIZE, Kind, build, parse
from core.holding.seal import seal
from core.model.site import Retention, RunSettings, Site, Storage
from core.model.units import Handle
from core.protocol import taper
from tests.support.taper import Room, Taper

GOLDEN = Path(__file__).parent / "amanda-3.5.1"
FIXT = Storage("fixt", f"disk:{GOLDEN / 'vtapes-fixt'}", slots=4, label="FIXT-[0-9]{3}", autolabel="FIXT-%%%",
               retention=Retention(tapes=2, days=0, full=0))


def test_devices_read_a_real_amandas_vtapes() -> None:
    views = DirectoryChanger(FIXT).views()
    assert [(v.slot, v.condition, v.label, v.datestamp, v.files) for v in views] == [
        ("1", Condition.LABELLED, "FIXT-001", "20261123005205", 3),
        ("2", Condition.LABELLED, "FIXT-002", "20261123005214", 3),
        ("3", Condition.LABELLED, "FIXT-003", "20261123005243", 3),
        ("4", Condition.EMPTY, "", "", 0),
    ]
    assert views[0].used == 32768 + 51874 + 73728 + 40339


def test_devices_every_part_has_the_crc_of_its_header() -> None:
    for label in ("FIXT-001", "FIXT-002", "FIXT-003"):
        volume = open_volume(FIXT, label)
        assert volume.filenos() == [1, 2, 3]
        assert volume.read_header(0).label == label
        for fileno in volume.filenos():
            header = volume.read_header(fileno)
            with volume.open_part(fileno) as part:
                data = part.read()
            assert (header.kind, header.part) == (Kind.SPLIT_FILE, 1)
            assert (crc32c(data), len(data)) == (header.server.value, header.server.size)
    with pytest.raises(WorldError) as caught:
        open_volume(FIXT, "FIXT-009")
    assert (caught.value.code, caught.value.message) == ("TAP018", "volume FIXT-009 is in no slot of storage fixt")


def test_devices_inventory_of_a_real_amandas_vtapes(tmp_path: Path) -> None:
    shutil.copy(GOLDEN / "tapelist", tmp_path / "tapelist")
    site = Site(tmp_path / "taperoom.toml", "fixt", tmp_path, RunSettings(), (), {"fixt": FIXT}, {}, ())
    rows = inventory(site, FIXT)
    assert [(r.slot, r.label, r.standing, r.reason, r.next) for r in rows] == [
        ("1", "FIXT-001", Standing.REUSABLE, "last written 20261123005205", True),
        ("2", "FIXT-002", Standing.ACTIVE, "one of the 2 newest", False),
        ("3", "FIXT-003", Standing.ACTIVE, "one of the 2 newest", False),
        ("4", "FIXT-004", Standing.BLANK, "no label; it would become FIXT-004", False),
    ]


def _moved_holding(to: Path) -> Path:
    """Amanda's chunks in another place: only the names of the next chunks change."""
    source = GOLDEN / "holding-multichunk" / "20261123012225"
    target = to / "20261123012225"
    target.mkdir(parents=True)
    for chunk in source.iterdir():
        block = chunk.read_bytes()
        header = parse(block[:HEADER_SIZE])
        if header.cont_filename:
            header = replace(header, cont_filename=str(target / Path(header.cont_filename).name))
        (target / chunk.name).write_bytes(build(header) + block[HEADER_SIZE:])
    return target / "localhost._srv_amdata_beta.0"


def test_devices_taper_writes_the_bytes_of_a_real_amanda(tmp_path: Path) -> None:
    """The fixture's run again: its holding files, its part size, its capacity, its datestamp; the same volumes."""
    room = Room(tmp_path)
    for name in ("vtapes", "state", "holding"):
        (tmp_path / name).mkdir()
    room.config.write_text(f'''
org = "fixsplit"
state_dir = "{room.state}"
[[holding]]
path = "{tmp_path / 'holding'}"
[storage.fixsplit]
changer = "disk:{room.vtapes}"
slots = 6
capacity = "384 KiB"
part_size = "64 KiB"
label = "FIXSPLIT-[0-9]{{3}}"
autolabel = "FIXSPLIT-%%%"
retention = {{ tapes = 5, days = 0, full = 0 }}
[[disk]]
host = "localhost"
disk = "/srv/amdata/beta"
''')
    path = _moved_holding(tmp_path / "holding")
    with Taper(room, "fixsplit") as child:
        child.start("20261123012231")
        child.say(taper.FileWrite(Handle("00-00001"), str(path), "localhost", "/srv/amdata/beta", 0, "20261123012225"))
        heard = child.until(taper.Done, taper.TryAgain, taper.TapeError)
        assert isinstance(heard[-1], taper.Done)
        assert "server-crc 61c2c64d:184320" in heard[-1].message
        child.quit()
    for slot in ("slot1", "slot2"):
        theirs = GOLDEN / "vtapes-split-span" / slot
        ours = room.vtapes / slot
        assert sorted(f.name for f in ours.iterdir()) == sorted(f.name for f in theirs.iterdir())
        for file in theirs.iterdir():
            written, golden = (ours / file.name).read_bytes(), file.read_bytes()
            # Amanda's own bytes, but for our checksum at the end of the padding that nobody reads.
            assert written[:HEADER_SIZE] == seal(golden[:HEADER_SIZE]) != golden[:HEADER_SIZE], file.name
            assert written[HEADER_SIZE:] == golden[HEADER_SIZE:], file.name
    assert room.tapelist == (GOLDEN / "tapelist-split").read_text()
