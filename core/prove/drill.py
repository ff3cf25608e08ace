"""``taperoom drill``: files chosen at random are restored as an operator would, timed, and compared with their dump's own day.

Each disk is drilled by itself, in a scratch directory that is emptied after it; a fault of one ends no other.  Each drill
also proves that it can fail (`core.prove.selftest`).  Writes nothing but scratch and the journal of checks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from core.catalogue.checked import FAILED, GOOD, keep_check
from core.catalogue.queries import Dump, Key, known_disks
from core.catalogue.rebuild import open_catalogue
from core.errors import TaperoomError, UsageError, WorldError
from core.events.event import DiskDrilled
from core.landing.room import remove_tree
from core.model.site import Site
from core.prove.compare import FRAMES, NATIVE, STORED, compare
from core.prove.sample import Chosen, Sample, sample_of
from core.prove.scratch import Scratch, TooMuch, no_room, over
from core.prove.selftest import Proof, in_a_copy, on_purpose
from core.prove.stored import pieces_of
from core.prove.targets import Target
from core.prove.verify import known_of
from core.restore import recover

_TRIES = 5
_TRUST = (FRAMES, NATIVE, STORED)
"""What an archive was compared with, the best first."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a drill stands: the disk's number of how many, what is done, and bytes read for it so far."""

    number: int
    count: int
    title: str
    doing: str
    done: int


@dataclass(slots=True)
class Drilled:
    """What became of one disk.  ``size`` bytes restored, ``read`` bytes read for that in ``seconds``."""

    host: str
    disk: str
    datestamp: str = ""
    files: list[str] = field(default_factory=list)
    size: int = 0
    read: int = 0
    seconds: float = 0.0
    against: str = ""
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    used: list[Dump] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """good or failed."""
        return FAILED if self.faults else GOOD


@dataclass(slots=True)
class Outcome:
    """A whole drill."""

    seed: int
    disks: list[Drilled] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether every disk came back, and the drill could have failed."""
        return not self.faults and not any(drilled.faults for drilled in self.disks)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: ``disks`` as HOST or HOST:DISK (none: all), ``files`` of each, the ``seed`` of chance, where
    ``scratch`` is and how many bytes it may hold."""

    disks: tuple[str, ...]
    files: int
    seed: int
    scratch: str
    limit: int


def disks_of(site: Site, words: Sequence[str]) -> list[Key]:
    """The disks of the configuration that have dumps, or those that are named.  UsageError CFG007; WorldError RST001."""
    with open_catalogue(site).catalogue as catalogue:
        dumped = known_disks(catalogue)
    if not words:
        return [disk.key for disk in site.disks if disk.key in set(dumped)]
    known = list(dict.fromkeys([disk.key for disk in site.disks] + dumped))
    for word in words:
        if not any(word in (host, f"{host}:{disk}") for host, disk in known):
            raise UsageError("CFG007", f"{word!r} names no disk that was ever dumped or is configured",
                             "write HOST or HOST:DISK; 'taperoom disk list' shows all disks")
    return [(host, disk) for host, disk in known if host in words or f"{host}:{disk}" in words]


def drill(
    site: Site, wish: Wish, by: str, progress: Callable[[Progress], None], told: Callable[[Drilled], None],
    clock: Callable[[], float] = time.time,
) -> Outcome:
    """Drill every disk, then the drill itself.  ``told`` hears of each disk as soon as its result is written down.

    UsageError CFG007; WorldError VFY010, VFY012, RST001.
    """
    disks = disks_of(site, wish.disks)
    outcome = Outcome(wish.seed)
    with Scratch(wish.scratch, wish.limit) as scratch:
        for number, (host, disk) in enumerate(disks, 1):
            title = f"{host}:{disk}"

            def tell(doing: str, done: int, number: int = number, title: str = title) -> None:
                progress(Progress(number, len(disks), title, doing, done))

            drilled = _one(site, host, disk, wish, scratch, tell)
            scratch.empty()
            if problem := keep_check(site.state_dir, _fact(drilled, wish.seed, by), clock()):
                outcome.warnings.append(problem)
            outcome.disks.append(drilled)
            told(drilled)
        prove(site, [dump for drilled in outcome.disks for dump in drilled.used], scratch, outcome)
    return outcome


def self_test(site: Site, wish: Wish) -> Outcome:
    """Prove that a drill can fail: on an archive that is made up, and on a copy of a part of the newest dumps, if there are
    any.  WorldError VFY010, VFY012, RST001."""
    from core.catalogue.queries import last_good

    outcome = Outcome(wish.seed)
    with open_catalogue(site).catalogue as catalogue:
        held = [dump for dump in last_good(catalogue).values() if dump is not None]
    with Scratch(wish.scratch, wish.limit) as scratch:
        prove(site, held, scratch, outcome)
    return outcome


def prove(site: Site, held: Sequence[Dump], scratch: Scratch, outcome: Outcome) -> None:
    """Damage something and see that it is found; what is not found is a fault of the whole drill."""
    random = Random(outcome.seed)
    outcome.proofs += on_purpose(scratch.path, random)
    scratch.empty()
    targets = [target for dump in held if (target := _first_place(site, dump)) is not None]
    if targets:
        target = random.choice(targets)
        try:
            outcome.proofs.append(in_a_copy(
                pieces_of(site, target), known_of(site, target.dump), scratch.path, scratch.limit, random))
        except WorldError as fault:
            if fault.code == "VFY012":
                raise
            outcome.faults.append(f"VFY010 nothing could be damaged in a copy of {target.place}: {fault.code} {fault.message}")
    outcome.faults += [f"VFY010 {proof.what} was damaged on purpose, and nothing was found" for proof in outcome.proofs
                       if not proof.found]


def _first_place(site: Site, dump: Dump) -> Target | None:
    """Where a restore would read a dump first."""
    if dump.file:
        return Target(dump, None, None)
    order = list(site.storages)
    copies = sorted((copy for copy in dump.copies if copy.storage in order), key=lambda copy: order.index(copy.storage))
    return Target(dump, copies[0], None) if copies else None


def _one(site: Site, host: str, disk: str, wish: Wish, scratch: Scratch, tell: Callable[[str, int], None]) -> Drilled:
    drilled = Drilled(host, disk)
    tell("choosing", 0)
    try:
        sample = sample_of(site, host, disk, wish.files, Random(f"{wish.seed} {host}:{disk}"))
        drilled.datestamp = sample.datestamp
        drilled.warnings += sample.warnings
        files = _restored(site, sample, drilled, scratch, tell)
        _compared(site, files, drilled, scratch, tell)
    except WorldError as fault:
        if fault.code in ("RST025", "VFY012"):
            fault = no_room(scratch.path, fault.message)
            drilled.faults.append(f"{fault.code} {fault.message}; {fault.hint}")
        else:
            drilled.faults.append(f"VFY015 {host}:{disk}: {fault.code} {fault.message}")
    except TaperoomError as fault:
        drilled.faults.append(f"VFY015 {host}:{disk}: {fault.code} {fault.message}")
    return drilled


def _restored(
    site: Site, sample: Sample, drilled: Drilled, scratch: Scratch, tell: Callable[[str, int], None]
) -> dict[Chosen, Path]:
    """Restore the sample as `taperoom restore` does; where each file is now.  What does not fit is left out, and told."""
    files, to = list(sample.files), scratch.path / "restored"
    for _ in range(_TRIES):
        if not files:
            break

        def watch(at: recover.Progress) -> None:
            tell("restoring", at.done)
            scratch.watch()

        began = time.monotonic()
        specs = [f"{drilled.host}:{drilled.disk}:/{os.fsdecode(one.path)}" for one in files]
        try:
            result = recover.restore(site, specs, sample.datestamp, to, watch)
            drilled.seconds = time.monotonic() - began
            scratch.watch(at_once=True)
        except TooMuch:
            largest = _largest(files, scratch.path)
            drilled.warnings.append(f"VFY012 /{os.fsdecode(largest.path)} is left out: {over(scratch.limit)}")
            files.remove(largest)
            scratch.empty()
            continue
        drilled.read, drilled.used = result.size, result.used
        # A dump that came out as far as it is whole is a damaged one, whatever of it was chosen.
        drilled.faults += [f"VFY015 {drilled.host}:{drilled.disk}: {warning}" for warning in result.warnings
                           if warning.startswith("RST042 ")]
        drilled.warnings += [warning for warning in result.warnings
                             if warning not in drilled.warnings and not warning.startswith("RST042 ")]
        drilled.faults += [f"VFY011 {name}: it did not come out of the dump" for name in result.missing]
        found = {one: Path(os.fsdecode(os.fsencode(to) + b"/" + one.path)) for one in files}
        drilled.files = ["/" + os.fsdecode(one.path) for one in files]
        drilled.size = sum(os.lstat(path).st_size for path in found.values() if os.path.lexists(path))
        return found
    if sample.files:
        raise no_room(scratch.path, f"each file that was chosen is {over(scratch.limit)}")
    drilled.warnings.append(f"{drilled.host}:{drilled.disk} has no files, so there was nothing to restore")
    return {}


def _largest(files: Sequence[Chosen], scratch: Path) -> Chosen:
    """The file that takes the most room where the restore has put things so far."""
    blocks: dict[bytes, int] = {}
    for at, _, names in os.walk(os.fsencode(scratch)):
        for name in names:
            path = os.path.join(at, name)
            blocks[path] = os.lstat(path).st_blocks if os.path.lexists(path) else 0

    def size(one: Chosen) -> int:
        ends = (b"/" + one.source, b"/" + one.path)
        return max((many for path, many in blocks.items() if path.endswith(ends)), default=0)

    return max(files, key=size)


def _compared(
    site: Site, files: dict[Chosen, Path], drilled: Drilled, scratch: Scratch, tell: Callable[[str, int], None]
) -> None:
    """Compare dump by dump.  What the drill is worth is what the worst of them was compared with."""
    by_dump: dict[tuple[str, str, str, int], list[Chosen]] = {}
    for one in files:
        by_dump.setdefault(one.dump.key, []).append(one)
    read, worst = 0, 0

    def tick(size: int) -> None:
        nonlocal read
        read += size
        tell("comparing", read)

    for number, chosen in enumerate(by_dump.values()):
        room = scratch.path / f"dump{number}"
        room.mkdir(mode=0o700)
        found = compare(site, chosen[0].dump, {one.source: files[one] for one in chosen}, room, tick)
        drilled.faults += found.faults
        drilled.warnings += found.warnings
        worst = max(worst, _TRUST.index(found.against))
        remove_tree(room)
    drilled.against = _TRUST[worst] if files else ""


def _fact(drilled: Drilled, seed: int, by: str) -> DiskDrilled:
    return DiskDrilled(
        by, drilled.host, drilled.disk, drilled.datestamp, len(drilled.files), drilled.size // 1024, drilled.read // 1024,
        drilled.seconds, drilled.against, seed, drilled.outcome, "\n".join(drilled.faults))
