"""Checksums of an archive, MiB by MiB: the same however it comes, and no damaged file of them is believed."""

from __future__ import annotations

import random
from array import array

import pytest
from crc32c import crc32c

from core.model.dump import Crc
from core.model.framesums import (
    FRAME,
    FrameSums,
    KeptSums,
    decode,
    encode,
    frames_of,
    sealed,
    whole_of,
    wrong_frames,
)


def sums_of(data: bytes, *steps: int) -> FrameSums:
    """The sums of data that comes in pieces of these sizes, again and again."""
    found, at, number = FrameSums(crc32c), 0, 0
    while at < len(data):
        size = steps[number % len(steps)] if steps else len(data)
        found.add(memoryview(data)[at:at + size])
        at, number = at + size, number + 1
    return found


@pytest.mark.parametrize("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 3 * FRAME + 7])
@pytest.mark.parametrize("steps", [(), (511, 65536), (131072,), (FRAME,), (FRAME + 5, 3 * FRAME)])
def test_each_mib_and_the_whole(size: int, steps: tuple[int, ...]) -> None:
    data = random.Random(size).randbytes(size)
    found = sums_of(data, *steps)
    assert found.crc == Crc(crc32c(data), size) and found.size == size
    assert list(found.frames) == [crc32c(data[at:at + FRAME]) for at in range(0, size, FRAME)]
    assert len(found.frames) == frames_of(size) and found.complete == size // FRAME
    assert whole_of(found.frames, size) == found.crc.value
    kept = decode(sealed(encode(found), crc32c), crc32c)
    assert (kept.crc, kept.frames) == (found.crc, found.frames)
    assert wrong_frames(found, kept) == []


def test_what_differs_is_told_by_its_number() -> None:
    data = bytearray(random.Random(1).randbytes(4 * FRAME + 100))
    then = sums_of(bytes(data))
    for at, wrong in ((0, [0]), (FRAME - 1, [0]), (FRAME, [1]), (4 * FRAME + 99, [4])):
        data[at] ^= 4
        assert wrong_frames(sums_of(bytes(data)), then) == wrong
        data[at] ^= 4
    assert wrong_frames(sums_of(bytes(data[:2 * FRAME])), then) == [2, 3, 4], "what is not there any more"
    assert wrong_frames(sums_of(bytes(data) + b"x"), then) == [4]
    assert wrong_frames(sums_of(bytes(data) + bytes(FRAME)), then) == [4, 5]


def test_no_damaged_file_is_believed() -> None:
    good = sealed(encode(sums_of(random.Random(2).randbytes(2 * FRAME + 1))), crc32c)
    for at in range(len(good)):
        for pattern in (1, 0x80, 0xFF):
            bad = good[:at] + bytes([good[at] ^ pattern]) + good[at + 1:]
            with pytest.raises(ValueError, match="their own checksum"):
                decode(bad, crc32c)
    for size in (0, 10, len(good) - 1):
        with pytest.raises(ValueError):
            decode(good[:size], crc32c)


@pytest.mark.parametrize(("sums", "why"), [
    (KeptSums(Crc(5, FRAME + 1), array("I", [1, 2])), "the checksum of the whole"),
    (KeptSums(Crc(5, FRAME + 1), array("I", [1])), "number is wrong"),
    (KeptSums(Crc(5, 0), array("I", [1])), "number is wrong"),
])
def test_sums_that_make_no_sense(sums: KeptSums, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        decode(sealed(encode(sums), crc32c), crc32c)


def test_another_version_is_said_to_be_one() -> None:
    data = bytearray(encode(sums_of(b"x")))
    data[14:15] = b"2"
    with pytest.raises(ValueError, match="another version"):
        decode(sealed(bytes(data), crc32c), crc32c)


def test_a_dump_with_too_many_frames_keeps_the_sum_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.model.framesums.MOST", 2)
    data = random.Random(3).randbytes(2 * FRAME + 9)
    found = sums_of(data)
    assert not found.frames and found.crc == Crc(crc32c(data), len(data))
    assert decode(sealed(encode(found), crc32c), crc32c).crc == found.crc
    assert len(sums_of(data[:2 * FRAME]).frames) == 2
