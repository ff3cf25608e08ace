"""The register of the authority: every certificate that it issued, until when it is good, and whether it was revoked.

``register.json`` of the site's tls directory, replaced by rename.  The list of revoked certificates that OpenSSL reads is
made from it.  It holds no secret, and reading it needs no library.  Times are seconds since the epoch.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from core.errors import WorldError

FILE = "register.json"
SOON = 30 * 86400.0
"""Seconds before its end from which on a client's certificate is complained about."""
SOON_AUTHORITY = 365 * 86400.0
"""The same for the authority: its end means to enrol every client anew."""


class Standing(StrEnum):
    """How a client stands."""

    GOOD = "good"
    SOON = "expires soon"
    EXPIRED = "expired"
    REVOKED = "revoked"
    NONE = "not enrolled"


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate; ``revoked`` 0: it is not."""

    serial: int
    made: float
    until: float
    revoked: float = 0.0


@dataclass(frozen=True, slots=True)
class Register:
    """Everything.  ``pin``: SHA-256 of the server's certificate; ``until``: the end of the authority and of the server's."""

    org: str
    pin: str
    until: float
    clients: dict[str, tuple[Issued, ...]]

    def standing(self, host: str, now: float) -> tuple[Standing, float]:
        """How ``host`` stands, and the end of its newest certificate that counts; 0 when it never had one."""
        return standing_of(self.clients.get(host, ()), now)

    def with_issued(self, host: str, issued: Issued) -> Register:
        """One more certificate."""
        return replace(self, clients={**self.clients, host: (*self.clients.get(host, ()), issued)})

    def with_revoked(self, host: str, at: float) -> Register:
        """All certificates of ``host`` revoked."""
        all_of = tuple(issued if issued.revoked else replace(issued, revoked=at) for issued in self.clients.get(host, ()))
        return replace(self, clients={**self.clients, host: all_of})

    def revoked(self) -> list[Issued]:
        """Every certificate that is revoked."""
        return [issued for all_of in self.clients.values() for issued in all_of if issued.revoked]


def standing_of(all_of: Iterable[Issued], now: float) -> tuple[Standing, float]:
    """How the owner of these certificates stands; the newest that is not revoked counts."""
    known = list(all_of)
    good = [issued.until for issued in known if not issued.revoked]
    if not good:
        return (Standing.REVOKED if known else Standing.NONE), max((issued.until for issued in known), default=0.0)
    until = max(good)
    if until <= now:
        return Standing.EXPIRED, until
    return (Standing.SOON if until - now < SOON else Standing.GOOD), until


def load_register(directory: Path) -> Register | None:
    """The register of an authority, None when there is no authority yet.  WorldError CLT050 when it cannot be read."""
    path = directory / FILE
    try:
        plain = json.loads(path.read_bytes())
        return Register(str(plain["org"]), str(plain["pin"]), float(plain["until"]), {
            str(host): tuple(_issued(one) for one in all_of) for host, all_of in plain["clients"].items()})
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise WorldError("CLT050", f"{path} cannot be read: {fault.strerror}",
                         "give it to the user who runs the backup") from None
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise WorldError("CLT050", f"{path} is damaged", "bring it back from a backup of the state directory") from None


def _issued(plain: dict[str, Any]) -> Issued:
    return Issued(int(plain["serial"], 16), float(plain["made"]), float(plain["until"]), float(plain["revoked"]))


def register_text(register: Register) -> str:
    """The file's text."""
    return json.dumps({
        "org": register.org, "pin": register.pin, "until": register.until,
        "clients": {host: [{"serial": f"{one.serial:x}", "made": one.made, "until": one.until, "revoked": one.revoked}
                           for one in all_of] for host, all_of in sorted(register.clients.items())}}, indent=1) + "\n"


def put(path: Path, text: str, *, secret: bool = False) -> None:
    """Write a file of the directory whole or not at all; only its owner may read one that is ``secret``.  OSError."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644), "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
