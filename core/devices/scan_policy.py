"""Which volume is written next, and why not the others.

Pure: slots as they were found, the tapelist and the rules in, a verdict for every slot out.  The order is Amanda's
(perl/Amanda/Taper/Scan): the oldest reusable volume, then one that is labelled and new, then a slot without a label
if autolabel is set.  Promises that a volume which retention needs, which the tapelist does not know, which is not
ours or which this run has written is never chosen.  Knows nothing of disks: what the dumps of a volume are worth
comes in as `Rules.protected`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from core.devices.contract import Condition, SlotView
from core.devices.label import Names, matches, next_label
from core.errors import UsageError
from core.model.site import Storage
from core.model.units import seconds_of_datestamp
from core.model.volume import Volume, find_volume

_DAY = 86400


class Standing(StrEnum):
    """What may be done with the volume in a slot."""

    REUSABLE = "reusable"
    NEW = "new"
    BLANK = "blank"
    ACTIVE = "active"
    FOREIGN = "foreign"
    FAULTY = "faulty"
    BUSY = "busy"
    ELSEWHERE = "elsewhere"


WRITABLE = (Standing.REUSABLE, Standing.NEW, Standing.BLANK)
"""In the order in which they are chosen."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides: the storage's settings, the run, the time and what the catalogue protects.

    ``datestamp`` is the run's; ``protected`` maps a label to the reason why it is needed; ``spent`` are slots that
    failed in this run; ``now`` seconds since the epoch.
    """

    storage: Storage
    org: str
    now: float
    datestamp: str = ""
    protected: Mapping[str, str] = field(default_factory=dict)
    spent: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy says of one slot.  ``label``: what it bears, or would be given; ``reason`` for people."""

    view: SlotView
    standing: Standing
    reason: str
    label: str = ""

    @property
    def writable(self) -> bool:
        """Whether the run may write on it: its standing allows it, and it has a label or would be given one."""
        return self.standing in WRITABLE and bool(self.label)


def retained(volumes: Iterable[Volume], rules: Rules) -> dict[str, str]:
    """Label to reason of every volume of the storage's pool that must not be overwritten.

    As in Amanda only volumes marked ``reuse`` count as the newest: one that is kept by hand keeps no other free.
    """
    ours = [volume for volume in volumes if volume.pool in ("", rules.storage.name) and volume.used]
    newest = sorted((v for v in ours if v.reuse), key=lambda v: v.datestamp, reverse=True)
    tapes, days = rules.storage.retention.tapes, rules.storage.retention.days
    found: dict[str, str] = {}
    for volume in ours:
        if days > 0 and _age(volume.datestamp, rules.now) < days * _DAY:
            found[volume.label] = f"younger than {days} days"
    for volume in newest[:max(0, tapes)]:
        found[volume.label] = f"one of the {tapes} newest"
    found.update(rules.protected)
    for volume in volumes:
        # Also one that was never written: who marks a volume so does not want anything on it.
        if volume.pool in ("", rules.storage.name) and not volume.reuse:
            found[volume.label] = "marked no-reuse"
    for volume in ours:
        if rules.datestamp and volume.datestamp >= rules.datestamp:
            found[volume.label] = "written by this run or a later one"
    return found


def _age(datestamp: str, now: float) -> float:
    try:
        return now - seconds_of_datestamp(datestamp)
    except (ValueError, OverflowError):
        return 0.0  # an odd stamp protects rather than exposes


def judge(views: Sequence[SlotView], volumes: Sequence[Volume], rules: Rules) -> list[Verdict]:
    """A verdict for every slot, in the order of ``views``.  Never raises: a bad template makes blanks unusable."""
    kept = retained(volumes, rules)
    shown = Counter(view.label for view in views if view.condition is Condition.LABELLED)
    return [_idle(_blanks(_judge(view, volumes, kept, shown, rules), views, volumes, rules)) for view in views]


def _idle(verdict: Verdict) -> Verdict:
    """What another program has in hand may look empty or free for a moment, and is not."""
    if verdict.view.busy and verdict.standing in WRITABLE:
        return replace(verdict, standing=Standing.BUSY, reason=verdict.view.busy)
    return verdict


def _judge(view: SlotView, volumes: Sequence[Volume], kept: Mapping[str, str], shown: Mapping[str, int],
           rules: Rules) -> Verdict:
    match view.condition:
        case Condition.EMPTY:
            return Verdict(view, Standing.BLANK, "no label")
        case Condition.WEIRD:
            return Verdict(view, Standing.FOREIGN, view.note or "its data is not Amanda's")
        case Condition.FAULTY:
            return Verdict(view, Standing.FAULTY, view.note or "cannot be read")
        case Condition.LABELLED:
            pass
    standing, reason = _labelled(view, volumes, kept, rules)
    if view.slot in rules.spent and standing in WRITABLE:
        standing, reason = Standing.FAULTY, "failed or filled in this run"
    elif shown[view.label] > 1 and standing in WRITABLE:
        standing, reason = Standing.FOREIGN, "its label is in two slots"
    return Verdict(view, standing, reason, view.label)


def _labelled(view: SlotView, volumes: Sequence[Volume], kept: Mapping[str, str],
              rules: Rules) -> tuple[Standing, str]:
    storage = rules.storage
    entry = find_volume(volumes, view.label, storage.name)
    if entry is None:
        other = next((volume for volume in volumes if volume.label == view.label), None)
        if other is not None:
            return Standing.FOREIGN, f"belongs to pool {other.pool}"
        if _begun_in_vain(view, kept, storage):
            return Standing.NEW, "labelled by a run that died before it wrote anything there"
        return Standing.FOREIGN, "not in the tapelist"
    if not entry.pool and entry.storage not in ("", storage.name):
        return Standing.FOREIGN, f"belongs to storage {entry.storage}"
    if entry.config and entry.config != rules.org:
        return Standing.FOREIGN, f"belongs to configuration {entry.config}"
    if view.label in kept:
        return Standing.ACTIVE, kept[view.label]
    if not matches_quietly(storage.label, view.label):
        return Standing.FOREIGN, f"its label does not match {storage.label}"
    written = view.datestamp if view.datestamp not in ("X", "0") else "0"
    if written != entry.datestamp and view.files > 0:
        # Two volumes with one label, or a tapelist from a backup: what is on this one is not accounted for.
        return Standing.FOREIGN, f"written {view.datestamp}, but the tapelist says {entry.datestamp}"
    if not entry.used:
        if view.files > 0:
            return Standing.FOREIGN, "has data, but the tapelist says that it was never written"
        return Standing.NEW, "labelled, never used"
    return Standing.REUSABLE, f"last written {entry.datestamp}"


def _begun_in_vain(view: SlotView, kept: Mapping[str, str], storage: Storage) -> bool:
    """Whether a run gave an empty volume one of our labels and died before it wrote that into the tapelist.

    A run of ours: the label that Amanda has just given one of its own would look the same but for our checksum.
    """
    return (bool(storage.autolabel) and view.sealed and not view.files and view.datestamp.isdigit()
            and len(view.datestamp) == 14 and view.label not in kept and matches_quietly(storage.label, view.label))


def _blanks(verdict: Verdict, views: Sequence[SlotView], volumes: Sequence[Volume], rules: Rules) -> Verdict:
    if verdict.standing is not Standing.BLANK:
        return verdict
    if verdict.view.slot in rules.spent:
        return replace(verdict, standing=Standing.FAULTY, reason="failed in this run")
    if not rules.storage.autolabel:
        return replace(verdict, reason="no label, and autolabel is not set")
    # Also what only the catalogue knows: a volume that is away and whose line somebody took out of the tapelist.
    taken = {volume.label for volume in volumes} | {view.label for view in views} | set(rules.protected)
    names = Names(org=rules.org, storage=rules.storage.name, slot=verdict.view.slot)
    try:
        label = next_label(rules.storage.autolabel, names, taken, rules.storage.label)
    except UsageError as fault:
        return replace(verdict, reason=fault.message)
    return replace(verdict, label=label, reason=f"no label; it would become {label}")


def matches_quietly(pattern: str, label: str) -> bool:
    """Like `matches`; a pattern that is none matches nothing."""
    try:
        return matches(pattern, label)
    except UsageError:
        return False


def choose(verdicts: Iterable[Verdict], volumes: Sequence[Volume], pool: str) -> Verdict | None:
    """The volume to write next, or None."""
    def rank(verdict: Verdict) -> tuple[int, str]:
        entry = find_volume(volumes, verdict.label, pool) if verdict.standing is Standing.REUSABLE else None
        return WRITABLE.index(verdict.standing), entry.datestamp if entry else ""

    return min((verdict for verdict in verdicts if verdict.writable), key=rank, default=None)


def vanished(verdicts: Sequence[Verdict], volumes: Iterable[Volume], pool: str) -> int:
    """How many written volumes the tapelist knows, if not one slot holds a label; 0 when all is well."""
    if any(verdict.view.condition is not Condition.EMPTY for verdict in verdicts):
        return 0
    return sum(1 for volume in volumes if volume.used and volume.pool == pool)


def refusal(verdicts: Sequence[Verdict], most: int = 4) -> str:
    """Why no volume may be written, in one line; at most so many slots are named."""
    if not verdicts:
        return "there are no slots"
    named = [
        f"slot {verdict.view.slot}{' ' + verdict.label if verdict.label else ''}: {verdict.reason}"
        for verdict in verdicts[:most]
    ]
    if len(verdicts) > most:
        named.append(f"and {len(verdicts) - most} more")
    return "; ".join(named)


def elsewhere(verdicts: Iterable[Verdict], volumes: Iterable[Volume], rules: Rules) -> list[str]:
    """Labels of volumes of the pool that are in no slot and may be overwritten, the oldest first: what to load."""
    here, volumes = {verdict.view.label for verdict in verdicts}, tuple(volumes)
    kept = retained(volumes, rules)
    ours = [v for v in volumes if v.pool == rules.storage.name and v.label not in here and v.label not in kept]
    return [volume.label for volume in sorted(ours, key=lambda v: v.datestamp)]
