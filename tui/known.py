"""What this console knows of the site beyond the run: asked through the door in the background, shared by all screens.

A screen says what it ``want``s and how old it may be; it shows what is there and is shown again when more has come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

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
        self.coverage: Fetch[list[Covered]] = Fetch()
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

    def _question(self, name: str) -> Callable[[], Any]:
        door, now, live = self._app.door, self._app.moment().now, self._live()
        questions: dict[str, Callable[[], Any]] = {
            "coverage": lambda: door.coverage(now), "nights": lambda: door.nights(PATIENCE),
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
        for fetch in (self.ahead, self.coverage, self.nights, self.shelves, self.spool, self.clients, self.restorings):
            fetch.at = float("-inf")

    def covered(self, host: str, disk: str) -> Covered | None:
        """How well one disk is covered, as far as that is known."""
        return next((row for row in self.coverage.value or [] if (row.host, row.disk) == (host, disk)), None)

    def nights_of(self, host: str, disk: str) -> list[DiskNight] | None:
        """How the last nights of one disk went, newest first; None while nobody knows.  Asked for when it is looked at."""
        found = self._disk_nights.get((host, disk))
        if found is None:
            if len(self._disk_nights) >= KEPT:
                self._disk_nights.clear()
            found = self._disk_nights[host, disk] = Fetch()
            door = self._app.door
            self.ask(found, lambda: door.disk_nights(host, disk))
        return found.value

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
