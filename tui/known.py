"""What this console knows of the site beyond the run: asked through the door in the background, shared by all screens.

A screen says what it ``want``s and how old it may be; it shows what is there and is shown again when more has come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tui.as_of import Then
from tui.checking import Checking
from tui.fetch import Fetch
from tui.moment import Link

if TYPE_CHECKING:
    from core.client.ahead import Ahead
    from core.client.clients import ClientRow
    from core.client.coverage import Covered, DiskNight
    from core.client.nights import NightRow
    from core.client.restores import Restoring
    from core.client.runs import Run
    from core.client.shelf import Shelf
    from core.client.spool import Spool
    from tui.app import ConsoleApp

FRESH = 20.0
"""Seconds that an answer may be old while its screen is looked at."""

KEPT = 100
"""Disks whose nights are kept."""

PATIENCE = 1.0
"""Seconds of reading journals before the rows that are known are shown."""


class Known:
    """The answers, and who asks for them."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._coverage: dict[str, Fetch[list[Covered]]] = {}
        """By the datestamp of the run before which it was so; empty: now."""
        self.nights: Fetch[list[NightRow]] = Fetch()
        self.shelves: Fetch[list[Shelf]] = Fetch()
        self.spool: Fetch[Spool] = Fetch()
        self.clients: Fetch[list[ClientRow]] = Fetch()
        self.ahead: Fetch[list[Ahead]] = Fetch()
        self.checking = Checking(app.door)
        self._disk_nights: dict[tuple[str, str], Fetch[list[DiskNight]]] = {}
        self.disks: Fetch[list[tuple[str, str]]] = Fetch()
        self.restorings: Fetch[list[Restoring]] = Fetch()

    def _live(self) -> Run | None:
        feed = self._app.feed
        return feed.run if feed.link in (Link.LIVE, Link.LOST) else None

    @property
    def then(self) -> Then | None:
        """The moment of a recorded night that is shown; None: the present is."""
        feed = self._app.feed
        if feed.link not in (Link.REPLAY, Link.PAST) or feed.run is None:
            return None
        return Then(feed.run, feed.view, feed.moment(self._app.look).now)

    @property
    def coverage(self) -> Fetch[list[Covered]]:
        """How well the disks are covered, as it was asked; in a replay, without the run that is shown (see `covers`)."""
        return self._coverage.setdefault(then.stamp if (then := self.then) else "", Fetch())

    def _question(self, name: str) -> Callable[[], Any]:
        door, now, live = self._app.door, self._app.moment().now, self._live()
        before = then.stamp if (then := self.then) else ""
        questions: dict[str, Callable[[], Any]] = {
            "coverage": lambda: door.coverage(now, before), "nights": lambda: door.nights(PATIENCE),
            "shelves": lambda: door.shelves(live, now), "spool": lambda: door.spool(live),
            "clients": lambda: door.clients(now),
            "disks": lambda: door.disks(), "ahead": lambda: door.ahead(now), "restorings": lambda: door.restorings(),
        }
        return questions[name]

    def want(self, name: str, age: float = FRESH) -> None:
        """Ask for it in the background unless it is younger than ``age`` seconds."""
        fetch: Fetch[Any] = getattr(self, name)
        at = self._app.ticks()
        if not fetch.busy and not fetch.wanted and at - fetch.at >= age:
            fetch.wanted = True
            self.ask(fetch, self._question(name))

    def stale(self) -> None:
        """Something was changed from here: whatever is looked at next is asked for again."""
        asked: list[Fetch[Any]] = [self.ahead, self.nights, self.shelves, self.spool, self.clients, self.restorings]
        for fetch in [*asked, *self._coverage.values()]:
            fetch.at = float("-inf")

    def covers(self) -> list[Covered] | None:
        """How well each disk was covered at the moment that is shown; None while nobody knows."""
        rows, then = self.coverage.value, self.then
        return then.covered(rows) if then is not None and rows is not None else rows

    def covered(self, host: str, disk: str) -> Covered | None:
        """How well one disk was covered then, as far as that is known."""
        return next((row for row in self.covers() or [] if (row.host, row.disk) == (host, disk)), None)

    def runs(self) -> list[NightRow]:
        """The runs up to the moment that is shown, newest first."""
        rows, then = self.nights.value or [], self.then
        return then.runs(rows) if then is not None else rows

    def of_clients(self) -> list[ClientRow] | None:
        """The clients as they stood then; None while nobody knows."""
        rows, then = self.clients.value, self.then
        return then.clients(rows, self.covers() or []) if then is not None and rows is not None else rows

    def coming(self) -> list[Ahead]:
        """The coming nights; none in a replay: they are foreseen from history that it has not reached."""
        return [] if self.then is not None else self.ahead.value or []

    def no_coming(self, none: str) -> str:
        """What to say where there are no coming nights."""
        return none if self.then is not None else self.ahead.state("reading the history …") or "no disk has a history yet"

    def nights_of(self, host: str, disk: str) -> list[DiskNight] | None:
        """How the last nights of one disk went, newest first; None while nobody knows.  Asked for when it is looked at."""
        found = self._disk_nights.get((host, disk))
        if found is None:
            if len(self._disk_nights) >= KEPT:
                self._disk_nights.clear()
            found = self._disk_nights[host, disk] = Fetch()
            door = self._app.door
            self.ask(found, lambda: door.disk_nights(host, disk))
        then = self.then
        return then.nights_of(found.value, host, disk) if then is not None and found.value is not None else found.value

    def ask(self, fetch: Fetch[Any], question: Callable[[], Any]) -> None:
        """Ask a question of a screen's own in the background."""
        self._app.run_worker(self._run(fetch, question), exit_on_error=False, group="known")

    async def _run(self, fetch: Fetch[Any], question: Callable[[], Any]) -> None:
        await fetch.ask(question, self._app.ticks())
        again = getattr(self._app.screen, "again", None)
        if callable(again):
            again()
        if fetch is self.nights and fetch.value is not None and any(not row.verdict for row in fetch.value):
            self.ask(self.nights, self._question("nights"))
