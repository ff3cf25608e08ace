"""Restores under way and over: one line each, and one of them in full.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.model.units import show_duration, show_size
from tui.clean import clean
from tui.columns import Column, Entry
from tui.format import day_of, percent
from tui.look import BAD, BUSY, GOOD, ODD, WANTS, Look, Mark
from tui.moment import Moment
from tui.panes.layout import Row, fit, joined, part
from tui.panes.protocol import wrapped

if TYPE_CHECKING:
    from core.client.restores import Restoring

LATELY = 900.0
"""Seconds that one which is over stays in the rows of the Restore screen."""
RESTORES = (Column("", 1), Column("began", 16), Column("by", 12, drop=2), Column("to", least=16), Column("how far", 28))


def mark_of(one: Restoring) -> Mark:
    """Under way, well, of interest, or failed."""
    if one.alive:
        return WANTS if one.asks else BUSY
    return {0: GOOD, 1: ODD}.get(one.code if one.code is not None else -1, BAD)


def state_of(one: Restoring) -> str:
    """How far it is, in a few words."""
    if one.alive:
        if one.asks:
            return "waits for an answer: r"
        if not one.total:
            return "looking what is needed"
        left = f", {show_duration(one.left)} left" if one.left >= 0 else ""
        return f"{percent(one.done / one.total).strip()} of {show_size(one.total)}{left}"
    match one.code:
        case 0:
            return "done"
        case 1:
            return "needs attention"
        case 130:
            return "interrupted"
        case None:
            return "ended without a word"
        case code:
            return f"failed, code {code}"


def last_word(one: Restoring) -> str:
    """What it said that matters most: its fault, or its last line."""
    lines = [line for line in one.said if line.strip()]
    faults = [line for line in lines if line[:3].isupper() and line[3:6].isdigit()]
    if one.code not in (0, None) and faults:
        return faults[-1]
    good = [line for line in lines if not line.startswith(" ")]
    return (good or lines or [""])[-1]


def job_rows(found: Sequence[Restoring], now: Moment, width: int, most: int = 2) -> list[Row]:
    """Those under way and those that ended a short while ago, for the Restore screen."""
    fresh = [one for one in found if one.alive or one.ended > now.now - LATELY][:most]
    rows: list[Row] = []
    for one in fresh:
        mark = mark_of(one)
        what = one.what if one.alive else last_word(one)
        parts = [part(0, f"{now.look.glyph(mark)} restore to {clean(one.to, max(16, width // 3))}", mark.colour),
                 part(0, state_of(one), "title" if one.alive else mark.colour), part(3, "w shows it", "key")]
        used = sum(each.width for each in parts) + 2 * len(parts) + 3
        parts.insert(2, part(2, clean(what, max(8, width - used)) if width - used > 12 else "", "muted"))
        rows.append(((" ", ""), *joined(fit(parts, width - 2))))
    return rows


def entries(found: Sequence[Restoring], look: Look) -> list[Entry]:
    """All that are known, newest first."""
    return [Entry(one.name, (
        (look.glyph(mark_of(one)), mark_of(one).colour), (day_of(one.datestamp), ""), (clean(one.who), "muted"),
        (clean(one.to), ""), (state_of(one), "title" if one.alive else mark_of(one).colour))) for one in found]


def detail(one: Restoring | None, look: Look, width: int, height: int) -> list[Row]:
    """The command, how far it is, and the last of what it said."""
    if one is None:
        return [((" no restore was begun from a console yet, and none in a shell asked for anything", "muted"),)]
    rows: list[Row] = [((" same as " if n == 0 else "         ", "muted"), (piece, ""))
                       for n, piece in enumerate(wrapped(clean(one.command), width - 10, width - 10)[:4])]
    if one.alive and one.total:
        room = max(10, min(40, width - 40))
        rows.append(((" ", ""), (look.bar(one.done / one.total, room), ""), (f" {state_of(one)}", "title")))
        rows.append(((f" {clean(one.what)}", "muted"),))
    else:
        rows.append(((" ", ""), (state_of(one), "title" if one.alive else mark_of(one).colour)))
    for question in one.asks:
        text = f"#{question.asked.id} {question.asked.code} {question.asked.text}"
        rows += [((f" {piece}", "attention"),) for piece in wrapped(clean(text), width - 2, width - 2)]
    rows.append(())
    said = [piece for line in one.said for piece in wrapped(clean(line), width - 2, width - 4)]
    rows += [((f" {line}", _colour(line)),) for line in said[-max(1, height - len(rows)):]]
    return rows


def _colour(line: str) -> str:
    coded = line[:3].isupper() and line[3:6].isdigit()
    return "attention" if coded or line.lstrip().startswith("MISSING") else ""
