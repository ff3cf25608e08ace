"""Clients: who would work, who is overdue, and asking them."""

from __future__ import annotations

from collections.abc import Collection

from textual.app import ComposeResult
from textual.containers import Container

from core.client.clients import ClientRow
from tui.goto import Goto
from tui.moment import Moment
from tui.panes import clients
from tui.screens.base import ConsoleScreen, bindings
from tui.subject import Subject
from tui.widgets.ink import heading
from tui.widgets.lines import Lines
from tui.widgets.table import Table


class ClientsScreen(ConsoleScreen):
    """The clients of this site."""

    where = "clients"
    BINDINGS = bindings("clients")
    AUTO_FOCUS = "#clients"

    def body(self) -> ComposeResult:
        """The clients, and one of them."""
        look = self.console_app.look
        with Container(classes="row"):
            yield Table(clients.COLUMNS, id="clients", title="Clients", look=look, empty="reading the disklist …")
            yield Lines(id="detail", classes="pane beside", look=look)

    def show(self, now: Moment) -> None:
        """Both panes."""
        known, checking = self.console_app.known, self.console_app.known.checking
        if self.is_current:
            known.want("clients")
            if known.then is not None:  # what covered their disks then is another question than what does now
                known.want("coverage", 60.0)
        only = self.console_app.only
        rows = [row for row in known.of_clients() or [] if only is None or row.host == only[0]]
        table = self.query_one("#clients", Table)
        table.put(clients.entries(now, rows, checking), clients.title(rows, checking) if rows else "Clients",
                  known.clients.state("reading the disklist …") or "the configuration names no client")
        detail = self.query_one("#detail", Lines)
        detail.border_title = heading("This client", detail.outer_size.width, now.look)
        said = clients.detail(now, self.chosen(), checking, detail.content_size.width or self.size.width,
                              detail.content_size.height or 99)
        detail.put([*([((f" {checking.error}", "bad"),)] if checking.error else []), *said])

    def chosen(self) -> ClientRow | None:
        """The client under the cursor."""
        key = self.query_one("#clients", Table).key
        return next((row for row in self.console_app.known.of_clients() or [] if row.host == key), None)

    def subject(self) -> Subject:
        """The disk of this client, the most overdue where it has several."""
        row = self.chosen()
        late = max(row.disks, key=lambda disk: disk.overdue, default=None) if row else None
        return Subject(disk=(late.host, late.disk) if late else None)

    def code(self) -> str:
        """The code of the first thing that is wrong with it."""
        row = self.chosen()
        findings = row.asked.findings if row and row.asked else ()
        return next((finding.code for finding in findings if finding.code), "")

    def on_table_moved(self) -> None:
        """Another client."""
        self.again()

    def goto(self, where: Goto) -> None:
        """``:client HOST``."""
        table = self.query_one("#clients", Table)
        table.focus()
        if not table.go_to(where.value):
            table.set_filter(where.value)

    def action_check(self) -> None:
        """Ask this client."""
        if row := self.chosen():
            self._check({row.host})

    def action_check_all(self) -> None:
        """Ask all of them."""
        self._check(())

    def _check(self, hosts: Collection[str]) -> None:
        app = self.console_app
        if app.known.checking.busy:
            app.say("clients are being asked already", bad=True)
            return
        app.run_worker(app.known.checking.run(hosts, app.moment().now, lambda: app.known.want("clients", 0.0)),
                       exit_on_error=False)
        self.again()
