"""A terminal's screen as two grids of cells: what Textual wants shown, and what the terminal has.  Pure.

`Cells.take` reads one of Textual's frames into the wanted grid; `Cells.diff` gives the bytes that bring the terminal there,
as few as it can, the cheapest rows first when only so many are allowed.  It is the second line of defence, too: no
control character and no OSC, DCS or hyperlink of a frame reaches the terminal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rich.cells import get_character_cell_size

BRIDGE = 6
"""Equal cells between two changed ones that are sent again rather than jumped over: a jump costs as much."""

_TOKEN = re.compile(
    r"\x1b\[(?P<row>\d+);(?P<column>\d+)H"
    r"|\x1b\[(?P<style>[\d;]*)m"
    r"|(?P<newline>\n)"
    r"|\x1b[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|(?P<text>[^\x1b\n]+)"
    r"|\x1b\[?[^A-Za-z]*[A-Za-z]?"
)
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), "\N{REPLACEMENT CHARACTER}")
_UNKNOWN = "\0"


def is_frame(data: str) -> bool:
    """Whether Textual's driver was given a frame, and not a mode switch or a title."""
    return _FRAME.match(data) is not None


_FRAME = re.compile(r"\x1b\[\d+;\d+H")


@dataclass(slots=True)
class _Row:
    """One row: a character and a style a cell; the second cell of a wide character is empty."""

    chars: list[str]
    styles: list[str]


def _part(chars: list[str], start: int, end: int) -> None:
    """Half a wide character that is written over leaves a blank."""
    if 0 < start < len(chars) and chars[start] == "":
        chars[start - 1] = " "
    if start < end < len(chars) and chars[end] == "":
        chars[end] = " "


def _blank(width: int, char: str) -> _Row:
    return _Row([char] * width, [""] * width)


class Cells:
    """The wanted screen, and the terminal's."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._want = [_blank(width, " ") for _ in range(height)]
        self._have = [_blank(width, _UNKNOWN) for _ in range(height)]
        self._dirty: set[int] = set()

    @property
    def dirty(self) -> bool:
        """Whether there may be something to send."""
        return bool(self._dirty)

    def forget(self) -> None:
        """The terminal's screen is not known any more: all is sent again."""
        self._have = [_blank(self.width, _UNKNOWN) for _ in range(self.height)]
        self._dirty = set(range(self.height))

    def drop(self) -> None:
        """Nothing is to be sent any more."""
        self._dirty.clear()

    def take(self, frame: str) -> None:
        """Read a frame into the wanted grid."""
        y = x = 0
        style = ""
        for found in _TOKEN.finditer(frame):
            match found.lastgroup:
                case "text":
                    x = self._write(y, x, found["text"], style)
                case "style":
                    style = "" if found["style"] in ("", "0") else found["style"]
                case "column":
                    y, x = int(found["row"]) - 1, int(found["column"]) - 1
                case "newline":
                    y, x = y + 1, 0
                case _:
                    pass  # an OSC, a DCS, a cursor report: not for the terminal

    def _write(self, y: int, x: int, text: str, style: str) -> int:
        if not text.isprintable():
            text = text.replace("\r", "").translate(_CONTROLS)
        if not 0 <= y < self.height:
            return x
        self._dirty.add(y)
        row = self._want[y]
        if text.isascii():
            fits = max(0, min(len(text), self.width - x))
            _part(row.chars, x, x + fits)
            row.chars[x:x + fits] = text[:fits]
            row.styles[x:x + fits] = [style] * fits
            return x + len(text)
        for char in text:
            size = get_character_cell_size(char)
            if size == 0:
                if 0 < x <= self.width:
                    row.chars[x - 1] += char
                continue
            if x + size > self.width:
                break
            _part(row.chars, x, x + size)
            row.chars[x], row.styles[x] = char, style
            if size == 2:
                row.chars[x + 1], row.styles[x + 1] = "", style
            x += size
        return x

    def diff(self, budget: int = 1 << 30) -> str:
        """What brings the terminal to the wanted screen; about ``budget`` characters, the rest stays for the next time."""
        changed = [(y, self._changes(y)) for y in sorted(self._dirty)]
        self._dirty.clear()
        rows = [(y, spans, sum(end - start + 12 for start, end in spans)) for y, spans in changed if spans]
        if sum(cost for _, _, cost in rows) > budget:
            rows.sort(key=lambda row: row[2])
        out: list[str] = []
        used, style = 0, ""
        for y, spans, cost in rows:
            if used and used + cost > budget:
                self._dirty.add(y)
                continue
            used += cost
            for start, end in spans:
                out.append(f"\x1b[{y + 1};{start + 1}H")
                style = self._emit(out, y, start, end, style)
        if style:
            out.append("\x1b[m")
        return "".join(out)

    def _emit(self, out: list[str], y: int, start: int, end: int, style: str) -> str:
        want, have = self._want[y], self._have[y]
        at = start
        while at < end:
            until = at + 1
            while until < end and want.styles[until] == want.styles[at]:
                until += 1
            if want.styles[at] != style:
                wanted = want.styles[at]
                out.append(f"\x1b[0;{wanted}m" if wanted and style else f"\x1b[{wanted}m")
                style = wanted
            out.append("".join(want.chars[at:until]))
            at = until
        have.chars[start:end] = want.chars[start:end]
        have.styles[start:end] = want.styles[start:end]
        return style

    def _changes(self, y: int) -> list[tuple[int, int]]:
        want, have = self._want[y], self._have[y]
        if want == have:
            return []
        differs = [w != h or s != t for w, h, s, t in zip(
            want.chars, have.chars, want.styles, have.styles, strict=True)]
        spans: list[tuple[int, int]] = []
        for x, changed in enumerate(differs):
            if not changed:
                continue
            start, end = x, x + 1
            while start and want.chars[start] == "":  # never begin in the middle of a wide character
                start -= 1
            while end < self.width and want.chars[end] == "":
                end += 1
            if spans and start - spans[-1][1] <= BRIDGE:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))
        return spans
