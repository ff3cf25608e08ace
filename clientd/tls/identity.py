"""What a client is for TLS: its own certificate, the authority that it believes, the one server that it takes.

Two files in one directory, ``trust.pem`` (no secret) and ``client.pem`` (with the key, mode 0600), installed from the one
file that the server made.  Promises that a bad file changes nothing.  Read at each connection, so that a renewal needs no
restart.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
from dataclasses import dataclass
from pathlib import Path

from core.errors import ProtocolError, WorldError
from core.wire.bundle import LIMIT, Bundle, read_bundle, read_trust
from core.wire.peers import Trouble, names_in, server_name
from core.wire.sealed import context_of

TRUST, OWN = "trust.pem", "client.pem"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are and whom we take; ``trust`` has neither certificate nor key."""

    trust: Bundle
    context: ssl.SSLContext

    def refuses(self, sealed: ssl.SSLSocket, peer: str) -> Trouble | None:
        """Why the peer of an established connection is not our server, None when it is."""
        der, certificate = sealed.getpeercert(True), sealed.getpeercert()
        wanted = server_name(self.trust.org)
        if names_in(certificate) != [wanted]:
            return Trouble("CLT042", f"the certificate of {peer} is not that of {wanted}")
        if der is None or hashlib.sha256(der).hexdigest() != self.trust.pin:
            return Trouble("CLT042", f"the certificate of {peer} is not the one that this client was enrolled with")
        return None


def identity_in(directory: Path) -> Identity:
    """The identity that is installed.  WorldError CLT052 when there is none or it is damaged."""
    trust = directory / TRUST
    try:
        with open(trust, encoding="utf-8") as file:
            text = file.read(LIMIT + 1)
        return Identity(read_trust(text), context_of((trust,), directory / OWN, listens=True))
    except FileNotFoundError:
        raise WorldError("CLT052", f"this client is not enrolled: there is no {TRUST} and {OWN} in {directory}") from None
    except ProtocolError as fault:
        raise WorldError("CLT052", f"{trust} is damaged: {fault}") from None
    except (OSError, ValueError) as fault:
        raise WorldError("CLT052", f"the enrolment in {directory} cannot be used: {_words(fault)}") from None


def install(text: str, directory: Path) -> Bundle:
    """Put an enrolment in place of an earlier one.  WorldError CLT052 when it is none, or cannot be written."""
    try:
        bundle = read_bundle(text)
    except ProtocolError as fault:
        raise WorldError("CLT052", f"this is no enrolment: {fault}") from None
    new = directory / f".new.{os.getpid()}"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.mkdir(mode=0o700)
        try:
            _write(new / TRUST, bundle.trust)
            _write(new / OWN, bundle.own)
            try:
                context_of((new / TRUST,), new / OWN, listens=True)
            except (OSError, ValueError) as fault:
                raise WorldError("CLT052", f"this is no enrolment: {_words(fault)}") from None
            for name in (TRUST, OWN):
                os.replace(new / name, directory / name)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    except OSError as fault:
        raise WorldError("CLT052", f"{directory} cannot be written: {_words(fault)}") from None
    return bundle


def _write(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _words(fault: Exception) -> str:
    if isinstance(fault, ssl.SSLError):
        return (fault.reason or "a certificate or key is damaged").lower().replace("_", " ")
    return fault.strerror or str(fault) if isinstance(fault, OSError) else str(fault)
