"""The pane for a firehose: it takes ten thousand lines a second and paints a few rows a few times a second.

Lines go into a ring; only those that are seen become strips.  While it follows, the newest line is at the bottom.  Moving
up, or a pause, pins the view to lines, not rows: what is read does not move while more comes, and costs no byte.
What falls out of the ring is in the run's traffic.log.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.format import number
from tui.look import Look, Span
from tui.traffic import KEPT, Line
from tui.widgets.ink import Inks, heading

Draw = Callable[[Line], tuple[Span, ...]]
NOTHING = "nothing was said yet"


class RingLog(Widget, can_focus=True):
    """The newest lines, followed or held; ``draw`` makes spans of one."""

    BINDINGS = [
        Binding("up,k", "move(-1)", show=False), Binding("down,j", "move(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False), Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("home,g", "top", show=False), Binding("end,G", "follow", show=False),
        Binding("left,h", "shift(-8)", show=False), Binding("right", "shift(8)", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another line."""

    def __init__(self, draw: Draw, *, id: str, title: str, look: Look, kept: int = KEPT, classes: str = "pane") -> None:
        super().__init__(id=id, classes=classes)
        self.look, self._draw, self._title, self._inks = look, draw, title, Inks(self, look)
        self._ring: deque[Line] = deque(maxlen=kept)
        self._total = 0
        self._last = 0
        self._painted = 0
        self._cursor = 0
        self._top = 0
        self._shift = 0
        self._note = ""
        self._none = NOTHING
        self.marks: set[int] = set()
        self.following = True

    def extend(self, lines: Iterable[Line], missed: int = 0) -> None:
        """More lines; those that are here already are not taken twice.  Nothing is painted before `flush`.

        ``missed``: so many came before them that are counted only; those are more than are kept here.
        """
        added = [line for line in lines if line.number > self._last]
        if not added:
            return
        self._last = added[-1].number
        self._ring.extend(added)
        self._total += len(added) + missed

    def reset(self, lines: Iterable[Line], title: str = "", *, filtered: bool = False) -> None:
        """Other lines instead: another filter, another run.  Follows again.  ``filtered``: there are more than these."""
        self._title = title or self._title
        self._none = "nothing of what was said fits; esc shows all" if filtered else NOTHING
        self._ring.clear()
        self._total = self._painted = self._last = 0
        self.following = True
        self.extend(lines)
        self._painted = -1
        self.flush()

    def flush(self) -> None:
        """Paint what came since, if it is to be seen."""
        if self._painted == self._total:
            return
        held = not self.following and self._painted >= 0 and self._top >= self._first
        full = self._painted - self._top >= self.size.height
        self._painted = self._total
        if self.following:
            self._cursor = max(self._first, self._total - 1)
        self._cursor = max(self._cursor, self._first)
        if not (held and full):
            self.refresh()
        self.retitle()

    @property
    def _first(self) -> int:
        return self._total - len(self._ring)

    @property
    def _end(self) -> int:
        return max(self._first, self._painted - max(1, self.size.height))

    @property
    def current(self) -> Line | None:
        """The line under the cursor; the newest while it follows."""
        at = self._cursor - self._first
        return self._ring[at] if 0 <= at < len(self._ring) else None

    @property
    def missed(self) -> int:
        """Lines below what is seen."""
        return max(0, self._painted - self._seen_top() - self.size.height)

    def _seen_top(self) -> int:
        return self._end if self.following else max(self._first, min(self._top, self._end))

    def retitle(self) -> None:
        """Say where one is."""
        mark = "> " if self.has_focus else ""
        if self.following:
            state = f"{number(self._painted)} FOLLOW"
        else:
            state = f"{number(min(self._cursor + 1, self._painted))}/{number(self._painted)} PAUSED +{number(self.missed)}"
        if self.marks:
            state += f"  {number(len(self.marked()))} marked"
        title = f"{mark}{self._title}  {state}"
        if title != self._note:
            self._note = title
            self.border_title = heading(title, self.outer_size.width, self.look)

    def on_resize(self) -> None:
        """More or less of the title is seen."""
        self._note = ""
        self.retitle()

    def on_focus(self) -> None:
        """The keyboard came."""
        self.retitle()
        self.refresh()

    def on_blur(self) -> None:
        """The keyboard went."""
        self.retitle()
        self.refresh()

    def action_toggle_follow(self) -> None:
        """Hold the view where it is, or follow again."""
        if self.following:
            self._hold()
        else:
            self.action_follow()
        self.retitle()
        self.refresh()

    def _hold(self) -> None:
        self._top, self.following = self._end, False

    def action_follow(self) -> None:
        """To the newest line, and stay there."""
        self.following = True
        self._cursor = max(self._first, self._painted - 1)
        self.retitle()
        self.refresh()
        self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        """The cursor up or down; below the newest line it follows again."""
        if self.following:
            if by > 0:
                return
            self._hold()
        self._go(self._cursor + by)

    def action_page(self, by: int) -> None:
        """A page up or down."""
        self.action_move(by * max(1, self.size.height - 1))

    def action_top(self) -> None:
        """To the oldest line that is kept."""
        if self.following:
            self._hold()
        self._go(self._first)

    def action_shift(self, by: int) -> None:
        """Long lines to the left or right."""
        self._shift = max(0, self._shift + by)
        self.refresh()

    def _go(self, to: int) -> None:
        if to >= self._painted:
            self.action_follow()
            return
        self._cursor = max(self._first, to)
        height = max(1, self.size.height)
        if self._cursor < self._top:
            self._top = self._cursor
        elif self._cursor >= self._top + height:
            self._top = self._cursor - height + 1
        self.retitle()
        self.refresh()
        self.post_message(self.Moved())

    def seek(self, wanted: Callable[[Line], bool], by: int) -> bool:
        """Put the cursor on the next (``by`` 1) or previous (−1) line that is wanted; False when there is none."""
        at = self._cursor - self._first + by
        while 0 <= at < len(self._ring):
            if wanted(self._ring[at]):
                if self.following:
                    self._hold()
                self._go(self._first + at)
                return True
            at += by
        return False

    def toggle_mark(self) -> None:
        """Mark the line under the cursor, or not any more, and go on to the next; what is marked holds the view."""
        line = self.current
        if line is None:
            return
        if self.following:
            self._hold()
        self.marks ^= {line.number}
        self._go(self._cursor + 1 if self._cursor + 1 < self._painted else self._cursor)

    def clear_marks(self) -> None:
        """Mark nothing."""
        self.marks.clear()
        self.retitle()
        self.refresh()

    def marked(self) -> list[Line]:
        """The marked lines that are kept here, oldest first."""
        return [line for line in self._ring if line.number in self.marks] if self.marks else []

    def shown(self) -> list[Line]:
        """All lines that are kept here, oldest first."""
        return list(self._ring)

    def notify_style_update(self) -> None:
        """The theme changed."""
        super().notify_style_update()
        self._inks.clear()

    def render_line(self, y: int) -> Strip:
        """One row."""
        width = self.size.width
        at = self._seen_top() + y
        index = at - self._first
        if not 0 <= index < len(self._ring) or at >= self._painted:
            if y == 0 and not self._ring:
                return self._inks.strip([(f"  {self._none}", "muted")], width)
            return self._inks.strip((), width)
        here = at == self._cursor and self.has_focus and not self.following
        line = self._ring[index]
        gutter = ("*", "key") if line.number in self.marks else (">" if here else " ", "")
        spans = [gutter, *self._draw(line)]
        if self._shift and len(spans) > 1:
            spans[-1] = (spans[-1][0][self._shift:], spans[-1][1])
        return self._inks.strip(spans, width, "cursor" if here else "")
