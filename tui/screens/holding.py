"""Holding: what is not yet on a volume, and the room that is left.

Without a configuration, and in the past, it shows what the run itself says of its holding disks.
"""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult

from core.client.spool import DumpRow, Spool
from tui.moment import Link, Moment
from tui.panes import holding, spool
from tui.screens.base import ConsoleScreen, bindings
from tui.subject import Key, SpooledAt, Subject
from tui.travel import open_dump
from tui.widgets.ink import heading
from tui.widgets.lines import Lines
from tui.widgets.table import Table


class HoldingScreen(ConsoleScreen):
    """Holding disks and their dumps."""

    where = "holding"
    BINDINGS = bindings("holding")
    AUTO_FOCUS = "#files"

    def body(self) -> ComposeResult:
        """Room, files, one file."""
        yield Lines(id="rooms", grows=True, classes="pane", look=self.console_app.look)
        yield Table(holding.FILES, id="files", title="Dumps", look=self.console_app.look, empty="looking …")
        yield Lines(id="file", grows=True, classes="pane", look=self.console_app.look)

    @property
    def spool(self) -> Spool | None:
        """What lies there now; None in the past, where only the run's own words count."""
        link = self.console_app.feed.link
        return None if link in (Link.REPLAY, Link.PAST) else self.console_app.known.spool.value

    def show(self, now: Moment) -> None:
        """All panes."""
        if self.is_current and now.link not in (Link.REPLAY, Link.PAST):
            self.console_app.known.want("spool", 5.0 if now.link is Link.LIVE else 20.0)
        rooms, files, detail = self.query_one("#rooms", Lines), self.query_one("#files", Table), self.query_one("#file", Lines)
        rooms.border_title = "Holding disks"
        only = self.console_app.only
        width = rooms.content_size.width or self.size.width
        found = self.spool
        if found is None:
            known = self.console_app.known.spool
            if now.view.began is None:
                rooms.put([] if known.error else [((" looking …", "muted"),)])
            else:
                rooms.put(holding.room_rows(now, width))
            waiting = known.state("looking …") if now.view.began is None else \
                "nothing lies on the holding disk"
            files.put([row for row in holding.entries(now) if only in (None, self._disk_of(row.key))], holding.title(now),
                      waiting)
            detail.border_title = "This dump"
            detail.put(holding.detail(now, files.key))
            return
        rooms.put(spool.area_rows(now, found, width))
        shown = found if only is None else replace(
            found, dumps=tuple(dump for dump in found.dumps if (dump.host, dump.disk) == only))
        files.put(spool.entries(now, shown), spool.title(shown), "nothing lies on the holding disk")
        chosen = self.chosen()
        named = f"{chosen.title} L{chosen.level} of {chosen.datestamp[:8]}" if chosen else "No dump"
        detail.border_title = heading(named, detail.outer_size.width or width, now.look)
        detail.put(spool.detail(now, chosen, found, width))

    def chosen(self) -> DumpRow | None:
        """The dump under the cursor."""
        key = self.query_one("#files", Table).key
        return next((dump for dump in self.spool.dumps if str(dump.path) == key), None) if self.spool else None

    def disk(self) -> Key | None:
        """The disk of the dump under the cursor."""
        if (chosen := self.chosen()) is not None:
            return chosen.host, chosen.disk
        return self._disk_of(self.query_one("#files", Table).key)

    def _disk_of(self, file: str) -> Key | None:
        """The disk of a file that the run knows."""
        view = self.console_app.feed.view
        found = view.files.get(file)
        return (found[0], found[1]) if found else next((k for k, d in view.disks.items() if file and d.file == file), None)

    def subject(self) -> Subject:
        """The dump under the cursor, and the volumes that have it."""
        dump = self.chosen()
        if dump is not None:
            whole = dump.word in ("whole", "writing")
            return Subject((dump.host, dump.disk), dump=SpooledAt(
                str(dump.path), dump.host, dump.disk, dump.level, dump.datestamp, dump.size, whole, dump.on))
        view, file = self.console_app.feed.view, self.query_one("#files", Table).key
        if (found := view.files.get(file)) is None:
            return Subject()
        host, disk, datestamp, level, size = found
        written = view.disks.get((host, disk))
        labels = tuple(dict.fromkeys(label for _, label, _ in written.parts)) if written and written.file == file else ()
        return Subject((host, disk), dump=SpooledAt(file, host, disk, level, datestamp, size, True, labels))

    def on_table_moved(self) -> None:
        """Another file."""
        self.again()

    def action_open(self) -> None:
        """The story of that disk."""
        if key := self.disk():
            open_dump(self.console_app, *key)

    def action_traffic(self) -> None:
        """The traffic of that disk."""
        key = self.disk()
        if key and (disk := self.console_app.feed.view.disks.get(key)):
            self.console_app.traffic_of(disk)
