"""The values that a list is made of: columns that know their width, entries with a key."""

from __future__ import annotations

from dataclasses import dataclass

from tui.look import Span


@dataclass(frozen=True, slots=True)
class Column:
    """``width`` in cells; 0 takes what is left, by ``share``.  The highest ``drop`` goes first when there is no room."""

    title: str
    width: int = 0
    right: bool = False
    drop: int = 0
    share: int = 1
    least: int = 10


@dataclass(frozen=True, slots=True)
class Entry:
    """``key`` names it for the cursor; a cell is text and its colour."""

    key: str
    cells: tuple[Span, ...]
