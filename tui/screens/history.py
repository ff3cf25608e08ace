"""History: how earlier runs went; enter opens one in all the other screens, v shows its report."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container

from core.client.nights import Night, NightRow
from tui.fetch import Fetch
from tui.goto import Goto
from tui.moment import Moment
from tui.panes import history
from tui.screens.base import ConsoleScreen, bindings
from tui.widgets.lines import Lines
from tui.widgets.table import Table

KEPT = 100
"""Runs whose details are kept."""


class HistoryScreen(ConsoleScreen):
    """The runs of this site."""

    where = "history"
    BINDINGS = bindings("history")
    AUTO_FOCUS = "#runs"

    def __init__(self) -> None:
        super().__init__()
        self._nights: dict[tuple[str, str], Fetch[Night]] = {}

    def body(self) -> ComposeResult:
        """All weeks in one line, the runs, and one of them."""
        look = self.console_app.look
        yield Lines(id="weeks", look=look)
        with Container(classes="row"):
            yield Table(history.COLUMNS, id="runs", title="Runs", look=look, empty="reading the journals …")
            yield Lines(id="detail", classes="pane beside", look=look)

    def show(self, now: Moment) -> None:
        """The runs."""
        known = self.console_app.known
        if self.is_current:
            known.want("nights", 5.0)
        rows = known.nights.value or []
        table = self.query_one("#runs", Table)
        table.put(history.entries(rows, now.look), f"Runs  {len(rows)}",
                  known.nights.state("reading the journals …") or "no run has been made yet: taperoom run")
        self.query_one("#weeks", Lines).put([history.weeks(now, rows, self.size.width)] if rows else [])
        detail = self.query_one("#detail", Lines)
        detail.border_title = "This run"
        row = self.chosen()
        night = self._night(row) if row else None
        waiting = night.state("reading its journal …") if night else ""
        detail.put(history.detail(row, night.value if night else None, waiting, detail.content_size.width or self.size.width))

    def _night(self, row: NightRow) -> Fetch[Night] | None:
        """The details of a run, asked for when it is looked at; again when it has got on."""
        if not row.verdict:
            return None
        key = (row.datestamp, row.verdict)
        if key not in self._nights:
            if len(self._nights) >= KEPT:
                self._nights.clear()
            found = self._nights[key] = Fetch()
            door = self.console_app.door
            self.console_app.known.ask(found, lambda: door.night(row.datestamp))
        return self._nights[key]

    def chosen(self) -> NightRow | None:
        """The run under the cursor."""
        key = self.query_one("#runs", Table).key
        return next((row for row in self.console_app.known.nights.value or [] if row.datestamp == key), None)

    def on_table_moved(self) -> None:
        """Another run."""
        self.again()

    def goto(self, where: Goto) -> None:
        """``:history text`` filters."""
        self.query_one("#runs", Table).set_filter(where.value)

    def action_open(self) -> None:
        """Show that run in all screens."""
        if stamp := self.query_one("#runs", Table).key:
            self.console_app.open_run(stamp)

    def action_current(self) -> None:
        """Back to the live or last one."""
        self.console_app.open_run("")

    def action_report(self) -> None:
        """The report of that run, as it was sent in the morning."""
        from tui.screens.report import ReportScreen

        row = self.chosen()
        night = self._night(row) if row else None
        if row is None or night is None or night.value is None:
            self.console_app.say("its journal is still being read" if row else "choose a run first", bad=True)
        else:
            self.app.push_screen(ReportScreen(row.datestamp, night.value.report, self.console_app.look))
