"""The clients: asking them all at once whether they would work, and how each stood when it was asked last.

Answers are kept in ``checks.json`` of the state directory, replaced by rename; a file that is lost or damaged only means
that nobody was asked yet.  Times seconds since the epoch, durations seconds.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.client.checks import Finding, fault_of, well
from core.client.coverage import Covered, coverage
from core.errors import PeerError, ProtocolError, TaperoomError
from core.model.disk import Disk
from core.model.site import Site

PATIENCE = 120.0
"""Seconds that a client has for its selfcheck."""
FILE = "checks.json"


@dataclass(frozen=True, slots=True)
class Asked:
    """How a client answered.  ``rtt``: seconds until its amandad told its features, 0 when it never did; ``kind``:
    ``taperoom``, ``amanda`` or empty; ``good``: when it was last well; ``since``: since when it is not."""

    host: str
    at: float
    findings: tuple[Finding, ...] = ()
    rtt: float = 0.0
    kind: str = ""
    features: str = ""
    good: float = 0.0
    since: float = 0.0

    @property
    def state(self) -> str:
        """``ok``, ``warn``, ``FAIL`` it answered and something is wrong, ``DOWN`` it could not be reached."""
        wrong = [finding for finding in self.findings if finding.severity == "E"]
        if wrong:
            return "DOWN" if all(finding.peer for finding in wrong) else "FAIL"
        return "warn" if any(finding.severity == "W" for finding in self.findings) else "ok"


@dataclass(frozen=True, slots=True)
class ClientRow:
    """One client.  ``asked`` None: it was never asked.  ``disks`` as the catalogue covers them; ``auth`` of its disks."""

    host: str
    auth: tuple[str, ...]
    address: str
    disks: tuple[Covered, ...]
    asked: Asked | None = None

    @property
    def state(self) -> str:
        """As `Asked.state`; empty when it was never asked."""
        return self.asked.state if self.asked else ""

    @property
    def last_full(self) -> float | None:
        """When the oldest of its disks' last fulls began: what it could lose at most; None when a disk has none."""
        fulls = [disk.full.at for disk in self.disks if disk.full is not None]
        return min(fulls) if fulls and len(fulls) == len(self.disks) else None

    @property
    def overdue(self) -> float:
        """Seconds that the latest of its fulls is overdue; 0 when none is, ``inf`` when a disk never had one."""
        return max((disk.overdue for disk in self.disks), default=0.0)


def clients(site: Site, now: float | None = None) -> list[ClientRow]:
    """Every client of the disklist, in its order.  Never raises."""
    at = time.time() if now is None else now
    asked, covered = load_asked(site), {(disk.host, disk.disk): disk for disk in coverage(site, at)}
    groups: dict[str, list[Disk]] = {}
    for disk in site.disks:
        groups.setdefault(disk.host.name, []).append(disk)
    return [
        ClientRow(host, tuple(dict.fromkeys(disk.dumptype.auth for disk in disks)), disks[0].host.address or host,
                  tuple(covered[disk.key] for disk in disks), asked.get(host))
        for host, disks in groups.items()]


def check(site: Site, disks: Sequence[Disk] | None = None) -> Iterator[Finding | int]:
    """Every client's selfcheck of these disks (of all), all at once, as they answer; a number says how many are still asked.

    What each answered is kept, unless only some of its disks were asked about.
    """
    groups: dict[str, list[Disk]] = {}
    for disk in site.disks if disks is None else disks:
        groups.setdefault(disk.host.name, []).append(disk)
    answers: queue.SimpleQueue[Asked] = queue.SimpleQueue()
    for group in groups.values():
        threading.Thread(target=lambda g: answers.put(_client(site, g)), args=(group,), daemon=True).start()
    left, all_of = len(groups), {host: [d for d in site.disks if d.host.name == host] for host in groups}
    if left:
        yield left
    while left:
        asked = answers.get()
        if len(groups[asked.host]) == len(all_of[asked.host]):
            keep(site, asked)
        yield from asked.findings
        left -= 1
        yield left


def _client(site: Site, disks: Sequence[Disk]) -> Asked:
    """One client; every auth that its disks use is tried."""
    asked = Asked(disks[0].host.name, time.time())
    try:
        for auth in dict.fromkeys(disk.dumptype.auth for disk in disks):
            asked = _ask(site, [disk for disk in disks if disk.dumptype.auth == auth], auth, asked)
    except Exception as fault:  # whoever waits for this thread must hear something
        asked = _and(asked, Finding("E", "RUN099", asked.host, f"a fault of Taperoom itself: {type(fault).__name__}: {fault}"))
    return asked


def _ask(site: Site, disks: Sequence[Disk], auth: str, asked: Asked) -> Asked:
    """``asked`` with what the client says over one auth."""
    from core.wire.features import KEEPS_CONNECTION, SERVER
    from core.wire.services import parse_selfcheck, selfcheck_request
    from core.wire.transports import connect
    from core.wire.words import coded

    host, began = disks[0].host, time.monotonic()
    try:
        connection = connect(host, auth)
        try:
            features = connection.features
            kind = "taperoom" if features.has(KEEPS_CONNECTION) else "amanda"
            asked = replace(asked, rtt=time.monotonic() - began, kind=kind, features=features.text)
            if not connection.keeps():  # a stock amandad serves one request a connection
                connection.close()
                connection = connect(host, auth)
                connection.features = features
            if until := connection.certified_until:
                asked = _and(asked, *_certificate(site, host.name, until))
            request = selfcheck_request(disks, SERVER, features, site.org)
            answers = parse_selfcheck(connection.request("selfcheck", request, max(PATIENCE, host.connect_timeout)))
        finally:
            connection.close()
    except PeerError as fault:
        return _and(asked, fault_of(host.name, fault, peer=True))
    except ProtocolError as fault:
        return _and(asked, Finding("E", "CLT003", host.name, f"talks nonsense: {fault}", True))
    except OSError as fault:
        return _and(asked, Finding("E", "CLT007", host.name, f"cannot be reached: {fault.strerror or fault}", True))
    wrong = [Finding("E", code, host.name, text) for good, said in answers if not good for code, text in [coded(said)]]
    number = f"{len(disks)} disk{'' if len(disks) == 1 else 's'}"
    return _and(asked, *(wrong or [well(host.name, f"{number} checked by the client, over {auth}")]))


def _certificate(site: Site, host: str, until: float) -> list[Finding]:
    from core.client.enrol import presented
    from core.trust.register import load_register

    try:
        register = load_register(site.tls_dir)
    except TaperoomError:  # the check of the server tells of it
        register = None
    found = presented(host, register, until, time.time())
    return [found] if found else []


def _and(asked: Asked, *findings: Finding) -> Asked:
    return replace(asked, findings=(*asked.findings, *findings))


def load_asked(site: Site) -> dict[str, Asked]:
    """How each client answered last."""
    try:
        plain = json.loads((site.state_dir / FILE).read_bytes())
        return {host: _of_plain(host, values) for host, values in plain.items()}
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return {}


def _of_plain(host: str, plain: dict[str, Any]) -> Asked:
    findings = tuple(Finding(str(f[0]), str(f[1]), str(f[2]), str(f[3]), bool(f[4])) for f in plain["findings"])
    return Asked(host, float(plain["at"]), findings, float(plain["rtt"]), str(plain["kind"]), str(plain["features"]),
                 float(plain["good"]), float(plain["since"]))


def _to_plain(asked: Asked) -> dict[str, Any]:
    return {"at": asked.at, "rtt": asked.rtt, "kind": asked.kind, "features": asked.features, "good": asked.good,
            "since": asked.since,
            "findings": [[f.severity, f.code, f.subject, f.text, f.peer] for f in asked.findings]}


def keep(site: Site, asked: Asked) -> None:
    """Write down how a client answered; a state directory that is not there or cannot be written is done without."""
    path = site.state_dir / FILE
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError), open(path.with_name("checks.lock"), "w", opener=_private) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = load_asked(site)
        before = known.get(asked.host)
        bad = asked.state in ("DOWN", "FAIL")
        since = (before.since if before and before.since else asked.at) if bad else 0.0
        known[asked.host] = replace(asked, good=(before.good if before else 0.0) if bad else asked.at, since=since)
        try:
            with open(new, "w", opener=_private) as out:
                json.dump({host: _to_plain(known[host]) for host in sorted(known)}, out, indent=1)
            os.replace(new, path)
        finally:
            new.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)  # what is known of clients is nobody else's business


def advice(asked: Asked) -> tuple[str, ...]:
    """What to try next, from the pages of the codes that were found."""
    from core.codes import lookup

    pages = [lookup(finding.code) for finding in asked.findings if finding.severity in ("E", "W")]
    again = f"taperoom check {asked.host}"
    return (*dict.fromkeys(page.action for page in pages if page is not None), again) if pages else ()
