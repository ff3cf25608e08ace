"""An answer that takes time: asked for in a thread, one question at a time, the last answer kept while a new one comes.

A screen shows ``value`` when there is one, else ``error``, else that it waits; nothing here raises.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from core.errors import TaperoomError
from tui.clean import clean

T = TypeVar("T")


class Fetch(Generic[T]):
    """What was asked, as it stands."""

    def __init__(self) -> None:
        self.value: T | None = None
        self.error = ""
        self.hint = ""
        self.busy = False
        self.wanted = False
        """Somebody wants it and it is about to be asked: nobody else need ask."""
        self.at = float("-inf")
        self._again: Callable[[], T] | None = None

    async def ask(self, question: Callable[[], T], at: float) -> None:
        """Ask in a thread; while an answer is awaited, only the newest of the questions that come is asked next."""
        self.wanted = False
        if self.busy:
            self._again = question
            return
        self.busy = True
        try:
            current: Callable[[], T] | None = question
            while current is not None:
                self._again = None
                await self._one(current)
                current = self._again
            self.at = at
        finally:
            self.busy = False

    async def _one(self, question: Callable[[], T]) -> None:
        try:
            self.value = await asyncio.to_thread(question)
            self.error = self.hint = ""
        except TaperoomError as fault:
            self.error, self.hint = clean(f"{fault.code} {fault.message}"), clean(fault.hint)
        except OSError as fault:
            self.error, self.hint = clean(f"CON008 {fault.filename or ''}: {fault.strerror or fault}"), ""

    def state(self, waiting: str) -> str:
        """What to say where the rows would be: the error, or that the answer is on its way."""
        return self.error or (waiting if self.value is None else "")
