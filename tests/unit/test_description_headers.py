"""Which files of a volume are which dump, as far as headers tell."""

from __future__ import annotations

from core.description.headers import Piece, by_dump, lack_of
from core.holding.header import Header, Kind
from core.model.dump import NO_CRC, Crc

KEY = ("web1", "/home", "20261101000000", 0)


def piece(label: str, fileno: int, part: int, size: int = 100, *, crc: Crc = NO_CRC, partial: bool = False) -> Piece:
    header = Header(Kind.SPLIT_FILE, datestamp=KEY[2], host=KEY[0], disk=KEY[1], part=part, parts=-1, program="/bin/tar",
                    server=crc, partial=partial)
    return Piece(label, fileno, header, size)


def places(*pieces: Piece) -> list[tuple[str, int]]:
    return [(found.label, found.fileno) for found in by_dump(pieces)[KEY]]


def test_parts_come_in_their_order_whatever_the_order_of_volumes() -> None:
    assert places(piece("B", 1, 3), piece("B", 2, 4), piece("A", 1, 1), piece("A", 2, 2)) == [
        ("A", 1), ("A", 2), ("B", 1), ("B", 2)]


def test_a_dump_that_was_made_again_on_the_same_volume_leaves_nothing_of_the_first_attempt() -> None:
    assert places(piece("A", 1, 1), piece("A", 2, 2), piece("A", 3, 3), piece("A", 4, 1), piece("A", 5, 2)) == [
        ("A", 4), ("A", 5)]


def test_a_part_that_met_the_end_of_its_volume_is_taken_from_the_next_one() -> None:
    for order in (0, 1):
        short, whole = piece("A", 2, 2, 40), piece("B", 1, 2, 100)
        both = [short, whole] if order else [whole, short]
        assert places(piece("A", 1, 1), *both) == [("A", 1), ("B", 1)]


def test_what_a_dump_lacks() -> None:
    assert lack_of([piece("A", 1, 1), piece("A", 2, 2)]) == ""
    assert lack_of([piece("A", 1, 1), piece("A", 2, 3)]) == "parts are missing"
    assert lack_of([piece("A", 1, 2)]) == "parts are missing"
    whole = Crc(7, 200)
    assert lack_of([piece("A", 1, 1, crc=whole), piece("A", 2, 2, crc=whole)]) == ""
    assert lack_of([piece("A", 1, 1, crc=whole)]) == "it has 100 of 200 bytes"
    # A checksum makes no half dump whole.
    assert lack_of([piece("A", 1, 1, crc=Crc(7, 100), partial=True)]) == "it is marked as partial"
