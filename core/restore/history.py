"""One path over all dates: ``taperoom history``, and where and when a name is: ``taperoom find`` and ``search``.

A date is a dump whose state can be restored.  Indexes are opened in the order of dates, each once, and only those of one
chain are open at a time.  A date whose indexes cannot be read is passed over with a warning: nobody waits here for a dump
to be read.
"""

from __future__ import annotations

import fnmatch
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from core.catalogue.queries import Dump, DumpKey, Key, dumps
from core.catalogue.rebuild import open_catalogue
from core.catalogue.store import Catalogue
from core.errors import UsageError, WorldError
from core.index.record import Record
from core.model.site import Site
from core.restore.asof import NEWEST, NOW, parse_as_of
from core.restore.chain import chain_of, choose, restorable, show_dates, twins
from core.restore.former import with_former
from core.restore.indexes import Indexes, Unread
from core.restore.layer import Layer
from core.restore.merged import MergedTree
from core.restore.moment import as_named, disks_of, spec_of
from core.restore.source import Warn
from core.restore.spelled import first_named
from core.restore.tree import Directory, Node, size_of, source_of

LIMIT = 200
"""Names that a search shows when nobody says how many."""
_CANDIDATES = 20_000
"""Names that are taken of one index at most."""


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a path: the dump that has it (``datestamp`` empty: a directory that none has itself), and the ``dates``
    on which the path was so, newest first.  ``kind``, ``size`` and ``mtime`` as in `core.restore.browse.Entry`."""

    datestamp: str
    level: int
    labels: tuple[str, ...]
    kind: str
    size: int
    mtime: int
    dates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A path, with a leading ``/`` and for a directory one at the end, and its versions, newest first."""

    host: str
    disk: str
    path: str
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What `find` and `search` found, by disk and path; ``more``: there are others."""

    matches: tuple[Match, ...]
    more: bool
    warnings: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.matches)


@dataclass(frozen=True, slots=True)
class Row:
    """One date of a path: ``new``, ``changed``, ``unchanged``, ``deleted`` or ``absent``; the version there was, if any."""

    datestamp: str
    level: int
    state: str
    version: Version | None


@dataclass(frozen=True, slots=True)
class History:
    """A path over all dates since it was first there, newest first."""

    host: str
    disk: str
    path: str
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]

    @property
    def versions(self) -> tuple[Version, ...]:
        """Each state once, newest first."""
        return tuple(dict.fromkeys(row.version for row in self.rows if row.version is not None))


@dataclass(frozen=True, slots=True)
class State:
    """What a path is at a date; equal for equal content, as far as an index tells."""

    dump: Dump | None
    source: bytes
    directory: bool
    kind: str
    size: int
    mtime: int

    def same(self, other: State) -> bool:
        """Whether nothing was changed: it is of the same dump, or was dumped again with the same size and time."""
        if self.directory or other.directory:
            return self.directory and other.directory
        if self.dump is other.dump or (self.dump is not None and other.dump is not None and self.dump.key == other.dump.key):
            return self.source == other.source
        return (self.size >= 0 and self.mtime >= 0
                and (self.kind, self.size, self.mtime) == (other.kind, other.size, other.mtime))


def state_of(chain: Sequence[Dump], path: bytes, node: Node) -> State:
    """What ``node`` at ``path`` of a chain's tree is."""
    dump = chain[node.dump] if node.dump >= 0 else None
    source = source_of(path, node)
    if isinstance(node, Directory):
        return State(dump, source, True, "d", -1, node.mtime)
    return State(dump, source, False, node.kind, size_of(node), node.mtime)


def history(site: Site, text: str) -> History:
    """The history of ``HOST:DISK:PATH``.  UsageError RST011, RST012, RST013 when no date has it; WorldError RST001, RST014 when
    nothing of the disk is held any more."""
    opened = open_catalogue(site)
    warnings = list(opened.warnings)
    with opened.catalogue as catalogue:
        spec = spec_of(site, catalogue, text)
        good = dumps(catalogue, spec.host, spec.disk)
        can = restorable(good)
        if not can:
            try:
                choose(spec.title, good, NEWEST, time.time())
            except UsageError as fault:
                raise with_former(site, catalogue, spec, NEWEST, fault) from None
    warnings += twins(spec.title, can, (), True) if can else []
    seen: list[tuple[Dump, State | None]] = []

    def look(chain: Sequence[Dump], tree: MergedTree, layers: Sequence[Layer]) -> None:
        nonlocal spec
        if not seen:
            spec = as_named(tree, spec)
        path = os.fsencode(spec.path)
        node = tree.find(path)
        if node is not None or seen:
            seen.append((chain[-1], state_of(chain, path, node) if node is not None else None))

    _each_date(site, good, can, warnings.append, look)
    if not seen:
        raise UsageError("RST013", f"no dump of {spec.title} has /{spec.path}", show_dates(can))
    versions = _versions([(dump.datestamp, state) for dump, state in seen])
    rows: list[Row] = []
    before: State | None = None
    for (dump, state), version in zip(seen, versions, strict=True):
        if state is None:
            word = "deleted" if before is not None else "absent"
        else:
            word = "new" if before is None else "unchanged" if state.same(before) else "changed"
        rows.append(Row(dump.datestamp, dump.level, word, version))
        before = state
    return History(spec.host, spec.disk, spec.path, tuple(reversed(rows)), tuple(warnings))


def _versions(states: Sequence[tuple[str, State | None]]) -> list[Version | None]:
    """The version at each of some dates, oldest first; neighbours that are the same are one, of the newest dump that has it."""
    groups: list[tuple[State | None, list[str]]] = []
    for stamp, state in states:
        last = groups[-1][0] if groups else None
        if groups and (state is last or (state is not None and last is not None and state.same(last))):
            groups[-1] = (state, [*groups[-1][1], stamp])
        else:
            groups.append((state, [stamp]))
    return [_version(state, stamps) for state, stamps in groups for _ in stamps]


def _version(state: State | None, stamps: Sequence[str]) -> Version | None:
    if state is None:
        return None
    stamp, level, labels = ("", -1, ()) if state.dump is None else (state.dump.datestamp, state.dump.level, state.dump.labels)
    return Version(stamp, level, labels, state.kind, state.size, state.mtime, tuple(reversed(stamps)))


def find(site: Site, glob: str, *, host: str = "", disk: str = "", as_of: str | None = None, limit: int = LIMIT,
         now: float | None = None) -> Found:
    """Where and when something is that a pattern of the shell fits: a name, or with a slash a path from the disk's top.

    ``as_of`` None: on all dates.  ``host`` and ``disk``, patterns too, are those to look at.  UsageError RST010, RST011 when
    that is none; WorldError RST001.
    """
    def look(said: str) -> Found:
        pattern = os.fsencode(said)
        return _look(site, (host, disk), as_of, limit, now, lambda layer: layer.match(pattern),
                     lambda tree, found: tree.match(pattern, found))

    return first_named(glob, look)


def search(site: Site, text: str, *, host: str = "", disk: str = "", as_of: str | None = NOW, limit: int = LIMIT,
           fold: bool = True, now: float | None = None) -> Found:
    """Where something is that has ``text`` in its name, as of a date; otherwise as `find`.  ``fold``: whatever the case."""
    def look(said: str) -> Found:
        needle = os.fsencode(said)
        return _look(site, (host, disk), as_of, limit, now, lambda layer: layer.search(needle, fold),
                     lambda tree, found: tree.search(needle, fold, found))

    return first_named(text, look)


Ask = Callable[[Layer], Iterator[Record]]
Look = Callable[[Sequence[Dump], MergedTree, Sequence[Layer]], None]
Sift = Callable[[MergedTree, Sequence[Sequence[Record]]], Iterator[tuple[bytes, Node]]]


def _look(site: Site, which: Key, as_of: str | None, limit: int, now: float | None, ask: Ask, sift: Sift) -> Found:
    opened = open_catalogue(site)
    warnings = list(opened.warnings)
    at = time.time() if now is None else now
    stamp = None if as_of is None else parse_as_of(as_of, at, warnings.append)
    matches: list[Match] = []
    more = False
    with opened.catalogue as catalogue:
        for key in _chosen(site, catalogue, which):
            found, cut = _on_disk(site, dumps(catalogue, *key), key, (stamp, at), limit, warnings.append, ask, sift)
            matches += found
            more = more or cut
            if len(matches) >= limit:
                more = more or len(matches) > limit
                break
    return Found(tuple(matches[:limit]), more, tuple(dict.fromkeys(warnings)))


def _chosen(site: Site, catalogue: Catalogue, which: Key) -> list[Key]:
    disks = disks_of(site, catalogue)
    found = [key for key in disks
             if all(not glob or fnmatch.fnmatchcase(name, glob) for name, glob in zip(key, which, strict=True))]
    if not found:
        titles = ", ".join(f"{host}:{disk}" for host, disk in disks[:8])
        raise UsageError("RST011", f"no disk is {which[0] or '*'}:{which[1] or '*'}",
                         f"there are {titles}" if titles else "there is no disk yet: taperoom disk add")
    return found


def _on_disk(site: Site, good: list[Dump], key: Key, when: tuple[str | None, float], limit: int, warn: Warn, ask: Ask,
             sift: Sift) -> tuple[list[Match], bool]:
    """The matches on one disk, and whether there are more; ``when``: as of what, and the time now."""
    taken: dict[DumpKey, list[Record]] = {}
    seen: dict[bytes, dict[int, State | None]] = {}
    dates: list[str] = []  # two of them may be the same second
    more = False

    def look(chain: Sequence[Dump], tree: MergedTree, layers: Sequence[Layer]) -> None:
        nonlocal more
        dates.append(chain[-1].datestamp)
        more = _take(chain, tree, layers, taken, seen, len(dates) - 1, limit, ask, sift) or more

    title, (stamp, now) = f"{key[0]}:{key[1]}", when
    if stamp is None:
        wanted = restorable(good)
        for said in twins(title, wanted, (), True) if wanted else ():
            warn(said)
    else:
        try:
            chain, said_of_it = choose(title, good, stamp, now)
            wanted = [chain[-1]]
            for said in said_of_it:
                warn(said)
        except UsageError:
            wanted = []  # it is younger than that
        except WorldError as fault:
            wanted = []
            warn(f"{fault.code} {fault.message}")
    _each_date(site, good, wanted, warn, look)
    return _matches(key, seen, dates), more


def _take(chain: Sequence[Dump], tree: MergedTree, layers: Sequence[Layer], taken: dict[DumpKey, list[Record]],
          seen: dict[bytes, dict[int, State | None]], number: int, limit: int, ask: Ask, sift: Sift) -> bool:
    """Note what fits at one date, the ``number``-th; whether something was left off."""
    for dump, layer in zip(chain, layers, strict=True):
        if dump.key not in taken:
            taken[dump.key] = list(islice(ask(layer), _CANDIDATES + 1))
    cut = any(len(taken[dump.key]) > _CANDIDATES for dump in chain)
    for path, node in sift(tree, [taken[dump.key] for dump in chain]):
        if path in seen or len(seen) < limit:
            seen.setdefault(path, {})[number] = state_of(chain, path, node)
        else:
            return True
    return cut


def _matches(key: Key, seen: dict[bytes, dict[int, State | None]], dates: Sequence[str]) -> list[Match]:
    found = []
    for path, states in sorted(seen.items()):
        # Dates on which it was not there part its versions.
        versions = _versions([(stamp, states.get(number)) for number, stamp in enumerate(dates)])
        each = list(dict.fromkeys(version for version in reversed(versions) if version is not None))
        directory = each[0].kind == "d"
        found.append(Match(*key, "/" + os.fsdecode(path) + ("/" if directory else ""), tuple(each)))
    return found


def _each_date(site: Site, good: Sequence[Dump], wanted: Sequence[Dump], warn: Warn, look: Look) -> None:
    """Show ``look`` chain, tree and layers of each of the ``wanted`` dumps of a disk, oldest first."""
    with Indexes(site, warn) as indexes:
        for dump in wanted:
            chain = chain_of(good, dump)
            indexes.keep(chain)
            try:
                layers = indexes.layers(chain)
                look(chain, MergedTree(layers), layers)
            except Unread as fault:
                warn(f"{fault.code} {fault.message}: dates that need it are not looked through")
