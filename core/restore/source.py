"""Reading one dump's stored data, wherever it is: the holding file, or the parts of a copy on volumes.

Every byte is counted into CRC-32Cs and compared with what the catalogue and the headers say, part by part and as a
whole.  `copies_of` gives all places, the nearest first, so that a damaged one can be passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from core.catalogue.queries import Copy, Dump, Part
from core.devices.contract import Volume
from core.devices.shelf import open_volume
from core.errors import WorldError
from core.holding.file import HoldingReader
from core.holding.header import Header
from core.model.crc32c import crc32c
from core.model.dump import NO_CRC, Crc
from core.model.site import Site

READ = 1 << 18
"""Bytes of one read."""
NEAR = 1 << 16
"""Bytes of one read where perhaps only one small file is wanted."""
_HINT = "this copy is damaged; another one is taken where there is one"
Warn = Callable[[str], None]
"""Told what was wrong and did no harm, a sentence with its code."""


@dataclass(slots=True)
class Reading:
    """How far a reader has come: the holding file or the file of a volume, and bytes of its data."""

    where: str = ""
    size: int = 0

    def __str__(self) -> str:
        return f"{self.where}, in its data up to byte {self.size}"


@dataclass(frozen=True, slots=True)
class Place:
    """One place that has a dump: ``text`` names it for people; ``open`` gives its header and its data.

    ``open`` raises WorldError when it is not there; the data, RST023 when it is not what it should be.  ``reading`` tells
    meanwhile how far it was read.  ``open_at`` gives the same from any byte of the stored data on, with no checksum compared;
    None where that is not possible.
    """

    text: str
    open: Callable[[], tuple[Header, Iterator[memoryview]]]
    reading: Reading = field(default_factory=Reading)
    open_at: Callable[[int], tuple[Header, Iterator[memoryview]]] | None = None


def _silent(text: str) -> None:
    pass


def places_of(site: Site, dump: Dump, warn: Warn = _silent) -> list[Place]:
    """Where ``dump`` can be read, the nearest first; empty when nothing holds it."""
    found = []
    if dump.file:
        at = Reading()
        found.append(Place(f"holding file {dump.file}", lambda at=at: _open_holding(dump, warn, at), at,  # type: ignore[misc]
                           lambda start: _holding_from(dump, start)))
    for copy in _copies(site, dump):
        text = f"volume {', '.join(copy.labels)} of storage {copy.storage}"
        at = Reading()
        found.append(Place(text, lambda copy=copy, at=at: _open_copy(site, dump, copy, warn, at), at,  # type: ignore[misc]
                           _seeker(site, dump, copy)))
    return found


def first_of(site: Site, dump: Dump) -> tuple[str, Copy | None]:
    """Where a dump is read if nothing is wrong there: its holding file, or else a copy; neither where nothing holds it."""
    if dump.file and Path(dump.file).exists():
        return dump.file, None
    copies = _copies(site, dump)
    return ("", copies[0]) if copies else (dump.file, None)


def _copies(site: Site, dump: Dump) -> list[Copy]:
    """By the configuration's order of storages."""
    order = list(site.storages)
    copies = [copy for copy in dump.copies if copy.storage in site.storages]
    return sorted(copies, key=lambda copy: order.index(copy.storage))


def _open_holding(dump: Dump, warn: Warn, at: Reading) -> tuple[Header, Iterator[memoryview]]:
    reader = HoldingReader(Path(dump.file))
    for chunk in reader.chunks:
        if chunk.header.note:
            warn(f"RST027 {chunk.path}: {chunk.header.note}")
    _check_header(reader.header, dump, dump.file)
    data = _counted(_read(reader.readinto, reader.close), _expected(dump, reader.header), dump.file, at)
    return reader.header, data


def _open_copy(site: Site, dump: Dump, copy: Copy, warn: Warn, at: Reading) -> tuple[Header, Iterator[memoryview]]:
    volumes: dict[str, Volume] = {}
    first = _header(site, dump, copy, copy.parts[0], volumes, warn)
    expected = _expected(dump, first) if not copy.crc.known else copy.crc
    data = _parts(site, dump, copy, volumes, warn, at)
    return first, _counted(data, expected, f"volume {', '.join(copy.labels)}")


def _holding_from(dump: Dump, start: int) -> tuple[Header, Iterator[memoryview]]:
    reader = HoldingReader(Path(dump.file))
    _check_header(reader.header, dump, dump.file)
    reader.seek(start)
    return reader.header, _read(reader.readinto, reader.close, size=NEAR)


def _seeker(site: Site, dump: Dump, copy: Copy) -> Callable[[int], tuple[Header, Iterator[memoryview]]] | None:
    """Only where the size of every part is known a byte can be found in them."""
    if not all(part.crc.known for part in copy.parts):
        return None
    volumes: dict[str, Volume] = {}

    def open_at(start: int) -> tuple[Header, Iterator[memoryview]]:
        number = 0
        while number < len(copy.parts) - 1 and start >= copy.parts[number].crc.size:
            start -= copy.parts[number].crc.size
            number += 1
        header = _header(site, dump, copy, copy.parts[number], volumes, _silent)
        return header, _parts_from(site, dump, copy, volumes, number, start)

    return open_at


def _parts_from(
    site: Site, dump: Dump, copy: Copy, volumes: dict[str, Volume], number: int, start: int
) -> Iterator[memoryview]:
    for at, part in enumerate(copy.parts[number:]):
        if at:
            _header(site, dump, copy, part, volumes, _silent)
        file = volumes[part.label].open_part(part.fileno)
        file.seek(start, 1)
        yield from _read(_into(file), file.close, max(0, part.crc.size - start), size=NEAR)
        start = 0


def volume_of(site: Site, copy: Copy, label: str, warn: Warn = _silent) -> Volume:
    """The volume that bears ``label``, as the run wrote it.  WorldError TAP018, or RST023 when it was written anew."""
    volume = open_volume(site.storages[copy.storage], label, copy.run)
    view = volume.view()
    stamp = view.datestamp
    if view.note:
        warn(f"RST027 volume {label} file 0, its label: {view.note}")
    if stamp != copy.run:
        raise WorldError("RST023", f"volume {label} was written anew on {stamp}: the dump of {copy.run} is gone from it",
                         "the catalogue does not know that; rebuild it, and take another date")
    return volume


def _header(site: Site, dump: Dump, copy: Copy, part: Part, volumes: dict[str, Volume], warn: Warn) -> Header:
    if part.label not in volumes:
        volumes[part.label] = volume_of(site, copy, part.label, warn)
    header = volumes[part.label].read_header(part.fileno)
    if header.note:
        warn(f"RST027 volume {part.label} file {part.fileno}: {header.note}")
    _check_header(header, dump, f"volume {part.label} file {part.fileno}")
    return header


def _parts(
    site: Site, dump: Dump, copy: Copy, volumes: dict[str, Volume], warn: Warn, at: Reading
) -> Iterator[memoryview]:
    for number, part in enumerate(copy.parts):
        where = f"volume {part.label} file {part.fileno}"
        _header(site, dump, copy, part, volumes, warn if number else _silent)  # the first one's was looked at
        file = volumes[part.label].open_part(part.fileno)
        # Where blocks are padded, what comes after the data is not data.
        limit = part.crc.size if part.crc.known else None
        yield from _counted(_read(_into(file), file.close, limit), part.crc, where, at)


def _into(file: BinaryIO) -> Callable[[memoryview], int]:
    def readinto(buffer: memoryview) -> int:
        return file.readinto(buffer) or 0  # type: ignore[attr-defined]

    return readinto


def _read(
    readinto: Callable[[memoryview], int], close: Callable[[], None], limit: int | None = None, *, size: int = READ
) -> Iterator[memoryview]:
    buffer = memoryview(bytearray(size))
    try:
        left = limit
        while left is None or left:
            got = readinto(buffer if left is None else buffer[:left])
            if not got:
                return
            if left is not None:
                left -= got
            yield buffer[:got]
    except OSError as fault:
        raise WorldError("RST023", f"reading failed: {fault.strerror}", _HINT) from fault
    finally:
        close()


def _expected(dump: Dump, header: Header) -> Crc:
    return dump.server if dump.server.known else header.server


def _check_header(header: Header, dump: Dump, where: str) -> None:
    if not header.is_dump or header.key != dump.key:
        found = f"{header.host}:{header.disk} level {header.level} of {header.datestamp}" if header.is_dump else header.kind
        raise WorldError("RST023", f"{where} should have {dump.host}:{dump.disk} level {dump.level} of {dump.datestamp},"
                                   f" but it has {found}", _HINT)


def _counted(data: Iterator[memoryview], expected: Crc, where: str, at: Reading | None = None) -> Iterator[memoryview]:
    """``data`` as it comes; RST023 at its end when it is not what was written."""
    value = size = 0
    for piece in data:
        value = crc32c(piece, value)
        size += len(piece)
        if at is not None:
            at.where, at.size = where, size
        yield piece
    if expected != NO_CRC and Crc(value, size) != expected:
        raise WorldError("RST023", f"{where}: its data has CRC {Crc(value, size)}, it should be {expected}", _HINT)
