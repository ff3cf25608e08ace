"""Where files are restored to: a directory here, or ``HOST:DIR`` on a client."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import UsageError
from core.landing.item import Item, Landing
from core.landing.target import Target
from core.model.disk import Host
from core.model.site import Site


@dataclass(frozen=True, slots=True)
class Destination:
    """``path`` on ``host``, which is reached over ``auth``; None: on this machine."""

    path: Path
    host: Host | None = None
    auth: str = ""

    def __str__(self) -> str:
        return f"{self.host.name}:{self.path}" if self.host is not None else str(self.path)

    def landing(self, path: Path, items: Sequence[Item], identity: str) -> Landing:
        """What puts ``items`` into ``path``, which is this destination's or below it.  Nothing is done yet."""
        if self.host is None:
            return Target(path, items, identity)
        from core.restore.away import Away  # only here: it brings all that talks to clients

        return Away(self.host, self.auth, path, items, identity)


def parse_destination(site: Site, text: str) -> Destination:
    """What ``--to`` means: with a colon before any slash it is a directory of a client.

    UsageError RST030 when it is empty, RST033 when no client of that name is configured, or its directory is not named from
    the root.
    """
    if not text:
        raise UsageError("RST030", "--to names no directory", "name one; . is the one that you are in")
    name, colon, directory = text.partition(":")
    if not colon or "/" in name:
        return Destination(Path(text))
    here = f"write ./{text} for a directory of that name on this machine"
    disk = next((disk for disk in site.disks if disk.host.name == name), None)
    if disk is None:
        raise UsageError("RST033", f"--to {text}: no host {name!r} is configured, so nothing can be restored to it", here)
    if not directory.startswith("/"):
        raise UsageError("RST033", f"--to {text}: a directory of {name} is named from its root, such as {name}:/srv/back",
                         here)
    return Destination(Path(os.path.normpath(directory)), disk.host, disk.dumptype.auth)
