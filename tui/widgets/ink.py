"""Colours by their use, for widgets that draw their own lines: spans of (text, colour name) become a strip.

The names are those of `themes.palette`, with ``title``, ``key``, ``cursor`` and ``found`` of our own.  ``console.tcss``
gives each its colours, once for all widgets: they are component classes of the application, since Textual works out those of
a widget anew whenever anything is styled.  Foreign text has been cleaned before; nothing here reads markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from tui.clean import clean
from tui.look import Look, Span

NAMES = ("muted", "focus", "good", "attention", "bad", "title", "key", "cursor", "rule", "found")
_END = 6
"""Cells of the end of a name; with less it tells nothing, and the name is cut like any text."""

CLASSES = {f"ink--{name}" for name in NAMES}
"""Component classes of the application whose widgets draw with these."""


class Inks:
    """The styles of one widget, looked up once per theme."""

    def __init__(self, widget: Widget, look: Look | None = None) -> None:
        self._widget, self._look = widget, look or Look()
        self._styles: dict[str, Style] = {}

    def clear(self) -> None:
        """Forget all: the theme changed."""
        self._styles.clear()

    def style(self, name: str) -> Style:
        """The style of a colour name on this widget; two names joined by ``+``: the second over the first."""
        found = self._styles.get(name)
        if found is None:
            found = self._widget.rich_style
            for part in name.split("+"):
                if part:
                    found = found + self._widget.app.get_component_styles(f"ink--{part}").partial_rich_style
            self._styles[name] = found
        return found

    def strip(self, spans: Sequence[Span], width: int, over: str = "") -> Strip:
        """One line of exactly ``width`` cells; ``over`` is laid over each colour; what is cut is marked."""
        segments: list[Segment] = []
        used = 0
        suffix = f"+{over}" if over else ""
        for told, name in spans:
            text = self._look.cut(told)
            size = len(text) if text.isascii() else cell_len(text)
            if used + size > width:
                text, size = cut(text, width - used, self._look.dots), width - used
            if text:
                segments.append(Segment(text, self.style(name + suffix)))
            used += size
            if used >= width:
                break
        if used < width:
            segments.append(Segment(" " * (width - used), self.style(over)))
        return Strip(segments, width)


def heading(text: str, width: int, look: Look) -> Content:
    """A pane's title that fits on its border; foreign text in it is harmless."""
    shown = look.cut(clean(text))
    return Content(shown if cells(shown) <= width - 6 else cut(shown, max(1, width - 6), look.dots))


def cells(text: str) -> int:
    """How many cells a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, width: int, dots: str = "…", *, right: bool = False) -> str:
    """``text`` in exactly ``width`` cells: padded, or cut with ``dots`` at its end; ``right``: at the right edge."""
    size = cells(text)
    if size > width:
        if width <= 1:
            return set_cell_size(text, width)
        return set_cell_size(text, width - 1).rstrip("\n") + dots
    return " " * (width - size) + text if right else text + " " * (width - size)


def cut_name(text: str, width: int, dots: str = "…") -> str:
    """``HOST:DISK`` in exactly ``width`` cells: what does not fit goes from the beginning of the disk's path.

    Disks of one host mostly lie below one long path, and differ at its end.
    """
    if cells(text) <= width:
        return cut(text, width)
    host = text[:text.find(":") + 1]
    room = width - cells(host) - 1
    if room < max(_END, width // 3):
        return cut(text, width, dots)
    end = text[-room:]
    while cells(end) > room:
        end = end[1:]
    return cut(host + dots + end, width)
