"""What `taperoom explain CODE` prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """One code: its severity (A act, D decide, E error, W warning, I information), meaning and remedy."""

    code: str
    severity: str
    title: str
    meaning: str
    action: str
