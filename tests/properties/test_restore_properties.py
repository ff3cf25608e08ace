"""Trees against a model that lists whole directories, index lines against real names, tar streams against any cut."""

from __future__ import annotations

import io
import tarfile

from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import WorldError
from core.index.names import clean_path
from core.restore.asof import parse_as_of
from core.restore.tarstream import Member, TarStream
from core.restore.tree import Directory, walk
from core.wire.tar_quoting import index_path
from tests.support.indexes import listing_of
from tests.support.whole_tree import build

NAMES = st.sampled_from(["a", "b", "c", "d"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
STATE = st.dictionaries(PATHS, st.integers(0, 3), max_size=8)


def consistent(state: dict[str, int]) -> dict[str, int]:
    """Files only where no other file's path goes through."""
    return {path: version for path, version in state.items() if not any(path.startswith(other + "/") for other in state)}


def directories(state: dict[str, int]) -> set[str]:
    found = {""}
    for path in state:
        parts = path.split("/")
        found |= {"/".join(parts[:n]) for n in range(1, len(parts))}
    return found


@given(st.lists(STATE.map(consistent), min_size=1, max_size=4), st.randoms())
def test_a_chain_of_incrementals_gives_each_state(states: list[dict[str, int]], random: object) -> None:
    listings, expected = [], dict[str, int]()
    before: dict[str, int] = {}
    for number, state in enumerate(states):
        lines = [b"\t/\n"] if number else []
        for directory in directories(state):
            lines.append(b"/" + (directory + "/" if directory else "").encode())
        now: dict[str, int] = {}
        for path, version in state.items():
            if number and path in before and before[path] == version:
                lines.append(b"\t/" + path.encode())
                now[path] = expected[path]
            else:
                lines.append(b"/" + path.encode())
                now[path] = number
        random.shuffle(lines)  # type: ignore[attr-defined]
        listings.append(listing_of(lines))
        before, expected = state, now
    tree = build(listings)
    found = dict(walk(tree.top, b""))
    files = {path.decode(): node.dump for path, node in found.items() if not isinstance(node, Directory)}
    assert files == expected and tree.missing == []
    assert {path.decode() for path, node in found.items() if isinstance(node, Directory)} == directories(states[-1])
    assert all(node.dump == len(states) - 1 for node in found.values() if isinstance(node, Directory))


@given(st.binary(max_size=300).map(lambda raw: raw.split(b"\n")))
def test_any_index_gives_a_tree_in_which_parents_are_directories(lines: list[bytes]) -> None:
    tree = build([listing_of(lines), listing_of([b"\t/", *lines]), listing_of(reversed(lines))])
    found = dict(walk(tree.top, b""))
    for path in found:
        assert b".." not in path.split(b"/") and not path.startswith(b"/")
        assert not path or isinstance(found[path.rpartition(b"/")[0]], Directory)


NAME = st.binary(min_size=1, max_size=40).filter(lambda n: b"\0" not in n and b"/" not in n and n not in (b".", b".."))


@given(st.lists(NAME, min_size=1, max_size=3))
def test_any_name_comes_back_from_its_line(parts: list[bytes]) -> None:
    path = b"/".join(parts)
    found = listing_of([index_path(b"./" + path)])
    assert found.names == {path.rpartition(b"/")[0]: {parts[-1]: 1}} and clean_path(b"./" + path) == path


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(NAME, st.binary(max_size=2000)), max_size=5), st.lists(st.integers(1, 3000), min_size=1),
       st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
def test_a_tar_may_come_in_any_pieces(files: list[tuple[bytes, bytes]], cuts: list[int], form: int) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form, errors="surrogateescape") as archive:
        for name, body in files:
            info = tarfile.TarInfo(name.decode("utf-8", "surrogateescape"))
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    data, out, seen, at = made.getvalue(), bytearray(), list[Member](), 0

    def choose(member: Member) -> bool:
        seen.append(member)
        return True

    stream = TarStream(choose, out.extend)
    for number in range(len(data)):
        if at >= len(data):
            break
        step = cuts[number % len(cuts)]
        stream.feed(memoryview(data)[at:at + step])
        at += step
    assert [member.size for member in seen] == [len(body) for _, body in files]
    with tarfile.open(fileobj=io.BytesIO(bytes(out) + stream.finish())) as again:
        bodies = [again.extractfile(info) for info in again]
        assert [body.read() for body in bodies if body is not None] == [body for _, body in files]


@given(st.binary(max_size=4000))
def test_garbage_ends_in_a_clear_fault_or_nothing(data: bytes) -> None:
    stream = TarStream(lambda member: True, lambda piece: None)
    try:
        stream.feed(memoryview(data))
        stream.finish()
    except WorldError as fault:
        assert fault.code == "RST020"


DATE_WORDS = st.lists(st.sampled_from([
    "last", "tuesday", "yesterday", "3 days", "ago", "at", "14:00", "2pm", "noon", "on", "29", "feb", "2024", "2026-11-20",
    "20261120", "month", "99999", "today", ","]), max_size=5)


@given(st.one_of(st.text(max_size=30), DATE_WORDS.map(" ".join)))
def test_a_date_is_a_stamp_or_a_clear_fault(text: str) -> None:
    try:
        stamp = parse_as_of(text, 1_800_000_000.0)
    except Exception as fault:
        assert getattr(fault, "code", "") == "RST010"
    else:
        assert len(stamp) == 14 and stamp.isdigit()
