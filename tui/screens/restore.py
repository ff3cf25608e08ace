"""Restore: look through what can be had back; what is marked names its volumes and the command that restores it.

It reads only: the restore itself is that command's.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container

from core.client.browse import Name
from tui.browsing import Browsing
from tui.goto import Goto
from tui.moment import Moment
from tui.panes import restore
from tui.panes.messages import code_in
from tui.screens.base import ConsoleScreen, bindings
from tui.subject import Subject
from tui.widgets.ink import heading
from tui.widgets.lines import Lines
from tui.widgets.prompt import Prompt
from tui.widgets.table import Table


class RestoreScreen(ConsoleScreen):
    """Disks, dates, directories."""

    where = "restore"
    BINDINGS = bindings("restore")
    AUTO_FOCUS = "#listing"

    def __init__(self) -> None:
        super().__init__()
        self._way: Browsing | None = None
        self._cursor = ""

    @property
    def way(self) -> Browsing:
        """Where one stands."""
        if self._way is None:
            self._way = Browsing(self.console_app.door, self.console_app.known.ask)
        return self._way

    def body(self) -> ComposeResult:
        """The way, one list, what is marked."""
        look = self.console_app.look
        yield Lines(id="way", look=look)
        with Container(classes="row"):
            yield Table(restore.DISKS, id="listing", title="Disks", look=look, empty="reading the catalogue …")
            with Container(classes="column beside", id="marks"):
                yield Lines(id="marked", classes="pane", look=look)
                yield Lines(id="versions", classes="pane", look=look)
        yield Lines(id="footer", grows=True, look=look)

    # ---- what is shown -----------------------------------------------------------------

    def show(self, now: Moment) -> None:
        """The list of the step that one has come to."""
        known, way, table = self.console_app.known, self.way, self.query_one("#listing", Table)
        if self.is_current:
            known.want("disks", 60.0)
            known.want("coverage", 60.0)
        self._where_one_is()
        match way.step:
            case "disks":
                table.set_columns(restore.DISKS)
                only = self.console_app.only
                disks = [key for key in known.disks.value or [] if only in (None, key)]
                table.put(restore.disk_entries(disks, known.coverage.value or []), f"Disks  {len(disks)}",
                          known.disks.state("reading the catalogue …") or "nothing was dumped yet")
            case "dates":
                table.set_columns(restore.DATES)
                dates = way.dates.value or []
                table.put(restore.date_entries(now, dates, way.date), f"Dates  {len(dates)}",
                          way.dates.state("reading the catalogue …") or "no dump of it can be restored")
            case _:
                self._names(table)
        if self._cursor and table.rows:
            wanted, self._cursor = self._cursor, ""
            table.go_to(wanted)
        self._beside(now)

    def _where_one_is(self) -> None:
        """The way, and what is not as it should be with the disk that is shown."""
        tree, way = self.way.tree.value, self.query_one("#way", Lines)
        rows = [restore.way_row(self.way), *restore.warning_rows(tree.warnings if tree is not None else ())]
        if way.styles.height is None or way.styles.height.value != len(rows):
            way.styles.height = len(rows)
        way.put(rows)

    def code(self) -> str:
        """The code of the warning that is shown."""
        tree = self.way.tree.value
        return code_in(tree.warnings[0]) if tree is not None and tree.warnings else ""

    def _names(self, table: Table) -> None:
        way = self.way
        way.settle()
        names, tree = way.names.value or [], way.tree.value
        table.set_columns(restore.NAMES)
        waiting = way.tree.state("reading the index …") or way.names.state("reading …") or "nothing is here"
        table.put(restore.name_entries(way, names, tree.chain if tree else []),
                  f"{'Found' if way.searched else 'Names'}  {len(names)}", waiting)

    def _beside(self, now: Moment) -> None:
        way = self.way
        self.set_class(way.step != "names", "-outside")
        self.set_class(not way.versions_of, "-unasked")
        self.query_one("#footer", Lines).put(restore.footer_rows(way))
        marked, versions = self.query_one("#marked", Lines), self.query_one("#versions", Lines)
        marked.border_title = heading(restore.marked_title(way), marked.outer_size.width or 40, now.look)
        marked.put(restore.marked_rows(way, marked.content_size.width or self.size.width, marked.content_size.height or 9))
        versions.border_title = "Dumps that have it"
        versions.put(restore.version_rows(way) if way.versions_of else [])

    def chosen(self) -> Name | None:
        """The name under the cursor."""
        key = self.query_one("#listing", Table).key
        names = self.way.names.value if self.way.step == "names" else None
        return next((name for name in names or [] if name.path == key), None)

    # ---- keys --------------------------------------------------------------------------

    def subject(self) -> Subject:
        """The disk that one is in, or the one under the cursor."""
        if self.way.host:
            return Subject((self.way.host, self.way.disk))
        host, _, disk = self.query_one("#listing", Table).key.partition("\0")
        return Subject((host, disk) if disk else None)

    def _go(self) -> None:
        """Another list: from its top, unfiltered."""
        table = self.query_one("#listing", Table)
        table.set_filter("")
        table.restart()
        self.again()

    def action_open(self) -> None:
        """Into the disk, the date, the directory."""
        way, key = self.way, self.query_one("#listing", Table).key
        if not key:
            return
        match way.step:
            case "disks":
                way.choose_disk(*key.split("\0", 1))
            case "dates":
                way.choose_date(key)
            case _:
                name = self.chosen()
                if name is None or not name.directory:
                    return
                way.open(name.path)
        self._go()

    def action_up(self) -> None:
        """One step back."""
        came = self.way.up()
        if came:
            self._go()
            self._cursor = came
            self.again()
        else:
            self.console_app.say("these are all disks: there is no step back")

    def action_back(self) -> None:
        """Esc: show all, then one step back."""
        table = self.query_one("#listing", Table)
        if table.filter:
            table.set_filter("")
        elif self.way.versions_of:
            self.way.versions_of = ""
            self.again()
        elif self.way.step == "disks":
            super().action_back()
        else:
            self.action_up()

    def action_mark(self) -> None:
        """Mark the name under the cursor and go to the next."""
        if name := self.chosen():
            self.way.mark(name)
            self.query_one("#listing", Table).action_move(1)
            self.again()
        else:
            self._no_name()

    def _no_name(self) -> None:
        self.console_app.say("choose a disk and a date first" if self.way.step != "names" else "no name stands here", bad=True)

    def action_unmark(self) -> None:
        """None any more."""
        if not self.way.marked:
            self.console_app.say("nothing is marked")
        self.way.unmark()
        self.again()

    def action_date(self) -> None:
        """Another date of the same disk; marks and directory stay."""
        if self.way.step == "names":
            came = self.way.other_date()
            self._go()
            self._cursor = came
            self.again()
        else:
            self._no_name()

    def action_versions(self) -> None:
        """Which dumps have the name under the cursor."""
        if name := self.chosen():
            self.way.look_up(name.path)
            self.again()
        else:
            self._no_name()

    def action_copy(self) -> None:
        """The command to the clipboard."""
        needs = self.way.needs.value
        if needs is None or not self.way.marked:
            self.console_app.say("mark something first: the command restores what is marked", bad=True)
        else:
            self.app.copy_to_clipboard(needs.command)
            self.console_app.say(f"copied: {needs.command}")

    def action_find(self) -> None:
        """Type a name that is anywhere on the disk."""
        if self.way.step == "names":
            self._filtered = self.query_one("#listing", Table)
            self.query_one(Prompt).open("find", "", "part of a file's or directory's name, anywhere on this disk", [])
        else:
            self.console_app.say("choose a disk and a date first", bad=True)

    def typed_in(self, purpose: str, value: str) -> None:
        """What was typed for `action_find`."""
        if purpose == "find" and value.strip():
            self.way.search(value.strip())
            self._go()

    def on_table_moved(self) -> None:
        """Another name."""
        self.again()

    def goto(self, where: Goto) -> None:
        """``:restore HOST:DISK``; ``:file TEXT`` finds on the disk that is open."""
        self.query_one("#listing", Table).focus()
        if where.what == "file":
            self.typed_in("find", where.value)
            return
        host, colon, disk = where.value.partition(":")
        if colon:
            self.way.choose_disk(host, disk)
            self._go()
        else:
            self.query_one("#listing", Table).set_filter(where.value)
