"""Enrolling clients for the transport tls, revoking them, and how each stands: what the commands do and the check looks at.

An enrolment comes back as a text that holds the client's key; whoever calls hands it over and keeps no copy.  Times are
seconds since the epoch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from core.client.act import Done
from core.client.acts import note
from core.client.checks import Finding, fault_of, well
from core.errors import TaperoomError, UsageError
from core.model.site import Site
from core.report.text import count
from core.trust.register import SOON_AUTHORITY, Register, Standing, load_register
from core.wire.peers import PORT


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A client was enrolled.  ``text``: the file for it, with its key; ``port``: where it has to listen; ``fresh``: this
    was the first use of the authority; ``auths``: how its disks are reached now."""

    text: str
    until: str
    port: int
    fresh: bool
    auths: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class EnrolledRow:
    """One client: ``until`` 0 when it was never enrolled; ``certificates``: how many it was given."""

    host: str
    standing: Standing
    until: float
    certificates: int
    uses_tls: bool


def enrol(site: Site, host: str, *, renew: bool, days: int, now: float | None = None) -> Enrolled:
    """A new key and certificate for a host of the configuration.

    UsageError CFG007 no such host, CLT051 it is enrolled already and ``renew`` was not said, CLT053 without the library;
    WorldError CLT050.
    """
    from core.trust.authority import authority_of

    at = time.time() if now is None else now
    _known(site, host)
    before = load_register(site.tls_dir)
    standing, until = before.standing(host, at) if before else (Standing.NONE, 0.0)
    if standing in (Standing.GOOD, Standing.SOON) and not renew:
        raise UsageError("CLT051", f"{host} is enrolled until {day(until)}",
                         f"a new certificate: taperoom client enrol {host} --renew")
    authority, fresh = authority_of(site.tls_dir, site.org, at)
    port = site.hosts[host].port or PORT
    made = authority.issue(host, port, days, at)
    problem = note(site.state_dir, f"taperoom client enrol {host}{' --renew' if renew else ''}")
    auths = tuple(dict.fromkeys(disk.dumptype.auth for disk in site.disks if disk.host.name == host))
    return Enrolled(made.text(), made.until, port, fresh, auths, problem)


def revoke(site: Site, host: str, now: float | None = None) -> Done:
    """Take every certificate of a client back; the next connection is refused.  UsageError CLT040 when it has none."""
    from core.trust.authority import authority_of

    at = time.time() if now is None else now
    register = load_register(site.tls_dir)
    if register is None or not register.clients.get(host):
        known = ", ".join(register.clients) if register else ""
        raise UsageError("CLT040", f"{host} was never enrolled", f"enrolled are: {known}" if known else "")
    authority, _ = authority_of(site.tls_dir, site.org, at)
    number = authority.revoke(host, at)
    command = f"taperoom client revoke {host}"
    problem = note(site.state_dir, command)
    what = f"{count(number, 'certificate')} of {host} revoked" if number else f"all certificates of {host} were revoked already"
    text = f"{what}; it is refused from now on, until 'taperoom client enrol {host}'"
    return Done(command, f"{text} (not written down: {problem})" if problem else text)


def enrolled(site: Site, now: float | None = None) -> list[EnrolledRow]:
    """Every client that uses tls or was ever enrolled.  WorldError CLT050."""
    at = time.time() if now is None else now
    register = load_register(site.tls_dir)
    using = _using(site)
    names = [*using, *(name for name in (register.clients if register else ()) if name not in using)]
    number = {name: len(all_of) for name, all_of in register.clients.items()} if register else {}
    return [EnrolledRow(name, *_standing(register, name, at), number.get(name, 0), name in using) for name in names]


def findings(site: Site, now: float | None = None) -> Iterator[Finding]:
    """What the check of the server says of the authority and of what it issued; nothing where tls is not used."""
    at = time.time() if now is None else now
    using = _using(site)
    if not using:
        return
    try:
        register = load_register(site.tls_dir)
    except TaperoomError as fault:
        yield fault_of("tls", fault)
        return
    if register is not None:
        yield from _of_authority(register, at)
    rows = [(name, *_standing(register, name, at)) for name in using]
    for name, standing, until in rows:
        again = f"taperoom client enrol {name}"
        match standing:
            case Standing.NONE:
                yield Finding("E", "CLT040", "tls", f"{name} is not enrolled; {again}")
            case Standing.REVOKED:
                yield Finding("E", "CLT044", "tls", f"the certificate of {name} is revoked; {again}")
            case Standing.EXPIRED:
                yield Finding("E", "CLT043", "tls", f"the certificate of {name} expired on {day(until)}; {again}")
            case Standing.SOON:
                yield Finding("W", "CLT048", "tls", f"the certificate of {name} expires on {day(until)}; {again} --renew")
            case Standing.GOOD:
                pass
    good = [until for _, standing, until in rows if standing is Standing.GOOD]
    if good:
        yield well("tls", f"{count(len(good), 'client')} enrolled, the first certificate expires on {day(min(good))}")


def _of_authority(register: Register, now: float) -> Iterator[Finding]:
    left = register.until - now
    if left <= 0:
        yield Finding("E", "CLT043", "tls", f"the authority and this server's own certificate expired on {day(register.until)}")
    elif left < SOON_AUTHORITY:
        yield Finding("W", "CLT048", "tls", f"the authority and this server's own certificate expire on {day(register.until)}")


def presented(host: str, register: Register | None, until: float, now: float) -> Finding | None:
    """What is to be said of the certificate that a client really showed: the newest may not have been installed there."""
    from core.trust.register import SOON

    if until - now >= SOON:
        return None
    _, newest = _standing(register, host, now)
    more = (f"; a newer one, until {day(newest)}, was made but is not installed there" if newest > until + 1
            else f"; taperoom client enrol {host} --renew")
    return Finding("W", "CLT048", host, f"the certificate that it shows expires on {day(until)}{more}")


def day(at: float) -> str:
    """A date as an operator writes it."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d")


def _standing(register: Register | None, host: str, now: float) -> tuple[Standing, float]:
    return register.standing(host, now) if register else (Standing.NONE, 0.0)


def _using(site: Site) -> list[str]:
    return list(dict.fromkeys(disk.host.name for disk in site.disks if disk.dumptype.auth == "tls"))


def _known(site: Site, host: str) -> None:
    if host not in site.hosts:
        from core.config.faults import nearest

        raise UsageError("CFG007", f"{host!r} is no host of {site.file}{nearest(host, site.hosts)}",
                         f"'taperoom disk add {host}:DISK' adds one")
