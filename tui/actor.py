"""Carries out what an operator says: asks where it has to be asked, says it to the driver or has the hand do it, tells it.

One act at a time is on its way; what came of each is kept for the log of acts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import TaperoomError
from core.events.event import OperatorActed
from core.protocol import operator as op
from tui.acting import WATCHING, no_run, why_not
from tui.acting_outside import offer
from tui.clean import clean
from tui.commands import command_of
from tui.deeds import Deed, Fork, Offer
from tui.hand import Hand
from tui.moment import Link, Moment
from tui.requests import Request, answered_first, open_requests
from tui.subject import Subject

if TYPE_CHECKING:
    from tui.app import ConsoleApp

BRIEF = 200
"""Characters of a command that are shown as it is done: a restore of many names would cover the screen."""
KEPT = 500
"""Acts of this console that are kept."""


@dataclass(frozen=True, slots=True)
class Told:
    """One act of this console; ``fact``: the run's journal has it, or the site's."""

    at: float
    command: str
    text: str
    good: bool
    fact: bool


class Actor:
    """The acts of one console."""

    def __init__(self, app: ConsoleApp, hand: Hand) -> None:
        self._app, self.hand = app, hand
        self.told: deque[Told] = deque(maxlen=KEPT)

    def why_not(self, name: str, subject: Subject, now: Moment | None = None) -> str:
        """Why this act cannot be done now; empty when it can."""
        found = offer(name, now or self._app.moment(), subject)
        return found if isinstance(found, str) else ""

    def act(self, name: str, subject: Subject) -> None:
        """Begin the act of this name."""
        if name == "retry" and self._app.moment().link is Link.LOST:
            self._app.feed.try_now()
            self._app.say("the driver is tried again now")
            return
        self._take(offer(name, self._app.moment(), subject))

    def _take(self, found: Offer | None) -> None:
        from tui.screens.choose import ChooseScreen
        from tui.screens.confirm import ConfirmScreen

        app = self._app
        match found:
            case None:
                return
            case str():
                app.say(found, bad=True)
            case Fork():
                app.push_screen(ChooseScreen(found, app.look), self._take)
            case Deed(text="", word=""):
                self.do(found)
            case Deed(order=op.Pause() | op.FlushNow()) if app.store.chosen.confirm == "destructive":
                self.do(found)
            case Deed():
                app.push_screen(ConfirmScreen(found, app.look), lambda yes: self.do(found) if yes else None)

    def do(self, deed: Deed) -> None:
        """Do it: the answer is a toast, its consequence comes with the journal."""
        if deed.order is not None:
            self.send(deed.order)
        elif (call := deed.call) is not None:
            async def run() -> None:
                try:
                    done = await asyncio.to_thread(call, self.hand)
                    self._tell(done.command or deed.command, clean(done.text), True, fact=deed.noted)
                    if deed.begins:
                        self._app.feed.follow()
                except OSError as fault:
                    self._tell(deed.command, clean(str(fault)), False, fact=False)
                except TaperoomError as fault:
                    hint = f". {fault.hint}" if fault.hint else ""
                    self._tell(deed.command, clean(f"{fault.code} {fault.message}{hint}"), False, fact=False)

            self._app.run_worker(run(), exit_on_error=False)

    def send(self, said: op.Said) -> None:
        """Say it to the driver."""
        app = self._app
        if problem := why_not(app.moment()):
            app.say(problem, bad=True)
            return
        command = command_of(said, app.feed.view)

        async def run() -> None:
            done, text = await app.feed.say(said)
            self._tell(command, text, done, fact=done or text.startswith("RUN021 refused"))

        app.run_worker(run(), exit_on_error=False)

    def reply(self, request: Request, choice: str, argument: str) -> None:
        """An answer, to the run or to the restore that asks."""
        said = op.Answer(request.question.asked.id, choice, argument)
        if name := request.restore:
            command, by = command_of(said, self._app.feed.view), self._app.feed.who
            self.do(Deed("Answer a restore", command, call=lambda hand: hand.answer(name, said, by)))
        else:
            self.send(said)

    def _tell(self, command: str, text: str, good: bool, *, fact: bool) -> None:
        app = self._app
        self.told.append(Told(app.moment().now, command, text, good, fact))
        app.known.stale()
        short = command if len(command) <= BRIEF else f"{command[:BRIEF]}{app.look.dots}  (@ has all of it)"
        app.say(f"{text}   same as: {short}" if good and command else text, bad=not good)

    def may_answer(self, now: Moment) -> bool:
        """Whether a request is open that this console could answer now."""
        found = open_requests(now)
        return bool(found) and not (why_not(now) or (no_run(now) if not found[0].restore else ""))

    def answer(self, subject: Subject) -> None:
        """The dialog of the open request about the disk under the cursor, or of the oldest one."""
        from tui.screens.request import RequestScreen, closed_lately

        app = self._app
        now = app.moment()
        found = open_requests(now)
        problem = why_not(now) or (no_run(now) if now.link is Link.DEAD and not found else "")
        if problem == WATCHING:
            waiting = f"{len(found)} open. " if found else ""
            app.say(f"{waiting}You are watching. To answer, attach without --read-only: taperoom attach", bad=True)
        elif problem:
            app.say(problem, bad=True)
        elif (request := answered_first(found, subject.disk)) is not None:
            app.push_screen(RequestScreen(request))
        else:
            app.say(closed_lately(list(app.feed.view.questions.values()), app.feed.view.at))

    def show_log(self) -> None:
        """Who did what."""
        self._app.run_worker(self._open_log(), exit_on_error=False)

    async def _open_log(self) -> None:
        from tui.screens.acts import ActsScreen

        app, site = self._app, list[tuple[float, OperatorActed]]()
        with contextlib.suppress(TaperoomError, OSError):
            site = await asyncio.to_thread(app.door.acts)
        app.push_screen(ActsScreen(app.feed.view, list(self.told), app.look, site))
