"""One byte changed: every place where a checksum of ours stands finds it, says where, and loses nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from crc32c import crc32c

from core.catalogue import sums
from core.client.follow import Journal
from core.client.runs import Run
from core.events import codec
from core.events import event as e
from core.events.event import Record
from core.holding.header import HEADER_SIZE, Header, Kind, build, parse
from core.holding.seal import SEAL_SIZE, seal, unseal
from core.model.dump import Crc
from tests.support.flips import PATTERNS, cases

HEADER = Header(
    Kind.FILE, "20261123001500", "web1.example.org", "/srv/a name", 1, comp=".gz", program="/bin/tar", orig_kib=123456,
    native=Crc(0x11223344, 999), client=Crc(0x55667788, 999), server=Crc(0x99AABBCC, 777), uncompress="/bin/gzip -dc",
    dle_xml="<dle>\n  <program>GNUTAR</program>\n</dle>", recover="/bin/tar -xpGf - ...", cont_filename="/hold/x.1",
    application="amgtar", blocksize=32)
BLOCK = seal(build(HEADER))
TEXT = BLOCK.index(b"\0")


def flip(data: bytes, at: int, pattern: int) -> bytes:
    return data[:at] + bytes([data[at] ^ pattern]) + data[at + 1:]


def test_a_seal_is_in_the_padding_alone() -> None:
    assert BLOCK[:-SEAL_SIZE] == build(HEADER)[:-SEAL_SIZE] and len(BLOCK) == HEADER_SIZE
    assert BLOCK[-SEAL_SIZE:] == b"TAPEROOM-CRC32C=%08x\n" % crc32c(BLOCK[:-SEAL_SIZE])
    assert parse(BLOCK) == HEADER and parse(BLOCK).note == ""
    assert seal(BLOCK) == BLOCK, "it is made once"
    full = b"x" * HEADER_SIZE
    assert seal(full) == full and unseal(full).note == "", "a text that fills the block leaves no room"
    assert unseal(b"").note == "" and unseal(b"AMANDA").block == b"AMANDA"


def _check(at: int, pattern: int) -> None:
    found = parse(flip(BLOCK, at, pattern))
    assert found == HEADER, (at, pattern, found)
    assert found.note.startswith(f"byte {at} of its header"), (at, pattern, found.note)


def test_each_byte_of_a_header_is_missed_and_mended() -> None:
    places = [*range(0, TEXT, 3), TEXT - 1, TEXT, TEXT + 1, *range(2000, HEADER_SIZE - SEAL_SIZE, 3001)]
    for at, pattern in cases(places):
        _check(at, pattern)
    for at in range(HEADER_SIZE - SEAL_SIZE, HEADER_SIZE):
        for pattern in PATTERNS:
            _check(at, pattern)


@pytest.mark.slow
def test_every_byte_of_a_header_with_every_pattern() -> None:
    for at in range(TEXT + 2):
        for pattern in PATTERNS:
            _check(at, pattern)
    for at, pattern in cases(range(TEXT, HEADER_SIZE, 7)):
        _check(at, pattern)


def test_two_bytes_are_not_mended_but_found() -> None:
    for first, second in ((0, 1), (7, 300), (20, HEADER_SIZE - SEAL_SIZE - 1), (100, 101)):
        found = parse(flip(flip(BLOCK, first, 0xFF), second, 0x55))
        assert found.kind is Kind.WEIRD
        assert found.note == f"its header, bytes 0 to {HEADER_SIZE - 1}, does not give its checksum: it is damaged"
    torn = BLOCK[:512] + bytes(512) + BLOCK[1024:]
    assert parse(torn) == HEADER or parse(torn).kind is Kind.WEIRD


def test_amandas_own_header_has_only_its_padding_to_tell() -> None:
    block = build(HEADER)
    assert parse(block) == HEADER and not parse(block).note
    for at, pattern in cases(range(TEXT + 1, HEADER_SIZE, 997)):
        found = parse(flip(block, at, pattern))
        assert found == HEADER
        assert found.note == f"byte {at} of its header, behind the header's text, is {pattern:#04x} and should be 0x00"


RECORDS = [
    Record(1, 1795395130.25, e.RunBegan("20261123001500", "daily", "/etc/taperoom.toml", "ana", 7, 2, 3, 4)),
    Record(2, 1795395131.5, e.DumpBegan("00-00001", "web1", "/home\udcff", 1, "dumper0", "holding", "/hold/x", 1, 100)),
    Record(3, 1795395132.0, e.QuestionAsked(1, "HLD003", "D", "web1", "no room", (e.Choice("wait", "w", "nothing"),),
                                            "wait", 1795395140.0, "00-00001")),
    Record(4, 1795395133.0, e.Notice("RUN013", "W", "plan", "häh?")),
    Record(5, 1795395134.0, e.RunEnded(0, 1, 0, 0)),
]
LINES = [codec.encode(record) for record in RECORDS]
JOURNAL = b"".join(LINES)


def test_each_byte_of_a_journal_is_missed_and_costs_its_own_fact_at_most() -> None:
    ends = [sum(map(len, LINES[:n + 1])) for n in range(len(LINES))]
    for at in range(len(JOURNAL)):
        for pattern in (PATTERNS if JOURNAL[at] in b'"\n{}:,' else PATTERNS[at % 8:at % 8 + 2]):
            records, damage = codec.inspect(flip(JOURNAL, at, pattern))
            number = next(n for n, end in enumerate(ends) if at < end)
            newline = JOURNAL[at:at + 1] == b"\n"
            assert records == (RECORDS if newline else RECORDS[:number] + RECORDS[number + 1:]), (at, pattern)
            [place] = damage
            assert place.start <= at < place.end and place.line == number + 1, (at, pattern, place)
            assert place.seq == (0 if newline else number + 1)


def test_faces_are_told_of_damage_by_a_notice_in_the_place_of_the_fact() -> None:
    assert codec.read(JOURNAL) == RECORDS
    at = len(LINES[0]) + 20
    found = codec.read(flip(JOURNAL, at, 0xFF))
    assert [record.seq for record in found] == [1, 2, 3, 4, 5]
    assert [record for record in found if record.seq != 2] == [RECORDS[0], *RECORDS[2:]]
    end = len(LINES[0]) + len(LINES[1]) - 2
    assert found[1].event == e.Notice(
        "RUN031", "W", "journal.jsonl", f"line 2 (bytes {len(LINES[0])} to {end}) is damaged; fact 2 is lost")
    newline = codec.read(flip(JOURNAL, len(LINES[0]) - 1, 0xFF))
    assert newline[:5] == RECORDS and newline[5].seq == 6
    assert newline[5].event.text == (  # type: ignore[union-attr]
        f"line 1 (bytes {len(LINES[0]) - 1} to {len(LINES[0]) - 1}) is damaged; no fact is lost")
    many = b"".join(line if n % 2 else b"x" + line for n, line in enumerate(LINES))
    assert [type(record.event).__name__ for record in codec.read(many)] == [
        "Notice", "DumpBegan", "Notice", "Notice", "Notice"]
    assert str(codec.inspect(b"x\ny\n" + LINES[3])[1][0]) == "line 1 (bytes 0 to 2) is damaged; facts 1 to 3 are lost"
    worse = b"".join(b"x\n" + line for line in LINES * 9)
    assert codec.read(worse) and len(codec.inspect(worse)[1]) == 45


def test_a_follower_is_told_in_the_place_of_the_fact(tmp_path: Path) -> None:
    run = Run(tmp_path / "20261123001500")
    run.path.mkdir()
    at = len(LINES[0]) + len(LINES[1]) + 9
    damaged = flip(JOURNAL, at, 0xFF)
    follower = Journal(run)
    assert follower.read() == []
    found = []
    for cut in range(0, len(damaged), 100):
        with open(run.journal, "ab") as journal:
            journal.write(damaged[cut:cut + 100])
        found += follower.read()
    follower.close()
    assert [record.seq for record in found] == [1, 2, 3, 4, 5]
    assert [record for record in found if record.seq != 3] == RECORDS[:2] + RECORDS[3:]
    start = len(LINES[0]) + len(LINES[1])
    assert found[2].event == e.Notice(
        "RUN031", "W", "journal.jsonl",
        f"line 3 (bytes {start} to {start + len(LINES[2]) - 2}) is damaged; fact 3 is lost")
    assert [r.seq for r in Journal(run, after=3).read()] == [4, 5]


def test_a_crash_is_no_damage_and_neither_is_another_version() -> None:
    for cut in range(len(JOURNAL)):
        records, damage = codec.inspect(JOURNAL[:cut])
        assert not damage, cut
        assert records == RECORDS[:JOURNAL[:cut].count(b"\n")]
    run_on = JOURNAL[:len(LINES[0]) - 1] + b"\xf5" + LINES[1][:30]
    assert codec.inspect(run_on)[0] == RECORDS[:1] and len(codec.inspect(run_on)[1]) == 1
    old = b'{"seq":1,"at":1.5,"event":"Resumed","by":"ana"}\n'
    assert codec.inspect(old) == ([Record(1, 1.5, e.Resumed("ana"))], [])
    newer = b'{"seq":1,"at":1.5,"event":"Yodelled","by":"ana"'
    sealed = newer + b',"sum":"%08x"}\n' % crc32c(newer)
    assert codec.inspect(sealed) == ([], []) == codec.inspect(newer + b"}\n")
    field = b'{"seq":1,"at":1.5,"event":"Resumed","by":"ana","why":"tea"'
    assert codec.inspect(field + b',"sum":"%08x"}\n' % crc32c(field)) == ([], [])
    assert len(codec.inspect(field + b"}\n")[1]) == 1


@pytest.mark.parametrize("line", [
    b"[" * 100_000, b'{"seq":1,"at":NaN,"event":"Resumed","by":"a"}', b'{"seq":1,"at":1e999,"event":"Resumed","by":"a"}',
    b'{"seq":"1","at":1,"event":"Resumed","by":"a"}', b'{"seq":1,"at":1,"event":"Resumed","by":7}',
    b'{"seq":1,"at":1,"event":"Resumed","by":"\\ud800"}', b'{"seq":99999999999999999999,"at":1,"event":"Resumed","by":"a"}',
    b'{"seq":true,"at":1,"event":"Resumed","by":"a"}', b'{"seq":0,"at":1,"event":"Resumed","by":"a"}',
    b'{"seq":1,"at":1,"event":["Resumed"],"by":"a"}', b'{"seq":1,"at":1,"event":"Stopping","by":"a","now":1}',
    b'{"seq":1,"at":1,"event":"RunEnded","code":0,"done":0,"failed":0,"left_on_holding":1' + b"0" * 5000 + b"}",
])
def test_a_line_that_only_looks_like_a_fact_is_none(line: bytes) -> None:
    assert codec.decode(line) is None


def test_the_catalogues_checksums_name_the_piece() -> None:
    data = bytes(range(256)) * 1000
    text = sums.sums_of(data)
    assert sums.difference(data, text) == ""
    for at, pattern in cases(range(0, len(data), 7001)):
        start = at // sums.PIECE * sums.PIECE
        end = min(start + sums.PIECE, len(data)) - 1
        assert sums.difference(flip(data, at, pattern), text) == (
            f"bytes {start} to {end} are not what was written, or their checksum is not")
    two = flip(flip(data, 5, 1), 200_000, 1)
    assert sums.difference(two, text).startswith("bytes 0 to 65535 and 1 pieces more are not")
    assert "256000 bytes" in sums.difference(data, sums.sums_of(data[:-1]))
    for at, pattern in cases(range(len(text))):
        assert sums.difference(data, flip(text.encode(), at, pattern).decode("ascii", "replace")), at
