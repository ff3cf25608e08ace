"""What the site's journal of checks says: when each copy was read again and how it was, and every drill.

``checks.jsonl`` of the state directory.  It is a truth of its own, as a run's journal is: neither volumes nor the catalogue
have it.  A check of a copy that has been written anew since says nothing about the new one: the run is part of its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from core.catalogue.journal import append, everything
from core.catalogue.queries import Copy, Dump
from core.errors import WorldError
from core.events.event import CopyVerified, DiskDrilled, Record

NAME = "checks.jsonl"
GOOD, DAMAGED, MISSING, FAILED = "good", "damaged", "missing", "failed"

CopyKey = tuple[str, str, str, int, str, str]
"""Host, disk, datestamp, level, storage and run; the last two empty for the holding disk."""


@dataclass(frozen=True, slots=True)
class Last:
    """The last check of something: when, and how it was."""

    at: float
    outcome: str
    message: str = ""


@dataclass(slots=True)
class Checked:
    """All checks, folded: the last of each copy, of each copy's parts on one volume, and the drills in their order;
    ``reads``: of all that went well, in their order, how many bytes were read in how many seconds."""

    whole: dict[CopyKey, Last] = field(default_factory=dict)
    on_volume: dict[tuple[CopyKey, str], Last] = field(default_factory=dict)
    drills: list[tuple[float, DiskDrilled]] = field(default_factory=list)
    reads: list[tuple[int, float]] = field(default_factory=list)

    def of(self, dump: Dump, copy: Copy | None) -> Last | None:
        """The last check of a copy (None: of the holding file): of the whole, or of all its volumes one by one."""
        key = key_of(dump, copy)
        found = self.whole.get(key)
        if copy is None:
            return found
        pieces = [self.on_volume.get((key, label)) for label in copy.labels]
        seen = [piece for piece in pieces if piece is not None]
        bad = max((piece for piece in seen if piece.outcome != GOOD), key=lambda piece: piece.at, default=None)
        if bad is not None and (found is None or bad.at > found.at):
            return bad
        if seen and len(seen) == len(pieces):
            oldest = min(seen, key=lambda piece: piece.at)
            return oldest if found is None or oldest.at > found.at else found
        return found

    def of_part(self, dump: Dump, copy: Copy, label: str) -> Last | None:
        """The last check of a copy's parts on one volume, alone or with the whole."""
        key = key_of(dump, copy)
        both = [last for last in (self.whole.get(key), self.on_volume.get((key, label))) if last is not None]
        return max(both, key=lambda last: last.at, default=None)


def key_of(dump: Dump, copy: Copy | None) -> CopyKey:
    """What names a copy for ever."""
    return (*dump.key, copy.storage if copy else "", copy.run if copy else "")


def fold_checks(records: Iterable[Record]) -> Checked:
    """Facts in their order, as one knows them afterwards.  Pure."""
    found = Checked()
    for record in records:
        match record.event:
            case CopyVerified() as fact:
                key: CopyKey = (fact.host, fact.disk, fact.datestamp, fact.level, fact.storage, fact.run)
                last = Last(record.at, fact.outcome, fact.message)
                if fact.outcome == GOOD:
                    found.reads.append((fact.size * 1024, fact.seconds))
                if fact.label:
                    found.on_volume[key, fact.label] = last
                else:
                    found.whole[key] = last
            case DiskDrilled() as drill:
                found.drills.append((record.at, drill))
                if drill.outcome == GOOD:
                    found.reads.append((drill.read * 1024, drill.seconds))
            case _:
                pass
    return found


def read_checks(state_dir: Path) -> Checked:
    """The checks of a site.  WorldError VFY013 when their journal cannot be read."""
    try:
        return fold_checks(everything(state_dir / NAME))
    except OSError as fault:
        raise WorldError("VFY013", f"{state_dir / NAME} cannot be read: {fault.strerror}",
                         "check its owner and permissions") from fault


def keep_check(state_dir: Path, fact: CopyVerified | DiskDrilled, at: float) -> str:
    """Write a check down; a sentence when that is not possible, else empty: what was found stands all the same."""
    fault = append(state_dir / NAME, fact, at)
    return f"VFY013 {state_dir / NAME}: the result could not be written down: {fault}" if fault else ""


@dataclass(frozen=True, slots=True)
class VolumeChecks:
    """A volume by the checks of what is on it: ``oldest`` is the time of the longest ago, 0 when one was never read."""

    oldest: float
    never: int
    damaged: int


def by_volume(dumps: Iterable[Dump], checked: Checked) -> dict[tuple[str, str], VolumeChecks]:
    """Storage and label of every volume that holds whole copies, with what checks say of it.  Pure."""
    lasts: dict[tuple[str, str], list[Last | None]] = {}
    for dump in dumps:
        for copy in dump.copies:
            for label in copy.labels:
                lasts.setdefault((copy.storage, label), []).append(checked.of_part(dump, copy, label))
    return {
        volume: VolumeChecks(min((last.at if last else 0.0) for last in found), sum(last is None for last in found),
                             sum(last is not None and last.outcome == DAMAGED for last in found))
        for volume, found in lasts.items()}
