"""An archive that is compared with its checksums as it passes."""

from __future__ import annotations

import os

import pytest
from crc32c import crc32c

from core.errors import WorldError
from core.model.dump import Crc
from core.model.framesums import FRAME, FrameSums, KeptSums, decode, encode, sealed
from core.restore.kept import Compared

DATA = os.urandom(3 * FRAME + 1000)


def sums() -> KeptSums:
    made = FrameSums(crc32c)
    made.add(memoryview(DATA))
    return decode(sealed(encode(made), crc32c), crc32c)


def passed(data: bytes, at: int, step: int) -> tuple[bytes, list[int]]:
    proved: list[int] = []
    pieces = (memoryview(data)[n:n + step] for n in range(at, len(data), step))
    compared = Compared(sums(), pieces, at, "here", proved.append)
    return b"".join(compared), proved


@pytest.mark.parametrize("step", [1000, 65536, FRAME, FRAME - 1, 2 * FRAME + 5, 10 * FRAME])
@pytest.mark.parametrize("at", [0, FRAME, 3 * FRAME])
def test_what_is_right_passes(step: int, at: int) -> None:
    found, proved = passed(DATA, at, step)
    assert found == DATA[at:] and proved == [end for end in (FRAME, 2 * FRAME, 3 * FRAME, len(DATA)) if end > at]
    # What comes after the archive is padding.
    assert passed(DATA + bytes(40_000), at, step) == (DATA[at:] + bytes(40_000), proved)


@pytest.mark.parametrize("byte", [0, FRAME - 1, FRAME, 2 * FRAME + 5, len(DATA) - 1])
def test_a_byte_that_is_wrong_is_found_before_more_is_given_on(byte: int) -> None:
    wrong = DATA[:byte] + bytes([DATA[byte] ^ 1]) + DATA[byte + 1:]
    given = bytearray()
    compared = Compared(sums(), (memoryview(wrong)[n:n + 4096] for n in range(0, len(wrong), 4096)), 0, "here", lambda at: None)
    with pytest.raises(WorldError, match=f"here: MiB {byte // FRAME} of the archive is not what was dumped") as caught:
        for piece in compared:
            given += piece
    assert caught.value.code == "RST023" and len(given) < (byte // FRAME + 1) * FRAME


def test_what_another_checksum_judges_passes_unproved() -> None:
    wrong, proved = DATA[:FRAME] + b"?" + DATA[FRAME + 1:], list[int]()
    pieces = (memoryview(wrong)[n:n + 4096] for n in range(0, len(wrong), 4096))
    assert b"".join(Compared(sums(), pieces, 0, "here", proved.append, strict=False)) == wrong
    assert proved == [FRAME]


def test_the_rest_of_a_mib_is_read_for_it() -> None:
    proved: list[int] = []
    compared = Compared(sums(), (memoryview(DATA)[n:n + 4096] for n in range(0, len(DATA), 4096)), 0, "here", proved.append)
    assert len(next(iter(compared))) == 4096 and proved == []
    compared.to_the_end_of_the_frame()
    assert proved == [FRAME] and compared.at == FRAME
    compared.to_the_end_of_the_frame()
    assert compared.at == FRAME
    short = Compared(sums(), iter([memoryview(DATA)[:5000]]), 0, "here", proved.append)
    assert len(next(iter(short))) == 5000
    with pytest.raises(WorldError, match="the archive ends at byte 5000, it had"):
        short.to_the_end_of_the_frame()


def test_an_archive_of_nothing_has_nothing_to_compare() -> None:
    nothing = KeptSums(Crc(0, 0), FrameSums(crc32c).frames)
    compared = Compared(nothing, iter([memoryview(b"padding")]), 0, "here", lambda at: None)
    assert b"".join(compared) == b"padding"


def test_sums_that_are_read_in_a_hurry() -> None:
    made = FrameSums(crc32c)
    made.add(memoryview(DATA))
    data = sealed(encode(made), crc32c)
    assert decode(data, crc32c, closely=False) == decode(data, crc32c)
    for at in (0, 20, 40, len(data) - 1):
        with pytest.raises(ValueError, match="checksum"):
            decode(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:], crc32c, closely=False)
