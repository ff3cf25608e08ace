"""Asks before something outside is changed: what, what is lost, and the command that does the same.

Cancel has the keyboard: enter leaves it.  What cannot be undone wants a word typed.
"""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.clean import clean
from tui.deeds import Deed
from tui.look import Look, Span
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.widgets.ink import heading
from tui.widgets.lines import Lines


class ConfirmScreen(ModalScreen[bool]):
    """``y`` does it; esc, and enter on Cancel, leave it.  A word that has to be typed stands in the way of both."""

    BINDINGS = [Binding("escape", "leave", show=False), Binding("enter", "enter", show=False),
                Binding("left,right,tab,shift+tab,h,l", "other", show=False), Binding("ctrl+q", "app.quit", show=False)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    AUTO_FOCUS = ""

    def __init__(self, deed: Deed, look: Look) -> None:
        super().__init__()
        self._deed, self._look = deed, look
        self._yes = False
        self._wrong = False

    def compose(self) -> ComposeResult:
        """One box."""
        with Container(classes="dialog", id="dialog"):
            yield Lines(id="text", grows=True, look=self._look)
            yield Input(id="argument", select_on_focus=False)
            yield Lines(id="next", grows=True, look=self._look)

    def on_mount(self) -> None:
        """Fill it; what was told before is read, and would lie upon it."""
        self.app.clear_notifications()
        self.set_class(self._look.ascii, "-plain")
        if self._deed.word:
            entry = self.query_one(Input)
            entry.cursor_blink = False
            entry.add_class("-open")
            entry.focus()
        self.call_after_refresh(self.fill)

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self.fill)

    def fill(self) -> None:
        """The text."""
        if not self.is_mounted:
            return
        box = self.query_one("#dialog")
        width = box.content_size.width or 60
        box.border_title = heading(self._deed.title, box.outer_size.width, self._look)
        rows: list[Row] = [((self._look.cut(piece), ""),) for piece in wrapped(self._deed.text, width, width)]
        if self._deed.command:
            rows += [(), *(((lead, "muted"), (self._look.cut(piece), "")) for lead, piece in zip(
                ["same as  "] + [" " * 9] * 9, wrapped(self._deed.command, width - 9, width - 9), strict=False))]
        rows.append(())
        word = clean(self._deed.word)
        if word:
            rows += self._asked(self._look.cut(word), width)
        self.query_one("#text", Lines).put(rows)
        self.query_one("#next", Lines).put(self._typed() if word else [self._buttons()])

    def _asked(self, word: str, width: int) -> list[Row]:
        """The word to type, whole: in rows of its own where it is long."""
        before, after = "This cannot be undone. To do it type  ", "  and enter:"
        if len(before + word + after) <= width:
            return [((before, "bad"), (word, "title"), (after, "bad"))]
        return [((before.rstrip(), "bad"),), *(((piece, "title"),) for piece in wrapped(word, width, width)),
                ((after.strip(), "bad"),)]

    def _typed(self) -> list[Row]:
        if self._wrong:
            return [(), (("That is not the word: nothing was done.  ", "attention"), ("esc", "key"), (" leaves it", ""))]
        return [(), (("esc", "key"), (" leaves it, as does enter without the word", "muted"))]

    def _buttons(self) -> Row:
        def button(text: str, here: bool) -> list[Span]:
            return [(f"[{'>' if here else ' '}{text} ]", "cursor" if here else ""), ("  ", "")]

        return (*button("Cancel", not self._yes), *button("Do it", self._yes), ("  ", ""), ("y", "key"), (" do it  ", "muted"),
                ("esc", "key"), (" leave it", "muted"))

    def on_key(self, event: events.Key) -> None:
        """``y`` and ``n``, where no word is typed."""
        if not self._deed.word and event.character in ("y", "n", "q"):
            event.stop()
            self.dismiss(event.character == "y")

    def action_other(self) -> None:
        """The other button."""
        self._yes = not self._yes
        self.fill()

    def action_enter(self) -> None:
        """The button with the keyboard."""
        self.dismiss(self._yes)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value:
            self.dismiss(False)
        elif event.value == clean(self._deed.word):
            self.dismiss(True)
        else:
            self._wrong = True
            event.input.value = ""
            self.fill()

    def action_leave(self) -> None:
        """No."""
        self.dismiss(False)
