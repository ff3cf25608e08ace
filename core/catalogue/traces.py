"""Every good dump of every disk, a disk at a time and with no more of each than history and retention need.

A site of a thousand disks has a hundred thousand dumps in its catalogue; planner and tapers read all of them at their
start, so nothing here holds more than one disk's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from core.catalogue.queries import DumpKey, crc_of
from core.catalogue.store import Catalogue, Row


@dataclass(frozen=True, slots=True)
class Trace:
    """What is left of a good dump: ``places`` are (storage, label) of the whole copies' volumes in reading order; ``file``
    is the holding file.  Sizes KiB, ``began`` seconds since the epoch."""

    host: str
    disk: str
    datestamp: str
    level: int
    began: float
    seconds: float
    size: int
    orig: int
    file: str = ""
    places: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> DumpKey:
        """What names it."""
        return (self.host, self.disk, self.datestamp, self.level)

    @property
    def labels(self) -> tuple[str, ...]:
        """All volumes that have some of it."""
        return tuple(dict.fromkeys(label for _, label in self.places))


_DUMPS = """
SELECT host, disk, datestamp, level, began, seconds, size, orig, file FROM (
    SELECT *, row_number() OVER (PARTITION BY host, disk ORDER BY datestamp DESC, ended DESC) AS age,
           row_number() OVER (PARTITION BY host, disk, level ORDER BY datestamp DESC, ended DESC) AS age_at_level
    FROM dumps WHERE outcome IN ('done','strange'))
WHERE age <= ? OR age_at_level <= 1 OR ? = 0
ORDER BY host, disk, datestamp, ended, run, handle
"""
# Left to itself SQLite looks parts up by their storage alone: all of them, for each write.
_PLACES = """
SELECT host, disk, datestamp, level, run, handle, storage, label, writes.parts, writes.size, writes.crc,
       count(*), sum(parts.size), sum(CAST(substr(parts.crc, instr(parts.crc, ':') + 1) AS INTEGER)),
       min(parts.crc NOT IN ('', '00000000:0'))
FROM writes JOIN parts INDEXED BY parts_of_write USING (run, handle, storage)
WHERE outcome IN ('done','strange') AND parts.seq > writes.seq
GROUP BY host, disk, datestamp, level, run, handle, storage, label
ORDER BY host, disk, datestamp, level, run DESC, handle DESC, storage, min(parts.seq)
"""


def by_disk(catalogue: Catalogue, recent: int = 0) -> Iterator[list[Trace]]:
    """The good dumps of each disk, oldest first; with ``recent`` only so many newest ones, and the newest at each level.

    Of several attempts at one dump the last counts.
    """
    places = _Ahead(catalogue.each(_PLACES))
    for (host, disk), rows in groupby(catalogue.each(_DUMPS, recent, recent), key=lambda row: (row[0], row[1])):
        held = _places(places.of(host, disk))
        found: dict[DumpKey, Trace] = {}
        for name, of, stamp, level, began, seconds, size, orig, file in rows:
            places_of = held.get((stamp, level), ())
            found[name, of, stamp, level] = Trace(name, of, stamp, level, began, seconds, size, orig, file, places_of)
        yield list(found.values())


class _Ahead:
    """Rows in the order of their disks, given out a disk at a time; a disk that nobody asks for is passed over."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._groups = groupby(rows, key=lambda row: (row[0], row[1]))
        self._next = next(self._groups, None)

    def of(self, host: str, disk: str) -> list[Row]:
        """The rows of a disk."""
        # SQLite puts names that are not UTF-8 (blobs) last, so the order is its own; what is skipped is never asked for.
        while self._next is not None:
            key, rows = self._next
            if key == (host, disk):
                found = list(rows)
                self._next = next(self._groups, None)
                return found
            if not _before(key, (host, disk)):
                break
            self._next = next(self._groups, None)
        return []


def _before(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether a disk comes before another in SQLite's order: texts by their bytes, then what is no text."""
    return [_rank(name) for name in one] < [_rank(name) for name in other]


def _rank(name: str) -> tuple[bool, bytes]:
    try:
        return False, name.encode()
    except UnicodeEncodeError:
        return True, name.encode("utf-8", "surrogateescape")


def _places(rows: list[Row]) -> dict[tuple[Any, ...], tuple[tuple[str, str], ...]]:
    """By datestamp and level the volumes of the whole copies, from the rows of one disk."""
    found: dict[tuple[Any, ...], tuple[tuple[str, str], ...]] = {}
    for (stamp, level, _, _, storage), group in groupby(rows, key=lambda row: row[2:7]):
        volumes = list(group)
        count, size, crc = volumes[0][8:11]
        if _is_whole(count, size, crc_of(crc).size, [sum(row[n] for row in volumes) for n in (11, 12, 13)],
                     all(row[14] for row in volumes)):
            found[stamp, level] = (*found.get((stamp, level), ()), *((storage, row[7]) for row in volumes))
    return found


def _is_whole(count: int, size: int, data: int, have: list[int], crcs: bool) -> bool:
    """As `queries` judges a copy: by the bytes that the CRCs cover, else by the number of parts, else by size."""
    if data and crcs:
        return have[2] == data
    return have[0] == count if count else have[1] >= size
