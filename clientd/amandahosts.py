"""Who may ask for what by ``bsdtcp``: the file ``.amandahosts`` (Amanda 3.5.1: common-src/security-util.c).

A line names a host, then perhaps a user of it, then perhaps services; ``amdump`` stands for the four of a backup, which are
also what a line without services permits.  Promises that a file which others could have written permits nobody.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from clientd.access import SERVICES
from core.errors import WorldError
from core.wire.words import clean

BACKUP = "amdump"
"""The word for all services of a backup."""
_LOCAL = ("localhost", "localhost.localdomain")
_LONGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: ``user`` of ``host`` may ask for ``services``."""

    host: str
    user: str
    services: tuple[str, ...]

    def fits(self, name: str, address: str, user: str) -> bool:
        """Whether the line speaks of ``user`` at the host of that checked name and address."""
        if self.user != user:
            return False
        here = self.host.lower()
        return here == name.lower() or (here in _LOCAL and is_loopback(address))


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own, 127.0.0.1 or ::1."""
    found = ip_address(address.partition("%")[0])
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def permitted(file: Path, login: str, name: str, address: str, user: str, service: str) -> str:
    """Empty when ``user`` of the host ``name`` at ``address`` may ask for ``service`` here, where we are ``login``; else
    what is wrong, and the line that would permit it.  Never raises."""
    who, name = clean(f"{user}@{name}", 200), clean(name, 200)
    add = f'add the line "{name} {clean(user, 100)} {BACKUP}" to {file} on this client'
    try:
        rules = list(_rules(file, login))
    except WorldError as fault:
        return fault.message
    fitting = [rule for rule in rules if rule.fits(name, address, user)]
    if not fitting:
        return f"access as {login} is not allowed from {who}: {add}"
    if not any(service in rule.services for rule in fitting):
        return f"the service {service} is not allowed from {who}: {add}"
    return ""


def _rules(file: Path, login: str) -> Iterator[Rule]:
    for line in _text(file).splitlines():
        words = line.partition("#")[0].split()
        if words:
            named = SERVICES if len(words) < 3 else tuple(
                service for word in words[2:] for service in (SERVICES if word == BACKUP else (word,)))
            yield Rule(words[0], words[1] if len(words) > 1 else login, named)


def _text(file: Path) -> str:
    """The file's text.  WorldError CLT038 when it is not there, not ours, or open to others."""
    try:
        with open(os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as opened:
            found = os.fstat(opened.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise WorldError("CLT038", f"{file} is no file")
            if found.st_uid not in (0, os.geteuid()):
                raise WorldError("CLT038", f"{file} belongs to another user")
            if found.st_mode & 0o077:
                raise WorldError("CLT038", f"{file} is open to other users; only its owner may have access (chmod 600)")
            return opened.read(_LONGEST).decode("utf-8", "replace")
    except OSError as fault:
        raise WorldError("CLT038", f"{file} cannot be read: {fault.strerror}") from None
