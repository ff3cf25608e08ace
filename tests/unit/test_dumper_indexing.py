"""The index while a dump passes: from lines, from the data itself, and when the disk refuses."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from unittest.mock import patch

import pytest

from core.dumper.indexing import IndexFile
from core.index.reader import open_index
from core.index.record import Mark, Record
from core.wire.packing import GZIP_FAST, MEMBER


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(name), 1_700_000_000
            if name.endswith("/"):
                info.type, info.size = tarfile.DIRTYPE, 0
            tar.addfile(info, io.BytesIO(name.encode()))
    return made.getvalue()


def test_lines_and_frames(tmp_path: Path) -> None:
    index = IndexFile(tmp_path / "a" / "b" / "x.tix")
    for piece in (b"/\t0 0 5 d\n/fi", b"le\t512 7 6 f\n\t/\n\t/kept\n/x\t", b"nonsense\n/../y\n"):
        index.write(memoryview(piece))
    data = GZIP_FAST.pack(memoryview(bytes(MEMBER))) + GZIP_FAST.pack(memoryview(b"rest"))
    for at in range(0, len(data), 100):
        index.stored(memoryview(data)[at:at + 100])
    assert not index.path.exists()
    index.finish()
    assert index.fault == "" and [entry.name for entry in index.path.parent.iterdir()] == ["x.tix"]
    with open_index(index.path) as found:
        assert found.exact and found.renames == [] and found.frames is not None
        assert list(found.walk(b"")) == [
            Record(b"", Mark.DIRECTORY, "d", 0, 5, 0), Record(b"file", Mark.FILE, "f", 7, 6, 512),
            Record(b"kept", Mark.PRESENT), Record(b"x", Mark.FILE)]
        assert (found.frames.unit, sum(found.frames.sizes), len(found.frames)) == (MEMBER, len(data), 2)
    index.discard()
    assert index.path.exists()


def test_a_client_that_tells_names_only_is_helped_by_its_data(tmp_path: Path) -> None:
    index = IndexFile(tmp_path / "x.tix")
    index.write(memoryview(b"/\n/a/\n/a/one\n"))
    index.read_data()
    data = archive("./", "./a/", "./a/one")
    for at in range(0, len(data), 700):
        index.look(memoryview(data)[at:at + 700])
    index.finish()
    with open_index(index.path) as found:
        assert [(one.path, one.offset, one.size, one.kind) for one in found.walk(b"")] == [
            (b"", 0, 0, "d"), (b"a", 512, 0, "d"), (b"a/one", 1024, 7, "f")]
        assert found.frames is None and not found.exact


def test_garbage_instead_of_an_archive_leaves_the_names(tmp_path: Path) -> None:
    index = IndexFile(tmp_path / "x.tix")
    index.read_data()
    index.write(memoryview(b"/\n/a\n"))
    index.look(memoryview(b"no archive at all" * 1000))
    index.stored(memoryview(b"no frame, either" * 1000))
    index.finish()
    with open_index(index.path) as found:
        assert [one.path for one in found.walk(b"")] == [b"", b"a"] and found.frames is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_costs_the_index_only(tmp_path: Path) -> None:
    (tmp_path / "x.tix.tmp").symlink_to("/dev/full")
    index = IndexFile(tmp_path / "x.tix")
    index.write(memoryview(b"/a\n"))
    index.finish()
    index.write(memoryview(b"/b\n"))
    index.look(memoryview(b"x"))
    assert index.fault == f"DMP019 {tmp_path}/x.tix: could not be written: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_a_spool_that_is_full_and_a_line_without_end(tmp_path: Path) -> None:
    with patch("core.index.spool.RUN", 1), patch("core.index.spool.LIMIT", 100):
        index = IndexFile(tmp_path / "x.tix")
        for number in range(9):
            index.write(memoryview(b"/%d\n" % number))
        assert "DMP019" in index.fault and "need more than 100 bytes" in index.fault
    index = IndexFile(tmp_path / "y.tix")
    for _ in range(300):
        index.write(memoryview(b"/" + b"x" * 1023))
    assert "a line has more than 262144 bytes" in index.fault
    assert list(tmp_path.iterdir()) == []


def test_no_directory_no_index(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    index = IndexFile(tmp_path / "file" / "x.tix")
    index.write(memoryview(b"/a\n"))
    index.read_data()
    index.look(memoryview(archive("./a")))
    index.finish()
    index.discard()
    assert index.fault.startswith(f"DMP019 {tmp_path}/file/x.tix: could not be written: ")


def test_a_long_end_is_heard_of_and_can_be_given_up(tmp_path: Path) -> None:
    class GivenUp(Exception):
        pass

    def pulse() -> None:
        raise GivenUp

    with patch("core.index.spool.RUN", 1):
        index = IndexFile(tmp_path / "x.tix")
        index.write(memoryview(b"/a\n/b\n/c\n"))
        with pytest.raises(GivenUp):
            index.finish(pulse)
    index.discard()
    assert list(tmp_path.iterdir()) == []
