"""A storage as one sees it standing before it: every slot, every volume of the tapelist, what may be written next.

Promises to look only: nothing is locked, written or moved.  Serves `taperoom tape list`, `check` and restores.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from core.devices import tapelist
from core.devices.contract import Changer, Condition, Volume
from core.devices.registry import open_changer
from core.devices.scan_policy import WRITABLE, Rules, Standing, choose, judge, retained, vanished
from core.errors import WorldError
from core.model.site import Site, Storage
from core.model.units import Kib, kib_of


@dataclass(frozen=True, slots=True)
class ShelfRow:
    """One volume or one slot.  ``slot`` is empty for a volume that is in none; ``label`` of a blank slot is the one
    that it would get, empty when autolabel makes none; ``datestamp`` is the tapelist's, else the label's own; ``next``
    marks what is written next; ``stranger`` a volume that no program of ours labelled and no tapelist of ours knows."""

    slot: str
    label: str
    datestamp: str
    used: Kib
    files: int
    standing: Standing
    reason: str
    next: bool = False
    stranger: bool = False

    @property
    def writable(self) -> bool:
        """As `Verdict.writable`."""
        return self.standing in WRITABLE and bool(self.label)


def rules_of(site: Site, storage: Storage, *, datestamp: str = "", protected: Mapping[str, str] | None = None,
             spent: frozenset[str] = frozenset(), now: float | None = None) -> Rules:
    """The rules of one storage at this moment."""
    return Rules(storage, site.org, time.time() if now is None else now, datestamp, protected or {}, spent)


def inventory(site: Site, storage: Storage, protected: Mapping[str, str] | None = None,
              now: float | None = None) -> list[ShelfRow]:
    """What is in the slots, then which volumes of the tapelist are in none.  WorldError, UsageError."""
    rules = rules_of(site, storage, protected=protected, now=now)
    volumes = tapelist.read(site.tapelist)
    verdicts = judge(open_changer(storage).views(), volumes, rules)
    chosen = None if vanished(verdicts, volumes, storage.name) else choose(verdicts, volumes, storage.name)
    known = {volume.label for volume in volumes}
    stamps = {volume.label: volume.datestamp for volume in volumes if volume.pool in ("", storage.name)}
    rows = [
        ShelfRow(v.view.slot, v.label, stamps.get(v.view.label, v.view.datestamp), kib_of(v.view.used), v.view.files,
                 v.standing, v.reason, v is chosen,
                 v.view.condition is Condition.LABELLED and not v.view.sealed and v.view.label not in known)
        for v in verdicts
    ]
    here = {verdict.view.label for verdict in verdicts}
    kept = retained(volumes, rules)
    for volume in volumes:
        if volume.pool in ("", storage.name) and volume.label not in here:
            reason = kept.get(volume.label, "may be overwritten")
            rows.append(ShelfRow("", volume.label, volume.datestamp, Kib(0), 0, Standing.ELSEWHERE, reason))
    return rows


def open_volume(storage: Storage, label: str, datestamp: str = "") -> Volume:
    """The volume with that label, for reading.  ``datestamp`` picks among several that bear it.

    WorldError TAP018 when it is in no slot, TAP002 when the changer is not there.
    """
    changer = open_changer(storage)
    return changer.load(_slot_of(changer, storage, label, datestamp))


def _slot_of(changer: Changer, storage: Storage, label: str, datestamp: str) -> str:
    views = [view for view in changer.views() if view.condition is Condition.LABELLED and view.label == label]
    if datestamp and len(views) > 1:
        views = [view for view in views if view.datestamp == datestamp] or views
    match views:
        case [view]:
            return view.slot
        case []:
            raise WorldError("TAP018", f"volume {label} is in no slot of storage {storage.name}", "load it")
        case _:
            slots = ", ".join(view.slot for view in views)
            raise WorldError("TAP018", f"volume {label} is in slots {slots} at once", "remove the wrong one")
