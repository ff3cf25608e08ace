"""A few lines of coloured text: status row, attention, figures.  Repaints only what changed; takes no keyboard."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui.look import Look, Span
from tui.widgets.ink import Inks

Row = tuple[Span, ...]


class Lines(Widget):
    """Rows of spans, cut at the right edge.

    With ``grows`` its height follows its rows, and none means no room at all.
    """


    def __init__(self, *, id: str, classes: str = "", grows: bool = False, look: Look | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._inks, self._grows = Inks(self, look), grows
        self._rows: list[Row] = []
        if grows:
            self.display = False

    @property
    def rows(self) -> list[Row]:
        """What is shown, for tests."""
        return self._rows

    def put(self, rows: Sequence[Row]) -> None:
        """Show these rows from now on."""
        new = list(rows)
        old, self._rows = self._rows, new
        if self._grows and len(old) != len(new):
            self.display = bool(new)
            self.styles.height = len(new) + self.gutter.height
            self.refresh(layout=True)
            return
        for y in range(max(len(old), len(new))):
            if y >= len(old) or y >= len(new) or old[y] != new[y]:
                self.refresh(Region(0, y, self.size.width, 1))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Rows that are there."""
        return max(1, len(self._rows))

    def notify_style_update(self) -> None:
        """The theme changed."""
        super().notify_style_update()
        self._inks.clear()

    def render_line(self, y: int) -> Strip:
        """One row."""
        return self._inks.strip(self._rows[y] if y < len(self._rows) else (), self.size.width)
