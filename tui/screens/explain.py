"""A dialog with the page of one code: what it means and what to do."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.screen import ModalScreen

from tui.look import Look
from tui.panes.messages import page
from tui.widgets.ink import heading
from tui.widgets.lines import Lines


class ExplainScreen(ModalScreen[None]):
    """Reads only; every usual key of leaving leaves."""

    BINDINGS = [Binding("escape,q,x,enter,space", "dismiss", show=False), Binding("ctrl+q", "app.quit", show=False),
                Binding("down,j", "scroll(1)", show=False), Binding("up,k", "scroll(-1)", show=False)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]

    def __init__(self, code: str, look: Look, text: str = "") -> None:
        super().__init__()
        self._code, self._look, self._text = code, look, text

    def compose(self) -> ComposeResult:
        """One box."""
        with Container(classes="dialog", id="dialog"), VerticalScroll(classes="pageful"):
            yield Lines(id="text", grows=True, look=self._look)

    def on_mount(self) -> None:
        """Fill it."""
        self.set_class(self._look.ascii, "-plain")
        self.call_after_refresh(self.fill)

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self.fill)

    def fill(self) -> None:
        """The page."""
        box = self.query_one("#dialog")
        width = box.content_size.width or 60
        box.border_title = heading("What this means", box.outer_size.width, self._look)
        rows = [tuple((self._look.cut(text), colour) for text, colour in row) for row in page(self._code, width, self._text)]
        self.query_one("#text", Lines).put([*rows, (), (("esc", "key"), (" closes", "muted"))])

    def action_scroll(self, by: int) -> None:
        """Up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
