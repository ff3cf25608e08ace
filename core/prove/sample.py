"""Which files of a disk a drill restores: some of the newest state that can be had, by chance that can be repeated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from core.catalogue.queries import Dump
from core.catalogue.rebuild import open_catalogue
from core.model.site import Site
from core.restore.asof import NEWEST
from core.restore.moment import moment_of
from core.restore.spec import Spec
from core.restore.tree import File, source_of, walk

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Chosen:
    """One file: its path from the disk's top, the dump that has it, and its name in there."""

    path: bytes
    dump: Dump
    source: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """What was chosen: the state of ``datestamp``, its chain of dumps, files in the order of their names."""

    datestamp: str
    chain: tuple[Dump, ...]
    files: tuple[Chosen, ...]
    warnings: tuple[str, ...]


def sample_of(site: Site, host: str, disk: str, count: int, random: Random) -> Sample:
    """Choose ``count`` files, or all there are.  UsageError and WorldError RST001, RST013, RST014, RST024."""
    warnings: list[str] = []
    with open_catalogue(site).catalogue as catalogue:
        moment = moment_of(site, catalogue, Spec(host, disk), NEWEST, lambda where, size: None, warnings.append)
    files = (Chosen(path, moment.chain[node.dump], source_of(path, node))
             for path, node in walk(moment.tree.top, b"") if isinstance(node, File))
    chosen = sorted(some(files, count, random), key=lambda one: one.path)
    return Sample(moment.datestamp, moment.chain, tuple(chosen), tuple(warnings + moment.told))


def some(found: Iterable[_T], count: int, random: Random) -> list[_T]:
    """``count`` of them, each as likely as any other, holding no more than those."""
    kept: list[_T] = []
    each: Iterator[tuple[int, _T]] = enumerate(found)
    for number, one in each:
        if number < count:
            kept.append(one)
        elif (place := random.randrange(number + 1)) < count:
            kept[place] = one
    return kept
