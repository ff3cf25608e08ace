"""Bodies of requests and replies, as the client reads and builds them (Amanda 3.5.1: amandad.c, client-src).

Promises that any text gives a `Request` or ProtocolError.  It does not know which disks exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import ProtocolError
from core.wire.dle_xml import Dle, read_dles
from core.wire.features import LEGACY, QUOTED_ERROR, QUOTED_TEXT, Features
from core.wire.words import quote

_SERVICE = re.compile(r"(?:SECURITY [^\n]{0,200}\n)?SERVICE ([a-z]{1,40})\n(.+)", re.DOTALL)
_KEYS = frozenset({"features", "hostname", "auth", "maxdumps", "config", "timestamp", "data-shm-control-name"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request: the server's features, its OPTIONS and its disks.  ``maxdumps`` disks may be read at once."""

    service: str
    features: Features = LEGACY
    hostname: str = ""
    maxdumps: int = 1
    config: str = ""
    timestamp: str = ""
    auth: str = ""
    dles: tuple[Dle, ...] = ()


def split_service(body: str) -> tuple[str, str]:
    """The service that a REQ asks for, and what its program gets on stdin.  ProtocolError when it is no request."""
    found = _SERVICE.fullmatch(body)
    if found is None:
        raise ProtocolError("invalid REQ")
    return found[1], found[2]


def read_request(service: str, text: str) -> Request:
    """What a service gets on stdin: a line of OPTIONS, then the disks.  ProtocolError, in Amanda's words."""
    line, _, rest = text.partition("\n")
    if not line.startswith("OPTIONS "):
        raise ProtocolError("FORMAT ERROR IN REQUEST PACKET 'no OPTIONS line'")
    options: dict[str, str] = {}
    for pair in line.removeprefix("OPTIONS ").split(";"):
        key, _, value = pair.partition("=")
        if key and key not in _KEYS:
            raise ProtocolError(f'[unknown option "{key[:40]}"]')
        if key:
            options[key] = value
    try:
        dles = read_dles(rest)
    except ProtocolError as fault:
        raise ProtocolError(f"FORMAT ERROR IN REQUEST PACKET '{fault}'") from None
    maxdumps = options.get("maxdumps", "1")
    return Request(
        service=service,
        features=Features.parse(options["features"]) if "features" in options else LEGACY,
        hostname=options.get("hostname", ""),
        maxdumps=max(1, int(maxdumps)) if re.fullmatch(r"[0-9]{1,4}", maxdumps) else 1,
        config=options.get("config", ""),
        timestamp=options.get("timestamp", ""),
        auth=options.get("auth", ""),
        dles=dles,
    )


def features_line(features: Features, hostname: str = "") -> str:
    """The OPTIONS line of a reply."""
    named = f"hostname={hostname};" if hostname else ""
    return f"OPTIONS features={features.text};{named}\n"


def error_line(text: str) -> str:
    """One ERROR line of a reply."""
    return f"ERROR [{_one_line(text)}]\n"


def size_line(disk: str, level: int, kib: int, peer: Features) -> str:
    """An estimate, KiB."""
    return f"{_name(disk, peer)} {level} SIZE {kib}\n"


def size_error_line(disk: str, level: int, text: str, peer: Features) -> str:
    """Why there is no estimate; to a peer that cannot read it, a size of −1."""
    if not peer.has(QUOTED_ERROR):
        return size_line(disk, level, -1, peer)
    return f"{_name(disk, peer)} {level} ERROR {_quoted(_one_line(text))}\n"


def connect_line(streams: dict[str, int]) -> str:
    """The CONNECT line: each stream's name and handle, −1 for one that is not used."""
    return "CONNECT" + "".join(f" {name} {handle}" for name, handle in streams.items()) + "\n"


def _name(disk: str, peer: Features) -> str:
    return quote(disk) if peer.has(QUOTED_TEXT) else disk


def _quoted(text: str) -> str:
    word = quote(text)
    return word if word.startswith('"') else f'"{word}"'


def _one_line(text: str) -> str:
    return " ".join(text.split())
