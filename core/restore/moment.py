"""A disk as of a moment: its chain of dumps, their indexes, and the tree that follows from them.

Indexes come from the files that dumpers wrote; a dump without one is read itself.  What makes the answer less than certain
(a stock client's index, a rename that cannot be looked up) becomes a warning, never silence.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace

from core.catalogue.queries import Dump, Key, dumps, known_disks
from core.catalogue.store import Catalogue
from core.errors import TaperoomError, UsageError
from core.index.reader import open_index
from core.model.site import Site
from core.restore.asof import show_stamp
from core.restore.chain import choose, restorable, show_dates
from core.restore.extract import Counter
from core.restore.former import with_former
from core.restore.indexes import Indexes
from core.restore.indexfile import index_file
from core.restore.merged import MergedTree
from core.restore.source import Warn
from core.restore.spec import Spec, parse_spec
from core.restore.spelled import readings, real_path
from core.restore.tree import Node

_LOOKED_BACK = 40
"""In how many dumps a path that is not there is looked for."""


@dataclass(slots=True)
class Moment:
    """The disk of ``spec`` as the newest dump of ``chain`` saw it; ``warnings`` of what is known so far: the tree is read as
    it is asked for, and `Moment.told` has those of all that was looked at."""

    spec: Spec
    chain: tuple[Dump, ...]
    tree: MergedTree
    warnings: list[str] = field(default_factory=list)

    @property
    def datestamp(self) -> str:
        """When it was so."""
        return self.chain[-1].datestamp

    @property
    def told(self) -> list[str]:
        """All warnings, also of files that no dump has."""
        missing = self.tree.missing
        if not missing:
            return list(self.warnings)
        first = min(missing).decode("utf-8", "replace")
        return [*self.warnings, f"RST017 {self.spec.title}: {len(missing)} files were there, but no dump of the chain has them,"
                                f" the first is /{first}"]


def disks_of(site: Site, catalogue: Catalogue) -> list[Key]:
    """All disks that may be named: those of the configuration, and those that were ever dumped."""
    return list(dict.fromkeys([disk.key for disk in site.disks] + known_disks(catalogue)))


def spec_of(site: Site, catalogue: Catalogue, text: str) -> Spec:
    """What ``HOST:DISK[:PATH]`` names.  UsageError RST011, RST012."""
    return parse_spec(text, disks_of(site, catalogue))


def as_named(tree: MergedTree, spec: Spec) -> Spec:
    """``spec`` with the path that a tree has, where it was written as a list shows it (`core.restore.spelled`)."""
    return replace(spec, path=real_path(tree.top, spec.path))


def moment_of(
    site: Site, catalogue: Catalogue, spec: Spec, as_of: str, count: Counter, warn: Warn, *, exact: bool = False,
    now: float | None = None,
) -> Moment:
    """The disk of ``spec`` as of what `core.restore.asof.parse_as_of` gave; with ``exact`` also of files that an index does
    not tell to be deleted, which may mean that dumps are read for it.  UsageError and WorldError RST013, RST014, RST024."""
    good = dumps(catalogue, spec.host, spec.disk)
    try:
        chain, warnings = choose(spec.title, good, as_of, time.time() if now is None else now)
    except UsageError as fault:
        raise with_former(site, catalogue, spec, as_of, fault) from None
    layers = Indexes(site, warnings.append, count, warn, exact=exact).layers(chain)
    tree = MergedTree(layers)
    if tree.inexact:
        levels = ", ".join(str(chain[number].level) for number in tree.inexact)
        warnings.append(f"RST016 {spec.title}: the index of level {levels} does not tell which files were deleted before it:"
                        " such files may be shown and restored")
    return Moment(spec, chain, tree, warnings)


def node_at(site: Site, catalogue: Catalogue, moment: Moment, spec: Spec) -> Node:
    """What ``spec``, of `as_named`, names at that moment.  UsageError RST013 says in which dumps the name is, when it is not
    there."""
    found = moment.tree.find(os.fsencode(spec.path))
    if found is not None:
        return found
    good = restorable(dumps(catalogue, spec.host, spec.disk))
    unread: list[str] = []
    having = [dump for dump in good[-_LOOKED_BACK:] if _has(site, dump, spec.path, unread)]
    hint = "the name is in " + show_dates(having).removeprefix("these dates can be restored: ") if having else show_dates(good)
    if unread:
        hint += f"; not looked through, since they cannot be read: {', '.join(unread)}"
    raise UsageError("RST013", f"{spec.title} had no /{spec.path} on {show_stamp(moment.datestamp)}", hint)


def _has(site: Site, dump: Dump, path: str, unread: list[str]) -> bool:
    file = index_file(site, dump)
    if file is None:
        return False
    try:
        with open_index(file) as index:
            return any(index.find(os.fsencode(said)) is not None for said in readings(path))
    except (OSError, TaperoomError):
        unread.append(str(file))
        return False
