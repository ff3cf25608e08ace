"""Writing a label: the taper's at the start of a volume, the operator's with `taperoom tape label`.

Promises that label and tapelist are changed under the tapelist's lock, label first, so that a crash between the two
leaves a volume with a new label and no data, which the policy takes for what it is.  Refuses what the policy calls
active, foreign or faulty; only the operator can insist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.devices import tapelist
from core.devices.contract import Changer, Condition, SlotView, Volume, VolumeFault
from core.devices.label import Names, is_label, matches, next_label
from core.devices.parts import SMALLEST_VOLUME
from core.devices.registry import open_changer
from core.devices.scan_policy import WRITABLE, Rules, Standing, Verdict, choose, elsewhere, judge, refusal, vanished
from core.devices.shelf import rules_of
from core.errors import UsageError, WorldError
from core.model.site import Site, Storage
from core.model.volume import NEVER, find_volume, with_volume, without_volume
from core.model.volume import Volume as Entry


class NoVolume(WorldError):
    """No volume may be written; TAP005 or TAP012 with the reasons."""


class FailedSlot(Exception):
    """The volume in ``slot`` could not be labelled; another one may do."""

    def __init__(self, slot: str, fault: VolumeFault) -> None:
        super().__init__(fault.message)
        self.slot, self.fault = slot, fault


def check_capacity(storage: Storage) -> None:
    """UsageError TAP006 when a volume would be full before its first byte of data."""
    if 0 < storage.capacity * 1024 < SMALLEST_VOLUME:
        raise UsageError("TAP006", f"storage {storage.name}: a capacity of {storage.capacity} KiB takes no data",
                         f"at least {SMALLEST_VOLUME // 1024} KiB")


def next_volume(changer: Changer, rules: Rules, volumes: Sequence[Entry]) -> Verdict:
    """The volume that would be written next; nothing is touched.  NoVolume with the reasons, WorldError."""
    storage = rules.storage
    verdicts = judge(changer.views(), volumes, rules)
    gone = vanished(verdicts, volumes, storage.name)
    if gone:
        raise NoVolume("TAP005", f"storage {storage.name}: the tapelist knows {gone} written volume{'' if gone == 1 else 's'}, "
                       f"and no slot of {storage.changer} holds one", "is its file system mounted?")
    chosen = choose(verdicts, volumes, storage.name)
    if chosen is None:
        away = ", ".join(elsewhere(verdicts, volumes, rules)[:3])
        load = f"; {away} would do, in no slot now" if away else ""
        raise NoVolume("TAP012", f"storage {storage.name}: no volume may be written: {refusal(verdicts)}{load}",
                       "load or label a volume, or add a slot")
    return chosen


def begin_next(changer: Changer, site: Site, rules: Rules) -> tuple[Volume, str]:
    """Choose, erase and label the next volume and enter it in the tapelist; the volume and its label.

    NoVolume when there is none; FailedSlot when this one could not be labelled; WorldError TAP007 when no part would
    fit on its file system, before anything was erased.
    """
    storage = rules.storage
    with tapelist.edit(site.tapelist) as draft, changer.alone():
        verdict = next_volume(changer, rules, draft.volumes)
        volume = changer.load(verdict.view.slot)
        if volume.room_if_begun() == 0:
            raise WorldError("TAP007", f"storage {storage.name}: no room for a part on volume {verdict.label}",
                             "free room on the file system of the volumes")
        try:
            volume.begin(verdict.label, rules.datestamp)
        except VolumeFault as fault:
            raise FailedSlot(verdict.view.slot, fault) from None
        entry = find_volume(draft.volumes, verdict.label, storage.name) or Entry(verdict.label)
        draft.volumes = with_volume(draft.volumes, _entry(entry, site, storage, rules.datestamp))
    changer.show(volume.slot)
    return volume, verdict.label


def _entry(old: Entry, site: Site, storage: Storage, datestamp: str) -> Entry:
    return Entry(old.label, datestamp, True, old.barcode, old.meta, 32, storage.name, storage.name, site.org, old.comment)


def label_volume(site: Site, storage: Storage, slot: str | None = None, label: str | None = None, *,
                 force: bool = False, protected: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Label a volume for later use; slot and label that it has now.

    Without ``slot`` the first blank one is taken, without ``label`` the storage's autolabel gives one.
    UsageError TAP011 or TAP017 for what may not be (``force`` overrides what the slot holds, never a label that
    another slot shows); WorldError as the changer has it.
    """
    check_capacity(storage)
    changer = open_changer(storage)
    changer.acquire()
    try:
        with tapelist.edit(site.tapelist) as draft, changer.alone():
            views = changer.views()
            verdicts = judge(views, draft.volumes, rules_of(site, storage, protected=protected))
            verdict = _pick(verdicts, storage, slot)
            if verdict.view.busy:
                raise WorldError("TAP004", f"slot {verdict.view.slot}: {verdict.view.busy}", "wait until it ends")
            if not force:
                _refuse(verdict)
            view = verdict.view
            new = label or _make(site, storage, view, views, draft.volumes, protected or {})
            _check_label(new, storage, view, views, draft.volumes)
            changer.load(view.slot).begin(new, "X")
            volumes = draft.volumes
            if view.label:
                volumes = without_volume(volumes, view.label, storage.name)
            draft.volumes = with_volume(volumes, _entry(Entry(new), site, storage, NEVER))
        return view.slot, new
    finally:
        changer.release()


def _pick(verdicts: Sequence[Verdict], storage: Storage, slot: str | None) -> Verdict:
    if slot is None:
        blank = next((v for v in verdicts if v.view.condition is Condition.EMPTY and not v.view.busy), None)
        if blank is None:
            raise UsageError("TAP017", f"storage {storage.name} has no blank slot", "name a slot")
        return blank
    found = next((v for v in verdicts if v.view.slot == slot), None)
    if found is None:
        raise UsageError("TAP018", f"storage {storage.name} has no slot {slot}")
    return found


def _refuse(verdict: Verdict) -> None:
    view = verdict.view
    if view.condition is Condition.EMPTY:
        return
    name = f"slot {view.slot}" + (f" holds {view.label}" if view.label else "")
    if verdict.standing not in WRITABLE or verdict.standing is Standing.REUSABLE:
        raise UsageError("TAP017", f"{name}: {verdict.reason}", "--force overwrites it; its data is lost")


def _make(site: Site, storage: Storage, view: SlotView, views: Sequence[SlotView], volumes: Sequence[Entry],
          protected: Mapping[str, str]) -> str:
    if view.label:
        return view.label
    if not storage.autolabel:
        raise UsageError("TAP011", f"storage {storage.name} has no autolabel", "give a label")
    taken = {volume.label for volume in volumes} | {other.label for other in views} | set(protected)
    return next_label(storage.autolabel, Names(site.org, storage.name, view.slot), taken, storage.label)


def _check_label(new: str, storage: Storage, view: SlotView, views: Sequence[SlotView],
                 volumes: Sequence[Entry]) -> None:
    if not is_label(new):
        raise UsageError("TAP011", f"{new!r} cannot be a label", "letters, digits, - and _ are safe")
    if not matches(storage.label, new):
        raise UsageError("TAP011", f"label {new} does not match label = {storage.label!r} of storage {storage.name}")
    twin = next((other for other in views if other.label == new and other.slot != view.slot), None)
    if twin is not None:
        raise UsageError("TAP017", f"label {new} is on the volume in slot {twin.slot}")
    if new != view.label and any(volume.label == new for volume in volumes):
        raise UsageError("TAP017", f"label {new} is in the tapelist: it belongs to another volume")
