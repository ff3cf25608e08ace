"""An index gives back what went in, whatever the names, the order and the sizes of its groups and runs."""

from __future__ import annotations

import fnmatch
import io
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import WorldError
from core.index.frames import GZIP, FrameTable
from core.index.lines import LineTaker
from core.index.reader import IndexReader, open_index
from core.index.record import Mark, Record, sort_key
from core.index.spool import Sorter
from core.index.writer import IndexWriter, writing

NAME = st.one_of(
    st.sampled_from([b"a", b"a-b", b"a b", b"a.c", b"ab", b"b", b"\xff", b"\1", b"\n"]),
    st.binary(min_size=1, max_size=12).filter(lambda name: not {0, 47} & set(name) and name not in (b".", b"..")))
PATH = st.lists(NAME, min_size=0, max_size=4).map(b"/".join)
NUMBER = st.one_of(st.just(-1), st.integers(0, 300), st.integers(0, 1 << 60))
KIND = st.sampled_from(["", "f", "d", "l", "h", "s", "p"])
RECORD = st.one_of(PATH.map(lambda path: Record(path, Mark.PRESENT)),
                   st.builds(Record, PATH, st.sampled_from([Mark.FILE, Mark.DIRECTORY]), KIND, NUMBER, NUMBER, NUMBER))


@contextmanager
def index_of(records: list[Record], exact: bool = False) -> Iterator[IndexReader]:
    out = TemporaryFile()  # noqa: SIM115 (the reader closes it)
    with TemporaryFile() as spool:
        writer = IndexWriter(out, spool)
        writer.exact = exact
        for record in records:
            writer.add(record.path, record.mark, record.kind, record.size, record.mtime, record.offset)
        count = writer.finish()
    out.flush()
    with IndexReader(out, "it") as reader:
        assert reader.count == count
        yield reader


def expected(records: list[Record]) -> dict[bytes, Record]:
    """The best of each path, and the directories that must be there since something is below them."""
    found: dict[bytes, Record] = {}
    for record in records:
        path = record.path
        while path := path.rpartition(b"/")[0]:
            found.setdefault(path, Record(path, Mark.PRESENT, "d"))
    for record in sorted(records, key=lambda one: (one.mark, one.kind != "", one.offset)):
        known = found.get(record.path)
        if known is None or (record.mark, record.kind != "", record.offset) >= (known.mark, known.kind != "", known.offset):
            found[record.path] = record
    return found


@settings(deadline=None)
@given(st.lists(RECORD, max_size=40, unique_by=lambda one: (one.path, one.mark, one.kind != "", one.offset)), st.booleans(),
       st.sampled_from([1, 200, 1 << 20]), st.sampled_from([1, 300, 1 << 20]), st.integers(2, 4), NAME)
def test_everything_comes_back(records: list[Record], exact: bool, group: int, run: int, fan: int, needle: bytes) -> None:
    with patch("core.index.writer.GROUP", group), patch("core.index.spool.RUN", run), patch("core.index.spool.FAN", fan), \
            patch("core.index.spool.PIECE", 20), index_of(records, exact) as reader:
        wanted = expected(records)
        ordered = sorted(wanted.values(), key=lambda one: sort_key(one.path))
        assert list(reader.walk(b"")) == ordered and reader.exact is exact and reader.renames is None
        for path in [*wanted, b"no such", b"a", b"a/b/c/d/e"]:
            assert reader.find(path) == wanted.get(path)
            assert reader.listed(path) == (path in wanted and wanted[path].mark is Mark.DIRECTORY)
            below = [one for one in ordered if one.path == path or one.path.startswith(path + b"/") or not path]
            assert list(reader.walk(path)) == below
            assert reader.entries(path) == [one for one in ordered if one.path and one.path.rpartition(b"/")[0] == path]
        assert list(reader.search(needle)) == [one for one in ordered if needle in one.path.rpartition(b"/")[2]]


@settings(deadline=None)
@given(st.lists(RECORD, max_size=20, unique_by=lambda one: one.path),
       st.lists(st.sampled_from([b"*", b"?", b"a", b"b", b"/", b"[ab]", b"[!a]", b".", b"\xff", b"["]), min_size=1, max_size=5)
       .map(b"".join), st.sampled_from([1, 1 << 20]))
def test_a_pattern_finds_what_fnmatch_finds(records: list[Record], glob: bytes, group: int) -> None:
    with patch("core.index.writer.GROUP", group), index_of(records) as reader:
        whole = b"/" in glob
        wanted = [one for one in reader.walk(b"") if one.path and fnmatch.fnmatchcase(
            one.path if whole else one.path.rpartition(b"/")[2], glob.lstrip(b"/") if whole else glob)]
        assert list(reader.match(glob)) == wanted


@given(st.lists(st.binary(max_size=30), max_size=60), st.integers(1, 400), st.integers(1, 60), st.integers(2, 5))
def test_runs_on_disk_sort_as_memory_does(strings: list[bytes], run: int, piece: int, fan: int) -> None:
    with patch("core.index.spool.RUN", run), patch("core.index.spool.PIECE", piece), patch("core.index.spool.FAN", fan):
        sorter = Sorter(io.BytesIO())
        for string in strings:
            sorter.add(string)
        assert [one for some in sorter.sorted() for one in some] == sorted(strings)


@given(st.lists(st.integers(1, (1 << 32) - 1), max_size=30), st.lists(st.tuples(PATH, PATH), max_size=5))
def test_frames_and_renames_come_back(sizes: list[int], renames: list[tuple[bytes, bytes]]) -> None:
    out = TemporaryFile()  # noqa: SIM115 (the reader closes it)
    writer = IndexWriter(out, io.BytesIO())
    writer.frames = FrameTable(GZIP, 1 << 20, array("I", sizes))
    writer.renames = []
    for old, new in renames:
        writer.rename(old, new)
    writer.finish()
    out.flush()
    with IndexReader(out, "it") as reader:
        assert reader.renames == renames and reader.frames is not None
        assert list(reader.frames.sizes) == sizes and (reader.frames.kind, reader.frames.unit) == (GZIP, 1 << 20)
        assert reader.frames.begin(len(sizes)) == sum(sizes) and reader.frames.frame_of((1 << 20) + 1) == 1


WORD = st.sampled_from([b"a", b"b", b"a", b"b", b"a b", b".", b"..", b".a", b"", b"\\", b"\\141", b"\0", b"\t", b"\xff"])
DETAIL = st.sampled_from([*[b"\t0 1 2 f"] * 3, b"", b"\t", b"\t512 1 2 d", b"\tx", b"\t1\t2", b"\t" + b"1" * 90,
                          b"\t" + b"1" * 91])
LINE = st.builds(lambda words, detail: b"/" + b"/".join(words) + detail, st.lists(WORD, min_size=1, max_size=4), DETAIL)


@given(st.lists(st.one_of(LINE, st.sampled_from([b"/a/b\t0 1 2 f", b"/a/c\t9 1 2 f", b"\t/a", b"a/b", b""])), max_size=12),
       st.integers(1, 80), st.booleans())
def test_lines_taken_together_are_what_each_is_alone(lines: list[bytes], size: int, ended: bool) -> None:
    text = b"\n".join(lines) + b"\n" * ended
    found = []
    for together in (True, False):
        out = io.BytesIO()
        writer = IndexWriter(out, io.BytesIO())
        taker = LineTaker(writer, "it")
        if together:
            for at in range(0, len(text), size):
                taker.feed(memoryview(text)[at:at + size])
            taker.finish()
        else:
            for line in text.split(b"\n"):
                taker.line(line)
        writer.finish()
        found.append(out.getvalue())
    assert found[0] == found[1]


def read_all(path: Path) -> tuple[object, ...]:
    with open_index(path) as reader:
        frames = reader.frames
        return [*reader.walk(b"")], reader.exact, reader.renames, frames and (frames.kind, frames.unit, list(frames.sizes))


def test_each_flipped_byte_and_each_cut_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "20260101000000_0.tix"
    with patch("core.index.writer.GROUP", 300), writing(path) as writer:
        writer.exact, writer.frames = True, FrameTable(GZIP, 1 << 20, array("I", [5, 6]))
        writer.rename(b"old", b"new")
        for number in range(60):
            writer.add(b"dir/%d" % number, Mark.FILE, "f", number, 1700000000 + number, 512 * number)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    whole, good = path.read_bytes(), read_all(path)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1:])
        with pytest.raises(WorldError) as caught:
            read_all(path)
        assert caught.value.code == "RST018" and "byte" in caught.value.message
        path.write_bytes(whole[:at])
        with pytest.raises(WorldError, match="damaged"):
            read_all(path)
    path.write_bytes(whole)
    assert read_all(path) == good


def test_nothing_is_left_of_an_index_that_failed(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), writing(tmp_path / "x.tix") as writer:
        writer.add(b"a", Mark.FILE)
        raise OSError("full")
    assert list(tmp_path.iterdir()) == []


def test_what_a_client_says_of_a_member_may_be_nonsense() -> None:
    with TemporaryFile() as spool:
        out = TemporaryFile()  # noqa: SIM115 (the reader closes it)
        writer = IndexWriter(out, spool)
        nonsense = [(b"a", b"1 x"), (b"b", b"1 " + b"9" * 30 + b" 1 2 f"), (b"c", b"1 5 6 7 ?"), (b"d", b"1 -5 6 7 f")]
        for name, detail in nonsense:
            writer.put(name, detail)
            writer.put(name, detail)
        writer.finish()
    out.flush()
    with IndexReader(out, "it") as reader:
        assert [(one.size, one.mtime, one.offset, one.kind) for one in reader.walk(b"")] == [
            (-1, -1, -1, ""), (1, 2, -1, "f"), (6, 7, 5, ""), (6, 7, -5, "f")]


@pytest.mark.parametrize("path", [b"..", b"a/..", b"../a", b"a/../b", b".", b"a/./b"])
def test_a_file_that_somebody_else_made_leads_nowhere(path: bytes) -> None:
    with index_of([Record(b"a/x", Mark.FILE), Record(path, Mark.FILE)]) as reader:
        for ask in (lambda: list(reader.walk(b"")), lambda: list(reader.match(b"*"))):
            with pytest.raises(WorldError, match="a name that is none") as caught:
                ask()
            assert caught.value.code == "RST018"
