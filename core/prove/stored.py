"""A copy as it is stored: its pieces, each with its header, its bytes and the CRC that it should have.

Opens for reading only.  Nothing is believed here and nothing judged: `core.prove.examine` does that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.catalogue.queries import Copy, Dump, Part
from core.devices.contract import Volume
from core.errors import WorldError
from core.holding.file import HoldingReader
from core.holding.header import Header
from core.model.dump import NO_CRC, Crc
from core.model.site import Site
from core.prove.targets import Target
from core.restore.source import volume_of

READ = 1 << 18
"""Bytes of one read."""


class Source(Protocol):
    """Bytes that are read one after the other."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill ``buffer`` as far as it goes; how many bytes, 0 at the end."""

    def close(self) -> None:
        """Close it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part on a volume, or a whole holding file.  ``open`` gives its header, its bytes, and what was odd with headers;
    WorldError when it is not there or belongs to something else."""

    where: str
    crc: Crc
    size: int
    open: Callable[[], tuple[Header, Source, list[str]]]


def pieces_of(site: Site, target: Target) -> list[Piece]:
    """The pieces of a copy in their order.  Opens nothing yet."""
    dump, copy = target.dump, target.copy
    if copy is None:
        return [Piece(f"holding file {dump.file}", NO_CRC, dump.size * 1024, lambda: _holding(dump))]
    volumes: dict[str, Volume] = {}
    return [Piece(f"volume {part.label} file {part.fileno}", part.crc, part.crc.size or part.size * 1024,
                  lambda part=part: _part(site, dump, copy, part, volumes))  # type: ignore[misc]
            for part in target.parts]


def bytes_of(source: Source, limit: int = -1) -> Iterator[memoryview]:
    """What is read from ``source``, at most ``limit`` bytes; it is closed afterwards.  OSError, WorldError."""
    buffer = memoryview(bytearray(READ))
    try:
        while limit and (size := source.readinto(buffer if limit < 0 else buffer[:limit])):
            limit -= size if limit > 0 else 0
            yield buffer[:size]
    finally:
        source.close()


def _holding(dump: Dump) -> tuple[Header, Source, list[str]]:
    reader = HoldingReader(Path(dump.file))
    _check(reader.header, dump, dump.file)
    return reader.header, reader, [f"{chunk.path}: {chunk.header.note}" for chunk in reader.chunks if chunk.header.note]


def _part(
    site: Site, dump: Dump, copy: Copy, part: Part, volumes: dict[str, Volume]
) -> tuple[Header, Source, list[str]]:
    odd: list[str] = []
    if part.label not in volumes:
        volumes[part.label] = volume_of(site, copy, part.label, lambda text: odd.append(text.removeprefix("RST027 ")))
    volume, where = volumes[part.label], f"volume {part.label} file {part.fileno}"
    header = volume.read_header(part.fileno)
    if header.note:
        odd.append(f"{where}: {header.note}")
    _check(header, dump, where)
    return header, volume.open_part(part.fileno), odd  # type: ignore[return-value]


def _check(header: Header, dump: Dump, where: str) -> None:
    if not header.is_dump or header.key != dump.key:
        found = f"{header.host}:{header.disk} level {header.level} of {header.datestamp}" if header.is_dump else header.kind
        raise WorldError("VFY001", f"{where} should have {dump.host}:{dump.disk} level {dump.level} of {dump.datestamp},"
                                   f" but it has {found}")
