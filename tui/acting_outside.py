"""What an operator may do without a run: start one, order a full, handle volumes, remove a dump from the holding disk.

Pure, as `tui.acting`; what is done goes through `tui.hand`.
"""

from __future__ import annotations

from collections.abc import Callable

from core.model.units import show_kib
from tui.acting import LIVE, why_not
from tui.acting import flush as flush_now
from tui.clean import clean
from tui.commands import words
from tui.deeds import Deed, Fork, Offer, Option
from tui.format import day_of, plural
from tui.moment import Link, Moment
from tui.subject import Key, Subject, VolumeAt, title_of


def _busy(now: Moment) -> str:
    return "a run is under way: one at a time" if now.link in (Link.LIVE, Link.LOST) else ""


def _names(disks: tuple[Key, ...], most: int = 6) -> str:
    shown = ", ".join(clean(title_of(key)) for key in disks[:most])
    return f"{shown} and {len(disks) - most} more" if len(disks) > most else shown


def start(now: Moment, subject: Subject) -> Offer:
    """Begin a run: of all disks, or of those that are marked."""
    if problem := _busy(now):
        return problem
    if subject.marked:
        disks = subject.marked
        return Deed(f"Start a run of {plural(len(disks), 'disk')}", words("run", *map(title_of, disks)),
                    f"Only these are dumped: {_names(disks)}.", begins=True, call=lambda hand: hand.start(disks))
    return Deed("Start a run", words("run"), "All disks are estimated and dumped; dumps that earlier runs left on the holding "
                "disk are written to volumes.", begins=True, call=lambda hand: hand.start(()))


def flush(now: Moment, subject: Subject) -> Offer:
    """Write what is on the holding disk to volumes: by the run under way, or by one that does nothing else."""
    if now.link in (Link.LIVE, Link.LOST):
        return flush_now(now, subject)
    return Deed("Start a run that only flushes", words("flush"), "What earlier runs left on the holding disk is written to "
                "volumes; nothing new is dumped.", begins=True, call=lambda hand: hand.flush())


def force(now: Moment, subject: Subject) -> Offer:
    """Ask the next run for a full."""
    disks = subject.disks
    if not disks:
        return "choose a disk first"
    return Deed(f"A full of {_names(disks)} in the next run", _force(disks), call=lambda hand: hand.force(disks, "full"))


def undo(now: Moment, subject: Subject) -> Offer:
    """Take what was asked of the next run back."""
    disks = subject.disks
    if not disks:
        return "choose a disk first"
    return Deed(f"Nothing is asked for {_names(disks)}", _force(disks, "--undo"), call=lambda hand: hand.force(disks, ""))


def _force(disks: tuple[Key, ...], *more: str) -> str:
    return " && ".join(words("disk", "force", title_of(key), *more) for key in disks[:3]) + (" …" if len(disks) > 3 else "")


def _volume(subject: Subject) -> VolumeAt | str:
    return "choose a volume or a slot first" if subject.volume is None else subject.volume


def load(now: Moment, subject: Subject) -> Offer:
    """Put the volume of a slot into the drive."""
    volume = _volume(subject)
    if isinstance(volume, str):
        return volume
    if not volume.slot:
        return f"{clean(volume.label)} is in no slot"
    if volume.loaded:
        return f"slot {volume.slot} is loaded already"
    return Deed(f"Load slot {clean(volume.slot)} of {clean(volume.storage)}",
                words("tape", "load", volume.slot, "--storage", volume.storage),
                call=lambda hand: hand.load(volume.storage, volume.slot))


def unload(now: Moment, subject: Subject) -> Offer:
    """Put the volume in the drive back."""
    volume = _volume(subject)
    if isinstance(volume, str):
        return volume
    return Deed(f"Unload {clean(volume.storage)}", words("tape", "unload", "--storage", volume.storage),
                call=lambda hand: hand.unload(volume.storage))


def label(now: Moment, subject: Subject) -> Offer:
    """Give a volume a label; one with something on it is written anew only if that is typed."""
    volume = _volume(subject)
    if isinstance(volume, str):
        return volume
    if not volume.slot:
        return f"{clean(volume.label)} is in no slot"
    if any(t.label == volume.label and t.state == "writing" for t in now.view.tapers.values() if volume.label):
        return f"{clean(volume.label)} is being written"
    if volume.fault:
        return f"slot {clean(volume.slot)}: {clean(volume.fault)}"
    blank = not volume.label and not volume.dumps

    def deed(name: str) -> Deed:
        words_ = words("tape", "label", *([name] if name else []), "--storage", volume.storage, "--slot", volume.slot,
                       *([] if blank else ["--force"]))
        named = f"the label {clean(name)}" if name else "the next free label"
        lost = "" if blank else (
            f"{plural(volume.dumps, 'dump')}, {show_kib(volume.size)}, on {clean(volume.label) or 'it'} are lost for good"
            + (f"; {clean(volume.needed)}" if volume.needed else "") + ".")
        return Deed(f"Label slot {clean(volume.slot)}", words_, f"It gets {named}. {lost}".strip(),
                    call=lambda hand: hand.label(volume.storage, volume.slot, name, not blank),
                    word="" if blank else (volume.label or "overwrite"))

    options = (
        Option("a", "auto", "the next free label of this storage", lambda _: deed(""), destructive=not blank),
        Option("n", "name", "a label of your own", deed, "a label", destructive=not blank))
    again = "" if blank or not volume.label else Option(
        "s", "same", f"{clean(volume.label)} again, empty", lambda _: deed(volume.label), destructive=True)
    holds = "It is blank." if blank else (
        f"It is {clean(volume.label) or 'not ours'}, with {plural(volume.dumps, 'dump')}, {show_kib(volume.size)}.")
    return Fork(f"Label slot {clean(volume.slot)} of {clean(volume.storage)}", holds,
                (*options, again) if isinstance(again, Option) else options)


def erase(now: Moment, subject: Subject) -> Offer:
    """Erase what is on a volume; its label stays."""
    volume = _volume(subject)
    if isinstance(volume, str):
        return volume
    if not volume.label or not volume.slot:
        return "choose a volume with a label that is in a slot"
    if problem := _busy(now):
        return problem
    confirm = volume.label if volume.needed else ""
    needed = f" It is still needed: {clean(volume.needed)}." if volume.needed else ""
    return Deed(f"Erase {clean(volume.label)}", words("tape", "erase", volume.label, "--storage", volume.storage,
                                                      *(["--confirm", confirm] if confirm else [])),
                f"{plural(volume.dumps, 'dump')}, {show_kib(volume.size)}, are lost for good.{needed} The label stays.",
                call=lambda hand: hand.erase(volume.storage, volume.label, confirm), word=volume.label)


def retire(now: Moment, subject: Subject) -> Offer:
    """Keep a volume from ever being overwritten, or take that back."""
    volume = _volume(subject)
    if isinstance(volume, str):
        return volume
    if not volume.label:
        return "it has no label"
    return Deed(f"{clean(volume.label)}: {'never overwrite it' if volume.reuse else 'it may be overwritten'}",
                words("tape", "retire", volume.label, "--storage", volume.storage, *([] if volume.reuse else ["--undo"])),
                call=lambda hand: hand.retire(volume.storage, volume.label, not volume.reuse))


def remove(now: Moment, subject: Subject) -> Offer:
    """Remove a dump from the holding disk."""
    dump = subject.dump
    if problem := _busy(now):
        return problem
    if dump is None:
        return "choose a dump on the holding disk first"
    what = f"{clean(dump.title)} level {dump.level} of {day_of(dump.datestamp)}, {show_kib(dump.size)}"
    if dump.labels:
        return Deed("Remove a dump from the holding disk", words("holding", "remove", dump.file),
                    f"{what}. It is on {', '.join(map(clean, dump.labels))} as well, so nothing is lost.",
                    call=lambda hand: hand.remove(dump.file, False))
    only = "the only copy of it: it is on no volume" if dump.complete else "all there is of a dump that was never finished"
    return Deed("Remove a dump from the holding disk", words("holding", "remove", dump.file, "--force"),
                f"{what}, is lost for good. This is {only}.", call=lambda hand: hand.remove(dump.file, True),
                word=f"{dump.title}")


def restore(now: Moment, subject: Subject) -> Offer:
    """Restore what is marked: the screen asks where to (`tui.screens.start`), and makes the deed of it."""
    if subject.disk is None or not subject.names:
        return "mark something first: space marks a name with all that is below it"
    return Deed(f"Restore {plural(subject.names, 'name')} of {clean(title_of(subject.disk))}", words("restore"))


def stop_restore(now: Moment, subject: Subject) -> Offer:
    """Interrupt a restore that goes on."""
    if not subject.restore:
        return "choose a restore that goes on first"
    name = subject.restore
    return Deed("Interrupt this restore", "", "It ends as with ctrl-c in a shell: what it had read is given up, and the files "
                "that were in the target before stay as they were.", call=lambda hand: hand.stop_restore(name), noted=False)


OUTSIDE: dict[str, Callable[[Moment, Subject], Offer]] = {
    "start": start, "flush": flush, "force": force, "undo": undo, "load": load, "unload": unload, "label": label,
    "erase": erase, "retire": retire, "remove": remove, "restore": restore, "stop_restore": stop_restore,
}
"""Acts that need no run, by their name in `tui.keys`."""


def offer(name: str, now: Moment, subject: Subject) -> Offer:
    """What the act of this name would be now, or why it cannot be.  KeyError for a name that is none."""
    make = {**LIVE, **OUTSIDE}[name]
    return why_not(now) or make(now, subject)
