"""A volume as the tapelist knows it, and the tapelist's text.

The text is Amanda 3.5.1's (server-src/tapefile.c writes and parses it): one line a volume, newest write first.
`parse_tapelist` and `format_tapelist` are its codec, `with_volume` keeps its order.  What a volume holds, where it
stands and whether retention still needs it is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

NEVER = "0"
"""The datestamp of a volume that was labelled but never written."""


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume as the tapelist knows it.  ``datestamp`` ``"0"``: labelled, never used.  ``blocksize`` KiB."""

    label: str
    datestamp: str = NEVER
    reuse: bool = True
    barcode: str = ""
    meta: str = ""
    blocksize: int = 32
    pool: str = ""
    storage: str = ""
    config: str = ""
    comment: str = ""

    @property
    def used(self) -> bool:
        """Whether a run has written on it."""
        return self.datestamp != NEVER


_LINE = re.compile(r"(\d{1,14}) +(\S+) +(reuse|no-reuse)((?: +[A-Z]+:[^\s#]*)*) *(?:#(.*))?")
_FIELDS = {"BARCODE": "barcode", "META": "meta", "BLOCKSIZE": "blocksize", "POOL": "pool", "STORAGE": "storage",
           "CONFIG": "config"}


def parse_tapelist(text: str) -> tuple[Volume, ...]:
    """The volumes of a tapelist, in its order; blank lines are passed over.  ValueError names the line of a fault."""
    return tuple(_parse_line(line, number) for number, line in enumerate(text.split("\n"), 1) if line.strip())


def _parse_line(line: str, number: int) -> Volume:
    found = _LINE.fullmatch(line.rstrip("\r "))
    if found is None or len(found[1]) not in (1, 8, 14) or (len(found[1]) == 1 and found[1] != NEVER):
        raise ValueError(f"line {number}: {line[:80]!r} is not '<datestamp> <label> reuse|no-reuse [KEY:value …]'")
    fields: dict[str, str] = {}
    for word in found[4].split():
        key, _, value = word.partition(":")
        if key not in _FIELDS or _FIELDS[key] in fields:
            raise ValueError(f"line {number}: {word[:60]!r} is unknown or comes twice")
        fields[_FIELDS[key]] = value
    blocksize = fields.pop("blocksize", "32")
    if re.fullmatch(r"[0-9]{1,7}", blocksize) is None:
        raise ValueError(f"line {number}: BLOCKSIZE:{blocksize[:20]} is no number of KiB")
    return Volume(found[2], found[1], found[3] == "reuse", blocksize=int(blocksize),
                  comment=(found[5] or "").strip(), **fields)


def format_tapelist(volumes: Iterable[Volume]) -> str:
    """The text of a tapelist, newest write first.  ValueError when a word of a volume holds a blank or is missing."""
    ordered = sorted(volumes, key=lambda volume: volume.datestamp, reverse=True)  # stable: equal stamps keep their order
    return "".join(_format_line(volume) + "\n" for volume in ordered)


def _format_line(volume: Volume) -> str:
    words = [volume.datestamp, volume.label, "reuse" if volume.reuse else "no-reuse"]
    for key, value in (
        ("BARCODE", volume.barcode), ("META", volume.meta), ("BLOCKSIZE", str(volume.blocksize or "")),
        ("POOL", volume.pool), ("STORAGE", volume.storage), ("CONFIG", volume.config),
    ):
        if value:
            words.append(f"{key}:{value}")
    for word in words:
        if re.fullmatch(r"[^\s#]+", word) is None:
            raise ValueError(f"{word!r} cannot be a word of the tapelist")
    if "\n" in volume.comment:
        raise ValueError("a comment of the tapelist has one line")
    return " ".join(words) + (f" #{volume.comment}" if volume.comment else "")


def find_volume(volumes: Iterable[Volume], label: str, pool: str) -> Volume | None:
    """The entry of that label: the one of ``pool``, else one without a pool; other pools may use the same label."""
    same = [volume for volume in volumes if volume.label == label]
    return next((v for v in same if v.pool == pool), next((v for v in same if not v.pool), None))


def with_volume(volumes: Iterable[Volume], volume: Volume) -> tuple[Volume, ...]:
    """The list with ``volume`` written last: its old entry (same label and pool, or no pool) goes."""
    rest = (v for v in volumes if v.label != volume.label or v.pool not in ("", volume.pool))
    return tuple(sorted((volume, *rest), key=lambda v: v.datestamp, reverse=True))


def without_volume(volumes: Iterable[Volume], label: str, pool: str) -> tuple[Volume, ...]:
    """The list without the entry of that label and pool."""
    gone = find_volume(volumes := tuple(volumes), label, pool)
    return tuple(volume for volume in volumes if volume is not gone)
