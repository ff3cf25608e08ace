"""Whatever the sizes and wherever the disk fills up, the data comes back as it went in."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from core.holding.file import HoldingReader, HoldingWriter
from tests.support.holding import HEADER, FullDisk, data_of

DATA = os.urandom(700_000)
SIZES = st.lists(st.integers(1, 120_000), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(SIZES, st.sampled_from([0, 1, 64, 96, 100, 256]), st.none() | st.integers(0, 300),
       st.lists(st.tuples(st.integers(0, 200_000), st.integers(0, 300), st.booleans()), min_size=0, max_size=12),
       st.integers(1, 90_000))
def test_the_data_comes_back(
    sizes: list[int], chunksize: int, use: int | None, troubles: list[tuple[int, int, bool]], read_size: int,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        path, other = top / "one" / "x.0", top / "two" / "x.0"
        disk = FullDisk(troubles[0][0] if troubles else 10**9)
        writer = HoldingWriter(path, chunksize=chunksize, use=use, calls=disk.calls)
        writer.begin(HEADER)
        answers = iter(troubles)
        end = sum(sizes)
        view, at = memoryview(DATA)[:end], 0
        for size in sizes:
            piece = view[at:at + size]
            at += size
            while (took := writer.write(piece)) < len(piece):
                piece = piece[took:]
                assert writer.why in ("allotment", "disk")
                room, grant, elsewhere = next(answers, (10**9, 10**6, False))
                disk.room += room
                if elsewhere and writer.kib > 0:
                    writer.move(other, 64, grant)
                else:
                    writer.grant(grant)
            assert writer.why is None
        assert writer.written == end
        files = writer.finish(HEADER)
        assert data_of(path, size=read_size) == bytes(view)
        assert sum(file.stat().st_size for file in files) <= writer.kib * 1024
        assert sorted(files) == sorted(file for file in top.rglob("*") if file.is_file())
        with HoldingReader(path) as reader:
            reader.seek(end // 2)
            buffer = bytearray(10)
            got = bytes(buffer[:reader.readinto(buffer)])
            assert got == bytes(view[end // 2:end // 2 + len(got)]) and got
