"""The keys: every action with its keys; enter and another key gives it that one, d its usual one again."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import ModalScreen

from core.errors import TaperoomError
from tui.columns import Column, Entry
from tui.keymap import clash, remapped, shown, textual_keymap
from tui.keys import ACTIONS, Action
from tui.look import Look
from tui.moment import Moment
from tui.screens.base import ConsoleScreen, bindings
from tui.widgets.lines import Lines
from tui.widgets.table import Table

COLUMNS = (Column("key", 10), Column("usual", 10, drop=1), Column("screens", 18, drop=2), Column("does", least=24),
           Column("id", 14, drop=3))


class CatchScreen(ModalScreen[str]):
    """Waits for one key; esc leaves it as it was."""

    def __init__(self, action: Action, look: Look) -> None:
        super().__init__()
        self._action, self._look = action, look

    def compose(self) -> ComposeResult:
        """One box."""
        with Container(classes="dialog", id="dialog"):
            yield Lines(id="text", grows=True, look=self._look)

    def on_mount(self) -> None:
        """Fill it."""
        self.set_class(self._look.ascii, "-plain")
        self.query_one("#dialog").border_title = "Another key"
        self.query_one("#text", Lines).put([
            ((self._look.cut(self._action.help), "title"),), (), (("Press the key for it. ", ""), ("esc", "key"),
                                                                 (" leaves it as it is.", ""))])

    def on_key(self, event: events.Key) -> None:
        """That one."""
        event.stop()
        self.dismiss("" if event.key == "escape" else event.key)


class KeymapScreen(ConsoleScreen):
    """All actions."""

    where = "keymap"
    BINDINGS = bindings("keymap")
    AUTO_FOCUS = "#keymap"

    def body(self) -> ComposeResult:
        """The list."""
        yield Table(COLUMNS, id="keymap", title="Keys", look=self.console_app.look)

    def show(self, now: Moment) -> None:
        """Every action with its keys."""
        held = self.console_app.store.chosen.keys
        rows: list[Entry] = []
        for usual, action in zip(ACTIONS, remapped(ACTIONS, held), strict=True):
            own = action.id in held
            screens = "all" if "all" in action.where else " ".join(action.where)
            rows.append(Entry(action.id, (
                (action.key, "key" if own else ""), (usual.key if own else "", "muted"), (screens, "muted"), (action.help, ""),
                (action.id, "muted"))))
        self.query_one("#keymap", Table).put(rows, f"Keys  {len(rows)}, {len(held)} of your own")

    def action_open(self) -> None:
        """Wait for the key that it is to have."""
        action = self.chosen()
        if action is not None:
            self.app.push_screen(CatchScreen(action, self.console_app.look), lambda key: self._take(action, key or ""))

    def chosen(self) -> Action | None:
        """The action under the cursor."""
        key = self.query_one("#keymap", Table).key
        return next((action for action in ACTIONS if action.id == key), None)

    def _take(self, action: Action, key: str) -> None:
        held = {name: keys for name, keys in self.console_app.store.chosen.keys.items() if name != action.id}
        if not key:
            return
        if why := clash(action, key, held):
            self.console_app.say(f"CON009 {why}", bad=True)
            return
        self._keep(held | {action.id: key})
        self.console_app.say(f"{shown(key)}: {action.help}")

    def action_usual(self) -> None:
        """Its usual key again."""
        action = self.chosen()
        if action is not None and action.id not in self.console_app.store.chosen.keys:
            self.console_app.say(f"it has its usual key: {action.key}")
        elif action is not None:
            self._keep({name: keys for name, keys in self.console_app.store.chosen.keys.items() if name != action.id})

    def _keep(self, keys: dict[str, str]) -> None:
        app = self.console_app
        try:
            app.store.change(keys=keys)
        except TaperoomError as fault:
            app.complain(fault)
        app.set_keymap(textual_keymap(keys))
        self.again()

    def action_back(self) -> None:
        """Esc: show all, then back to the settings."""
        table = self.query_one("#keymap", Table)
        if table.filter:
            table.set_filter("")
        else:
            self.dismiss()
