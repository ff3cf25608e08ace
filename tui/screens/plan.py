"""Plan: what is dumped tonight, at which level, and why."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container

from core.events.view import DiskView
from tui.goto import Goto
from tui.moment import Moment
from tui.panes import coverage, plan
from tui.panes.layout import Row
from tui.screens.base import ConsoleScreen, bindings
from tui.subject import Subject
from tui.travel import open_dump
from tui.widgets.lines import Lines
from tui.widgets.table import Table


class PlanScreen(ConsoleScreen):
    """The plan."""

    where = "plan"
    BINDINGS = bindings("plan")
    AUTO_FOCUS = "#plan"
    _coming = False

    def body(self) -> ComposeResult:
        """The disks, totals and one disk."""
        with Container(classes="row"):
            yield Table(plan.COLUMNS, id="plan", title="Plan", look=self.console_app.look,
                        empty="the planner has not named a disk yet")
            with Container(classes="column beside"):
                yield Lines(id="totals", classes="pane", look=self.console_app.look)
                yield Lines(id="ahead", classes="pane", look=self.console_app.look)
                yield Lines(id="detail", classes="pane", look=self.console_app.look)

    def show(self, now: Moment) -> None:
        """All panes."""
        self._list(now)
        ahead, known = self.query_one("#ahead", Lines), self.console_app.known.ahead
        ahead.border_title = "Coming nights"
        ahead.put(plan.ahead_rows(known.value or [], ahead.content_size.width or 38, now.look,
                                  known.state("reading the history …") or "no disk has a history yet"))
        totals = self.query_one("#totals", Lines)
        totals.border_title = "Sizes of the night"
        totals.put(plan.totals(now))
        detail = self.query_one("#detail", Lines)
        detail.border_title = "This disk"
        detail.put([*plan.detail(now, self.chosen(), max(20, detail.size.width)), *self._past(now)])

    def _list(self, now: Moment) -> None:
        """The plan of the run; where there is none, or on demand, what the coming night would dump."""
        known, only, table = self.console_app.known, self.console_app.only, self.query_one("#plan", Table)
        if self.is_current:
            known.want("ahead", 300.0)
        if self._coming or now.view.began is None:
            nights = known.ahead.value or []
            rows, title = plan.coming(nights), f"Plan  of {'the coming night, from history' if nights else 'no run yet'}"
            empty = known.ahead.state("reading the history …") or "no disk has a history yet: taperoom plan asks the clients"
        else:
            rows, title, empty = plan.entries(now), plan.title(now), "the planner has not named a disk yet"
        table.put([row for row in rows if only is None or row.key == "\0".join(only)], title, empty)

    def action_coming(self) -> None:
        """A dry run: the coming night, or the plan of this run again."""
        self._coming = not self._coming
        self.query_one("#plan", Table).restart()
        self.again()

    def action_back(self) -> None:
        """Esc: show all, then the plan of this run."""
        if self._coming and not self.query_one("#plan", Table).filter:
            self.action_coming()
        else:
            super().action_back()

    def _past(self, now: Moment) -> list[Row]:
        """How well the disk is covered, where there is room for it."""
        chosen, known = self.chosen(), self.console_app.known
        if chosen is None or not (self.wide or self.tall):
            return []
        if self.is_current:
            known.want("coverage", 60.0)
        nights = known.nights_of(chosen.host, chosen.disk)
        return [(), *coverage.past_rows(known.covered(chosen.host, chosen.disk), nights, now.look, 9)]

    def subject(self) -> Subject:
        """The disk under the cursor, and the marked ones."""
        table = self.query_one("#plan", Table)
        host, _, disk = table.key.partition("\0")
        marked = [key.partition("\0") for key in table.marked]
        return Subject((host, disk) if host else None, tuple((name, of) for name, _, of in marked))

    def action_mark(self) -> None:
        """Mark it."""
        self.query_one("#plan", Table).toggle_mark()

    def chosen(self) -> DiskView | None:
        """The disk under the cursor."""
        host, _, disk = self.query_one("#plan", Table).key.partition("\0")
        return self.console_app.feed.view.disks.get((host, disk))

    def on_table_moved(self) -> None:
        """Another disk."""
        self.again()

    def action_open(self) -> None:
        """The story of that disk."""
        if disk := self.chosen():
            open_dump(self.console_app, disk.host, disk.disk)

    def action_traffic(self) -> None:
        """The traffic of that disk."""
        if disk := self.chosen():
            self.console_app.traffic_of(disk)

    def goto(self, where: Goto) -> None:
        """``:plan text`` filters."""
        self.query_one("#plan", Table).set_filter(where.value)
