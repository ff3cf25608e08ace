"""What `taperoom check` looks at: the server's own places, then every client's.

Promises to write nothing that stays and to go on after each fault, so that one call shows all of them.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.codes import lookup
from core.devices.registry import open_changer
from core.devices.scan_policy import Standing
from core.errors import PeerError, ProtocolError, TaperoomError
from core.model.disk import Disk
from core.model.site import Site, Storage
from core.model.units import show_kib
from core.report.text import count

PATIENCE = 120.0
"""Seconds that a client has for its selfcheck."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.  ``severity`` empty: it is well; ``peer``: a client could not be reached."""

    severity: str
    code: str
    subject: str
    text: str
    peer: bool = False


def _ok(subject: str, text: str) -> Finding:
    return Finding("", "", subject, text)


def _fault(subject: str, fault: TaperoomError, peer: bool = False) -> Finding:
    hint = f" ({fault.hint.rstrip('.')})" if fault.hint else ""
    page = lookup(fault.code)
    severity = page.severity if page is not None and page.severity in ("W", "I") else "E"
    return Finding(severity, fault.code, subject, f"{fault.message}{hint}", peer)


def server(site: Site) -> Iterator[Finding]:
    """Configuration, state directory, holding disks, storages."""
    hosts = {disk.host.name for disk in site.disks}
    yield _ok("configuration", f"{site.file}: {count(len(site.disks), 'disk')} on {count(len(hosts), 'client')}")
    if not site.disks:
        yield Finding("W", "CFG009", "configuration", "there is no disk in it; 'taperoom disk add HOST:DISK' adds one")
    if not site.storages and not site.holding:
        yield Finding("E", "CFG009", "configuration", "there is no storage and no holding disk: dumps have no place to go")
    yield _state_dir(site.state_dir)
    yield from _holding(site)
    for storage in site.storages.values():
        yield from _storage(site, storage)


def _state_dir(path: Path) -> Finding:
    """It is made by the first run; here only whether that is possible."""
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        return Finding("E", "RUN003", "state", f"{there} is no directory, so {path} cannot be one")
    if not os.access(there, os.W_OK | os.X_OK):
        what = "may not be written" if there == path else f"cannot be made: {there} may not be written"
        return Finding("E", "RUN003", "state", f"{path} {what} by this user")
    return _ok("state", f"{path}" + ("" if there == path else " will be made"))


def _holding(site: Site) -> Iterator[Finding]:
    from core.holding import area, scan

    survey = scan.survey(site.holding)
    for disk in site.holding:
        mine = [dump for dump in survey.dumps if dump.path.is_relative_to(disk.path)]
        try:
            found = area.measure(disk, occupied=sum(dump.kib for dump in mine))
        except TaperoomError as fault:
            yield _fault("holding", fault)
            continue
        left = f", {count(len(mine), 'dump')} to flush" if mine else ""
        if found.usable < 1024:
            yield Finding("W", "HLD010", "holding", f"{disk.path}: only {show_kib(found.usable)} to use of "
                          f"{show_kib(found.free)} free; 'use' keeps the rest")
        else:
            yield _ok("holding", f"{disk.path}: {show_kib(found.usable)} to use of {show_kib(found.free)} free{left}")
    for dump in survey.dumps:
        if not dump.complete:
            yield Finding("W", "HLD017", "holding", dump.fault)
    for path in (*survey.orphans, *survey.cruft):
        yield Finding("W", "HLD018", "holding", f"{path} is no dump of ours")


def _storage(site: Site, storage: Storage) -> Iterator[Finding]:
    from core.client.shelf import inventory_of
    from core.devices.labelling import check_capacity

    subject = f"storage {storage.name}"
    try:
        check_capacity(storage)
        open_changer(storage)
        rows = inventory_of(site, storage)
    except TaperoomError as fault:
        yield _fault(subject, fault)
        return
    if storage.kind == "disk" and not os.access(storage.address, os.W_OK | os.X_OK):
        yield Finding("E", "TAP003", subject, f"{storage.address} may not be written by this user")
        return
    for row in rows:
        if row.standing in (Standing.FOREIGN, Standing.FAULTY):
            yield Finding("W", "TAP008" if row.standing is Standing.FAULTY else "TAP017", subject,
                          f"slot {row.slot}: {row.reason}")
    chosen = next((row for row in rows if row.next), None)
    if chosen is None:
        yield Finding("E", "TAP012", subject, f"no volume of {count(len(rows), 'slot')} may be written; "
                      "'taperoom tape list' shows why")
        return
    slots = sum(1 for row in rows if row.slot)
    what = f"{chosen.label} in slot {chosen.slot} ({chosen.reason or chosen.standing.value})"
    yield _ok(subject, f"{count(slots, 'slot')}, next volume {what}")


def clients(site: Site, disks: Sequence[Disk]) -> Iterator[Finding | int]:
    """Every client's selfcheck, all at once, as they answer; a number says how many are still asked."""
    groups: dict[str, list[Disk]] = {}
    for disk in disks:
        groups.setdefault(disk.host.name, []).append(disk)
    answers: queue.SimpleQueue[list[Finding]] = queue.SimpleQueue()
    for group in groups.values():
        threading.Thread(target=lambda g: answers.put(_client(site, g)), args=(group,), daemon=True).start()
    left = len(groups)
    if left:
        yield left
    while left:
        yield from answers.get()
        left -= 1
        yield left


def _client(site: Site, disks: Sequence[Disk]) -> list[Finding]:
    """One client; every auth that its disks use is tried."""
    found: list[Finding] = []
    for auth in dict.fromkeys(disk.dumptype.auth for disk in disks):
        found += _ask(site, [disk for disk in disks if disk.dumptype.auth == auth], auth)
    return found


def _ask(site: Site, disks: Sequence[Disk], auth: str) -> list[Finding]:
    from core.wire.features import SERVER
    from core.wire.services import parse_selfcheck, selfcheck_request
    from core.wire.transports import connect

    host = disks[0].host
    try:
        connection = connect(host, auth)
        try:
            if not connection.keeps():  # a stock amandad serves one request a connection
                features = connection.features
                connection.close()
                connection = connect(host, auth)
                connection.features = features
            request = selfcheck_request(disks, SERVER, connection.features, site.org)
            answers = parse_selfcheck(connection.request("selfcheck", request, max(PATIENCE, host.connect_timeout)))
        finally:
            connection.close()
    except PeerError as fault:
        return [_fault(host.name, fault, peer=True)]
    except ProtocolError as fault:
        return [Finding("E", "CLT003", host.name, f"talks nonsense: {fault}", True)]
    except OSError as fault:
        return [Finding("E", "CLT007", host.name, f"cannot be reached: {fault.strerror or fault}", True)]
    wrong = [Finding("E", "CLT005", host.name, text) for good, text in answers if not good]
    if wrong:
        return wrong
    return [_ok(host.name, f"{count(len(disks), 'disk')} checked by the client, over {auth}")]
