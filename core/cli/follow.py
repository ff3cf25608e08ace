"""Following a run in plain text: a line a fact, and on a terminal one line of progress below them.

The progress line is drawn again at most once a second.  Ctrl-C ends the following, never the run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.cli import show

if TYPE_CHECKING:
    from core.client.runs import Run
    from core.events.event import Record
    from core.events.view import RunView

_LOOK = 0.1
"""Seconds between two looks at the journal when nothing is new."""
_REDRAW = 1.0
DETACHED = "the run goes on: 'taperoom attach' or 'taperoom status' shows it, 'taperoom stop' ends it"


def follow(run: Run, *, json: bool = False, quiet_until: int = 0) -> RunView:
    """Print what happens until the run has ended, or its driver is gone; the view at that moment.

    Facts up to number ``quiet_until`` are folded and not printed.
    """
    from core.client.follow import Journal
    from core.events.event import RunEnded
    from core.events.view import RunView

    view, journal, line = RunView(), Journal(run), Progress(run, show.can_redraw() and not json)
    write = _json_line if json else _plain_line
    try:
        while True:
            alive = run.live()
            records = journal.read()
            if records:
                line.erase()
                for record in records:
                    view.apply(record)
                    if record.seq > quiet_until:
                        write(record, view)
                if isinstance(records[-1].event, RunEnded):
                    return view
            elif not alive:
                return view
            line.draw(view)
            sys.stdout.flush()
            if not records:
                time.sleep(_LOOK)
    finally:
        line.erase()
        sys.stdout.flush()
        journal.close()


def detachable(work: Callable[[], int]) -> int:
    """Do ``work``; Ctrl-C ends it with a word on the run, and exit code 130."""
    from core.cli.main import INTERRUPTED

    try:
        return work()
    except KeyboardInterrupt:
        show.tell(f"\n{DETACHED}")
        return INTERRUPTED


def end_of(run: Run, view: RunView) -> int:
    """The exit code of a run that was followed to its end.  StartError RUN023 when it had none."""
    from core.errors import StartError

    if view.ended is None:
        raise StartError("RUN023", f"run {run.datestamp} ended without a last word: its driver is gone",
                         "dumps that were whole are safe; 'taperoom cleanup' removes the others")
    return view.ended.code


def _plain_line(record: Record, view: RunView) -> None:
    from core.report.lines import line_of
    from core.report.text import clock

    text = line_of(record, view)
    if text is not None:
        print(f"{clock(record.at)} {text}")


def _json_line(record: Record, view: RunView) -> None:
    from core.events.codec import encode

    sys.stdout.write(encode(record).decode())


class Progress:
    """The line at the bottom."""

    def __init__(self, run: Run, wanted: bool) -> None:
        self._run, self._wanted, self._next, self._drawn = run, wanted, 0.0, False

    def draw(self, view: RunView) -> None:
        """Draw it again if its time has come."""
        now = time.monotonic()
        if not self._wanted or (self._drawn and now < self._next):
            return
        self._next, self._drawn = now + _REDRAW, True
        sys.stdout.write(f"\r\x1b[K{self._text(view)}")

    def erase(self) -> None:
        """Take it away, so that a line can stand in its place."""
        if self._drawn:
            sys.stdout.write("\r\x1b[K")
            self._drawn = False

    def _text(self, view: RunView) -> str:
        import shutil

        from core.client.follow import read_gauges
        from core.events.view import FINAL, DiskState
        from core.model.units import show_duration, show_kib
        from core.report.progress import of_run
        from core.report.text import count, cut

        at = of_run(view, read_gauges(self._run), time.time())
        final = view.count(*FINAL)
        dumping = view.count(DiskState.DUMPING)
        text = f"{final}/{count(len(view.disks), 'disk')}, {dumping} dumping, {show_kib(at.dumped)}"
        text += f" of {show_kib(at.planned)} ({at.percent}%)" if at.percent is not None else ""
        text += f", {show_kib(at.written)} on volumes"
        text += f", {show_kib(at.rate)}/s" if at.rate else ""
        text += f", {show_duration(at.left)} left" if at.left is not None else ""
        asked = len(view.open_questions)
        text += f", {count(asked, 'open request')}" if asked else ""
        return cut(text, shutil.get_terminal_size().columns - 1)
