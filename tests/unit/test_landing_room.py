"""The hidden room of a restore is believed only where a restore of ours made it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import WorldError
from core.landing.place import Below, open_top
from core.landing.room import ROOM, Room
from core.landing.salvage import examine


@contextmanager
def target(to: Path) -> Iterator[Below]:
    """A target, open."""
    opened = open_top(to)
    try:
        yield Below(opened, os.fsencode(to))
    finally:
        os.close(opened)


def refused(to: Path) -> str:
    """Why neither looking nor beginning trusts the room in a target."""
    with target(to) as below, pytest.raises(WorldError) as looked:
        examine(below, [], "who", fresh=False)
    with target(to) as below, pytest.raises(WorldError) as begun:
        Room(below, ROOM)
    assert looked.value.code == begun.value.code == "RST037" and looked.value.message == begun.value.message
    return looked.value.message


def test_a_link_in_the_rooms_place_leads_nowhere(tmp_path: Path) -> None:
    to, elsewhere = tmp_path / "to", tmp_path / "elsewhere"
    to.mkdir()
    elsewhere.mkdir(mode=0o700)
    (elsewhere / "keys").write_text("mine")
    (to / ROOM).symlink_to(elsewhere)
    assert "is no directory" in refused(to)
    assert os.listdir(elsewhere) == ["keys"]
    (to / ROOM).unlink()
    (to / ROOM).write_text("")
    assert "is no directory" in refused(to)


def test_a_room_that_others_may_write_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / ROOM).mkdir(mode=0o700)
    (tmp_path / ROOM).chmod(0o770)
    assert "is open to others" in refused(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_another_users_room_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / ROOM).mkdir(mode=0o700)
    os.chown(tmp_path / ROOM, 12345, 12345)
    assert "is another user's" in refused(tmp_path)


def test_a_room_of_ours_is_taken_again(tmp_path: Path) -> None:
    with target(tmp_path) as below:
        Room(below, ROOM).close()
        again = Room(below, ROOM)
        assert examine(below, [], "who", fresh=False).there.exists
        again.close()


def test_what_takes_the_room_s_place_is_not_written_in(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with target(tmp_path) as below:
        room = Room(below, ROOM)
        (tmp_path / ROOM).rename(tmp_path / "moved")
        (tmp_path / ROOM).symlink_to(elsewhere)
        room.note({"dump": 0, "proved": 5})
        assert room.place(0, "files").is_dir() and (tmp_path / "moved/0/files").is_dir()
        room.remove()
    assert os.listdir(elsewhere) == [] and os.listdir(tmp_path / "moved") == []
