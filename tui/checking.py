"""A check of clients that goes on in the background: what was found so far, and how many are still asked.

It belongs to the console, not to a screen: one may look elsewhere meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from core.errors import TaperoomError
from tui.clean import clean

if TYPE_CHECKING:
    from core.client.checks import Finding
    from tui.door import Door


class Checking:
    """One check at a time; ``hosts`` empty: all."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.hosts: frozenset[str] = frozenset()
        self.findings: list[Finding] = []
        self.left = 0
        self.began = 0.0
        self.error = ""
        self.busy = False

    def asks(self, host: str) -> bool:
        """Whether this client has not answered yet."""
        return self.busy and (not self.hosts or host in self.hosts) and all(f.subject != host for f in self.findings)

    async def run(self, hosts: Collection[str], at: float, done: Callable[[], None]) -> None:
        """Ask them; ``done`` is called when all have answered.  Nothing is raised."""
        if self.busy:
            return
        self.busy, self.hosts, self.findings, self.error, self.began = True, frozenset(hosts), [], "", at
        try:
            await asyncio.to_thread(self._ask)
        except TaperoomError as fault:
            self.error = clean(f"{fault.code} {fault.message}")
        except OSError as fault:
            self.error = clean(f"CON008 {fault.strerror or fault}")
        finally:
            self.busy, self.left = False, 0
        done()

    def _ask(self) -> None:
        for found in self._door.check(self.hosts):
            if isinstance(found, int):
                self.left = found
            else:
                self.findings.append(found)
