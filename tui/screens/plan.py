"""Plan: what is dumped tonight, at which level, and why."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container

from core.client.ahead import Dump
from core.events.view import DiskView
from tui.goto import Goto
from tui.moment import Moment
from tui.panes import coverage, plan
from tui.panes.layout import Row
from tui.panes.messages import code_in
from tui.screens.base import ConsoleScreen, bindings
from tui.subject import Key, Subject
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
        ahead, known = self.query_one("#ahead", Lines), self.console_app.known
        ahead.border_title = "Coming nights"
        ahead.put(plan.ahead_rows(known.coming(), ahead.content_size.width or 38, now.look,
                                  known.no_coming("a replay does not foresee them")))
        totals = self.query_one("#totals", Lines)
        totals.border_title = "Sizes of the night"
        totals.put(plan.totals(now, next(iter(known.coming()), None) if self._of_coming(now) else None))
        detail = self.query_one("#detail", Lines)
        detail.border_title = "This disk"
        width = max(20, detail.size.width)
        soon = self._soon(now)
        detail.put([*(plan.coming_detail(*soon, width) if soon else plan.detail(now, self.chosen(), width)), *self._past(now)])

    def _list(self, now: Moment) -> None:
        """The plan of the run; where there is none, or on demand, what the coming night would dump."""
        known, only, table = self.console_app.known, self.console_app.only, self.query_one("#plan", Table)
        if self.is_current:
            known.want("ahead", 300.0)
        if self._of_coming(now):
            nights = known.coming()
            rows, title = plan.coming(nights), f"Plan  of {'the coming night, from history' if nights else 'no run yet'}"
            empty = known.ahead.state("reading the history …") or "no disk has a history yet: taperoom plan asks the clients"
            empty = "a replay does not foresee the coming night" if known.then is not None else empty
        else:
            rows, title, empty = plan.entries(now), plan.title(now), "the planner has not named a disk yet"
        table.put([row for row in rows if only is None or row.key == "\0".join(only)], title, empty)

    def _of_coming(self, now: Moment) -> bool:
        """Whether the list is of the coming night."""
        return self._coming or now.view.began is None

    def _soon(self, now: Moment) -> tuple[Dump, float] | None:
        """The dump under the cursor when the list is of the coming night, and when that is."""
        nights = self.console_app.known.coming()
        if not nights or not self._of_coming(now):
            return None
        key = self.key()
        return next(((dump, nights[0].at) for dump in nights[0].dumps if (dump.host, dump.disk) == key), None)

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
        """How well the disk is covered; its last nights, too, where there is room for them."""
        key, known = self.key(), self.console_app.known
        if key is None:
            return []
        if self.is_current:
            known.want("coverage", 60.0)
        if not (self.wide or self.tall):
            return coverage.past_rows(known.covered(*key), None, now.look, 3)
        return [(), *coverage.past_rows(known.covered(*key), known.nights_of(*key), now.look, 9)]

    def subject(self) -> Subject:
        """The disk under the cursor, and the marked ones."""
        marked = [key.partition("\0") for key in self.query_one("#plan", Table).marked]
        return Subject(self.key(), tuple((name, of) for name, _, of in marked))

    def action_mark(self) -> None:
        """Mark it."""
        self.query_one("#plan", Table).toggle_mark()

    def code(self) -> str:
        """That of what is said of the disk under the cursor, or of why it is dumped so."""
        disk = self.chosen()
        return code_in(disk.message) or code_in(disk.why) if disk is not None else ""

    def key(self) -> Key | None:
        """The disk under the cursor."""
        host, _, disk = self.query_one("#plan", Table).key.partition("\0")
        return (host, disk) if host else None

    def chosen(self) -> DiskView | None:
        """The disk under the cursor as the run has it."""
        key = self.key()
        return self.console_app.feed.view.disks.get(key) if key else None

    def on_table_moved(self) -> None:
        """Another disk."""
        self.again()

    def action_open(self) -> None:
        """The story of that disk."""
        if key := self.key():
            open_dump(self.console_app, *key)

    def action_traffic(self) -> None:
        """The traffic of that disk."""
        if disk := self.chosen():
            self.console_app.traffic_of(disk)

    def goto(self, where: Goto) -> None:
        """``:plan text`` filters."""
        self.query_one("#plan", Table).set_filter(where.value)
