"""``taperoom restore``: paths of disks, as of a moment, into a directory of the operator's choice, here or on a client.

Everything is extracted into a hidden directory inside the target first, dump by dump, and what came out of a dump with the
right checksums is put in its place.  Dumps whose volumes are at hand come first; then the others are asked for.  Whatever ends
a restore, the same one goes on with what is missing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.catalogue.queries import Dump
from core.catalogue.rebuild import open_catalogue
from core.errors import TaperoomError, UsageError, WorldError
from core.model.site import Site
from core.restore.asof import parse_as_of, show_stamp
from core.restore.destination import Destination
from core.restore.extract import Extraction
from core.restore.forecast import Forecast, forecast
from core.restore.moment import spec_of
from core.restore.places import Reader
from core.restore.plan import Job, Plan, directory_of, jobs_of, plan_of
from core.restore.scan import unreadable
from core.restore.shelves import Absent, Ask, Shelves, Stopped
from core.restore.spec import Spec


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
    """What a restore did.  ``used``: the dumps that it read, and how each was ``checked`` (`core.restore.extract`);
    ``whole``: files that an interrupted restore had put there; ``missing``: names that should have come out and did not, since
    they are not in their dump or (``lacking``: storage and label) a volume did not come; ``warnings`` with their codes.
    ``good``: nothing is missing.  ``stays``: the same restore would go on from here."""

    to: Destination
    files: int = 0
    directories: int = 0
    size: int = 0
    whole: int = 0
    used: list[Dump] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    as_of: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    lacking: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    stays: bool = False

    @property
    def good(self) -> bool:
        """Whether everything that was asked for is there."""
        return not self.missing


class Recovery:
    """One restore: what it would do is known when it is made, and `run` does it.

    Each ``HOST:DISK[:PATH]`` as of a date goes to ``to``, which is made; paths keep their place below the disk's top.  With
    more than one disk each gets a directory ``HOST/DISK`` of its own.  ``fresh``: an interrupted restore is forgotten.
    ``ask``: who is asked for volumes that are in no slot.

    UsageError RST010 to RST013, RST030, RST033; WorldError RST001, RST014, RST024; PeerError of a client.
    """

    def __init__(
        self, site: Site, texts: Sequence[str], as_of: str, to: Path | Destination, *, overwrite: bool = False,
        fresh: bool = False, now: float | None = None, ask: Ask | None = None,
    ) -> None:
        if not texts:
            raise UsageError("RST011", "nothing to restore was named", "write HOST:DISK or HOST:DISK:PATH")
        self._site, self._overwrite, self._fresh = site, overwrite, fresh
        self._to = to if isinstance(to, Destination) else Destination(to)
        self.result = Result(self._to)
        self._shelves = Shelves(site, ask)
        self._plans: list[Plan] = []
        try:
            self._prepare(texts, as_of, time.time() if now is None else now)
            for plan in self._plans:
                plan.there = plan.landing.look(fresh)
            self.result.whole = sum(len(plan.there.whole) for plan in self._plans)
            self._jobs = [job for plan in self._plans for job in jobs_of(site, plan, self._shelves)]
            self.forecast = self._foresee()
        except BaseException:
            self.close()
            raise

    def _prepare(self, texts: Sequence[str], as_of: str, now: float) -> None:
        opened = open_catalogue(self._site)
        self.result.warnings += opened.warnings
        stamp = parse_as_of(as_of, now, self.result.warnings.append)
        with opened.catalogue as catalogue:
            by_disk: dict[tuple[str, str], list[Spec]] = {}
            for spec in [spec_of(self._site, catalogue, text) for text in texts]:
                by_disk.setdefault((spec.host, spec.disk), []).append(spec)
            for specs in by_disk.values():
                to = directory_of(specs, self._to.path, len(by_disk) > 1)
                plan = plan_of(self._site, catalogue, specs, stamp, to, self._to.landing, self.result.warnings.append, now)
                self._plans.append(plan)
                self.result.missing += ["/" + os.fsdecode(path) for path in plan.moment.tree.lost]
                self.result.as_of[specs[0].title] = plan.moment.datestamp

    def _foresee(self) -> Forecast:
        plans = self._plans
        items = [item for plan in plans for item in plan.items]
        directories = sum(item.directory for item in items)
        return forecast(
            [job.need for job in self._jobs], _reads(self._site), files=len(items) - directories - self.result.whole,
            directories=directories, whole=self.result.whole,
            taken=[f"{plan.to}{name}" for plan in plans for name in plan.there.taken],
            blocked=[f"{plan.to}{name}" for plan in plans for name in plan.there.blocked],
            former=next((plan.there.former for plan in plans if plan.there.former), ""),
            hindered=list(dict.fromkeys(plan.there.hindered for plan in plans if plan.there.hindered)),
            writes=sum(max(0, item.size) for plan in plans for item in plan.items
                       if item.kind == "f" and item.path not in plan.there.whole),
            free=min((plan.there.free for plan in plans), default=-1))

    def run(self, progress: Callable[[Progress], None] | None = None) -> Result:
        """Do it.  UsageError RST031, RST034; BusyError RST035; WorldError RST024, RST025.

        What is whole when one of these ends it stays (``result.stays``), and so does what an interruption left; otherwise the
        target is as it was.
        """
        try:
            # Whether every target is free is known before the first byte is read.
            for plan in self._plans:
                plan.landing.begin(self._overwrite, self._fresh)
            self._carry_out(progress)
        except BaseException:
            stays = [plan.landing.leave() for plan in self._plans]
            self.result.stays = any(stays)
            raise
        finally:
            self.close()
        return self.result

    def close(self) -> None:
        """Let a client go."""
        for plan in self._plans:
            plan.landing.close()

    def _carry_out(self, progress: Callable[[Progress], None] | None) -> None:
        readers = [Reader(self._site, job.dump, self.result.warnings.append, self._shelves, job.need.spans)
                   for job in self._jobs]
        later: list[tuple[Job, Reader]] = []
        faults: list[TaperoomError] = []
        left: list[Job] = []
        total = sum(job.need.size for job in self._jobs)
        for job, reader in zip(self._jobs, readers, strict=True):
            try:
                self._one(job, reader, progress, total)
            except Absent:
                later.append((job, reader))
            except WorldError as fault:
                self._not(job, fault, faults, left)
        stopped = False
        for job, reader in later:
            reader.patient = True
            try:
                if not stopped:
                    self._one(job, reader, progress, total)
                    continue
            except Absent as fault:
                if not self._shelves.may_ask:
                    self._not(job, unreadable(job.dump, fault), faults, left)
                    continue
                self.result.lacking.append((fault.storage, fault.label))
            except Stopped:
                stopped = True
            except WorldError as fault:
                self._not(job, fault, faults, left)
                continue
            left.append(job)
            self.result.missing += job.names()
        self._end(left, faults)

    def _not(self, job: Job, fault: WorldError, faults: list[TaperoomError], left: list[Job]) -> None:
        """A dump that cannot be had: the others still can, unless the target takes no more."""
        if fault.code != "RST024":
            raise fault
        faults.append(fault)
        left.append(job)
        self.result.missing += job.names()

    def _end(self, left: Sequence[Job], faults: Sequence[TaperoomError]) -> None:
        result = self.result
        nothing = bool(left) and len(left) == len(self._jobs) and not result.whole
        if faults and nothing:
            raise faults[0]
        waiting = {id(job.plan) for job in left}
        for plan in self._plans:
            if nothing:
                result.stays |= plan.landing.leave()
                continue
            placed = plan.landing.pause() if id(plan) in waiting else plan.landing.finish()
            result.files += placed.files
            result.directories += placed.directories
            result.stays |= id(plan) in waiting
        if faults:
            raise faults[0]

    def _one(self, job: Job, reader: Reader, progress: Callable[[Progress], None] | None, total: int) -> None:
        """One dump, out and in its place."""
        result, dump, shelves = self.result, job.dump, self._shelves

        def count(where: str, size: int) -> None:
            result.size += size
            if progress is not None:
                progress(Progress(dump.host, dump.disk, dump.datestamp, dump.level, where, result.size,
                                  max(total, result.size)))

        title = f"{dump.host}:{dump.disk} level {dump.level} of {show_stamp(dump.datestamp)}"
        shelves.why, shelves.size, shelves.names = title, job.need.size, len(job.want.paths)
        landing = job.plan.landing
        out = Extraction(self._site, dump, job.number, landing, count, begun=reader.patient).run(job.want, reader)
        result.missing += ["/" + os.fsdecode(path) for path in landing.land(job.number, out.linked, out.links)]
        result.warnings += out.warnings
        result.warnings += [f"RST026 {title}: tar says: {word}" for word in out.words]
        result.used.append(dump)
        result.checked.append(out.checked)


def _reads(site: Site) -> list[tuple[int, float]]:
    """What readings were measured; an estimate is not worth a refusal."""
    if not site.checks.exists():
        return []
    from core.catalogue.checked import read_checks  # only here: it brings the whole language of journals

    try:
        return read_checks(site.state_dir).reads
    except WorldError:
        return []


def restore(
    site: Site, texts: Sequence[str], as_of: str, to: Path | Destination, progress: Callable[[Progress], None] | None = None, *,
    overwrite: bool = False, fresh: bool = False, now: float | None = None,
) -> Result:
    """A whole restore at once, without asking anybody; see `Recovery`."""
    return Recovery(site, texts, as_of, to, overwrite=overwrite, fresh=fresh, now=now).run(progress)
