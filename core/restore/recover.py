"""``taperoom restore``: paths of disks, as of a moment, into a directory of the operator's choice.

Everything is extracted into a hidden directory beside or inside the target first, level by level, and put in place only
when all of it came out with the right checksums; a fault on the way leaves the target as it was.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.catalogue.checked import read_checks
from core.catalogue.queries import Dump
from core.catalogue.rebuild import open_catalogue
from core.catalogue.store import Catalogue
from core.errors import UsageError, WorldError
from core.model.site import Site
from core.model.units import sanitise
from core.restore.asof import parse_as_of, show_stamp
from core.restore.extract import Extracted, extract, remove_tree
from core.restore.forecast import Forecast, Need, forecast
from core.restore.moment import Moment, moment_of, node_at, spec_of
from core.restore.place import ancestors, check_target, look_at_target, place
from core.restore.ranges import to_read
from core.restore.source import first_of
from core.restore.spec import Spec
from core.restore.tree import Directory, Node, source_of, walk

STAGING = ".taperoom-restore-"
"""What the hidden directory's name begins with."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a restore stands: the dump that is read, from where, bytes so far and in all (stored bytes)."""

    host: str
    disk: str
    datestamp: str
    level: int
    place: str
    done: int
    total: int


@dataclass(slots=True)
class Result:
    """What a restore did.  ``used``: the dumps that it read; ``missing``: names that should have come out and did not;
    ``warnings`` with their codes.  ``good``: nothing is missing."""

    to: Path
    files: int = 0
    directories: int = 0
    size: int = 0
    used: list[Dump] = field(default_factory=list)
    as_of: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether everything that was asked for is there."""
        return not self.missing


def restore(
    site: Site, texts: Sequence[str], as_of: str, to: Path, progress: Callable[[Progress], None] | None = None, *,
    overwrite: bool = False, now: float | None = None, told: Callable[[Forecast], None] | None = None,
) -> Result:
    """Restore each ``HOST:DISK[:PATH]`` as of a date into ``to``, which is made; paths keep their place below the disk's
    top.  With more than one disk each gets a directory ``HOST/DISK`` of its own.  ``told`` hears what will be read before
    anything is.

    UsageError RST010 to RST013, RST030, RST031; WorldError RST001, RST014, RST024, RST025.  Nothing is in ``to`` after
    one of them, but for RST025 from the last step.
    """
    result, plans = _prepare(site, texts, as_of, to, now)
    needs = _needs(site, plans)
    if told is not None:
        told(_forecast(site, plans, needs))
    # Whether every target is free is known before the first byte is read.
    made = [check_target(plan.to, plan.wanted, overwrite) for plan in plans]
    total = sum(need.size for need in needs)
    for plan, new in zip(plans, made, strict=True):
        _carry_out(site, plan, new, result, progress, total)
    return result


def foresee(
    site: Site, texts: Sequence[str], as_of: str, to: Path, *, now: float | None = None
) -> tuple[Forecast, Result]:
    """What `restore` would do with the same words, and its result so far: dates and warnings.  Nothing is written.

    UsageError RST010 to RST013, RST030; WorldError RST001, RST014, RST024.
    """
    result, plans = _prepare(site, texts, as_of, to, now)
    return _forecast(site, plans, _needs(site, plans)), result


def _prepare(
    site: Site, texts: Sequence[str], as_of: str, to: Path, now: float | None
) -> tuple[Result, list[_Plan]]:
    if not texts:
        raise UsageError("RST011", "nothing to restore was named", "write HOST:DISK or HOST:DISK:PATH")
    result = Result(to)
    opened = open_catalogue(site)
    result.warnings += opened.warnings
    stamp = parse_as_of(as_of, time.time() if now is None else now, result.warnings.append)
    with opened.catalogue as catalogue:
        by_disk: dict[tuple[str, str], list[Spec]] = {}
        for spec in [spec_of(site, catalogue, text) for text in texts]:
            by_disk.setdefault((spec.host, spec.disk), []).append(spec)
        return result, [_plan(site, catalogue, specs, stamp, to, len(by_disk) > 1, result) for specs in by_disk.values()]


def _needs(site: Site, plans: Sequence[_Plan]) -> list[Need]:
    """What is read of each dump, in the order in which it is."""
    found = []
    for plan in plans:
        for number in sorted(plan.needs):
            dump = plan.moment.chain[number]
            size, spans = to_read(site, dump, plan.needs[number])
            file, copy = first_of(site, dump)
            found.append(Need(dump, size, spans, file, copy))
    return found


def _forecast(site: Site, plans: Sequence[_Plan], needs: Sequence[Need]) -> Forecast:
    there = [look_at_target(plan.to, plan.wanted) for plan in plans]
    nodes = [node for plan in plans for node in plan.wanted.values()]
    directories = sum(isinstance(node, Directory) for node in nodes)
    try:
        reads = read_checks(site.state_dir).reads
    except WorldError:
        reads = []  # an estimate is not worth a refusal
    return forecast(needs, reads, files=len(nodes) - directories, directories=directories,
                    taken=[f"{plan.to}{name}" for plan, one in zip(plans, there, strict=True) for name in one.taken],
                    blocked=[f"{plan.to}{name}" for plan, one in zip(plans, there, strict=True) for name in one.blocked])


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is wanted of one disk: path to node, directories first, and by number of the dump the names in it."""

    moment: Moment
    to: Path
    wanted: dict[bytes, Node]
    needs: dict[int, set[bytes]]

    @property
    def dumps(self) -> list[Dump]:
        """The dumps that have any of it, the full first."""
        return [self.moment.chain[number] for number in sorted(self.needs)]


def _plan(
    site: Site, catalogue: Catalogue, specs: Sequence[Spec], stamp: str, to: Path, apart: bool, result: Result
) -> _Plan:
    moment = moment_of(site, catalogue, specs[0], stamp, lambda place, size: None, result.warnings.append,
                       exact=True)
    result.as_of[specs[0].title] = moment.datestamp
    wanted: dict[bytes, Node] = {}
    for spec in specs:
        wanted.update(walk(node_at(site, catalogue, moment, spec), os.fsencode(spec.path)))
    for path in ancestors(wanted):
        if (above := moment.tree.find(path)) is not None:
            wanted[path] = above
    result.warnings += moment.told
    needs: dict[int, set[bytes]] = {}
    for path, node in wanted.items():
        if node.dump >= 0:
            needs.setdefault(node.dump, set()).add(source_of(path, node))
    target = to / sanitise(specs[0].host) / sanitise(specs[0].disk) if apart else to
    return _Plan(moment, target, dict(sorted(wanted.items())), needs)


def _carry_out(
    site: Site, plan: _Plan, made: bool, result: Result, progress: Callable[[Progress], None] | None, total: int
) -> None:
    extracted: dict[int, Extracted] = {}
    # Beside a target that is ours, inside one that was there: both are on its file system, so a move is a rename.
    try:
        staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=plan.to.parent if made else plan.to))
    except OSError as fault:
        raise WorldError("RST025", f"{plan.to}: {fault.strerror}", "restore to a directory that you may write") from fault
    try:
        for number in sorted(plan.needs):
            dump = plan.moment.chain[number]

            def count(where: str, size: int, dump: Dump = dump) -> None:
                result.size += size
                if progress is not None:
                    progress(Progress(dump.host, dump.disk, dump.datestamp, dump.level, where, result.size,
                                      max(total, result.size)))

            out = extract(site, dump, plan.needs[number], staging / str(number), count, result.warnings.append)
            extracted[number] = out
            title = f"{dump.host}:{dump.disk} level {dump.level} of {show_stamp(dump.datestamp)}"
            result.warnings += [f"RST026 {title}: tar says: {word}" for word in out.words]
            result.used.append(dump)
        placed = place(plan.to, made, plan.wanted, extracted)
        result.files += placed.files
        result.directories += placed.directories
        result.missing += ["/" + os.fsdecode(path) for path in placed.missing]
    except BaseException:
        if made:
            with contextlib.suppress(OSError):
                plan.to.rmdir()
        raise
    finally:
        remove_tree(staging)
