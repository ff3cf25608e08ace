"""What headers alone tell of a volume's files: the facts of a run as its journal would have them, less what no header has.

A header names its dump, its part and (from the holding disk) the size and CRC of the whole dump; how long a part is, its
file says.  Parts that are not known to be a whole dump are kept as what they are: a write that was not finished.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from core.catalogue.queries import DumpKey
from core.description.archive import is_description
from core.description.reading import Found
from core.errors import WorldError
from core.events import event as e
from core.events.event import Event
from core.holding.header import Header, Kind
from core.model.dump import Crc
from core.model.units import kib_of


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of a dump on a volume; ``size`` bytes of data."""

    label: str
    fileno: int
    header: Header
    size: int

    @property
    def part(self) -> int:
        """Which part it is, from 1."""
        return self.header.part if self.header.kind is Kind.SPLIT_FILE else 1


def pieces_of(found: Found, filenos: Iterable[int], faults: list[str]) -> list[Piece]:
    """The dumps' files among those of a volume; a file that cannot be read becomes a sentence in ``faults``."""
    pieces = []
    for fileno in filenos:
        try:
            header = found.volume.read_header(fileno)
            if header.is_dump and not is_description(header):
                with found.volume.open_part(fileno) as file:
                    begin = file.tell()
                    pieces.append(Piece(found.label, fileno, header, file.seek(0, os.SEEK_END) - begin))
        except (WorldError, OSError) as fault:
            faults.append(f"{found.title} file {fileno}: {fault.message if isinstance(fault, WorldError) else fault}")
    return pieces


def heads(found: Found) -> Iterator[tuple[int, Header]]:
    """The files of dumps on a volume with their headers, those that can be read.  OSError."""
    for fileno in found.filenos:
        with contextlib.suppress(WorldError):
            header = found.volume.read_header(fileno)
            if header.is_dump and not is_description(header):
                yield fileno, header


def by_dump(pieces: Sequence[Piece]) -> dict[DumpKey, list[Piece]]:
    """The parts of each dump in their order; of several attempts the last one on a volume counts.

    A part that comes again on the same volume begins a new attempt, so what the one before wrote from there on goes: a dump
    that was made again may have fewer parts.  Of a part on two volumes the shorter one met the end of its volume.  Of two
    dumps with one key, which their checksums tell apart, the one counts that comes last; `twins` has the others.
    """
    return {key: found[-1] for key, found in _told_apart(pieces).items()}


def twins(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """The dumps that have the key of a later one, but other data: their parts."""
    return [parts for found in _told_apart(pieces).values() for parts in found[:-1]]


def _told_apart(pieces: Sequence[Piece]) -> dict[DumpKey, list[list[Piece]]]:
    """Of each key the dumps that there are, in the order in which they come; whole ones after others."""
    volumes: dict[DumpKey, dict[Crc, dict[str, dict[int, Piece]]]] = {}
    for piece in pieces:
        of = volumes.setdefault(piece.header.key, {}).setdefault(piece.header.server, {})
        parts = of.setdefault(piece.label, {})
        for number in [number for number in parts if number >= piece.part]:
            del parts[number]
        parts[piece.part] = piece
    return {key: sorted((_joined(found.values()) for found in by_crc.values()), key=is_whole)
            for key, by_crc in volumes.items()}


def _joined(volumes: Iterable[dict[int, Piece]]) -> list[Piece]:
    found: dict[int, Piece] = {}
    for parts in volumes:
        for number, piece in parts.items():
            if number not in found or piece.size >= found[number].size:
                found[number] = piece
    return [found[number] for number in sorted(found)]


def is_whole(parts: Sequence[Piece]) -> bool:
    """Whether the parts are all of a dump, as far as headers tell."""
    return not lack_of(parts)


def lack_of(parts: Sequence[Piece]) -> str:
    """What headers tell that a dump lacks, for people; empty when they tell of nothing."""
    if any(part.header.partial for part in parts):
        return "it is marked as partial"
    if [part.part for part in parts] != list(range(1, len(parts) + 1)):
        return "parts are missing"
    whole, size = parts[0].header.server, sum(part.size for part in parts)
    return f"it has {size} of {whole.size} bytes" if whole.known and whole.size != size else ""


def dump_ended(header: Header, size: int, handle: str, file: str = "") -> e.DumpEnded:
    """The end of a dump with that header and so many bytes; ``file`` on the holding disk, if it is there."""
    host, disk, _, level = header.key
    return e.DumpEnded(handle, host, disk, level, "done", "", file, kib_of(size), header.orig_kib or kib_of(size), 0.0,
                       str(header.native), str(header.client), str(header.server), "")


def written(storage: str, key: DumpKey, parts: Sequence[Piece], handle: str) -> Iterator[Event]:
    """The write of a dump, whole or not."""
    size, lack = kib_of(sum(part.size for part in parts)), lack_of(parts)
    yield e.WriteBegan(handle, "taper0", storage, *key, "", size)
    for part in parts:
        yield e.PartWritten(handle, storage, part.label, part.fileno, part.part, kib_of(part.size), "")
    yield e.WriteEnded(handle, storage, *key, "failed" if lack else "done", lack, "", size, len(parts), 0.0,
                       str(parts[0].header.server) if parts[0].header.server.known else "")
