"""``taperoom verify``: copies are read again, the longest unread first, and every result is written down.

Nothing is locked and nothing written to a volume, so a run may go on meanwhile.  What it flushes, removes or writes anew
while it is being read is no fault: the catalogue is asked again before anything is called damaged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from core.catalogue.checked import GOOD, keep_check, read_checks
from core.catalogue.queries import Dump, dumps
from core.catalogue.rebuild import open_catalogue
from core.devices.contract import Condition
from core.devices.registry import open_changer
from core.errors import TaperoomError, UsageError
from core.events.event import CopyVerified
from core.model.site import Site
from core.model.units import datestamp_of
from core.prove.examine import Finding, Known, examine
from core.prove.names import index_names
from core.prove.stored import pieces_of
from core.prove.targets import Target, due, sampled, targets_of
from core.restore.asof import show_stamp
from core.restore.indexfile import index_file
from core.restore.kept import read_sums


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: a ``volume``, a ``share`` of all bytes (0: all), ``disks`` as HOST or HOST:DISK; ``everything``
    also what is not due yet.  A volume or disks that are named are always due."""

    volume: str = ""
    share: float = 0.0
    disks: tuple[str, ...] = ()
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """What will be read, in this order; what is due but on volumes that are in no slot; what is ``left`` because it is more
    than was asked for; when the next copy is due, 0 when nothing is ever due by itself; ``warnings`` with codes, and
    ``notes``, which are no reason to call the outcome bad."""

    chosen: list[Target]
    elsewhere: list[Target]
    left: list[Target]
    next_due: float
    warnings: list[str]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Verified:
    """One copy that was read, and what was found."""

    target: Target
    finding: Finding
    seconds: float
    at: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a verification stands: what is read, bytes so far and in all."""

    title: str
    place: str
    done: int
    total: int


@dataclass(slots=True)
class Outcome:
    """All that came of it."""

    choice: Choice
    results: list[Verified] = field(default_factory=list)
    gone: list[Target] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether everything that should be read was read and is good."""
        return not self.choice.elsewhere and not self.warnings and all(r.finding.outcome == GOOD for r in self.results)


def choose(site: Site, wish: Wish, now: float) -> Choice:
    """What ``wish`` comes to at this moment.  UsageError CFG007, TAP018; WorldError RST001, VFY013."""
    opened = open_catalogue(site)
    with opened.catalogue as catalogue:
        known = dumps(catalogue)
    checked = read_checks(site.state_dir)
    wanted = _of_disks(known, wish.disks)
    targets = targets_of(wanted, checked, site.storages.keys(), wish.volume, now)
    warnings = list(opened.warnings)
    if wish.volume and not targets:
        raise UsageError("TAP018", f"no dump that the catalogue knows is on a volume {wish.volume}",
                         "'taperoom tape list' shows the volumes")
    here, absent = _loaded(site, targets, warnings)
    every, next_due = site.verify.every, 0.0
    if every and not (wish.volume or wish.disks or wish.everything):
        next_due = min((target.at + every for target in targets), default=0.0)
        here, absent = due(here, every, now), due(absent, every, now)
    chosen = sampled(here, wish.share, sum(target.size for target in targets)) if wish.share else here
    return Choice(chosen, absent, here[len(chosen):], next_due, warnings, ahead_of(targets, now))


def ahead_of(targets: Iterable[Target], now: float) -> list[str]:
    """What there is to be said of copies that were read later than the clock says; nothing when there are none."""
    late = [target.at for target in targets if target.at > now]
    if not late:
        return []
    many = "1 copy was" if len(late) == 1 else f"{len(late)} copies were"
    return [f"VFY016 {many} read later than this machine's clock says, the last on {show_stamp(datestamp_of(max(late)))}: the"
            " clock was wrong then, or is now; they count as never read, and so come first"]


def _of_disks(known: Iterable[Dump], words: Sequence[str]) -> list[Dump]:
    found = list(known)
    if not words:
        return found
    for word in words:
        if not any(word in (dump.host, f"{dump.host}:{dump.disk}") for dump in found):
            raise UsageError("CFG007", f"{word!r} names no disk that was ever dumped", "write HOST or HOST:DISK")
    return [dump for dump in found if dump.host in words or f"{dump.host}:{dump.disk}" in words]


def _loaded(site: Site, targets: Iterable[Target], warnings: list[str]) -> tuple[list[Target], list[Target]]:
    """Those whose volumes are all in slots, and the others."""
    labels: dict[str, set[str]] = {}
    for name, storage in site.storages.items():
        try:
            labels[name] = {view.label for view in open_changer(storage).views() if view.condition is Condition.LABELLED}
        except TaperoomError as fault:
            warnings.append(f"{fault.code} storage {name}: {fault.message}")
            labels[name] = set()
    here: list[Target] = []
    absent: list[Target] = []
    for target in targets:
        copy = target.copy
        there = copy is None or labels[copy.storage].issuperset(part.label for part in target.parts)
        (here if there else absent).append(target)
    return here, absent


class _Meter:
    """Counts what is read over all targets."""

    def __init__(self, total: int, progress: Callable[[Progress], None]) -> None:
        self._total, self._progress = total, progress
        self._target: Target | None = None
        self._before = self._mine = 0

    def begin(self, target: Target) -> None:
        """The next one; what was expected of the last one counts as read, however much it was."""
        if self._target is not None:
            self._before += self._target.size * 1024
        self._target, self._mine = target, 0

    def count(self, where: str, size: int) -> None:
        """So many bytes more."""
        assert self._target is not None
        self._mine += size
        done = self._before + self._mine
        self._progress(Progress(self._target.title, where, done, max(self._total, done)))


def verify(
    site: Site, choice: Choice, by: str, progress: Callable[[Progress], None], told: Callable[[Verified], None],
    clock: Callable[[], float] = time.time,
) -> Outcome:
    """Read everything that was chosen.  ``told`` hears of each copy as soon as its result is written down."""
    outcome = Outcome(choice, warnings=list(choice.warnings))
    meter = _Meter(sum(target.size * 1024 for target in choice.chosen), progress)
    for target in choice.chosen:
        start = time.monotonic()
        meter.begin(target)
        finding = examine(pieces_of(site, target), known_of(site, target.dump), meter.count, whole=target.whole)
        if finding.outcome != GOOD and not _still_there(site, target):
            outcome.gone.append(target)
            continue
        result = Verified(target, finding, time.monotonic() - start, clock())
        if problem := keep_check(site.state_dir, _fact(result, by), result.at):
            outcome.warnings.append(problem)
        outcome.results.append(result)
        told(result)
    return outcome


def known_of(site: Site, dump: Dump) -> Known:
    """All that is known of a dump besides its copies.  Where checksums cannot be read the CRC of the whole does instead."""
    sums, why = read_sums(site, dump)
    index = index_file(site, dump)
    disk = site.disk(dump.host, dump.disk)
    warnings = [why] if why else []
    if index is None and disk is not None and disk.dumptype.index:
        warnings.append(f"RST018 {dump.host}:{dump.disk} level {dump.level} of {dump.datestamp} has no index to compare with")
    allowed = (disk.dumptype.compress_program,) if disk is not None and disk.dumptype.compress_program else ()
    return Known(dump.server, dump.native, sums, (lambda: index_names(index)) if index is not None else None, allowed,
                 tuple(warnings))


def _still_there(site: Site, target: Target) -> bool:
    """Whether the catalogue still knows this copy: a run may have flushed it or written its volume anew meanwhile."""
    with open_catalogue(site).catalogue as catalogue:
        now = next((dump for dump in dumps(catalogue, target.dump.host, target.dump.disk) if dump.key == target.dump.key), None)
    if now is None:
        return False
    return now.file == target.dump.file if target.copy is None else target.copy in now.copies


def _fact(result: Verified, by: str) -> CopyVerified:
    target, finding = result.target, result.finding
    dump, copy = target.dump, target.copy
    return CopyVerified(
        by, dump.host, dump.disk, dump.datestamp, dump.level, copy.storage if copy else "", copy.run if copy else "",
        target.label, finding.size // 1024, result.seconds, finding.outcome, " ".join(finding.compared),
        "\n".join(finding.faults))


@dataclass(frozen=True, slots=True)
class Standing:
    """A copy in the list of what was verified when."""

    target: Target
    due: bool


def standings(site: Site, now: float) -> list[Standing]:
    """Every copy with its last check, the longest unread first.  WorldError RST001, VFY013."""
    with open_catalogue(site).catalogue as catalogue:
        known = dumps(catalogue)
    targets = targets_of(known, read_checks(site.state_dir), site.storages.keys(), now=now)
    late = set(map(id, due(targets, site.verify.every, now))) if site.verify.every else set()
    return [Standing(target, id(target) in late) for target in targets]
