"""What a check of the server looks at: configuration, state, holding disks, storages; clients are in `core.client.clients`.

Promises to write nothing that stays and to go on after each fault, so that one call shows all of them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.codes import lookup
from core.errors import TaperoomError
from core.model.site import Site, Storage
from core.model.units import datestamp_of, is_ahead, show_kib
from core.report.text import count
from core.restore.asof import show_stamp

STATE_LEAST = 64 * 1024
"""KiB free where the state is, below which a check warns."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.  ``severity`` empty: it is well; ``peer``: a client could not be reached."""

    severity: str
    code: str
    subject: str
    text: str
    peer: bool = False


def well(subject: str, text: str) -> Finding:
    """It was looked at, and it is well."""
    return Finding("", "", subject, text)


def fault_of(subject: str, fault: TaperoomError, peer: bool = False) -> Finding:
    """What a fault says, as a finding; its hint is part of the text."""
    hint = f" ({fault.hint.rstrip('.')})" if fault.hint else ""
    page = lookup(fault.code)
    severity = page.severity if page is not None and page.severity in ("W", "I") else "E"
    return Finding(severity, fault.code, subject, f"{fault.message}{hint}", peer)


def server(site: Site) -> Iterator[Finding]:
    """Configuration, state directory, holding disks, storages."""
    hosts = {disk.host.name for disk in site.disks}
    yield well("configuration", f"{site.file}: {count(len(site.disks), 'disk')} on {count(len(hosts), 'client')}")
    if not site.disks:
        yield Finding("W", "CFG009", "configuration", "there is no disk in it; 'taperoom disk add HOST:DISK' adds one")
    if not site.storages and not site.holding:
        yield Finding("E", "CFG009", "configuration", "there is no storage and no holding disk: dumps have no place to go")
    yield _state_dir(site.state_dir)
    yield from _clock(site, time.time())
    yield from _certificates(site)
    yield from _holding(site)
    for storage in site.storages.values():
        yield from _storage(site, storage)


def _clock(site: Site, now: float) -> Iterator[Finding]:
    """Nothing, or what shows that the clock is wrong, or was: names of runs and labels that are dated later."""
    from core.client.runs import ahead_runs, list_runs
    from core.devices import tapelist

    try:
        runs = [run.datestamp for run in ahead_runs(list_runs(site.state_dir), now)]
        volumes = [volume.datestamp for volume in tapelist.read(site.tapelist) if is_ahead(volume.datestamp, now)]
    except (TaperoomError, OSError):
        return  # the findings of the state directory and of the storages tell of that
    if runs or volumes:
        found = [count(len(stamps), word) for stamps, word in ((runs, "run"), (volumes, "volume")) if stamps]
        verb = "is" if len(runs) + len(volumes) == 1 else "are"
        yield Finding("W", "RUN043", "clock", f"this machine's clock says {show_stamp(datestamp_of(now))}, but"
                      f" {' and '.join(found)} {verb} dated later, the newest {show_stamp(max([*runs, *volumes]))}: correct the"
                      " clock before the next run if it is wrong; 'taperoom explain RUN043' tells more")


def _certificates(site: Site) -> Iterator[Finding]:
    from core.client.enrol import findings

    yield from findings(site)


def _state_dir(path: Path) -> Finding:
    """It is made by the first run; here only whether that is possible."""
    from core.holding import area

    there = path
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return Finding("E", "RUN003", "state", f"{there} is no directory, so {path} cannot be one")
    if not os.access(there, os.W_OK | os.X_OK):
        what = "may not be written" if there == path else f"cannot be made: {there} may not be written"
        return Finding("E", "RUN003", "state", f"{path} {what} by this user")
    try:
        area.prove(there, "RUN018", room=True)
        found = os.statvfs(there)
    except TaperoomError as fault:
        return fault_of("state", fault)
    except OSError as fault:
        return Finding("E", "RUN003", "state", f"{there}: {fault.strerror}")
    free = found.f_bavail * found.f_frsize // 1024
    if free < STATE_LEAST:
        return Finding("W", "RUN018", "state", f"{there}: only {show_kib(free)} free; a run ends when its journal cannot be "
                                               "written, and indexes want more than that")
    return well("state", f"{path}" + ("" if there == path else " will be made"))


def _holding(site: Site) -> Iterator[Finding]:
    from core.holding import area, scan

    survey = scan.survey(site.holding)
    for disk in site.holding:
        mine = [dump for dump in survey.dumps if dump.path.is_relative_to(disk.path)]
        try:
            found = area.measure(disk, occupied=sum(dump.kib for dump in mine))
            area.prove(disk.path)
        except TaperoomError as fault:
            yield fault_of("holding", fault)
            continue
        whole = sum(dump.complete for dump in mine)
        left = f", {count(whole, 'dump')} to flush" if whole else ""
        if found.usable < 1024:
            yield Finding("W", "HLD010", "holding", f"{disk.path}: only {show_kib(found.usable)} to use of "
                          f"{show_kib(found.free)} free; 'use' keeps the rest")
        else:
            yield well("holding", f"{disk.path}: {show_kib(found.usable)} to use of {show_kib(found.free)} free{left}")
    for dump in survey.dumps:
        if not dump.complete:
            yield Finding("W", "HLD017", "holding", dump.fault)
    for path in (*survey.orphans, *survey.cruft):
        yield Finding("W", "HLD018", "holding", f"{path} is no dump of ours")


def _storage(site: Site, storage: Storage) -> Iterator[Finding]:
    from core.client.shelf import inventory_of
    from core.devices.labelling import check_capacity
    from core.devices.registry import open_changer
    from core.devices.scan_policy import Standing
    from core.holding import area

    subject = f"storage {storage.name}"
    try:
        check_capacity(storage)
        open_changer(storage)
        rows = inventory_of(site, storage)
    except TaperoomError as fault:
        yield fault_of(subject, fault)
        return
    except PermissionError as fault:  # the state directory of another user: the clients can be asked all the same
        yield Finding("E", "RUN098", subject, f"{fault.filename}: {fault.strerror}")
        return
    if storage.kind == "disk" and not os.access(storage.address, os.W_OK | os.X_OK):
        yield Finding("E", "TAP003", subject, f"{storage.address} may not be written by this user")
        return
    try:
        if storage.kind == "disk":
            area.prove(Path(storage.address), "TAP003")
    except TaperoomError as fault:
        yield fault_of(subject, fault)
        return
    for row in rows:
        blank = row.standing is Standing.BLANK and not row.label
        if blank or row.standing is Standing.FAULTY or (row.standing is Standing.FOREIGN and not row.stranger):
            yield Finding("W", "TAP008" if row.standing is Standing.FAULTY else "TAP017", subject,
                          f"slot {row.slot}: {f'{row.label} ' if row.label else ''}{row.reason}")
    # A changer may be shared with a real Amanda: that its volumes are there is nothing to be warned of every day.
    if strangers := [row.label for row in rows if row.stranger]:
        yield well(subject, f"{count(len(strangers), 'volume')} of somebody else's, left alone: {', '.join(strangers)}")
    chosen = next((row for row in rows if row.next), None)
    slots = sum(1 for row in rows if row.slot)
    if chosen is None:
        yield Finding("E", "TAP012", subject, f"no volume of {count(slots, 'slot')} may be written; "
                      "'taperoom tape list' shows why")
        return
    what = f"{chosen.label} in slot {chosen.slot} ({chosen.reason or chosen.standing.value})"
    yield well(subject, f"{count(slots, 'slot')}, next volume {what}")
