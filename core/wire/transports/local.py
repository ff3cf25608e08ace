"""The transport ``local``: amandad as a child of ours on this machine, two pipes between us.

Promises nothing about who may do what: amandad runs as the user that we are.
"""

from __future__ import annotations

import os
import sys

from core.errors import PeerError
from core.model.disk import Host
from core.wire.transports.child import Child
from core.wire.words import clean

DEFAULT = (sys.executable, "-P", "-m", "clientd.amandad", "-auth=local")
"""What runs when the host names no amandad: our own."""


class LocalLink:
    """A running amandad."""

    def __init__(self, host: Host) -> None:
        """Start it.  PeerError CLT007 when it cannot be started."""
        self._child = Child(command(host), dict(os.environ))
        self.reader = self._child.reader
        self.writer = self._child.writer

    def lost(self, host: Host) -> PeerError:
        """Why amandad ended."""
        status, text = self._child.ended()
        said = clean(text.splitlines()[-1]) if text else "it did not say why"
        if status:
            how = f"exit status {status}" if status > 0 else f"killed by signal {-status}"
            return PeerError("CLT001", f"amandad of {host.name} ended ({how}): {said}")
        return PeerError("CLT001", f"amandad of {host.name} ended the connection: {said}")

    def close(self) -> None:
        """End amandad and what it started."""
        self._child.close()


def command(host: Host) -> tuple[str, ...]:
    """The command of the host's amandad; a program alone gets ``-auth=local``, as Amanda calls it."""
    if not host.amandad:
        return DEFAULT
    return host.amandad if len(host.amandad) > 1 else (*host.amandad, "-auth=local")
