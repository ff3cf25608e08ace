"""A trace log ``log.<datestamp>.<n>`` as Amanda 3.5.1 writes it, for a run that it did not make (server-src/logfile.c).

What its finders ask of it (server-src/find.c): a START line for each volume before any part on it, with the datestamp that
is in the file's name and in the tapelist; PART lines with volume and file number; a DONE line that ends each dump.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.model.dump import Crc
from core.model.quoting import quote

_LEAST = 0.1
"""Seconds: Amanda gives no rate for less."""


@dataclass(frozen=True, slots=True)
class LoggedPart:
    """One part of a dump: the volume, the file on it, bytes of data."""

    label: str
    fileno: int
    size: int


@dataclass(frozen=True, slots=True)
class LoggedDump:
    """A dump that is whole on volumes.  ``storage`` and ``pool`` are Amanda's names; ``seconds`` of the writing, ``dumping``
    of the dump itself; ``orig`` KiB before compression."""

    storage: str
    pool: str
    host: str
    disk: str
    datestamp: str
    level: int
    parts: tuple[LoggedPart, ...]
    native: Crc
    client: Crc
    server: Crc
    orig: int
    seconds: float = 0.0
    dumping: float = 0.0

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(part.size for part in self.parts)


@dataclass(frozen=True, slots=True)
class LoggedVolume:
    """A volume that the run wrote, with Amanda's names of where it belongs."""

    storage: str
    pool: str
    label: str


def log_text(datestamp: str, volumes: Sequence[LoggedVolume], dumps: Sequence[LoggedDump]) -> str:
    """The log of the run ``datestamp``: its volumes in the order in which they were begun, and what is whole on them."""
    return "".join(line + "\n" for line in _lines(datestamp, volumes, dumps))


def _lines(stamp: str, volumes: Sequence[LoggedVolume], dumps: Sequence[LoggedDump]) -> Iterator[str]:
    numbers = {volume.label: number for number, volume in enumerate(volumes, 1)}
    ordered = sorted(dumps, key=lambda dump: (numbers[dump.parts[0].label], dump.parts[0].fileno))
    own = [dump for dump in ordered if dump.datestamp == stamp]
    yield "INFO amdump amdump pid 1"
    yield f"START planner date {stamp}"
    for dump in own:
        yield f"DISK planner {dump.host} {quote(dump.disk)}"
    yield f"START driver date {stamp}"
    yield f"FINISH planner date {stamp} time 0.000"
    for dump in own:
        kib = -(-dump.size // 1024)
        yield (f"SUCCESS dumper {dump.host} {quote(dump.disk)} {stamp} {dump.level} {dump.native} {dump.client} "
               f"[sec {dump.dumping:.3f} kb {kib} kps {kib / max(dump.dumping, _LEAST):.1f} orig-kb {dump.orig}]")
    begun: list[LoggedVolume] = []
    for dump in ordered:
        for number, part in enumerate(dump.parts, 1):
            while numbers[part.label] > len(begun):
                yield from _closed(begun, dumps)
                begun.append(volumes[len(begun)])
                yield _start(stamp, begun)
            yield (f"PART taper {_place(dump)} {part.label} {part.fileno} {_name(dump)} {number}/-1 {dump.level} "
                   f"[{_speed(dump.seconds * part.size / max(1, dump.size), part.size)} orig-kb {dump.orig}]")
        yield (f"DONE taper {_place(dump)} {_name(dump)} {len(dump.parts)} {dump.level} "
               f"{dump.native} {dump.client} {dump.server} [{_speed(dump.seconds, dump.size)} orig-kb {dump.orig}]")
    while len(begun) < len(volumes):
        yield from _closed(begun, dumps)
        begun.append(volumes[len(begun)])
        yield _start(stamp, begun)
    yield from _closed(begun, dumps)
    yield f"FINISH driver date {stamp} time 0.000"
    yield "INFO amdump pid-done 1"


def _start(stamp: str, begun: Sequence[LoggedVolume]) -> str:
    return f"START taper datestamp {stamp} {_place(begun[-1])} label {begun[-1].label} tape {len(begun)}"


def _closed(begun: Sequence[LoggedVolume], dumps: Sequence[LoggedDump]) -> Iterator[str]:
    if begun:
        parts = [part for dump in dumps for part in dump.parts if part.label == begun[-1].label]
        yield f"INFO taper tape {begun[-1].label} kb {sum(part.size for part in parts) // 1024} fm {len(parts)} [OK]"


def _place(of: LoggedDump | LoggedVolume) -> str:
    return f'"ST:{of.storage}" "POOL:{of.pool}"'


def _name(dump: LoggedDump) -> str:
    return f"{dump.host} {quote(dump.disk)} {dump.datestamp}"


def _speed(seconds: float, size: int) -> str:
    took = max(seconds, _LEAST)
    return f"sec {took:.6f} bytes {size} kps {size / 1024 / took:.6f}"
