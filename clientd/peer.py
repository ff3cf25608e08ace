"""Who is at the other end of a socket that inetd or systemd handed to amandad (Amanda 3.5.1: common-src/security-util.c).

Promises that a peer is only believed when it comes from a port that its system gives to root alone, and when the name of its
address leads back to that address.  What the peer may ask for is the matter of `clientd.amandahosts`.
"""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from clientd.amandahosts import permitted
from core.wire.words import clean

RESERVED = 1024
"""Ports below are root's."""
_USER = re.compile(r"SECURITY USER ([^\s]{1,100})\n")


@dataclass(frozen=True, slots=True)
class Peer:
    """``name`` of the host at ``address``; ``fault``: why it is not believed, empty when it is."""

    address: str
    name: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """Judges each request of one peer.  ``login``: who we are; ``file``: our ``.amandahosts``."""

    peer: Peer
    login: str
    file: Path

    def refusal(self, body: str, service: str) -> str:
        """Why a request is refused; empty when it is not."""
        if self.peer.fault:
            return f"CLT037 {self.peer.fault}"
        found = _USER.match(body)
        if found is None:
            return "CLT037 the request does not say which user asks"
        fault = permitted(self.file, self.login, self.peer.name, self.peer.address, found[1], service)
        return f"CLT038 {fault}" if fault else ""


def peer_of(descriptor: int) -> Peer:
    """Who is connected to the socket ``descriptor``.  OSError when it is no connected socket of the internet."""
    with socket.socket(fileno=os.dup(descriptor)) as made:
        if made.family not in (socket.AF_INET, socket.AF_INET6):
            raise OSError(0, "no connection by TCP")
        address = made.getpeername()
    return checked(address)


def checked(address: tuple[str, int] | tuple[str, int, int, int]) -> Peer:
    """The peer at a socket address, judged by its port and its name."""
    host, port = address[0], address[1]
    plain = host.removeprefix("::ffff:") if "." in host else host
    try:
        name = socket.getnameinfo(address, socket.NI_NAMEREQD)[0]
    except OSError as fault:
        return Peer(plain, plain, f"{plain}: its address has no name: {fault.strerror or fault}")
    shown = clean(name, 200)
    if port >= RESERVED:
        return Peer(plain, name, f"host {shown}: port {port} is not secure")
    try:
        back = {str(entry[4][0]).removeprefix("::ffff:") for entry in socket.getaddrinfo(name, None)}
    except (OSError, UnicodeError):
        back = set()
    if plain.partition("%")[0] not in {one.partition("%")[0] for one in back}:
        return Peer(plain, name, f"{plain}: it is named {shown}, but that name does not lead back to it")
    return Peer(plain, name)
