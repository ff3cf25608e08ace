"""History: how earlier runs went; enter opens one in all the other screens."""

from __future__ import annotations

import asyncio

from textual.app import ComposeResult

from core.client.runs import list_runs, view_of
from tui.moment import Moment
from tui.panes import history
from tui.screens.base import ConsoleScreen, bindings
from tui.widgets.lines import Lines
from tui.widgets.table import Table

MOST = 200
"""Runs that are listed, the newest ones."""


class HistoryScreen(ConsoleScreen):
    """The runs of this site."""

    where = "history"
    BINDINGS = bindings("history")
    AUTO_FOCUS = "#runs"

    def __init__(self) -> None:
        super().__init__()
        self._pasts: dict[str, history.Past] = {}
        self._reading = False

    def body(self) -> ComposeResult:
        """The runs, and one of them."""
        yield Table(history.COLUMNS, id="runs", title="Runs", look=self.console_app.look, empty="reading the journals …")
        yield Lines(id="detail", classes="pane", look=self.console_app.look)

    def on_screen_resume(self) -> None:
        """Look which runs there are."""
        super().on_screen_resume()
        if not self._reading:
            self._reading = True
            self.run_worker(self.read(), exit_on_error=False)

    async def read(self) -> None:
        """Read journals that are not known yet, or have no end; each in a thread, the newest first."""
        try:
            runs = list(reversed(list_runs(self.console_app.feed.state_dir)))[:MOST]
            for run in runs:
                live = run.live()
                known = self._pasts.get(run.datestamp)
                if known is None or live or known.result in ("live", "no end"):
                    view = await asyncio.to_thread(view_of, run)
                    self._pasts[run.datestamp] = history.past_of(run.datestamp, view, live and view.ended is None)
                    self.again()
            if not runs:
                self.query_one("#runs", Table).put([], empty="no run has been made yet: taperoom run")
        finally:
            self._reading = False

    def show(self, now: Moment) -> None:
        """The runs."""
        pasts = [self._pasts[stamp] for stamp in sorted(self._pasts, reverse=True)]
        table = self.query_one("#runs", Table)
        table.put(history.entries(pasts, now.look), f"Runs  {len(pasts)}")
        detail = self.query_one("#detail", Lines)
        detail.border_title = "This run"
        detail.put(history.detail(self._pasts.get(table.key)))

    def on_table_moved(self) -> None:
        """Another run."""
        self.again()

    def action_open(self) -> None:
        """Show that run in all screens."""
        if stamp := self.query_one("#runs", Table).key:
            self.console_app.open_run(stamp)

    def action_current(self) -> None:
        """Back to the live or last one."""
        self.console_app.open_run("")
