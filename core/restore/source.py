"""Reading one dump's stored data, wherever it is: the holding file, or the parts of a copy on volumes.

Every byte is counted into CRC-32Cs and compared with what the catalogue and the headers say, part by part and as a
whole.  `copies_of` gives all places, the nearest first, so that a damaged one can be passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from core.catalogue.queries import Copy, Dump, Part
from core.devices.contract import Volume
from core.errors import WorldError
from core.holding.file import HoldingReader
from core.holding.header import Header
from core.model.crc32c import crc32c
from core.model.dump import NO_CRC, Crc
from core.model.site import Site
from core.restore.shelves import Shelves
from core.restore.shelves import Warn as Warn

READ = 1 << 18
"""Bytes of one read."""
NEAR = 1 << 16
"""Bytes of one read where perhaps only one small file is wanted."""
_WANTED = 1 << 20
"""Bytes after which more is wanted than that: from there on `READ` at once."""
_HINT = "this copy is damaged; another one is taken where there is one"


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
    None where that is not possible.  ``copy``: which copy on volumes, None: the holding file.
    """

    text: str
    open: Callable[[], tuple[Header, Iterator[memoryview]]]
    reading: Reading = field(default_factory=Reading)
    open_at: Callable[[int], tuple[Header, Iterator[memoryview]]] | None = None
    copy: Copy | None = None


def _silent(text: str) -> None:
    pass


def places_of(site: Site, dump: Dump, warn: Warn = _silent, shelves: Shelves | None = None) -> list[Place]:
    """Where ``dump`` can be read, the nearest first; empty when nothing holds it."""
    shelves = shelves if shelves is not None else Shelves(site)
    found = []
    if dump.file:
        at = Reading()
        found.append(Place(f"holding file {dump.file}", lambda at=at: _open_holding(dump, warn, at), at,  # type: ignore[misc]
                           lambda start: _holding_from(dump, start)))
    for copy in copies_of(site, dump):
        reader = _CopyReader(shelves, dump, copy, warn)
        found.append(Place(f"volume {', '.join(copy.labels)} of storage {copy.storage}", reader.open, reader.at,
                           reader.open_at if reader.known else None, copy))
    return found


def first_of(site: Site, dump: Dump, shelves: Shelves) -> tuple[str, Copy | None]:
    """Where a dump is read if nothing is wrong there: its holding file, or else a copy, rather one that is all in slots;
    neither where nothing holds it."""
    if dump.file and Path(dump.file).exists():
        return dump.file, None
    copies = copies_of(site, dump)
    if not copies:
        return dump.file, None
    return "", next((copy for copy in copies if not shelves.missing(copy)), copies[0])


def copies_of(site: Site, dump: Dump) -> list[Copy]:
    """The copies of a dump by the configuration's order of storages."""
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


def _holding_from(dump: Dump, start: int) -> tuple[Header, Iterator[memoryview]]:
    reader = HoldingReader(Path(dump.file))
    _check_header(reader.header, dump, dump.file)
    reader.seek(start)
    return reader.header, _read(reader.readinto, reader.close, size=NEAR)


def volume_of(site: Site, copy: Copy, label: str, warn: Warn = _silent) -> Volume:
    """The volume that bears ``label``, as the run wrote it.  WorldError TAP018, or RST023 when it was written anew."""
    return Shelves(site).volume(copy, label, warn)


class _CopyReader:
    """The parts of one copy, each volume opened once and when it is needed."""

    def __init__(self, shelves: Shelves, dump: Dump, copy: Copy, warn: Warn) -> None:
        self._shelves, self._dump, self._copy, self._warn = shelves, dump, copy, warn
        self._volumes: dict[str, Volume] = {}
        self.at = Reading()

    @property
    def known(self) -> bool:
        """Whether the size of every part is known: only then a byte can be found in them."""
        return all(part.crc.known for part in self._copy.parts)

    def open(self) -> tuple[Header, Iterator[memoryview]]:
        """See `Place`."""
        copy = self._copy
        first = self._header(copy.parts[0], self._warn)
        expected = copy.crc if copy.crc.known else _expected(self._dump, first)
        return first, _counted(self._whole(), expected, f"volume {', '.join(copy.labels)}")

    def _whole(self) -> Iterator[memoryview]:
        for number, part in enumerate(self._copy.parts):
            where = f"volume {part.label} file {part.fileno}"
            self._header(part, self._warn if number else _silent)  # the first one's was looked at
            file = self._volumes[part.label].open_part(part.fileno)
            # Where blocks are padded, what comes after the data is not data.
            limit = part.crc.size if part.crc.known else None
            yield from _counted(_read(_into(file), file.close, limit), part.crc, where, self.at)

    def open_at(self, start: int) -> tuple[Header, Iterator[memoryview]]:
        """See `Place`."""
        parts, number = self._copy.parts, 0
        while number < len(parts) - 1 and start >= parts[number].crc.size:
            start -= parts[number].crc.size
            number += 1
        return self._header(parts[number], _silent), self._from(parts[number:], start)

    def _from(self, parts: Sequence[Part], start: int) -> Iterator[memoryview]:
        for at, part in enumerate(parts):
            if at:
                self._header(part, _silent)
            file = self._volumes[part.label].open_part(part.fileno)
            file.seek(start, 1)
            yield from _read(_into(file), file.close, max(0, part.crc.size - start), size=NEAR)
            start = 0

    def _header(self, part: Part, warn: Warn) -> Header:
        if part.label not in self._volumes:
            self._volumes[part.label] = self._shelves.volume(self._copy, part.label, warn)
        header = self._volumes[part.label].read_header(part.fileno)
        if header.note:
            warn(f"RST027 volume {part.label} file {part.fileno}: {header.note}")
        _check_header(header, self._dump, f"volume {part.label} file {part.fileno}")
        return header


def _into(file: BinaryIO) -> Callable[[memoryview], int]:
    def readinto(buffer: memoryview) -> int:
        return file.readinto(buffer) or 0  # type: ignore[attr-defined]

    return readinto


def _read(
    readinto: Callable[[memoryview], int], close: Callable[[], None], limit: int | None = None, *, size: int = READ
) -> Iterator[memoryview]:
    """``size`` bytes at once at first, `READ` at once when `_WANTED` were taken."""
    buffer = memoryview(bytearray(READ))
    taken = 0
    try:
        left = limit
        while left is None or left:
            got = readinto(buffer[:size if left is None else min(size, left)])
            if not got:
                return
            if left is not None:
                left -= got
            yield buffer[:got]
            taken += got
            size = size if taken < _WANTED else READ
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
