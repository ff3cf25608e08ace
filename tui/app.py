"""The console: it owns the feed, the screens and the frame clock, and carries out what an operator says.

It knows nothing of backups itself: panes say what is shown, `tui.feed` what is true, the driver what is allowed.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from textual import events
from textual.app import App
from textual.binding import Binding
from textual.driver import Driver
from textual.screen import Screen

from core.client.runs import list_runs
from core.errors import TaperoomError
from core.events.view import DiskView
from tui import keys, modes, parsed
from tui.actor import Actor
from tui.door import ClientDoor, Door
from tui.feed import Feed
from tui.goto import Goto
from tui.hand import Hand, SiteHand
from tui.keymap import problems, textual_keymap
from tui.known import Known
from tui.look import Look
from tui.meanwhile import Seen
from tui.moment import Link, Moment
from tui.panes.messages import code_in
from tui.player import Player
from tui.preferences import Store
from tui.rate import TICK, Rate
from tui.replaying import Playing
from tui.returning import Returning
from tui.screens.base import ConsoleScreen
from tui.subject import Key, Subject
from tui.travel import travel
from tui.wardrobe import Wardrobe
from tui.widgets.ink import CLASSES
from tui.widgets.prompt import Prompt

parsed.share()
NOT_POSSIBLE = "CON010"
"""The code of whatever a key cannot do here and now."""
LOOK_FOR_RESTORES = 5.0
"""Seconds between two looks whether a restore is under way, which may ask for something."""
LOOK_FOR_RESTORES_AT_WORK = 1.0


class ConsoleApp(App[int]):
    """The operator console on one run of a site."""

    TITLE = "Taperoom"
    CSS_PATH = "console.tcss"
    MODES = modes.MODES
    DEFAULT_MODE = "run"
    COMMANDS = {modes.commands}
    ENABLE_COMMAND_PALETTE = True
    BINDINGS = [Binding(a.keys, a.action, a.help, show=False, priority=True, id=a.id) for a in keys.TIME]
    ALLOW_SELECT = False
    COMPONENT_CLASSES = CLASSES

    def __init__(
        self, state_dir: Path, run: str = "", *, operate: bool = True, look: Look | None = None, theme: str = "night",
        clock: Callable[[], float] = time.time, ticks: Callable[[], float] = time.monotonic, guard: float = 0.3,
        serve: bool = True, driver_class: type[Driver] | None = None, store: Store | None = None, door: Door | None = None,
        hand: Hand | None = None, playing: Playing | None = None, seen: Seen | None = None,
    ) -> None:
        super().__init__(driver_class=driver_class)
        self.look, self.ticks, self.guard = look or Look(), ticks, guard
        self.store, self.door = store or Store(), door or ClientDoor(state_dir)
        self.known = Known(self)
        self.rate = Rate(self.store.chosen.link)
        self.feed: Feed | Playing = playing or Feed(state_dir, run, clock, operate=operate)
        self.player, self._operates = Player(self), operate and playing is None
        self.clock, self.returning = clock, Returning(seen or Seen())
        self.actor = Actor(self, hand or SiteHand(state_dir))
        self.only: Key | None = None
        self.serves, self._opened, self._asked = serve, self.feed.opened, set[int]()
        self.sayings: deque[tuple[float, str, bool]] = deque(maxlen=200)
        self._over: bool | None = None
        self.detached = False
        self.fault: Exception | None = None
        self.set_class(self.look.letters, "-letters")
        self.wardrobe = Wardrobe(self)
        self.wardrobe.wear(theme)
        self.set_keymap(textual_keymap(self.store.chosen.keys))
        if isinstance(self.feed, Feed):
            self.returning.begin(self.feed, clock())
        self.feed.pump()

    # ---- frames ------------------------------------------------------------------------

    def get_system_commands(self, screen: Screen[object]):  # type: ignore[no-untyped-def]
        """None of Textual's own: ours are in `tui.keys`."""
        return ()

    def on_mount(self) -> None:
        """Begin to follow."""
        for problem in [*(f"CON005 theme not loaded: {p}" for p in self.wardrobe.problems), *self.store.problems,
                        *(f"CON006 {p}" for p in problems(self.store.chosen.keys))]:
            self.say(problem, bad=True)
        if self.serves:
            self.run_worker(self.feed.serve(), exit_on_error=False, name="feed")
            self.set_interval(TICK, self.tick)

    def on_ready(self) -> None:
        """The first picture stands: what was loaded for it stays, and collections need not look at it."""
        if not gc.isenabled():
            gc.freeze()
            gc.enable()

    def tick(self) -> None:
        """A frame, if the link bears one now; none any more when the screens are taken down."""
        if self._exit or not self.is_running:
            return
        if self.rate.due(self.ticks(), self.echo):
            self.wardrobe.look(self.ticks())
            self.look_back()
            self.frame()

    def look_back(self) -> None:
        """Tell what happened while nobody looked."""
        if isinstance(self.feed, Feed) and (text := self.returning.look(self.feed, self.clock())):
            self.say(text)

    @property
    def echo(self) -> float:
        """Seconds that the terminal took for its last answer; 0: it gave none."""
        return float(getattr(self._driver, "echo", 0.0))

    @property
    def sent(self) -> int:
        """Bytes that went to the terminal."""
        return int(getattr(self._driver, "sent", 0))

    def moment(self) -> Moment:
        """What stands now."""
        alive = tuple(one for one in self.known.restorings.value or () if one.alive)
        return replace(self.feed.moment(self.look), restores=alive)

    def frame(self) -> None:
        """Show what is new, on the screen that is seen and under the dialogs on it."""
        self.player.forget_fresh()
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
        if self._over not in (None, now.over):  # a run has begun or ended: how the site stands is another thing
            self.known.stale()
        self._over = now.over
        if now.link is not Link.REPLAY:  # whatever is shown: a restore may ask for something
            self.known.want("restorings", LOOK_FOR_RESTORES_AT_WORK if now.restores else LOOK_FOR_RESTORES)
        self._ring_for(now)
        for shown in self.screen_stack:
            frame = getattr(shown, "frame", None)
            if callable(frame) and shown.is_mounted:
                frame(now)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of a replay are those of the screen while none plays."""
        return self.player.takes_keys() if action == "time" else super().check_action(action, parameters)

    def on_key(self, event: events.Key) -> None:
        """Keys that came in one piece with the one that opened the line to type in went to the list that had the keyboard."""
        if isinstance(self.focused, Prompt):
            self.focused.take(event)

    def action_time(self, name: str) -> None:
        """A key of a replay."""
        self.player.key(name)

    def step(self) -> None:
        """Take in all there is and show it: for tests, and for a console that does not serve."""
        while self.feed.pump():
            pass
        self.frame()

    def _ring_for(self, now: Moment) -> None:
        present = self.player.present
        run_asks = {q.asked.id for q in present.open_questions} if now.link is not Link.REPLAY else set[int]()
        open_ids = run_asks | {q.asked.id for one in now.restores for q in one.asks}
        if new := open_ids - self._asked:
            self._asked |= new
            if self._operates and (present.live or new - run_asks) and self.store.chosen.bell:
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
        """Show a screen; what lay over it is closed."""
        await self.switch_mode(name)
        while len(self.screen_stack) > 1:
            await self.pop_screen()

    def go(self, where: Goto) -> None:
        """Where ``:`` leads."""
        travel(self, where)

    def traffic_of(self, disk: DiskView) -> None:
        """The traffic of one disk: all of its handles."""
        self.go(Goto("protocol", "traffic", disk.title))

    def stamps(self) -> list[str]:
        """The runs that there are, the newest first."""
        return [run.datestamp for run in reversed(list_runs(self.feed.state_dir))][:50]

    def narrow(self, key: Key | None) -> None:
        """Show only this disk on every screen; None: all of them."""
        self.only, self._opened = key, 0
        self.frame()

    def open_run(self, name: str) -> None:
        """Show another run; empty: the live or the last one."""
        self.player.come_back()
        if not self.feed.open_named(name):
            self.say(f"CON004 there is no run {name}" if name else "there is no run yet", bad=True)
            return
        while self.feed.pump():
            pass
        self.run_worker(self.action_place("run"), exit_on_error=False)
        self.call_after_refresh(self.frame)

    def show_help(self, where: str) -> None:
        """The page of keys."""
        from tui.screens.help import HelpScreen

        self.push_screen(HelpScreen(where, self.look, self.feed.operate, self.store.chosen.keys,
                                    self.player.playing is not None))

    # ---- acting ------------------------------------------------------------------------

    def act(self, name: str, subject: Subject) -> None:
        """The act of this name, on what stands under the cursor."""
        self.actor.act(name, subject)

    def say(self, text: str, *, bad: bool = False) -> None:
        """A sentence about what was just done here; kept for the list of messages."""
        if bad and not code_in(text):
            text = f"{NOT_POSSIBLE} {text}"
        self.sayings.append((self.feed.moment(self.look).now, text, bad))
        self.notify(self.look.cut(text), severity="warning" if bad else "information", timeout=8 if bad else 4, markup=False)

    def complain(self, fault: TaperoomError) -> None:
        """A fault with its code and what to do."""
        self.say(f"{fault.code} {fault.message}{'. ' if fault.hint else ''}{fault.hint}", bad=True)

    # ---- the terminal ------------------------------------------------------------------

    def refresh_css(self, animate: bool = True) -> None:
        """Another theme: what our widgets draw depends on it in ways that Textual does not see."""
        super().refresh_css(animate)
        for screen in [screen for stack in self._screen_stacks.values() for screen in stack]:
            for widget in screen.walk_children(with_self=True):
                widget.refresh()

    def repaint(self) -> None:
        """Every cell again."""
        forget = getattr(self._driver, "forget", None)
        if callable(forget):
            forget()
        self.screen.refresh(layout=True)

    def detach(self) -> None:
        """Leave; the run goes on."""
        self.detached = True
        if isinstance(self.feed, Feed) and self.serves:
            self.returning.leave(self.feed, self.clock())
        self.exit(0)

    async def action_quit(self) -> None:
        """Ctrl+q."""
        self.detach()

    def action_help_quit(self) -> None:
        """Ctrl+c ends nothing."""
        self.say("q detaches; the run goes on" if self.feed.view.live else "q leaves the console")
