"""Messages: all that the run, its programs and this console told an operator, each with what its code means.

Opening it is what makes messages seen; esc leads back to where it was opened.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container

from core.errors import TaperoomError
from tui.moment import Moment
from tui.panes import messages
from tui.panes.attention import standing
from tui.screens.base import ConsoleScreen, bindings
from tui.subject import title_of
from tui.widgets.lines import Lines
from tui.widgets.table import Table


class MessagesScreen(ConsoleScreen):
    """The messages and a page."""

    where = "messages"
    BINDINGS = bindings("messages")
    AUTO_FOCUS = "#messages"

    def __init__(self, code: str = "") -> None:
        super().__init__()
        self._first = code
        self._shown: list[messages.Message] = []

    def body(self) -> ComposeResult:
        """The list, and the page of one."""
        look = self.console_app.look
        with Container(classes="row"):
            yield Table(messages.COLUMNS, id="messages", title="Messages", look=look, empty="nobody has said anything yet")
            yield Lines(id="detail", classes="pane beside", look=look)

    def show(self, now: Moment) -> None:
        """The list, newest first."""
        app = self.console_app
        self._shown = [one for one in [*standing(now), *messages.all_of(now.view, app.sayings)]
                       if app.only is None or one.here or one.about in (app.only[0], title_of(app.only))]
        table = self.query_one("#messages", Table)
        table.put(messages.entries(self._shown, now.look), f"Messages  {len(self._shown)}")
        if self._first:
            self._begin_on(table)
        self._saw(now)
        detail = self.query_one("#detail", Lines)
        detail.border_title = "What it means"
        chosen = self.chosen()
        width = detail.content_size.width or self.size.width
        detail.put(messages.page(chosen.code, width, chosen.text) if chosen else [])

    def _begin_on(self, table: Table) -> None:
        wanted, self._first = self._first, ""
        place = next((n for n, message in enumerate(self._shown) if message.code == wanted), None)
        if place is not None:
            table.go_to(str(len(self._shown) - place))

    def _saw(self, now: Moment) -> None:
        if now.view.began is not None:
            try:
                self.console_app.store.saw(now.view.began.datestamp, len(messages.of_run(now.view)))
            except TaperoomError:
                return  # told when a setting is changed; here it would be told with every frame

    def chosen(self) -> messages.Message | None:
        """The message under the cursor."""
        key = self.query_one("#messages", Table).key
        at = len(self._shown) - int(key) if key else -1
        return self._shown[at] if 0 <= at < len(self._shown) else None

    def code(self) -> str:
        """Its code."""
        chosen = self.chosen()
        return chosen.code if chosen else ""

    def on_table_moved(self) -> None:
        """Another message."""
        self.again()

    def action_open(self) -> None:
        """Its page, large."""
        self.action_explain()

    def action_back(self) -> None:
        """Esc: show all, then back."""
        table = self.query_one("#messages", Table)
        if table.filter:
            table.set_filter("")
        else:
            self.put_tip_away()
            self.dismiss()
