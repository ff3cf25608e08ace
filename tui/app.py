"""The console: it owns the feed, the screens and the frame clock, and carries out what an operator says.

It knows nothing of backups itself: panes say what is shown, `tui.feed` what is true, the driver what is allowed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from textual.app import App
from textual.driver import Driver
from textual.screen import Screen

from core.client.runs import list_runs
from core.events.view import DiskView
from core.protocol import operator as op
from tui import modes, theming
from tui.feed import Feed
from tui.goto import Goto
from tui.look import Look
from tui.moment import Moment
from tui.screens.base import ConsoleScreen

FRAME = 0.25
"""Seconds between two frames."""


class ConsoleApp(App[int]):
    """The operator console on one run of a site."""

    TITLE = "Taperoom"
    CSS_PATH = "console.tcss"
    MODES = modes.MODES
    DEFAULT_MODE = "run"
    COMMANDS = {modes.commands}
    ENABLE_COMMAND_PALETTE = True
    ALLOW_SELECT = False

    def __init__(
        self, state_dir: Path, run: str = "", *, operate: bool = True, look: Look | None = None, theme: str = "night",
        clock: Callable[[], float] = time.time, ticks: Callable[[], float] = time.monotonic, guard: float = 0.3,
        serve: bool = True, driver_class: type[Driver] | None = None,
    ) -> None:
        super().__init__(driver_class=driver_class)
        self.look, self.ticks, self.guard = look or Look(), ticks, guard
        self.feed = Feed(state_dir, run, clock, operate=operate)
        self._serve, self._opened, self._asked = serve, self.feed.opened, set[int]()
        self.detached = False
        self.fault: Exception | None = None
        themes, self._problems = theming.available()
        for one in themes.values():
            self.register_theme(one)
        self.theme_names = sorted(themes)
        self.theme = theming.PREFIX + (theme if theme in themes else "night")
        self.feed.pump()

    # ---- frames ------------------------------------------------------------------------

    def get_system_commands(self, screen: Screen[object]):  # type: ignore[no-untyped-def]
        """None of Textual's own: ours are in `tui.keys`."""
        return ()

    def on_mount(self) -> None:
        """Begin to follow."""
        for problem in self._problems:
            self.say(f"theme not loaded: {problem}", bad=True)
        if self._serve:
            self.run_worker(self.feed.serve(), exit_on_error=False, name="feed")
            self.set_interval(FRAME, self.frame)

    def moment(self) -> Moment:
        """What stands now."""
        return self.feed.moment(self.look)

    def frame(self) -> None:
        """Show what is new, on the screen that is seen and under the dialogs on it."""
        fresh = self.feed.taken()
        screens = [s for stack in self._screen_stacks.values() for s in stack if isinstance(s, ConsoleScreen)]
        for screen in screens:
            if not screen.is_mounted:
                continue
            if self._opened != self.feed.opened:
                screen.refill()
            elif fresh:
                screen.stream(fresh)
        self._opened = self.feed.opened
        now = self.moment()
        self._ring_for(now)
        for shown in self.screen_stack:
            frame = getattr(shown, "frame", None)
            if callable(frame) and shown.is_mounted:
                frame(now)

    def step(self) -> None:
        """Take in all there is and show it: for tests, and for a console that does not serve."""
        while self.feed.pump():
            pass
        self.frame()

    def _ring_for(self, now: Moment) -> None:
        open_ids = {q.asked.id for q in now.view.open_questions}
        if new := open_ids - self._asked:
            self._asked |= new
            if now.operate and now.view.live:
                self.bell()
        set_title = getattr(self._driver, "set_title", None)
        if callable(set_title):
            set_title(f"taperoom REQ {len(open_ids)}" if open_ids else "taperoom")

    def _fatal_error(self) -> None:
        """A fault of ours: kept for `tui.__main__`, which tells it without the values of variables."""
        self.fault = self._exception
        self._close_messages_no_wait()

    # ---- where one is ------------------------------------------------------------------

    async def action_place(self, name: str) -> None:
        """Show a screen."""
        await self.switch_mode(name)

    def go(self, where: Goto) -> None:
        """Where ``:`` leads."""
        match where.target:
            case "open":
                self.open_run(where.value)
            case "theme":
                self.choose_theme(where.value)
            case "quit":
                self.detach()
            case "help":
                self.show_help("all")
            case name:
                self.run_worker(self._go(name, where), exit_on_error=False)

    async def _go(self, name: str, where: Goto) -> None:
        await self.switch_mode(name)
        goto = getattr(self.screen, "goto", None)
        if where.what and callable(goto):
            self.call_after_refresh(goto, where)

    def traffic_of(self, disk: DiskView) -> None:
        """The traffic of one disk."""
        self.go(Goto("protocol", "handle", disk.handle or f"{disk.host} {disk.disk}"))

    def stamps(self) -> list[str]:
        """The runs that there are, the newest first."""
        return [run.datestamp for run in reversed(list_runs(self.feed.state_dir))][:50]

    def open_run(self, name: str) -> None:
        """Show another run; empty: the live or the last one."""
        if not self.feed.open_named(name):
            self.say(f"there is no run {name}" if name else "there is no run yet", bad=True)
            return
        while self.feed.pump():
            pass
        self.run_worker(self.action_place("run"), exit_on_error=False)
        self.call_after_refresh(self.frame)

    def show_help(self, where: str) -> None:
        """The page of keys."""
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(where, self.look, self.feed.operate))

    # ---- acting ------------------------------------------------------------------------

    def answer(self) -> None:
        """The dialog of the oldest open request."""
        from tui.screens.request import RequestScreen, closed_lately

        questions = self.feed.view.open_questions
        if not self.feed.operate:
            waiting = f"{len(questions)} open. " if questions else ""
            self.say(f"{waiting}You are watching. To answer, attach without --read-only: taperoom attach", bad=True)
        elif questions and self.feed.view.live:
            self.push_screen(RequestScreen(questions[0]))
        else:
            self.say(closed_lately(list(self.feed.view.questions.values()), self.feed.view.at))

    def order(self, said: op.Order, title: str, text: str, command: str) -> None:
        """Ask once more, then say it to the driver."""
        from tui.screens.confirm import ConfirmScreen

        if not self.feed.operate:
            self.say("You are watching: attach without --read-only to act", bad=True)
            return

        def decided(yes: bool | None) -> None:
            if yes:
                self.send(said, command)

        self.push_screen(ConfirmScreen(title, text, command, self.look), decided)

    def send(self, said: op.Said, command: str) -> None:
        """Say it to the driver; the answer is a toast, its consequence comes with the journal."""
        async def run() -> None:
            done, text = await self.feed.say(said)
            self.say(f"{text}   same as: {command}" if done else text, bad=not done)

        self.run_worker(run(), exit_on_error=False)

    def say(self, text: str, *, bad: bool = False) -> None:
        """A sentence about what was just done here."""
        self.notify(self.look.cut(text), severity="warning" if bad else "information", timeout=8 if bad else 4, markup=False)

    # ---- the terminal ------------------------------------------------------------------

    def choose_theme(self, name: str) -> None:
        """Another theme."""
        if name in self.theme_names:
            self.theme = theming.PREFIX + name
        else:
            self.say(f"there is no theme {name!r}: {', '.join(self.theme_names)}", bad=True)

    def next_theme(self) -> None:
        """The theme after this one."""
        at = self.theme_names.index(self.theme.removeprefix(theming.PREFIX))
        self.choose_theme(self.theme_names[(at + 1) % len(self.theme_names)])
        self.say(f"theme {self.theme.removeprefix(theming.PREFIX)}")

    def repaint(self) -> None:
        """Every cell again."""
        forget = getattr(self._driver, "forget", None)
        if callable(forget):
            forget()
        self.screen.refresh(layout=True)

    def detach(self) -> None:
        """Leave; the run goes on."""
        self.detached = True
        self.exit(0)

    async def action_quit(self) -> None:
        """Ctrl+q."""
        self.detach()

    def action_help_quit(self) -> None:
        """Ctrl+c ends nothing."""
        self.say("q detaches; the run goes on" if self.feed.view.live else "q leaves the console")
