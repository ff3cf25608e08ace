"""The restores that were begun from consoles, or asked for something: how far each is, what it says, and how it ended.

They are processes of their own: they go on without any console, and are found again by the next one.
"""

from __future__ import annotations

from textual.app import ComposeResult

from core.client.restores import Restoring
from tui.moment import Moment
from tui.panes import restoring
from tui.screens.base import ConsoleScreen, bindings
from tui.subject import Subject
from tui.widgets.ink import heading
from tui.widgets.lines import Lines
from tui.widgets.table import Table


class RestoresScreen(ConsoleScreen):
    """A list, and the one under the cursor."""

    where = "restores"
    BINDINGS = bindings("restores")
    AUTO_FOCUS = "#restores"

    def body(self) -> ComposeResult:
        """The list above, one below."""
        look = self.console_app.look
        yield Table(restoring.RESTORES, id="restores", title="Restores", look=look, empty="looking …")
        yield Lines(id="restored", classes="pane", look=look)

    def show(self, now: Moment) -> None:
        """Both panes."""
        known = self.console_app.known.restorings
        found = known.value or []
        none = known.state("looking …") or "none was begun from a console yet: R on Restore does"
        self.query_one("#restores", Table).put(restoring.entries(found, now.look), f"Restores  {len(found)}", none)
        one, pane = self.chosen(), self.query_one("#restored", Lines)
        pane.border_title = heading(f"Restore to {one.to}" if one else "No restore", pane.outer_size.width or 40, now.look)
        pane.put(restoring.detail(one, now.look, pane.content_size.width or self.size.width, pane.content_size.height or 9))

    def chosen(self) -> Restoring | None:
        """The one under the cursor."""
        key = self.query_one("#restores", Table).key
        return next((one for one in self.console_app.known.restorings.value or [] if one.name == key), None)

    def code(self) -> str:
        """The code of its last word."""
        one = self.chosen()
        word = restoring.last_word(one) if one is not None else ""
        return word[:6] if word[:3].isupper() and word[3:6].isdigit() else ""

    def subject(self) -> Subject:
        """The one under the cursor, while it goes on."""
        one = self.chosen()
        return Subject(restore=one.name if one is not None and one.alive else "")

    def on_table_moved(self) -> None:
        """Another one."""
        self.again()

    def action_copy(self) -> None:
        """Its command to the clipboard."""
        if (one := self.chosen()) is None:
            self.console_app.say("no restore stands here", bad=True)
        else:
            self.app.copy_to_clipboard(one.command)
            self.console_app.say(f"copied: {one.command}")

    def action_back(self) -> None:
        """Esc: show all, then back."""
        table = self.query_one("#restores", Table)
        if table.filter:
            table.set_filter("")
        else:
            self.dismiss()
