"""Following a run in plain text: a line a fact, and now and then one on what no fact tells (`core.cli.beside`).

Everything that the console says is said, without a control character in the lines: for pipes and screen readers.  On a
terminal one line of progress stands below them and is drawn again at most once a second.  Ctrl-C ends the following, never
the run.
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
    from core.cli.beside import Beside
    from core.client.follow import Journal, read_gauges
    from core.events.event import RunEnded
    from core.events.view import RunView

    view, journal, line = RunView(), Journal(run), Progress(run, show.can_redraw() and not json)
    beside, look = Beside(time.monotonic()), 0.0
    write = _json_line if json else plain_line
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
            if alive and not json and time.monotonic() >= look:
                look = time.monotonic() + _REDRAW
                _say_beside(beside.lines(view, read_gauges(run), time.monotonic(), time.time()), line)
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
    from core.client.lock_dead import why_without_end
    from core.errors import StartError

    if view.ended is None:
        why = "".join(f"; {line.partition('  Hint: ')[0]}" for line in why_without_end(run.path)[-1:])
        raise StartError("RUN023", f"run {run.datestamp} ended without a last word: its driver is gone{why}",
                         "dumps that were whole are safe; 'taperoom cleanup' removes the others")
    return view.ended.code


def plain_line(record: Record, view: RunView) -> None:
    """Print what a fact says, if it says anything to an operator; a request with the command for each choice."""
    from core.events.event import QuestionAsked
    from core.report.lines import choices_of, line_of
    from core.report.text import clean, clock

    text = line_of(record, view)
    if text is None:
        return
    # Names are clean already; this is so that no kind of fact can ever move the cursor.
    print(f"{clock(record.at)} {clean(text)}")
    if isinstance(record.event, QuestionAsked):
        for choice in choices_of(record.event):
            print(f"{clock(record.at)}   {choice}")


def _say_beside(lines: list[str], line: Progress) -> None:
    from core.report.text import clock

    if lines:
        line.erase()
    for text in lines:
        print(f"{clock(time.time())} {text}")


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

        from core.cli.beside import progress_text
        from core.client.follow import read_gauges
        from core.report.text import cut

        text = progress_text(view, read_gauges(self._run), time.time())
        return cut(text, shutil.get_terminal_size().columns - 1)
