"""How much of a volume is kept free, so that it can describe itself when it is full.

A guess from what there is to be written, never more than a small share of the volume: one that is too small for its
description is filled with dumps, and the next volume tells of it.
"""

from __future__ import annotations

import os

from core.devices.contract import BLOCK
from core.holding.header import HEADER_SIZE
from core.model.site import Site
from core.model.units import sanitise

SHARE = 32
"""At most one part in so many of a volume."""
_LEAST = HEADER_SIZE  # a README of some dumps, the tapelist, the archive's own blocks
_PACKED = 4  # a journal becomes a sixth or an eighth


class Reserve:
    """For the volume in the drive of one storage."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._most = self._indexes = 0
        self._last: tuple[str, str, str, int] | None = None

    def begin(self, size: int) -> None:
        """Another volume, with room for so many bytes."""
        self._most, self._indexes, self._last = size // SHARE, 0, None

    def dump(self, host: str, disk: str, datestamp: str, level: int) -> None:
        """The next dump comes on it."""
        self._indexes += self._index()
        self._last = (host, disk, datestamp, level)

    def size(self, datestamp: str) -> int:
        """Bytes to keep free, in whole blocks; 0 when the volume is too small to keep enough."""
        try:
            journal = (self._site.runs_dir / datestamp / "journal.jsonl").stat().st_size
        except OSError:
            return 0  # a taper that is driven by hand: there is nothing to tell
        wanted = _LEAST + HEADER_SIZE + journal // _PACKED + self._indexes + self._index()
        wanted = -(-wanted // BLOCK) * BLOCK
        return wanted if wanted <= self._most else 0

    def _index(self) -> int:
        """Bytes of the index of the dump that came last."""
        if self._last is None:
            return 0
        host, disk, datestamp, level = self._last
        stem = f"{datestamp}_{level}"
        try:
            with os.scandir(self._site.index_dir / sanitise(host) / sanitise(disk)) as entries:
                return sum(entry.stat().st_size for entry in entries if entry.name.startswith((f"{stem}.", f"{stem}-")))
        except OSError:
            return 0
