"""The dumps of one disk as a line of time: the day and the level of each, the one that is looked through in brackets.  Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from core.client.browse import Date
from tui.format import day, moment
from tui.look import Span
from tui.panes.layout import Row


def timeline_row(dates: Sequence[Date], chosen: str, having: Collection[str] | None, width: int) -> Row:
    """``dates`` newest first; ``having``: the dumps that have the name that was asked about, None where none was.

    A window of them around the chosen one; how many there are before and after it stands at its ends."""
    if not dates:
        return ()
    line = list(reversed(dates))
    days = Counter(day(date.at) for date in line)
    often = frozenset(name for name, count in days.items() if count > 1)
    at = next((n for n, date in enumerate(line) if date.datestamp == chosen), len(line) - 1)
    room = width - 14  # the ends of the window, each with a number
    first, last = at, at
    grown = True
    while grown:
        grown = False
        if first > 0 and _width(line[first - 1:last + 1], often) <= room:
            first, grown = first - 1, True
        if last + 1 < len(line) and _width(line[first:last + 2], often) <= room:
            last, grown = last + 1, True
    spans: list[Span] = [(f" <{first} " if first else " ", "muted")]
    month = ""
    for date in line[first:last + 1]:
        text, month = _cell(date, month, often)
        lead, _, level = text.rpartition(" ")
        here = date.datestamp == chosen
        has = having is None or date.datestamp in having
        spans.append(("[" if here else " ", "title"))
        spans.append((f"{lead} ", "title" if here else "" if has else "muted"))
        spans.append((level, "cursor" if here else "good" if having is not None and has else "title" if date.level == 0 else
                      "" if has else "muted"))
        spans.append(("]" if here else " ", "title"))
    after = len(line) - 1 - last
    spans.append((f" {after}>" if after else "", "muted"))
    return tuple(spans)


def _cell(date: Date, month: str, often: Collection[str]) -> tuple[str, str]:
    """``Nov 30 L1``; the month only where it is another one, the time on a day that was dumped ``often``."""
    named = day(date.at)
    _, number, name = named.split()
    clock = f" {moment(date.at)}" if named in often else ""
    return (f"{number}{clock} L{date.level}" if name == month else f"{name} {number}{clock} L{date.level}"), name


def _width(dates: Sequence[Date], often: Collection[str]) -> int:
    total, month = 0, ""
    for date in dates:
        text, month = _cell(date, month, often)
        total += len(text) + 2
    return total
