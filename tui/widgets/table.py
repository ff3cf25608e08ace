"""A list that an operator walks: columns that know their width, a cursor that follows its row, a filter as one types.

Foreign text is only ever text here.  A frame costs what is visible; only rows that changed are painted, and nothing is
laid out again, so a list of hundreds of disks may be put twice a second.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.columns import Column, Entry
from tui.look import Look
from tui.traffic import matches
from tui.widgets.ink import Inks, cut, cut_name, heading

MOVES: list[BindingType] = [
    Binding("up,k", "move(-1)", show=False), Binding("down,j", "move(1)", show=False),
    Binding("pageup,ctrl+b", "page(-1)", show=False), Binding("pagedown,ctrl+f", "page(1)", show=False),
    Binding("home,g", "end(-1)", show=False), Binding("end,G", "end(1)", show=False),
]


class Table(Widget, can_focus=True):
    """Columns and rows, with one title row."""

    BINDINGS = MOVES

    class Moved(Message):
        """The cursor stands on another row."""

    def __init__(self, columns: Sequence[Column], *, id: str, empty: str = "", title: str = "", look: Look | None = None,
                 classes: str = "pane") -> None:
        super().__init__(id=id, classes=classes)
        self.look = look or Look()
        self._columns, self._empty, self._title, self._inks = tuple(columns), empty, title, Inks(self, self.look)
        self._all: list[Entry] = []
        self._given: Sequence[Entry] = ()
        self.rows: list[Entry] = []
        self.cursor, self._key, self._top = 0, "", 0
        self.filter = ""
        self.marks: set[str] = set()
        self._note = ""

    @property
    def key(self) -> str:
        """The key of the row under the cursor; empty when there is none."""
        return self.rows[self.cursor].key if 0 <= self.cursor < len(self.rows) else ""

    def put(self, rows: Sequence[Entry], title: str = "", empty: str = "") -> None:
        """Show these rows; the cursor stays on its row, or where it was, and at the top until it was moved."""
        self._all, self._given = list(rows), rows
        if title:
            self._title = title
        if empty and empty != self._empty:
            self._empty = empty
            self.refresh()
        self._choose()

    def holds(self, rows: Sequence[Entry]) -> bool:
        """Whether these very rows were the last that were put."""
        return self._given is rows

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or not any more, and go on to the next."""
        if self.key:
            self.marks ^= {self.key}
            self._note = ""
            self._retitle()
            self.action_move(1)

    def clear_marks(self) -> None:
        """Mark nothing."""
        self.marks.clear()
        self._note = ""
        self._retitle()
        self.refresh()

    @property
    def marked(self) -> list[str]:
        """The keys of the marked rows that there are, in their order, seen or filtered out."""
        return [row.key for row in self._all if row.key in self.marks] if self.marks else []

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Other columns from now on; `put` rows for them next."""
        if tuple(columns) != self._columns:
            self._columns = tuple(columns)
            self.refresh()

    def restart(self) -> None:
        """Other rows come next: the cursor begins at the top of them."""
        self._key, self.cursor, self._top = "", 0, 0

    def set_filter(self, text: str) -> None:
        """Show only rows with this text (see `tui.traffic.matches`)."""
        self.filter = text
        self._choose()

    def _choose(self) -> None:
        old, before = self.rows, (self.cursor, self._top)
        self.rows = [row for row in self._all if matches(self.filter, " ".join(c[0] for c in row.cells))] \
            if self.filter else self._all
        keys = [row.key for row in self.rows]
        if self._key in keys:
            self.cursor = keys.index(self._key)
        elif not self._key:  # nobody has moved yet: on what matters most
            self.cursor = 0
        self.cursor = max(0, min(self.cursor, len(self.rows) - 1))
        self._scroll()
        self._retitle()
        if (self.cursor, self._top) != before or bool(old) != bool(self.rows):
            self.refresh()
            return
        for y in range(self._height):
            at = self._top + y
            if (old[at] if at < len(old) else None) != (self.rows[at] if at < len(self.rows) else None):
                self.refresh(Region(0, y + self._head, self.size.width, 1))

    def _retitle(self) -> None:
        note = f"filter: {self.filter}  {len(self.rows)}/{len(self._all)}" if self.filter else ""
        mark = "> " if self.has_focus else ""
        marked = f"{len(self.marked)} marked" if self.marks else ""
        title = "  ".join(part for part in (f"{mark}{self._title}", note, marked) if part)
        if title != self._note:
            self._note = title
            self.border_title = heading(title, self.outer_size.width, self.look)

    def on_focus(self) -> None:
        """The keyboard came."""
        self._retitle()
        self.refresh()

    def on_blur(self) -> None:
        """The keyboard went."""
        self._retitle()
        self.refresh()

    def on_resize(self) -> None:
        """More or fewer rows are seen."""
        self._scroll()
        self._note = ""
        self._retitle()

    @property
    def _head(self) -> int:
        """Rows of the title; where there is one row in all, it is that of the cursor."""
        return 1 if self.size.height > 1 else 0

    @property
    def _height(self) -> int:
        return max(0, self.size.height - self._head)

    def _scroll(self) -> None:
        if not self.size.height:  # hidden: it comes back as it was
            return
        height = max(1, self._height)
        if self.cursor < self._top:
            self._top = self.cursor
        elif self.cursor >= self._top + height:
            self._top = self.cursor - height + 1
        self._top = max(0, min(self._top, len(self.rows) - height))

    def _move_to(self, row: int) -> None:
        self.cursor = max(0, min(row, len(self.rows) - 1))
        self._key = self.key
        self._scroll()
        self.refresh()
        self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        """Up or down."""
        self._move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        """A page up or down."""
        self._move_to(self.cursor + by * max(1, self._height - 1))

    def action_end(self, which: int) -> None:
        """To the first or last row."""
        self._move_to(0 if which < 0 else len(self.rows) - 1)

    def go_to(self, key: str) -> bool:
        """Put the cursor on the row with this key; False when it is not shown."""
        keys = [row.key for row in self.rows]
        if key not in keys:
            return False
        self._move_to(keys.index(key))
        return True

    def notify_style_update(self) -> None:
        """The theme changed."""
        super().notify_style_update()
        self._inks.clear()

    def _widths(self) -> list[tuple[int, int]]:
        room = self.size.width - 2
        chosen = list(range(len(self._columns)))
        while True:
            columns = [self._columns[n] for n in chosen]
            fixed = sum(c.width for c in columns) + len(columns) - 1
            flexible = [c for c in columns if c.width == 0]
            if fixed + sum(c.least for c in flexible) <= room or not any(c.drop for c in columns):
                break
            worst = max(c.drop for c in columns)
            chosen = [n for n in chosen if self._columns[n].drop != worst]
        left, shares = max(0, room - fixed - sum(c.least for c in flexible)), sum(c.share for c in flexible) or 1
        widths: list[tuple[int, int]] = []
        for n in chosen:
            column = self._columns[n]
            wide = column.width
            if not wide:
                more = left * column.share // shares
                left, shares, wide = left - more, shares - column.share, column.least + more
            widths.append((n, wide))
        return widths

    def render_line(self, y: int) -> Strip:
        """The title row, or the row at that place."""
        widths, width = self._widths(), self.size.width
        if y < self._head:
            spans = [(" ", "")]
            for n, wide in widths:
                column = self._columns[n]
                spans.append((" " + cut(column.title, wide, self.look.dots, right=column.right), "muted"))
            return self._inks.strip(spans, width)
        at = self._top + y - self._head
        if at >= len(self.rows):
            if not self.rows and y == self._head:
                text = "nothing has this text; esc shows all" if self.filter and self._all else self._empty
                return self._inks.strip([("  ", ""), (self.look.cut(text), "muted")], width)
            return self._inks.strip((), width)
        here = at == self.cursor and self.has_focus
        row = self.rows[at]
        spans = [("*", "key") if row.key in self.marks else (">" if here else " ", "")]
        for n, wide in widths:
            text, colour = row.cells[n] if n < len(row.cells) else ("", "")
            column, told = self._columns[n], self.look.cut(text)
            spans.append((" " + (cut_name(told, wide, self.look.dots) if column.name else
                                 cut(told, wide, self.look.dots, right=column.right)), colour))
        return self._inks.strip(spans, width, "cursor" if here else "")
