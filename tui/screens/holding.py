"""Holding: what is not yet on a volume, and the room that is left."""

from __future__ import annotations

from textual.app import ComposeResult

from tui.moment import Moment
from tui.panes import holding
from tui.screens.base import ConsoleScreen, bindings
from tui.subject import SpooledAt, Subject
from tui.widgets.lines import Lines
from tui.widgets.table import Table


class HoldingScreen(ConsoleScreen):
    """Holding disks and their files."""

    where = "holding"
    BINDINGS = bindings("holding")
    AUTO_FOCUS = "#files"

    def body(self) -> ComposeResult:
        """Room, files, one file."""
        yield Lines(id="rooms", grows=True, classes="pane", look=self.console_app.look)
        yield Table(holding.FILES, id="files", title="Files", look=self.console_app.look,
                    empty="nothing lies on the holding disk: every dump is on a volume")
        yield Lines(id="file", grows=True, classes="pane", look=self.console_app.look)

    def show(self, now: Moment) -> None:
        """All panes."""
        rooms = self.query_one("#rooms", Lines)
        rooms.border_title = "Holding disks"
        rooms.put(holding.room_rows(now, rooms.content_size.width or self.size.width))
        files = self.query_one("#files", Table)
        files.put(holding.entries(now), holding.title(now))
        detail = self.query_one("#file", Lines)
        detail.border_title = "This file"
        detail.put(holding.detail(now, files.key))

    def on_table_moved(self) -> None:
        """Another file."""
        self.again()

    def subject(self) -> Subject:
        """The dump under the cursor; a volume that has it was written by this run."""
        file = self.query_one("#files", Table).key
        view = self.console_app.feed.view
        found = view.files.get(file)
        if found is None:
            return Subject()
        host, disk, datestamp, level, size = found
        written = view.disks.get((host, disk))
        labels = tuple(dict.fromkeys(label for _, label, _ in written.parts)) if written and written.file == file else ()
        return Subject((host, disk), dump=SpooledAt(file, host, disk, level, datestamp, size, True, labels))

    def action_traffic(self) -> None:
        """The traffic of the disk of that file."""
        feed, file = self.console_app.feed, self.query_one("#files", Table).key
        found = feed.view.files.get(file)
        key = (found[0], found[1]) if found else next((k for k, d in feed.view.disks.items() if d.file == file), None)
        if key and (disk := feed.view.disks.get(key)):
            self.console_app.traffic_of(disk)
