"""Tapes: which volume is written, which were, and what is on each."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container

from tui.moment import Moment
from tui.panes import tapes
from tui.screens.base import ConsoleScreen, bindings
from tui.widgets.lines import Lines
from tui.widgets.table import Table


class TapesScreen(ConsoleScreen):
    """Storages and volumes."""

    where = "tapes"
    BINDINGS = bindings("tapes")
    AUTO_FOCUS = "#volumes"

    def body(self) -> ComposeResult:
        """Storages above, volumes and the contents of one."""
        look = self.console_app.look
        storages = Table(tapes.STORAGES, id="storages", title="Storages", look=look, empty="no storage was started yet")
        storages.can_focus = False
        yield storages
        with Container(classes="row"):
            yield Table(tapes.VOLUMES, id="volumes", title="Volumes of this run", look=look,
                        empty="this run has not begun a volume yet")
            yield Table(tapes.CONTENTS, id="contents", title="Contents", look=look,
                        empty="nothing of this run is on it yet")
        yield Lines(id="flushed", grows=True, look=self.console_app.look)

    def show(self, now: Moment) -> None:
        """All panes."""
        storages = tapes.storage_entries(now)
        table = self.query_one("#storages", Table)
        table.put(storages)
        wanted = min(len(storages) or 1, max(2, self.size.height // 4)) + 1 + (2 if self.wide else 1)
        if table.styles.height is None or table.styles.height.value != wanted:
            table.styles.height = wanted
        volumes = self.query_one("#volumes", Table)
        volumes.put(tapes.volume_entries(now))
        label = volumes.key.partition("\0")[2]
        self.query_one("#contents", Table).put(
            tapes.content_entries(now, volumes.key), f"On {label} from this run" if label else "Contents")
        self.query_one("#flushed", Lines).put([*tapes.flushed_rows(now), *tapes.wanted(now.view)])

    def on_table_moved(self) -> None:
        """Another volume."""
        self.again()
