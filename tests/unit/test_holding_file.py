"""The writer and the reader of holding files, step by step."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import WorldError
from core.holding.chain import chain, read_chunk
from core.holding.chunk import Calls
from core.holding.file import HoldingReader, HoldingWriter
from core.holding.header import HEADER_SIZE, Kind, build, parse
from core.holding.seal import seal
from core.model.dump import Crc
from tests.support.holding import HEADER, FullDisk, data_of

KIB = 1024


def begun(path: Path, *, chunksize: int = 0, use: int | None = None, calls: Calls | None = None) -> HoldingWriter:
    writer = HoldingWriter(path, chunksize=chunksize, use=use, calls=calls or Calls())
    writer.begin(HEADER)
    return writer


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_dump_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "20260102030405" / "web1._home.0"
    writer = begun(path)
    assert path.parent.stat().st_mode & 0o777 == 0o770 & ~_umask()
    assert writer.write(memoryview(b"hello")) == 5
    assert names(path.parent) == ["web1._home.0.tmp"]
    done = replace(HEADER, orig_kib=7, server=Crc(1, 5))
    assert writer.finish(done) == (path,)
    assert names(path.parent) == ["web1._home.0"]
    assert path.read_bytes() == seal(build(done)) + b"hello"
    assert path.stat().st_mode & 0o777 == 0o600
    assert (writer.written, writer.kib) == (5, 33)
    writer.discard()
    assert path.exists()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_chunks_are_linked_as_amanda_links_them(tmp_path: Path) -> None:
    path = tmp_path / "d" / "web1._home.0"
    writer = begun(path, chunksize=64)
    data = os.urandom(80 * KIB)
    assert writer.write(memoryview(data)) == len(data)
    files = writer.finish(replace(HEADER, orig_kib=80))
    assert [file.name for file in files] == ["web1._home.0", "web1._home.0.1", "web1._home.0.2"]
    headers = [parse(file.read_bytes()[:HEADER_SIZE]) for file in files]
    assert [header.kind for header in headers] == [Kind.FILE, Kind.CONT_FILE, Kind.CONT_FILE]
    assert [header.cont_filename for header in headers] == [f"{path}.1", f"{path}.2", ""]
    assert [header.orig_kib for header in headers] == [80, 0, 0]
    assert [file.stat().st_size // KIB for file in files] == [64, 64, 48]
    assert data_of(path) == data and HoldingReader(path).size == len(data)


def test_the_allotment_counts_headers_and_stops_in_place(tmp_path: Path) -> None:
    writer = begun(tmp_path / "d" / "x.0", use=70)  # 64 in whole blocks
    piece = memoryview(b"a" * 50 * KIB)
    assert writer.write(piece) == 32 * KIB
    assert writer.why == "allotment"
    assert writer.write(piece[32 * KIB:]) == 0 and writer.why == "allotment"
    writer.grant(32)
    assert writer.write(piece[32 * KIB:]) == 18 * KIB and writer.why is None
    writer.finish(HEADER)
    assert data_of(tmp_path / "d" / "x.0") == bytes(piece)


def test_an_allotment_too_small_for_a_header_writes_nothing(tmp_path: Path) -> None:
    writer = begun(tmp_path / "d" / "x.0", use=32)
    assert writer.write(memoryview(b"a")) == 0 and writer.why == "allotment" and writer.kib == 0
    writer.grant(32)
    assert writer.write(memoryview(b"a")) == 1


def test_a_new_chunk_elsewhere_goes_on_with_the_next_byte(tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    path, other = tmp_path / "d" / "x.0", tmp_path / "two" / "d" / "x.0"
    writer = begun(path, use=64)
    data = os.urandom(200 * KIB)
    at = writer.write(memoryview(data))
    writer.move(other, 64, 192)
    at += writer.write(memoryview(data)[at:])
    assert writer.why == "allotment"
    writer.move(path, None, None)
    at += writer.write(memoryview(data)[at:])
    assert at == len(data)
    files = writer.finish(HEADER)
    assert [str(file.relative_to(tmp_path)) for file in files][:3] == ["d/x.0", "two/d/x.0.1", "two/d/x.0.2"]
    assert files[-1].parent == path.parent
    assert data_of(path) == data


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_keeps_what_it_took(tmp_path: Path, code: int) -> None:
    disk = FullDisk(HEADER_SIZE + 1000, code)
    path = tmp_path / "d" / "x.0"
    writer = begun(path, calls=disk.calls)
    data = os.urandom(5000)
    assert writer.write(memoryview(data)) == 1000 and writer.why == "disk"
    assert writer.write(memoryview(data)[1000:]) == 0 and writer.why == "disk"
    disk.room = 10**6
    writer.grant(64)
    assert writer.write(memoryview(data)[1000:]) == 4000
    writer.finish(HEADER)
    assert data_of(path) == data


def test_a_chunk_that_finds_no_room_for_its_header_leaves_nothing(tmp_path: Path) -> None:
    disk = FullDisk(64 * KIB + 100)
    path = tmp_path / "d" / "x.0"
    writer = begun(path, chunksize=64, calls=disk.calls)
    data = os.urandom(40 * KIB)
    at = writer.write(memoryview(data))
    assert (at, writer.why, names(path.parent)) == (32 * KIB, "disk", ["x.0.tmp"])
    disk.room = 10**6
    assert writer.write(memoryview(data)[at:]) == 8 * KIB
    writer.finish(HEADER)
    assert data_of(path) == data


def test_moving_before_the_first_header_is_refused(tmp_path: Path) -> None:
    writer = begun(tmp_path / "d" / "x.0", calls=FullDisk(100).calls)
    assert writer.write(memoryview(b"abc")) == 0 and writer.why == "disk"
    with pytest.raises(WorldError, match="no room for even the first 32 KiB") as caught:
        writer.move(tmp_path / "e" / "x.0", None, None)
    assert caught.value.code == "HLD012"
    writer.discard()
    assert names(tmp_path / "d") == []


def test_many_chunks_do_not_keep_many_files_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    synced: list[int] = []
    writer = begun(tmp_path / "d" / "x.0", chunksize=64, calls=Calls(fsync=synced.append))
    writer.write(memoryview(bytes(32 * KIB * 40)))
    assert len(os.listdir("/proc/self/fd")) - before <= 6
    writer.finish(HEADER)
    assert len(synced) == 40
    assert len(os.listdir("/proc/self/fd")) == before


def test_every_name_is_on_disk_before_a_chunk_gets_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut between two renames never leaves a chunk whose first one is not there."""
    from core.holding import file
    from core.holding.chunk import ChunkFile, sync_directory

    seen: list[tuple[str, str]] = []
    publish = ChunkFile.publish

    def synced(path: Path) -> None:
        seen.append(("sync", path.name))
        sync_directory(path)

    def published(chunk: ChunkFile) -> None:
        seen.append(("name", chunk.path.name))
        publish(chunk)

    writer = begun(tmp_path / "d" / "x.0", chunksize=64)
    writer.write(memoryview(bytes(32 * KIB)))
    writer.move(tmp_path / "e" / "x.0", 64, None)
    writer.write(memoryview(bytes(64 * KIB)))
    monkeypatch.setattr(file, "sync_directory", synced)
    monkeypatch.setattr(ChunkFile, "publish", published)
    writer.finish(HEADER)
    assert sorted(seen[:2]) == [("sync", "d"), ("sync", "e")]
    assert seen[2:] == [("name", "x.0.1"), ("name", "x.0.2"), ("sync", "e"), ("name", "x.0"), ("sync", "d")]


def failing(code: int, name: str) -> Calls:
    def fail(*_: object) -> int:
        raise OSError(code, os.strerror(code))
    return Calls(**{name: fail})  # type: ignore[arg-type]


def test_faults_of_the_disk_are_told(tmp_path: Path) -> None:
    def fault_of(calls: Calls, name: str) -> WorldError:
        writer = begun(tmp_path / "d" / name, calls=calls)
        with pytest.raises(WorldError) as caught:
            writer.write(memoryview(b"x"))
            writer.finish(HEADER)
        writer.discard()
        return caught.value

    write = fault_of(failing(errno.EIO, "write"), "w")
    assert (write.code, write.message) == ("HLD012", f"{tmp_path}/d/w.tmp: writing failed: Input/output error")
    assert fault_of(failing(errno.EIO, "pwrite"), "p").code == "HLD012"
    sync = fault_of(failing(errno.ENOSPC, "fsync"), "s")
    assert sync.message == f"{tmp_path}/d/s.tmp: could not be made durable: No space left on device"
    assert names(tmp_path / "d") == []


def test_a_last_header_that_finds_no_room(tmp_path: Path) -> None:
    full = False

    def pwrite(fd: int, block: bytes, at: int) -> int:
        if full:
            raise OSError(errno.ENOSPC, "full")
        return os.pwrite(fd, block, at)

    writer = begun(tmp_path / "d" / "x", calls=Calls(pwrite=pwrite))
    writer.write(memoryview(b"x"))
    full = True
    with pytest.raises(WorldError, match="the header could not be completed"):
        writer.finish(HEADER)


def test_a_whole_dump_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "d" / "x.0"
    first = begun(path)
    first.write(memoryview(b"one"))
    first.finish(HEADER)
    with pytest.raises(WorldError) as caught:
        HoldingWriter(path)
    assert (caught.value.code, caught.value.message) == ("HLD013", f"{path}: a dump of that name is there already")


def test_a_name_taken_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "d" / "x.0"
    writer = begun(path, chunksize=64)
    writer.write(memoryview(bytes(40 * KIB)))
    path.write_bytes(b"another")
    with pytest.raises(WorldError) as caught:
        writer.finish(HEADER)
    assert caught.value.code == "HLD013"
    writer.discard()
    assert names(tmp_path / "d") == ["x.0"] and path.read_bytes() == b"another"


def test_a_dead_dumpers_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "d" / "x.0"
    begun(path).write(memoryview(b"old and longer"))
    writer = begun(path)
    writer.write(memoryview(b"new"))
    writer.finish(HEADER)
    assert data_of(path) == b"new"


def test_a_holding_disk_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WorldError) as caught:
        HoldingWriter(tmp_path / "gone" / "d" / "x.0")
    assert caught.value.code == "HLD010"
    (tmp_path / "file").write_text("")
    with pytest.raises(WorldError) as caught:
        HoldingWriter(tmp_path / "file" / "x.0")
    assert caught.value.code == "HLD010"


def test_data_before_a_header_is_our_own_fault(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        HoldingWriter(tmp_path / "d" / "x.0").write(memoryview(b"x"))


def three_chunks(tmp_path: Path) -> tuple[Path, bytes]:
    path, data = tmp_path / "d" / "x.0", os.urandom(90 * KIB)
    writer = begun(path, chunksize=64)
    writer.write(memoryview(data))
    writer.finish(HEADER)
    return path, data


def test_the_reader_seeks_over_chunks(tmp_path: Path) -> None:
    path, data = three_chunks(tmp_path)
    with HoldingReader(path) as reader:
        for offset in (0, 5, 32 * KIB, 32 * KIB - 1, 70 * KIB, len(data), len(data) + 9):
            reader.seek(offset)
            buffer, got = bytearray(40 * KIB), b""
            while (n := reader.readinto(buffer)):
                got += buffer[:n]
            assert got == data[offset:]
        assert reader.header == HEADER or reader.header.cont_filename


def test_a_moved_holding_disk_is_read_by_the_names_beside(tmp_path: Path) -> None:
    path, data = three_chunks(tmp_path)
    path.parent.rename(tmp_path / "moved")
    assert data_of(tmp_path / "moved" / "x.0") == data


def test_what_is_wrong_with_a_chain(tmp_path: Path) -> None:
    def fault(path: Path) -> tuple[str, str]:
        with pytest.raises(WorldError) as caught:
            chain(path)
        return caught.value.code, caught.value.message

    path, _ = three_chunks(tmp_path)
    one, two = Path(f"{path}.1"), Path(f"{path}.2")
    assert fault(one) == ("HLD015", f"{one}: is not the first file of a dump (CONT_FILE)")
    two.rename(tmp_path / "away")
    assert fault(path) == ("HLD014", f"{two}: the next chunk after {one} is missing")
    two.symlink_to(tmp_path / "away")
    assert fault(path)[0] == "HLD016"
    two.unlink()
    two.mkdir()
    assert fault(path) == ("HLD014", f"{two}: is not a regular file")
    two.rmdir()
    two.write_bytes(build(replace(HEADER, kind=Kind.CONT_FILE, level=1)))
    assert fault(path) == ("HLD015", f"{two}: is not a chunk of the dump {path}")
    two.write_bytes(build(replace(HEADER, kind=Kind.CONT_FILE, cont_filename=str(one))))
    assert fault(path) == ("HLD015", f"{one}: the chunks of {path} name each other in a circle")
    assert fault(tmp_path / "none") == ("HLD014", f"{tmp_path}/none: is missing")


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    path, _ = three_chunks(tmp_path)
    with HoldingReader(path) as reader:
        os.truncate(f"{path}.1", HEADER_SIZE)
        with pytest.raises(WorldError, match="became shorter") as caught:
            while reader.readinto(bytearray(10**6)):
                pass
        assert caught.value.code == "HLD016"
        Path(f"{path}.1").unlink()
        reader.seek(32 * KIB)
        with pytest.raises(WorldError, match="reading failed: No such file"):
            reader.readinto(bytearray(10))


def test_a_short_file_is_a_chunk_without_data(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"AMANDA: FILE 1 h /d  lev 0 comp N program p\n")
    assert read_chunk(tmp_path / "short").size == 0
    assert data_of(tmp_path / "short") == b""


def test_an_unfinished_dump_can_be_read_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "d" / "x.0"
    writer = begun(path, chunksize=64)
    writer.write(memoryview(b"z" * 40 * KIB))
    assert data_of(Path(f"{path}.tmp"), unfinished=True) == b"z" * 40 * KIB
    with pytest.raises(WorldError, match="is missing"):
        chain(Path(f"{path}.tmp"))


def test_what_is_allocated_ahead_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.holding import chunk, linux
    asked: list[tuple[int, int]] = []

    def allocate(fd: int, start: int, length: int) -> bool:
        asked.append((start, length))
        return original(fd, start, length)

    original = linux.allocate
    monkeypatch.setattr(linux, "allocate", allocate)
    monkeypatch.setattr(chunk, "LARGE", 256 * KIB)
    monkeypatch.setattr(chunk, "AHEAD", 8192 * KIB)
    monkeypatch.setattr(chunk, "EARLY", 128 * KIB)
    data = os.urandom(1000 * KIB)
    writer = begun(tmp_path / "d" / "x.0", use=8192)
    for at in range(0, len(data), 100 * KIB):
        writer.write(memoryview(data)[at:at + 100 * KIB])
    writer.finish(HEADER)
    assert len(asked) == 1 and sum(asked[0]) == 8192 * KIB  # no more than the allotment
    path = tmp_path / "d" / "x.0"
    assert data_of(path) == data
    assert path.stat().st_blocks * 512 <= path.stat().st_size + 64 * KIB


def test_the_hints_are_left_out_where_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.holding import linux
    monkeypatch.setattr(linux, "_fallocate", None)
    monkeypatch.setattr(linux, "_sync_file_range", None)
    linux.write_back(-1, 0, 1)
    assert not linux.allocate(-1, 0, 1)
    monkeypatch.undo()
    assert not linux.allocate(-1, 0, 1)
    assert linux._call("no_such_call") is None
