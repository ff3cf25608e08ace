"""FILE-WRITE over real pipes: parts, both ends of a volume, bad input, no volume."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest
from crc32c import crc32c

from core.holding.header import HEADER_SIZE, Kind
from core.model.dump import Crc, Stats
from core.model.units import Handle
from core.protocol import taper
from tests.support.taper import DATESTAMP, DUMPED, FAULTY, Taper, hold, kinds, make_room, noise


def test_taper_one_dump_on_one_volume(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    data = noise(300_001)
    path = hold(room, data, chunk_kib=96)
    with Taper(room) as child:
        assert child.start() == taper.TaperOk("drive0", "DAILY-001")
        assert room.tapelist == ""
        assert not (room.vtapes / "slot1").exists()
        heard = child.write(path)
        assert kinds(heard) == ["REQUEST-NEW-TAPE", "NEW-TAPE", "PARTDONE", "DONE"]
        assert heard[1].label == "DAILY-001"
        part, done = heard[2:]
        assert (part.label, part.fileno, part.size) == ("DAILY-001", 1, 293)
        assert part.message.endswith(f"crc {Crc(crc32c(data), len(data))}")
        stats = Stats.parse(done.message)
        assert stats.server == stats.client == Crc(crc32c(data), len(data))
        assert (stats.kib, stats.orig_kib) == (293, 292)
        assert child.quit() == 0
    assert room.slot(1) == ["00000.DAILY-001", "00001.web1._home.0"]
    assert room.tapelist == f"{DATESTAMP} DAILY-001 reuse BLOCKSIZE:32 POOL:main STORAGE:main CONFIG:daily\n"
    assert os.readlink(room.vtapes / "data") == "slot1"
    [(header, found)] = room.parts()
    assert found == data
    assert (header.kind, header.part, header.parts, header.datestamp) == (Kind.SPLIT_FILE, 1, -1, DUMPED)
    assert (header.cont_filename, header.server.size, header.blocksize) == ("", len(data), 32)
    assert header.dle_xml == "<dle>\n  <disk>/home</disk>\n</dle>"


def test_taper_appends_only_to_its_own_volume(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    first, second = hold(room, noise(1000)), hold(room, noise(2000), host="web2")
    with Taper(room) as child:
        child.start()
        child.write(first)
        heard = child.write(second, "00-00002", host="web2")
        assert kinds(heard) == ["PARTDONE", "DONE"]
        assert heard[0].fileno == 2
        child.say(taper.CloseVolume())
        heard = child.write(first, "00-00003")
        assert [report.label for report in heard if isinstance(report, taper.NewTape)] == ["DAILY-002"]
    # A taper that is started again in the same run goes on with the volume that has room; another run does not.
    with Taper(room) as child:
        assert child.start().label == "DAILY-001"
        heard = child.write(second, host="web2")
        assert kinds(heard) == ["PARTDONE", "DONE"]
        assert (heard[0].label, heard[0].fileno) == ("DAILY-001", 3)
    with Taper(room) as child:
        assert child.start("20261125000000").label == "DAILY-003"


def test_taper_cuts_and_spans_volumes(tmp_path: Path) -> None:
    """The very volume sizes of a real Amanda's run: 64 KiB parts on 384 KiB volumes, early warning after 160 KiB."""
    room = make_room(tmp_path, capacity="384 KiB", part_size="64 KiB")
    data = noise(180 * 1024)
    with Taper(room) as child:
        child.start()
        heard = child.write(hold(room, data, chunk_kib=64))
        parts = [(r.label, r.fileno, r.size) for r in heard if isinstance(r, taper.PartDone)]
        assert parts == [("DAILY-001", 1, 64), ("DAILY-001", 2, 64), ("DAILY-001", 3, 32), ("DAILY-002", 1, 20)]
        assert kinds(heard).count("REQUEST-NEW-TAPE") == 2
        assert isinstance(heard[-1], taper.Done)
    assert [header.part for header, _ in room.parts()] == [1, 2, 3, 4]
    assert room.joined() == data
    crcs = [r.message.rpartition(" ")[2] for r in heard if isinstance(r, taper.PartDone)]
    assert crcs == [str(Crc(crc32c(part), len(part))) for _, part in room.parts()]


def test_taper_part_size_divides_without_empty_part(tmp_path: Path) -> None:
    room = make_room(tmp_path, part_size="64 KiB")
    with Taper(room) as child:
        child.start()
        assert kinds(child.write(hold(room, noise(128 * 1024)))).count("PARTDONE") == 2
        assert kinds(child.write(hold(room, b"", host="web2"), "00-00002", host="web2")) == ["PARTDONE", "DONE"]


def test_taper_volume_after_volume_until_not_allowed(tmp_path: Path) -> None:
    room = make_room(tmp_path, capacity="384 KiB", part_size="64 KiB")
    with Taper(room) as child:
        child.start()
        child.say(taper.FileWrite(Handle("00-00001"), str(hold(room, noise(600_000))), "web1", "/home", 0))
        assert isinstance(child.hear(), taper.RequestNewTape)
        child.say(taper.NewTape(Handle("00-00001")))
        assert kinds([child.hear() for _ in range(5)])[-1] == "REQUEST-NEW-TAPE"
        child.say(taper.NoNewTape(Handle("00-00001"), "1 tapes filled; runtapes=1"))
        assert child.hear() == taper.TapeError(Handle("00-00001"), "TAP013 1 tapes filled; runtapes=1")
        child.quit()
    assert not (room.vtapes / "slot2").exists()


@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EFBIG"])
@pytest.mark.parametrize("at", [5, 6, 7, 8])
def test_taper_hard_end_writes_the_part_again(tmp_path: Path, error: str, at: int) -> None:
    """Writes: 1 the label; 2 the header, 3 and 4 the data of part 1; 5 the header, 6 and 7 the data of part 2; 8 the next."""
    room = make_room(tmp_path, part_size="192 KiB")
    data = noise(500_000)
    prelude = FAULTY.replace("FAULTS", f"{{{at}: errno.{error}}}").replace("SHORT", "True")
    with Taper(room, prelude=prelude) as child:
        child.start()
        heard = child.write(hold(room, data))
        assert kinds(heard).count("NEW-TAPE") == 2
        assert isinstance(heard[-1], taper.Done)
        why = [report.message for report in heard if isinstance(report, taper.RequestNewTape)]
        assert why[0] == "" and why[1].startswith("TAP00") and os.strerror(getattr(errno, error)) in why[1], why
        assert Stats.parse(heard[-1].message).server == Crc(crc32c(data), len(data))
        child.quit()
    assert room.joined() == data
    assert [header.part for header, _ in room.parts()] == [1, 2, 3]
    assert not list(room.vtapes.glob("*/.*"))


def test_taper_does_not_burn_volumes_when_nothing_fits(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    prelude = FAULTY.replace("FAULTS", "{3: errno.ENOSPC}").replace("SHORT", "False")
    with Taper(room, prelude=prelude) as child:
        child.start()
        heard = child.write(hold(room, noise(100_000)))
        assert kinds(heard) == ["REQUEST-NEW-TAPE", "NEW-TAPE", "TAPE-ERROR"]
        assert heard[-1].message.startswith("TAP007 ")
        assert "No space left on device; not one part fits on volume DAILY-001" in heard[-1].message


def test_taper_two_bad_volumes_are_enough(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    prelude = FAULTY.replace("FAULTS", "{3: errno.EIO, 6: errno.EIO}").replace("SHORT", "False")
    with Taper(room, prelude=prelude) as child:
        child.start()
        heard = child.write(hold(room, noise(100_000)))
        assert kinds(heard).count("NEW-TAPE") == 2
        assert heard[-1].message.startswith("TAP008 ")
        assert heard[-1].message.endswith("2 volumes failed in a row")


def test_taper_a_slot_that_takes_no_label_is_passed_over(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    prelude = FAULTY.replace("FAULTS", "{1: errno.EIO}").replace("SHORT", "False")
    with Taper(room, prelude=prelude) as child:
        child.start()
        heard = child.write(hold(room, noise(1000)))
        assert kinds(heard) == ["REQUEST-NEW-TAPE", "NEW-TAPE", "PARTDONE", "DONE"]
        begun = next(report for report in heard if isinstance(report, taper.NewTape))
        assert f"{room.vtapes}/slot1" in begun.message and begun.message.endswith("Input/output error")
        child.quit()
        assert "slot 1" in child.errors()
    assert (room.vtapes / "slot2" / "00000.DAILY-001").exists()


def test_taper_wrong_crc_is_never_done(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    path = hold(room, noise(100_000), server=Crc(0x12345678, 100_000))
    with Taper(room) as child:
        child.start()
        heard = child.write(path)
        assert kinds(heard)[-1] == "TRY-AGAIN"
        assert heard[-1].message.startswith(f"TAP016 {path} has the CRC ")
        assert heard[-1].message.endswith("not 12345678:100000")
        # The volume is fine: the next dump goes on it.
        assert kinds(child.write(hold(room, b"x", host="web2"), "00-00002", host="web2")) == ["PARTDONE", "DONE"]


def test_taper_bad_holding_files(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    whole = hold(room, noise(400_000), chunk_kib=128)
    with Taper(room) as child:
        child.start()
        heard = child.write(whole.with_name("nothing"))
        assert heard[-1].message.startswith("TAP015 ")
        assert kinds(heard) == ["TRY-AGAIN"]
        heard = child.write(whole, host="web9")
        assert heard[-1].message == (
            f"TAP015 {whole} is web1:/home level 0 of {DUMPED}, not web9:/home level 0 of {DUMPED}")
        whole.with_name(whole.name + ".2").unlink()
        heard = child.write(whole)
        assert heard[-1].message.startswith("TAP015 ")
        short = hold(room, noise(5000), host="web2")
        os.truncate(short, HEADER_SIZE + 4000)
        heard = child.write(short, host="web2")
        assert heard[-1].message == f"TAP015 {short} holds 4000 bytes of data, its header says 5000"
        weird = whole.with_name("weird")
        weird.write_bytes(b"#!/bin/sh\n")
        assert kinds(child.write(weird)) == ["TRY-AGAIN"]
        child.quit()
    assert room.tapelist == ""


def test_taper_waits_for_an_operator(tmp_path: Path) -> None:
    room = make_room(tmp_path, slots=1, retention="{ tapes = 0, days = 9999, full = 0 }")
    path = hold(room, noise(1000))
    handle = Handle("00-00001")
    with Taper(room) as child:
        child.start()
        assert isinstance(child.write(path)[-1], taper.Done)
        child.quit()
    with Taper(room) as child:
        refused = child.start("20261125000000")
        assert refused == taper.TaperError(
            "TAP012 storage main: no volume may be written: slot 1 DAILY-001: younger than 9999 days")
        child.say(taper.FileWrite(handle, str(path), "web1", "/home", 0))
        assert isinstance(child.hear(), taper.RequestNewTape)
        child.say(taper.NewTape(handle))
        asked = child.hear()
        assert (asked.VERB, asked.code) == ("REQUEST-OPERATOR", "TAP012")
        assert asked.message.endswith("younger than 9999 days; load or label a volume, or add a slot")
        child.say(taper.NewTape(handle))
        assert child.hear() == asked
        # The operator loads a blank volume: the taper finds it by itself.
        (room.vtapes / "slot2").mkdir()
        assert child.hear() == taper.NewTape(handle, "DAILY-002")
        assert kinds([child.hear(), child.hear()]) == ["PARTDONE", "DONE"]
        child.quit()


def test_taper_nobody_comes(tmp_path: Path) -> None:
    room = make_room(tmp_path, slots=0)
    path = hold(room, noise(1000))
    handle = Handle("00-00001")
    with Taper(room) as child:
        assert child.start().message == "TAP012 storage main: no volume may be written: there are no slots"
        child.say(taper.FileWrite(handle, str(path), "web1", "/home", 0))
        child.hear()
        child.say(taper.NewTape(handle))
        assert isinstance(child.hear(), taper.RequestOperator)
        child.say(taper.NoNewTape(handle, "nobody answered"))
        assert child.hear() == taper.TapeError(handle, "TAP013 nobody answered")
        child.quit()


def test_taper_kill_leaves_a_consistent_volume(tmp_path: Path) -> None:
    room = make_room(tmp_path, part_size="1 MiB")
    data = noise(6_000_000)
    path = hold(room, data)
    slow = """
import time, core.taper.writing as writing
real = writing.crc32c
def slow(*words):
    time.sleep(0.01)
    return real(*words)
writing.crc32c = slow
"""
    with Taper(room, prelude=slow) as child:
        child.start()
        child.say(taper.FileWrite(Handle("00-00001"), str(path), "web1", "/home", 0))
        heard = child.until(taper.PartDone)
        child.process.send_signal(signal.SIGKILL)
        child.process.wait()
    assert kinds(heard)[-1] == "PARTDONE"
    for header, part in room.parts():
        at = (header.part - 1) * 1024 * 1024
        assert part == data[at:at + 1024 * 1024]
    with Taper(room) as child:
        assert child.start("20261125000000").label == "DAILY-002"
        assert isinstance(child.write(path)[-1], taper.Done)
        child.quit()
    assert (room.vtapes / "slot1" / "00000.DAILY-001").exists()
