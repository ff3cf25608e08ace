"""The words of amrecover in the Restore screen's command line: completed as one types, done in a thread, one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.suggester import Suggester

from core.client.recall import completions
from core.client.standing import Standing, World
from core.client.words import Outcome, leave_out, names_of_words, obey
from core.errors import TaperoomError
from tui.browsing import Asking, Browsing
from tui.clean import clean

if TYPE_CHECKING:
    from tui.app import ConsoleApp


class Saying:
    """What is said on the way; ``done`` hears what came of each word, and whether one stands elsewhere now."""

    def __init__(self, app: ConsoleApp, way: Browsing, done: Callable[[Outcome, bool], None]) -> None:
        self._app, self._way, self._done = app, way, done
        self._turn = asyncio.Lock()

    def say(self, line: str) -> None:
        """Begin to do what a word says."""
        self._begin(lambda at, world: obey(line, at, world), line)

    def unmark(self, path: str) -> None:
        """Begin to leave a name out of a directory that is marked."""
        self._begin(lambda at, world: leave_out(at, path, world), f"leave out /{path}")

    def _begin(self, act: Callable[[Standing, World], Outcome], title: str) -> None:
        self._app.run_worker(self._do(act, title), exit_on_error=False, group="words")

    async def _do(self, act: Callable[[Standing, World], Outcome], title: str) -> None:
        async with self._turn:
            before = self._way.at
            try:
                found = await asyncio.to_thread(act, before, Asking(self._app.door, self._way, self._app.clock()))
            except TaperoomError as fault:
                self._app.say(clean(f"{fault.code} {fault.message}" + (f". {fault.hint}" if fault.hint else "")), bad=True)
                return
            except OSError as fault:
                self._app.say(clean(f"CON008 {fault.filename or ''}: {fault.strerror or fault}"), bad=True)
                return
            if self._way.at != before:
                self._app.say(clean(f"you went on meanwhile, so this was not done: {title}"), bad=True)
                return
            after = found.standing
            self._way.adopt(after)
            self._done(found, (before.host, before.disk, before.path) != (after.host, after.disk, after.path))


class WordsSuggester(Suggester):
    """Completes words, hosts, disks, dates and names; ``others``: where ``:`` leads besides."""

    def __init__(self, app: ConsoleApp, way: Browsing, others: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._app, self._way, self._others = app, way, others

    async def get_suggestion(self, value: str) -> str | None:
        """The first line that this one may become."""
        asking = Asking(self._app.door, self._way, self._app.clock())
        try:
            found = await asyncio.to_thread(completions, value, self._way.at, asking, names_of_words())
        except OSError:
            found = []
        fits = [line for line in found if line != value] or [line for line in self._others if line.startswith(value)]
        # What cannot be shown cannot be typed, either: a pattern with ? names it.
        return next((line for line in fits if line.isprintable()), None)
