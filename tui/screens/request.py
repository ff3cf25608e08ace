"""The dialog of a request: what happened, what each choice does, and what is done when nobody answers.

A letter chooses; what destroys asks once more; what wants an argument asks for it.  Nothing is chosen when it opens, and
for a moment keys do nothing, so that what was typed before cannot answer.  Esc leaves the request open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.widgets import Input

from core.events.event import Choice
from core.events.view import DiskState, DiskView, QuestionView
from core.model.units import show_kib
from tui.clean import clean
from tui.format import due, moment, span
from tui.goto import Goto
from tui.moment import Moment
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.requests import Request, as_it_stands, open_requests, text_of
from tui.travel import explain
from tui.widgets.ink import heading
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from tui.app import ConsoleApp

GUARD = 0.3
"""Seconds that a dialog takes no answer after it opened."""


def letters(choices: tuple[Choice, ...]) -> list[str]:
    """A key for each choice: the first letter of its name that is free, else another letter; digits are for requests, ``v``
    shows the protocol."""
    taken: list[str] = []
    for choice in choices:
        free = [c for c in choice.name.lower() + "nmoechilprstuwabdfgyz" if c.isascii() and c.isalpha()
                and c not in taken and c not in "jkqxv"]
        taken.append(free[0] if free else "")
    return taken


class RequestScreen(ModalScreen[None]):
    """One request; digits show another open one."""

    BINDINGS = [Binding("escape", "leave", show=False), Binding("enter", "enter", show=False),
                Binding("up,k", "move(-1)", show=False), Binding("down,j", "move(1)", show=False),
                Binding("ctrl+q", "app.quit", show=False)]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    AUTO_FOCUS = ""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request
        self._at = -1
        self._sure = self._below = False
        self._opened = 0.0

    @property
    def console_app(self) -> ConsoleApp:
        """The application, by its type."""
        return cast("ConsoleApp", self.app)

    @property
    def question(self) -> QuestionView:
        """What is asked."""
        return self.request.question

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What may be answered."""
        return self.question.asked.choices

    def compose(self) -> ComposeResult:
        """Text, choices, argument, what happens next."""
        with Container(classes="dialog", id="dialog"):
            with VerticalScroll(id="asked", can_focus=False):
                yield Lines(id="text", grows=True, look=self.console_app.look)
                yield Lines(id="choices", grows=True, look=self.console_app.look)
            yield Input(id="argument", select_on_focus=False)
            yield Lines(id="next", grows=True, look=self.console_app.look)

    def on_mount(self) -> None:
        """Keys do nothing for a moment; what was told before is read, and would lie upon the choices."""
        self.app.clear_notifications()
        self.set_class(self.console_app.look.ascii, "-plain")
        self._opened = self.console_app.ticks()
        self.query_one(Input).cursor_blink = False
        self.call_after_refresh(self.again)

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self.again)

    def again(self) -> None:
        """A frame now."""
        if self.is_mounted:
            self.frame(self.console_app.moment())

    def frame(self, now: Moment) -> None:
        """Show it as it stands: somebody else may have answered meanwhile."""
        width = self.query_one("#dialog").content_size.width
        if not width:
            return
        self.request = as_it_stands(self.request, now)
        asked = self.question.asked
        count = len(open_requests(now))
        others = f" of {count}" if count > 1 else ""
        box = self.query_one("#dialog")
        title = f"Request #{asked.id}{others}  {asked.code}  {asked.subject}"
        box.border_title = heading(title, box.outer_size.width, now.look)
        rows: list[Row] = [((now.look.cut(piece), ""),) for piece in wrapped(clean(text_of(asked)), width, width)]
        if (key := now.view.handles.get(asked.handle)) and (disk := now.view.disks.get(key)):
            rows += [(), (("disk    ", "muted"), (now.look.cut(f"{clean(disk.title)} level {disk.level}"), ""),
                          (f"   {clean(asked.handle)} on {clean(disk.child)}", "muted"))]
            rows += self._free(now, disk, width)
        if one := next((one for one in now.restores if one.name == self.request.restore), None):
            to = now.look.cut(f"to {clean(one.to)}")
            rows += [(), (("restore ", "muted"), (to, ""), (f"   by {clean(one.who)}", "muted"))]
        rows.append((("asked   ", "muted"), (f"{moment(self.question.opened)}", ""),
                     (f"  {span(now.now - self.question.opened)} ago", "muted")))
        choices, after = self._choices(now, width), self._next(now, width, count)
        self._fit(len(rows) + len(choices), len(after))
        self.query_one("#text", Lines).put(rows)
        self.query_one("#choices", Lines).put(choices)
        self.query_one("#next", Lines).put(after)
        self.call_after_refresh(self._look_below)

    def _free(self, now: Moment, disk: DiskView, width: int) -> list[Row]:
        """What is free on each holding disk, for a dump that stands still for want of it."""
        if disk.state is not DiskState.STALLED and self.question.asked.code != "HLD003":
            return []
        told = ", ".join(f"{show_kib(free)} on {clean(path)}" for path, (free, *_) in now.gauges.holding.items())
        return [(("free    " if n == 0 else " " * 8, "muted"), (piece, ""))
                for n, piece in enumerate(wrapped(told, width - 8, width - 8) if told else ())]

    def _protocol(self, now: Moment) -> tuple[str, Goto] | None:
        """Whose traffic shows how it came to this, and where that is seen; a restore has none here."""
        asked = self.question.asked
        if self.request.restore:
            return None
        disk = now.view.disks.get(now.view.handles.get(asked.handle, ("", ""))) or next(
            (disk for disk in now.view.disks.values() if disk.title == asked.subject), None)
        if disk is not None:
            return f"{disk.title}{f' on {disk.child}' if disk.child else ''}", Goto("protocol", "traffic", disk.title)
        taper = next((name for name, taper in now.view.tapers.items() if taper.storage == asked.subject), "")
        return (taper, Goto("protocol", "channel", taper)) if taper else None

    def _look_below(self) -> None:
        """Whether there is more below than is seen, told as soon as it is known."""
        asked = self.query_one("#asked", VerticalScroll)
        if self._below != (below := asked.max_scroll_y > asked.scroll_offset.y):
            self._below = below
            self.again()

    def _fit(self, body: int, after: int) -> None:
        """What follows without an answer, and the line to type in, are never below the edge: blank rows go first, then the
        text and the choices scroll."""
        kept = after + 1 + 2  # the line to type in, whether it is open or not; the border
        crowded = body + 2 + kept + 2 > self.size.height * 92 // 100
        self.set_class(crowded, "-crowded")
        room = max(3, self.size.height - kept) if crowded else body + 2
        asked = self.query_one("#asked")
        if asked.styles.max_height is None or asked.styles.max_height.value != room:
            asked.styles.max_height = room

    def _to_choice(self) -> None:
        """Scroll so that the marked choice is seen whole."""
        rows = self.query_one("#choices", Lines).rows
        marked = [n for n, row in enumerate(rows) if row and row[-1][1] == "title"]
        if marked:
            top, asked = len(self.query_one("#text", Lines).rows), self.query_one("#asked", VerticalScroll)
            below = len(rows) - 1 - marked[-1]
            height = len(marked) + (below if below == 1 else 0)  # the key below the last choice is seen with it
            asked.scroll_to_region(Region(0, top + marked[0], 1, height), animate=False, immediate=True)

    def _choices(self, now: Moment, width: int) -> list[Row]:
        rows: list[Row] = []
        longest = max((len(c.name) for c in self.choices), default=4)
        for n, (letter, choice) in enumerate(zip(letters(self.choices), self.choices, strict=True)):
            here = n == self._at
            head = f"{'>' if here else ' '} {letter}  "
            colour = "bad" if choice.destructive else "title"
            name = clean(choice.name).upper().ljust(longest + 2)
            for m, piece in enumerate(wrapped(clean(choice.effect), width - longest - 8, width - longest - 8)):
                indent = " " * (longest + 7)
                rows.append(((head, "key"), (name, colour), (now.look.cut(piece), "title" if here else "")) if m == 0
                            else ((indent, ""), (now.look.cut(piece), "title" if here else "")))
        if (seen := self._protocol(now)) is not None:
            rows.append((("  v  ", "key"), (now.look.cut(f"view protocol of {clean(seen[0])}"), "muted")))
        return rows

    def _next(self, now: Moment, width: int, count: int) -> list[Row]:
        asked, rows = self.question.asked, list[Row]()
        if self.question.closed:
            text = f"answered already: {clean(self.question.choice)} by {clean(self.question.by)}" \
                if self.question.choice else f"no longer asked: {clean(self.question.by)}"
            return [((text, "attention"),), (("esc closes", "muted"),)]
        chosen = self.choices[self._at] if self._at >= 0 else None
        if self._sure and chosen is not None:
            rows.append(((f"Really {clean(chosen.name).upper()}?  ", "bad"), ("y", "key"), (" yes   ", ""), ("esc", "key"),
                         (" no", "")))
        elif self.query_one(Input).has_class("-open") and chosen is not None:
            rows.append(((f"{clean(chosen.argument)}, then ", "muted"), ("enter", "key"), ("   esc back", "muted")))
        else:
            when = f"At {moment(asked.deadline)} ({due(asked.deadline, now.now)}) it is answered:  "
            rows.append(((when, "muted"), (clean(asked.default).upper(), "title")))
            others = f"   1-{min(9, count)} another request" if count > 1 else ""
            below = "   more" if self._below else ""
            rows.append((("esc leaves it open   x what this means" + below + others, "muted"),))
        return rows

    # ---- keys --------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """A letter chooses."""
        if self.query_one(Input).has_focus or event.character is None:
            return
        key = event.character.lower()
        if self._sure:
            if key == "y":
                event.stop()
                self._send("")
            return
        names = letters(self.choices)
        if key == "q":
            event.stop()
            self.console_app.detach()
        elif key == "v":
            event.stop()
            if (seen := self._protocol(self.console_app.moment())) is not None:
                self.dismiss()  # without an answer: it stays open
                self.console_app.go(seen[1])
        elif key == "x":
            event.stop()
            explain(self.console_app, self.question.asked.code)
        elif key in names:
            event.stop()
            if self.console_app.ticks() - self._opened >= self.console_app.guard:
                self._at = names.index(key)
                self.action_enter()
        elif key.isdigit():
            event.stop()
            self._other(int(key))

    def _other(self, number: int) -> None:
        found = open_requests(self.console_app.moment())
        if 1 <= number <= len(found):
            self.request, self._at, self._sure = found[number - 1], -1, False
            self._opened = self.console_app.ticks()
            self.query_one(Input).remove_class("-open")
            self.again()

    def action_move(self, by: int) -> None:
        """Another choice."""
        if not self._sure and self.choices:
            self._at = (self._at + by) % len(self.choices) if self._at >= 0 else (0 if by > 0 else len(self.choices) - 1)
            self.again()
            self.call_after_refresh(self._to_choice)

    def action_enter(self) -> None:
        """Take the choice that is marked, if there is one."""
        if self._at < 0 or self._sure or self.question.closed:
            return
        choice = self.choices[self._at]
        if choice.argument:
            entry = self.query_one(Input)
            entry.placeholder = choice.argument
            entry.value = ""
            entry.add_class("-open")
            entry.focus()
        elif choice.destructive:
            self._sure = True
        else:
            self._send("")
            return
        self.again()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._send(event.value.strip())

    def action_leave(self) -> None:
        """Back a step, or leave it open."""
        entry = self.query_one(Input)
        if self._sure or entry.has_class("-open"):
            self._sure = False
            entry.remove_class("-open")
            self.set_focus(None)
            self.again()
        else:
            self.dismiss()

    def _send(self, argument: str) -> None:
        self.console_app.actor.reply(self.request, self.choices[self._at].name, argument)
        self.dismiss()


def closed_lately(view_questions: list[QuestionView], now: float) -> str:
    """What was answered in the last minutes, in one sentence."""
    late = [q for q in view_questions if q.closed and q.closed > now - 300]
    if not late:
        return "no request is open"
    last = max(late, key=lambda q: q.closed)
    how = f"{clean(last.choice)} by {clean(last.by)}" if last.choice else clean(last.by)
    return f"no request is open; the last one was #{last.asked.id}: {how}"
