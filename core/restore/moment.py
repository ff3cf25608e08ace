"""A disk as of a moment: its chain of dumps, their listings, and the tree that follows from them.

Listings come from the index files that dumpers wrote; a dump without one is read itself.  What makes the answer less
than certain (a stock client's index, a rename that cannot be looked up) becomes a warning, never silence.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from core.catalogue.queries import Dump, Key, dumps, known_disks
from core.catalogue.store import Catalogue
from core.errors import TaperoomError, UsageError, WorldError
from core.index.reader import open_index
from core.model.site import Site
from core.restore.asof import show_stamp
from core.restore.chain import choose, restorable, show_dates
from core.restore.extract import Counter, scan
from core.restore.indexfile import index_file
from core.restore.listing import Listing, of_index
from core.restore.source import Warn
from core.restore.spec import Spec, parse_spec
from core.restore.tree import Node, Tree, build

_LOOKED_BACK = 40
"""In how many dumps a path that is not there is looked for."""


@dataclass(slots=True)
class Moment:
    """The disk of ``spec`` as the newest dump of ``chain`` saw it."""

    spec: Spec
    chain: tuple[Dump, ...]
    tree: Tree
    warnings: list[str] = field(default_factory=list)

    @property
    def datestamp(self) -> str:
        """When it was so."""
        return self.chain[-1].datestamp


def disks_of(site: Site, catalogue: Catalogue) -> list[Key]:
    """All disks that may be named: those of the configuration, and those that were ever dumped."""
    return list(dict.fromkeys([disk.key for disk in site.disks] + known_disks(catalogue)))


def spec_of(site: Site, catalogue: Catalogue, text: str) -> Spec:
    """What ``HOST:DISK[:PATH]`` names.  UsageError RST011, RST012."""
    return parse_spec(text, disks_of(site, catalogue))


def moment_of(site: Site, catalogue: Catalogue, spec: Spec, as_of: str, count: Counter, warn: Warn) -> Moment:
    """The disk of ``spec`` as of a datestamp.  UsageError and WorldError RST013, RST014, RST024."""
    good = dumps(catalogue, spec.host, spec.disk)
    chain, warnings = choose(spec.title, good, as_of)
    listings = [_listing(site, dump, count, warnings, warn) for dump in chain]
    for number, (dump, listing) in enumerate(zip(chain, listings, strict=True)):
        if number and listing.exact and listing.renames is None:
            listing.renames = _renames(site, dump, count, warnings)
    tree = build(listings)
    if tree.inexact:
        levels = ", ".join(str(chain[number].level) for number in tree.inexact)
        warnings.append(f"RST016 {spec.title}: the index of level {levels} does not tell which files were deleted before it:"
                        " such files may be shown and restored")
    if tree.missing:
        warnings.append(f"RST017 {spec.title}: {len(tree.missing)} files were there, but no dump of the chain has them,"
                        f" the first is /{tree.missing[0].decode('utf-8', 'replace')}")
    return Moment(spec, chain, tree, warnings)


def _listing(site: Site, dump: Dump, count: Counter, warnings: list[str], warn: Warn) -> Listing:
    title = f"{dump.host}:{dump.disk} level {dump.level} of {show_stamp(dump.datestamp)}"
    path = index_file(site, dump)
    if path is not None:
        try:
            return read_index(path)
        except (OSError, WorldError) as fault:
            why = fault.message if isinstance(fault, WorldError) else fault
            warnings.append(f"RST018 {title}: its index {path} cannot be read ({why}); its names come from the dump itself")
    else:
        warnings.append(f"RST018 {title}: has no index; its names come from the dump itself")
    return scan(site, dump, count, warn)


def _renames(site: Site, dump: Dump, count: Counter, warnings: list[str]) -> list[tuple[bytes, bytes]]:
    """What was renamed, from the head of the dump, where tar put it."""
    def ignore(text: str) -> None:
        pass

    try:
        return scan(site, dump, count, ignore, head=True).renames or []
    except TaperoomError as fault:
        warnings.append(f"RST019 {dump.host}:{dump.disk} level {dump.level} of {show_stamp(dump.datestamp)}: which directories"
                        f" were renamed before it is not known ({fault.message})")
        return []


def read_index(path: Path) -> Listing:
    """The listing in an index file.  OSError or, for a damaged one, WorldError RST018; RST015 for one too long."""
    with open_index(path) as index:
        return of_index(index)


def node_at(site: Site, catalogue: Catalogue, moment: Moment, spec: Spec) -> Node:
    """What ``spec`` names at that moment.  UsageError RST013 says in which dumps the name is, when it is not there."""
    found = moment.tree.find(os.fsencode(spec.path))
    if found is not None:
        return found
    good = restorable(dumps(catalogue, spec.host, spec.disk))
    unread: list[str] = []
    having = [dump for dump in good[-_LOOKED_BACK:] if _has(site, dump, os.fsencode(spec.path), unread)]
    hint = "the name is in " + show_dates(having).removeprefix("these dates can be restored: ") if having else show_dates(good)
    if unread:
        hint += f"; not looked through, since they cannot be read: {', '.join(unread)}"
    raise UsageError("RST013", f"{spec.title} had no /{spec.path} on {show_stamp(moment.datestamp)}", hint)


def _has(site: Site, dump: Dump, path: bytes, unread: list[str]) -> bool:
    file = index_file(site, dump)
    if file is None:
        return False
    try:
        with open_index(file) as index:
            return index.find(path) is not None
    except (OSError, TaperoomError):
        unread.append(str(file))
        return False
