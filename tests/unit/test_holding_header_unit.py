"""The header codec at its edges: what Amanda's rules say where no fixture shows it."""

from __future__ import annotations

import pytest

from core.holding.header import HEADER_SIZE, Filters, Header, Kind, build, parse, text
from core.model.dump import NO_CRC, Crc

DUMP = Header(Kind.FILE, datestamp="20260101000000", host="web1", disk="/home", program="GNUTAR")


def first(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape").split("\n")[0]


def test_the_least_header() -> None:
    assert text(DUMP).decode() == (
        "AMANDA: FILE 20260101000000 web1 /home  lev 0 comp N program GNUTAR\n"
        "To restore, position tape at start of file and run:\n"
        "\tdd if=<tape> bs=32k skip=1 | \n\f\n"
    )
    assert len(build(DUMP)) == HEADER_SIZE and len(build(DUMP, size=65536)) == 65536


def test_a_split_file_has_its_part() -> None:
    header = Header(Kind.SPLIT_FILE, "1", "h", "/d", 3, 2, -1, ".gz", "/bin/tar")
    assert first(text(header)) == "AMANDA: SPLIT_FILE 1 h /d  part 2/-1  lev 3 comp .gz program /bin/tar"
    assert parse(build(header)) == header


def test_the_small_kinds() -> None:
    assert text(Header(Kind.TAPESTART, "X", label="A-1")) == b"AMANDA: TAPESTART DATE X TAPE A-1\n\f\n"
    assert text(Header(Kind.TAPEEND, "20260101")) == b"AMANDA: TAPEEND DATE 20260101\n\f\n"
    assert text(Header(Kind.NOOP)) == b"AMANDA: NOOP\n\f\n"
    for kind in (Header(Kind.TAPESTART, "X", label="A-1"), Header(Kind.TAPEEND, "20260101"), Header(Kind.NOOP)):
        assert parse(build(kind)) == kind and not kind.is_dump


def test_commands_of_the_dd_line() -> None:
    one = Header(Kind.FILE, "1", "h", "/d", program="p", decrypt="/bin/dec -d", uncompress="/bin/gzip -dc", recover="tar x")
    assert b"skip=1 | /bin/dec -d | /bin/gzip -dc | tar x \n" in text(one)
    assert parse(build(one)) == one
    assert parse(build(one)).blocksize == 32 and parse(text(one, bs=None)).blocksize == 0


def test_a_recover_text_of_a_client_that_pipes_is_read_as_two() -> None:
    header = parse(text(Header(Kind.FILE, "1", "h", "/d", program="p", recover="/bin/gzip -dc |/bin/tar -xpGf - ...")))
    assert (header.uncompress, header.recover) == ("/bin/gzip -dc", "/bin/tar -xpGf - ...")


def test_filters_are_on_the_first_line() -> None:
    filters = Filters("enc", "/bin/zstd", "", "", "/bin/crypt", "", "-d")
    header = Header(Kind.FILE, "1", "h", "/d", comp="cust", program="p", filters=filters)
    assert first(text(header)).endswith(
        "program p crypt enc server_custom_compress /bin/zstd client_encrypt /bin/crypt client_decrypt_option -d")
    assert parse(build(header)) == header


def test_old_and_odd_words_are_read() -> None:
    assert parse(b"NETDUMP: FILE 1 h /d lev 0 comp C program x crypt N odd thing\n").comp == ".Z"
    assert parse(b"AMANDA: FILE 1 h /d lev 0 comp C program x crypt N\n").filters == Filters()
    assert parse(b"AMANDA: SPLIT_FILE 1 h /d part 3/UNKNOWN lev 0 comp N program x\n").parts == -1
    lines = b"AMANDA: FILE 1 h /d lev 0 comp N program x\n"
    lines += b"ORIGSIZE=much\nNATIVE-CRC=zz\nPARTIAL=yes\nNEW=1\nORIGSIZE\n\f\nORIGSIZE=7"
    header = parse(lines)
    assert (header.orig_kib, header.native, header.partial) == (0, NO_CRC, True)


def test_a_disk_name_may_hold_anything() -> None:
    for disk in ("/a b", '/q"uo\\te', "/new\nline", "/tab\t", "/ü", "/\udcff", "#x", ":"):
        header = Header(Kind.FILE, "1", "h", disk, program="p")
        assert parse(build(header)) == header, disk
    assert parse(b'AMANDA: FILE 1 h "/raw\nline"  lev 0 comp N program p\nORIGSIZE=4\n').disk == "/raw\nline"


def test_a_dle_with_our_own_delimiter_in_it() -> None:
    header = Header(Kind.FILE, "1", "h", "/d", program="p", dle_xml="<dle>\nENDDLE\nENDDLE1\n</dle>")
    assert b"DLE=<<ENDDLE2\n" in text(header)
    assert parse(build(header)) == header


def test_a_dle_that_does_not_fit_is_left_out() -> None:
    for length in (HEADER_SIZE - 2048, HEADER_SIZE - 2049):
        header = Header(Kind.FILE, "1", "h", "/d", program="p", dle_xml="x" * length, cont_filename="/c" * 1500)
        assert parse(build(header)).dle_xml == ""
    fits = Header(Kind.FILE, "1", "h", "/d", program="p", dle_xml="x" * (HEADER_SIZE - 2049))
    assert parse(build(fits)) == fits


@pytest.mark.parametrize(("header", "message"), [
    (Header(Kind.FILE, "1", "a host", "/d", program="p"), "'a host' cannot be a word of a header"),
    (Header(Kind.FILE, "1", "h", "/d", program=""), "'' cannot be a word of a header"),
    (Header(Kind.FILE, "1", "h", "/d", program="p", recover="a\nb"), "'a\\nb' cannot be a line of a header"),
    (Header(Kind.FILE, "1", "h", "/d", program="p", cont_filename="a\fb"), "'a\\x0cb' cannot be a line of a header"),
    (Header(Kind.FILE, "1", "h", "/d\0", program="p"), "a NUL cannot be written in a header"),
    (Header(Kind.FILE, "1", "h", "/d", program="p", recover="x" * 40000), "the header needs 40130 bytes, more than 32768"),
    (Header(Kind.WEIRD), "a header of kind WEIRD cannot be written"),
    (Header(Kind.EMPTY), "a header of kind EMPTY cannot be written"),
])
def test_what_cannot_be_written_is_refused(header: Header, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        build(header)
    assert str(caught.value) == message


@pytest.mark.parametrize(("block", "kind"), [
    (b"", Kind.EMPTY), (bytes(HEADER_SIZE), Kind.EMPTY), (b"\0x", Kind.WEIRD), (b"\n", Kind.WEIRD),
    (b"hello", Kind.WEIRD), (b"AMANDA:", Kind.WEIRD), (b"AMANDA: TAPESTART DATE 1 TAPE ", Kind.WEIRD),
    (b"AMANDA: FILE 1 h /d lev x comp N program p", Kind.WEIRD), (b"AMANDA: FILE 1 h", Kind.WEIRD),
    (b"AMANDA: SPLIT_FILE 1 h /d lev 0 comp N program p", Kind.WEIRD),
    (b"AMANDA: SPLIT_FILE 1 h /d part 1-2 lev 0 comp N program p", Kind.WEIRD),
    (b"AMANDA: NOOP", Kind.NOOP), (b'AMANDA: FILE 1 h "/d', Kind.WEIRD),
])
def test_what_is_no_header(block: bytes, kind: Kind) -> None:
    assert parse(block).kind is kind


def test_crcs_of_zero_are_not_written_and_exe_is_cut() -> None:
    header = Header(Kind.FILE, "1", "h", "/d", program="C:\\tar.EXE", native=Crc(0, 5), client=Crc(1, 5))
    assert b"NATIVE-CRC" not in text(header) and b"CLIENT-CRC=00000001:5\n" in text(header)
    assert first(text(header)).endswith("program C:\\tar")
