"""Each system call that writes to a holding file, a volume, a journal or a catalogue fails once: ENOSPC, EIO, or short.

The calls are counted in a clean run and then spoilt one after the other.  What is called whole is whole; what is not leaves
nothing that could be taken for whole, and its message names the file.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from crc32c import crc32c

from core.catalogue.store import Catalogue
from core.devices.directory import DirectoryChanger
from core.driver.journal import Journal, Traffic
from core.errors import StartError, WorldError
from core.events import event as e
from core.events.codec import decode
from core.holding.chunk import Calls
from core.holding.file import HoldingReader, HoldingWriter
from core.holding.header import HEADER_SIZE, Header, Kind
from core.model.dump import Crc
from core.model.site import Storage
from tests.faults.catalogue import ERRORS
from tests.support.taper import noise

DATA = noise(400_000)
KINDS = ("ENOSPC", "EIO", "short")
FILE = Header(Kind.FILE, datestamp="20260102030405", host="web1", disk="/home", level=0, program="/bin/tar",
              server=Crc(crc32c(DATA), len(DATA)))
HOLDING_CALLS = {"write": 12, "pwrite": 6, "fsync": 3}
"""Calls of a holding file of three chunks."""
VOLUME_CALLS = {"write": 7, "fsync": 9}
"""Calls of a volume with three parts."""


@dataclass
class Spoilt:
    """A system call that fails the ``at``-th time."""

    real: Callable[..., Any]
    at: int = 0
    kind: str = ""
    count: int = 0
    written: list[int] = field(default_factory=list)

    def __call__(self, fd: int, *rest: Any) -> Any:
        self.count += 1
        if self.count == self.at:
            if self.kind != "short":
                raise OSError(getattr(errno, self.kind), os.strerror(getattr(errno, self.kind)))
            if rest:
                rest = (bytes(rest[0])[:max(1, len(rest[0]) // 3)], *rest[1:])
        return self.real(fd, *rest)


def write_holding(path: Path, calls: Calls) -> HoldingWriter:
    """A dump in three chunks as the dumper writes it: what does not fit goes on in another directory, if it may."""
    for name in ("h1", "h2"):
        (path / name).mkdir(exist_ok=True)
    writer = HoldingWriter(path / "h1" / "20260102030405" / "web1._home.0", chunksize=192, calls=calls)
    try:
        writer.begin(FILE)
        at, moves = 0, 0
        while at < len(DATA):
            at += writer.write(memoryview(DATA)[at:at + 50_000])
            if writer.why is not None:
                moves += 1
                assert moves < 3, "a disk that has room takes nothing"
                writer.move(path / "h2" / "20260102030405" / "web1._home.0", 192, None)
        writer.finish(FILE)
    except BaseException:
        writer.discard()
        raise
    return writer


def read_back(path: Path) -> bytes:
    """The data of a holding file."""
    reader = HoldingReader(path)
    found = bytearray(reader.size)
    at = 0
    while at < len(found):
        at += reader.readinto(memoryview(found)[at:])
    reader.close()
    return bytes(found)


def spoilt_calls(name: str, at: int, kind: str) -> tuple[Calls, dict[str, Spoilt]]:
    made = {call: Spoilt(getattr(os, call), at if call == name else 0, kind) for call in ("write", "pwrite", "fsync")}
    return Calls(**made), made


def test_the_holding_file_without_a_fault(tmp_path: Path) -> None:
    calls, made = spoilt_calls("", 0, "")
    assert read_back(write_holding(tmp_path, calls).filename) == DATA
    assert {name: call.count for name, call in made.items()} == HOLDING_CALLS


@pytest.mark.parametrize(("name", "at", "kind"), [
    (name, at, kind) for name, most in HOLDING_CALLS.items() for at in range(1, most + 1)
    for kind in (KINDS if name != "fsync" else KINDS[:2])])
def test_a_holding_file(tmp_path: Path, name: str, at: int, kind: str, fault_cases: object) -> None:
    calls, made = spoilt_calls(name, at, kind)
    try:
        file = write_holding(tmp_path, calls).filename
    except WorldError as fault:
        assert kind != "short" and fault.code == "HLD012" and str(tmp_path) in fault.message, fault
        assert not [p for p in tmp_path.rglob("*") if p.is_file()], "something stays of a dump that failed"
        return
    assert made[name].count >= at
    assert read_back(file) == DATA
    assert not list(tmp_path.rglob("*.tmp"))


def write_volume(path: Path, spoilt: Spoilt) -> list[tuple[int, int]]:
    """Label a volume and write three parts, each again on trouble; file number and size of those that are durable."""
    changer = DirectoryChanger(Storage("main", f"disk:{path}", slots=2), write=spoilt)
    changer.acquire()
    try:
        volume = changer.load("1")
        for again in (False, True):
            try:
                volume.begin("V-1", "20260102030405")
                break
            except WorldError as fault:
                assert not again and fault.code.startswith("TAP") and str(path) in fault.message
        done, offset, failures = list[tuple[int, int]](), 0, 0
        while offset < 300_000:
            piece = memoryview(DATA)[offset:offset + 100_000]
            try:
                part = volume.begin_part(Header(Kind.SPLIT_FILE, datestamp="20260102030405", host="web1", disk="/home", part=1,
                                                parts=-1, program="/bin/tar"))
            except WorldError as fault:
                failures += 1
                assert failures == 1 and fault.code.startswith("TAP")
                continue
            try:
                part.write(piece)
                done.append((part.fileno, part.finish()))
                offset += len(piece)
            except WorldError as fault:
                part.discard()
                failures += 1
                assert failures == 1 and fault.code.startswith("TAP") and str(path) in fault.message
        return done
    finally:
        changer.release()


@pytest.mark.parametrize(("call", "kind", "at"), [
    (call, kind, at) for call, most in VOLUME_CALLS.items() for at in range(1, most + 1)
    for kind in (KINDS if call == "write" else KINDS[:2])])
def test_a_volume(
    tmp_path: Path, call: str, at: int, kind: str, fault_cases: object, monkeypatch: pytest.MonkeyPatch,
) -> None:
    spoilt = Spoilt(getattr(os, call), at, kind)
    write = spoilt if call == "write" else Spoilt(os.write)
    if call == "fsync":
        monkeypatch.setattr(os, "fsync", spoilt)
    done = write_volume(tmp_path, write)
    monkeypatch.undo()
    assert spoilt.count >= at, "there was no such call"
    slot = tmp_path / "slot1"
    parts = {int(p.name[:5]): p.read_bytes()[HEADER_SIZE:] for p in slot.glob("0*") if not p.name.startswith("00000")}
    assert [size for _, size in done] == [100_000] * 3
    for index, (fileno, size) in enumerate(done):
        assert parts[fileno] == DATA[index * 100_000:index * 100_000 + size], f"part {index} is not what was written"
    wholes = [DATA[n:n + 100_000] for n in (0, 100_000, 200_000)]
    assert all(data in wholes for data in parts.values()), "half a part is visible"


@pytest.mark.parametrize(("call", "kind", "at"), [
    (call, kind, at) for call in ("write", "fdatasync") for at in range(1, 7)
    for kind in (KINDS if call == "write" else KINDS[:2])])
def test_a_journal(
    tmp_path: Path, call: str, at: int, kind: str, fault_cases: object, monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "journal.jsonl"
    journal = Journal(path)
    spoilt = Spoilt(getattr(os, call), at, kind)
    monkeypatch.setattr(os, call, spoilt)
    durable = 0
    try:
        for number in range(8):
            journal.add(e.EstimateBegan(f"host{number}"))
            journal.add(e.Paused("ana" * 50))
            journal.commit()
            durable = journal.durable
        assert kind == "short"
    except StartError as fault:
        assert fault.code == "RUN018" and str(path) in fault.message and kind != "short"
        journal.add(e.Resumed("ana"))
        assert journal.commit() is False, "a journal that has a hole takes no more"
    monkeypatch.undo()
    journal.close()
    text = path.read_bytes()
    assert text == b"" or text.endswith(b"\n"), "half a line"
    found = [decode(line) for line in text.splitlines()]
    assert [record.seq for record in found if record] == list(range(1, durable + 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", range(1, 4))
def test_a_traffic_log(tmp_path: Path, at: int, kind: str, fault_cases: object, monkeypatch: pytest.MonkeyPatch) -> None:
    traffic = Traffic(tmp_path / "traffic.log")
    monkeypatch.setattr(os, "write", Spoilt(os.write, at, kind))
    for number in range(5):
        traffic.note("driver", "dumper0", b"QUIT %d" % number)
        traffic.flush()
    monkeypatch.undo()
    traffic.close()
    assert bool(traffic.fault) == (kind != "short") and (not traffic.fault or "traffic.log cannot be written" in traffic.fault)
    lines = (tmp_path / "traffic.log").read_bytes().splitlines()
    assert len(lines) == (5 if kind == "short" else at - 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", range(1, 13))
def test_a_catalogue(tmp_path: Path, at: int, kind: str, fault_cases: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver goes on without it and says so; what it holds afterwards is what the next look rebuilds."""
    from core.driver.indexing import Indexing
    from core.events.event import Record
    from tests.faults import catalogue as faulty
    from tests.support.small_site import SmallSite

    site = SmallSite(tmp_path / "site", {"alpha:/x": {"f": b"x"}}).site
    real = sqlite3.connect
    facts: list[e.Event] = [
        e.RunBegan("20260102030405", "daily", "/c", "ana", 1, 1, 1, 1), e.DumpPlanned("a", "/x", 1, 0, 5, 5, 1, -1, 0, ""),
        e.DumpBegan("00-00001", "a", "/x", 0, "dumper0", "holding", "/h/f", 1, 5),
        e.DumpEnded("00-00001", "a", "/x", 0, "done", "", "/h/f", 5, 5, 1.0, "0:0", "0:0", "0:0", "1970:1:1:0:0:0"),
        e.VolumeBegan("taper0", "main", "V-1", 1, 0), e.DiskEnded("a", "/x", 0, "done", ""), e.RunEnded(0, 1, 0, 0)]
    try:
        faulty.spoil(at, kind)
        indexing = Indexing(site, "20260102030405")
        for number, fact in enumerate(facts, 1):
            indexing.add(Record(number, 1.0 * number, fact))
            indexing.flush(number)
        indexing.close(len(facts))
    finally:
        sqlite3.connect = real
    if indexing.fault:
        assert ERRORS[kind] in indexing.fault and "will be rebuilt from the journals" in indexing.fault
    else:
        with Catalogue(site.catalogue) as whole:
            assert whole.changed is False
