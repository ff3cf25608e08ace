"""A recorded run, or the past of a live one, in the place of `tui.feed.Feed`: the same screens show it as it was then.

Time goes on by what `advance` is told, times the speed; nothing is ever said to a driver from here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from core.client.control import whoami
from core.client.replay import KINDS, Mark, Moved, Replay
from core.client.runs import Run, find_run, list_runs
from core.errors import TaperoomError, UsageError
from core.events.gauges import Gauges
from core.events.view import RunView
from core.protocol import operator as op
from tui.feed import next_opening
from tui.look import Look
from tui.moment import Link, Moment
from tui.pace import Pace
from tui.traffic import Line, Traffic

TICK = 0.1
"""Seconds between two moves of a replay that plays."""

SPEEDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1000.0)


class Playing:
    """One run at a moment; ``link`` is REPLAY, or PAST for a live run."""

    operate = False
    connected = False
    missed = 0

    def __init__(self, run: Run, link: Link = Link.REPLAY, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self.state_dir: Path = run.path.parent.parent
        self.link, self._ticks, self.who = link, ticks, whoami()
        self.stops_at = ""
        self._load(run)

    def _load(self, run: Run) -> None:
        self.run: Run = run
        self.replay = Replay(run)
        self.earlier = max(0, len(list_runs(self.state_dir)) - 1)
        self._begin_anew(Moved(True))

    def _begin_anew(self, moved: Moved) -> None:
        self.pace, self.traffic, self.fresh = Pace(), Traffic(), list[Line]()
        self.opened = next_opening()
        self.traffic.add(moved.lines)
        self.pace.take(self.gauges)

    @property
    def view(self) -> RunView:
        """The run as it was."""
        return self.replay.view

    @property
    def gauges(self) -> Gauges:
        """Its gauges."""
        return self.replay.gauges

    @property
    def cut_off(self) -> bool:
        """Whether there were more lines than are kept."""
        return self.traffic.total > len(self.traffic.lines)

    # ---- time --------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """So much time went by for who looks on."""
        self._took(self.replay.advance(seconds))

    def seek(self, at: float) -> None:
        """Go to a moment, in seconds since the epoch."""
        self._took(self.replay.seek(at))

    def scrub(self, at: float) -> None:
        """Go to a moment and stand still there; beyond the ends is the end."""
        self.replay.paused = True
        self.seek(min(self.replay.ended, max(self.replay.began, at)))

    def step(self, by: int) -> None:
        """One fact on or back; it stands still then."""
        self.replay.paused = True
        self._took(self.replay.step(by))

    def jump(self, by: int) -> Mark | None:
        """To the next or the last mark of the kind it stops at; None when there is none."""
        mark = self.replay.next(self.stops_at) if by > 0 else self.replay.previous(self.stops_at)
        if mark is not None:
            self.replay.paused = True
            self._took(self.replay.seek(mark.at))
        return mark

    def next_kind(self) -> str:
        """Stop at the next kind of mark only, then at all again."""
        kinds = ("", *KINDS)
        self.stops_at = kinds[(kinds.index(self.stops_at) + 1) % len(kinds)]
        return self.stops_at

    def faster(self, by: int) -> float:
        """The next speed up or down."""
        above = [s for s in SPEEDS if s > self.replay.speed]
        below = [s for s in SPEEDS if s < self.replay.speed]
        if by > 0 and above:
            self.replay.speed = above[0]
        elif by < 0 and below:
            self.replay.speed = below[-1]
        return self.replay.speed

    def _took(self, moved: Moved) -> None:
        if moved.reset or moved.skipped:
            self._begin_anew(moved)
        else:
            self.fresh += self.traffic.add(moved.lines)
            self.pace.take(self.gauges)

    # ---- what a feed does --------------------------------------------------------------

    def follow(self) -> None:
        """A recorded run has no next one."""

    def pump(self) -> bool:
        """Nothing comes by itself."""
        return False

    def taken(self) -> list[Line]:
        """The lines of traffic that came since this was asked last."""
        fresh, self.fresh = self.fresh, []
        return fresh

    def moment(self, look: Look) -> Moment:
        """All of it, for the panes."""
        return Moment(self.view, self.gauges, self.pace, self.replay.now, look, self.link, self.who, False, self.earlier)

    def open_named(self, name: str) -> bool:
        """Replay another run; False when there is none, or it has no facts."""
        run = find_run(self.state_dir, name)
        if run is None:
            return False
        try:
            self._load(run)
        except TaperoomError:
            return False
        return True

    async def serve(self) -> None:
        """Play until cancelled."""
        last = self._ticks()
        while True:
            await asyncio.sleep(TICK)
            now = self._ticks()
            self.advance(now - last)
            last = now

    async def say(self, said: op.Said) -> tuple[bool, str]:
        """Nothing can be said to what is over."""
        return False, "this is a replay: what it shows is over"

    def try_now(self) -> None:
        """There is no driver."""

    async def close(self) -> None:
        """Nothing is held."""


def play(run: Run | None, name: str, speed: float, begin: float, after: float) -> Playing:
    """A run from a moment on: ``begin`` in seconds since the epoch, or so many seconds ``after`` it began.

    UsageError RUN025: there is no such run, or it has no facts.
    """
    if run is None:
        raise UsageError("RUN025", f"there is no run {name} to replay" if name else "there is no run to replay",
                         "'taperoom status' shows which there are")
    playing = Playing(run)
    playing.replay.speed = speed
    playing.seek(begin or playing.replay.began + after)
    return playing
