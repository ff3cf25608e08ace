"""What a restore wants in a target, name by name, and what is there before it begins.  Pure."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from core.landing.state import Look

FILES, LINKS, DIRECTORIES = "files", "links", "dirs"
"""What comes out of a dump is in three places: most of it; names whose first name was not asked for; directories that came out
before any file, so that their looks are known as soon as possible."""
SLACK = 1 << 20
"""Bytes of headers, long names and attributes that a member may have besides its data, at most."""
_EACH = 16 << 10
"""Making a file costs as much as writing so many bytes."""


class Item(NamedTuple):
    """One name that is wanted, from the target's top, ``b""`` is the target itself; it is called ``source`` in the dump of
    that number, −1: a directory that no dump has.

    ``kind`` (`core.index.record`), ``size`` in bytes, ``mtime`` in seconds, and ``offset``, where it begins in the dump's
    archive, as far as an index tells, −1: it does not.
    """

    path: bytes
    dump: int
    source: bytes
    directory: bool
    kind: str = ""
    size: int = -1
    mtime: int = -1
    offset: int = -1

    @property
    def end(self) -> int:
        """Before this byte of the archive it ends; −1 unknown."""
        return self.offset + max(0, self.size) + SLACK if self.offset >= 0 else -1

    @property
    def detailed(self) -> bool:
        """Whether it can be told from its look alone that tar has written all of it."""
        return self.mtime >= 0 and (self.kind == "l" or (self.kind in "fs" and self.kind != "" and self.size >= 0))

    def like(self, found: os.stat_result) -> bool:
        """Whether what was found is what the index tells of this file, as far as it tells: tar gives a file its time when all
        of it is written."""
        if self.mtime >= 0 and found.st_mtime_ns // 1_000_000_000 != self.mtime:
            return False
        match self.kind:
            case "f" | "s":
                return stat.S_ISREG(found.st_mode) and self.size in (-1, found.st_size)
            case "h":
                return stat.S_ISREG(found.st_mode)
            case "l":
                return stat.S_ISLNK(found.st_mode)
            case "p":
                return stat.S_ISFIFO(found.st_mode)
            case "b":
                return stat.S_ISBLK(found.st_mode)
            case "c":
                return stat.S_ISCHR(found.st_mode)
            case _:
                return not stat.S_ISDIR(found.st_mode)


def ways_of(items: Iterable[Item], dump: int) -> dict[bytes, int]:
    """Which of two tars that are at work side by side gets the files of a dump, by the directory that they are in there: both
    have about the same to do at any time, if members come in the order of ``items``.  Another restore of the same says so, too.
    """
    work: dict[bytes, int] = {}
    for item in items:
        if item.dump == dump and not item.directory:
            directory = item.source.rpartition(b"/")[0]
            work[directory] = work.get(directory, 0) + max(0, item.size) + _EACH
    ways: dict[bytes, int] = {}
    ahead = 0  # how much more the first one has to do
    for directory, size in work.items():
        ways[directory] = 0 if ahead <= 0 else 1
        ahead += size if ahead <= 0 else -size
    return ways


@dataclass(frozen=True, slots=True)
class There:
    """A target before a restore: whether it ``exists``; names in it that would be replaced (``taken``), and those that cannot
    be, since one is a directory and the other is not (``blocked``), each with a slash before it.

    Of an interrupted restore of the same: files that are ``whole`` and need not be read, and directories of which it is known
    how they look (``dressed``).  ``former``: an interrupted restore of something else, in words; ``resumed``: of the same.

    ``hindered``: why nothing can be written there; ``free``: bytes that are free there, −1 where that is not known.
    """

    exists: bool = False
    taken: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    whole: frozenset[bytes] = frozenset()
    dressed: frozenset[bytes] = frozenset()
    former: str = ""
    resumed: bool = False
    hindered: str = ""
    free: int = -1


@dataclass(slots=True)
class Placed:
    """How much is in its place; ``missing`` did not come out of the dumps although it should have."""

    files: int = 0
    directories: int = 0
    missing: list[bytes] = field(default_factory=list)


class Writer(Protocol):
    """A tar that extracts what it is given."""

    def write(self, piece: memoryview | bytes) -> None:
        """Give it the next bytes.  BrokenPipeError when it has given up: `finish` tells why."""

    def finish(self) -> list[str]:
        """That was all; what tar said that an operator should read.  WorldError RST025 when it could not write."""

    def kill(self) -> None:
        """End it whatever it does; after `finish` nothing."""


class Landing(Protocol):
    """A directory that files are restored to, here or on a client.  One call after the other, from one thread.

    `look` writes nothing.  `begin` takes the target and puts in place what an interrupted restore left; then for each dump
    `writer` for one of its parts (`FILES` …), or `clear` to begin that anew, `dress` when its first directories are out, `seen`
    for each that comes after files, and `land`; at the end `finish`, or `pause` when something is missing, or `leave` after a
    fault.
    """

    tars: int
    """How many tars for `FILES` may be at work side by side, 1 or 2: see `ways_of`."""

    def look(self, fresh: bool) -> There:
        """What is there.  UsageError RST030 when it is no directory."""

    def begin(self, overwrite: bool, fresh: bool) -> None:
        """Take it.  UsageError RST030, RST031, RST034; BusyError RST035; WorldError RST025."""

    def writer(self, dump: int, part: str) -> Writer:
        """A tar for members of a dump.  WorldError RST025."""

    def clear(self, dump: int, part: str) -> None:
        """Forget what came out of a dump so far."""

    def dress(self, dump: int) -> None:
        """Its directories are out: note how they look.  WorldError RST025."""

    def seen(self, dump: int, source: bytes, look: Look) -> None:
        """How a directory that was called ``source`` there will look; after `dress`."""

    def proved(self, dump: int, size: int) -> None:
        """The first ``size`` bytes of its archive were compared with their checksums."""

    def land(self, dump: int, linked: set[bytes], links: dict[bytes, bytes]) -> list[bytes]:
        """All of a dump came out well: put it in its place; what did not come out.  ``linked`` came out beside the rest,
        ``links`` are names of files that are in place already.  WorldError RST025."""

    def finish(self) -> Placed:
        """Make and dress all directories, take the hidden room away.  WorldError RST025."""

    def pause(self) -> Placed:
        """The same, but the room stays: the same restore goes on from here."""

    def leave(self) -> bool:
        """After a fault or an interruption: whether something stays that the same restore goes on with.  Never raises."""

    def close(self) -> None:
        """Nothing more is asked of it.  Never raises."""
