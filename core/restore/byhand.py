"""The plain shell commands that restore without Taperoom: what a header's last lines promise, spelt out for one path.

A backup that only its own program can read is none; the demo and the tests run these and compare.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.catalogue.queries import Copy, Dump
from core.catalogue.rebuild import open_catalogue
from core.catalogue.store import Catalogue
from core.devices.contract import Volume
from core.errors import TaperoomError, WorldError
from core.holding.chain import chain
from core.holding.header import Header
from core.index.record import Mark
from core.model.site import Site
from core.restore.asof import NOW, parse_as_of, show_stamp
from core.restore.commands import Source, Step, command_of, needs, script
from core.restore.giveway import NO_WAY, Way, hard_links, touched, ways_of
from core.restore.layer import Layer
from core.restore.moment import Moment, as_named, moment_of, node_at, spec_of
from core.restore.peek import first_name
from core.restore.source import volume_of
from core.restore.spec import Spec
from core.restore.tree import Directory, Node, source_of, walk

_SHOWN = 20
"""So many names that no dump has are named."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How ``spec`` as of ``datestamp`` is restored by hand, and what to be told with it."""

    spec: Spec
    datestamp: str
    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def commands(self) -> list[str]:
        """One command for each dump, to be run in order."""
        return [command_of(step) for step in self.steps]

    @property
    def script(self) -> list[str]:
        """The same as lines that sh runs, with remarks and with the places of the volumes at the top."""
        what = self.spec.title + (f", /{self.spec.path}," if self.spec.path else "")
        head = [f"{what} as it was on {show_stamp(self.datestamp)}: needs {', '.join(needs(self.steps))} and nothing else.",
                "Run it in an empty directory, as root if owners are to come back, and in this order."]
        if any("$AGE_KEY" in command for command in self.commands):
            head.append("Set AGE_KEY to the file of the key first.")
        return script([*head, *self.remarks], self.steps)


def recipe_for(site: Site, text: str, as_of: str = NOW, *, now: float | None = None) -> Recipe:
    """The recipe for ``HOST:DISK[:PATH]``; see `recipe`.  Also UsageError RST011, RST012."""
    opened = open_catalogue(site)
    with opened.catalogue as catalogue:
        found = _recipe(site, catalogue, spec_of(site, catalogue, text), as_of, now)
    return replace(found, warnings=(*opened.warnings, *found.warnings))


def recipe(site: Site, host: str, disk: str, path: str, as_of: str = NOW, *, now: float | None = None) -> list[str]:
    """Shell commands that put ``path`` of a disk into the current directory, one a line, to be run in order.

    A file needs one command; a directory one for each dump of the chain: run those in an empty directory, since tar deletes
    there what a later dump no longer had.  UsageError RST010, RST013; WorldError RST014,
    RST024 when nothing that dd can read holds a dump.
    """
    with open_catalogue(site).catalogue as catalogue:
        return _recipe(site, catalogue, Spec(host, disk, path.strip("/")), as_of, now).commands


def _recipe(site: Site, catalogue: Catalogue, spec: Spec, as_of: str, now: float | None) -> Recipe:
    at = time.time() if now is None else now
    warnings: list[str] = []
    stamp = parse_as_of(as_of, at, warnings.append)
    moment = moment_of(site, catalogue, spec, stamp, lambda place, size: None, warnings.append, now=at)
    spec = as_named(moment.tree, spec)
    node = node_at(site, catalogue, moment, spec)
    path, shelf, remarks = os.fsencode(spec.path), Shelf(site), list[str]()
    if not isinstance(node, Directory):
        source = source_of(path, node)
        if source != path:
            remarks.append(f"It comes back as /{os.fsdecode(source)}: its directory was renamed since.")
        also = _first_names(site, moment.chain[node.dump], source, [source] if node.kind == "h" else [])
        steps = [step_of(shelf, moment.chain[node.dump], os.fsdecode(source), incremental=False, also=also)]
    elif path and not touched(path, moment.tree.layers):
        steps = [_part(shelf, dump, layer, path) for dump, layer in zip(moment.chain, moment.tree.layers, strict=True)
                 if (there := layer.find(path)) is not None and (there.mark is Mark.DIRECTORY or there.kind == "d")]
    else:
        if path:
            remarks.append(f"/{spec.path}, or a directory above or below it, was renamed: all of the disk comes back.")
        steps = [step_of(shelf, dump, way=way)
                 for dump, way in zip(moment.chain, ways_of(moment.tree.layers), strict=True)]
    if brought := list(dict.fromkeys(name for step in steps for name in step.also)):
        remarks.append(f"/{brought[0]} comes with it" + (f", and {len(brought) - 1} names more" if brought[1:] else "")
                       + ": what is a hard link to it has its content there.")
    if len(steps) > 1:
        remarks += _lost(moment, node, path)
    warnings += [f"RST022 {step.title} is encrypted by {by}: the commands need that program and its key" for step in steps
                 if (by := step.header.encrypted_by)]
    return Recipe(spec, moment.datestamp, tuple(steps), tuple(warnings + moment.told), tuple(remarks))


def _lost(moment: Moment, node: Node, path: bytes) -> list[str]:
    """What cannot come from these dumps: names that were there, and that none of them has under any name."""
    for _ in walk(node, path):
        pass  # the tree notes it of each directory that is looked at
    lost = [os.fsdecode(name) for name in moment.tree.lost]
    if not lost:
        return []
    more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
    what, them = ("1 name that was", "it") if len(lost) == 1 else (f"{len(lost)} names that were", "them")
    return [f"RST017 {what} there cannot come from these dumps, since none of them has {them}:"
            f" {', '.join('/' + name for name in lost[:_SHOWN])}{more}. Another date may have {them}."]


def _part(shelf: Shelf, dump: Dump, layer: Layer, path: bytes) -> Step:
    """How what a dump has below a directory is read."""
    also = _first_names(shelf.site, dump, path, hard_links(layer, path))
    return step_of(shelf, dump, os.fsdecode(path), also=also)


def _first_names(site: Site, dump: Dump, path: bytes, links: Iterable[bytes]) -> tuple[str, ...]:
    """The names outside of ``path`` that hard links in it are links to: tar needs them beside it."""
    found = (first_name(site, dump, link) for link in links)
    return tuple(os.fsdecode(name) for name in dict.fromkeys(found) if not (name + b"/").startswith(path + b"/"))


class Shelf:
    """The volumes of a site that are directories, each looked at once."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._known: dict[tuple[str, str, str], tuple[Volume, Path, dict[int, str]]] = {}

    def volume(self, copy: Copy, label: str) -> tuple[Volume, Path, dict[int, str]]:
        """The volume, its directory and its files' names by their numbers.  WorldError TAP018, RST023, RST024."""
        key = (copy.storage, label, copy.run)
        if key not in self._known:
            if copy.storage not in self.site.storages:
                raise WorldError("RST024", f"the configuration has no storage {copy.storage} any more", "put it back")
            volume = volume_of(self.site, copy, label)
            directory = getattr(volume, "path", None)
            if not isinstance(directory, Path):
                raise WorldError("RST024", f"volume {label} is no directory of files", "read it with mt and dd")
            names = {int(found[1]): file.name for file in directory.iterdir() if (found := re.match(r"(\d+)\.", file.name))}
            self._known[key] = volume, directory, names
        return self._known[key]


def step_of(
    shelf: Shelf, dump: Dump, member: str = "", *, incremental: bool = True, also: tuple[str, ...] = (), way: Way = NO_WAY,
) -> Step:
    """How one dump is read.  WorldError RST024 when nothing that dd can read holds it."""
    header, sources = _files(shelf, dump)
    title = f"{dump.host}:{dump.disk} level {dump.level} of {show_stamp(dump.datestamp)}"
    return Step(title, header, tuple(sources), member, incremental and not way.moves, also,
                tuple(map(os.fsdecode, way.away)), tuple((os.fsdecode(old), os.fsdecode(new)) for old, new in way.moves),
                tuple(map(os.fsdecode, way.gone)))


def _files(shelf: Shelf, dump: Dump) -> tuple[Header, Sequence[Source]]:
    """The files that have the dump, each behind a header, in order."""
    last: TaperoomError | None = None
    if dump.file:
        try:
            chunks = chain(Path(dump.file))
            return chunks[0].header, [Source(chunk.path.name, str(chunk.path.parent)) for chunk in chunks]
        except TaperoomError as fault:
            last = fault
    for copy in dump.copies:
        try:
            return _of_copy(shelf, copy)
        except TaperoomError as fault:
            last = fault
    why = f": {last.message}" if last else ""
    raise WorldError("RST024", f"{dump.host}:{dump.disk} level {dump.level} of {dump.datestamp} is in no file{why}",
                     (last and last.hint) or "load its volumes, or choose another date")


def _of_copy(shelf: Shelf, copy: Copy) -> tuple[Header, list[Source]]:
    sources: list[Source] = []
    for part in copy.parts:
        _, directory, names = shelf.volume(copy, part.label)
        if part.fileno not in names:
            raise WorldError("RST024", f"volume {part.label} has no file {part.fileno}", "another copy or date may be whole")
        sources.append(Source(names[part.fileno], str(directory), part.label))
    first = copy.parts[0]
    return shelf.volume(copy, first.label)[0].read_header(first.fileno), sources
