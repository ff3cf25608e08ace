"""Plain text for terminals, mails and pipes: cleaning what others said, and columns that keep their width.

Promises: nothing that a client, a file name or a message brings can move the cursor, colour the screen or add a line.
Frames and marks are ASCII, so that a plain SSH session shows them; only names keep their own letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from core.model.units import local_time, show_duration, show_kib

WIDTH = 80


def clean(text: str) -> str:
    """``text`` with everything that is no printable character written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def width(text: str) -> int:
    """Columns that ``text`` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, columns: int) -> str:
    """At most so many columns; what is left out at the end shows as ``..``."""
    if width(text) <= columns:
        return text
    kept = text
    while kept and width(kept) > columns - 2:
        kept = kept[:-1]
    return kept + ".."[: max(0, columns)]


def cut_left(text: str, columns: int) -> str:
    """At most so many columns of the end of ``text``: the end of a path says more than its beginning."""
    if width(text) <= columns:
        return text
    kept = text
    while kept and width(kept) > columns - 2:
        kept = kept[1:]
    return ".."[: max(0, columns)] + kept


def pad(text: str, columns: int) -> str:
    """``text`` with blanks after it."""
    return text + " " * (columns - width(text))


def pad_left(text: str, columns: int) -> str:
    """``text`` with blanks before it."""
    return " " * (columns - width(text)) + text


def name_of(host: str, disk: str, columns: int = 0) -> str:
    """``HOST:DISK``, cleaned; cut in the middle when it is wider than ``columns``: both ends of it tell disks apart."""
    shown = clean(f"{host}:{disk}")
    if not columns or width(shown) <= columns:
        return shown
    head = clean(host) + ":"
    if width(head) > columns // 2:
        return cut_left(shown, columns)
    return head + cut_left(clean(disk), columns - width(head))


def wrap(text: str, columns: int = WIDTH, indent: str = "", after: str | None = None) -> list[str]:
    """Lines of at most ``columns``; words that are longer stay whole.  ``after``: indent of the second line on."""
    lines: list[str] = []
    line = indent
    empty = True
    for word in clean(text).split(" "):
        if not empty and width(line) + 1 + width(word) > columns:
            lines.append(line)
            line, empty = indent if after is None else after, True
        line += word if empty else f" {word}"
        empty = False
    return [*lines, line]


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], right: str = "", columns: int = WIDTH, flexible: int = 0,
    indent: str = "", keep_end: bool = True,
) -> list[str]:
    """Lines of a table; ``right`` holds an ``r`` for each column to the right.  The ``flexible`` column gives way when
    the whole is too wide, and keeps its end (a path) or its beginning (a sentence)."""
    body = [[clean(cell) for cell in row] for row in rows]
    widths = [max(width(head), *(width(row[i]) for row in body)) if body else width(head) for i, head in enumerate(heads)]
    over = len(indent) + sum(widths) + 2 * (len(widths) - 1) - columns
    if over > 0:
        widths[flexible] = max(width(heads[flexible]), 12, widths[flexible] - over)
    lines: list[str] = []
    for number, row in enumerate([list(heads), *body]):
        if number:
            row[flexible] = (cut_left if keep_end else cut)(row[flexible], widths[flexible])
        cells = [pad_left(cell, widths[i]) if right[i : i + 1] == "r" else pad(cell, widths[i])
                 for i, cell in enumerate(row)]
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines


def clock(at: float) -> str:
    """Local time of day; a time that no calendar has (a journal from elsewhere may say anything) is ``??:??:??``."""
    when = local_time(at)
    return when.strftime("%H:%M:%S") if when else "??:??:??"


def moment(at: float) -> str:
    """Local date and time, as an operator writes it."""
    when = local_time(at)
    return when.strftime("%Y-%m-%d %H:%M:%S") if when else "????-??-?? ??:??:??"


def count(number: int, one: str, many: str = "") -> str:
    """``1 disk``, ``2 disks``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def took(seconds: float) -> str:
    """A duration; with a tenth while it is short, since ``0s`` says nothing."""
    return f"{seconds:.1f}s" if seconds < 10 else show_duration(seconds)


def rate(kib: float, seconds: float) -> str:
    """``112 MiB/s``; empty when the time is too short to say."""
    return f"{show_kib(kib / seconds)}/s" if seconds >= 0.001 else ""
