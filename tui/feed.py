"""Where the console gets everything from: it follows one run through `core.client`, and says what an operator wants.

`pump` takes in what is new and never waits; `serve` does that again and again until it is cancelled.  The run never
waits for this: its journal and its traffic are files, and the control socket may be lost and found again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from pathlib import Path

from core.client.control import whoami
from core.client.follow import Journal, read_gauges
from core.client.runs import Run, find_run, list_runs
from core.client.session import Session
from core.events.gauges import Gauges
from core.events.view import RunView
from core.protocol import operator as op
from tui.look import Look
from tui.meanwhile import AWAY
from tui.moment import Link, Lost, Moment
from tui.pace import Pace
from tui.traffic import KEPT, Line, LogTail, Traffic

GAP = "---- nobody looked here until now ----"
"""The line in the traffic where a console was away."""

POLL = 0.25
"""Seconds between two looks at the files of a live run."""

BACK_OFF = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds until the control socket of a live run is tried again."""

LOOK_FOR_RUNS = 2.0
"""Seconds between two looks for a run that began while the console shows none, or one that is over."""


_OPENINGS = itertools.count(1)


def next_opening() -> int:
    """A number for another run or another past on the screens: by it they know that what they kept is of the one before."""
    return next(_OPENINGS)


class Feed:
    """One run as it stands; ``name`` chooses which (see `core.client.runs.find_run`), empty: the live or the last one."""

    def __init__(self, state_dir: Path, name: str, clock: Callable[[], float], *, operate: bool = True) -> None:
        self.state_dir, self._clock, self.operate = state_dir, clock, operate
        self.who = whoami()
        self._newest = not name
        self._session: Session | None = None
        self._tries, self._next_try, self._next_look = 0, 0.0, 0.0
        self.run: Run | None = None
        self.open(find_run(state_dir, name))

    def open(self, run: Run | None) -> None:
        """Show this run from its beginning."""
        self.run = run
        self.view, self.gauges, self.pace, self.traffic = RunView(), Gauges(), Pace(), Traffic()
        self.fresh: list[Line] = []
        self.missed = self._dropped = 0
        self.left, self._gap_told, self.caught_up = 0.0, False, False
        self._last_pump, self._lost_at = 0.0, 0.0
        self.opened = next_opening()
        self._journal = Journal(run) if run else None
        self._log = LogTail(run.traffic) if run else None
        self.link = Link.NONE
        self._drop_session()
        self.earlier = max(0, len(list_runs(self.state_dir)) - 1)

    def open_named(self, name: str) -> bool:
        """Show the run whose datestamp begins with ``name``; empty: the live or last one.  False when there is none."""
        run = find_run(self.state_dir, name)
        if run is None:
            return False
        self._newest = not name
        if self.run is None or run.path != self.run.path:
            self.open(run)
        return True

    def follow(self) -> None:
        """When this run is over, go on with the next one, whichever was asked for before."""
        self._newest, self._next_look = True, 0.0

    def pump(self) -> bool:
        """Take in what is new, a bounded piece of it; True when there may be more at once."""
        if self.run is None or self._journal is None or self._log is None:
            self.link = Link.NONE
            return self._look_for_a_run()
        self._was_away()
        alive = self.run.live()
        records = self._journal.read()
        self.view.apply_all(records)
        lines = self._log.read()
        if lines:
            self.fresh += self.traffic.add(self._with_gap(lines))
            self._bound()
        if not self._log.full and (alive or not self.view.ended):  # of a driver that died: the last that is known
            gauges = read_gauges(self.run)
            if gauges.at > self.gauges.at:
                self.gauges = gauges
                self.pace.take(gauges)
        self.link = self._link(alive)
        if records or self._log.full:
            return True
        return not alive and self._look_for_a_run()

    def _link(self, alive: bool) -> Link:
        if self.view.ended:
            return Link.ENDED
        if not alive:
            return Link.DEAD if self.view.began else Link.NONE
        lost = bool(self._tries) and not self.connected
        self._lost_at = (self._lost_at or self._clock()) if lost else 0.0
        return Link.LOST if lost else Link.LIVE

    def _was_away(self) -> None:
        """Whoever slept (or whose machine did) was away since the last look."""
        now = self._clock()
        if self._last_pump and now - self._last_pump > AWAY:
            self.away_since(self._last_pump)
        self._last_pump = now

    def away_since(self, at: float) -> None:
        """Nobody looked from that moment on: a line in the traffic says where it was; `left` is it."""
        self.left, self._gap_told = at, False

    def _with_gap(self, lines: list[str]) -> list[str]:
        if not self.left or self._gap_told:
            return lines
        for n, line in enumerate(lines):
            with contextlib.suppress(ValueError):
                if float(line.partition(" ")[0]) > self.left:
                    self._gap_told = True
                    return [*lines[:n], f"{self.left:.6f} console : {GAP}", *lines[n:]]
        return lines

    def _look_for_a_run(self) -> bool:
        now = self._clock()
        if not self._newest or now < self._next_look:
            return False
        self._next_look = now + LOOK_FOR_RUNS
        run = find_run(self.state_dir)
        if run is None or (self.run is not None and run.path == self.run.path):
            return False
        self.open(run)
        return True

    @property
    def cut_off(self) -> bool:
        """Whether the log has lines that the console does not keep."""
        return bool(self._log and self._log.skipped) or self.traffic.total > len(self.traffic.lines)

    def taken(self) -> list[Line]:
        """The lines of traffic that came since this was asked last; ``missed`` more came before them and are not kept."""
        fresh, self.fresh = self.fresh, []
        self.missed, self._dropped = self._dropped, 0
        return fresh

    def _bound(self) -> None:
        """A console that gets no processor for long makes no frames: what no pane would keep is not held for it either."""
        if (more := len(self.fresh) - KEPT) > 0:
            del self.fresh[:more]
            self._dropped += more

    def moment(self, look: Look) -> Moment:
        """All of it, for the panes."""
        pace = self.pace.still() if self.link is Link.DEAD else self.pace
        lost = Lost(self._lost_at, self._next_try, self._tries) if self.link is Link.LOST else None
        gauges = self.gauges if self.link in (Link.LIVE, Link.LOST) else Gauges()  # after a run they are worthless
        return Moment(self.view, gauges, pace, self._clock(), look, self.link, self.who, self.operate, self.earlier, lost)

    def try_now(self) -> None:
        """Do not wait to try the control socket again."""
        self._next_try = 0.0

    @property
    def connected(self) -> bool:
        """Whether the driver hears us."""
        return self._session is not None and self._session.connected

    async def serve(self) -> None:
        """Follow until cancelled."""
        try:
            while True:
                more = self.pump()
                self.caught_up = not more
                if not more:
                    await self._attach()
                await asyncio.sleep(0 if more else POLL)
        finally:
            await self.close()

    async def _attach(self) -> None:
        if self.run is None or self.link not in (Link.LIVE, Link.LOST) or self.connected or self._clock() < self._next_try:
            return
        session = Session(self.run, self.who, "operate" if self.operate else "watch")
        if await session.connect():
            self._session, self._tries = session, 0
        else:
            self._next_try = self._clock() + BACK_OFF[min(self._tries, len(BACK_OFF) - 1)]
            self._tries += 1

    async def say(self, said: op.Said) -> tuple[bool, str]:
        """Give an order; whether it was carried out, and one sentence about it."""
        if not self.operate:
            return False, "you are watching: attach without --read-only to act"
        if self.run is None or self.link in (Link.NONE, Link.ENDED, Link.DEAD):
            return False, "RUN020 there is no live run that could take it"
        if not self.connected:
            self._next_try = 0.0
            await self._attach()
        reply = await self._session.order(said) if self._session else op.Gone()
        match reply:
            case op.Ok(message):
                return True, message or "done"
            case op.Refused(message):
                return False, f"RUN021 refused: {message}"
            case _:
                return False, "RUN020 the run did not answer: it is over, or its driver is gone"

    def _drop_session(self) -> None:
        session, self._session = self._session, None
        self._tries, self._next_try = 0, 0.0
        if session is not None:
            with contextlib.suppress(RuntimeError):
                self._closing = asyncio.get_running_loop().create_task(session.close())

    async def close(self) -> None:
        """Detach; the run does not notice."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        if self._journal is not None:
            self._journal.close()
        if self._log is not None:
            self._log.close()
