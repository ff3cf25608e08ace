"""What plain lines say beside the facts of the journal: why disks wait, who looks on, how far the run is.

A console shows these at every moment; lines say them when they change, and no more often than someone wants to hear it.
Knows no clock of its own.
"""

from __future__ import annotations

import re

from core.events.gauges import Gauges
from core.events.view import FINAL, DiskState, RunView
from core.model.units import show_duration, show_kib
from core.report.progress import of_run
from core.report.text import clean, count
from core.report.waits import beside_the_rest

WAITING_EVERY = 60.0
"""Seconds at least between two words on why disks wait."""
PROGRESS_EVERY = 300.0
"""Seconds between two words on how far the run is."""
_NAMED = 3


class Beside:
    """Lines for the gauges of a live run; ``begun`` when following began, in seconds of any clock that only goes on."""

    def __init__(self, begun: float) -> None:
        self._waiting_at = self._progress_at = begun
        self._waiting: dict[str, tuple[str, ...]] = {}
        self._consoles: list[str] | None = None

    def lines(self, view: RunView, gauges: Gauges, now: float, at: float) -> list[str]:
        """What is new since it was asked last; ``now`` of the same clock as ``begun``, ``at`` since the epoch."""
        if not gauges.at or view.ended is not None:
            return []
        found = self._attached(gauges)
        if now - self._waiting_at >= WAITING_EVERY:
            found += self._why(view, gauges, now)
        if now - self._progress_at >= PROGRESS_EVERY:
            self._progress_at = now
            found.append(f"so far {progress_text(view, gauges, at)}")
        return found

    def _attached(self, gauges: Gauges) -> list[str]:
        """Who came and who left; who was there at first is not told."""
        before, self._consoles = self._consoles, list(gauges.consoles)
        if before is None:
            return []
        came = [name for name in gauges.consoles if name not in before]
        left = [name for name in before if name not in gauges.consoles]
        return [*(f"{clean(name)} attached" for name in came), *(f"{clean(name)} detached" for name in left)]

    def _why(self, view: RunView, gauges: Gauges, now: float) -> list[str]:
        groups: dict[str, list[str]] = {}
        for title, reason in gauges.waiting.items():
            groups.setdefault(_lasting(reason, view), []).append(title)
        fresh = {reason: tuple(sorted(titles)) for reason, titles in groups.items()}
        # Most reasons stand for hours: only those that came, or hold other disks now, are worth a line.
        said = [f"WAITING {_names(titles)}: {clean(reason)}" for reason, titles in sorted(fresh.items())
                if self._waiting.get(reason) != titles]
        if fresh != self._waiting:
            self._waiting, self._waiting_at = fresh, now
        return said


def _lasting(reason: str, view: RunView) -> str:
    """A reason without what the line of a request has told already, so that its clock makes no new reason each minute."""
    reason = beside_the_rest(reason, view)
    for question in view.open_questions:
        head = f"request {question.asked.id} ({question.asked.code})"
        reason = re.sub(rf"({re.escape(head)}), {re.escape(question.asked.default)} in [0-9a-z]+", r"\1", reason)
    return reason


def _names(titles: tuple[str, ...]) -> str:
    shown = ", ".join(clean(title) for title in titles[:_NAMED])
    return f"{shown} and {len(titles) - _NAMED} more" if len(titles) > _NAMED else shown


def progress_text(view: RunView, gauges: Gauges, now: float) -> str:
    """How far a run is, in one line."""
    at = of_run(view, gauges, now)
    text = f"{view.count(*FINAL)}/{count(len(view.disks), 'disk')}, {view.count(DiskState.DUMPING)} dumping"
    text += f", {show_kib(at.dumped)}"
    text += f" of {show_kib(at.planned)} ({at.percent}%)" if at.percent is not None else ""
    text += f", {show_kib(at.written)} on volumes"
    text += f", {show_kib(at.rate)}/s" if at.rate else ""
    text += f", {show_duration(at.left)} left" if at.left is not None else ""
    asked = len(view.open_questions)
    return text + (f", {count(asked, 'open request')}" if asked else "")
