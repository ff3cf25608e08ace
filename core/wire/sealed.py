"""TLS on a connected socket, the same on both ends: 1.3 and nothing else, both ends show a certificate of one authority.

Promises that nothing is read or written before the peer's certificate was checked against authority, list of revoked
certificates and times, and that every handshake ends within its timeout.  Whose name the certificate has to bear is the
matter of each end.  It does not know what is spoken inside.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path

from core.wire.peers import Trouble, broken_off, of_library, of_verification

_IDLE, _INTERVAL, _COUNT = 60, 60, 5  # seconds, seconds, probes: as ssh is told to ask whether its peer still lives
_RECORD = 16 * 1024


def context_of(trust: tuple[Path, ...], own: Path, *, listens: bool) -> ssl.SSLContext:
    """What a handshake needs.  ``trust``: files of the authority's certificate and its list of revoked ones; ``own``: our
    certificate and key; ``listens``: the peer is the one who connects.  OSError (ssl.SSLError is one) when a file is bad."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if listens else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # a name of ours is no host name; each end looks at it itself
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF | ssl.VERIFY_X509_STRICT
    for file in trust:
        context.load_verify_locations(file)
    context.load_cert_chain(own)
    if listens:
        # Nothing is ever resumed, and a ticket would make an idle connection look as if its peer had said something.
        context.num_tickets = 0
    return context


def handshake(plain: socket.socket, context: ssl.SSLContext, timeout: float, *, listens: bool) -> ssl.SSLSocket:
    """TLS on ``plain``, which is taken over, within ``timeout`` seconds.  OSError: `trouble_of` tells what it means."""
    plain.settimeout(max(0.01, timeout))
    with contextlib.suppress(OSError):  # a socket that is no TCP has none of these
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in ((socket.TCP_KEEPIDLE, _IDLE), (socket.TCP_KEEPINTVL, _INTERVAL), (socket.TCP_KEEPCNT, _COUNT)):
            plain.setsockopt(socket.IPPROTO_TCP, option, value)
    sealed = context.wrap_socket(plain, server_side=listens, do_handshake_on_connect=False)
    try:
        sealed.do_handshake()
    except BaseException:
        sealed.close()
        raise
    return sealed


def trouble_of(fault: OSError | ValueError, peer: str) -> Trouble:
    """What an error of a handshake with ``peer`` means; a timeout is the caller's, who knows how long he waited."""
    match fault:
        case ssl.SSLCertVerificationError():
            return of_verification(fault.verify_code, fault.verify_message, peer)
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return broken_off(peer)
        case ssl.SSLError():
            return of_library(fault.reason or "", peer)
        case _:
            return broken_off(peer)


class SealedStream:
    """An established TLS connection without blocking: what is read and written is what the peer means."""

    def __init__(self, sealed: ssl.SSLSocket) -> None:
        self._sealed = sealed
        self.fault: OSError | None = None
        """What went wrong when reading said 0."""
        sealed.setblocking(False)

    def fileno(self) -> int:
        """For poll; see `pending`."""
        return self._sealed.fileno()

    @property
    def pending(self) -> bool:
        """Whether something was received already, of which poll does not know."""
        return self._sealed.pending() > 0

    def read_into(self, buffer: memoryview) -> int | None:
        """Bytes put into ``buffer``, as many as are there; 0 at the end, None when nothing is there yet."""
        got, size = 0, len(buffer)
        while got < size:
            try:
                count = self._sealed.recv_into(buffer[got:])
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return got or None
            except OSError as fault:
                self.fault = fault
                return got
            if not count:
                return got
            got += count
            if count < _RECORD and not self._sealed.pending():
                break  # mostly the last that is there; asking again would cost a system call
        return got

    def write(self, data: memoryview) -> int:
        """Bytes of ``data`` that were taken.  BlockingIOError when none can be now; then the same come again."""
        done, size = 0, len(data)
        while done < size:
            try:
                done += self._sealed.send(data[done:done + _RECORD])
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                if done:
                    return done
                raise BlockingIOError from None
        return done

    def close(self) -> None:
        """Tell the peer, as far as that is possible without waiting, and end the connection."""
        with contextlib.suppress(OSError, ValueError):
            self._sealed.unwrap()
        self._sealed.close()
