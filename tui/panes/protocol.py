"""A line of the pipes as a row, the channels with their counts, and one line explained."""

from __future__ import annotations

from core.events.view import RunView
from tui.clean import clean
from tui.columns import Column, Entry
from tui.explain import explain
from tui.format import clock, number
from tui.look import Span
from tui.panes.layout import Row
from tui.traffic import Filter, Line, Traffic

COLOURS = {
    "NO-ROOM": "attention", "REQUEST-NEW-TAPE": "attention", "REQUEST-OPERATOR": "attention", "TRY-AGAIN": "attention",
    "STRANGE": "attention", "NO-ESTIMATE": "attention", "NO-NEW-TAPE": "attention", "SKIP": "attention",
    "FAILED": "bad", "ABORT": "bad", "ABORT-FINISHED": "bad", "TAPE-ERROR": "bad", "TAPER-ERROR": "bad",
    "BAD-COMMAND": "bad", "WRITE-FAILED": "bad", "DONE": "good", "PARTDONE": "good", "PROGRESS": "muted",
}

_VALUE, _NOTE = 13, 12
"""Cells before the value of a field; the least that are worth beginning its meaning beside it."""

CHANNELS = (Column("", least=8), Column("lines", 7, right=True))


def line_spans(line: Line) -> tuple[Span, ...]:
    """Time, from, to, and the line."""
    colour = COLOURS.get(line.word, "")
    if not line.at:
        return ((line.text, "muted"),)
    return ((f"{clock(line.at)}.{int(line.at * 100) % 100:02d} ", "muted"),
            (f"{line.source:>7.12} {'>' if line.target else ':'} {line.target:<7.12} ", "muted"), (line.text, colour))


def short_spans(line: Line) -> tuple[Span, ...]:
    """The same on a narrow screen: no hundredths, one column for the child with an arrow."""
    if not line.at:
        return ((line.text, "muted"),)
    arrow = ":" if not line.target else ">" if line.source == "driver" else "<"
    return ((f"{clock(line.at)} ", "muted"), (f"{arrow}{line.channel:<8.10} ", "muted"),
            (line.text, COLOURS.get(line.word, "")))


def title(only: Filter) -> str:
    """The pane's title with its filter."""
    disk = clean(f"{only.about.host}:{only.about.disk}") if only.about else ""
    parts = [p for p in (disk, only.channel, only.word, f"filter: {only.text}" if only.text else "") if p]
    return "Protocol  " + ("  ".join(parts) if parts else "all channels")


def channel_rows(traffic: Traffic, chosen: str) -> list[Entry]:
    """All channels with their counts, the busiest kind of name first."""
    rows = [Entry("", (("ALL", "title" if not chosen else ""), (number(traffic.total), "")))]
    for name in sorted(traffic.channels, key=_natural):
        rows.append(Entry(name or "?", ((name or "free text", "title" if name == chosen else ""),
                                           (number(traffic.channels[name]), ""))))
    return rows


def word_rows(traffic: Traffic, chosen: str) -> list[Entry]:
    """The words that were said, the rare ones that matter first."""
    names = sorted((w for w in traffic.words if w), key=lambda w: (COLOURS.get(w, "muted") not in ("attention", "bad"), w))
    return [Entry(w, ((w, "title" if w == chosen else COLOURS.get(w, "")), (number(traffic.words[w]), "")))
            for w in names]


def _natural(name: str) -> tuple[int, str, int]:
    stem = name.rstrip("0123456789")
    digits = name[len(stem):]
    return (0 if stem in ("planner", "dumper", "taper") else 1, stem, int(digits[:9]) if digits else -1)


def explained(line: Line | None, view: RunView, width: int) -> list[Row]:
    """One line in words, for a pane of that width."""
    if line is None:
        return [((" move to a line to have it explained", "muted"),)]
    told = explain(line, view)
    head: list[Span] = [(f" {told.verb}  " if told.verb else " ", "title")]
    rows: list[Row] = []
    for n, piece in enumerate(wrapped(told.meaning, width - 2 - (len(told.verb) + 2 if told.verb else 0), width - 4)):
        rows.append((*head, (piece, "")) if n == 0 else (("   ", ""), (piece, "")))
    for name, value, note in told.fields:
        rows += _field(name, clean(value), note, width)
    for n, piece in enumerate(wrapped(line.text, width - 14, width - 14)):
        rows.append(((" raw         " if n == 0 else " " * 13, "muted"), (piece, "")))
    return rows


def _field(name: str, value: str, note: str, width: int) -> list[Row]:
    """A field, its value and what it means: beside it, or in rows of its own where that has no room."""
    row: Row = ((f" {name:<11.11} ", "muted"), (value, ""))
    room = width - _VALUE - len(value) - 3
    if not note:
        return [row]
    if len(note) <= room:
        return [(*row, (f"   {note}", "muted"))]
    most = width - _VALUE
    first, *rest = wrapped(note, room, most) if room >= _NOTE else ["", *wrapped(note, most, most)]
    return [(*row, (f"   {first}" if first else "", "muted")), *(((" " * _VALUE, ""), (piece, "muted")) for piece in rest)]


def wrapped(text: str, first: int, width: int) -> list[str]:
    """``text`` in pieces of at most ``first`` and then ``width`` characters, broken at blanks where there are any."""
    found: list[str] = []
    room = max(8, first)
    while len(text) > room:
        at = text.rfind(" ", 0, room + 1)
        at = at if at > 0 else room
        found.append(text[:at])
        text, room = text[at:].lstrip(" "), max(8, width)
    return [*found, text]
