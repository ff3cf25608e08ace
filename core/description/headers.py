"""What headers alone tell of a volume's files: the facts of a run as its journal would have them, less what no header has.

A header names its dump, its part and (from the holding disk) the size and CRC of the whole dump; how long a part is, its
file says.  Parts that are not known to be a whole dump are kept as what they are: a write that was not finished.
"""

from __future__ import annotations

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


def by_dump(pieces: Sequence[Piece]) -> dict[DumpKey, list[Piece]]:
    """The parts of each dump in their order; of two attempts at the same part the later one counts."""
    found: dict[DumpKey, dict[int, Piece]] = {}
    for piece in pieces:
        found.setdefault(piece.header.key, {})[piece.part] = piece
    return {key: [parts[number] for number in sorted(parts)] for key, parts in found.items()}


def is_whole(parts: Sequence[Piece]) -> bool:
    """Whether the parts are all of a dump, as far as headers tell."""
    if [part.part for part in parts] != list(range(1, len(parts) + 1)):
        return False
    whole = parts[0].header.server
    return whole.size == sum(part.size for part in parts) if whole.known else not parts[0].header.partial


def dump_ended(key: DumpKey, parts: Sequence[Piece], handle: str) -> e.DumpEnded:
    """The end of the dump that these parts are."""
    header, size = parts[0].header, sum(part.size for part in parts)
    return e.DumpEnded(handle, key[0], key[1], key[3], "done", "", "", kib_of(size), header.orig_kib or kib_of(size), 0.0,
                       str(header.native), str(header.client), str(header.server), "")


def written(storage: str, key: DumpKey, parts: Sequence[Piece], handle: str) -> Iterator[Event]:
    """The write of a dump, whole or not."""
    size, whole = kib_of(sum(part.size for part in parts)), is_whole(parts)
    yield e.WriteBegan(handle, "taper0", storage, *key, "", size)
    for part in parts:
        yield e.PartWritten(handle, storage, part.label, part.fileno, part.part, kib_of(part.size), "")
    yield e.WriteEnded(handle, storage, *key, "done" if whole else "failed", "" if whole else "parts are missing", "", size,
                       len(parts), 0.0, str(parts[0].header.server) if parts[0].header.server.known else "")
