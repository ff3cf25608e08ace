"""What is asked of the catalogue: dumps and where they are, volumes, runs, the age of the last good backup.

Read-only.  Sizes KiB, times seconds since the epoch.  A dump is *good* when it ended ``done`` or ``strange``; it is
*held* when a holding file or a whole copy on volumes still has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from core.catalogue.store import Catalogue
from core.model.dump import NO_CRC, Crc

Key = tuple[str, str]
DumpKey = tuple[str, str, str, int]
"""Host, disk, datestamp, level."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a dump on a volume; ``size`` KiB, ``crc`` of its data."""

    label: str
    fileno: int
    size: int
    crc: Crc


@dataclass(frozen=True, slots=True)
class Copy:
    """A whole copy of a dump on the volumes of one storage, its parts in order; ``run`` is the datestamp in their labels."""

    storage: str
    run: str
    parts: tuple[Part, ...]
    size: int
    crc: Crc

    @property
    def labels(self) -> tuple[str, ...]:
        """The volumes in the order in which a restore needs them."""
        return tuple(dict.fromkeys(part.label for part in self.parts))


@dataclass(frozen=True, slots=True)
class Dump:
    """A good dump; ``file`` is the holding file where there is one; ``copies`` only whole ones.

    ``others``: places of another dump with the same name, datestamp and level, but other data.
    """

    host: str
    disk: str
    datestamp: str
    level: int
    outcome: str
    run: str
    began: float
    ended: float
    seconds: float
    size: int
    orig: int
    native: Crc
    client: Crc
    server: Crc
    file: str
    copies: tuple[Copy, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def key(self) -> DumpKey:
        """What names it."""
        return (self.host, self.disk, self.datestamp, self.level)

    @property
    def held(self) -> bool:
        """Whether anything still has its data."""
        return bool(self.file or self.copies)

    @property
    def labels(self) -> tuple[str, ...]:
        """All volumes that have some of it."""
        return tuple(dict.fromkeys(label for copy in self.copies for label in copy.labels))


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run; ``code`` −1 while it has no end."""

    run: str
    datestamp: str
    org: str
    by: str
    began: float
    ended: float
    code: int
    disks: int
    done: int
    failed: int
    left_on_holding: int


@dataclass(frozen=True, slots=True)
class VolumeRow:
    """One volume as it was written last; ``written`` is the datestamp in its label; ``closed``: its run was done with it."""

    storage: str
    label: str
    written: str
    size: int
    parts: int
    closed: int


def crc_of(text: str) -> Crc:
    """A CRC column; what is none is unknown."""
    try:
        return Crc.parse(text)
    except ValueError:
        return NO_CRC


def dumps(catalogue: Catalogue, host: str = "", disk: str = "") -> list[Dump]:
    """All good dumps, of one disk when it is named, oldest first.

    Of several attempts at one dump the last counts; where their checksums show that they are not the same data, the last that
    is held, and copies of the others are not its own; that of a run that was taken in beside the one of its second comes first.
    """
    where, values = ("AND host=? AND disk=?", (host, disk)) if host else ("", ())
    rows = catalogue.rows(
        "SELECT host, disk, datestamp, level, outcome, run, began, ended, seconds, size, orig, native_crc, client_crc,"
        f" server_crc, file FROM dumps WHERE outcome IN ('done','strange') {where}"
        " ORDER BY datestamp, run=datestamp, ended, run, handle", *values)
    copies = _copies(catalogue, where, values)
    found: dict[DumpKey, Dump] = {}
    for (name, of, stamp, level, outcome, run, began, ended, seconds, size, orig, native, client, server, file) in rows:
        key: DumpKey = (name, of, stamp, level)
        crc, all_of_key = crc_of(server), copies.get(key, ())
        own = tuple([copy for copy in all_of_key if _same(copy.crc, crc)])
        dump = Dump(name, of, stamp, level, outcome, run, began, ended, seconds, size, orig, crc_of(native), crc_of(client),
                    crc, file, own, tuple([_place(copy) for copy in all_of_key if copy not in own]))
        before = found.get(key)
        if before is not None and not _same(before.server, crc):
            dump = _one_of(before, dump)
        found[key] = dump
    return list(found.values())


def _same(one: Crc, other: Crc) -> bool:
    """Whether two checksums may be of the same data."""
    return not (one.known and other.known) or one == other


def _place(copy: Copy) -> str:
    return f"volume {', '.join(copy.labels)} of storage {copy.storage}"


def _one_of(before: Dump, dump: Dump) -> Dump:
    """Which of two dumps with one key but other data counts: the later one, unless only the earlier one is held."""
    kept, lost = (dump, before) if dump.held or not before.held else (before, dump)
    file = (f"holding file {lost.file}",) if lost.file and lost.file != kept.file else ()
    return replace(kept, others=tuple(dict.fromkeys((*kept.others, *file))))


def _copies(catalogue: Catalogue, where: str, values: tuple[str, ...]) -> dict[DumpKey, list[Copy]]:
    """The whole copies of each dump, the newest first."""
    stamps: dict[str, str] = dict(catalogue.rows("SELECT run, datestamp FROM runs WHERE datestamp<>'' AND datestamp<>run"))
    parts: dict[tuple[Any, ...], list[Part]] = {}
    # Left to itself SQLite looks parts up by their storage alone: all of them, for each write.
    for row in catalogue.rows(
        "SELECT host, disk, datestamp, level, storage, run, handle, writes.parts, writes.size, writes.crc,"
        " label, fileno, parts.size, parts.crc FROM writes JOIN parts INDEXED BY parts_of_write USING (run, handle, storage)"
        f" WHERE outcome IN ('done','strange') AND parts.seq > writes.seq {where}"
        " ORDER BY run DESC, handle DESC, parts.seq", *values,
    ):
        label, fileno, size, crc = row[10:]
        parts.setdefault(row[:10], []).append(Part(label, fileno, size, crc_of(crc)))
    found: dict[DumpKey, list[Copy]] = {}
    for (host, disk, stamp, level, storage, run, _, count, size, crc), whole in parts.items():
        copy = Copy(storage, stamps.get(run, run), tuple(whole), size, crc_of(crc))
        if _is_whole(copy, count):
            found.setdefault((host, disk, stamp, level), []).append(copy)
    return found


def _is_whole(copy: Copy, count: int) -> bool:
    """Whether no part was overwritten since: by the bytes that the CRCs cover, else by number, else by size."""
    if copy.crc.known and all(part.crc.known for part in copy.parts):
        return sum(part.crc.size for part in copy.parts) == copy.crc.size
    return len(copy.parts) == count if count else sum(part.size for part in copy.parts) >= copy.size


def volumes_of(catalogue: Catalogue, host: str, disk: str, datestamp: str, level: int) -> dict[str, tuple[str, ...]]:
    """Storage to the volumes that hold a whole copy of a dump, in the order in which a restore needs them."""
    for dump in dumps(catalogue, host, disk):
        if dump.key == (host, disk, datestamp, level):
            return {copy.storage: copy.labels for copy in reversed(dump.copies)}
    return {}


def last_good(catalogue: Catalogue, keys: Iterable[Key] = ()) -> dict[Key, Dump | None]:
    """The newest good dump of each disk that is still held; None for a disk among ``keys`` that has none."""
    found: dict[Key, Dump | None] = dict.fromkeys(keys)
    for dump in dumps(catalogue):
        if dump.held:
            found[dump.host, dump.disk] = dump
    return found


def known_disks(catalogue: Catalogue) -> list[Key]:
    """Every disk that was ever dumped well."""
    return [(row[0], row[1]) for row in catalogue.rows(
        "SELECT DISTINCT host, disk FROM dumps WHERE outcome IN ('done','strange') ORDER BY host, disk")]


def runs(catalogue: Catalogue) -> list[RunRow]:
    """All runs, oldest first."""
    return [RunRow(*row) for row in catalogue.rows(
        "SELECT run, datestamp, org, by, began, ended, code, disks, done, failed, left_on_holding FROM runs ORDER BY run")]


def volumes(catalogue: Catalogue, storage: str) -> list[VolumeRow]:
    """The volumes of a storage that runs have written, newest first."""
    return [VolumeRow(*row) for row in catalogue.rows(
        "SELECT storage, label, written, size, parts, closed FROM volumes WHERE storage=? ORDER BY written DESC, number DESC,"
        " label DESC", storage)]
