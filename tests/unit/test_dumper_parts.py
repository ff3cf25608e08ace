"""The dumper's smaller parts on their own: filters, side files, the driver's pipe, kept connections."""

from __future__ import annotations

import errno
import gzip
import os
from pathlib import Path
from typing import Any

import pytest
from crc32c import crc32c

from core.dumper.calling import Switchboard
from core.dumper.driver_pipe import DriverPipe
from core.dumper.filters import Plain, filter_of
from core.dumper.sidefile import SideFile, index_path
from core.dumper.stores import HoldingStore
from core.dumper.sums import keep_sums
from core.dumper.task import Task, ToFile, ToPort
from core.model.disk import Compression, Disk, Dumptype, Host
from core.model.framesums import FrameSums, decode
from core.model.site import RunSettings, Site
from core.model.units import Handle
from core.protocol.dumper import Abort, BadCommand, Continue, Done, NoRoom, State
from core.wire.packing import MEMBER, FrameSizes
from tests.support.holding import HEADER


@pytest.mark.parametrize("compress", [Compression.SERVER_FAST, Compression.SERVER_BEST])
@pytest.mark.parametrize("size", [0, 1, MEMBER - 1, MEMBER, 2 * MEMBER + 5])
def test_gzip_of_the_server(compress: Compression, size: int) -> None:
    data = (b"some text, some more text " * (size // 26 + 1))[:size]
    stage, packed = filter_of(compress, ""), bytearray()
    for at in range(0, size, 700_001):
        packed += stage.feed(memoryview(data)[at:at + 700_001])
    packed += stage.finish()
    assert gzip.decompress(bytes(packed)) == data and stage.ended and len(packed) < max(size / 10, 100)
    sizes = FrameSizes()
    sizes.feed(memoryview(bytes(packed)))
    assert (sizes.whole, sum(sizes.sizes)) == ((True, len(packed)) if size else (False, 0))


def test_the_plain_filter_copies_nothing() -> None:
    plain = filter_of(Compression.CLIENT_FAST, "")
    piece = memoryview(b"x")
    assert isinstance(plain, Plain) and plain.feed(piece) is piece
    assert plain.finish() == b"" and plain.ended
    for call in (plain.push, plain.take):
        with pytest.raises(AssertionError):
            call()


def test_a_side_file_is_there_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "x.gz"
    side = SideFile(path)
    for number in range(20_000):
        side.write(memoryview(f"/file {number * 7919}\n".encode()))
    assert not path.exists()
    side.finish()
    assert side.fault == "" and gzip.decompress(path.read_bytes()).count(b"\n") == 20_000
    side.discard()
    assert [entry.name for entry in path.parent.iterdir()] == ["x.gz"]
    other = SideFile(path)
    other.write(memoryview(b"x"))
    other.discard()
    assert gzip.decompress(path.read_bytes()).count(b"\n") == 20_000


def test_a_side_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    side = SideFile(tmp_path / "file" / "x.gz")
    side.write(memoryview(b"x"))
    side.finish()
    side.discard()
    assert side.fault.startswith(f"DMP019 {tmp_path}/file/x.gz: could not be written: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_side_file_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "x.gz.tmp").symlink_to("/dev/full")
    side = SideFile(tmp_path / "x.gz")
    side.write(memoryview(b"x"))
    side.finish()
    assert side.fault == f"DMP019 {tmp_path}/x.gz: could not be written: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_where_an_index_is() -> None:
    site = Site(Path("t"), "daily", Path("/state"), RunSettings(), (), {}, {}, ())
    assert str(index_path(site, "web1", "/srv/a b", "20260102", 3)) == "/state/index/web1/_srv_a b/20260102_3.tix"


def test_checksums_that_cannot_be_kept_leave_nothing_and_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(Path("t"), "daily", tmp_path, RunSettings(), (), {}, {}, ())
    task = Task(ONE, Disk(Host("web1"), "/srv", Dumptype()), 0, "20260102", ToPort(1))
    sums = FrameSums(crc32c)
    sums.add(memoryview(b"archive"))
    kept = tmp_path / "index/web1/_srv/20260102_0.crcs"
    assert keep_sums(site, task, sums) == [] and decode(kept.read_bytes(), crc32c).crc == sums.crc
    assert keep_sums(site, task, None) == [] and not kept.exists(), "those of an earlier attempt say nothing of this one"

    def full(self: Path, data: bytes) -> int:
        with open(self, "wb") as file:
            file.write(data[:5])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    assert keep_sums(site, task, sums) == [f"DMP019 {kept}: could not be written: No space left on device"]
    assert list(kept.parent.iterdir()) == []


class Pair:
    """A `DriverPipe` and the driver's ends of it."""

    def __init__(self) -> None:
        inward, self.outward = os.pipe()
        self.inward, outward = os.pipe()
        self.pipe = DriverPipe(inward, outward)

    def tell(self, data: bytes) -> list[Any]:
        os.write(self.outward, data)
        self.pipe.listen(set(self.pipe.waits))
        return list(self.pipe.orders())

    def heard(self) -> bytes:
        os.set_blocking(self.inward, False)
        try:
            return os.read(self.inward, 10**6)
        except BlockingIOError:
            return b""


ORDER = b"PORT-DUMP 00-00001 4000 web1 /home 0 1970:1:1:0:0:0 GNUTAR |;\n"
ONE = Handle("00-00001")


def test_an_endless_line_is_told_once_and_passed_over() -> None:
    pair = Pair()
    for _ in range(5):
        assert pair.tell(b"x" * 60_000) == []
    assert pair.heard().count(b"BAD-COMMAND") == 1
    assert len(pair.tell(b"xx\n" + ORDER)) == 1
    assert pair.heard() == b""


def test_late_words_are_no_faults() -> None:
    pair = Pair()
    assert pair.tell(b"ABORT\n") == [] and b"BAD-COMMAND" in pair.heard()
    pair.tell(ORDER)
    pair.pipe.say(NoRoom(ONE))
    assert pair.tell(b"CONTINUE\n") == [Continue()]
    pair.pipe.say(Done(ONE))
    pair.heard()
    assert pair.tell(b"ABORT\nCONTINUE\n") == []
    assert pair.heard() == b"ABORT-FINISHED 00-00001\n"
    assert pair.pipe.state is State.IDLE
    pair.tell(ORDER)
    pair.pipe.say(Done(ONE))
    pair.heard()
    assert pair.tell(b"CONTINUE\n") == [] and b"BAD-COMMAND" in pair.heard()


def test_quit_and_the_end_of_file_are_the_end() -> None:
    pair = Pair()
    assert pair.tell(b"QUIT\n" + ORDER) == [] and pair.pipe.gone and pair.pipe.waits == []
    pair = Pair()
    os.close(pair.outward)
    pair.pipe.listen(set(pair.pipe.waits))
    assert pair.pipe.gone


def test_nobody_who_reads_is_the_end() -> None:
    pair = Pair()
    os.close(pair.inward)
    pair.pipe.say(BadCommand("x"))
    assert pair.pipe.gone


def test_aborts_change_the_state() -> None:
    pair = Pair()
    pair.tell(ORDER)
    assert pair.tell(b"ABORT enough\n") == [Abort("enough")] and pair.pipe.state is State.ABORTING


def test_what_is_asked_for(tmp_path: Path) -> None:
    store = HoldingStore(ToFile(tmp_path / "d" / "x", 0, 640))
    store.begin(HEADER)
    assert store.put(memoryview(bytes(10**6))) == 608 * 1024 and store.size == 608 * 1024
    assert (store.missing(0), store.missing(500), store.missing(1000)) == (32 * 1024, 32 * 1024, 416)
    assert store.why == "allotment"
    store.go_on(Continue())
    assert store.put(memoryview(bytes(10**6))) == 416 * 1024
    store.discard()


class FakeConnection:
    """A connection that is kept, or was ended by its client."""

    def __init__(self, log: list[str], name: str) -> None:
        self.log, self.name = log, name
        self.reader, self.writer = os.pipe()

    def keeps(self) -> bool:
        return not self.name.startswith("stock")

    def fileno(self) -> int:
        return self.reader

    def close(self) -> None:
        self.log.append(self.name)


def test_few_connections_are_kept_and_none_that_died() -> None:
    def task(host: str) -> Task:
        return Task(ONE, Disk(Host(host), "/", Dumptype()), 0, "20260102", ToPort(1))

    log: list[str] = []
    board = Switchboard("daily", most=2)
    fakes = {name: FakeConnection(log, name) for name in ("a", "b", "c", "stock")}
    for name, fake in fakes.items():
        board.put_back(task(name), fake)  # type: ignore[arg-type]
    assert log == ["a", "stock"]
    assert board._take(task("a")) is None
    assert board._take(task("b")) is fakes["b"]  # type: ignore[comparison-overlap]
    os.close(fakes["c"].writer)
    assert board._take(task("c")) is None and log == ["a", "stock", "c"]
    board.put_back(task("b"), fakes["b"])  # type: ignore[arg-type]
    board.close()
    assert log == ["a", "stock", "c", "b"]
