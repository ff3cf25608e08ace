"""``HOST:DISK[:PATH]`` as an operator writes it, told apart with the help of the disks that there are.

Pure.  A disk's name may hold blanks and colons, so the longest known disk that fits wins.  ``HOST:/home/ana`` names the
path ``/ana`` of the disk ``/home``, as long as no disk has that whole name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Spec:
    """A disk and a path below its top, without slashes at its ends; ``""`` is the whole disk."""

    host: str
    disk: str
    path: str = ""

    @property
    def title(self) -> str:
        """``HOST:DISK``."""
        return f"{self.host}:{self.disk}"


def parse_spec(text: str, known: Iterable[tuple[str, str]]) -> Spec:
    """What ``text`` names.  UsageError RST011 with the nearest names when it is no known disk, RST012 for a path that
    leaves its disk."""
    disks = list(known)
    for host, disk in sorted(disks, key=lambda key: len(key[0]) + len(key[1]), reverse=True):
        title = f"{host}:{disk}"
        if not text.startswith(title):
            continue
        rest = text[len(title):]
        # A disk called "/" ends with the slash that its paths begin with.
        if not rest or rest[0] in ":/" or title.endswith("/"):
            return Spec(host, disk, _path(rest.removeprefix(":"), text))
    raise UsageError("RST011", f"{text!r} names no disk that was ever dumped or is configured", _nearest(text, disks))


def _path(text: str, whole: str) -> str:
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in text:
        raise UsageError("RST012", f"{whole!r}: a path may not leave its disk", "name it from the disk's top, without ..")
    return "/".join(parts)


def _nearest(text: str, disks: list[tuple[str, str]]) -> str:
    titles = [f"{host}:{disk}" for host, disk in disks]
    if not titles:
        return "there is no disk yet: taperoom disk add"
    near = difflib.get_close_matches(text, titles, 3, 0.4)
    same_host = [title for title in titles if title.startswith(text.partition(":")[0] + ":")]
    chosen = near or same_host[:5] or titles[:5]
    return "write HOST:DISK or HOST:DISK:PATH; there are " + ", ".join(chosen)
