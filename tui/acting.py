"""What an operator may do to the run under way: for each act whether it can be done now, what it costs, how it is said.

Pure: a moment and a subject in, an offer out; the same offers make the dialogs, the palette and the reasons of what is off.
Acts that need no run are in `tui.acting_outside`.
"""

from __future__ import annotations

from collections.abc import Callable

from core.events.view import DiskState, DiskView
from core.model.units import show_kib, show_priority
from core.protocol import operator as op
from tui.clean import clean
from tui.commands import command_of
from tui.deeds import Deed, Fork, Offer, Option
from tui.format import plural, span
from tui.moment import Link, Moment
from tui.subject import Subject

WATCHING = "you are watching: attach without --read-only to act: taperoom attach"

_WAITS = (DiskState.PLANNED, DiskState.RETRY, DiskState.HELD)
_DUMPS = (DiskState.DUMPING, DiskState.STALLED)


def why_not(now: Moment) -> str:
    """Why nothing at all may be done from here; empty when something may."""
    match now.link:
        case Link.REPLAY:
            return "this is a replay: what it shows is over"
        case Link.PAST:
            return "this is the past: t leads back to now"
        case _:
            return "" if now.operate else WATCHING


def no_run(now: Moment) -> str:
    """Why the driver can be told nothing; empty when it can."""
    match now.link:
        case Link.LIVE:
            return ""
        case Link.LOST:
            return "RUN046 the driver does not answer: R tries again"
        case Link.DEAD:
            return "the driver of this run is gone: taperoom cleanup"
        case _:
            return "no run is under way"


def _deed(now: Moment, title: str, order: op.Order, text: str = "", word: str = "") -> Deed:
    return Deed(title, command_of(order, now.view), text, order=order, word=word)


def _disk(now: Moment, subject: Subject) -> DiskView | str:
    if problem := no_run(now):
        return problem
    if subject.disk is None:
        return "choose a disk first"
    found = now.view.disks.get(subject.disk)
    return "that disk is not in this run" if found is None else found


def _is(disk: DiskView) -> str:
    return f"{clean(disk.title)} is {disk.state.value}"


def abort(now: Moment, subject: Subject) -> Offer:
    """Give up the dump of a disk."""
    disk = _disk(now, subject)
    if isinstance(disk, str):
        return disk
    if disk.state not in _DUMPS:
        return f"{_is(disk)}: only a dump under way can be given up"
    written, took = now.pace.written(disk.handle), span(now.at - disk.began)
    of = f" of {show_kib(disk.estimate)}" if disk.estimate else ""
    text = (f"{show_kib(written)}{of} dumped in {took} are lost. It is not tried again tonight unless you say so (R); "
            "earlier backups of it stay.")
    return _deed(now, f"Give up the dump of {clean(disk.title)}", op.AbortDump(disk.handle), text)


def retry(now: Moment, subject: Subject) -> Offer:
    """Dump a disk again that failed, or at once instead of later."""
    disk = _disk(now, subject)
    if isinstance(disk, str):
        return disk
    if disk.state not in (DiskState.FAILED, DiskState.RETRY):
        return f"{_is(disk)}: there is nothing to try again"
    if now.view.stopping:
        return f"the run ends early, by {clean(now.view.stopping)}"
    return _deed(now, f"Try {clean(disk.title)} again", op.Retry(*disk_key(disk)))


def disk_key(disk: DiskView) -> tuple[str, str]:
    """Host and disk."""
    return disk.host, disk.disk


def hold(now: Moment, subject: Subject) -> Offer:
    """Do not start a disk, or take that back."""
    disk = _disk(now, subject)
    if isinstance(disk, str):
        return disk
    if disk.state is DiskState.HELD:
        return _deed(now, f"Release {clean(disk.title)}", op.Release(*disk_key(disk)))
    if disk.state not in _WAITS:
        return f"{_is(disk)}: only a disk that waits can be held"
    return _deed(now, f"Hold {clean(disk.title)}", op.Hold(*disk_key(disk)))


def priority(now: Moment, subject: Subject) -> Offer:
    """Dump a disk sooner or later than the others that wait."""
    disk = _disk(now, subject)
    if isinstance(disk, str):
        return disk
    if disk.state not in _WAITS:
        return f"{_is(disk)}: only a disk that waits has a place in the queue"
    waiting = [d for d in now.view.disks.values() if d.state in _WAITS]
    top = max(d.priority for d in waiting) + 1

    def option(letter: str, name: str, effect: str, value: int) -> Option:
        return Option(letter, name, effect, lambda _: _deed(
            now, f"Priority {value} for {clean(disk.title)}", op.Priority(*disk_key(disk), value)))

    def typed(argument: str) -> Deed | str:
        if not argument.isascii() or not argument.isdigit() or len(argument) > 6:
            return f"{argument!r} is no priority: a whole number, 0 or more"
        return _deed(now, f"Priority {argument}", op.Priority(*disk_key(disk), int(argument)))

    wait = plural(len(waiting), "disk waits", "disks wait")
    return Fork(f"Priority of {clean(disk.title)}", f"{wait}; its priority: {show_priority(disk.priority, disk.why)}. "
                "The highest is dumped first as far as dumpers and room allow.", (
        option("f", "first", "before all others that wait", top), option("h", "high", "2", 2),
        option("m", "medium", "1, the usual one", 1), option("l", "low", "0, after all others", 0),
        Option("n", "number", "any other", typed, "a number")))


def _waiting(count: int) -> str:
    return "1 disk that waits is" if count == 1 else f"{plural(count, 'disk')} that wait are"


def _under_way(count: int) -> str:
    return f"{plural(count, 'dump')} under way {'is' if count == 1 else 'are'}"


def _writes(now: Moment) -> str:
    """``2 writes under way are``; empty without any."""
    count = sum(1 for write in now.view.writes.values() if not write.ended)
    return f"{plural(count, 'write')} under way {'is' if count == 1 else 'are'}" if count else ""


def pause(now: Moment, subject: Subject) -> Offer:
    """Start no new dump, or start them again."""
    if problem := no_run(now):
        return problem
    if now.view.paused:
        return _deed(now, "Start dumps again", op.Resume())
    waiting, dumping = now.view.count(*_WAITS), now.view.count(*_DUMPS)
    on = f"{plural(dumping, 'dump')} under way and all writing go on" if dumping else "all writing goes on"
    held = _waiting(waiting) if waiting else "No disk waits; one that will is"
    return _deed(now, "Start no new dump", op.Pause(), f"{held} not begun until you resume (P again); {on}.")


def degrade(now: Moment, subject: Subject) -> Offer:
    """Go on without a volume."""
    if problem := no_run(now):
        return problem
    storages = sorted({t.storage for t in now.view.tapers.values()})
    if not storages:
        return "this run has no storage"
    if all(storage in now.view.degraded for storage in storages):
        return "the run goes on without a volume already"
    fulls = [d for d in now.view.disks.values() if d.state in _WAITS and d.level == 0]
    lower = sum(1 for d in fulls if d.deg_level >= 0)
    cut = f"; {writes} cut off" if (writes := _writes(now)) else ""
    less = f" Of {plural(len(fulls), 'waiting full')} {lower} can become incremental, the rest is dumped only as the reserve " \
           "allows." if fulls else ""
    return _deed(now, "Go on without a volume", op.Degrade(),
                 f"Nothing more is written to {', '.join(map(clean, storages))} tonight{cut}.{less} Dumps stay on the holding "
                 "disk until they are flushed.", "degrade")


def flush(now: Moment, subject: Subject) -> Offer:
    """Write what waits on the holding disk to volumes now."""
    if problem := no_run(now):
        return problem
    size = sum(found[4] for found in now.view.files.values())
    if not size:
        return "nothing whole lies on the holding disk"
    return _deed(now, "Write what waits on the holding disk to volumes now", op.FlushNow(),
                 f"{plural(len(now.view.files), 'dump')}, {show_kib(size)}: volumes are begun although fewer dumps wait than "
                 "the configuration asks for.")


def stop(now: Moment, subject: Subject) -> Offer:
    """End the run early."""
    if problem := no_run(now):
        return problem
    waiting, dumping = now.view.count(*_WAITS, DiskState.ESTIMATING), [
        d for d in now.view.disks.values() if d.state in _DUMPS]
    lost = show_kib(sum(now.pace.written(d.handle) for d in dumping))
    left = f"{_waiting(waiting)} not dumped tonight" if waiting else ""
    begun = f"{_under_way(len(dumping))} finished and written" if dumping else "what is whole is written"
    cut = f"{writes} cut off" if (writes := _writes(now)) else ""

    def after(_: str) -> Deed:
        return _deed(now, "End the run after the dumps under way", op.Stop(), f"{left or begun}.")

    def at_once(_: str) -> Deed:
        gone = f"{_under_way(len(dumping))} lost, {lost} so far" if dumping else ""
        return _deed(now, "Stop the run now", op.Stop("now"),
                     f"{'; '.join(filter(None, (gone, cut, left))) or 'Nothing is lost'}. What is whole on the holding disk "
                     "stays.", "stop")

    options = [Option("a", "after", "; ".join(filter(None, (begun, left))), after),
               Option("n", "now", "; ".join(filter(None, (f"{lost} dumped so far are lost", cut))), at_once, destructive=True)]
    by = f"It ends already after the dumps under way, by {clean(now.view.stopping)}. " if now.view.stopping else ""
    return Fork("Stop the run", f"{by}A run that was stopped can be made up for with the next one.",
                tuple(options[1:] if now.view.stopping else options))


LIVE: dict[str, Callable[[Moment, Subject], Offer]] = {
    "abort": abort, "retry": retry, "hold": hold, "priority": priority, "pause": pause, "degrade": degrade, "flush": flush,
    "stop": stop,
}
"""Acts on the run under way by their name in `tui.keys`."""
