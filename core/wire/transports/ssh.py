"""The transport ``ssh``: ssh starts amandad on the client, and both talk through it.

Promises that ssh never asks anybody anything and that each way it can fail becomes one clear PeerError.  It uses the
ssh of the system with the operator's own configuration and known_hosts.
"""

from __future__ import annotations

import re
import shlex

from core.errors import PeerError
from core.model.disk import Host
from core.wire.transports.child import Child
from core.wire.words import clean

REMOTE = ("taperoom-clientd", "-auth=ssh")
"""What runs on the client when the host names no amandad."""
_SSH = (
    "ssh", "-x", "-T", "-o", "BatchMode=yes", "-o", "PreferredAuthentications=publickey",
    "-o", "ServerAliveInterval=60", "-o", "ServerAliveCountMax=5",
)
_WORDS = 60
"""So many of the last words of what ssh said are told."""

# What ssh says, which code that is, our words for it, and whether it may be well later.  The first match counts.
_FAULTS: tuple[tuple[re.Pattern[str], str, str, bool], ...] = (
    (re.compile(r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|No \S+ host key is known"),
     "CLT010", "the host key of {name} is not the one that is known for it", False),
    (re.compile(r"Could not resolve hostname"), "CLT008", "the name {address} is not known", False),
    (re.compile(r"Connection refused"), "CLT009", "{address} refused the connection", True),
    (re.compile(r"No route to host|[Tt]imed out|Network is unreachable|Connection reset|Connection closed by|"
                r"kex_exchange_identification"),
     "CLT009", "{address} cannot be reached", True),
    (re.compile(r"Permission denied|Too many authentication failures"), "CLT011", "{address} does not let us in", False),
    (re.compile(r"command not found|No such file or directory|: not found|Permission denied \(exec"),
     "CLT012", "there is no amandad on {name}", False),
)


class SshLink:
    """A running ssh."""

    def __init__(self, host: Host) -> None:
        """Start it.  PeerError CLT007 when there is no ssh on this machine."""
        self._child = Child(command(host, amandad(host)))
        self.reader = self._child.reader
        self.writer = self._child.writer

    def lost(self, host: Host) -> PeerError:
        """Why the connection ended: ssh's stderr tells."""
        status, text = self._child.ended()
        return explain(host, status, text)

    def close(self) -> None:
        """End ssh; amandad sees the end of its input."""
        self._child.close()


def amandad(host: Host) -> str:
    """What the shell of the host's user has to read for the client that is installed there."""
    remote = host.amandad or REMOTE
    return shlex.join(remote if len(remote) > 1 else (*remote, "-auth=ssh"))


def command(host: Host, remote: str) -> tuple[str, ...]:
    """The ssh command that has the shell of the host's user read ``remote``."""
    options: list[str] = []
    for word in host.ssh_options:  # "ProxyJump=gate" is one of ssh_config's; other words are ssh's own
        setting = "=" in word and not word.startswith("-") and options[-1:] != ["-o"]
        options += ["-o", word] if setting else [word]
    if host.port is not None:
        options += ["-p", str(host.port)]
    if host.ssh_key:
        options += ["-i", host.ssh_key]
    if host.user:
        options += ["-l", host.user]
    options += ["-o", f"ConnectTimeout={max(1, int(host.connect_timeout))}"]
    return (*_SSH, *options, "--", host.address or host.name, remote)


def explain(host: Host, status: int | None, text: str) -> PeerError:
    """The PeerError for ssh's exit ``status`` and what it said on stderr."""
    words = text.split()
    said = clean(" ".join(["…"] * (len(words) > _WORDS) + words[-_WORDS:]))
    detail = f": {said}" if said else ""
    for pattern, code, sentence, try_later in _FAULTS:
        if pattern.search(text) and (status == 255 or code == "CLT012"):
            sentence = sentence.format(name=host.name, address=host.address or host.name)
            return PeerError(code, sentence + detail, try_later=try_later)
    if status in (126, 127):
        return PeerError("CLT012", f"there is no amandad on {host.name}{detail}", try_later=False)
    return PeerError("CLT001", f"the connection to {host.name} ended{detail}")
