"""Files that are passed by without a look against the same archive looked at header by header."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import WorldError
from core.landing.item import Item
from core.restore.runs import Run, feed, runs
from core.restore.tarstream import Member, TarStream

DIRECTORIES = ("a", "b", "a/c")
LONG = "n" * 110
MEMBERS = st.lists(st.tuples(st.sampled_from(DIRECTORIES), st.sampled_from("fffffflhds"), st.integers(0, 1500), st.booleans()),
                   max_size=25)


def archive(members: list[tuple[str, str, int, bool]]) -> tuple[bytes, list[Item]]:
    """A tar of these, and what its index says; sparse files and long names are what no run may have."""
    made, items = io.BytesIO(), list[Item]()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as out:
        for number, (directory, kind, size, long) in enumerate(members):
            info = tarfile.TarInfo(f"{directory}/{LONG if long else 'n'}{number}")
            info.type = {"l": tarfile.SYMTYPE, "h": tarfile.LNKTYPE, "d": tarfile.DIRTYPE}.get(kind, tarfile.REGTYPE)
            info.linkname = f"{directory}/n0" if kind in "lh" else ""
            info.size = size if info.type == tarfile.REGTYPE else 0
            path = info.name.encode()
            items.append(Item(path, 0, path, kind == "d", kind, info.size, 1, made.tell()))
            out.addfile(info, io.BytesIO(bytes([number]) * info.size))
    return made.getvalue(), items


def fed(data: bytes, cut: int, found: list[Run], ways: dict[bytes, int]) -> tuple[list[bytes], int]:
    """What goes to each of two tars, and how many headers were looked at."""
    out, to = [bytearray(), bytearray()], [0]

    def choose(member: Member) -> bool:
        stream.flush()
        to[0] = 0 if member.is_directory else ways[member.name.rpartition(b"/")[0]]
        return True

    stream = TarStream(choose, lambda piece: out[to[0]].extend(piece), together=True)
    feed((memoryview(data)[at:at + cut] for at in range(0, len(data), cut)), found, stream)
    stream.finish()
    return [bytes(part) for part in out], stream.members


@given(MEMBERS, st.lists(st.integers(0, 1), min_size=3, max_size=3), st.integers(1, 4000))
def test_the_same_goes_to_the_same_tar(members: list[tuple[str, str, int, bool]], which: list[int], cut: int) -> None:
    data, items = archive(members)
    ways = dict(zip(map(str.encode, DIRECTORIES), which, strict=True))
    found = list(runs(items, ways))
    plain, looked_at = fed(data, cut, [], ways)
    assert looked_at == len(items)
    by_runs, fewer = fed(data, cut, found, ways)
    assert by_runs == plain
    passed_by = [item for item in items if any(begin <= item.offset < end for begin, end in found)]
    assert fewer == looked_at - len(passed_by)
    assert {item.kind for item in passed_by} <= {"f"} and not any(LONG.encode() in item.path for item in passed_by)


def test_files_side_by_side_are_not_looked_at() -> None:
    data, items = archive([("a", "f", 700, False)] * 20 + [("b", "f", 700, False)] * 20)
    found = list(runs(items, {b"a": 0, b"b": 1}))
    assert found == [(items[1].offset, items[19].offset), (items[21].offset, items[39].offset)]
    assert fed(data, 1000, found, {b"a": 0, b"b": 1})[1] == 4
    assert list(runs(items, {})) == [(items[1].offset, items[39].offset)]  # one tar gets them all


@pytest.mark.parametrize("shift", [-512, 512, 1024])
def test_an_index_that_is_wrong_is_noticed_where_a_run_begins_or_ends(shift: int) -> None:
    data, items = archive([("a", "f", 600, False)] * 20)
    [(begin, end)] = runs(items, {})
    for wrong in ((begin + shift, end), (begin, end + shift)):
        with pytest.raises(WorldError) as caught:
            fed(data, 1000, [wrong], {b"a": 0})
        assert caught.value.code == "RST020"


@given(MEMBERS)
def test_what_an_index_does_not_tell_is_looked_at(members: list[tuple[str, str, int, bool]]) -> None:
    items = archive(members)[1]
    assert list(runs([item._replace(offset=-1) for item in items], {})) == []
    assert list(runs([item._replace(size=-1) for item in items], {})) == []
