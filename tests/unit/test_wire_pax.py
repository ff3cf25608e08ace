"""Records of pax headers, which come out of archives that a client made: many, long, cut short or none."""

from __future__ import annotations

import pytest

from core.wire.pax import pax_number, pax_records


def record(key: bytes, value: bytes) -> bytes:
    rest = b" " + key + b"=" + value + b"\n"
    size = len(rest) + 1
    while len(b"%d" % size) + len(rest) != size:
        size += 1
    return b"%d" % size + rest


def test_each_record_is_found() -> None:
    names = {b"path": b"d/\xff=\n name", b"GNU.dumpdir": b"Ya\0Nb\0\0", b"mtime": b"1.5", b"SCHILY.xattr.user.a": b"x" * 2000}
    assert pax_records(b"".join(record(key, value) for key, value in names.items())) == names


@pytest.mark.parametrize("rest", [
    b"", b"x", b"6", b" a=b\n", b"0 a=b\n", b"2 a=b\n", b"-6 a=b\n", b"+6 a=b\n", b"7 a=b\n", b"99999999999 a=b\n",
    b"9" * 5000 + b" a=b\n", b"\xb2 a=b\n"])
def test_what_follows_a_record_that_is_none_is_left_out(rest: bytes) -> None:
    assert pax_records(record(b"path", b"x") + rest) == {b"path": b"x"}


def test_a_header_of_many_records_takes_one_pass() -> None:
    class Counted(bytes):
        copied = 0

        def __getitem__(self, key: object) -> bytes:  # type: ignore[override]
            found = super().__getitem__(key)  # type: ignore[index]
            Counted.copied += len(found)  # type: ignore[arg-type]
            return found  # type: ignore[return-value]

    body = Counted(b"6 a=b\n" * 10_000)
    assert pax_records(body) == {b"a": b"b"} and Counted.copied < 2 * len(body)


@pytest.mark.parametrize(("digits", "number"), [
    (b"12", 12), (b"", -1), (b"x", -1), (b"-3", -1), (b"9" * 17, int("9" * 17)), (b"9" * 18, -1), (b"9" * 5000, -1)])
def test_a_number_that_no_file_has_is_none(digits: bytes, number: int) -> None:
    assert pax_number(digits, -1) == number
