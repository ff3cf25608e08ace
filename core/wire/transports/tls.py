"""The transport ``tls``: we connect to the listener on the client, each end shows a certificate of our own authority.

Promises that nothing of the protocol is sent before the client's certificate was found to be of our authority, in time, not
revoked and of the client's name, and before the client has said that it takes us; and that each way this can fail
becomes one clear PeerError.  The authority itself is `core.trust`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from pathlib import Path

from core.errors import PeerError, ProtocolError
from core.model.disk import Host
from core.wire.peers import GREETING_LIMIT, PORT, Trouble, client_name, names_in, read_greeting
from core.wire.sealed import SealedStream, context_of, handshake, trouble_of
from core.wire.words import clean

AUTHORITY, REVOKED, SERVER = "ca.pem", "crl.pem", "server.pem"
"""In the host's ``tls_dir``: the authority's certificate, its list of revoked ones, our certificate and key."""


class TlsLink:
    """An established connection to a listener."""

    def __init__(self, host: Host) -> None:
        """Connect.  PeerError: CLT008 name, CLT009 unreachable, CLT002 silent, CLT040 to CLT050 no good peer."""
        deadline = time.monotonic() + host.connect_timeout
        self._revoked = Path(host.tls_dir, REVOKED)
        self._stamp = _stamp(self._revoked)
        context = _context(host)
        sealed = _sealed(host, context, deadline)
        try:
            self._until = _check_name(host, sealed)
            _hear_greeting(host, sealed, deadline)
        except BaseException:
            with contextlib.suppress(OSError):
                sealed.close()
            raise
        self._stream = SealedStream(sealed)
        self.reader = self.writer = sealed.fileno()

    @property
    def pending(self) -> bool:
        """Whether there is something to read of which poll does not know."""
        return self._stream.pending

    def read_into(self, buffer: memoryview) -> int | None:
        """Bytes put into ``buffer``; 0 at the end, None when nothing whole is there yet."""
        return self._stream.read_into(buffer)

    def write(self, data: memoryview) -> int:
        """Bytes of ``data`` that were taken.  BlockingIOError when none can be now."""
        return self._stream.write(data)

    @property
    def until(self) -> float:
        """When the client's certificate expires, seconds since the epoch."""
        return self._until

    def trusted(self) -> bool:
        """Whether nothing was revoked since we connected; a connection that is kept must not outlive that."""
        return _stamp(self._revoked) == self._stamp

    def lost(self, host: Host) -> PeerError:
        """Why the connection ended."""
        fault = self._stream.fault
        how = "" if fault is None or isinstance(fault, ssl.SSLError) else f": {_words(fault)}"
        return PeerError("CLT001", f"the connection to {host.name} ended{how}")

    def close(self) -> None:
        """End the connection; amandad sees the end of its input."""
        self._stream.close()


def _context(host: Host) -> ssl.SSLContext:
    files = [Path(host.tls_dir, name) for name in (AUTHORITY, REVOKED, SERVER)]
    hint = f"taperoom client enrol {host.name}"
    try:
        return context_of((files[0], files[1]), files[2], listens=False)
    except FileNotFoundError:
        missing = next((file for file in files if not file.exists()), files[0])
        raise PeerError("CLT040", f"{host.name} is not enrolled: there is no {missing}", hint, try_later=False) from None
    except OSError as fault:
        bad = next((file for file in files if not os.access(file, os.R_OK)), None)
        what = f"{bad} may not be read by this user" if bad else f"a file in {host.tls_dir} is damaged: {_words(fault)}"
        raise PeerError("CLT050", f"{host.name} cannot be asked: {what}", try_later=False) from None


def _sealed(host: Host, context: ssl.SSLContext, deadline: float) -> ssl.SSLSocket:
    plain = _connected(host, deadline)
    try:
        return handshake(plain, context, deadline - time.monotonic(), listens=False)
    except TimeoutError:
        raise _silent(host, "the TLS handshake") from None
    except (OSError, ValueError) as fault:
        raise _peer_error(trouble_of(fault, host.name)) from None


def _connected(host: Host, deadline: float) -> socket.socket:
    where, port = host.address or host.name, host.port or PORT
    try:
        found = socket.getaddrinfo(where, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as fault:
        raise PeerError("CLT008", f"the name {where} is not known: {_words(fault)}", try_later=False) from None
    last: OSError | None = None
    for family, kind, number, _, address in found:
        try:
            made = socket.socket(family, kind | socket.SOCK_CLOEXEC, number)
        except OSError as fault:
            last = fault
            continue
        try:
            made.settimeout(max(0.01, deadline - time.monotonic()))
            made.connect(address)
        except OSError as fault:
            made.close()
            last = fault
        else:
            return made
    match last:
        case ConnectionRefusedError():
            how = "refused the connection"
        case TimeoutError():
            how = f"did not answer within {host.connect_timeout:.3g} s"
        case _:
            how = f"cannot be reached: {_words(last) if last else 'it has no address'}"
    raise PeerError("CLT009", f"{where} port {port} {how}")


def _check_name(host: Host, sealed: ssl.SSLSocket) -> float:
    certificate = sealed.getpeercert() or {}
    names = names_in(certificate)
    if names != [client_name(host.name)]:
        shown = clean(", ".join(names) or "no name", 100)
        raise PeerError("CLT042", f"the certificate of {host.name} is another's: it says {shown}, and has to say "
                        f"{client_name(host.name)}", try_later=False)
    return ssl.cert_time_to_seconds(str(certificate["notAfter"]))


def _hear_greeting(host: Host, sealed: ssl.SSLSocket, deadline: float) -> None:
    heard = bytearray()
    try:
        # TLS 1.3 lets us speak before the client has looked at our certificate; only this tells that it has.
        while not heard.endswith(b"\n") and len(heard) < GREETING_LIMIT:
            sealed.settimeout(max(0.01, deadline - time.monotonic()))
            if not (data := sealed.recv(GREETING_LIMIT - len(heard))):
                raise ssl.SSLEOFError
            heard += data
        refusal = read_greeting(bytes(heard))
    except TimeoutError:
        raise _silent(host, "our certificate") from None
    except ProtocolError as fault:
        raise PeerError("CLT049", f"{host.name} speaks TLS, but is no listener of ours: {fault}", try_later=False) from None
    except OSError as fault:
        raise _peer_error(trouble_of(fault, host.name)) from None
    if refusal:
        raise PeerError("CLT047", f"{host.name} refuses us: {refusal}", try_later=False)


def _peer_error(trouble: Trouble) -> PeerError:
    return PeerError(trouble.code, trouble.text, try_later=trouble.try_later)


def _silent(host: Host, what: str) -> PeerError:
    return PeerError("CLT002", f"{host.name} did not answer {what} within {host.connect_timeout:.3g} s")


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return (0, 0)
    return (found.st_ino, found.st_mtime_ns)


def _words(fault: Exception) -> str:
    if isinstance(fault, ssl.SSLError):
        return (fault.reason or "no certificate or key of ours").lower().replace("_", " ")
    said = (fault.strerror or str(fault)) if isinstance(fault, OSError) else str(fault)
    return clean(said, 100)
