"""A text to scroll through, which may come a moment later: what a word said, the beginning of a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.screen import ModalScreen

from tui.look import Look
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.widgets.ink import heading
from tui.widgets.lines import Lines


class PageScreen(ModalScreen[None]):
    """Reads only; ``rows`` is asked again whenever something has come.  Rows of one span are wrapped."""

    BINDINGS = [Binding("escape,q,v,enter", "dismiss", show=False), Binding("ctrl+q", "app.quit", show=False),
                Binding("down,j", "scroll(1)", show=False), Binding("up,k", "scroll(-1)", show=False),
                Binding("pagedown,space,ctrl+f", "scroll(15)", show=False), Binding("pageup,ctrl+b", "scroll(-15)", show=False),
                Binding("home,g", "scroll(-100000)", show=False), Binding("end,G", "scroll(100000)", show=False)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]

    def __init__(self, title: str, rows: Callable[[], Sequence[Row]], look: Look) -> None:
        super().__init__()
        self._title, self._rows, self._look = title, rows, look

    def compose(self) -> ComposeResult:
        """One box with a scrolling page."""
        with Container(classes="dialog page report", id="dialog"), VerticalScroll():
            yield Lines(id="text", grows=True, look=self._look)

    def on_mount(self) -> None:
        """Fill it."""
        self.set_class(self._look.ascii, "-plain")
        self.call_after_refresh(self.again)

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self.again)

    def again(self) -> None:
        """What there is now."""
        if not self.is_mounted:
            return
        box = self.query_one("#dialog")
        box.border_title = heading(f"{self._title}   esc closes", box.outer_size.width or self.app.size.width, self._look)
        width = self.query_one(VerticalScroll).size.width or 70
        rows: list[Row] = []
        for row in self._rows():
            if len(row) == 1:
                rows += [((piece, row[0][1]),) for piece in wrapped(self._look.cut(row[0][0]), width, width)]
            else:
                rows.append(row)
        self.query_one("#text", Lines).put(rows)

    def action_scroll(self, by: int) -> None:
        """Up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
