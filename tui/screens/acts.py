"""``@``: what operators did in this run and at this console, who it was, what came of it, and the equal command."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.screen import ModalScreen

from core.events.event import OperatorActed
from core.events.view import RunView
from tui.actor import Told
from tui.clean import clean
from tui.commands import command_of_line, words
from tui.format import clock, day
from tui.look import Look
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.widgets.ink import heading
from tui.widgets.lines import Lines

_HEAD = 37
"""Columns before the command."""
_NOBODY = ("Nobody has done anything yet.", "",
           "Each act is a fact of the run's journal, or of the site's, with the name of who did it.")


def rows(view: RunView, told: list[Told], look: Look, site: Sequence[tuple[float, OperatorActed]] = (), width: int = 72,
         ) -> list[Row]:
    """The newest last: facts of the run's journal and of the ``site``'s, and what was said here and is no fact."""
    found: list[tuple[float, list[Row]]] = [
        (at, _rows(at, clean(act.by), clean(act.order), "done" if act.result == "OK" else clean(act.result),
                   act.result == "OK", look, width)) for at, act in site]
    for at, act in view.acts:
        good = act.result == "OK"
        command = command_of_line(act.order, view) or clean(act.order)
        found.append((at, _rows(at, clean(act.by), command, "done" if good else clean(act.result), good, look, width)))
    found += [(at, _rows(at, by, command, "done", True, look, width)) for at, by, command in _answers(view)]
    for one in told:
        if not one.fact:
            found.append((one.at, _rows(one.at, "here", one.command, one.text, one.good, look, width)))
    lines = [row for _, block in sorted(found, key=lambda pair: pair[0]) for row in block]
    return lines or [((piece, "muted"),) for text in _NOBODY for piece in wrapped(text, width, width)]


def _answers(view: RunView) -> list[tuple[float, str, str]]:
    """Requests that were answered, by a person, a policy or a deadline: each is a fact of its own kind."""
    told = {act.order.split()[1] for _, act in view.acts if act.order.startswith("ANSWER ")}
    return [(q.closed, clean(q.by), clean(words("reply", str(q.asked.id), q.choice, *([q.argument] if q.argument else []))))
            for q in view.questions.values() if q.closed and q.choice and str(q.asked.id) not in told]


def _rows(at: float, who: str, command: str, result: str, good: bool, look: Look, width: int) -> list[Row]:
    room = width - _HEAD
    first, *more = wrapped(look.cut(command), room, room)
    return [((f"{day(at)} {clock(at)}  ", "muted"), (look.cut(who).ljust(14), ""), ("  ", ""), (first, "title")),
            *(((" " * _HEAD, ""), (piece, "title")) for piece in more),
            *(((" " * _HEAD, ""), (piece, "good" if good else "attention")) for piece in wrapped(look.cut(result), room, room))]


class ActsScreen(ModalScreen[None]):
    """A page that scrolls."""

    BINDINGS = [Binding("escape,q,at,enter", "dismiss", show=False),
                Binding("down,j", "scroll(1)", show=False), Binding("up,k", "scroll(-1)", show=False),
                Binding("pagedown,space,ctrl+f", "scroll(10)", show=False), Binding("pageup,ctrl+b", "scroll(-10)", show=False),
                Binding("ctrl+q", "app.quit", show=False)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]

    def __init__(self, view: RunView, told: list[Told], look: Look, site: Sequence[tuple[float, OperatorActed]] = ()) -> None:
        super().__init__()
        self._view, self._told, self._site, self._look = view, told, site, look

    def compose(self) -> ComposeResult:
        """One box with a scrolling page."""
        with Container(classes="dialog page", id="dialog"), VerticalScroll():
            yield Lines(id="text", grows=True, look=self._look)

    def on_mount(self) -> None:
        """Fill it; the newest is seen."""
        self.app.clear_notifications()  # what was told before would lie upon it
        self.set_class(self._look.ascii, "-plain")
        box = self.query_one("#dialog")
        box.border_title = heading("Acts of operators   esc closes", 60, self._look)
        self.call_after_refresh(self._fill)

    def on_resize(self) -> None:
        """Wrapped anew."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        page = self.query_one(VerticalScroll)
        self.query_one("#text", Lines).put(rows(self._view, self._told, self._look, self._site, page.size.width or 72))
        self.call_after_refresh(lambda: page.scroll_end(animate=False))

    def action_scroll(self, by: int) -> None:
        """Up or down."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
