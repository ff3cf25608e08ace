"""The transport ``bsdtcp``: one TCP connection from a reserved port to an amandad that inetd or systemd starts
(Amanda 3.5.1: common-src/bsdtcp-security.c, security-util.c).

The client believes whoever comes from a port below 1024 of a host that its ``.amandahosts`` names: nothing is encrypted and
nothing is proved.  Promises that each way it can fail becomes one clear PeerError.  It does not know what is spoken.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import random
import select
import socket
import struct
import time

from core.errors import PeerError
from core.model.disk import Host

PORT = 10080
"""The service ``amanda``."""
RESERVED = range(512, 1024)
"""The ports of ours that a client believes, as Amanda takes them; those below have their own services."""
_BUSY = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL})
_SHORTLY = struct.pack("@ll", 0, 1000)  # SO_SNDTIMEO: a write that cannot go on says so after a millisecond
_LAST_READS = 64
_LAST_WAIT = 0.2  # seconds in all; an amandad that has nothing to do leaves as soon as it has read that we do

_Address = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


class BsdtcpLink:
    """A connection to an amandad.  Reads block; a write that the peer does not take at once is a BlockingIOError."""

    def __init__(self, host: Host) -> None:
        """Connect.  PeerError: CLT008 name, CLT009 unreachable, CLT019 no reserved port is to be had."""
        self._socket = _connected(host)
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SHORTLY)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.writer = self._socket.fileno()

    def lost(self, host: Host) -> PeerError:
        """Nobody tells why; inetd's own log on the client does."""
        return PeerError("CLT001", f"amandad of {host.name} ended the connection")

    def close(self) -> None:
        """End the connection.  What the client says to a socket that is closed, or has not been read there, would make that a
        reset, which throws away what we said last."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            # Its end is waited for, but not by a client that goes on: one in the middle of a dump is not listened to.
            until = time.monotonic() + _LAST_WAIT
            for _ in range(_LAST_READS):
                if not poll.poll(max(0.0, until - time.monotonic()) * 1000) or not self._socket.recv(1 << 16):
                    break
        self._socket.close()


def security_line(host: Host) -> str:
    """What comes before each request: who we say that we are, the host's ``user`` or the user of this process."""
    user = host.user
    if not user:
        try:
            user = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:
            user = str(os.geteuid())
    return f"SECURITY USER {user}\n"


def _connected(host: Host) -> socket.socket:
    deadline = time.monotonic() + host.connect_timeout
    where = host.address or host.name
    try:
        found = socket.getaddrinfo(where, host.port or PORT, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as fault:
        raise PeerError("CLT008", f"the name {where} is not known: {_words(fault)}", try_later=False) from None
    last: OSError | None = None
    for family, _, _, _, address in found:
        try:
            return _to(family, address, deadline)
        except PermissionError:
            raise PeerError(
                "CLT019", f"{host.name}: bsdtcp wants a port of ours below 1024, and this process may not have one",
                "Run Taperoom as root, or give its Python CAP_NET_BIND_SERVICE.", try_later=False) from None
        except OSError as fault:
            last = fault
    raise _unreachable(host, last)


def _to(family: int, address: _Address, deadline: float) -> socket.socket:
    """A connection from a reserved port; PermissionError when none may be had, other OSErrors for the peer."""
    last = OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    for port in random.sample(RESERVED, len(RESERVED)):
        made = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        # A stock server always takes the first port that no service has, and gives its host up where somebody else has that
        # one, or had it within the last minute, who does not share it so.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind(("", port))
            made.settimeout(max(0.01, deadline - time.monotonic()))
            made.connect(address)
        except OSError as fault:
            made.close()
            # Taken, or by an earlier connection to the same place that is still remembered: the next one.
            if fault.errno not in _BUSY:
                raise
            last = fault
        else:
            return made
    raise last


def _unreachable(host: Host, fault: OSError | None) -> PeerError:
    where = f"{host.address or host.name} port {host.port or PORT}"
    match fault:
        case ConnectionRefusedError():
            return PeerError("CLT009", f"{where} refused the connection")
        case OSError(errno=errno.EADDRINUSE | errno.EADDRNOTAVAIL):
            return PeerError("CLT019", f"{host.name}: all ports of ours below 1024 are in use")
        case TimeoutError():
            return PeerError("CLT009", f"{where} did not answer within {host.connect_timeout:.3g} s")
        case _:
            return PeerError("CLT009", f"{where} cannot be reached: {_words(fault)}")


def _words(fault: Exception | None) -> str:
    return (fault.strerror or str(fault)) if isinstance(fault, OSError) else str(fault)
