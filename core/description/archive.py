"""The description's form: one dump-like file, a tar archive behind a header that Amanda's own tools read.

Host and disk are names that no disk has, so that no restore of a host picks it up by accident.  The archive is made twice
and both times the same: once for its checksum, which stands in the header, and once for the volume.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.holding.header import Header, Kind
from core.model.crc32c import crc32c
from core.model.dump import Crc

HOST = "taperoom"
DISK = "description"
README = "README"
ABOUT = "about.json"
TAPELIST = "tapelist"
RUNS = "runs/"
INDEX = "index/"
JOURNAL = "journal.jsonl.gz"
_PIECE = 128 * 1024
_BLOCK = 512
_RECORD = 20 * _BLOCK


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive: bytes, or a file of this machine as long as it was when it was chosen."""

    name: str
    data: bytes | Path
    size: int

    @classmethod
    def of(cls, name: str, data: bytes) -> Member:
        """One whose bytes are known."""
        return cls(name, data, len(data))

    @classmethod
    def file(cls, name: str, path: Path) -> Member:
        """A copy of a file.  OSError."""
        return cls(name, path, path.stat().st_size)


@dataclass(frozen=True, slots=True)
class Archive:
    """The members in order; ``mtime`` is theirs, in seconds since the epoch."""

    members: Sequence[Member]
    mtime: int

    @property
    def size(self) -> int:
        """Bytes of the whole archive."""
        used = sum(len(self._head(member)) + _padded(member.size) for member in self.members) + 2 * _BLOCK
        return -(-used // _RECORD) * _RECORD

    def pieces(self) -> Iterator[bytes]:
        """Its bytes.  OSError when a file cannot be read, or is shorter than it was."""
        done = 0
        for member in self.members:
            head = self._head(member)
            yield head
            done += len(head) + _padded(member.size)
            yield from _data(member)
            yield bytes(_padded(member.size) - member.size)
        yield bytes(self.size - done)

    def crc(self) -> Crc:
        """Its checksum.  OSError."""
        value = size = 0
        for piece in self.pieces():
            value = crc32c(piece, value)
            size += len(piece)
        return Crc(value, size)

    def _head(self, member: Member) -> bytes:
        info = tarfile.TarInfo(member.name)
        info.size, info.mtime, info.mode = member.size, self.mtime, 0o640
        return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _data(member: Member) -> Iterator[bytes]:
    file = io.BytesIO(member.data) if isinstance(member.data, bytes) else member.data.open("rb")
    with file:
        left = member.size
        while left:
            piece = file.read(min(left, _PIECE))
            if not piece:
                raise OSError(f"{member.data!s} became shorter while it was read")
            left -= len(piece)
            yield piece


def header_of(run: str, crc: Crc) -> Header:
    """The header before the archive: a full dump by tar, not packed."""
    return Header(Kind.FILE, datestamp=run, host=HOST, disk=DISK, level=0, program="/bin/tar",
                  recover="/bin/tar -xpf - ...", orig_kib=-(-crc.size // 1024), native=crc, client=crc, server=crc)


def is_description(header: Header) -> bool:
    """Whether a file with this header is one."""
    return header.is_dump and (header.host, header.disk) == (HOST, DISK)
