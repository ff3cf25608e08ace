"""How a state is shown: one glyph, one word, one colour, with an ASCII glyph for terminals that have no more.

Every glyph and bar of the console comes from here; no other file has one.  Colours are named by their use
(`themes.palette`): ``""`` is the ordinary text colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.events.view import DiskState

Span = tuple[str, str]
"""Text and the name of its colour."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Glyph, ASCII glyph, colour."""

    glyph: str
    ascii: str
    colour: str


BUSY = Mark("▶", ">", "")
WAITS = Mark("◷", "w", "muted")
WANTS = Mark("!", "!", "attention")
GOOD = Mark("✔", "+", "good")
ODD = Mark("~", "~", "attention")
BAD = Mark("✖", "x", "bad")
NOT = Mark("-", "-", "muted")
IDLE = Mark("·", ".", "muted")

DISK: dict[DiskState, Mark] = {
    DiskState.ESTIMATING: WAITS, DiskState.PLANNED: WAITS, DiskState.RETRY: Mark("◷", "w", "attention"),
    DiskState.HELD: NOT, DiskState.DUMPING: BUSY, DiskState.STALLED: WANTS, DiskState.DUMPED: Mark("·", ".", "good"),
    DiskState.WRITING: BUSY, DiskState.DONE: GOOD, DiskState.STRANGE: ODD, DiskState.FAILED: BAD,
    DiskState.SKIPPED: NOT,
}

LEGEND: tuple[tuple[Mark, str], ...] = (
    (BUSY, "dumping or writing"), (WAITS, "waits for its turn, or to be tried again"),
    (WANTS, "wants an operator: NO-ROOM, a volume"), (GOOD, "done"),
    (ODD, "strange or partial: read it"), (BAD, "failed or missing"), (NOT, "skipped or held"), (IDLE, "idle, or dumped"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """Unicode or ASCII; ``letters``: lines and blocks can be drawn, but no glyph of a state, as on a Linux console."""

    ascii: bool = False
    letters: bool = False

    def glyph(self, mark: Mark) -> str:
        """The glyph of a mark on this terminal."""
        return mark.ascii if self.ascii or self.letters else mark.glyph

    def bar(self, part: float, width: int) -> str:
        """``part`` of 1 as a bar of ``width`` cells; never full before it is."""
        filled = max(0, min(width, int(part * width)))
        full, empty = ("#", ".") if self.ascii else ("█", "░")
        return full * filled + empty * (width - filled)

    def spark(self, values: Sequence[int], width: int) -> str:
        """The last ``width`` values as a line of heights; the highest is the largest of them, 0 is a blank."""
        last = list(values)[-width:] if width > 0 else []
        steps, most = (".:-=+*#" if self.ascii or self.letters else "▁▂▃▄▅▆▇█"), max(last, default=0)
        return "".join(" " if v <= 0 else steps[min(len(steps) - 1, int(len(steps) * v / (most + 1)))] for v in last)

    def cut(self, text: str) -> str:
        """``text`` for this terminal: without anything but ASCII where it has no more."""
        if not (self.ascii or self.letters) or text.isascii():
            return text
        text = text.translate(_PLAIN)
        return text if self.letters and not self.ascii else text.encode("ascii", "backslashreplace").decode("ascii")

    @property
    def dots(self) -> str:
        """What stands where a text was cut."""
        return ">" if self.ascii or self.letters else "…"


_PLAIN = {ord(k): v for k, v in {"…": ">", "–": "-", "—": "-", "·": ".", "→": ">", "×": "x", "─": "-"}.items()}
