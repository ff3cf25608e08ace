"""Whoever owns a target can put another thing in the place of one in it at any moment: that leads no restore anywhere else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import TaperoomError, UsageError, WorldError
from core.landing.item import FILES, Item
from core.landing.place import Below, open_top
from core.landing.room import ROOM
from core.landing.state import Look
from core.landing.target import Target

AT = 1_600_000_000
NAMES = [Item(b"", 0, b"", True), Item(b"d", 0, b"d", True), Item(b"d/e", 0, b"d/e", True),
         Item(b"d/e/one", 0, b"d/e/one", False, "f", 3, AT, 0), Item(b"d/two", 0, b"d/two", False, "f", 3, AT, 1000)]
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's link")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A directory outside of the target, with what a restore must never touch; it is a fault if it does."""
    made = tmp_path / "secret"
    (made / "e").mkdir(parents=True)
    (made / "two").write_text("mine")
    made.chmod(0o700)
    return made


def look_of(path: Path) -> list[tuple[str, int, int, int, bytes]]:
    """All that a restore could change there."""
    found = [(path, os.lstat(path)), *((one, os.lstat(one)) for one in sorted(path.rglob("*")))]
    return [(str(one), state.st_mode, state.st_uid, state.st_mtime_ns, one.read_bytes() if one.is_file() else b"")
            for one, state in found]


def extracted(to: Path) -> None:
    """What tar made of a dump in the room."""
    place = to / ROOM / "0" / FILES
    (place / "d/e").mkdir(parents=True)
    for name in ("d/e/one", "d/two"):
        (place / name).write_bytes(b"new")
        os.utime(place / name, (AT, AT))


def exchange(to: Path, secret: Path) -> None:
    """The directory gives way to a link."""
    (to / "d").rename(to / "moved")
    (to / "d").symlink_to(secret)


def begun(to: Path) -> Target:
    target = Target(to, NAMES, "me")
    target.begin(False, False)
    extracted(to)
    return target


@pytest.mark.parametrize("open_already", [True, False])
def test_a_directory_that_becomes_a_link_between_two_files(tmp_path: Path, secret: Path, open_already: bool) -> None:
    """What is open is used, wherever it was moved; what is opened then is no link."""
    before, to = look_of(secret), tmp_path / "to"
    (to / "d").mkdir(parents=True)
    target = Target(to, NAMES, "me")
    target.begin(True, False)
    extracted(to)
    exchange(to, secret)
    if open_already:
        assert target.land(0, set(), {}) == [] and (to / "moved/e/one").read_bytes() == b"new"
    else:
        target._root.close()
        with pytest.raises(WorldError, match=r"RST025 .*/to/d/e/one: Not a directory"):
            target.land(0, set(), {})
    target.leave()
    target.close()
    assert look_of(secret) == before


@pytest.mark.parametrize(("swap", "text"), [
    (exchange, "RST025 .*/to/d: Not a directory"),
    (lambda to, secret: ((to / "d").rename(to / "moved"), secret.rename(to / "d")), "RST038 .*/to/d"),
], ids=["a link", "another directory"])
def test_what_takes_a_directory_s_place_gets_neither_owner_nor_mode(
    tmp_path: Path, secret: Path, swap: Callable[[Path, Path], object], text: str,
) -> None:
    to = tmp_path / "to"
    target = begun(to)
    assert target.land(0, set(), {}) == []
    assert target._room is not None
    target._room.state.looks[b"d"] = Look(0o777, 12345, 12345, 1, 1, {})
    before = look_of(secret)
    swap(to, secret)
    with pytest.raises(WorldError, match=text):
        target.finish()
    assert target.leave()
    target.close()
    there = secret if secret.exists() else to / "d"
    assert [row[1:] for row in look_of(there)] == [row[1:] for row in before]
    assert (to / "moved/two").read_bytes() == b"new"


def test_a_first_name_that_becomes_a_link_is_linked_itself(tmp_path: Path, secret: Path) -> None:
    to = tmp_path / "to"
    target = begun(to)
    (to / "d/e").mkdir(parents=True)
    (to / "d/e/one").symlink_to(secret / "two")
    target._root.link(b"d/e/one", b"d/again")
    assert os.readlink(to / "d/again") == str(secret / "two") and os.lstat(secret / "two").st_nlink == 1
    target.leave()
    target.close()


def test_the_target_itself_is_opened_once(tmp_path: Path, secret: Path) -> None:
    before, to = look_of(secret), tmp_path / "to"
    to.mkdir()
    target = Target(to, NAMES, "me")
    assert target.look(False).exists
    to.rename(tmp_path / "moved")
    to.symlink_to(secret)
    target.begin(False, False)
    extracted(tmp_path / "moved")
    assert target.land(0, set(), {}) == [] and target.finish().files == 2
    target.close()
    assert (tmp_path / "moved/d/two").read_bytes() == b"new" and look_of(secret) == before


def test_a_target_that_was_made_and_moved_is_not_removed_elsewhere(tmp_path: Path) -> None:
    to = tmp_path / "to"
    target = Target(to, NAMES, "me")
    target.begin(False, False)
    to.rename(tmp_path / "moved")
    to.mkdir()
    assert not target.leave()
    target.close()
    assert to.is_dir() and os.listdir(tmp_path / "moved") == []


def test_a_link_to_the_target_may_lead_there_unless_it_was_judged(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "round").symlink_to("round")
    target = Target(tmp_path / "link", NAMES, "me")
    assert target.look(False).exists
    target.close()
    for to, links, text in ((tmp_path / "link", False, "is not a directory"), (tmp_path / "link/new", False, "Not a directory"),
                            (tmp_path / "round/new", True, "symbolic links|Not a directory")):
        with pytest.raises(UsageError, match=text) as caught:
            Target(to, NAMES, "me", links=links).begin(False, False)
        assert caught.value.code == "RST030"
    assert os.listdir(tmp_path / "real") == []


@only_root
@pytest.mark.parametrize("name", ["", "/new", "/../theirs/new"])
def test_root_follows_no_link_of_another_user(tmp_path: Path, secret: Path, name: str) -> None:
    link = tmp_path / "theirs"
    link.symlink_to(secret)
    os.chown(link, 12345, 12345, follow_symlinks=False)
    before = look_of(secret)
    with pytest.raises(TaperoomError, match=r"RST030 .*: theirs is a link that another user made, and root follows none"):
        Target(Path(f"{link}{name}"), NAMES, "me").begin(False, False)
    assert look_of(secret) == before
    os.chown(link, 0, 0, follow_symlinks=False)
    os.close(open_top(link))


def test_a_way_that_is_longer_than_what_stays_open(tmp_path: Path) -> None:
    """Names that are longer than a path of the system may be, and far fewer descriptors than directories."""
    depth, opened = 400, open_top(tmp_path)
    with Below(opened, b"top") as below, Below(opened, b"top") as other:
        deep = b"/".join([b"below-the-one-before"] * depth)
        below.make(deep)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=opened))
        below.take(other, b"file", deep + b"/file")
        below.link(deep + b"/file", b"below-the-one-before/second")
        assert below.stat(b"below-the-one-before/second").st_nlink == 2 and below.find(deep + b"/gone") is None
        below.unlink(deep + b"/file")
        assert len(below.made) == depth and len(below._way) - sum(fd < 0 for _, fd in below._way) < 100
        with below.directory(deep) as last:
            assert os.listdir(f"/proc/self/fd/{last}") == []
    os.close(opened)
