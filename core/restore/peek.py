"""The beginning of one file out of a dump, to be looked at: bounded, from where it lies, nothing written anywhere.

No checksum is compared, which a restore does: this is for an operator who wants to see whether it is the right file.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from core.catalogue.queries import Dump
from core.errors import TaperoomError, WorldError
from core.holding.header import Header
from core.index.names import clean_path
from core.model.site import Site
from core.restore.extract import Counter
from core.restore.indexes import title_of
from core.restore.ranges import ranges_of
from core.restore.source import Place, places_of
from core.restore.tarstream import LINK, Member, TarStream
from core.restore.unpack import unpacked

LIMIT = 32 * 1024
"""Bytes of a file that are shown at most."""
BUDGET = 64 * 1024 * 1024
"""Stored bytes that are read at most for it, where no index tells where the file lies."""
_AROUND = 64 * 1024  # headers, long names, the map of a sparse file
_STEP = 512
_LINKS = 8
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Peek:
    """The first bytes of a file, whether they are all of it, and its size; ``link``: it is a symbolic link to there;
    ``place``: what it was read from."""

    data: bytes
    whole: bool
    size: int
    link: str = ""
    place: str = ""

    @property
    def text(self) -> bool:
        """Whether it is likely to be text: no NUL, and hardly a control character."""
        return is_text(self.data)


def is_text(data: bytes) -> bool:
    """Whether bytes are likely to be text in some encoding that has ASCII in it."""
    if b"\0" in data:
        return False
    odd = sum(byte < 32 and byte not in b"\t\n\r\f\b\x1b" for byte in data)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as fault:
        if fault.start < len(data) - 3:  # a character that is cut at the end is no fault
            odd += sum(128 <= byte < 160 for byte in data)
    return odd * 20 <= len(data)


def peek(site: Site, dump: Dump, source: bytes, limit: int = LIMIT, budget: int = BUDGET) -> Peek:
    """The beginning of the file that has the name ``source`` in ``dump``, from the first copy that gives it.

    WorldError RST024 when none does, RST058 when too much had to be read for it.
    """
    return _first(site, dump, lambda place: _from(site, dump, place, source, limit, budget))


def first_name(site: Site, dump: Dump, source: bytes, budget: int = BUDGET) -> bytes:
    """The name that a hard link called ``source`` in ``dump`` is a link to; ``source`` itself when it is no hard link.

    WorldError RST024 when no copy tells, RST058 when too much had to be read for it.
    """
    return _first(site, dump, lambda place: _catch(site, dump, place, source, 0, budget)[1] or source)


def _first(site: Site, dump: Dump, use: Callable[[Place], _T]) -> _T:
    """What the first copy gives that gives anything."""
    last: TaperoomError | None = None
    for place in places_of(site, dump):
        try:
            return use(place)
        except TaperoomError as fault:
            if fault.code == "RST058":
                raise
            last = fault
    if last is None:
        raise WorldError("RST024", f"{title_of(dump)} is nowhere: no holding file and no volume has it", "choose another date")
    raise WorldError("RST024", f"{title_of(dump)} cannot be read: {last.message}", last.hint) from last


class _Enough(Exception):
    """All that is wanted was read."""


def _from(site: Site, dump: Dump, place: Place, source: bytes, limit: int, budget: int) -> Peek:
    for _ in range(_LINKS):
        caught, link = _catch(site, dump, place, source, limit, budget)
        if not link:
            return _read(caught, limit, place.text)
        source = link
    raise WorldError("RST020", "a hard link leads to itself", "this copy is damaged; another one is taken where there is one")


def _catch(site: Site, dump: Dump, place: Place, source: bytes, limit: int, budget: int) -> tuple[bytes, bytes]:
    """The member as it stands in the archive, as far as it is needed; or the name that it is a hard link to."""
    caught, link, read = bytearray(), [b""], [0]

    def choose(member: Member) -> bool:
        if caught or link[0]:
            raise _Enough
        if clean_path(member.name) != source:
            return False
        if member.kind == LINK and (target := clean_path(member.link)) is not None:
            link[0] = target
            return False
        return True

    def out(piece: memoryview) -> None:
        caught.extend(piece)
        if len(caught) >= limit + _AROUND:
            raise _Enough

    def count(where: str, size: int) -> None:
        read[0] += size
        if read[0] > budget:
            raise WorldError("RST058", f"more than {budget >> 20} MiB of {title_of(dump)} would have to be read to come to it",
                             "its index does not tell where the file lies; restore it, and look at it then")

    try:
        ranges = ranges_of(site, dump, {source}) if place.open_at is not None else None
        if ranges is not None:
            try:
                ranges.feed(place, TarStream(choose, out), count, _check, lambda at: None)
            except TaperoomError as fault:
                if fault.code == "RST058":
                    raise
                caught.clear()  # the index is not what it should be; the dump itself tells
        if not (caught or link[0]):
            stream = TarStream(choose, out)
            for piece in _data(site, dump, place, count):
                stream.feed(piece)
    except _Enough:
        pass
    if not (caught or link[0]):
        raise WorldError("RST020", f"the dump has no /{source.decode('utf-8', 'replace')} although its index names it",
                         "this copy is damaged; another one is taken where there is one")
    return bytes(caught), link[0]


def _data(site: Site, dump: Dump, place: Place, count: Counter) -> Iterator[memoryview]:
    header, stored = place.open()
    _check(header)
    disk = site.disk(dump.host, dump.disk)
    allowed = [disk.dumptype.compress_program] if disk is not None and disk.dumptype.compress_program else []

    def counted() -> Iterator[memoryview]:
        for piece in stored:
            count(place.text, len(piece))
            yield piece

    return unpacked(counted(), header, allowed)


def _check(header: Header) -> None:
    program = header.application or header.program
    if "tar" not in program.lower():
        raise WorldError("RST022", f"the dump was made by {program}, which is no tar",
                         "restore it with that program; its header says how")


def _read(caught: bytes, limit: int, place: str) -> Peek:
    """The data of the only member in ``caught``, which may be cut."""
    try:
        with tarfile.open(fileobj=io.BytesIO(caught), mode="r:") as archive:
            member = archive.next()
            if member is None:
                raise tarfile.ReadError("no member")
            if member.issym():
                return Peek(b"", True, 0, member.linkname, place)
            file = archive.extractfile(member)
            if file is None:
                return Peek(b"", True, 0, "", place)
            data = bytearray()
            while len(data) < min(limit, member.size):
                try:
                    data += file.read(min(_STEP, limit - len(data)))
                except tarfile.ReadError:
                    break
            return Peek(bytes(data), len(data) == member.size, member.size, "", place)
    except (tarfile.TarError, ValueError, OverflowError) as fault:
        raise WorldError("RST020", f"the file's header cannot be read: {fault}",
                         "this copy is damaged; another one is taken where there is one") from fault
