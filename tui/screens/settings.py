"""Settings: how this console looks, how often it paints, its keys.  What is changed holds at once and is written at once."""

from __future__ import annotations

import os
from typing import Any

from textual.app import ComposeResult
from textual.containers import Container

from core.errors import TaperoomError
from tui import theming
from tui.moment import Moment
from tui.panes import settings
from tui.panes.settings import Setting
from tui.screens.base import ConsoleScreen, bindings
from tui.widgets.ink import heading
from tui.widgets.lines import Lines
from tui.widgets.table import Table


class SettingsScreen(ConsoleScreen):
    """All that may be set."""

    where = "settings"
    BINDINGS = bindings("settings")
    AUTO_FOCUS = "#settings"

    def body(self) -> ComposeResult:
        """The settings, what one does, how it looks, what terminal this is."""
        look = self.console_app.look
        with Container(classes="row"):
            with Container(classes="column"):
                yield Table(settings.COLUMNS, id="settings", title="Settings", look=look)
                yield Lines(id="meaning", classes="pane", look=look)
            with Container(classes="column beside", id="looks"):
                yield Lines(id="preview", classes="pane", look=look)
                yield Lines(id="terminal", classes="pane", look=look)

    def show(self, now: Moment) -> None:
        """All panes."""
        app = self.console_app
        app.wardrobe.look(app.ticks())
        rows = settings.settings(app.wardrobe.names)
        table = self.query_one("#settings", Table)
        table.put(settings.entries(rows, app.store.chosen, self._stands()), "Settings")
        meaning = self.query_one("#meaning", Lines)
        chosen = self.chosen()
        meaning.border_title = heading(chosen.title if chosen else "", meaning.outer_size.width or 40, now.look)
        width = meaning.content_size.width or self.size.width
        meaning.put([*settings.detail(chosen, app.store.chosen, app.wardrobe.current, str(app.store.path or ""), width),
                     *settings.problem_rows(app.store.problems, width)])
        preview, terminal = self.query_one("#preview", Lines), self.query_one("#terminal", Lines)
        preview.border_title = heading(f"Theme {app.wardrobe.current}", preview.outer_size.width or 40, now.look)
        room = preview.content_size.width or 40
        preview.put([*settings.preview(now.look), *settings.problem_rows(app.wardrobe.problems, room)])
        terminal.border_title = "This terminal"
        terminal.put(settings.terminal(self._terminal(), app.sent, app.echo))

    def _stands(self) -> dict[str, str]:
        """What each ``auto`` comes to."""
        app = self.console_app
        return {"theme": app.wardrobe.current, "link": app.rate.now(app.echo), "ascii": "on" if app.look.ascii else "off"}

    def _terminal(self) -> dict[str, str]:
        environment = os.environ
        inside = " in tmux" if environment.get("TMUX") else " in screen" if environment.get("STY") else ""
        come = environment.get("SSH_CONNECTION", "").partition(" ")[0]
        return {
            "TERM": environment.get("TERM", "") + inside, "size": f"{self.size.width}x{self.size.height}",
            "colours": self.app.console.color_system or "none",
            "writes": "ASCII only" if self.console_app.look.ascii else "UTF-8",
            "over": f"SSH from {come}" if come else "", "themes": str(theming.users_folder()),
        }

    def chosen(self) -> Setting | None:
        """The setting under the cursor."""
        key = self.query_one("#settings", Table).key
        return next((row for row in settings.settings(self.console_app.wardrobe.names) if row.name == key), None)

    def on_table_moved(self) -> None:
        """Another setting."""
        self.again()

    # ---- keys --------------------------------------------------------------------------

    def action_open(self) -> None:
        """Change it, or open what it stands for."""
        chosen = self.chosen()
        match chosen.name if chosen else "":
            case "keys":
                from tui.screens.keymap import KeymapScreen

                self.app.push_screen(KeymapScreen())
            case "tips":
                self.keep(tips=frozenset())
            case "seen":
                self.keep(seen={})
            case _:
                self.action_turn(1)

    def action_turn(self, by: int) -> None:
        """The next of its values, or the one before."""
        setting, app = self.chosen(), self.console_app
        if setting is None or not setting.choices:
            return
        choices, held = setting.choices, app.store.chosen
        match setting.name:
            case "theme":
                app.wardrobe.choose(choices[(choices.index(app.wardrobe.current) + by) % len(choices)])
            case ("mouse" | "bell") as name:
                self.keep(**{name: not getattr(held, name)})
            case name:
                now = choices.index(getattr(held, name))
                self.keep(**{name: choices[(now + by) % len(choices)]})
        app.rate.profile = app.store.chosen.link
        self.again()

    def keep(self, **changes: Any) -> None:
        """Write it down."""
        try:
            self.console_app.store.change(**changes)
        except TaperoomError as fault:
            self.console_app.complain(fault)
        self.again()
