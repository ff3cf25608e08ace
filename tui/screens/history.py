"""History: how earlier runs went; enter opens one in all the other screens, v shows its report."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container

from core.client.nights import Night, NightRow
from tui.clean import clean
from tui.commands import words
from tui.deeds import Deed
from tui.fetch import Fetch
from tui.goto import Goto
from tui.moment import Moment
from tui.panes import coverage, history
from tui.screens.base import ConsoleScreen, bindings
from tui.subject import Subject, title_of
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
        self._by_disk = False
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
        rows = known.runs()
        self._list(now)
        self.query_one("#weeks", Lines).put([history.weeks(now, rows, self.size.width)] if rows else [])
        detail = self.query_one("#detail", Lines)
        if (key := self.query_one("#runs", Table).key) and "\0" in key:
            self._of_disk(now, detail, key)
            return
        detail.border_title = "This run"
        row = self.chosen()
        night = self._night(row) if row else None
        waiting = night.state("reading its journal …") if night else ""
        detail.put(history.detail(row, night.value if night else None, waiting, detail.content_size.width or self.size.width))

    def _list(self, now: Moment) -> None:
        """The runs; the disks; or the nights of the one disk that is shown."""
        app, known, table = self.console_app, self.console_app.known, self.query_one("#runs", Table)
        if app.only is not None:
            nights = known.nights_of(*app.only)
            table.set_columns(history.OF_DISK)
            table.put(history.disk_nights(nights or [], now.look), f"Nights of {title_of(app.only)}  {len(nights or [])}",
                      "reading the catalogue …" if nights is None else "no run has dumped it yet")
        elif self._by_disk:
            known.want("coverage", 60.0)
            disks = known.covers() or []
            table.set_columns(history.BY_DISK)
            table.put(history.by_disk(disks, now.look), f"Disks  {len(disks)}",
                      known.coverage.state("reading the catalogue …") or "the configuration names no disk")
        else:
            rows = known.runs()
            table.set_columns(history.COLUMNS)
            table.put(history.entries(rows, now.look), f"Runs  {len(rows)}",
                      known.nights.state("reading the journals …") or "no run has been made yet: taperoom run")

    def _of_disk(self, now: Moment, detail: Lines, key: str) -> None:
        """How well the disk under the cursor is covered, and its last nights."""
        host, _, disk = key.partition("\0")
        known = self.console_app.known
        detail.border_title = "This disk"
        detail.put([((f" {clean(f'{host}:{disk}')}", "title"),), *coverage.past_rows(
            known.covered(host, disk), known.nights_of(host, disk), now.look, max(4, detail.content_size.height - 1))])

    def _night(self, row: NightRow) -> Fetch[Night] | None:
        """The details of a run, asked for when it is looked at; again when it has got on.  They are of its end: a replay that
        has not reached that has none of its own run."""
        then = self.console_app.known.then
        if not row.verdict or (then is not None and then.stamp == row.datestamp and not row.ended):
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
        return next((row for row in self.console_app.known.runs() if row.datestamp == key), None)

    def on_table_moved(self) -> None:
        """Another run."""
        self.again()

    def goto(self, where: Goto) -> None:
        """``:history text`` filters."""
        self.query_one("#runs", Table).set_filter(where.value)

    def subject(self) -> Subject:
        """The disk under the cursor, where disks are listed."""
        host, _, disk = self.query_one("#runs", Table).key.partition("\0")
        return Subject(disk=(host, disk) if disk else self.console_app.only)

    def action_by_disk(self) -> None:
        """The disks, or the runs again."""
        self._by_disk = self.console_app.only is None and not self._by_disk
        self.query_one("#runs", Table).restart()
        if self.console_app.only is not None:
            self.console_app.narrow(None)
        self.again()

    def action_open(self) -> None:
        """Show that run in all screens; of a disk its nights."""
        key = self.query_one("#runs", Table).key
        if "\0" in key:
            host, _, disk = key.partition("\0")
            self._by_disk = False
            self.query_one("#runs", Table).restart()
            self.console_app.narrow((host, disk))
        elif key:
            self.console_app.open_run(key)

    def action_back(self) -> None:
        """Esc: show all, then the runs again."""
        table = self.query_one("#runs", Table)
        if self._by_disk and not table.filter:
            self.action_by_disk()
        else:
            super().action_back()

    def action_export(self) -> None:
        """That run as one file."""
        row = self.chosen()
        if row is None:
            self.console_app.say("choose a run first", bad=True)
        else:
            stamp = row.datestamp
            self.console_app.actor.do(Deed("Export", words("export", stamp), call=lambda hand: hand.export(stamp),
                                             noted=False))

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
