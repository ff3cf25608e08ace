"""What an operator does outside a live run: start one, order coming nights, volumes, the holding disk.

Each act is done here once, for the commands and for the console, is a fact of the site's journal of acts (`core.client.acts`)
with who did it, and comes back as `Done` with the command line that does the same.  What would lose data is refused until it
is asked for in so many words; nothing here asks anybody.  Orders to a live run go over `core.client.control` and
`core.client.session`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.client.acts import note
from core.client.runs import Run, live_run, permitted, start
from core.errors import BusyError, UsageError, WorldError
from core.model.site import Site, Storage
from core.model.units import show_kib

if TYPE_CHECKING:
    from core.devices.contract import Changer


@dataclass(frozen=True, slots=True)
class Done:
    """An act that was carried out: the equal command line, one sentence, and the run that it started if it did."""

    command: str
    text: str
    run: Run | None = None


def _done(site: Site, command: str, text: str) -> Done:
    """It is done: write down who did it.  That it could not be written is told, and undoes nothing."""
    problem = note(site.state_dir, command)
    return Done(command, f"{text} (not written down: {problem})" if problem else text)


def _command(*words: str) -> str:
    return shlex.join(("taperoom", *words))


def start_run(site: Site, disks: Sequence[str] = ()) -> Done:
    """Start a run of all disks or of these (``HOST`` or ``HOST:DISK``); it goes on whatever becomes of the caller.

    BusyError RUN004 while one is under way, UsageError CFG007 and CFG009, StartError RUN098 or with what amdump said.
    """
    if not site.disks:
        raise UsageError("CFG009", f"{site.file} has no disk", "add one with 'taperoom disk add HOST:DISK'")
    for word in disks:
        if not any(word in (disk.host.name, disk.title) for disk in site.disks):
            raise _no_such(site, word)
    _no_live_run(site)
    begun = start(site.file, site.state_dir, disks)
    return Done(_command("run", *disks), f"run {begun.datestamp} began", begun)


def start_flush(site: Site) -> Done:
    """Start a run that only writes what lies on the holding disks to volumes.

    BusyError RUN004 while a run is under way (order it to flush), UsageError HLD021 when there is nothing to flush,
    StartError RUN098.
    """
    from core.holding.scan import scan
    from core.report.text import count

    _no_live_run(site)
    left = [dump for dump in scan(site.holding) if dump.complete]
    if not left:
        raise UsageError("HLD021", "there is nothing to flush: no whole dump lies on the holding disks")
    begun = start(site.file, site.state_dir, extra=["--no-dump"])
    size = show_kib(sum(dump.kib for dump in left))
    return Done(_command("flush"), f"run {begun.datestamp} began: {count(len(left), 'dump')} to flush, {size}", begun)


def _no_live_run(site: Site) -> None:
    permitted(site.state_dir)
    busy = live_run(site.state_dir)
    if busy is not None:
        raise BusyError("RUN004", f"run {busy.datestamp} of {site.org} is under way",
                        "'taperoom attach' opens it, 'taperoom stop' ends it")


def force(site: Site, title: str, order: str = "full") -> Done:
    """Ask the next run for a ``full`` of a disk, or ``level-1``, ``bump``, ``no-bump``; empty takes an order back.

    UsageError CFG006, CFG007; WorldError RST003.
    """
    from core.catalogue.orders import LEVEL_ORDERS

    if order not in LEVEL_ORDERS | {""}:
        raise UsageError("CFG006", f"{order!r} is no order: {', '.join(sorted(LEVEL_ORDERS))}")
    _order(site, title, order)
    option = {"": ["--undo"], "full": []}.get(order, [f"--{order}"])
    return _done(site, _command("disk", "force", title, *option),
                 f"the next run dumps {title}: {order}" if order else f"nothing is ordered for {title}")


def leave_out(site: Site, title: str, *, undo: bool = False) -> Done:
    """Leave a disk out of all coming runs, or dump it again.  UsageError CFG007, WorldError RST003."""
    _order(site, title, "" if undo else "hold")
    return _done(site, _command("disk", "hold", title, *(["--undo"] if undo else [])),
                 f"{title} is dumped again" if undo else f"{title} is left out from now on")


def _order(site: Site, title: str, order: str) -> None:
    from core.catalogue.orders import save_order

    if not any(disk.title == title for disk in site.disks):
        raise _no_such(site, title)
    save_order(site, title, order)


def _no_such(site: Site, word: str) -> UsageError:
    from core.config.faults import nearest

    known = [disk.title for disk in site.disks] if ":" in word else list({disk.host.name for disk in site.disks})
    kind = "disk" if ":" in word else "host"
    return UsageError("CFG007", f"{word!r} is no {kind} of {site.file}{nearest(word, known)}",
                      "'taperoom disk list' shows all disks")


def label(site: Site, storage: str, name: str = "", slot: str = "", *, insist: bool = False) -> Done:
    """Label a volume for later use; without a name autolabel makes one, without a slot the first blank one is taken.

    UsageError TAP001, TAP006, TAP011, TAP017, TAP018; ``insist`` overwrites whatever is in the slot.  WorldError TAP004.
    """
    from core.client.shelf import protected
    from core.devices.labelling import label_volume

    chosen = storage_of(site, storage)
    found, given = label_volume(site, chosen, slot or None, name or None, force=insist, protected=protected(site, chosen))
    words = [*([name] if name else []), *_of(site, storage), *(["--slot", slot] if slot else [])]
    words += ["--force"] if insist else []
    return _done(site, _command("tape", "label", *words), f"storage {storage}: slot {found} has the label {given} now")


def load(site: Site, storage: str, what: str) -> Done:
    """Make a slot (by its number or by the label in it) the changer's current one, for people and for Amanda's tools.

    Writes nothing on a volume: a taper finds what it needs by itself.  UsageError TAP001, WorldError TAP002, TAP003, TAP018.
    """
    changer = _changer(site, storage)
    views = changer.views()
    view = next((view for view in views if view.slot == what), None) or next((v for v in views if v.label == what), None)
    if view is None:
        raise WorldError("TAP018", f"storage {storage} has no slot {what} and no volume of that label",
                         "'taperoom tape list' shows them")
    changer.show(view.slot)
    if changer.current() != view.slot:
        raise WorldError("TAP003", f"slot {view.slot} of storage {storage} cannot be made the current one",
                         "may its directory be written, and is 'data' in it a link?")
    return _done(site, _command("tape", "load", what, *_of(site, storage)),
                 f"storage {storage}: slot {view.slot} is loaded{f', {view.label}' if view.label else ', it has no label'}")


def unload(site: Site, storage: str) -> Done:
    """Have no current slot any more.  UsageError TAP001, WorldError TAP002, TAP003."""
    changer = _changer(site, storage)
    slot = changer.current()
    changer.unload()
    return _done(site, _command("tape", "unload", *_of(site, storage)),
                 f"storage {storage}: slot {slot} is unloaded" if slot else f"storage {storage}: nothing was loaded")


def erase(site: Site, storage: str, name: str, *, confirm: str = "") -> Done:
    """Erase what is on a volume; its label stays, and it may be written next.

    What retention still needs goes only when ``confirm`` is the label again.  UsageError TAP001, TAP018, TAP021;
    WorldError TAP004 while a taper is at work, RST001.
    """
    from core.client.shelf import protected
    from core.devices.retiring import erase_volume

    chosen = storage_of(site, storage)
    if confirm and confirm != name:
        raise UsageError("TAP021", f"{confirm!r} is not the label of volume {name}: nothing was erased")
    slot, size = erase_volume(site, chosen, name, insist=bool(confirm), protected=protected(site, chosen))
    words = [name, *_of(site, storage), *(["--confirm", confirm] if confirm else [])]
    return _done(site, _command("tape", "erase", *words),
                 f"storage {storage}: volume {name} in slot {slot} is empty now; {show_kib(size // 1024)} were erased")


def retire(site: Site, storage: str, name: str, *, undo: bool = False) -> Done:
    """Keep a volume from ever being overwritten (no-reuse), or take that back.

    UsageError TAP001, TAP018; WorldError TAP009, TAP010.
    """
    from core.devices.retiring import set_reuse

    changed = set_reuse(site, storage_of(site, storage), name, undo)
    text = f"volume {name} may be overwritten when nothing on it is needed" if undo else f"volume {name} is never overwritten"
    return _done(site, _command("tape", "retire", name, *_of(site, storage), *(["--undo"] if undo else [])),
                text if changed else f"{text}; it was so before")


def remove_holding(site: Site, path: Path, *, insist: bool = False) -> Done:
    """Remove a dump from the holding disk.

    A whole dump that no volume has goes only with ``insist``.  BusyError RUN004, UsageError HLD019, HLD020; WorldError HLD012.
    """
    from core.client.spool import remove_dump

    gone = remove_dump(site, path, force=insist)
    return _done(site, _command("holding", "remove", str(path), *(["--force"] if insist else [])),
                 f"{gone.title} level {gone.level} of {gone.datestamp} is removed, {show_kib(gone.size)} came free")


def storage_of(site: Site, name: str) -> Storage:
    """The storage of that name.  UsageError TAP001."""
    if name not in site.storages:
        raise UsageError("TAP001", f"there is no storage {name!r}", f"there are: {', '.join(site.storages) or 'none'}")
    return site.storages[name]


def _changer(site: Site, storage: str) -> Changer:
    from core.devices.registry import open_changer

    return open_changer(storage_of(site, storage))


def _of(site: Site, storage: str) -> list[str]:
    """``--storage NAME``, where a command needs it."""
    return ["--storage", storage] if len(site.storages) > 1 else []
