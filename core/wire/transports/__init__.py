"""Ways to reach an amandad: `connect` is the door for planner, dumper and check."""

from __future__ import annotations

from core.errors import PeerError, ProtocolError
from core.model.disk import Host
from core.wire.features import SERVER, Features
from core.wire.services import noop_request, parse_errors, parse_features
from core.wire.transports.bsdtcp import BsdtcpLink, security_line
from core.wire.transports.connection import Connection, Link
from core.wire.transports.local import LocalLink
from core.wire.transports.ssh import SshLink
from core.wire.transports.tls import TlsLink
from core.wire.words import clean

__all__ = ["Connection", "connect", "open_connection"]


def connect(host: Host, auth: str, features: Features = SERVER) -> Connection:
    """A connection to the amandad of ``host`` by ``auth`` (``bsdtcp``, ``local``, ``ssh`` or ``tls``), its features known.

    PeerError: CLT013 no such transport, CLT007–CLT012, CLT019, CLT040–CLT050 and CLT060–CLT065 it cannot be reached,
    CLT001–CLT005 it answers wrongly.
    """
    link: Link
    preamble = ""
    match auth.lower():
        case "local":
            link = LocalLink(host)
        case "ssh":
            link = _pushed(host) if host.push else SshLink(host)
        case "tls":
            link = TlsLink(host)
        case "bsdtcp":
            link, preamble = BsdtcpLink(host), security_line(host)
        case _:
            raise PeerError(
                "CLT013", f"{host.name}: there is no transport {auth!r}", "Use ssh, tls, bsdtcp or local.", try_later=False)
    return open_connection(host, link, features, preamble)


def _pushed(host: Host) -> Link:
    # Only here: few sites need it, and every program of a night would pay for loading it.
    from core.wire.transports.push import PushLink

    return PushLink(host)


def open_connection(host: Host, link: Link, features: Features = SERVER, preamble: str = "") -> Connection:
    """Say noop over ``link``, which is closed again when that fails; ``preamble`` comes before each request."""
    connection = Connection(host, link, preamble)
    try:
        reply = connection.request("noop", noop_request(features), host.connect_timeout)
        if errors := parse_errors(reply):
            raise PeerError("CLT005", f"{host.name}: {clean('; '.join(errors))}", try_later=False)
        try:
            connection.features = parse_features(reply)
        except ProtocolError as fault:
            raise PeerError("CLT003", f"{host.name} talks nonsense: {fault}") from None
    except BaseException:
        connection.close()
        raise
    return connection
