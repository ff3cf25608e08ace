"""PORT-WRITE over real sockets and real pipes, and how a taper ends."""

from __future__ import annotations

import os
import signal
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
from crc32c import crc32c

from core.holding.header import Header, Kind, build
from core.model.dump import Crc, Stats
from core.model.units import Handle, Kib
from core.protocol import taper
from tests.support.taper import DUMPED, FAULTY, Room, Taper, hold, kinds, make_room, noise

HANDLE = Handle("00-00001")
HEADER = Header(Kind.FILE, datestamp=DUMPED, host="web1", disk="/home", program="/bin/tar", recover="/bin/tar -xf -")


def connect(child: Taper) -> socket.socket:
    """Order a PORT-WRITE and connect as a dumper does; the header is sent."""
    child.say(taper.PortWrite(HANDLE, "web1", "/home", 0, DUMPED))
    port = child.hear()
    assert isinstance(port, taper.Port)
    dumper = socket.create_connection(("127.0.0.1", port.port))
    dumper.sendall(build(HEADER))
    return dumper


def reset(dumper: socket.socket) -> None:
    """Close as a dumper does that failed."""
    dumper.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    dumper.close()


def test_taper_direct_dump(tmp_path: Path) -> None:
    room = make_room(tmp_path, capacity="384 KiB", part_size="64 KiB")
    data = noise(200_000)
    with Taper(room) as child:
        child.start()
        with connect(child) as dumper:
            dumper.sendall(data)
        crc = Crc(crc32c(data), len(data))
        heard = child.until(taper.PartDone)
        while sum(report.size for report in heard if isinstance(report, taper.PartDone)) < 196:
            heard += child.until(taper.PartDone)
        child.say(taper.WriteDone(HANDLE, Kib(777), str(crc)))
        done = child.hear()
        assert kinds(heard).count("PARTDONE") == 4
        stats = Stats.parse(done.message)
        assert (done.VERB, stats.server, stats.orig_kib, stats.kib) == ("DONE", crc, 777, 196)
        child.quit()
    assert room.joined() == data
    assert [(header.kind, header.part) for header, _ in room.parts()] == [(Kind.SPLIT_FILE, n) for n in (1, 2, 3, 4)]


def test_taper_direct_dump_last_word_may_come_first(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    data = noise(50_000)
    with Taper(room) as child:
        child.start()
        dumper = connect(child)
        dumper.sendall(data)
        assert isinstance(child.hear(), taper.RequestNewTape)
        child.say(taper.WriteDone(HANDLE, Kib(1), str(Crc(crc32c(data), len(data)))), taper.NewTape(HANDLE))
        dumper.close()
        assert kinds(child.until(taper.Done)) == ["NEW-TAPE", "PARTDONE", "DONE"]


def test_taper_direct_dump_wrong_crc(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    with Taper(room) as child:
        child.start()
        with connect(child) as dumper:
            dumper.sendall(b"abc")
        child.until(taper.PartDone)
        child.say(taper.WriteDone(HANDLE, Kib(1), "00000001:3"))
        assert child.hear().message == (
            "TAP016 what the dumper of web1:/home sent has the CRC 364b3fb7:3, not 00000001:3")
        with connect(child):
            pass
        child.until(taper.PartDone)
        child.say(taper.WriteDone(HANDLE, Kib(1), "rubbish"))
        assert child.hear() == taper.TryAgain(HANDLE, "TAP016 the driver's CRC 'rubbish' is none")


def test_taper_direct_dump_failed(tmp_path: Path) -> None:
    room = make_room(tmp_path, part_size="64 KiB")
    with Taper(room) as child:
        child.start()
        # Before it connected: no volume is asked for.
        child.say(taper.PortWrite(HANDLE, "web1", "/home", 0))
        assert isinstance(child.hear(), taper.Port)
        child.say(taper.WriteFailed(HANDLE, "no route to host"))
        assert child.hear() == taper.TryAgain(HANDLE, "TAP014 the dumper failed: no route to host")
        # While the taper asks.
        with connect(child) as dumper:
            dumper.sendall(b"data")
            assert isinstance(child.hear(), taper.RequestNewTape)
            child.say(taper.WriteFailed(HANDLE))
            assert child.hear() == taper.TryAgain(HANDLE, "TAP014 the dumper failed")
        # In the middle: whole parts stay, the part under way goes.
        with connect(child) as dumper:
            dumper.sendall(noise(100_000))
            assert kinds(child.until(taper.PartDone)) == ["REQUEST-NEW-TAPE", "NEW-TAPE", "PARTDONE"]
            child.say(taper.WriteFailed(HANDLE, "gone"))
            assert child.hear() == taper.TryAgain(HANDLE, "TAP014 the dumper failed: gone")
        # After a reset, which is not an end of file.
        dumper = connect(child)
        dumper.sendall(noise(100_000))
        assert kinds(child.until(taper.PartDone)) == ["PARTDONE"]
        reset(dumper)
        child.say(taper.WriteFailed(HANDLE, "client lost"))
        assert child.hear() == taper.TryAgain(HANDLE, "TAP014 the dumper failed: client lost")
        child.quit()
    assert room.slot(1) == ["00000.DAILY-001", "00001.web1._home.0", "00002.web1._home.0"]


def test_taper_direct_dump_that_is_no_dump(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    with Taper(room) as child:
        child.start()
        child.say(taper.PortWrite(HANDLE, "web1", "/home", 0))
        with socket.create_connection(("127.0.0.1", child.hear().port)) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        child.say(taper.WriteDone(HANDLE, Kib(1), "00000000:0"))
        assert child.hear() == taper.TryAgain(
            HANDLE, "TAP014 the dumper's connection ended after 18 bytes of the header")
        child.say(taper.PortWrite(HANDLE, "web1", "/home", 0))
        with socket.create_connection(("127.0.0.1", child.hear().port)) as stranger:
            stranger.sendall(b"x" * 40000)
            assert child.hear() == taper.TryAgain(
                HANDLE, "TAP015 what the dumper sent begins with a header of kind WEIRD, not FILE")
    assert room.tapelist == ""


@pytest.mark.parametrize("how", ["QUIT", "EOF", "TERM", "INT"])
def test_taper_ends_in_the_middle(tmp_path: Path, how: str) -> None:
    room = make_room(tmp_path)
    with Taper(room) as child:
        child.start()
        with connect(child) as dumper:
            dumper.sendall(noise(100_000))
            assert isinstance(child.hear(), taper.RequestNewTape)
            child.say(taper.NewTape(HANDLE))
            assert isinstance(child.hear(), taper.NewTape)
            match how:
                case "QUIT":
                    child.say(taper.Quit())
                    assert child.hear() == taper.TryAgain(HANDLE, "TAP020 the taper was told to end")
                    assert isinstance(child.hear(), taper.Quiting)
                case "EOF":
                    assert child.process.stdin is not None
                    child.process.stdin.close()
                case "TERM":
                    child.process.send_signal(signal.SIGTERM)
                case "INT":
                    child.process.send_signal(signal.SIGINT)
                    child.say(taper.WriteFailed(HANDLE))
                    assert isinstance(child.hear(), taper.TryAgain)
                    child.say(taper.Quit())
            assert child.process.wait(60) == 0
            assert "Traceback" not in child.errors()
    assert room.slot(1) == ["00000.DAILY-001"]


def test_taper_answers_garbage(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    with Taper(room) as child:
        child.raw(b"HELLO world\n\xff\xfe\n\n")
        assert child.hear() == taper.BadCommand("taper: unknown word 'HELLO'")
        assert isinstance(child.hear(), taper.BadCommand)
        child.raw(b"FILE-WRITE 00-00001 /x h d 0\n")
        assert child.hear() == taper.BadCommand("taper: FILE-WRITE while new")
        assert isinstance(child.start(), taper.TaperOk)
        with connect(child) as dumper:
            dumper.sendall(b"abc")
            assert isinstance(child.hear(), taper.RequestNewTape)
            child.raw(b"START-TAPER 20261124010203\n")
            assert child.hear() == taper.BadCommand("taper: START-TAPER while asking")
            child.say(taper.NewTape(HANDLE))
            assert isinstance(child.hear(), taper.NewTape)
            child.raw(b"DONE 00-00001\n")
            assert isinstance(child.hear(), taper.BadCommand)
            child.say(taper.WriteDone(HANDLE, Kib(0), "364b3fb7:3"))
        assert kinds(child.until(taper.Done)) == ["PARTDONE", "DONE"]
        child.raw(b"x" * 70_000)
        assert isinstance(child.hear(), taper.BadCommand)
        assert child.process.wait(60) == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_taper_read_only_directory(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    room.vtapes.chmod(0o555)
    with Taper(room) as child:
        assert child.start().message.startswith("TAP003 ")


def test_taper_storage_without_directory_or_lock(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    room.vtapes.rmdir()
    with Taper(room) as child:
        assert child.start() == taper.TaperError(f"TAP002 {room.vtapes} is not there")
        room.vtapes.mkdir()
        assert isinstance(child.start(), taper.TaperOk)
        with Taper(room) as other:
            assert other.start() == taper.TaperError(
                f"TAP004 {room.vtapes} is in use by process {child.process.pid}")
    with Taper(room) as other:
        assert isinstance(other.start(), taper.TaperOk)


def test_taper_directory_vanishes(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    path = hold(room, noise(1000))
    with Taper(room) as child:
        child.start()
        child.write(path)
        room.vtapes.rename(tmp_path / "away")
        heard = child.write(path, "00-00002")
        assert kinds(heard) == ["TAPE-ERROR"]
        assert heard[0].message.startswith(f"TAP002 {room.vtapes}")
        assert child.quit() == 0
    # The tapelist knows better than to begin anew on an empty directory.
    room.vtapes.mkdir()
    with Taper(room) as child:
        assert child.start("20261125000000").message == (
            f"TAP005 storage main: the tapelist knows 1 written volume, and no slot of disk:{room.vtapes} holds one")


def test_taper_malformed_tapelist(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    (room.state / "tapelist").write_text("20261123000000 DAILY-001 reuse\nwhat is this\n")
    with Taper(room) as child:
        assert child.start().message.startswith(f"TAP009 {room.state}/tapelist:2: 'what is this' is not ")


def test_taper_wrong_arguments(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    with Taper(room, storage="tower") as child:
        assert child.process.wait(60) == 2
        assert child.errors() == "taper: TAP001 there is no storage tower  Hint: the configuration has main\n"
    other = Room(tmp_path / "nowhere")
    other.path.mkdir()
    with Taper(other) as child:
        assert child.process.wait(60) == 2
        assert child.errors().startswith("taper: CFG002 ")


def _start_direct(child: Taper, data: bytes) -> list[Any]:
    """A direct dump of ``data``; the reports up to its last word, the driver's being WRITE-DONE."""
    with connect(child) as dumper:
        dumper.sendall(data)
    child.say(taper.WriteDone(HANDLE, Kib(1), str(Crc(crc32c(data), len(data)))))
    return child.until(taper.Done, taper.TryAgain, taper.TapeError)


def test_taper_direct_dump_keeps_a_short_part_when_the_disk_is_full(tmp_path: Path) -> None:
    """Write 4 is the second piece of the part: what is before it is good, though it cannot be read again."""
    room = make_room(tmp_path)
    data = noise(1_000_000)
    with Taper(room, prelude=FAULTY.replace("FAULTS", "{5: errno.ENOSPC}").replace("SHORT", "True")) as child:
        child.start()
        heard = _start_direct(child, data)
        assert kinds(heard) == ["REQUEST-NEW-TAPE", "NEW-TAPE", "PARTDONE", "REQUEST-NEW-TAPE", "NEW-TAPE", "PARTDONE", "DONE"]
        child.quit()
    assert room.joined() == data


def test_taper_read_only_file_system(tmp_path: Path) -> None:
    room = make_room(tmp_path)
    path = hold(room, noise(1000))
    with Taper(room, prelude=FAULTY.replace("FAULTS", "{1: errno.EROFS}").replace("SHORT", "False")) as child:
        child.start()
        heard = child.write(path)
        assert kinds(heard) == ["REQUEST-NEW-TAPE", "TAPE-ERROR"]
        assert heard[-1].message == f"TAP003 {room.vtapes}/slot1: label DAILY-001: Read-only file system"
        assert isinstance(child.write(path, "00-00002")[-1], taper.Done)
