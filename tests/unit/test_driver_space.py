"""What the driver removes from the holding disks: a dump, and all that a dumper left of one which it did not finish."""

from __future__ import annotations

from pathlib import Path

from core.driver import space
from core.holding.header import Header, Kind, build

STAMP = "20261123003000"


def put(path: Path, kind: Kind, disk: str, level: int = 0, following: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(build(Header(kind, STAMP, "h", disk, level, program="GNUTAR", cont_filename=following)) + b"x")
    return path


def names(top: Path) -> set[str]:
    return {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}


def test_a_dump_goes_with_all_its_chunks_and_no_other(tmp_path: Path) -> None:
    one, two = tmp_path / "one" / STAMP, tmp_path / "two" / STAMP
    put(one / "h._d.0", Kind.FILE, "/d", following=str(two / "h._d.0.1"))
    put(two / "h._d.0.1", Kind.CONT_FILE, "/d")
    put(one / "h._d.1", Kind.FILE, "/d", 1)
    space.remove(one / "h._d.0", [str(tmp_path / "one"), str(tmp_path / "two")])
    assert names(tmp_path) == {f"one/{STAMP}/h._d.1"}


def test_a_dumper_that_died_while_it_gave_names_leaves_nothing_that_stops_the_next_attempt(tmp_path: Path) -> None:
    one, two = tmp_path / "one" / STAMP, tmp_path / "two" / STAMP
    put(one / "h._d.0.tmp", Kind.FILE, "/d", following=str(one / "h._d.0.1"))
    put(one / "h._d.0.1", Kind.CONT_FILE, "/d", following=str(two / "h._d.0.2"))
    put(two / "h._d.0.2", Kind.CONT_FILE, "/d")
    put(two / "h._d.0.3.tmp", Kind.CONT_FILE, "/d")
    others = [put(one / "h._d.0.7", Kind.FILE, "/d.0", 7), put(one / "h._d.0.9", Kind.CONT_FILE, "/e"),
              put(one / "h._d.00", Kind.FILE, "/d", 0)]
    space.remove(one / "h._d.0", [str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "gone")])
    assert names(tmp_path) == {str(path.relative_to(tmp_path)) for path in others}
