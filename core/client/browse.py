"""Looking through what can be restored: dates of a disk, directories as of a date, versions of a path, what a restore needs.

A `Browser` holds the indexes of one disk as of one date open, and reads of them what is asked for.  Paths are text from the
disk's top without slashes at their ends, ``""`` is the top; bytes that are no UTF-8 are surrogate escapes.  Sizes of dumps
KiB.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import TaperoomError, UsageError
from core.model.site import Site
from core.model.units import seconds_of_datestamp

if TYPE_CHECKING:
    from core.catalogue.queries import Copy, Dump
    from core.restore.peek import Peek as Peek  # faces know it by this door
    from core.restore.tree import Node

_FOUND = 500
"""Names that a search gives at most."""
_COUNTED = 1000
"""Names that are counted at most for one list of names: more would be waited for."""


@dataclass(frozen=True, slots=True)
class Date:
    """A dump whose state can be restored.  ``labels`` empty: it is on the holding disk only."""

    datestamp: str
    level: int
    size: int
    labels: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Name:
    """One name in a directory; ``datestamp`` and ``level`` of the newest dump that has it (empty and −1: none has the
    directory itself); ``files`` in and below a directory, −1 when they are too many to be counted at once, 1 for anything
    else; ``size`` bytes where known."""

    path: str
    directory: bool
    datestamp: str
    level: int
    files: int = 1
    size: int | None = None

    @property
    def name(self) -> str:
        """Its last part."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a restore reads: a volume with the numbers of its ``files``, or a holding file (``storage`` empty,
    ``label`` its path).  ``slot`` empty: the volume is in none, and must be brought."""

    storage: str
    label: str
    slot: str
    files: tuple[int, ...]
    datestamp: str
    level: int
    size: int

    @property
    def here(self) -> bool:
        """Whether it can be read now."""
        return bool(self.slot) or not self.storage


@dataclass(frozen=True, slots=True)
class Needs:
    """What a restore of some paths reads, in this order, and the equal command line (``DIR`` stands for the target).
    ``bytes`` of the files whose size is known, and how many are ``unsized``."""

    needs: tuple[Need, ...]
    files: int
    directories: int
    missing: tuple[str, ...]
    command: str
    bytes: int
    unsized: int

    @property
    def size(self) -> int:
        """KiB of the dumps that are read, as if each were read as a whole: a restore reads what it needs of them."""
        return sum({(need.datestamp, need.level): need.size for need in self.needs}.values())


def disks(site: Site) -> list[tuple[str, str]]:
    """Host and disk of everything that may be named: the disklist, then what was ever dumped.  WorldError RST001."""
    from core.catalogue.rebuild import open_catalogue
    from core.restore.moment import disks_of

    with open_catalogue(site).catalogue as catalogue:
        return disks_of(site, catalogue)


def dates(site: Site, host: str, disk: str) -> list[Date]:
    """What a disk can be restored to, newest first.  WorldError RST001."""
    from core.catalogue.queries import dumps
    from core.catalogue.rebuild import open_catalogue
    from core.restore.chain import restorable

    with open_catalogue(site).catalogue as catalogue:
        return [_date(dump) for dump in reversed(restorable(dumps(catalogue, host, disk)))]


def _date(dump: Dump) -> Date:
    return Date(dump.datestamp, dump.level, dump.size, dump.labels, _seconds(dump))


def _seconds(dump: Dump) -> float:
    try:
        return seconds_of_datestamp(dump.datestamp)
    except ValueError:
        return dump.began


def versions(site: Site, host: str, disk: str, path: str, most: int = 40) -> list[Date]:
    """The dumps that have ``path`` itself and can be restored, newest first, among the disk's ``most`` newest with an index.

    WorldError RST001.
    """
    from core.catalogue.queries import dumps
    from core.catalogue.rebuild import open_catalogue
    from core.index.reader import open_index
    from core.index.record import Mark
    from core.restore.chain import restorable
    from core.restore.indexfile import index_file

    with open_catalogue(site).catalogue as catalogue:
        good = restorable(dumps(catalogue, host, disk))[-most:]
    found = []
    for dump in reversed(good):
        file = index_file(site, dump)
        if file is None:
            continue
        try:
            with open_index(file) as index:
                record = index.find(os.fsencode(path))
                has = bool(index.count) if not path else record is not None and record.mark is not Mark.PRESENT
        except (OSError, TaperoomError):
            continue
        if has:
            found.append(_date(dump))
    return found


class _Counter:
    """Counts files below directories, as long as there are not too many in all."""

    def __init__(self, most: int) -> None:
        self._left = most

    def files(self, node: Node) -> int:
        """Files in and below a node; −1 when that would take too long."""
        from core.restore.tree import Directory, walk

        if not isinstance(node, Directory):
            return 1
        files = 0
        for _, below in walk(node, b""):
            self._left -= 1
            if self._left < 0:
                return -1
            files += not isinstance(below, Directory)
        return files


class Browser:
    """A disk as it was on a date (see `core.restore.asof`).

    UsageError RST010, RST013; WorldError RST001, RST014, RST024.
    """

    def __init__(self, site: Site, host: str, disk: str, as_of: str = "now", now: float | None = None) -> None:
        from core.catalogue.rebuild import open_catalogue
        from core.restore.asof import parse_as_of
        from core.restore.moment import moment_of
        from core.restore.spec import Spec

        opened = open_catalogue(site)
        self._site, self._said = site, list(opened.warnings)
        at = time.time() if now is None else now
        stamp = parse_as_of(as_of, at, self._said.append)
        with opened.catalogue as catalogue:
            spec = Spec(host, disk)
            self._moment = moment_of(site, catalogue, spec, stamp, lambda place, size: None, self._said.append, now=at)
        self.host, self.disk, self.datestamp = host, disk, self._moment.datestamp

    @property
    def chain(self) -> list[Date]:
        """The dumps that it is made of, the full first."""
        return [_date(dump) for dump in self._moment.chain]

    @property
    def warnings(self) -> tuple[str, ...]:
        """With their codes, of all that was looked at so far."""
        return tuple(self._said + self._moment.told)

    def names(self, path: str = "", *, counted: bool = True) -> list[Name]:
        """The names in a directory, directories first; with ``counted`` how many files are below each.

        UsageError RST013 when there is no such directory.
        """
        from core.restore.tree import Directory

        node = self._moment.tree.find(os.fsencode(path))
        if not isinstance(node, Directory):
            raise UsageError("RST013", f"{self.host}:{self.disk} had no directory /{path} then", "look one level higher")
        prefix = os.fsencode(path) + b"/" if path else b""
        counter = _Counter(_COUNTED if counted else 0)
        names = [self._name(prefix + name, child, counter) for name, child in sorted(node.children.items())]
        return sorted(names, key=lambda name: (not name.directory, name.path))

    def find(self, text: str, most: int = _FOUND) -> list[Name]:
        """Names of files and directories that have ``text`` in them, whatever its case, in the order of their paths; the
        first ``most`` that are met."""
        from itertools import islice

        from core.restore.spelled import first_named

        counter, tree = _Counter(_COUNTED), self._moment.tree
        found = first_named(text, lambda said: list(islice(tree.search(os.fsencode(said), fold=True), most)))
        return sorted((self._name(path, node, counter) for path, node in found), key=lambda name: name.path)

    def _name(self, path: bytes, node: Node, counter: _Counter) -> Name:
        from core.restore.tree import Directory, size_of

        dump = self._moment.chain[node.dump] if node.dump >= 0 else None
        directory = isinstance(node, Directory)
        return Name(os.fsdecode(path), directory, dump.datestamp if dump else "", dump.level if dump else -1,
                    counter.files(node), None if isinstance(node, Directory) or (size := size_of(node)) < 0 else size)

    def peek(self, path: str) -> Peek:
        """The beginning of a file.  UsageError RST013 when there is none; WorldError RST024, RST058."""
        from core.restore.peek import peek
        from core.restore.tree import Directory, source_of

        node = self._moment.tree.find(os.fsencode(path))
        if node is None or isinstance(node, Directory):
            raise UsageError("RST013", f"{self.host}:{self.disk} had no file /{path} then", "choose another date")
        return peek(self._site, self._moment.chain[node.dump], source_of(os.fsencode(path), node))

    def needs(self, paths: Sequence[str]) -> Needs:
        """What a restore of these paths reads; what is not there is ``missing``."""
        from core.client.standing import Standing, command_line, restore_words
        from core.restore.marks import total_of

        total = total_of(self._moment.tree, paths)
        command = command_line(restore_words(Standing(self.host, self.disk, marks=tuple(paths)), self.datestamp))
        slots = _Slots(self._site)
        reads = tuple(need for number in sorted(total.dumps) for need in _needs_of(self._moment.chain[number], slots))
        return Needs(reads, total.files, total.directories, total.missing, command, total.size, total.unsized)


class _Slots:
    """Which slot each volume is in; every changer is looked at once."""

    def __init__(self, site: Site) -> None:
        self._site, self._known = site, dict[str, dict[str, str]]()

    def of(self, storage: str, label: str) -> str:
        """The slot of a volume; empty when it is in none, or the changer is not there."""
        if storage not in self._known:
            self._known[storage] = self._look(storage)
        return self._known[storage].get(label, "")

    def _look(self, storage: str) -> dict[str, str]:
        from core.devices.registry import open_changer

        if storage not in self._site.storages:
            return {}
        try:
            return {view.label: view.slot for view in open_changer(self._site.storages[storage]).views() if view.label}
        except (TaperoomError, OSError):
            return {}

    def order(self, copies: Iterable[Copy]) -> list[Copy]:
        """The copies as a restore takes them: by the configuration's order of storages."""
        names = list(self._site.storages)
        return sorted((copy for copy in copies if copy.storage in names), key=lambda copy: names.index(copy.storage))


def _needs_of(dump: Dump, slots: _Slots) -> list[Need]:
    """Where one dump is read, as `core.restore.source` would."""
    if dump.file and os.path.exists(dump.file):
        return [Need("", dump.file, "", (), dump.datestamp, dump.level, dump.size)]
    copies = slots.order(dump.copies)
    if not copies:
        return [Need("", dump.file, "", (), dump.datestamp, dump.level, dump.size)] if dump.file else []
    best = next((copy for copy in copies if all(slots.of(copy.storage, label) for label in copy.labels)), copies[0])
    return [Need(best.storage, label, slots.of(best.storage, label),
                 tuple(part.fileno for part in best.parts if part.label == label), dump.datestamp, dump.level, dump.size)
            for label in best.labels]
