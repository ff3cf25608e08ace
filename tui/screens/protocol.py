"""Protocol: what was said between whom, as it flows; one line of it in words."""

from __future__ import annotations

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from tui.format import clock
from tui.goto import Goto
from tui.moment import Moment
from tui.panes import protocol
from tui.screens.base import ConsoleScreen, bindings
from tui.traffic import Filter, Line
from tui.widgets.ink import heading
from tui.widgets.lines import Lines
from tui.widgets.ringlog import RingLog
from tui.widgets.table import Table


class ProtocolScreen(ConsoleScreen):
    """The pipes."""

    where = "protocol"
    BINDINGS = bindings("protocol")
    AUTO_FOCUS = "#log"

    def __init__(self) -> None:
        super().__init__()
        self.only = Filter()

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
        """All kept lines that the filter takes."""
        self.log_pane.reset(self.console_app.feed.traffic.chosen(self.only), protocol.title(self.only))

    def stream(self, lines: list[Line]) -> None:
        """More traffic."""
        self.log_pane.extend([line for line in lines if self.only.takes(line)] if self.only else lines)

    def show(self, now: Moment) -> None:
        """The log, the names, the line under the cursor."""
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
            self.narrow_to(Filter(channels.key, self.only.word, self.only.text))
        elif self.focused is words:
            self.narrow_to(Filter(self.only.channel, words.key, self.only.text))

    def narrow_to(self, only: Filter) -> None:
        """Show only these lines."""
        if only != self.only:
            self.only = only
            self.refill()
            self.again()

    def goto(self, where: Goto) -> None:
        """``:channel dumper2``, ``:word NO-ROOM``, ``:handle 02-00031``, ``:protocol text``."""
        match where.what:
            case "channel":
                self.narrow_to(Filter(where.value))
            case "word":
                self.narrow_to(Filter(word=where.value.upper()))
            case _:
                self.narrow_to(Filter(text=where.value))
        self.log_pane.focus()

    def listed(self) -> Widget | None:
        """``/`` filters the log."""
        return self.log_pane

    def filter_text(self) -> str:
        """The filter as it stands."""
        return self.only.text

    def apply_filter(self, text: str) -> None:
        """Filter as one types."""
        self.narrow_to(Filter(self.only.channel, self.only.word, text))

    def action_back(self) -> None:
        """Esc: all lines again."""
        self.narrow_to(Filter())

    def action_toggle_follow(self) -> None:
        """Pause or follow."""
        self.log_pane.action_toggle_follow()

    def action_channel(self, by: int) -> None:
        """The next channel."""
        names = ["", *(e.key for e in protocol.channel_rows(self.console_app.feed.traffic, "")[1:])]
        self.narrow_to(Filter(_next(names, self.only.channel, by), self.only.word, self.only.text))

    def action_word(self, by: int) -> None:
        """The next word."""
        names = ["", *(e.key for e in protocol.word_rows(self.console_app.feed.traffic, ""))]
        self.narrow_to(Filter(self.only.channel, _next(names, self.only.word, by), self.only.text))

    def action_same(self) -> None:
        """Only the handle of this line."""
        line = self.log_pane.current
        handle = next((w for w in line.text.split() if len(w) >= 8 and w[2:3] == "-" and w[:2].isdigit()), "") if line else ""
        if handle:
            self.narrow_to(Filter(text=handle))
        else:
            self.console_app.say("this line has no handle", bad=True)

    def action_copy(self) -> None:
        """The line to the clipboard."""
        if line := self.log_pane.current:
            self.app.copy_to_clipboard(line.text)
            self.console_app.say("copied; some terminals do not allow it: e writes a file")

    def action_export(self) -> None:
        """What is shown to a file."""
        run = self.console_app.feed.run
        if run is None:
            return
        path = Path.home() / f"taperoom-{run.datestamp}-traffic.txt"
        text = "".join(f"{clock(line.at)} {line.source} > {line.target} {line.text}\n" for line in self.log_pane.shown())
        try:
            path.write_text(text, "utf-8", "replace")
        except OSError as fault:
            self.console_app.say(f"{path} cannot be written: {fault.strerror}", bad=True)
        else:
            self.console_app.say(f"written to {path}")


def _next(names: list[str], current: str, by: int) -> str:
    at = names.index(current) if current in names else 0
    return names[(at + by) % len(names)]
