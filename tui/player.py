"""Moving in time: the keys of a replay, and ``t``, which shows the past of the run that is watched and leads back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from textual.widgets import Input
from textual.worker import Worker

from core.errors import TaperoomError
from core.events.view import RunView
from tui.clean import clean
from tui.feed import Feed
from tui.format import clock
from tui.moment import Link
from tui.panes.scrubber import moment_at
from tui.replaying import Playing

if TYPE_CHECKING:
    from tui.app import ConsoleApp


SCRUB = 20
"""So many keys lead from one end of the night to the other."""


class Player:
    """Controls what time the console shows."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._live: Feed | None = None
        self._worker: Worker[Any] | None = None

    @property
    def playing(self) -> Playing | None:
        """What plays; None when the present is shown."""
        feed = self._app.feed
        return feed if isinstance(feed, Playing) else None

    @property
    def present(self) -> RunView:
        """The run as it is now, whatever time is shown."""
        return self._live.view if self._live is not None else self._app.feed.view

    def takes_keys(self) -> bool:
        """Whether the keys of a replay do something: nothing is being typed and no dialog is open."""
        from tui.screens.base import ConsoleScreen

        app = self._app
        return self.playing is not None and isinstance(app.screen, ConsoleScreen) and not isinstance(app.focused, Input)

    def forget_fresh(self) -> None:
        """What comes meanwhile is kept by the feed; nobody is shown it as new."""
        if self._live is not None:
            self._live.taken()

    def key(self, name: str) -> None:
        """One of the keys of a replay."""
        playing, app = self.playing, self._app
        if playing is None:
            return
        match name:
            case "pause":
                playing.replay.paused = not playing.replay.paused
            case "on" | "back":
                playing.step(1 if name == "on" else -1)
            case "to" | "fro":
                part = (playing.replay.ended - playing.replay.began) / SCRUB
                playing.scrub(playing.replay.now + (part if name == "to" else -part))
            case "next" | "previous":
                mark = playing.jump(1 if name == "next" else -1)
                kind = playing.stops_at or "NO-ROOM, TRY-AGAIN, FAILED or request"
                way = "after" if name == "next" else "before"
                app.say(f"{clock(mark.at)} {mark.kind} {clean(mark.title)}" if mark else f"no {kind} {way} this")
            case "kind":
                app.say(f"[ and ] stop at {playing.next_kind() or 'all marks'}")
            case "faster" | "slower":
                playing.replay.paused = False
                playing.faster(1 if name == "faster" else -1)
        app.frame()

    def scrub(self, x: int, width: int) -> None:
        """A click on the line of time at that column."""
        playing = self.playing
        if playing is not None and (at := moment_at(playing, width, x, waiting=len(self.present.open_questions))) is not None:
            playing.scrub(at)
            self._app.frame()

    def travel(self) -> None:
        """To the past of this run, or back to the present."""
        app = self._app
        if self._live is not None:
            self.come_back()
        elif self.playing is not None:
            app.say("this is a replay already: [ ] , . move in time")
        elif app.feed.run is None or app.feed.view.began is None:
            app.say("there is no run whose past could be shown")
        else:
            app.run_worker(self._leave(app.feed), exit_on_error=False)

    async def _leave(self, feed: Feed | Playing) -> None:
        app = self._app
        if feed.run is None or not isinstance(feed, Feed):
            return
        try:
            playing = await asyncio.to_thread(Playing, feed.run, Link.PAST)
        except (TaperoomError, OSError) as fault:
            app.say(clean(str(fault)), bad=True)
            return
        playing.replay.paused = True
        playing.who = feed.who
        playing.seek(playing.replay.ended)
        self._live, app.feed = feed, playing
        if app.serves:
            self._worker = app.run_worker(playing.serve(), exit_on_error=False, name="past")
        app.say("the past of this run: [ ] jump, , . step, space plays, t leads back to now")
        app.frame()

    def come_back(self) -> None:
        """Show the present again."""
        if self._live is None:
            return
        if self._worker is not None:
            self._worker.cancel()
        self._app.feed, self._live, self._worker = self._live, None, None
        self._app.frame()
