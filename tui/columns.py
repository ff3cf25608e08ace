"""The values that a list is made of: columns that know their width, entries with a key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tui.look import Span


@dataclass(frozen=True, slots=True)
class Column:
    """``width`` in cells; 0 takes what is left, by ``share``.  The highest ``drop`` goes first when there is no room.

    ``name``: the cells are ``HOST:DISK``; one that is too long keeps its host and its end, which tell it from others.
    """

    title: str
    width: int = 0
    right: bool = False
    drop: int = 0
    share: int = 1
    least: int = 10
    name: bool = False


Cells = tuple[Span, ...]


class Entry:
    """``key`` names it for the cursor; a cell is text and its colour.

    Cells may come as a function: a list of hundreds of disks makes only those that are seen, four times a second.
    """

    __slots__ = ("_cells", "_make", "key")

    def __init__(self, key: str, cells: Cells | Callable[[], Cells]) -> None:
        self.key = key
        self._cells: Cells | None = None if callable(cells) else cells
        self._make: Callable[[], Cells] | None = cells if callable(cells) else None

    @property
    def cells(self) -> Cells:
        """Made once."""
        if self._cells is None:
            self._cells = self._make() if self._make is not None else ()
            self._make = None
        return self._cells

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and self.key == other.key and self.cells == other.cells

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Entry({self.key!r}, {self.cells!r})"
