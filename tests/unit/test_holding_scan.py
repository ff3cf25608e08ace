"""What is found on holding disks, and how much room they have."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.codes import lookup
from core.errors import WorldError
from core.holding.area import measure, usable_kib
from core.holding.file import HoldingWriter
from core.holding.header import HEADER_SIZE, Header, Kind, build
from core.holding.scan import remove, remove_path, scan, survey, tidy
from core.model.site import HoldingDisk
from tests.support.holding import HEADER, data_of

STAMP = "20260102030405"
GOLDEN = Path(__file__).parent.parent / "golden/amanda-3.5.1"


def dump(path: Path, size: int, chunksize: int = 0, *, finish: bool = True) -> Path:
    writer = HoldingWriter(path, chunksize=chunksize)
    writer.begin(HEADER)
    writer.write(memoryview(bytes(size)))
    if finish:
        writer.finish(HEADER)
    return path


def test_whole_unfinished_broken_and_foreign(tmp_path: Path) -> None:
    day = tmp_path / STAMP
    whole = dump(day / "whole.0", 50_000, 64)
    live = dump(day / "live.0", 50_000, 64, finish=False)
    broken = dump(day / "broken.0", 50_000, 64)
    gone = dump(day / "gone.0", 50_000, 64)
    Path(f"{broken}.1").unlink()
    gone.unlink()
    (day / "pid").write_text("17")
    (day / "begun.0.tmp").write_bytes(b"")
    (day / "note.txt").write_text("hello")
    (day / "label").write_bytes(build(Header(Kind.NOOP)))
    (day / "link").symlink_to(whole)
    (tmp_path / "stuff").mkdir()
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "20260103").symlink_to(day)

    found = survey([HoldingDisk(tmp_path), HoldingDisk(tmp_path / "none")])
    assert {entry.path.name: (entry.complete, len(entry.files), entry.size) for entry in found.dumps} == {
        "whole.0": (True, 2, 50_000), "live.0.tmp": (False, 2, 50_000), "broken.0": (False, 1, 32 * 1024),
    }
    assert {entry.path.name: entry.fault for entry in found.dumps} == {
        "whole.0": "", "live.0.tmp": f"{live}.tmp: was not finished",
        "broken.0": f"{broken}.1: the next chunk after {broken} is missing",
    }
    assert [path.name for path in found.orphans] == ["begun.0.tmp", "gone.0.1"]
    assert {path.name for path in found.cruft} == {"20260103", "label", "link", "note.txt", "stuff"}
    assert scan([HoldingDisk(tmp_path)])[-1].kib == 49 + 64


def test_real_holding_disks_are_read() -> None:
    found = scan([HoldingDisk(GOLDEN / "holding-leftover"), HoldingDisk(GOLDEN / "holding-multichunk")])
    assert [(entry.header.host, entry.header.level, entry.size, len(entry.files), entry.complete) for entry in found] == [
        ("clienta", 1, 3369, 1, True), ("clientb", 1, 169, 1, True), ("localhost", 1, 10240, 1, True),
        ("localhost", 0, 184320, 6, True),
    ]
    assert len(data_of(found[-1].path)) == 184320


def test_a_partial_dump_of_amanda_is_not_complete(tmp_path: Path) -> None:
    (tmp_path / STAMP).mkdir()
    (tmp_path / STAMP / "x").write_bytes(build(Header(Kind.FILE, "1", "h", "/d", program="p", partial=True)))
    assert [(entry.complete, entry.fault) for entry in scan([HoldingDisk(tmp_path)])] == [(False, "marked as partial")]


def test_removing_and_tidying(tmp_path: Path) -> None:
    path = dump(tmp_path / STAMP / "x.0", 100_000, 64)
    other = dump(tmp_path / STAMP / "y.0", 100_000, 64)
    remove(scan([HoldingDisk(tmp_path)])[0])
    assert not path.exists() and other.exists()
    remove_path(other)
    assert list((tmp_path / STAMP).iterdir()) == []
    (tmp_path / "keep").mkdir()
    tidy([HoldingDisk(tmp_path)])
    assert [entry.name for entry in tmp_path.iterdir()] == ["keep"]
    with pytest.raises(WorldError) as caught:
        remove_path(path)
    assert caught.value.code == "HLD014"


def test_a_file_that_cannot_be_removed(tmp_path: Path) -> None:
    path = dump(tmp_path / STAMP / "x.0", 10)
    found = scan([HoldingDisk(tmp_path)])[0]
    path.unlink()
    path.mkdir()
    with pytest.raises(WorldError, match="cannot be removed") as caught:
        remove(found)
    assert caught.value.code == "HLD012"


@pytest.mark.parametrize(("use", "free", "occupied", "usable"), [
    (0, 100, 50, 100), (-30, 100, 50, 70), (-300, 100, 0, 0), (80, 100, 50, 30), (80, 20, 50, 20), (80, 100, 90, 0),
])
def test_the_rule_of_use(use: int, free: int, occupied: int, usable: int) -> None:
    assert usable_kib(use, free, occupied) == usable


def test_measuring(tmp_path: Path) -> None:
    area = measure(HoldingDisk(tmp_path, use=64), occupied=32)
    assert area.usable == 32 and area.total >= area.free > 0
    for bad in (tmp_path / "none", tmp_path / "file"):
        (tmp_path / "file").write_bytes(bytes(HEADER_SIZE))
        with pytest.raises(WorldError) as caught:
            measure(HoldingDisk(bad))
        assert caught.value.code == "HLD010" and str(bad) in caught.value.message


def test_every_code_has_a_page() -> None:
    for number in ("003", *range(10, 19)):
        page = lookup(f"HLD{number:>03}")
        assert page is not None and page.meaning and page.action
