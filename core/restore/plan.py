"""What is wanted of each disk that a restore names, and what of it is to be read of which dump.  Writes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.catalogue.queries import Dump
from core.catalogue.store import Catalogue
from core.landing.item import Item, Landing, There, ways_of
from core.model.site import Site
from core.model.units import sanitise
from core.restore.asof import show_stamp
from core.restore.extract import Want
from core.restore.forecast import Need
from core.restore.moment import Moment, as_named, moment_of, node_at
from core.restore.ranges import ranges_of
from core.restore.runs import Run, runs
from core.restore.shelves import Shelves
from core.restore.source import first_of
from core.restore.spec import Spec
from core.restore.tree import File, Node, source_of, walk

LONG = 32 << 20
"""Bytes to be read of a dump from which on an interruption is reckoned with while it is read."""
MANY, SMALL = 4096, 128 << 10
"""From so many names on, of so many bytes each on the average, tar's time goes into making files."""


@dataclass(slots=True)
class Plan:
    """What is wanted of one disk: ``items`` in the order of their paths, directories before what is in them, to be put into
    ``to`` by ``landing``; ``there``: what that said before."""

    moment: Moment
    items: list[Item]
    to: str
    landing: Landing
    there: There = field(default_factory=There)


@dataclass(frozen=True, slots=True)
class Job:
    """One dump that is to be read for a plan."""

    plan: Plan
    number: int
    want: Want
    need: Need

    @property
    def dump(self) -> Dump:
        """The dump."""
        return self.need.dump

    def names(self) -> list[str]:
        """The files that come out of it, as they are called in the target."""
        return ["/" + os.fsdecode(item.path) for item in self.plan.items
                if item.dump == self.number and not item.directory and item.path not in self.plan.there.whole]


def plan_of(
    site: Site, catalogue: Catalogue, specs: Sequence[Spec], stamp: str, to: Path,
    land: Callable[[Path, Sequence[Item], str], Landing], warn: Callable[[str], None], now: float,
) -> Plan:
    """The plan for some paths of one disk.  UsageError RST013; WorldError RST014, RST024."""
    moment = moment_of(site, catalogue, specs[0], stamp, lambda place, size: None, warn, exact=True, now=now)
    specs = [as_named(moment.tree, spec) for spec in specs]
    wanted: dict[bytes, Node] = {}
    for spec in specs:
        wanted.update(walk(node_at(site, catalogue, moment, spec), os.fsencode(spec.path)))
    for path in _ancestors(wanted):
        if (above := moment.tree.find(path)) is not None:
            wanted[path] = above
    for text in moment.told:
        warn(text)
    items = [_item(path, wanted[path]) for path in sorted(wanted)]
    return Plan(moment, items, str(to), land(to, items, _identity(moment, specs)))


def directory_of(specs: Sequence[Spec], to: Path, apart: bool) -> Path:
    """Where the files of a disk go: with more than one disk each gets a directory of its own."""
    return to / sanitise(specs[0].host) / sanitise(specs[0].disk) if apart else to


def _item(path: bytes, node: Node) -> Item:
    source = source_of(path, node)
    if isinstance(node, File):
        return Item(path, node.dump, source, False, node.kind, node.size, node.mtime, node.offset)
    return Item(path, node.dump, source, True)


def _ancestors(paths: Mapping[bytes, Node]) -> set[bytes]:
    """All directories above ``paths``, the top included."""
    found = {b""}
    for path in paths:
        while path and (path := path.rpartition(b"/")[0]) not in found:
            found.add(path)
    return found


def _identity(moment: Moment, specs: Sequence[Spec]) -> str:
    """All that makes it the same restore, in words."""
    paths = sorted({spec.path for spec in specs})
    what = specs[0].title if "" in paths else f"{specs[0].title}:{', '.join('/' + path for path in paths)}"
    made = ", ".join(f"level {dump.level} of {dump.datestamp}" for dump in moment.chain)
    return f"{what} as it was on {show_stamp(moment.datestamp)} ({made})"


def jobs_of(site: Site, plan: Plan, shelves: Shelves) -> list[Job]:
    """What is still to be read, in the order of the dumps, the full first."""
    paths: dict[int, set[bytes]] = {}
    held: dict[int, set[bytes]] = {}
    known: dict[int, dict[bytes, tuple[int, int]]] = {}
    for item in plan.items:
        if item.dump < 0 or (item.directory and item.path in plan.there.dressed):
            continue
        if item.path in plan.there.whole:
            held.setdefault(item.dump, set()).add(item.source)
            continue
        paths.setdefault(item.dump, set()).add(item.source)
        if plan.there.whole and item.offset >= 0:
            known.setdefault(item.dump, {})[item.source] = item.offset, 0 if item.kind == "s" else max(0, item.size)
    found = []
    for number in sorted(paths):
        dump = plan.moment.chain[number]
        rest = known.get(number, {}) if number in held else None
        ranges = ranges_of(site, dump, paths[number], rest)
        size, spans = (ranges.size, ranges.spans) if ranges is not None else (dump.size * 1024, None)
        many = len(paths[number]) >= MANY and size <= SMALL * len(paths[number])
        ways = ways_of(plan.items, number) if many else {}
        passed_by: tuple[Run, ...] = ()
        if many and ranges is None and number not in held:
            passed_by = tuple(runs((item for item in plan.items if item.dump == number), ways))
        want = Want(frozenset(paths[number]), frozenset(held.get(number, ())), ranges, size > LONG, ways, passed_by)
        file, copy = first_of(site, dump, shelves)
        absent = tuple(shelves.missing(copy)) if copy is not None else ()
        found.append(Job(plan, number, want, Need(dump, size, spans, file, copy, absent)))
    return found
