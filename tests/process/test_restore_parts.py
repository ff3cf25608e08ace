"""A few files out of a dump: only their parts are read, and whatever is wrong with those or with the index is made up for."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from crc32c import crc32c

from core.errors import WorldError
from core.holding.header import HEADER_SIZE, Filters
from core.index.reader import open_index
from core.model.framesums import FRAME, FrameSums, encode, sealed
from core.restore import ranges, source
from core.restore.recover import Progress, Result, restore
from core.wire.packing import GZIP_FAST, Packing, zstd_for
from tests.support.dumps import HOST, Client, manifest, touch
from tests.support.indexes import lines_of, store_index

ZSTD = zstd_for("zstd")
assert ZSTD is not None
UNIT = 40_000
Pack = Callable[[bytes], bytes]


def framed(packing: Packing) -> Pack:
    """Small frames, so that a small dump has many."""
    def pack(data: bytes) -> bytes:
        return b"".join(packing.pack(memoryview(data)[at:at + UNIT]) for at in range(0, len(data), UNIT))
    return pack


WAYS = {"plain": (None, "N", Filters()), "gzip": (framed(GZIP_FAST), ".gz", Filters()),
        "zstd": (framed(ZSTD), "cust", Filters(server_compress="/usr/bin/zstd"))}


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(ranges, "SMALL", 0)
    monkeypatch.setattr(ranges, "GAP", 2000)
    monkeypatch.setattr(source, "NEAR", 8192)
    client = Client(tmp_path)
    for number in range(30):
        touch(client.tree / f"d{number % 3}/file {number}", os.urandom(30_000))
    os.link(client.tree / "d0/file 0", client.tree / "d2/link")
    touch(client.tree / ("n" * 150) / ("m" * 150), b"long")
    with open(client.tree / "sparse", "wb") as file:
        for number in range(40):
            file.seek(number * 50_000)
            file.write(os.urandom(4096))
    return client


def back(client: Client, out: Path, *paths: str, progress: Callable[[Progress], None] | None = None) -> Result:
    return restore(client.site, [f"{client.title}:{path}" for path in paths], "now", out, progress)


@pytest.mark.parametrize("store,parts", [("holding", 1), ("volume", 1), ("volume", 7)])
@pytest.mark.parametrize("way", WAYS)
def test_only_what_is_needed_is_read(client: Client, tmp_path: Path, way: str, store: str, parts: int) -> None:
    pack, comp, filters = WAYS[way]
    client.night(0, store, pack=pack, comp=comp, filters=filters, parts=parts)
    whole = manifest(client.tree)
    wanted = {"one": ["d1/file 4"], "long": ["n" * 150 + "/" + "m" * 150], "sparse": ["sparse"], "link": ["d2/link"],
              "several": ["d0/file 3", "d0/file 6", "d2/file 29", "sparse"]}
    for name, paths in wanted.items():
        steps: list[Progress] = []
        result = back(client, tmp_path / name, *paths, progress=steps.append)
        assert result.good and result.warnings == []
        found = manifest(tmp_path / name)
        for path in paths:
            assert found[path][:6] == whole[path][:6]
        assert {path for path in found if os.path.isfile(tmp_path / name / path)} == set(paths)
        read = max(1, len(paths))
        assert result.size < 400_000 * read and result.size < 0.8 * 1_200_000, (name, result.size)
        # A link costs another look; else what was foretold is about what was read.
        assert name == "link" or (steps[-1].total < 3 * result.size + 100_000 and steps[-1].total < 1_200_000)


@pytest.mark.parametrize("way", WAYS)
def test_a_damaged_part_is_noticed_and_another_copy_taken(client: Client, tmp_path: Path, way: str) -> None:
    pack, comp, filters = WAYS[way]
    stamp = client.night(0, "holding", pack=pack, comp=comp, filters=filters)
    with open_index(client.site.index_dir / HOST / "_home" / f"{stamp}_0.tix") as index:
        record = index.find(b"d1/file 4")
        frames = index.frames
    assert record is not None
    at = record.offset if frames is None else frames.begin(frames.frame_of(record.offset)) + frames.sizes[0] // 2
    half = client.base / "holding" / stamp / f"{HOST}._home.0"
    size = half.stat().st_size - 32768
    damaged = half if at < size else half.with_name(half.name + ".1")
    with open(damaged, "r+b") as file:
        file.seek(32768 + (at if at < size else at - size))
        file.write(b"\xff" * 20)
    with pytest.raises(Exception, match="RST024"):
        back(client, tmp_path / "out", "d1/file 4")
    assert not (tmp_path / "out").exists()


def test_an_index_that_lies_is_made_up_for(client: Client, tmp_path: Path) -> None:
    stamp = client.night(0)
    path = client.site.index_dir / HOST / "_home" / f"{stamp}_0.tix"
    with open_index(path) as index:
        names = [(line, record.offset) for line, record in zip(lines_of(index), index.walk(b""), strict=True)]
    for shift in (512, -512, 1 << 40, 512 * 61):
        store_index(path, [b"%s\t%d 1 1 f" % (line, max(0, offset + shift)) for line, offset in names])
        out = tmp_path / f"out {shift}"
        result = back(client, out, "d1/file 4")
        assert result.good and (out / "d1/file 4").read_bytes() == (client.tree / "d1/file 4").read_bytes()
        assert result.size > 900_000  # all of it was read


def test_frames_that_the_index_does_not_know_are_read_as_one_stream(client: Client, tmp_path: Path) -> None:
    client.night(0, pack=gzip.compress, comp=".gz")
    result = back(client, tmp_path / "out", "d1/file 4")
    assert result.good and result.size > 900_000


@pytest.mark.parametrize("store,parts", [("holding", 1), ("volume", 1), ("volume", 7)])
def test_whole_mib_are_compared_with_the_checksums_of_the_dump_s_own_day(
    client: Client, tmp_path: Path, store: str, parts: int
) -> None:
    touch(client.tree / "e/large", os.urandom(3_000_000))
    touch(client.tree / "o/other", os.urandom(4_000_000))
    stamp = client.night(0, store, parts=parts, sums=True)
    with open_index(client.site.index_dir / HOST / "_home" / f"{stamp}_0.tix") as index:
        at = {path: record.offset for path in (b"d1/file 4", b"e/large") if (record := index.find(path)) is not None}
    result = back(client, tmp_path / "one", "d1/file 4")
    assert result.good and result.checked == ["sums"] and FRAME <= result.size < 3 * FRAME
    assert (tmp_path / "one/d1/file 4").read_bytes() == (client.tree / "d1/file 4").read_bytes()
    large = back(client, tmp_path / "large", "e/large", "d1/file 4")
    assert large.good and large.checked == ["sums"] and 3 * FRAME < large.size < 6 * FRAME
    assert (tmp_path / "large/e/large").read_bytes() == (client.tree / "e/large").read_bytes()
    # All of it is compared by its checksum, and the MiB by the way; without an index there is nothing else.
    assert restore(client.site, [client.title], "now", tmp_path / "all").checked == ["whole"]
    # One byte in the middle of the file: its header is right, and its length.
    flip(client, stamp, store, at[b"e/large"] + 1_500_000)
    assert back(client, tmp_path / "again", "d1/file 4").good
    with pytest.raises(WorldError, match="its data has CRC") as caught:
        back(client, tmp_path / "damaged", "e/large")
    assert caught.value.code == "RST024" and not (tmp_path / "damaged").exists()


def test_checksums_that_are_another_dump_s_cost_nothing_but_time(client: Client, tmp_path: Path) -> None:
    stamp = client.night(0, sums=True)
    kept = client.site.index_dir / HOST / "_home" / f"{stamp}_0.crcs"
    other = FrameSums(crc32c)
    other.add(memoryview(bytes(3 * FRAME)))
    kept.write_bytes(sealed(encode(other), crc32c))
    result = back(client, tmp_path / "out", "d1/file 4")
    assert result.good and result.checked == ["whole"] and result.warnings == []
    assert (tmp_path / "out/d1/file 4").read_bytes() == (client.tree / "d1/file 4").read_bytes()


def test_without_those_checksums_the_result_says_so(client: Client, tmp_path: Path) -> None:
    stamp = client.night(0)
    assert back(client, tmp_path / "out", "d1/file 4").checked == ["headers"]
    (client.site.index_dir / HOST / "_home" / f"{stamp}_0.crcs").write_bytes(b"damaged")
    assert back(client, tmp_path / "more", "d1/file 4").checked == ["headers"]
    client.night(0, pack=framed(GZIP_FAST), comp=".gz")
    assert back(client, tmp_path / "packed", "d1/file 4").checked == ["frames"]


def flip(client: Client, stamp: str, store: str, at: int) -> None:
    """Flip a bit of byte ``at`` of the archive, which is stored as it is."""
    if store == "holding":
        first = client.base / "holding" / stamp / f"{HOST}._home.0"
        files = [first, first.with_name(first.name + ".1")]
    else:
        files = sorted((client.base / "vtapes").glob("slot*/0000[1-9]*"), key=lambda path: (path.parent.name, path.name))
    for file in files:
        size = file.stat().st_size - HEADER_SIZE
        if at < size:
            with open(file, "r+b") as opened:
                opened.seek(HEADER_SIZE + at)
                byte = opened.read(1)[0]
                opened.seek(HEADER_SIZE + at)
                opened.write(bytes([byte ^ 4]))
            return
        at -= size
    raise AssertionError("there is no such byte")


def test_a_small_dump_is_read_as_a_whole(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "SMALL", 4 << 20)
    client.night(0)
    assert back(client, tmp_path / "out", "d1/file 4").size > 900_000
