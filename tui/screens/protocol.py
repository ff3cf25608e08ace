"""Protocol: what was said between whom, as it flows; one line of it in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from core.model.quoting import join
from tui.about import About
from tui.clean import clean
from tui.format import clock, number, plural
from tui.goto import Goto
from tui.moment import Moment
from tui.panes import protocol
from tui.screens.base import ConsoleScreen, bindings
from tui.subject import Key, Subject, title_of
from tui.traffic import Filter, Line, handle_in
from tui.widgets.ink import heading
from tui.widgets.lines import Lines
from tui.widgets.ringlog import RingLog
from tui.widgets.table import Table

COPIED = 500
"""Lines that are copied at once: terminals drop a clipboard of more than some 100 KB."""


class ProtocolScreen(ConsoleScreen):
    """The pipes."""

    where = "protocol"
    BINDINGS = bindings("protocol")
    AUTO_FOCUS = "#log"
    _narrowed: Key | None = None

    def __init__(self) -> None:
        super().__init__()
        self.only = Filter()
        self._opened = 0

    def body(self) -> ComposeResult:
        """Channels and words, the log, one line in words."""
        look = self.console_app.look
        with Container(classes="row"):
            with Container(id="names", classes="column"):
                yield Table(protocol.CHANNELS, id="channels", title="Channels", look=look)
                yield Table(protocol.CHANNELS, id="words", title="Words", look=look)
            with Container(classes="column"):
                draw = lambda line: (protocol.line_spans if self.wide else protocol.short_spans)(line)  # noqa: E731
                yield RingLog(draw, id="log", title=protocol.title(self.only), look=look)
                yield Lines(id="explained", classes="pane", look=self.console_app.look)

    @property
    def log_pane(self) -> RingLog:
        """The log."""
        return self.query_one("#log", RingLog)

    def refill(self) -> None:
        """All kept lines that the filter takes; those of another run are numbered anew, so no mark of them stays."""
        feed, chosen = self.console_app.feed, self.console_app.only
        if self._opened != feed.opened:
            self._opened = feed.opened
            self.log_pane.marks.clear()
        if chosen != self._narrowed:
            self.only, self._narrowed = replace(self.only, about=About(*chosen) if chosen else None), chosen
        if self.only.about is not None:
            self.only.about.learn(feed.view)
        self.log_pane.reset(feed.traffic.chosen(self.only), protocol.title(self.only), filtered=bool(self.only))

    def stream(self, lines: list[Line]) -> None:
        """More traffic."""
        if self.only:
            self.log_pane.extend([line for line in lines if self.only.takes(line)])
        else:
            self.log_pane.extend(lines, self.console_app.feed.missed)

    def show(self, now: Moment) -> None:
        """The log, the names, the line under the cursor."""
        if self.only.about is not None and self.only.about.learn(now.view):
            self.refill()  # it has another handle: a second attempt, or a volume is written
        self.log_pane.flush()
        traffic = self.console_app.feed.traffic
        if self.wide:
            self.query_one("#channels", Table).put(protocol.channel_rows(traffic, self.only.channel))
            self.query_one("#words", Table).put(protocol.word_rows(traffic, self.only.word))
        self.explain(now)

    def explain(self, now: Moment) -> None:
        """The line under the cursor in words."""
        pane, line = self.query_one("#explained", Lines), self.log_pane.current
        width = pane.content_size.width or self.size.width
        title = f"Line {line.number}  {line.source} > {line.target}" if line and line.at else "Line"
        pane.border_title = heading(title, pane.outer_size.width, now.look)
        pane.put(protocol.explained(line, now.view, width))

    def on_ring_log_moved(self) -> None:
        """Another line."""
        self.explain(self.console_app.moment())

    def on_table_moved(self) -> None:
        """Another channel or word."""
        channels, words = self.query_one("#channels", Table), self.query_one("#words", Table)
        if self.focused is channels:
            self.narrow_to(replace(self.only, channel=channels.key))
        elif self.focused is words:
            self.narrow_to(replace(self.only, word=words.key))

    def narrow_to(self, only: Filter) -> None:
        """Show only these lines."""
        if only != self.only:
            if self.console_app.only is not None and only.about is None:
                only = replace(only, about=self.only.about)
            self.only = only
            self.refill()
            self.again()

    def goto(self, where: Goto) -> None:
        """``:channel dumper2``, ``:word NO-ROOM``, ``:handle 02-00031``, ``:traffic HOST:DISK``, ``:protocol text``."""
        match where.what:
            case "channel":
                self.narrow_to(Filter(where.value))
            case "word":
                self.narrow_to(Filter(word=where.value.upper()))
            case "traffic":
                self.narrow_to(Filter(about=About(*self._named(where.value))))
            case _:
                self.narrow_to(Filter(text=where.value))
        self.log_pane.focus()

    def _named(self, title: str) -> Key:
        """The disk of that name, whatever colons are in it."""
        disks = self.console_app.feed.view.disks
        host, _, disk = title.partition(":")
        return next((key for key in disks if title_of(key) == title), (host, disk))

    def listed(self) -> Widget | None:
        """``/`` filters the log."""
        return self.log_pane

    def filter_text(self) -> str:
        """The filter as it stands."""
        return self.only.text

    def apply_filter(self, text: str) -> None:
        """Filter as one types."""
        self.narrow_to(replace(self.only, text=text))

    def action_back(self) -> None:
        """Esc: no marks, then all lines again, then all disks."""
        if self.log_pane.marks:
            self.log_pane.clear_marks()
        elif self.only.channel or self.only.word or self.only.text or (self.only and self.console_app.only is None):
            self.narrow_to(Filter())
        else:
            super().action_back()

    def action_toggle_follow(self) -> None:
        """Pause or follow."""
        self.log_pane.action_toggle_follow()

    def action_channel(self, by: int) -> None:
        """The next channel."""
        names = ["", *(e.key for e in protocol.channel_rows(self.console_app.feed.traffic, "")[1:])]
        self.narrow_to(replace(self.only, channel=_next(names, self.only.channel, by)))

    def action_word(self, by: int) -> None:
        """The next word."""
        names = ["", *(e.key for e in protocol.word_rows(self.console_app.feed.traffic, ""))]
        self.narrow_to(replace(self.only, word=_next(names, self.only.word, by)))

    def subject(self) -> Subject:
        """The disk that the line under the cursor is about."""
        line, view = self.log_pane.current, self.console_app.feed.view
        if line is None:
            return Subject(disk=self.console_app.only)
        found = view.handles.get(handle := handle_in(line.text))
        if found is None and (write := view.writes.get(handle)):
            found = (write.host, write.disk)
        words = f" {line.text} "
        return Subject(disk=found or next((key for key in view.disks if f" {clean(join(key))} " in words
                                           or title_of(key) in words.split()), None))

    def action_same(self) -> None:
        """Only the handle of this line."""
        line = self.log_pane.current
        if line and (handle := handle_in(line.text)):
            self.narrow_to(Filter(text=handle))
        else:
            self.console_app.say("this line has no handle", bad=True)

    def action_near(self, by: int) -> None:
        """The next or the last line of the handle under the cursor, whatever is between; of a mark where there are any."""
        pane = self.log_pane
        line = pane.current
        handle = handle_in(line.text) if line else ""
        if pane.marks:
            found = pane.seek(lambda other: other.number in pane.marks, by)
        elif handle:
            found = pane.seek(lambda other: handle_in(other.text) == handle, by)
        else:
            self.console_app.say("this line has no handle, and none is marked", bad=True)
            return
        if not found:
            what = "mark" if pane.marks else f"line of {handle}"
            self.console_app.say(f"no {what} {'after' if by > 0 else 'before'} this")

    def action_mark(self) -> None:
        """Mark the line."""
        self.log_pane.toggle_mark()

    def action_copy(self) -> None:
        """The line to the clipboard."""
        if line := self.log_pane.current:
            self.app.copy_to_clipboard(line.text)
            self.console_app.say("copied; some terminals do not allow it: e writes a file")

    def _told(self) -> list[str]:
        """The marked lines, or all that are shown, as they are read."""
        return [f"{clock(line.at)} {line.source} {'>' if line.target else ':'} {line.target}{' ' if line.target else ''}"
                f"{line.text}\n" for line in self.log_pane.marked() or self.log_pane.shown()]

    def action_copy_all(self) -> None:
        """The marked lines to the clipboard, or all that are shown; terminals take no more than so much."""
        told = self._told()
        kept = told[-COPIED:]
        self.app.copy_to_clipboard("".join(kept))
        less = f", the last of {number(len(told))}" if len(kept) < len(told) else ""
        self.console_app.say(f"{plural(len(kept), 'line')}{less} copied; some terminals do not allow it: e writes a file")

    def action_export(self) -> None:
        """The marked lines to a file, or all that are shown."""
        run = self.console_app.feed.run
        if run is None:
            return
        path = Path.home() / f"taperoom-{run.datestamp}-traffic.txt"
        told = self._told()
        text = "".join(told)
        try:
            path.write_text(text, "utf-8", "replace")
        except OSError as fault:
            self.console_app.say(f"CON011 {path} cannot be written: {fault.strerror}", bad=True)
        else:
            self.console_app.say(f"{plural(len(told), 'line')} written to {path}")


def _next(names: list[str], current: str, by: int) -> str:
    at = names.index(current) if current in names else 0
    return names[(at + by) % len(names)]
