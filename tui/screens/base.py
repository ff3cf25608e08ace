"""What every screen has: status row, attention, a body, the prompt of ``/`` and ``:``, and the hint row.

A screen gets a `Moment` a few times a second in `frame` and puts rows into its widgets; it keeps nothing about the run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from core.errors import TaperoomError
from tui import keys
from tui.goto import parse, suggestions
from tui.keymap import remapped
from tui.moment import Moment
from tui.panes.attention import attention_rows, only_rows, standing
from tui.panes.layout import Row
from tui.panes.messages import unseen
from tui.panes.protocol import wrapped
from tui.panes.scrubber import scrubber_row
from tui.panes.status import hint_row, status_row
from tui.requests import open_requests
from tui.subject import Subject
from tui.tips import TIPS
from tui.traffic import Line
from tui.travel import explain, open_messages
from tui.widgets.lines import Lines
from tui.widgets.prompt import Prompt
from tui.widgets.ringlog import RingLog
from tui.widgets.table import Table

if TYPE_CHECKING:
    from tui.app import ConsoleApp


HUGE = 160
"""Cells from which lists and what is told of them stand side by side."""
VAST = 220
"""Cells from which requests have a column of their own beside both."""
_NOT_AGAIN = "  esc: not again"


def bindings(where: str) -> list[BindingType]:
    """The keys of a screen (``all``: of every screen), from the table of actions."""
    found: list[BindingType] = [Binding(a.keys, a.action, a.help, show=False, id=f"{where}.{a.id}")
                                for a in keys.ACTIONS if where in a.where]
    if where == "all":
        found += [Binding(p.digit, f"app.place('{p.name}')", p.help, show=False, id=f"place.{p.name}") for p in keys.PLACES]
        found.append(Binding("escape", "back", "back", show=False, id="all.back"))
    return found


class ConsoleScreen(Screen[None]):
    """One screen of the console; ``where`` is its name in `tui.keys`."""

    where = "all"
    BINDINGS = bindings("all")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (20, "-short"), (32, "-tall")]

    @property
    def console_app(self) -> ConsoleApp:
        """The application, by its type."""
        return cast("ConsoleApp", self.app)

    def compose(self) -> ComposeResult:
        """The rows around the body."""
        yield Lines(id="status", look=self.console_app.look)
        yield Lines(id="scrubber", grows=True, look=self.console_app.look)
        yield Lines(id="attention", grows=True, look=self.console_app.look)
        yield from self.body()
        yield Lines(id="tip", grows=True, look=self.console_app.look)
        yield Prompt()
        yield Lines(id="hints", look=self.console_app.look)

    def body(self) -> ComposeResult:
        """What this screen shows."""
        yield from ()

    @property
    def has_waits(self) -> bool:
        """Whether NO-ROOM and TRY-AGAIN have panes on it, so that they need no row above."""
        return False

    @property
    def wide(self) -> bool:
        """Whether there are boxes side by side."""
        return self.size.width >= 110

    @property
    def huge(self) -> bool:
        """Whether whole panes have room beside each other."""
        return self.size.width >= HUGE

    @property
    def tall(self) -> bool:
        """Whether there is room for more than the least."""
        return self.size.height >= 32

    def on_mount(self) -> None:
        """Glyphs and borders as this terminal can."""
        self.set_class(self.console_app.look.ascii, "-plain")
        self.refill()

    def on_screen_resume(self) -> None:
        """Shown again: at once as it stands."""
        self.call_after_refresh(self.again)

    def on_resize(self) -> None:
        """The breakpoints come after the first layout; so do the rows."""
        self.call_after_refresh(self.again)

    def again(self) -> None:
        """A frame now."""
        if self.is_mounted:
            self.frame(self.console_app.moment())

    def frame(self, now: Moment) -> None:
        """Show what stands now."""
        width = self.size.width
        if not width:
            return
        self.set_class(width >= HUGE, "-huge")  # beside -wide, of which the breakpoints would take it away
        self.set_class(width >= VAST, "-vast")
        seen = self.console_app.store.chosen.seen
        self.query_one("#status", Lines).put([status_row(now, width, unseen(now.view, seen))])
        self.query_one("#tip", Lines).put(self._tip_rows(width))
        subject = self.subject()
        self.query_one("#attention", Lines).put([
            *only_rows(self.console_app.only, now.look),
            *attention_rows(now, width, 6 if self.tall else 3, self.has_waits, subject.disk)])
        actor, playing = self.console_app.actor, self.console_app.player.playing
        self.query_one("#scrubber", Lines).put([] if playing is None else [scrubber_row(
            playing, width, now.look, waiting=len(self.console_app.player.present.open_questions))])
        held = self.console_app.store.chosen.keys
        hints = [replace(a, hint=self.hint_of(a, subject))
                 for a in remapped(keys.actions_of(self.where, in_time=playing is not None), held)
                 if not (a.act and actor.why_not(a.act, subject, now)) and (a.id != "reply" or actor.may_answer(now))]
        self.query_one("#hints", Lines).put([hint_row(hints, self.where, width, now.operate)])
        self.show(now)
        if self.focused is None and self.is_current:  # what had the keyboard was hidden
            wanted = self.listed()
            if wanted is not None and wanted.display and wanted.region.height:
                wanted.focus()

    def hint_of(self, action: keys.Action, subject: Subject) -> str:
        """The word in the hint row for what this key would do now; empty: it would do nothing."""
        match action.id:
            case "follow":
                log = next(iter(self.query(RingLog)), None)
                return "follow" if log is not None and not log.following else action.hint
            case "time.pause":
                playing = self.console_app.player.playing
                return action.hint if playing is None or playing.replay.paused else "pause"
            case "only" if subject.disk is None and self.console_app.only is None:
                return ""
            case _:
                return action.hint

    def show(self, now: Moment) -> None:
        """Put the rows of the body."""

    def refill(self) -> None:
        """Another run is shown: forget what was kept of the one before."""

    def stream(self, lines: list[Line]) -> None:
        """More traffic."""

    # ---- keys that every screen has ----------------------------------------------------

    def action_reply(self) -> None:
        """Answer the open request about what stands under the cursor, or the oldest one."""
        self.console_app.actor.answer(self.subject())

    def subject(self) -> Subject:
        """What stands under the cursor: what an act is done to."""
        return Subject()

    def action_act(self, name: str) -> None:
        """An act of an operator."""
        self.console_app.act(name, self.subject())

    @on(events.Click, "#scrubber")
    def _scrubbed(self, event: events.Click) -> None:
        self.console_app.player.scrub(event.x, self.size.width)

    def action_travel(self) -> None:
        """The past of this run, or the present again."""
        self.console_app.player.travel()

    def action_acts(self) -> None:
        """Who did what."""
        self.console_app.actor.show_log()

    def action_detach(self) -> None:
        """Leave."""
        self.console_app.detach()

    def action_help(self) -> None:
        """The keys of this screen."""
        self.console_app.show_help(self.where)

    def code(self) -> str:
        """The code of the message under the cursor, if there is one."""
        return ""

    def action_explain(self) -> None:
        """What the message under the cursor means; without one, all messages."""
        if code := self.code():
            explain(self.console_app, code)
        else:
            now = self.console_app.moment()
            codes = [one.question.asked.code for one in open_requests(now)] + [one.code for one in standing(now)]
            open_messages(self.console_app, next(iter(codes), ""))

    def action_theme(self) -> None:
        """The next theme."""
        self.console_app.wardrobe.next()

    def action_redraw(self) -> None:
        """Paint all of it again."""
        self.console_app.repaint()

    def action_suspend_process(self) -> None:
        """Sleep until ``fg``."""
        self.console_app.action_suspend_process()

    def action_back(self) -> None:
        """Esc: show all again."""
        table = self.listed()
        if isinstance(table, Table) and table.filter:
            table.set_filter("")
        elif isinstance(table, Table) and table.marks:
            table.clear_marks()
        elif self.console_app.only is not None:
            self.console_app.narrow(None)
        else:
            self.put_tip_away()

    def action_only(self) -> None:
        """Only the disk under the cursor, on every screen, or all of them again."""
        app, key = self.console_app, self.subject().disk
        if app.only is not None and key in (None, app.only):
            app.narrow(None)
        elif key is None:
            app.say("choose a disk first", bad=True)
        else:
            app.narrow(key)

    def _tip_rows(self, width: int) -> list[Row]:
        """The first-time hint of this screen, as long as it was not put away."""
        if self.where not in TIPS or self.size.height < 20 or not self.console_app.store.shows(self.where):
            return []
        pieces = wrapped(TIPS[self.where], width - 8, width - 8)
        if len(pieces[-1]) > width - 8 - len(_NOT_AGAIN):
            pieces = wrapped(TIPS[self.where], width - 8 - len(_NOT_AGAIN), width - 8 - len(_NOT_AGAIN))
        last = len(pieces) - 1
        return [(((" hint  " if n == 0 else " " * 7), "key"), (piece, ""), (_NOT_AGAIN if n == last else "", "muted"))
                for n, piece in enumerate(pieces)]

    def put_tip_away(self) -> None:
        """The first-time hint of this screen has been read."""
        store = self.console_app.store
        if self.where in TIPS and store.shows(self.where):
            try:
                store.put_away(self.where)
            except TaperoomError as fault:
                self.console_app.complain(fault)
            self.again()

    def action_filter(self) -> None:
        """Type a filter for the list with the keyboard."""
        self._filtered = self.listed()
        self.query_one(Prompt).open("filter", self.filter_text(), "text, or !text for without it", [])

    def places(self) -> list[str]:
        """What ``:`` leads to, for completion."""
        app = self.console_app
        app.known.want("coverage", 60.0)  # for the disks that are not in the run
        labels = [row.label for shelf in app.known.shelves.value or [] for row in shelf.rows]
        titles = [row.title for row in app.known.covers() or []]
        words = suggestions(app.feed.view, app.stamps(), app.wardrobe.names, labels, titles)
        return [word for word in words if word.isascii() or not app.look.ascii]

    def action_go(self) -> None:
        """Type where to go."""
        self.query_one(Prompt).open("go", "", "where to: tapes, dump HOST:DISK, client HOST, tape LABEL, run 20261201",
                                    self.places())

    def listed(self) -> Widget | None:
        """The list that ``/`` filters: the one with the keyboard, else the first."""
        focused = self.focused
        if isinstance(focused, Table):
            return focused
        return next(iter(self.query(Table)), None)

    def filter_text(self) -> str:
        """The filter as it stands."""
        table = self.listed()
        return table.filter if isinstance(table, Table) else ""

    def apply_filter(self, text: str) -> None:
        """Filter as one types."""
        table = self._filtered
        if isinstance(table, Table):
            table.set_filter(text)

    def typed_in(self, purpose: str, value: str) -> None:
        """Something was typed for a purpose of this screen's own."""

    _filtered: Widget | None = None

    @on(Prompt.Changed)
    def _typed(self, event: Prompt.Changed) -> None:
        event.stop()
        prompt = self.query_one(Prompt)
        if prompt.purpose == "filter":
            self.apply_filter(event.value)

    @on(Prompt.Submitted)
    def _entered(self, event: Prompt.Submitted) -> None:
        event.stop()
        prompt = self.query_one(Prompt)
        purpose, value = prompt.purpose, event.value
        self._shut()
        self.typed_in(purpose, value)
        if purpose == "go" and value.strip():
            self.go_to(value)

    def go_to(self, value: str) -> None:
        """Where ``:`` and this lead."""
        found = parse(value)
        if found is None:
            self.console_app.say(f"CON003 nowhere is called {value.strip()!r}; ? lists the places", bad=True)
        else:
            self.console_app.go(found)

    @on(Prompt.Left)
    def _left(self, event: Prompt.Left) -> None:
        if event.purpose == "filter":
            self.apply_filter("")
        self._shut()

    def _shut(self) -> None:
        self.query_one(Prompt).close()
        target = self._filtered or self.listed()
        self._filtered = None
        if target is not None:
            target.focus()
