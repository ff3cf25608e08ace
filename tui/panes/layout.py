"""Rows of words that give way: what matters least is left out whole when there is no room; nothing is cut in half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tui.look import Span

Row = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Some spans that stay or go together; ``rank`` 0 never goes, the highest goes first."""

    rank: int
    spans: tuple[Span, ...]

    @property
    def width(self) -> int:
        """Cells."""
        return sum(cell_len(text) for text, _ in self.spans)


def part(rank: int, text: str, colour: str = "") -> Part:
    """A part of one span."""
    return Part(rank, ((text, colour),))


def fit(parts: Sequence[Part], width: int, gap: int = 2) -> list[Part]:
    """The parts that have room on ``width`` cells with ``gap`` blanks between them, in their order."""
    chosen = [p for p in parts if p.width]
    while chosen and sum(p.width for p in chosen) + gap * (len(chosen) - 1) > width:
        worst = max(range(len(chosen)), key=lambda n: (chosen[n].rank, n))
        if chosen[worst].rank == 0:
            break
        del chosen[worst]
    return chosen


def joined(parts: Sequence[Part], gap: int = 2) -> Row:
    """The spans of parts with blanks between them."""
    found: list[Span] = []
    for n, one in enumerate(parts):
        if n:
            found.append((" " * gap, ""))
        found += one.spans
    return tuple(found)


def spread(left: Sequence[Part], right: Sequence[Part], width: int, gap: int = 2) -> Row:
    """Parts at the left edge and parts at the right edge of one row, with a blank at each edge."""
    room = width - 2
    kept = fit([*left, *right], room, gap)
    lefts, rights = [p for p in left if p in kept], [p for p in right if p in kept]
    one, other = joined(lefts, gap), joined(rights, gap)
    used = sum(cell_len(t) for t, _ in (*one, *other))
    return ((" ", ""), *one, (" " * max(gap if lefts and rights else 0, room - used), ""), *other, (" ", ""))
