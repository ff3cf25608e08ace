"""The one line that ``/`` and ``:`` type into; it takes no room while it is closed."""

from __future__ import annotations

from textual.binding import Binding
from textual.events import Key
from textual.message import Message
from textual.suggester import Suggester, SuggestFromList
from textual.widgets import Input


class Prompt(Input):
    """Opened for a ``purpose`` (``filter`` or ``go``); esc closes it, tab completes."""

    BINDINGS = [Binding("escape", "leave", show=False), Binding("tab", "cursor_right", show=False)]

    class Left(Message):
        """Closed with esc."""

        def __init__(self, purpose: str) -> None:
            super().__init__()
            self.purpose = purpose

    def __init__(self) -> None:
        super().__init__(id="prompt", select_on_focus=False)
        self.cursor_blink = False
        self.purpose = ""

    def open(self, purpose: str, value: str, placeholder: str, words: list[str] | Suggester) -> None:
        """Take the keyboard; ``words`` complete what is typed."""
        self.purpose = purpose
        if isinstance(words, Suggester):
            self.suggester = words
        else:
            self.suggester = SuggestFromList(words, case_sensitive=False) if words else None
        self.placeholder = placeholder
        self.value = value
        self.cursor_position = len(value)
        self.add_class("-open")
        self.screen.set_focus(self)  # at once: what was typed with the key that opened it comes next

    def take(self, event: Key) -> None:
        """A key that was on its way to where the keyboard was before: what it types belongs here, and does nothing else."""
        if event.is_printable and event.character is not None:
            event.prevent_default()
            self.insert_text_at_cursor(event.character)

    def close(self) -> None:
        """Take no room any more."""
        self.purpose = ""
        self.remove_class("-open")

    def action_leave(self) -> None:
        """Esc."""
        purpose = self.purpose
        self.close()
        self.post_message(self.Left(purpose))
