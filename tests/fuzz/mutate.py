"""Inputs for fuzzing: good ones that were damaged, good words in any order, and plain noise."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

INTERESTING = (
    b"\0", b"\n", b"\xff", b" ", b'"', b"\\", b"-1", b"0", b"99999999999999999999", b"%s", b"\xed\xa0\x80", b"[" * 3000,
    b"9" * 5000, b"a" * 70_000, b"NaN", b"1e999", b"\\ud800", b"../", b"\xe2\x80\xae", b";", b"=", b"<", b"&#0;", b"{")


@st.composite
def _damaged(draw: st.DrawFn, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        size = draw(st.sampled_from((0, 1, 1, 2, 4, 8, 33)))
        match draw(st.integers(0, 5)):
            case 0 if at < len(data):
                data[at] ^= draw(st.integers(1, 255))
            case 1:
                del data[at:at + size]
            case 2:
                data[at:at + size] = draw(st.sampled_from(words))
            case 3:
                data[at:at] = data[at:at + 40 * size]
            case 4:
                data[at:at] = draw(st.binary(max_size=8))
            case _:
                other = draw(st.sampled_from(seeds))
                data[at:] = other[draw(st.integers(0, len(other))):]
    return bytes(data)


def inputs(seeds: Sequence[bytes], words: Sequence[bytes] = ()) -> st.SearchStrategy[bytes]:
    """Bytes that are nearly, partly or not at all like one of ``seeds``; ``words`` are worth putting in."""
    known = (*words, *INTERESTING)
    return st.one_of(
        _damaged(seeds, known), _damaged(seeds, known), st.binary(max_size=300),
        st.lists(st.sampled_from(known), max_size=12).map(b"".join))
