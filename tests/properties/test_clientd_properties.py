"""The client's own readers and writers: tar streams however they are cut, patterns as tar has them, members of gzip."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clientd.compression import compress_stream
from clientd.selection import Matcher
from core.wire.packing import GZIP_BEST, GZIP_FAST, MEMBER, FrameSizes, Packing, zstd_for
from core.wire.tar_index import TarIndexer
from core.wire.tar_quoting import quote_name

ZSTD = zstd_for("/usr/bin/zstd") or GZIP_FAST
HAS_ZSTD = shutil.which("zstd") is not None
names = st.binary(min_size=1, max_size=160).filter(
    lambda name: not set(name) & set(b"/\0") and name not in (b".", b"..")
)


def archive(members: list[tuple[bytes, int]], form: int) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as tar:
        for name, size in members:
            info = tarfile.TarInfo("./" + name.decode("utf-8", "surrogateescape"))
            info.size, info.mtime = size, len(made.getvalue()) + size
            tar.addfile(info, io.BytesIO(bytes(size)))
    return made.getvalue()


Found = tuple[int, bytes, int, int, bytes]


def indexed(data: bytes, cuts: list[int]) -> list[Found]:
    found: list[Found] = []
    indexer = TarIndexer(lambda *member: found.append(member))
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        indexer.feed(memoryview(data)[start:end])
    return found


@given(
    st.lists(st.tuples(names, st.integers(0, 3000)), max_size=6),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    st.data(),
)
def test_members_are_found_however_the_stream_is_cut(
    members: list[tuple[bytes, int]], form: int, data: st.DataObject
) -> None:
    stream = archive(members, form)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    found = indexed(stream, cuts)
    assert found == indexed(stream, [])
    with tarfile.open(fileobj=io.BytesIO(stream), encoding="utf-8", errors="surrogateescape") as tar:
        assert found == [(one.offset, b"./" + name, size, one.mtime, b"f")
                         for one, (name, size) in zip(tar, members, strict=True)]


@given(st.lists(st.one_of(st.binary(max_size=700), st.sampled_from([b"\0" * 512, b"./x" + b"\0" * 509])), max_size=6))
def test_garbage_never_fails(pieces: list[bytes]) -> None:
    indexer = TarIndexer(lambda *member: None, lambda path: None)
    for piece in pieces:
        indexer.feed(memoryview(piece))


@given(names)
def test_names_are_printable(name: bytes) -> None:
    quoted = quote_name(name)
    assert quoted.isascii() and quoted.decode().isprintable()


@given(st.binary(max_size=MEMBER * 2 + 5), st.sampled_from([GZIP_FAST, GZIP_BEST, ZSTD]), st.integers(1, 70_000),
       st.integers(1, 3))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow])
def test_frames(data: bytes, packing: Packing, chunk: int, workers: int) -> None:
    source, out = io.BytesIO(data), bytearray()

    def take(buffer: memoryview) -> int:
        return source.readinto(buffer[:chunk])

    compress_stream(take, out.extend, packing, workers)
    if packing is ZSTD and data and not HAS_ZSTD:
        print("NOT TESTED with the program zstd, which is not installed: with the library alone")
        assert zstandard.ZstdDecompressor().stream_reader(bytes(out), read_across_frames=True).read() == data
    elif packing is ZSTD and data:
        assert subprocess.run(["zstd", "-dc"], input=out, capture_output=True, check=True).stdout == data
    elif data:
        assert gzip.decompress(bytes(out)) == data
    sizes, at = FrameSizes(), 0
    for end in sorted({chunk % (len(out) + 1), len(out) // 2, len(out)}):
        sizes.feed(memoryview(bytes(out))[at:end])
        at = end
    assert sizes.whole is bool(data) and sum(sizes.sizes) == len(out)
    if data:
        # Each frame alone gives its own part of the data.
        number = len(sizes.sizes) - 1
        begin = sum(sizes.sizes[:number])
        alone = bytes(out)[begin:]
        raw = gzip.decompress(alone) if packing is not ZSTD else zstandard.ZstdDecompressor().decompress(alone[16:])
        assert raw == data[number * sizes.unit:]


def test_a_fault_of_either_end_comes_out() -> None:
    def broken(buffer: memoryview) -> int:
        raise OSError("read")

    def full(data: bytes | memoryview) -> None:
        raise BrokenPipeError

    with pytest.raises(OSError, match="read"):
        compress_stream(broken, lambda data: None, GZIP_FAST)
    with pytest.raises(BrokenPipeError):
        compress_stream(lambda buffer: len(buffer), full, GZIP_FAST)
    with pytest.raises(ZeroDivisionError):
        compress_stream(lambda buffer: len(buffer), lambda data: None, Packing(MEMBER, lambda data: bytes(1 // 0)))


TREE = ["a", "ab", "a.o", "b/a", "b/ab", "b/c/a.o", "b/c/d/x", "c[1]", "x*y", "b/\u00fc", "b/.hid"]
patterns = (
    st.lists(
        st.sampled_from(
            [
                "a",
                "b",
                "*",
                "?",
                ".",
                "/",
                "./",
                "o",
                "[ab]",
                "[!a]",
                "[^b]",
                "[a-c]",
                "\\*",
                "\\[",
                "c",
                "d",
                "x",
                "y",
                "1",
            ]
        ),
        min_size=1,
        max_size=5,
    )
    .map("".join)
    .filter(lambda text: not text.startswith("-"))
)


@given(st.lists(patterns, min_size=1, max_size=2))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_excludes_match_as_tars_do(tmp_path: Path, chosen: list[str]) -> None:
    for name in TREE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    command = ["tar", "-c", "-C", tmp_path, *(f"--exclude={pattern}" for pattern in chosen), "."]
    made = subprocess.run(command, capture_output=True, check=True, env={"LC_ALL": "C", "PATH": os.environ["PATH"]})
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as tar:
        kept = {"." if name == "." else f"./{name.removeprefix('./')}" for name in tar.getnames()}
    matcher = Matcher(tuple(chosen))
    every = {".", "./b", "./b/c", "./b/c/d", *(f"./{name}" for name in TREE)}

    def excluded(name: str) -> bool:
        return matcher.excludes(name) or (name != "." and excluded(name.rpartition("/")[0]))

    assert {name for name in every if not excluded(name)} == kept
