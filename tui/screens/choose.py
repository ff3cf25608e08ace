"""Several ways to do something: a letter chooses, an argument is asked for, and what destroys is asked about next.

Nothing is chosen when it opens; esc leaves it.
"""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.clean import clean
from tui.deeds import Deed, Fork
from tui.look import Look
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.widgets.ink import heading
from tui.widgets.lines import Lines


class ChooseScreen(ModalScreen[Deed | str | None]):
    """Ends with the chosen deed, a text that says why it cannot be, or None."""

    BINDINGS = [Binding("escape", "leave", show=False), Binding("enter", "enter", show=False),
                Binding("up,k", "move(-1)", show=False), Binding("down,j", "move(1)", show=False),
                Binding("ctrl+q", "app.quit", show=False)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    AUTO_FOCUS = ""

    def __init__(self, fork: Fork, look: Look) -> None:
        super().__init__()
        self._fork, self._look, self._at = fork, look, -1

    def compose(self) -> ComposeResult:
        """Text, choices, argument."""
        with Container(classes="dialog", id="dialog"):
            yield Lines(id="text", grows=True, look=self._look)
            yield Lines(id="choices", grows=True, look=self._look)
            yield Input(id="argument", select_on_focus=False)
            yield Lines(id="next", grows=True, look=self._look)

    def on_mount(self) -> None:
        """Fill it; what was told before is read, and would lie upon it."""
        self.app.clear_notifications()
        self.set_class(self._look.ascii, "-plain")
        self.query_one(Input).cursor_blink = False
        self.call_after_refresh(self.fill)

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self.fill)

    def fill(self) -> None:
        """The text and the choices."""
        if not self.is_mounted:
            return
        box = self.query_one("#dialog")
        width = box.content_size.width or 60
        box.border_title = heading(self._fork.title, box.outer_size.width, self._look)
        self.query_one("#text", Lines).put(
            [((self._look.cut(piece), ""),) for piece in wrapped(self._fork.text, width, width)])
        self.query_one("#choices", Lines).put(self._choices(width))
        asked = self.query_one(Input).has_class("-open")
        self.query_one("#next", Lines).put([
            ((f"{self._fork.options[self._at].argument}, then ", "muted"), ("enter", "key"), ("   esc back", "muted"))
            if asked else (("esc", "key"), (" leaves it", "muted"))])

    def _choices(self, width: int) -> list[Row]:
        rows: list[Row] = []
        longest = max(len(option.name) for option in self._fork.options)
        for n, option in enumerate(self._fork.options):
            here = n == self._at
            room = max(8, width - longest - 6)
            for m, piece in enumerate(wrapped(clean(option.effect), room, room)):
                head = f"{'>' if here else ' '} {option.letter}  " if m == 0 else " " * 5
                name = option.name if m == 0 else ""
                rows.append(((head, "key"), (name.ljust(longest + 2), "bad" if option.destructive else "title"),
                             (self._look.cut(piece), "title" if here else "")))
        return rows

    def on_key(self, event: events.Key) -> None:
        """A letter chooses."""
        if self.query_one(Input).has_focus or event.character is None:
            return
        letters = [option.letter for option in self._fork.options]
        if event.character in letters:
            event.stop()
            self._at = letters.index(event.character)
            self.action_enter()

    def action_move(self, by: int) -> None:
        """Another choice."""
        count = len(self._fork.options)
        self._at = (self._at + by) % count if self._at >= 0 else (0 if by > 0 else count - 1)
        self.fill()

    def action_enter(self) -> None:
        """Take the choice that is marked, if there is one."""
        if self._at < 0:
            return
        option = self._fork.options[self._at]
        if not option.argument:
            self.dismiss(option.deed(""))
            return
        entry = self.query_one(Input)
        entry.placeholder = option.argument
        entry.value = ""
        entry.add_class("-open")
        entry.focus()
        self.fill()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.dismiss(self._fork.options[self._at].deed(event.value.strip()))

    def action_leave(self) -> None:
        """Back a step, or leave it."""
        entry = self.query_one(Input)
        if entry.has_class("-open"):
            entry.remove_class("-open")
            self.set_focus(None)
            self.fill()
        else:
            self.dismiss(None)
