"""Directories that go to their place by one rename, and those that must not."""

from __future__ import annotations

import inspect
import os
import struct
import sys
from pathlib import Path

import pytest

from core.landing.item import FILES, LINKS, Item
from core.landing.room import ROOM
from core.landing.target import Target

AT = 1_600_000_000
ACL_DEFAULT = "system.posix_acl_default"


def directory(path: bytes, dump: int = 0) -> Item:
    return Item(path, dump, path, True)


def file(path: bytes, dump: int = 0, source: bytes | None = None) -> Item:
    return Item(path, dump, path if source is None else source, False, "f", 3, AT, 0)


def out(to: Path, *names: str, dump: int = 0, part: str = FILES) -> None:
    """What tar made in the room."""
    for name in names:
        path = to / ROOM / str(dump) / part / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(b"new")
            os.utime(path, (AT, AT))


def begun(to: Path, *items: Item) -> Target:
    target = Target(to, sorted(items, key=lambda item: item.path), "me")
    target.begin(True, False)
    return target


def inode(path: Path) -> int:
    return path.stat().st_ino


TREE = [directory(b""), directory(b"a"), directory(b"a/b"), directory(b"a/empty"), file(b"a/one"), file(b"a/b/two"),
        file(b"top")]


def test_a_directory_that_is_all_wanted_is_moved_as_it_is(tmp_path: Path) -> None:
    to = tmp_path / "to"
    target = begun(to, *TREE)
    out(to, "a/one", "a/b/two", "a/empty/", "top")
    before = inode(to / ROOM / "0" / FILES / "a"), inode(to / ROOM / "0" / FILES / "a/b")
    (to / ROOM / "0" / FILES / "a/b").chmod(0o751)
    os.utime(to / ROOM / "0" / FILES / "a", (AT, AT))
    assert target.land(0, set(), {}) == []
    assert (inode(to / "a"), inode(to / "a/b")) == before
    done = target.finish()
    assert (done.files, done.directories, done.missing) == (3, 4, [])
    assert (to / "a/one").read_bytes() == (to / "a/b/two").read_bytes() == (to / "top").read_bytes() == b"new"
    assert (to / "a/b").stat().st_mode & 0o777 == 0o751 and (to / "a").stat().st_mtime == AT
    assert sorted(os.listdir(to)) == ["a", "top"]


def test_nobody_else_is_let_in_before_the_end(tmp_path: Path) -> None:
    to = tmp_path / "to"
    target = begun(to, *TREE)
    out(to, "a/one", "a/b/two")
    (to / ROOM / "0" / FILES / "a").chmod(0o777)
    target.land(0, set(), {})
    assert (to / "a").stat().st_mode & 0o777 == 0o700 and (to / "a").stat().st_uid == os.geteuid()
    target.finish()
    assert (to / "a").stat().st_mode & 0o777 == 0o777


@pytest.mark.parametrize("more", [
    file(b"a/b/other", 1), file(b"a/b/elsewhere", 0, b"x/elsewhere"), file(b"a/b/again"),
], ids=["of another dump", "of another name", "a link that came out beside the rest"])
def test_what_is_mixed_goes_name_by_name_and_the_rest_of_it_whole(tmp_path: Path, more: Item) -> None:
    to = tmp_path / "to"
    target = begun(to, *TREE, directory(b"a/c"), file(b"a/c/three"), more)
    out(to, "a/one", "a/b/two", "a/c/three", "x/elsewhere", "top")
    if more.path == b"a/b/again":
        out(to, "a/b/again", part=LINKS)
    room = to / ROOM / "0" / FILES
    mixed, whole = inode(room / "a/b"), inode(room / "a/c")
    assert target.land(0, {b"a/b/again"} & {more.path}, {}) == []
    if more.dump:
        out(to, "a/b/other", dump=1)
        assert target.land(1, set(), {}) == []
    assert inode(to / "a/b") != mixed and inode(to / "a/c") == whole
    assert target.finish().files == 5
    assert (to / os.fsdecode(more.path)).read_bytes() == b"new"


def test_what_nobody_asked_for_stays_in_the_room(tmp_path: Path) -> None:
    to = tmp_path / "to"
    target = begun(to, *TREE)
    out(to, "a/one", "a/b/two", "a/b/stray", "top")
    assert target.land(0, set(), {}) == []
    assert target.finish().files == 3 and os.listdir(to / "a/b") == ["two"]


def test_a_file_that_did_not_come_out_is_named_wherever_it_is(tmp_path: Path) -> None:
    to = tmp_path / "to"
    target = begun(to, *TREE, directory(b"a/gone"), file(b"a/gone/file"))
    out(to, "a/one", "a/b/")
    assert target.land(0, set(), {}) == [b"a/b/two", b"a/gone/file", b"top"]
    assert target.pause().files == 1
    target.close()


def test_a_directory_that_is_there_keeps_what_it_has(tmp_path: Path) -> None:
    to = tmp_path / "to"
    (to / "a/b").mkdir(parents=True)
    (to / "a/theirs").write_bytes(b"old")
    (to / "a").chmod(0o750)
    there = inode(to / "a")
    target = begun(to, *TREE)
    out(to, "a/one", "a/b/two", "top")
    assert target.land(0, set(), {}) == [] and target.finish().files == 3
    assert inode(to / "a") == there and (to / "a").stat().st_mode & 0o777 == 0o750
    assert (to / "a/theirs").read_bytes() == b"old" and (to / "a/b/two").read_bytes() == b"new"


def test_a_name_that_somebody_takes_meanwhile_is_a_fault_and_nothing_is_replaced(tmp_path: Path) -> None:
    to = tmp_path / "to"
    target = begun(to, *TREE)
    out(to, "a/one", "a/b/two", "top")
    (tmp_path / "secret").mkdir()
    (to / "a").symlink_to(tmp_path / "secret")
    with pytest.raises(Exception, match=r"RST025 .*/to/a"):
        target.land(0, set(), {})
    target.leave()
    target.close()
    assert os.listdir(tmp_path / "secret") == []


def test_a_restore_that_was_interrupted_after_a_move_goes_on(tmp_path: Path) -> None:
    to = tmp_path / "to"
    target = begun(to, *TREE, file(b"late", 1))
    out(to, "a/one", "a/b/two", "top")
    target.land(0, set(), {})
    assert target.leave()
    target.close()
    again = Target(to, sorted([*TREE, file(b"late", 1)], key=lambda item: item.path), "me")
    assert again.look(False).whole == {b"a/one", b"a/b/two", b"top"}
    again.begin(False, False)
    out(to, "late", dump=1)
    assert again.land(1, set(), {}) == [] and again.finish().files == 4
    again.close()
    assert sorted(os.listdir(to)) == ["a", "late", "top"]


def test_directories_deeper_than_a_program_may_call_itself(tmp_path: Path) -> None:
    to = tmp_path / "to"
    names = [b"/".join([b"d"] * depth) for depth in range(1, 300)]
    target = begun(to, *map(directory, names), file(names[-1] + b"/end"))
    place = to / ROOM / "0" / FILES
    place.mkdir(parents=True)
    for name in names:
        (place / os.fsdecode(name)).mkdir()
    (place / os.fsdecode(names[-1]) / "end").write_bytes(b"new")
    before, most = inode(to / ROOM / "0" / FILES / "d"), sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 200)
    try:
        assert target.land(0, set(), {}) == [] and target.finish().files == 1
    finally:
        sys.setrecursionlimit(most)
    assert inode(to / "d") == before


def test_the_default_acl_of_a_target_is_not_for_what_is_restored(tmp_path: Path) -> None:
    """Tar is not told to set an ACL for each file where the archive cannot have one."""
    to = tmp_path / "to"
    to.mkdir()
    entries = [(0x01, 7, 0xFFFFFFFF), (0x02, 7, 12345), (0x04, 5, 0xFFFFFFFF), (0x10, 7, 0xFFFFFFFF), (0x20, 5, 0xFFFFFFFF)]
    try:
        os.setxattr(to, ACL_DEFAULT, struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries))
    except OSError:
        pytest.skip("NOT TESTED: the file system of the test has no ACLs")
    target = begun(to, *TREE)
    out(to, "a/one", "a/b/two", "top")
    target.land(0, set(), {})
    target.finish()
    assert [name for path in (to / "a", to / "a/one", to / "top") for name in os.listxattr(path) if "acl" in name] == []
