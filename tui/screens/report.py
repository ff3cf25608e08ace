"""A run's report as text, to scroll through."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.screen import ModalScreen

from tui.clean import clean
from tui.format import day_of
from tui.look import Look
from tui.widgets.ink import heading
from tui.widgets.lines import Lines


class ReportScreen(ModalScreen[None]):
    """Reads only."""

    BINDINGS = [Binding("escape,q,v,enter", "dismiss", show=False), Binding("ctrl+q", "app.quit", show=False),
                Binding("down,j", "scroll(1)", show=False), Binding("up,k", "scroll(-1)", show=False),
                Binding("pagedown,space,ctrl+f", "scroll(15)", show=False), Binding("pageup,ctrl+b", "scroll(-15)", show=False),
                Binding("home,g", "scroll(-100000)", show=False), Binding("end,G", "scroll(100000)", show=False)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]

    def __init__(self, stamp: str, text: str, look: Look) -> None:
        super().__init__()
        self._stamp, self._text, self._look = stamp, text, look

    def compose(self) -> ComposeResult:
        """One box with a scrolling page."""
        with Container(classes="dialog page report printed", id="dialog"), VerticalScroll():
            yield Lines(id="text", grows=True, look=self._look)

    def on_mount(self) -> None:
        """Fill it."""
        self.set_class(self._look.ascii, "-plain")
        box = self.query_one("#dialog")
        box.border_title = heading(f"Report of {day_of(self._stamp)}   esc closes", self.app.size.width, self._look)
        lines = self._text.splitlines() or ["it has no report"]
        self.query_one("#text", Lines).put([((self._look.cut(clean(line)), ""),) for line in lines])

    def action_scroll(self, by: int) -> None:
        """Up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
