"""One dump: how it stands, why it waits, what happened to it, its parts, what its client said, and its own traffic.

It lies over the screen from which it was opened; esc leads back there.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from core.client.follow import Journal
from core.client.runs import Run
from core.events.event import Record
from core.events.view import DiskView
from tui.clean import clean
from tui.moment import Moment
from tui.panes import coverage, dump, protocol
from tui.panes.layout import Row
from tui.screens.base import ConsoleScreen, bindings
from tui.story import Story
from tui.subject import Subject
from tui.traffic import Line, earlier_lines
from tui.widgets.ink import heading
from tui.widgets.lines import Lines
from tui.widgets.ringlog import RingLog
from tui.widgets.table import Table


class DumpScreen(ConsoleScreen):
    """The story of one disk in the run that is shown."""

    where = "dump"
    BINDINGS = bindings("dump")
    AUTO_FOCUS = "#steps"

    def __init__(self, host: str, disk: str) -> None:
        super().__init__()
        self.story = Story(host, disk)
        self._journal: Journal | None = None
        self._of: Run | None = None
        self._pending: list[Record] = []
        self._early: list[Line] = []
        self._known = 0

    def body(self) -> ComposeResult:
        """Facts and words beside the story and the parts; the traffic below."""
        look = self.console_app.look
        with Container(classes="row", id="dump"):
            with Container(id="told", classes="column"):
                yield Lines(id="facts", grows=True, classes="pane", look=look)
                yield Table(dump.STEPS, id="steps", title="What happened", look=look, empty="reading the journal …")
            with Container(id="extra", classes="column"):
                yield Lines(id="said", classes="pane", look=look)
                yield Table(dump.PIECES, id="pieces", title="Parts", look=look, empty="nothing of it is on a volume yet")
        draw = lambda line: (protocol.line_spans if self.wide else protocol.short_spans)(line)  # noqa: E731
        yield RingLog(draw, id="own", title="Its traffic", look=look)

    # ---- what it is made of ------------------------------------------------------------

    def refill(self) -> None:
        """From the beginning: another run, or the first time."""
        if self._journal is not None:
            self._journal.close()
        self._of = self.console_app.feed.run
        self.story = Story(self.story.host, self.story.disk)
        self._journal = Journal(self._of) if self._of else None
        self._pending, self._early, self._known = [], [], 0
        self.query_one(RingLog).reset([])

    def on_unmount(self) -> None:
        """Forget the journal."""
        if self._journal is not None:
            self._journal.close()

    def _read(self, seq: int) -> None:
        """Facts up to the last one that the run's view has: a view of the past has fewer than the journal."""
        if self._journal is None or self._of != self.console_app.feed.run:
            self.refill()
        if self.story.seq > seq:
            self.refill()
        while self._journal is not None and (not self._pending or self._pending[-1].seq < seq):
            with suppress(OSError):
                if more := self._journal.read():
                    self._pending += more
                    continue
            break
        ready = [record for record in self._pending if record.seq <= seq]
        self._pending = self._pending[len(ready):]
        for record in ready:
            self.story.take(record)

    def _traffic(self) -> None:
        """All lines again when there is another handle of it; those that the console does not keep come from the log."""
        if len(self.story.handles) == self._known:
            return
        self._known = len(self.story.handles)
        kept = self.console_app.feed.traffic
        own = [line for line in kept.lines if self.story.about(line.text)]
        self.query_one(RingLog).reset([*self._early, *own])
        if self._of is not None and kept.lines and self.console_app.feed.cut_off:
            self.run_worker(self._earlier(self._of, kept.lines[0].at), exit_on_error=False, exclusive=True, group="early")

    async def _earlier(self, run: Run, before: float) -> None:
        found = await asyncio.to_thread(earlier_lines, run.traffic, self.story.about, before)
        if found and run == self._of:
            self._early = found
            self.query_one(RingLog).reset(
                [*found, *(line for line in self.console_app.feed.traffic.lines if self.story.about(line.text))])

    def stream(self, lines: list[Line]) -> None:
        """More traffic."""
        self.query_one(RingLog).extend([line for line in lines if self.story.about(line.text)])

    # ---- what is shown -----------------------------------------------------------------

    @property
    def view(self) -> DiskView:
        """The disk as the run has it now; one that it does not know yet stands for itself."""
        key = (self.story.host, self.story.disk)
        return self.console_app.feed.view.disks.get(key) or DiskView(*key)

    def show(self, now: Moment) -> None:
        """All panes."""
        self._read(now.view.seq)
        self._traffic()
        story, known = self.story, self.console_app.known
        if self.is_current:
            known.want("coverage", 60.0)
        facts = self.query_one("#facts", Lines)
        room = facts.content_size.width or self.size.width
        known_here = (story.host, story.disk) in now.view.disks
        rows = dump.facts(now, self.view, room) if known_here else [((" this run does not dump it", "muted"),)]
        limit = len(rows) if self.tall else 5
        facts.put(rows[:limit])
        facts.border_title = heading(clean(story.title), facts.outer_size.width, now.look)
        self.query_one("#steps", Table).put(dump.steps(now, story), f"What happened  {len(story.steps)}",
                                            "the journal has nothing about this disk yet")
        said = self.query_one("#said", Lines)
        words: list[Row] = dump.said(story, said.content_size.width or room)
        past = coverage.past_rows(known.covered(story.host, story.disk), known.nights_of(story.host, story.disk), now.look, 10)
        alone = not story.steps and not story.said
        said.put(past if alone and past else [*words, (), *past])
        said.border_title = "What was said" if not past else "Other nights" if alone else "What was said, and other nights"
        self.query_one("#pieces", Table).put(dump.pieces(story), dump.pieces_title(story))
        self.set_class(bool(story.pieces), "-pieces")
        self.set_class(bool(story.said) or not known_here, "-said")
        self.query_one(RingLog).flush()

    def subject(self) -> Subject:
        """This disk."""
        return Subject(disk=(self.story.host, self.story.disk))

    def code(self) -> str:
        """The code of the step under the cursor."""
        key = self.query_one("#steps", Table).key
        return next((step.code for step in self.story.steps if str(step.seq) == key), "")

    def listed(self) -> Widget | None:
        """``/`` filters what happened."""
        return self.query_one("#steps", Table)

    def action_toggle_follow(self) -> None:
        """Pause the traffic."""
        self.query_one(RingLog).action_toggle_follow()

    def action_traffic(self) -> None:
        """The traffic of this disk among all the rest."""
        self.console_app.traffic_of(self.view)

    def action_open(self) -> None:
        """Explain the code of the step under the cursor."""
        self.action_explain()

    def action_back(self) -> None:
        """Esc: show all, then back to where it was opened."""
        table = self.query_one("#steps", Table)
        if table.filter:
            table.set_filter("")
        else:
            self.put_tip_away()
            self.dismiss()
