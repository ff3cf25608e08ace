"""Taking a volume out of use: erasing what is on it, or keeping it from ever being overwritten.

Promises what `core.devices.labelling` does: label and tapelist change under the tapelist's lock, the changer's lock is held
while a volume is touched, and what retention still needs goes only when the operator insists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from core.devices import tapelist
from core.devices.registry import open_changer
from core.devices.scan_policy import WRITABLE, Standing, judge
from core.devices.shelf import rules_of
from core.errors import UsageError, WorldError
from core.model.site import Site, Storage
from core.model.volume import NEVER, Volume, find_volume, with_volume


def erase_volume(site: Site, storage: Storage, label: str, *, insist: bool = False,
                 protected: Mapping[str, str] | None = None) -> tuple[str, int]:
    """Erase the volume with that label and keep the label; its slot and the bytes that it held.

    UsageError TAP018 when it is in no slot, TAP021 when it is still needed and ``insist`` is not set, or is not this
    storage's at all; WorldError as the changer has it, TAP004 while a taper uses it.
    """
    changer = open_changer(storage)
    changer.acquire()
    try:
        with tapelist.edit(site.tapelist) as draft, changer.alone():
            verdicts = judge(changer.views(), draft.volumes, rules_of(site, storage, protected=protected))
            found = [verdict for verdict in verdicts if verdict.view.label == label]
            entry = find_volume(draft.volumes, label, storage.name)
            if len(found) != 1:
                where = "in no slot" if not found else "in several slots"
                raise UsageError("TAP018", f"volume {label} is {where} of storage {storage.name}",
                                 "'taperoom tape list' shows them")
            verdict = found[0]
            if verdict.view.busy:
                raise WorldError("TAP004", f"volume {label}: {verdict.view.busy}", "wait until it ends")
            if entry is None or verdict.standing in (Standing.FOREIGN, Standing.FAULTY):
                raise UsageError("TAP021", f"volume {label} is not erased: {verdict.reason}",
                                 "it is not this storage's to erase")
            if verdict.standing not in WRITABLE and not insist:
                raise UsageError("TAP021", f"volume {label} is still needed: {verdict.reason}",
                                 f"to lose what is on it type its label: --confirm {label}")
            changer.load(verdict.view.slot).begin(label, "X")
            draft.volumes = with_volume(draft.volumes, replace(entry, datestamp=NEVER, reuse=True))
        return verdict.view.slot, verdict.view.used
    finally:
        changer.release()


def set_reuse(site: Site, storage: Storage, label: str, reuse: bool) -> bool:
    """Mark a volume of the tapelist as one to overwrite or to keep; whether that changed anything.

    UsageError TAP018 when the tapelist has no such volume; WorldError TAP009, TAP010.
    """
    with tapelist.edit(site.tapelist) as draft:
        entry = find_volume(draft.volumes, label, storage.name)
        if entry is None or entry.pool not in ("", storage.name):
            raise UsageError("TAP018", f"the tapelist has no volume {label} of storage {storage.name}",
                             "'taperoom tape list' shows them")
        # In its place: the order of equal datestamps says which was written last.
        draft.volumes = tuple(_marked(volume, reuse) if volume is entry else volume for volume in draft.volumes)
        return entry.reuse != reuse


def _marked(volume: Volume, reuse: bool) -> Volume:
    return replace(volume, reuse=reuse)
