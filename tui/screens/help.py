"""``?``: the keys of where one is, what the marks mean, and where one can go."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from tui.keymap import remapped
from tui.keys import MOVES, PLACES, actions_of
from tui.look import LEGEND, Look
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.widgets.lines import Lines

_HEAD = 18
"""Columns of the keys."""


def rows(
    where: str, look: Look, operate: bool, held: Mapping[str, str], in_time: bool = False, width: int = 70,
) -> list[Row]:
    """The page, ``width`` characters wide; ``held``: keys of an operator's own; ``in_time``: of a replay."""
    found: list[Row] = [(("Keys here", "title"),)]
    for action in remapped(actions_of(where, in_time=in_time), held):
        off = "" if operate or in_time or not (action.operates or action.id == "reply") else "  (off: you are watching)"
        key = action.key.partition(" ")[0]  # in the hint row a pair of keys may stand together
        found += _entry(key, "key", action.help + off, width)
    if where == "restore":
        from core.client.words import TABLE

        found += [(), (("Words after :", "title"),)]
        for word in TABLE:
            found += _entry(word.usage, "key", word.help, width)
    found += [(), (("Moving", "title"),)]
    for key, text in MOVES:
        found += _entry(key, "key", text, width)
    found += [(), (("Screens", "title"),)]
    for place in PLACES:
        found += _entry(f"{place.digit} {place.name}", "key", place.help, width)
    found += [(), (("Marks", "title"),)]
    for mark, text in LEGEND:
        found += _entry(look.glyph(mark), mark.colour, text, width)
    found.append(())
    for text in ("What loses something asks first, and wants a word typed where it cannot be undone. @ lists what was done, by "
                 "whom, and the equal commands.",
                 "Every message has a code: taperoom explain CODE says what it means."):
        found += [((piece, "muted"),) for piece in wrapped(text, width, width)]
    return found


def _entry(head: str, colour: str, text: str, width: int) -> list[Row]:
    """What is explained, and the explanation beside it in as many rows as it takes."""
    indent = max(_HEAD, len(head) + 4)
    pieces = wrapped(text, width - indent, width - indent)
    return [((f"  {head}".ljust(indent) if n == 0 else " " * indent, colour), (piece, "")) for n, piece in enumerate(pieces)]


class HelpScreen(ModalScreen[None]):
    """A page that scrolls."""

    BINDINGS = [Binding("escape,q,question_mark,f1,enter", "dismiss", show=False),
                Binding("down,j", "scroll(1)", show=False), Binding("up,k", "scroll(-1)", show=False),
                Binding("pagedown,space,ctrl+f", "scroll(10)", show=False), Binding("pageup,ctrl+b", "scroll(-10)", show=False),
                Binding("ctrl+q", "app.quit", show=False)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]

    def __init__(self, where: str, look: Look, operate: bool, held: Mapping[str, str] | None = None,
                 in_time: bool = False) -> None:
        super().__init__()
        self._held = held or {}
        self._where, self._look, self._operate, self._in_time = where, look, operate, in_time

    def compose(self) -> ComposeResult:
        """One box with a scrolling page."""
        with Container(classes="dialog page", id="dialog"), VerticalScroll():
            yield Lines(id="text", grows=True, look=self._look)

    def on_mount(self) -> None:
        """Fill it."""
        self.app.clear_notifications()  # what was told before would lie upon it
        self.set_class(self._look.ascii, "-plain")
        self.query_one("#dialog").border_title = Content("Help   esc closes   up and down scroll")
        self._fill()

    def on_resize(self) -> None:
        """Wrapped anew; the breakpoints come after the first layout."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        width = self.query_one(VerticalScroll).size.width or 70
        self.query_one("#text", Lines).put(rows(self._where, self._look, self._operate, self._held, self._in_time, width))

    def action_scroll(self, by: int) -> None:
        """Up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
