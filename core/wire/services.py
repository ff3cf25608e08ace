"""Bodies of requests and replies, as the server builds and reads them (Amanda 3.5.1: planner.c, dumper.c, amcheck.c).

Promises Amanda's exact text, fitted to what the peer announced, and readers that give values or ProtocolError for any
text.  A request is ``SERVICE name``, a line of OPTIONS and one ``<dle>`` a disk.  `core.wire.requests` reads requests
on the client.  It does not know how a body travels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.errors import ProtocolError
from core.model.disk import Disk
from core.wire.dle_xml import sendbackup_dle, sendsize_dle
from core.wire.features import (
    LEGACY,
    OPTIONS_CONFIG,
    OPTIONS_FEATURES,
    OPTIONS_HOSTNAME,
    OPTIONS_MAXDUMPS,
    OPTIONS_TIMESTAMP,
    Features,
)
from core.wire.mesg import Retry, parse_retry
from core.wire.words import clean, first_word, unquote

_SIZE = re.compile(r"(-?\d{1,18})")
_CONNECT = re.compile(r"CONNECT((?: [A-Z]+ -?\d{1,9}){1,8})")


@dataclass(frozen=True, slots=True)
class Estimates:
    """What a sendsize reply says.

    ``sizes``: disk and level to KiB; −1 says nothing about that level, −2 withdraws it.  ``errors`` and ``warnings``:
    disk to its texts.  ``host_errors``: what concerns the whole client.
    """

    sizes: dict[tuple[str, int], int] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    warnings: dict[str, list[str]] = field(default_factory=dict)
    host_errors: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BackupReply:
    """What a sendbackup reply says: handles by stream name (DATA, MESG, …), or why there are none."""

    streams: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    retry: Retry | None = None


def noop_request(features: Features) -> str:
    """Ask for the client's features."""
    return f"SERVICE noop\nOPTIONS features={features.text};\n"


def restore_request(features: Features, config: str) -> str:
    """Ask for the service that puts files back; all else goes over its streams (`core.wire.restoring`)."""
    return f"SERVICE restore\nOPTIONS features={features.text};config={config};\n"


def sendbackup_request(
    disk: Disk, level: int, features: Features, peer: Features, config: str, timestamp: str
) -> str:
    """Ask for a dump of ``disk`` at ``level``; ``features`` are the server's, ``timestamp`` is the run's."""
    options = _options(disk, features, peer, config, timestamp)
    return f"SERVICE sendbackup\n{options}{sendbackup_dle(disk, level, peer)}"


def sendsize_request(
    asks: Sequence[tuple[Disk, Sequence[int]]], features: Features, peer: Features, config: str, timestamp: str
) -> str:
    """Ask for the sizes of disks of one host, each at some levels.  ValueError without disks."""
    if not asks:
        raise ValueError("a sendsize request without disks")
    options = _options(asks[0][0], features, peer, config, timestamp)
    return f"SERVICE sendsize\n{options}" + "".join(sendsize_dle(disk, tuple(levels), peer) for disk, levels in asks)


def selfcheck_request(disks: Iterable[Disk], features: Features, peer: Features, config: str) -> str:
    """Ask whether disks of one host can be dumped.  ValueError without disks."""
    of_host = list(disks)
    if not of_host:
        raise ValueError("a selfcheck request without disks")
    options = _options(of_host[0], features, peer, config, "")
    return f"SERVICE selfcheck\n{options}" + "".join(sendsize_dle(disk, (), peer) for disk in of_host)


def _options(disk: Disk, features: Features, peer: Features, config: str, timestamp: str) -> str:
    # A client refuses a whole request for one key that it does not know, so each key needs its bit.
    pairs = [
        (OPTIONS_FEATURES, "features", features.text), (OPTIONS_MAXDUMPS, "maxdumps", str(disk.host.maxdumps)),
        (OPTIONS_HOSTNAME, "hostname", disk.host.name), (OPTIONS_CONFIG, "config", config),
        (OPTIONS_TIMESTAMP, "timestamp", timestamp),
    ]
    said = "".join(f"{key}={value};" for bit, key, value in pairs if value and peer.has(bit))
    return f"OPTIONS {said}\n"


def parse_features(reply: str) -> Features:
    """The client's features in a reply; `LEGACY` when it names none.  ProtocolError when they are garbage."""
    for line in reply.split("\n"):
        if line.startswith("OPTIONS "):
            for pair in line.removeprefix("OPTIONS ").split(";"):
                key, _, value = pair.partition("=")
                if key == "features":
                    return Features.parse(value)
    return LEGACY


def parse_errors(reply: str) -> list[str]:
    """The texts of a reply's ``ERROR`` lines, brackets taken off."""
    return [_text(line.removeprefix("ERROR")) for line in reply.split("\n") if re.match(r"ERROR\b", line)]


def parse_backup(reply: str) -> BackupReply:
    """Read a sendbackup reply; streams with handle −1 are left out.  ProtocolError when it says nothing at all."""
    streams: dict[str, int] = {}
    retry = None
    for line in reply.split("\n"):
        if found := _CONNECT.fullmatch(line.rstrip()):
            words = found[1].split()
            pairs = zip(words[::2], words[1::2], strict=True)
            streams = {name: int(handle) for name, handle in pairs if int(handle) > 0}
        elif line.startswith("RETRY"):
            retry = parse_retry(line.removeprefix("RETRY"))
    errors = parse_errors(reply)
    if not errors and retry is None and not {"DATA", "MESG"} <= streams.keys():
        raise ProtocolError(f"a reply without streams: {clean(reply, 120)!r}")
    if len(set(streams.values())) != len(streams):
        raise ProtocolError("two streams with one handle")
    return BackupReply({} if errors or retry else streams, errors, retry)


def parse_sendsize(reply: str) -> Estimates:
    """Read a sendsize reply, whole or partial.  ProtocolError for a line that none of Amanda's clients says."""
    found = Estimates()
    for line in reply.split("\n"):
        if not line or line.startswith("OPTIONS "):
            continue
        if line.startswith("ERROR"):
            found.host_errors.append(_text(line.removeprefix("ERROR")))
            continue
        disk, rest = first_word(line)
        level, _, rest = rest.partition(" ")
        kind, _, said = rest.partition(" ")
        if not disk or not level.isdecimal() or not level.isascii() or len(level) > 3:
            raise ProtocolError(f"estimate {clean(line, 120)!r} cannot be read")
        match kind:
            case "SIZE" if size := _SIZE.fullmatch(said.strip()):
                found.sizes[disk, int(level)] = max(-2, int(size[1]))
            case "ERROR":
                found.errors.setdefault(disk, []).append(_text(unquote(said)))
            case "WARNING":
                found.warnings.setdefault(disk, []).append(_text(unquote(said)))
            case _:
                raise ProtocolError(f"estimate {clean(line, 120)!r} cannot be read")
    return found


def parse_selfcheck(reply: str) -> list[tuple[bool, str]]:
    """What the client checked: whether it is well, and the text; what cannot be read is not well."""
    found: list[tuple[bool, str]] = []
    for line in reply.split("\n"):
        if not line or line.startswith("OPTIONS "):
            continue
        if line.startswith("OK"):
            found.append((True, clean(line.removeprefix("OK"))))
        elif line.startswith("ERROR"):
            found.append((False, _text(line.removeprefix("ERROR"))))
        else:
            found.append((False, clean(line)))
    return found


def _text(said: str) -> str:
    text = clean(said)
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text
