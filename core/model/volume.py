"""A line of the tapelist, and which volumes retention still needs.

The tapelist is Amanda 3.5.1's text file (newest write first); `format_tapelist` and `parse_tapelist` are its codec.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume as the tapelist knows it.  ``datestamp`` ``"0"``: labelled, never used.  ``blocksize`` KiB."""

    label: str
    datestamp: str = "0"
    reuse: bool = True
    barcode: str = ""
    meta: str = ""
    blocksize: int = 32
    pool: str = ""
    storage: str = ""
    config: str = ""
    comment: str = ""
