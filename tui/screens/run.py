"""Run: what happens now, and what waits for me.  Dumpers, tape and holding disk, every disk, and the traffic."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from core.events.view import DiskView
from tui.about import About
from tui.columns import Entry
from tui.format import plural
from tui.goto import Goto
from tui.keys import Action
from tui.moment import Link, Moment
from tui.panes import asked, coverage, protocol, run, standing, tape, waits
from tui.panes.layout import Row
from tui.panes.messages import code_in
from tui.screens.base import VAST, ConsoleScreen, bindings
from tui.subject import Subject, title_of
from tui.traffic import Line
from tui.travel import open_dump
from tui.widgets.lines import Lines
from tui.widgets.ringlog import RingLog
from tui.widgets.table import Table

ROOMY = 100
"""Cells of a pane in which a line of traffic has room for who says it to whom."""


class RunScreen(ConsoleScreen):
    """The first screen."""

    where = "run"
    BINDINGS = bindings("run")
    AUTO_FOCUS = "#disks"
    _about: About | None = None

    def __init__(self) -> None:
        super().__init__()
        self._tall_as: dict[str, int | str] = {}

    def body(self) -> ComposeResult:
        """Dumpers beside tape and holding, disks, traffic."""
        look = self.console_app.look
        yield Lines(id="empty", look=self.console_app.look)
        with Container(id="top"):
            dumpers = Table(run.DUMPERS, id="dumpers", title="Dumpers", look=look, empty="no dumper was started yet")
            dumpers.can_focus = False
            yield dumpers
            yield Lines(id="side", classes="pane", look=self.console_app.look)
        with Container(id="waits"):
            yield Table(waits.NO_ROOM, id="no-room", title="NO-ROOM", look=look,
                        empty="no dump stands still for want of room")
            yield Table(waits.TRY_AGAIN, id="try-again", title="TRY-AGAIN", look=look,
                        empty="no disk waits to be tried again")
        yield Lines(id="figures", look=self.console_app.look)
        with Container(id="below"):
            yield Table(run.DISKS, id="disks", title="Disks", look=look, empty="the planner has not named a disk yet")
            with Container(id="told-beside"):
                yield Lines(id="requests", classes="pane", look=look)
                yield RingLog(self._draw, id="traffic", title="Protocol", look=look)

    def _draw(self, line: Line) -> Row:
        """A line of the traffic, as far as its pane has room."""
        roomy = self.query_one("#traffic").size.width >= ROOMY if self.huge else self.wide
        return (protocol.line_spans if roomy else protocol.short_spans)(line)

    def refill(self) -> None:
        """The traffic of the run that is shown now; of the one disk, where only that is shown."""
        app, log = self.console_app, self.query_one(RingLog)
        self._about = About(*app.only) if app.only else None
        if self._about is None:
            log.reset(app.feed.traffic.lines, "Protocol")
            return
        self._about.learn(app.feed.view)
        log.reset([line for line in app.feed.traffic.lines if self._about.takes(line.text)],
                  f"Protocol  {title_of(self._about.key)}")

    def stream(self, lines: list[Line]) -> None:
        """More traffic."""
        about = self._about
        if about is None:
            self.query_one(RingLog).extend(lines, self.console_app.feed.missed)
        else:
            self.query_one(RingLog).extend([line for line in lines if about.takes(line.text)])

    @property
    def has_waits(self) -> bool:
        """On a tall screen; elsewhere ``w`` shows them."""
        return self.tall or self.has_class("-waits")

    def show(self, now: Moment) -> None:
        """All panes."""
        self.set_class(now.view.began is None, "-empty")
        self.set_class(now.over, "-over")
        if self._about is not None and self._about.learn(now.view):
            self.refill()
        resting = now.over or now.view.began is None
        if resting:
            self.remove_class("-waits")
            self.query_one("#waits").display = False
            self._at_rest(now)
        else:
            self._at_work(now)
        self._asked(now)
        self.query_one(RingLog).flush()

    def _asked(self, now: Moment) -> None:
        """The open requests in full, where there is room beside all else; elsewhere they have a row, and their dialog."""
        pane, zoomed = self.query_one("#requests", Lines), self.has_class("-zoom")
        # Not what the pane measures: it is not laid out before it has rows.
        room = self.size.width * 5 // 9 * 2 // 5 - 3 if self.size.width >= VAST else self.size.width // 2 - 4
        rows = asked.rows(now, room, self.subject().disk) if self.huge else []
        pane.display = bool(rows) and not zoomed
        self.set_class(bool(rows), "-asked")  # without any the disks keep their room
        self._height("#requests", "1fr" if self.size.width >= VAST else min(len(rows), self.size.height // 3) + 2)
        pane.border_title = asked.title(now)
        pane.put(rows)

    def _at_rest(self, now: Moment) -> None:
        """No run lives: how the last one ended, and how well each disk is covered."""
        known = self.console_app.known
        for name in ("coverage", "shelves", "spool", "clients"):
            known.want(name, 60.0)
        if now.view.began is None:
            self.query_one("#empty", Lines).put(empty_rows(now))
        covered, present = known.covers(), known.then is None  # of volumes and holding disks only the present is known
        self._figures(standing.rows(
            now, known.shelves.value if present else None, known.spool.value if present else None, known.of_clients(), covered,
            self.size.width))
        disks = self.query_one("#disks", Table)
        if covered is None and now.view.began is not None:
            disks.set_columns(run.DISKS)
            disks.put(self._chosen(run.disk_rows(now)), f"Disks  {len(now.view.disks)}")
            return
        disks.set_columns(coverage.COLUMNS)
        disks.put(self._chosen(coverage.entries(now, covered or [])), coverage.title(covered or [], len(now.view.disks)),
                  known.coverage.state("looking for the last backups …") or "the configuration names no disk")

    def _at_work(self, now: Moment) -> None:
        """A run lives, or an earlier moment of one is shown."""
        side = tape.tall_rows(now, self.query_one("#side").size.width)
        dumpers = run.dumper_rows(now, max(8, len(side) - 1) if self.wide else 0)
        only = self.console_app.only
        if only is not None:
            dumpers = [row for row in dumpers if now.view.handles.get(now.view.dumpers.get(row.key, "")) == only]
        busy = sum(1 for handle in now.view.dumpers.values() if handle)
        table = self.query_one("#dumpers", Table)
        table.set_columns(run.dumper_columns(0 if self.wide or len(dumpers) < self._most_dumpers else busy))
        table.put(dumpers, f"Dumpers  {busy} of {len(now.view.dumpers)} at work")
        self._heights(len(dumpers) + 1, len(side))
        self._waits(now)
        self.query_one("#side", Lines).put(side)
        self.query_one("#side", Lines).border_title = "Tape and holding"
        self._figures(tape.short_rows(now, self.size.width))
        disks = self._chosen(run.disk_rows(now))
        self.query_one("#disks", Table).set_columns(run.DISKS)
        left = tape.queue(now)[0] if only is None else 0
        self.query_one("#disks", Table).put(disks, f"Disks  {len(disks)}" + (
            f", {left} to dump" if left else "") + (tape.held(now) if only is None else "") + (
            f", {plural(len(now.view.estimating), 'client')} still asked" if now.view.estimating else ""))

    def _chosen(self, rows: list[Entry]) -> list[Entry]:
        """The one disk, where only that is shown."""
        only = self.console_app.only
        return rows if only is None else [row for row in rows if row.key == "\0".join(only)]

    def _waits(self, now: Moment) -> None:
        """The panes of what stands still: no row of a screen goes to one that has none, unless they alone are shown."""
        alone, zoomed, most, any_shown = self.has_class("-waits"), self.has_class("-zoom"), 0, False
        for name, rows in (("NO-ROOM", waits.no_room_rows(now)), ("TRY-AGAIN", waits.try_again_rows(now))):
            table, told = self.query_one(f"#{name.lower()}", Table), self._chosen(rows)
            table.put(told, f"{name}  {len(told)}" if told else name)
            table.display = table.has_class("-zoomed") if zoomed else alone or (self.has_waits and bool(told))
            most, any_shown = max(most, len(told)), any_shown or table.display
        box = self.query_one("#waits")
        box.display = any_shown
        self._height("#waits", "1fr" if alone or zoomed else min(most, 4) + (3 if self.wide else 4))

    def _figures(self, rows: list[Row]) -> None:
        self._height("#figures", len(rows))
        self.query_one("#figures", Lines).put(rows)

    @property
    def _most_dumpers(self) -> int:
        """Rows that a narrow screen has for them, with their head."""
        return max(4, self.size.height // 4)

    def _heights(self, dumpers: int, side: int) -> None:
        if self.wide:
            wanted = min(max(dumpers, side), max(8, self.size.height // 3 + 1)) + 2
        else:
            wanted = min(dumpers, self._most_dumpers)
        for name in ("#dumpers", "#side"):
            self._height(name, side + (2 if self.wide else 1) if self.has_class("-waits") else wanted)

    def _height(self, name: str, wanted: int | str) -> None:
        """Lay it out anew only when it changes."""
        if self._tall_as.get(name) != wanted:
            self._tall_as[name] = wanted
            self.query_one(name).styles.height = wanted

    def code(self) -> str:
        """That of what is said of the disk under the cursor."""
        host, _, name = (self.query_one("#disks", Table).key or "").partition("\0")
        disk = self.console_app.moment().view.disks.get((host, name))
        if disk is None:
            return ""
        question = any(q.asked.handle == disk.handle for q in self.console_app.moment().view.open_questions if disk.handle)
        return code_in(disk.message) or ("" if question else run.OF_STATE.get(disk.state, ""))

    def listed(self) -> Widget | None:
        """``/`` filters the disks, or the pane with the keyboard."""
        return self.focused if isinstance(self.focused, Table) else self.query_one("#disks", Table)

    @property
    def _marks(self) -> bool:
        """Whether the space bar marks: no traffic flows, and the disks have the keyboard."""
        return self.focused is self.query_one("#disks") and self.console_app.feed.link in (Link.NONE, Link.ENDED, Link.DEAD)

    def hint_of(self, action: Action, subject: Subject) -> str:
        """What the space bar does is another thing when no run lives."""
        return "mark" if action.id == "follow" and self._marks else super().hint_of(action, subject)

    def action_toggle_follow(self) -> None:
        """Pause the traffic; where none flows, mark the disk under the cursor for the next run."""
        if self._marks:
            self.query_one("#disks", Table).toggle_mark()
        else:
            self.query_one(RingLog).action_toggle_follow()

    def action_waits(self) -> None:
        """NO-ROOM, TRY-AGAIN and the tape alone, or all panes again."""
        if self.has_class("-over") or self.has_class("-empty"):
            self.console_app.say("no run is under way: nothing stands still")
            return
        if self.has_class("-zoom"):
            self.action_zoom()
        self.toggle_class("-waits")
        self.again()
        (self.query_one("#no-room") if self.has_class("-waits") else self.query_one("#disks")).focus()

    def action_zoom(self) -> None:
        """The pane with the keyboard at full size."""
        focused = self.focused if self.focused and self.focused.has_class("pane") else self.query_one("#disks")
        on = not self.has_class("-zoom")
        for pane in self.query(".pane"):
            pane.set_class(on and pane is focused, "-zoomed")
        kept = on and focused in self.query_one("#below").query(".pane")
        self.query_one("#below").set_class(kept, "-kept")
        self.query_one("#told-beside").set_class(kept and focused is self.query_one("#traffic"), "-kept")
        self.set_class(on, "-zoom")

    def action_back(self) -> None:
        """Esc: no zoom, no filter."""
        if self.has_class("-zoom"):
            self.action_zoom()
        elif self.has_class("-waits"):
            self.action_waits()
        else:
            super().action_back()

    def _key(self) -> str:
        """Of the disk under the cursor: of the pane with the keyboard, where that has disks."""
        focused = self.focused
        return (focused if isinstance(focused, Table) and focused.key else self.query_one("#disks", Table)).key

    def chosen(self) -> DiskView | None:
        """The disk under the cursor."""
        host, _, disk = self._key().partition("\0")
        return self.console_app.feed.view.disks.get((host, disk))

    def action_open(self) -> None:
        """The story of that disk."""
        host, _, disk = self._key().partition("\0")
        if host:
            open_dump(self.console_app, host, disk)

    def action_traffic(self) -> None:
        """The traffic of that disk."""
        if disk := self.chosen():
            self.console_app.traffic_of(disk)

    def subject(self) -> Subject:
        """The disk under the cursor, and the marked ones."""
        table = self.query_one("#disks", Table)
        host, _, disk = self._key().partition("\0")
        marked = [key.partition("\0") for key in table.marked]
        return Subject((host, disk) if host else None, tuple((name, of) for name, _, of in marked))

    def goto(self, where: Goto) -> None:
        """A disk or a client by name."""
        table = self.query_one("#disks", Table)
        table.focus()
        if where.what in ("client", "host", "filter"):
            table.set_filter(where.value)
            return
        host, _, disk = where.value.partition(":")
        if not table.go_to(f"{host}\0{disk}"):
            table.set_filter(where.value)


def empty_rows(now: Moment) -> list[Row]:
    """What to do when there is no run."""
    begun = "No run has been made yet." if now.link is Link.NONE else "The run has not written a fact yet."
    return [(("", ""), (f" {begun}", "title"), ("  This screen follows a run as soon as there is one.", "muted")), (),
            ((" Check first   ", "muted"), ("taperoom check", ""), ("   6 shows the clients", "muted")),
            ((" Start one     ", "muted"), ("taperoom run", ""), ("     s starts it from here", "muted"))]
