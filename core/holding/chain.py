"""Which files make up a dump: from its first chunk along the CONT_FILENAME lines.

Promises to follow names only to regular files with a header of the same dump, and to end.  Does not read data.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from core.errors import WorldError
from core.holding.chunk import TMP
from core.holding.header import HEADER_SIZE, Header, Kind, parse

MAX_CHUNKS = 100_000
"""A longer chain is a damaged one."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One file of a dump: ``size`` bytes of data after its `header`."""

    path: Path
    header: Header
    size: int


def read_chunk(path: Path) -> Chunk:
    """The chunk at ``path``, which may be a file of any kind of header.

    HLD014 when there is no regular file of that name (a link is none), HLD016 when it cannot be read.  Damage is told by
    the header's ``note``; one that cannot be undone leaves a WEIRD header.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise WorldError("HLD014", f"{path}: is not a regular file")
            header = parse(os.pread(fd, HEADER_SIZE, 0))
        finally:
            os.close(fd)
    except FileNotFoundError as fault:
        raise WorldError("HLD014", f"{path}: is missing") from fault
    except OSError as fault:
        raise WorldError("HLD016", f"{path}: cannot be read: {fault.strerror}") from fault
    return Chunk(path, header, max(0, found.st_size - HEADER_SIZE))


def chain(path: Path, *, unfinished: bool = False) -> tuple[Chunk, ...]:
    """All chunks of the dump whose first one is ``path``; with ``unfinished`` also those named `.tmp`.

    HLD014 a chunk is missing, HLD015 a file is no chunk of this dump, HLD016 it cannot be read, HLD022 its header is
    damaged beyond what can be undone.
    """
    first = read_chunk(path)
    _believable(first)
    if first.header.kind is not Kind.FILE:
        raise WorldError("HLD015", f"{path}: is not the first file of a dump ({first.header.kind})")
    chunks, seen = [first], {path}
    while name := chunks[-1].header.cont_filename:
        chunk = _find(chunks[-1].path, name, unfinished)
        _believable(chunk)
        if chunk.header.kind is not Kind.CONT_FILE or chunk.header.key != first.header.key:
            raise WorldError("HLD015", f"{chunk.path}: is not a chunk of the dump {path}")
        if chunk.path in seen or len(chunks) >= MAX_CHUNKS:
            raise WorldError("HLD015", f"{chunk.path}: the chunks of {path} name each other in a circle")
        seen.add(chunk.path)
        chunks.append(chunk)
    return tuple(chunks)


def _believable(chunk: Chunk) -> None:
    if chunk.header.kind is Kind.WEIRD and chunk.header.note:
        raise WorldError("HLD022", f"{chunk.path}: {chunk.header.note}",
                         "Do not remove it: its data may be whole.  Restore from a volume if one has the dump.")


def _find(before: Path, name: str, unfinished: bool) -> Chunk:
    """The chunk called ``name``, or beside the one before it: a holding disk may be mounted elsewhere now."""
    if "\0" in name:
        raise WorldError("HLD015", f"{before}: names a next chunk that cannot be")
    places = [Path(name), before.with_name(Path(name).name)] if Path(name).name else [Path(name)]
    if unfinished:
        places += [place.with_name(place.name + TMP) for place in places if place.name]
    for place in places:
        if os.path.lexists(place):
            return read_chunk(place)
    raise WorldError("HLD014", f"{name}: the next chunk after {before} is missing",
                     "Find that file; without it the dump is lost from there on.")
