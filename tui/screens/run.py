"""Run: what happens now, and what waits for me.  Dumpers, tape and holding disk, every disk, and the traffic."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from core.events.view import DiskState, DiskView
from tui.format import plural
from tui.goto import Goto
from tui.moment import Link, Moment
from tui.panes import coverage, protocol, run, standing, tape
from tui.panes.layout import Row
from tui.screens.base import ConsoleScreen, bindings
from tui.subject import Subject
from tui.traffic import Line
from tui.travel import open_dump
from tui.widgets.lines import Lines
from tui.widgets.ringlog import RingLog
from tui.widgets.table import Table


class RunScreen(ConsoleScreen):
    """The first screen."""

    where = "run"
    BINDINGS = bindings("run")
    AUTO_FOCUS = "#disks"

    def body(self) -> ComposeResult:
        """Dumpers beside tape and holding, disks, traffic."""
        look = self.console_app.look
        yield Lines(id="empty", look=self.console_app.look)
        with Container(id="top"):
            dumpers = Table(run.DUMPERS, id="dumpers", title="Dumpers", look=look, empty="no dumper was started yet")
            dumpers.can_focus = False
            yield dumpers
            yield Lines(id="side", classes="pane", look=self.console_app.look)
        yield Lines(id="figures", look=self.console_app.look)
        yield Table(run.DISKS, id="disks", title="Disks", look=look, empty="the planner has not named a disk yet")
        draw = lambda line: (protocol.line_spans if self.wide else protocol.short_spans)(line)  # noqa: E731
        yield RingLog(draw, id="traffic", title="Protocol", look=look)

    def refill(self) -> None:
        """The traffic of the run that is shown now."""
        self.query_one(RingLog).reset(self.console_app.feed.traffic.lines)

    def stream(self, lines: list[Line]) -> None:
        """More traffic."""
        self.query_one(RingLog).extend(lines)

    def show(self, now: Moment) -> None:
        """All panes."""
        self.set_class(now.view.began is None, "-empty")
        self.set_class(now.over, "-over")
        resting = now.over or now.view.began is None
        if resting:
            self._at_rest(now)
        else:
            self._at_work(now)
        self.query_one(RingLog).flush()

    def _at_rest(self, now: Moment) -> None:
        """No run lives: how the last one ended, and how well each disk is covered."""
        known = self.console_app.known
        for name in ("coverage", "shelves", "spool", "clients"):
            known.want(name, 60.0)
        if now.view.began is None:
            self.query_one("#empty", Lines).put(empty_rows(now))
        self._figures(standing.rows(
            now, known.shelves.value, known.spool.value, known.clients.value, known.coverage.value, self.size.width))
        disks, covered = self.query_one("#disks", Table), known.coverage.value
        if covered is None and now.view.began is not None:
            disks.set_columns(run.DISKS)
            disks.put(run.disk_rows(now), f"Disks  {len(now.view.disks)}")
            return
        disks.set_columns(coverage.COLUMNS)
        disks.put(coverage.entries(now, covered or []), coverage.title(covered or [], len(now.view.disks)),
                  known.coverage.state("looking for the last backups …") or "the configuration names no disk")

    def _at_work(self, now: Moment) -> None:
        """A run lives, or an earlier moment of one is shown."""
        side = tape.tall_rows(now, self.query_one("#side").size.width)
        dumpers = run.dumper_rows(now, max(8, len(side) - 1) if self.wide else 0)
        busy = sum(1 for handle in now.view.dumpers.values() if handle)
        table = self.query_one("#dumpers", Table)
        table.put(dumpers, f"Dumpers  {busy} of {len(now.view.dumpers)} at work")
        self._heights(len(dumpers) + 1, len(side))
        self.query_one("#side", Lines).put(side)
        self.query_one("#side", Lines).border_title = "Tape and holding"
        self._figures(tape.short_rows(now, self.size.width))
        disks = run.disk_rows(now)
        self.query_one("#disks", Table).set_columns(run.DISKS)
        left = sum(1 for disk in now.view.disks.values() if disk.state in (DiskState.PLANNED, DiskState.RETRY))
        self.query_one("#disks", Table).put(disks, f"Disks  {len(disks)}" + (f", {left} to dump" if left else "") + (
            f", {plural(len(now.view.estimating), 'client')} still asked" if now.view.estimating else ""))

    def _figures(self, rows: list[Row]) -> None:
        figures = self.query_one("#figures", Lines)
        if figures.styles.height is None or figures.styles.height.value != len(rows):
            figures.styles.height = len(rows)
        figures.put(rows)

    def _heights(self, dumpers: int, side: int) -> None:
        if self.wide:
            wanted = min(max(dumpers, side), max(8, self.size.height // 3)) + 2
        else:
            wanted = min(dumpers, max(4, self.size.height // 4))
        for name in ("#dumpers", "#side"):
            widget = self.query_one(name)
            if widget.styles.height is None or widget.styles.height.value != wanted:
                widget.styles.height = wanted

    def listed(self) -> Widget | None:
        """``/`` filters the disks."""
        return self.query_one("#disks", Table)

    def action_toggle_follow(self) -> None:
        """Pause the traffic; where none flows, mark the disk under the cursor for the next run."""
        disks = self.query_one("#disks", Table)
        if self.focused is disks and self.console_app.feed.link in (Link.NONE, Link.ENDED, Link.DEAD):
            disks.toggle_mark()
            return
        self.query_one(RingLog).action_toggle_follow()

    def action_zoom(self) -> None:
        """The pane with the keyboard at full size."""
        focused = self.focused if self.focused and self.focused.has_class("pane") else self.query_one("#disks")
        on = not self.has_class("-zoom")
        for pane in self.query(".pane"):
            pane.set_class(on and pane is focused, "-zoomed")
        self.set_class(on, "-zoom")

    def action_back(self) -> None:
        """Esc: no zoom, no filter."""
        if self.has_class("-zoom"):
            self.action_zoom()
        else:
            super().action_back()

    def chosen(self) -> DiskView | None:
        """The disk under the cursor."""
        host, _, disk = self.query_one("#disks", Table).key.partition("\0")
        return self.console_app.feed.view.disks.get((host, disk))

    def action_open(self) -> None:
        """The story of that disk."""
        host, _, disk = self.query_one("#disks", Table).key.partition("\0")
        if host:
            open_dump(self.console_app, host, disk)

    def action_traffic(self) -> None:
        """The traffic of that disk."""
        if disk := self.chosen():
            self.console_app.traffic_of(disk)

    def subject(self) -> Subject:
        """The disk under the cursor, and the marked ones."""
        table = self.query_one("#disks", Table)
        host, _, disk = table.key.partition("\0")
        marked = [key.partition("\0") for key in table.marked]
        return Subject((host, disk) if host else None, tuple((name, of) for name, _, of in marked))

    def goto(self, where: Goto) -> None:
        """A disk or a client by name."""
        table = self.query_one("#disks", Table)
        table.focus()
        if where.what in ("client", "host", "filter"):
            table.set_filter(where.value)
            return
        host, _, disk = where.value.partition(":")
        if not table.go_to(f"{host}\0{disk}"):
            table.set_filter(where.value)


def empty_rows(now: Moment) -> list[Row]:
    """What to do when there is no run."""
    begun = "No run has been made yet." if now.link is Link.NONE else "The run has not written a fact yet."
    return [(("", ""), (f" {begun}", "title"), ("  This screen follows a run as soon as there is one.", "muted")), (),
            ((" Check first   ", "muted"), ("taperoom check", ""), ("   6 shows the clients", "muted")),
            ((" Start one     ", "muted"), ("taperoom run", ""), ("     s starts it from here", "muted"))]
