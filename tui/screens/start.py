"""The dialog that starts a restore: where to, then all that it takes, then a question.

Ends with a deed.  Cancel has the keyboard; names that are there already are only replaced after the word was typed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input
from textual.widgets.input import Selection

from core.client.standing import Standing, command_line, restore_words
from tui.clean import clean
from tui.deeds import Deed
from tui.fetch import Fetch
from tui.format import day_of, plural
from tui.look import Span
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.panes.start import ahead_rows
from tui.screens.confirm import ConfirmScreen
from tui.widgets.ink import heading
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from core.client.browse import Needs
    from core.client.foresee import Ahead
    from tui.app import ConsoleApp

_COMMAND = 4
"""Rows of the command that are shown; ``y`` of the screen copies all of it."""


def usual_target(at: Standing) -> str:
    """Where to, when nobody said: a directory of its own in the home directory."""
    name = re.sub(r"[^\w.-]+", "_", f"{at.host}_{at.disk.strip('/')}").strip("_")
    return str(Path.home() / "restored" / f"{name}-{at.date[:8]}")


def absolute(text: str) -> str:
    """A directory as it was typed, from the root; ``HOST:DIR`` as it is."""
    text = text.strip()
    return text if re.match(r"[^/:]+:/", text) else os.path.abspath(os.path.expanduser(text))


class StartScreen(ModalScreen[Deed | None]):
    """First the directory, then the forecast."""

    BINDINGS = [Binding("escape", "leave", show=False), Binding("enter", "enter", show=False),
                Binding("left,right,tab,shift+tab,h,l", "other", show=False), Binding("ctrl+q", "app.quit", show=False),
                Binding("down,j", "scroll(1)", show=False), Binding("up,k", "scroll(-1)", show=False)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    AUTO_FOCUS = ""

    def __init__(self, at: Standing, needs: Needs | None) -> None:
        super().__init__()
        self._at, self._needs = at, needs
        self._target = at.target or usual_target(at)
        self._ahead: Fetch[Ahead] = Fetch()
        self._asked = False
        self._yes = False

    @property
    def console_app(self) -> ConsoleApp:
        """The application, by its type."""
        return cast("ConsoleApp", self.app)

    def compose(self) -> ComposeResult:
        """What, where to, what it takes, what next."""
        look = self.console_app.look
        with Container(classes="dialog", id="dialog"):
            yield Lines(id="text", grows=True, look=look)
            yield Input(id="argument", value=self._target, select_on_focus=False)
            with VerticalScroll(id="asked", can_focus=False):
                yield Lines(id="choices", grows=True, look=look)
            yield Lines(id="buttons", grows=True, look=look)

    def on_mount(self) -> None:
        """The directory first; what was told before is read, and would lie upon it."""
        self.app.clear_notifications()
        self.set_class(self.console_app.look.ascii, "-plain")
        self.query_one(Input).cursor_blink = False
        self._where_to()
        self.call_after_refresh(self.again)

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self.again)

    # ---- what is shown -------------------------------------------------------------------

    @property
    def words(self) -> list[str]:
        """The command as it is now."""
        at = self._at
        return restore_words(Standing(at.host, at.disk, at.date, at.path, at.marks, self._target), at.date)

    def again(self) -> None:
        """All of it."""
        width = self.query_one("#dialog").content_size.width if self.is_mounted else 0
        if not width:
            return
        at, box = self._at, self.query_one("#dialog")
        box.border_title = heading(f"Restore {plural(len(at.marks), 'name')} of {at.title}", box.outer_size.width,
                                   self.console_app.look)
        self.query_one("#text", Lines).put([
            (("as it was on ", "muted"), (day_of(at.date), ""), ("; to the directory, or HOST:DIR", "muted"))])
        rows, after = self._middle(width), self._next()
        self._fit(len(rows), len(after))
        self.query_one("#choices", Lines).put(rows)
        self.query_one("#buttons", Lines).put(after)

    def _fit(self, rows: int, after: int) -> None:
        """The buttons are never below the edge: what it takes scrolls."""
        room = max(3, self.size.height * 92 // 100 - after - 2 - 2 - 2 - 2)  # text and line, border, padding, margins
        asked = self.query_one("#asked")
        if asked.styles.max_height is None or asked.styles.max_height.value != room:
            asked.styles.max_height = room

    def _middle(self, width: int) -> list[Row]:
        found = self._ahead
        if not self._asked:
            return [(("What it takes is told first; nothing is written before you say so.", "muted"),)]
        if found.busy or (found.value is None and not found.error):
            return [(("looking what it takes …", "muted"),)]
        if found.value is None:
            rows: list[Row] = [((piece, "bad"),) for piece in wrapped(found.error, width, width)]
            return rows + [((piece, "muted"),) for piece in wrapped(found.hint, width, width) if piece]
        command = wrapped(clean(command_line(self.words)), width - 9, width - 9)
        cut = command[:_COMMAND]
        if len(command) > _COMMAND:
            cut[-1] = f"{cut[-1][:width - 12]} {self.console_app.look.dots}"
        return [*ahead_rows(found.value, self._needs, False, width), (),
                *((("same as  " if n == 0 else " " * 9, "muted"), (piece, "")) for n, piece in enumerate(cut))]

    def _next(self) -> list[Row]:
        if self._typing:
            return [(), (("enter", "key"), (" tells what it takes   ", "muted"), ("end", "key"),
                         (" changes this one   ", "muted"), ("esc", "key"), (" leaves it", "muted"))]
        ahead = self._ahead.value
        if self._ahead.busy or ahead is None:
            return [(), (("t", "key"), (" another directory   ", "muted"), ("esc", "key"), (" leaves it", "muted"))]
        if ahead.blocked:
            return [(), (("It cannot be restored there.  ", "bad"), ("t", "key"), (" another directory   ", "muted"),
                         ("esc", "key"), (" leaves it", "muted"))]
        if ahead.taken:
            return [(), (("o", "key"), (" overwrite them   ", "bad"), ("t", "key"), (" another directory   ", "muted"),
                         ("esc", "key"), (" leaves it", "muted"))]
        return [(), (*self._button("Cancel", not self._yes), *self._button("Start", self._yes), ("  ", ""),
                     ("y", "key"), (" start   ", "muted"), ("t", "key"), (" other directory   ", "muted"),
                     ("esc", "key"), (" leave", "muted"))]

    @staticmethod
    def _button(text: str, here: bool) -> list[Span]:
        return [(f"[{'>' if here else ' '}{text} ]", "cursor" if here else ""), ("  ", "")]

    # ---- keys ----------------------------------------------------------------------------

    @property
    def _typing(self) -> bool:
        return self.query_one(Input).has_class("-open")

    @property
    def _ready(self) -> bool:
        ahead = self._ahead.value
        return ahead is not None and not self._ahead.busy and not ahead.refused

    def _where_to(self) -> None:
        entry = self.query_one(Input)
        entry.add_class("-open")
        entry.focus()
        entry.selection = Selection(0, len(entry.value))  # what is typed takes its place; home, end and arrows keep it

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value.strip():
            return
        self._target = event.input.value = absolute(event.value)
        event.input.remove_class("-open")
        self.set_focus(None)
        self._asked, self._yes = True, False
        self._ahead = Fetch()
        door, words = self.console_app.door, self.words
        self.console_app.known.ask(self._ahead, lambda: door.foresee(words))
        self.again()

    def on_key(self, event: events.Key) -> None:
        """Letters choose while no directory is typed."""
        if self._typing or event.character is None:
            return
        match event.character:
            case "y" if self._ready:
                self._start([])
            case "o" if (ahead := self._ahead.value) is not None and ahead.taken and not ahead.blocked:
                self._overwrite(ahead)
            case "t":
                self._where_to()
                self.again()
            case "n" | "q":
                self.dismiss(None)
            case _:
                return
        event.stop()

    def _start(self, more: list[str]) -> None:
        words = (*self.words, *more)
        self.dismiss(Deed(f"Restore to {clean(self._target)}", clean(command_line(words)),
                          call=lambda hand: hand.restore(words)))

    def _overwrite(self, ahead: Ahead) -> None:
        """Only after the word."""
        shown = ", ".join(clean(name) for name in ahead.taken[:5]) + (" …" if len(ahead.taken) > 5 else "")
        deed = Deed(
            f"Overwrite {plural(len(ahead.taken), 'file')} in {clean(self._target)}",
            clean(command_line([*self.words, "--overwrite"])),
            f"What is there now is lost for good: {shown}", word="overwrite")
        self.app.push_screen(ConfirmScreen(deed, self.console_app.look),
                             lambda yes: self._start(["--overwrite"]) if yes else None)

    def action_other(self) -> None:
        """The other button."""
        self._yes = self._ready and not self._yes
        self.again()

    def action_enter(self) -> None:
        """The button with the keyboard."""
        if self._ready and self._yes:
            self._start([])
        elif self._ready:
            self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_leave(self) -> None:
        """No."""
        self.dismiss(None)
