"""Any header that can be written is read back; any bytes are read as something."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.holding.header import HEADER_SIZE, Filters, Header, Kind, build, parse
from core.model.dump import Crc

WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters='"\\\x7f'), min_size=1, max_size=30)
NAMES = st.text(st.characters(min_codepoint=1, max_codepoint=0x2FF), min_size=1, max_size=60)
LINES = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="|"), max_size=60).map(str.strip)
CRCS = st.builds(Crc, st.integers(1, 2**32 - 1), st.integers(0, 2**60)) | st.just(Crc(0, 0))
PROGRAMS = WORDS.filter(lambda word: not word.lower().endswith(".exe"))
HEADERS = st.builds(
    Header, st.sampled_from([Kind.FILE, Kind.CONT_FILE]), WORDS, WORDS, NAMES, st.integers(0, 399),
    comp=st.sampled_from(["N", ".gz", ".Z", "cust"]), program=PROGRAMS,
    filters=st.builds(Filters, st.sampled_from(["", "enc"]), *[st.just("") | WORDS] * 6),
    application=LINES, cont_filename=LINES, partial=st.booleans(), orig_kib=st.integers(0, 2**50),
    native=CRCS, client=CRCS, server=CRCS, dle_xml=st.lists(LINES, max_size=5).map("\n".join).map(str.strip),
    recover=LINES,
)


@given(HEADERS)
def test_what_is_written_is_read_back(header: Header) -> None:
    block = build(header)
    assert len(block) == HEADER_SIZE
    assert parse(block) == header
    assert build(parse(block)) == block


@given(st.binary(max_size=400))
def test_any_bytes_are_read(block: bytes) -> None:
    assert parse(block).kind in Kind


@given(st.sampled_from([b"FILE", b"SPLIT_FILE", b"TAPESTART"]), st.binary(max_size=200), st.integers(0, 200),
       st.binary(max_size=20))
def test_a_spoilt_header_is_read(kind: bytes, tail: bytes, at: int, spoil: bytes) -> None:
    raw = b"AMANDA: " + kind + b" 20260101 h /d  part 1/-1  lev 0 comp N program p\nDLE=<<E\n" + tail
    assert parse(raw[:at] + spoil + raw[at:]).kind in Kind
