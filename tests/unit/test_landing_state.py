"""The facts of a restore, and what of a room counts as whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import UsageError
from core.landing import salvage
from core.landing import target as target_module
from core.landing.item import DIRECTORIES, FILES, SLACK, Item
from core.landing.place import Below, open_top
from core.landing.room import ROOM
from core.landing.state import NAME, Look, State, head, line_of, read_state
from core.landing.target import Target


def written(file: Path, state: State, *facts: dict[str, object], torn: bytes = b"") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(line_of(head(state)) + b"".join(line_of(fact) for fact in facts) + torn)
    return file


def test_facts_come_back_as_they_were(tmp_path: Path) -> None:
    odd = b"n\xe9w\nline"
    state = State("web1:/home", 5.0, "boot", made=True, kept={b"a", odd}, taken={b"b"})
    look = Look(0o750, 1, 2, 3, 4, {"user.x": b"\0\xff"})
    found = read_state(written(
        tmp_path / "state", state, {"again": 6.0, "boot": "second"}, {"synced": 7.5}, {"dump": 1, "proved": 100},
        {"dump": 1, "looks": {os.fsdecode(odd): look.plain()}}, {"dump": 1, "out": [os.fsdecode(odd)]},
        {"dump": 1, "placed": 1}, {"dump": 0, "looks": {}}, {"dump": 0, "undressed": 1}, {"newer": True}))
    assert found is not None
    assert (found.identity, found.began, found.boot, found.synced, found.made) == ("web1:/home", 5.0, "second", 7.5, True)
    assert found.kept == {b"a", odd} and found.taken == {b"b"} and found.proved == {1: 100}
    assert found.out == {1: {odd}} and found.placed == {1} and found.looks == {odd: look} and found.dressed == {1}


def test_a_torn_fact_is_not_read(tmp_path: Path) -> None:
    found = read_state(written(tmp_path / "state", State("x"), {"dump": 0, "proved": 5}, torn=b'{"dump":0,"pla'))
    assert found is not None and found.proved == {0: 5} and found.placed == set()


@pytest.mark.parametrize("data", [b"", b"\n", b"[]\n", b'{"restore":1}\n', b"\xff\n", b'{"restore":"x","at":"y"}\n'])
def test_what_is_no_file_of_facts_is_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "state").write_bytes(data)
    assert read_state(tmp_path / "state") is None and read_state(tmp_path / "none") is None


AT = 1_600_000_000


def a_file(path: Path, data: bytes = b"x" * 10, at: int = AT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (at, at))
    return path


def items() -> list[Item]:
    return [Item(b"", 0, b"", True), Item(b"d", 0, b"d", True),
            *(Item(b"d/%d" % n, 0, b"d/%d" % n, False, "f", 10, AT, n * 1000) for n in range(6))]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An interrupted restore in the middle of its only dump: files 0 to 4 are out, 4 was the last."""
    for module in (salvage, target_module):
        monkeypatch.setattr(module, "boot_id", lambda: "boot")
    written(tmp_path / ROOM / NAME, State("me", 1.0, "boot"), {"dump": 0, "proved": SLACK + 3500})
    newest = 0
    for number in range(5):
        file = a_file(tmp_path / ROOM / "0" / FILES / f"d/{number}")
        while file.stat().st_ctime_ns <= newest:  # until the clock has ticked
            os.utime(file, (AT, AT))
        newest = file.stat().st_ctime_ns
    return tmp_path


def seen(to: Path, fresh: bool = False) -> salvage.Found:
    opened = open_top(to)
    try:
        return salvage.examine(Below(opened, os.fsencode(to)), items(), "me", fresh)
    finally:
        os.close(opened)


def whole(to: Path, fresh: bool = False) -> list[bytes]:
    return sorted(seen(to, fresh).there.whole)


def test_what_was_proved_and_was_not_the_last_is_whole(room: Path) -> None:
    assert whole(room) == [b"d/0", b"d/1", b"d/2", b"d/3"]
    # Beyond what was compared; with another time, size or kind: not all of it was written.
    written(room / ROOM / NAME, State("me", 1.0, "boot"), {"dump": 0, "proved": SLACK + 2500})
    assert whole(room) == [b"d/0", b"d/1", b"d/2"]
    files = room / ROOM / "0" / FILES / "d"
    newest = files / "4"
    a_file(files / "0", at=AT + 1)
    a_file(files / "1", b"x" * 9)
    (files / "2").unlink()
    (files / "2").symlink_to("0")
    a_file(newest)
    assert whole(room) == []


def test_all_of_a_dump_that_was_out_is_whole(room: Path) -> None:
    with open(room / ROOM / NAME, "ab") as file:
        file.write(line_of({"dump": 0, "out": []}))
    assert whole(room) == [b"d/%d" % number for number in range(5)] and whole(room, fresh=True) == []


def test_after_a_power_cut(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salvage, "boot_id", lambda: "next")
    assert whole(room) == []
    middle = (room / ROOM / "0" / FILES / "d/2").stat().st_ctime
    with open(room / ROOM / NAME, "ab") as file:
        file.write(line_of({"synced": middle}))
    assert whole(room) == [b"d/0", b"d/1"]


def test_a_file_that_a_power_cut_emptied_is_ours_and_goes(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salvage, "boot_id", lambda: "next")
    a_file(room / "d/5", b"")
    assert seen(room).there.taken == ("/d/5",)  # changed since this system's start
    monkeypatch.setattr(salvage, "booted", lambda: 1e12)
    found = seen(room)
    assert found.there.taken == () and found.spoilt == [b"d/5"]
    target = Target(room, items(), "me")
    target.begin(False, False)
    assert not (room / "d/5").exists()
    target.leave()


def test_what_is_whole_is_put_in_its_place_and_the_rest_goes(room: Path) -> None:
    target = Target(room, items(), "me")
    there = target.look(False)
    assert there.resumed and len(there.whole) == 4 and there.dressed == frozenset()
    target.begin(False, False)
    assert sorted(os.listdir(room / "d")) == ["0", "1", "2", "3"] and os.listdir(room / ROOM) == [NAME]
    assert target.leave()
    # The same again: they are in their places now.
    again = Target(room, items(), "me")
    assert len(again.look(False).whole) == 4
    again.begin(False, False)
    a_file(room / ROOM / "0" / FILES / "d/4")
    a_file(room / ROOM / "0" / DIRECTORIES / "d/x").parent.chmod(0o710)
    again.dress(0)
    assert again.land(0, set(), {}) == [b"d/5"]
    done = again.finish()
    assert (done.files, done.directories, done.missing) == (5, 2, [b"d/5"])
    assert (room / "d").stat().st_mode & 0o777 == 0o710 and os.listdir(room) == ["d"]


def test_another_restore_is_told_from_the_same(room: Path) -> None:
    other = Target(room, items(), "another")
    assert other.look(False).former == "me"
    with pytest.raises(UsageError, match="an interrupted restore of something else: me") as caught:
        other.begin(False, False)
    assert caught.value.code == "RST034" and (room / ROOM / NAME).exists()
    fresh = Target(room, items(), "another")
    fresh.begin(False, True)
    assert os.listdir(room / ROOM) == [NAME]
    assert not fresh.leave() and os.listdir(room) == []


def test_a_dump_that_has_the_room_s_own_name(tmp_path: Path) -> None:
    mine = [Item(b"", 0, b"", True), Item(ROOM.encode(), 0, ROOM.encode(), False, "f", 1, AT, 0)]
    target = Target(tmp_path / "out", mine, "me")
    target.begin(False, False)
    assert os.listdir(tmp_path / "out") == [f"{ROOM}-1"]
    a_file(tmp_path / "out" / f"{ROOM}-1" / "0" / FILES / ROOM, b"1")
    assert target.land(0, set(), {}) == [] and target.finish().files == 1
    assert os.listdir(tmp_path / "out") == [ROOM]
