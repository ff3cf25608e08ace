"""Restore: look through what can be had back, mark it, see what that takes, and begin it.

The restore itself is the command that is shown, as a process of its own (`core.client.restores`); this screen only follows
it.  ``:`` takes amrecover's words, too (`core.client.words`).
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container

from core.client.browse import Name
from core.client.standing import command_line, restore_words, with_mark
from core.client.words import Effect, Outcome, is_word
from tui.browsing import Browsing
from tui.clean import clean
from tui.columns import Entry
from tui.goto import Goto
from tui.moment import Moment
from tui.panes import restore, restoring
from tui.panes.layout import Row
from tui.panes.messages import code_in
from tui.panes.timeline import timeline_row
from tui.saying import Saying, WordsSuggester
from tui.screens.base import ConsoleScreen, bindings
from tui.screens.page import PageScreen
from tui.screens.preview import open_preview
from tui.subject import Subject
from tui.travel import open_restores
from tui.widgets.ink import heading
from tui.widgets.lines import Lines
from tui.widgets.prompt import Prompt
from tui.widgets.table import Table

_BRIEF = 3
"""So many lines of a word's answer are a sentence; more are a page."""


class RestoreScreen(ConsoleScreen):
    """Disks, dates, directories."""

    where = "restore"
    BINDINGS = bindings("restore")
    AUTO_FOCUS = "#listing"

    def __init__(self) -> None:
        super().__init__()
        self._way: Browsing | None = None
        self._saying: Saying | None = None
        self._cursor = ""
        self._shown: tuple[object, ...] = ()
        self._entries: list[Entry] = []

    @property
    def way(self) -> Browsing:
        """Where one stands."""
        if self._way is None:
            self._way = Browsing(self.console_app.door, self.console_app.known.ask)
        return self._way

    def body(self) -> ComposeResult:
        """The way, the dumps, one list, what is marked."""
        look = self.console_app.look
        yield Lines(id="way", look=look)
        yield Lines(id="timeline", grows=True, look=look)
        yield Lines(id="jobs", grows=True, look=look)
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
                table.put(restore.disk_entries(disks, known.covers() or []), f"Disks  {len(disks)}",
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
        self._around(now, table)
        self._beside(now)

    def _where_one_is(self) -> None:
        """The way, and what is not as it should be with the disk that is shown."""
        tree, way = self.way.tree, self.query_one("#way", Lines)
        rows = [restore.way_row(self.way), *restore.warning_rows(tree.warnings if tree is not None else ())]
        if way.styles.height is None or way.styles.height.value != len(rows):
            way.styles.height = len(rows)
        way.put(rows)

    def _around(self, now: Moment, table: Table) -> None:
        """The dumps as a line, and the restores that go on."""
        way, width = self.way, self.size.width
        dates = way.dates.value if way.disk else None
        chosen = table.key if way.step == "dates" else way.date
        having = {date.datestamp for date in way.versions.value} if way.versions_of and way.versions.value is not None else None
        row = timeline_row(dates or [], chosen, having, width)
        self.query_one("#timeline", Lines).put([row] if row else [])
        jobs = self.console_app.known.restorings.value or []
        self.query_one("#jobs", Lines).put(restoring.job_rows(jobs, now, width))

    def code(self) -> str:
        """The code of the warning that is shown."""
        tree = self.way.tree
        return code_in(tree.warnings[0]) if tree is not None and tree.warnings else ""

    def _names(self, table: Table) -> None:
        """The names of a directory or a search; made anew only when something of it is another, since they may be many."""
        way = self.way
        way.settle()
        names, tree = way.names.value or [], way.tree
        table.set_columns(restore.NAMES)
        waiting = way.waits("reading the index …") or "nothing is here"
        now = (way.names.value, way.marked, way.searched, tree)
        if len(self._shown) != len(now) or any(a is not b for a, b in zip(self._shown, now, strict=True)):
            self._shown, self._entries = now, restore.name_entries(way, names, tree.chain if tree else [])
        title = f"{'Found' if way.searched else 'Names'}  {len(names)}"
        if not names or not table.holds(self._entries):
            table.put(self._entries, title, waiting)

    def _beside(self, now: Moment) -> None:
        way = self.way
        self.set_class(way.step != "names", "-outside")
        self.set_class(not way.versions_of, "-unasked")
        self.query_one("#footer", Lines).put(restore.footer_rows(way, self.size.width))
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

    # ---- walking -----------------------------------------------------------------------

    def subject(self) -> Subject:
        """The disk that one is in, or the one under the cursor."""
        if self.way.disk:
            return Subject((self.way.host, self.way.disk), names=len(self.way.marked))
        host, _, disk = self.query_one("#listing", Table).key.partition("\0")
        return Subject((host, disk) if disk else None)

    def _go(self, cursor: str = "") -> None:
        """Another list: from its top or from a row, unfiltered."""
        table = self.query_one("#listing", Table)
        table.set_filter("")
        table.restart()
        self._cursor = cursor
        self.again()

    def action_open(self) -> None:
        """Into the disk, the date, the directory; to where a search found something; a file's beginning."""
        way, key = self.way, self.query_one("#listing", Table).key
        name = self.chosen()
        if not key:
            return
        match way.step:
            case "disks":
                way.choose_disk(*key.split("\0", 1))
            case "dates":
                way.choose_date(key)
            case _ if name is None:
                return
            case _ if way.searched:
                way.jump(name)
                self._go("" if name.directory else name.path)
                return
            case _ if name.directory:
                way.open(name.path)
            case _:
                self.action_preview()
                return
        self._go()

    def action_up(self) -> None:
        """One step back."""
        if came := self.way.up():
            self._go(came)
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

    def action_date(self) -> None:
        """Another date of the same disk; marks and directory stay."""
        if self.way.step == "names":
            self._go(self.way.other_date())
        else:
            self._no_name()

    def action_step_date(self, by: int) -> None:
        """The same as the dump before or after saw it."""
        way = self.way
        if way.step == "dates":
            self.query_one("#listing", Table).action_move(-by)
        elif way.step == "disks":
            self._no_name()
        elif way.step_date(by) is None:
            self.console_app.say("this is the newest dump" if by > 0 else "this is the oldest dump that can be restored")
        else:
            self._cursor = self.query_one("#listing", Table).key
            self.again()

    def action_versions(self) -> None:
        """Which dumps have the name under the cursor."""
        if name := self.chosen():
            self.way.look_up(name.path)
            self.again()
        else:
            self._no_name()

    def _no_name(self) -> None:
        self.console_app.say("choose a disk and a date first" if self.way.step != "names" else "no name stands here", bad=True)

    def action_preview(self) -> None:
        """The beginning of the file under the cursor."""
        name, tree = self.chosen(), self.way.tree
        if name is None or tree is None:
            self._no_name()
        elif name.directory:
            self.console_app.say("that is a directory: enter goes into it")
        else:
            open_preview(self.console_app, tree, name.path)

    # ---- marking and restoring -----------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the name under the cursor, or not any more, and go to the next."""
        name, way = self.chosen(), self.way
        if name is None:
            self._no_name()
            return
        if name.path in way.marked:
            way.mark(tuple(mark for mark in way.marked if mark != name.path))
        elif way.is_marked(name.path):  # with a directory: all else in there stays marked
            self.saying.unmark(name.path)
        else:
            way.mark(with_mark(way.marked, name.path))
        self.query_one("#listing", Table).action_move(1)
        self.again()

    def action_unmark(self) -> None:
        """None any more."""
        if not self.way.marked:
            self.console_app.say("nothing is marked")
        self.way.mark(())
        self.again()

    def action_copy(self) -> None:
        """The command to the clipboard."""
        way = self.way
        if not way.marked:
            self.console_app.say("mark something first: the command restores what is marked", bad=True)
        else:
            command = command_line(restore_words(way.at, way.date))
            self.app.copy_to_clipboard(command)
            self.console_app.say(clean(f"copied: {command}"))

    def action_act(self, name: str) -> None:
        """An act of an operator; a restore asks where to first."""
        app = self.console_app
        if name != "restore":
            super().action_act(name)
        elif problem := app.actor.why_not(name, self.subject()):
            app.say(problem, bad=True)
        else:
            from tui.screens.start import StartScreen

            app.push_screen(StartScreen(self.way.at, self.way.needs.value),
                            lambda deed: app.actor.do(deed) if deed is not None else None)

    def action_restores(self) -> None:
        """The restores that go on, and the last ones."""
        open_restores(self.console_app)

    # ---- the command line ----------------------------------------------------------------

    def action_go(self) -> None:
        """Type one of the words, or where to go."""
        suggester = WordsSuggester(self.console_app, self.way, self.places())
        hint = "setdate, cd, add, list, extract … (help lists the words), or where to go"
        self.query_one(Prompt).open("say", "", self.console_app.look.cut(hint), suggester)

    def action_find(self) -> None:
        """Type a name that is anywhere on the disk."""
        if self.way.step == "names":
            self._filtered = self.query_one("#listing", Table)
            self.query_one(Prompt).open("find", "", "part of a file's or directory's name, anywhere on this disk", [])
        else:
            self.console_app.say("choose a disk and a date first", bad=True)

    def typed_in(self, purpose: str, value: str) -> None:
        """What was typed for `action_find`, or one of the words."""
        if not value.strip():
            return
        if purpose == "find":
            self.way.search(value.strip())
            self._go()
        elif purpose == "say" and is_word(value.lstrip(" :")):
            self.saying.say(value.lstrip(" :"))
        elif purpose == "say":
            self.go_to(value)

    @property
    def saying(self) -> Saying:
        """Where the words are said."""
        if self._saying is None:
            self._saying = Saying(self.console_app, self.way, self._said)
        return self._saying

    def _said(self, found: Outcome, moved: bool) -> None:
        """What is left to do after a word, and what it answered."""
        app, table = self.console_app, self.query_one("#listing", Table)
        match found.effect:
            case Effect.QUIT:
                app.detach()
            case Effect.HELP:
                app.show_help(self.where)
            case Effect.EXTRACT:
                self.action_act("restore")
            case Effect.DATES if self.way.step == "names":
                self.action_date()
            case Effect.DATES:
                pass  # they are shown
            case Effect.NAMES:
                if self.way.searched:
                    self.way.open(self.way.path)
                self._go()
            case Effect.FOUND:
                self.way.search(found.text)
                self._go()
            case _ if len(found.lines) > _BRIEF:
                rows: list[Row] = [((clean(line), ""),) for line in found.lines]
                self.app.push_screen(PageScreen("What it says", lambda: rows, app.look))
            case _ if found.lines:
                app.say(clean("; ".join(found.lines)))
        if moved:
            self._go()
        if self.way.host and not self.way.disk:
            table.set_filter(f"{self.way.host}:")
        self.again()

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
