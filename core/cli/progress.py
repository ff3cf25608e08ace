"""How far a long command is and how long it will still take: a line that is drawn again on a terminal, now and then a plain
line where a line cannot be drawn again.

Where ``TAPEROOM_PROGRESS`` names a file, the same goes there for a program that looks on: JSON with ``done``, ``total``,
``what`` and ``left`` (seconds, -1 while nobody knows), replaced a few times a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable

from core.cli import show

_REDRAW = 0.2
_PLAIN = 10.0
"""Seconds between two plain lines; there is also at most one for each tenth of the whole, so that a log stays short."""
_SOON = 1.0
"""Seconds before which nobody knows how fast it goes."""
_WIDTH = 78


class ProgressLine:
    """``silent``: nothing is ever shown.  What else the command prints comes after `erase`."""

    def __init__(self, *, silent: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._silent, self._clock = silent, clock
        self._drawn = False
        self._next = 0.0
        self._began = self._first = 0.0
        self._tenth = -1
        self._gauge = os.environ.get("TAPEROOM_PROGRESS", "")
        self._next_gauge = 0.0

    def of_bytes(self, done: int, total: int, what: str) -> None:
        """``done`` of ``total`` bytes are read; ``what`` is being read now."""
        from core.model.units import show_size

        def head() -> str:
            return f"{100 * done // max(1, total)}% {show_size(done)} of {show_size(total)}"

        self._show(done, total, head, what)

    def of_many(self, number: int, count: int, what: str) -> None:
        """Thing ``number`` of ``count`` is at work, the first is 1; ``what`` is done with it."""
        self._show(number - 1, count, lambda: f"{number} of {count}", what)

    def erase(self) -> None:
        """Take it away; the next is drawn at once."""
        if self._drawn:
            self._drawn, self._next = False, 0.0
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()

    def _show(self, done: int, total: int, head: Callable[[], str], what: str) -> None:
        from core.report.text import clean, cut

        now = self._clock()
        if not self._began:
            self._began, self._first = now, done
            if not show.can_redraw():
                self._next = now + _PLAIN
        if self._gauge and now >= self._next_gauge:
            self._next_gauge = now + _REDRAW
            self._write(done, total, what, self._seconds_left(now, done, total))
        if self._silent or now < self._next:
            return
        if show.can_redraw():
            self._next, self._drawn = now + _REDRAW, True
            sys.stdout.write("\r\x1b[K" + cut(f"{head()}{self._left(now, done, total)}: {clean(what)}", _WIDTH))
            sys.stdout.flush()
        elif (tenth := 10 * done // max(1, total)) > self._tenth:
            self._next, self._tenth = now + _PLAIN, tenth
            show.say(f"{head()}{self._left(now, done, total)}: {clean(what)}")
            show.flush()

    def _left(self, now: float, done: int, total: int) -> str:
        from core.model.units import show_duration

        left = self._seconds_left(now, done, total)
        return f", {show_duration(left)} left" if left > 0 else ""

    def _seconds_left(self, now: float, done: int, total: int) -> float:
        """-1 while nobody knows."""
        passed, gone = now - self._began, done - self._first
        if passed < _SOON or gone <= 0 or total <= done:
            return -1.0
        return (total - done) * passed / gone

    def _write(self, done: int, total: int, what: str, left: float) -> None:
        """For who looks on; that it cannot be written is no fault of the command."""
        with contextlib.suppress(OSError):
            fresh = f"{self._gauge}.new"
            with open(fresh, "w", encoding="ascii") as file:
                json.dump({"done": done, "total": total, "what": what, "left": round(left, 1)}, file)
            os.replace(fresh, self._gauge)
