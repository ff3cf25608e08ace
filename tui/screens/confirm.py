"""Asks once more before something outside is changed: what, what follows, and the command that does the same."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.screen import ModalScreen

from tui.look import Look
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.widgets.ink import heading
from tui.widgets.lines import Lines


class ConfirmScreen(ModalScreen[bool]):
    """``y`` does it, esc does not; enter does nothing, so that it cannot be done by habit."""

    BINDINGS = [Binding("escape,n,q", "leave", show=False), Binding("ctrl+q", "app.quit", show=False)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]

    def __init__(self, title: str, text: str, command: str, look: Look) -> None:
        super().__init__()
        self._title, self._text, self._command, self._look = title, text, command, look

    def compose(self) -> ComposeResult:
        """One box."""
        with Container(classes="dialog", id="dialog"):
            yield Lines(id="text", grows=True, look=self._look)

    def on_mount(self) -> None:
        """Fill it."""
        self.set_class(self._look.ascii, "-plain")
        self.call_after_refresh(self.fill)

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self.fill)

    def fill(self) -> None:
        """The text."""
        box = self.query_one("#dialog")
        width = box.content_size.width or 60
        box.border_title = heading(self._title, box.outer_size.width, self._look)
        rows: list[Row] = [((self._look.cut(piece), ""),) for piece in wrapped(self._text, width, width)]
        rows += [(), (("same as  ", "muted"), (self._command, "")), (),
                 (("y", "key"), (" do it   ", ""), ("esc", "key"), (" leave it", ""))]
        self.query_one("#text", Lines).put(rows)

    def on_key(self, event: events.Key) -> None:
        """Only ``y``."""
        if event.character == "y":
            event.stop()
            self.dismiss(True)

    def action_leave(self) -> None:
        """No."""
        self.dismiss(False)
