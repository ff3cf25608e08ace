"""Earlier runs: how each ended, how much it dumped, how long it took, and one of them in more words."""

from __future__ import annotations

from dataclasses import dataclass

from core.events.view import DiskState, RunView
from tui.clean import clean
from tui.columns import Column, Entry
from tui.format import day_of, short_size, span
from tui.look import BAD, BUSY, GOOD, ODD, Look, Mark
from tui.panes.layout import Row

COLUMNS = (
    Column("", 1), Column("began", 16), Column("result", 9), Column("disks", 7, right=True),
    Column("size", 6, right=True), Column("took", 6, right=True), Column("volumes", least=10, drop=1),
)


@dataclass(frozen=True, slots=True)
class Past:
    """A run in figures; sizes KiB, ``took`` seconds."""

    stamp: str
    result: str
    mark: Mark
    good: int
    disks: int
    size: int
    took: float
    volumes: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    strange: tuple[tuple[str, str], ...]
    answered: tuple[str, ...]
    full: int
    left: int


def past_of(stamp: str, view: RunView, live: bool) -> Past:
    """The figures of one run."""
    disks = view.disks.values()
    failed = tuple((clean(d.title), clean(d.message)) for d in disks if d.state is DiskState.FAILED)
    strange = tuple((clean(d.title), clean(d.strange or d.message)) for d in disks if d.state is DiskState.STRANGE)
    result, mark = "no end", BAD
    if live:
        result, mark = "live", BUSY
    elif view.ended is not None:
        result, mark = {0: ("ok", GOOD), 1: ("ATTENTION", ODD), 3: ("stopped", ODD)}.get(
            view.ended.code, (f"code {view.ended.code}", BAD))
        if failed:
            result, mark = "FAIL", BAD
    answered = tuple(
        f"#{q.asked.id} {clean(q.asked.code)} {clean(q.asked.subject)}: {clean(q.choice) or 'withdrawn'} by {clean(q.by)}"
        for q in view.questions.values() if q.closed)
    return Past(
        stamp, result, mark, view.count(DiskState.DONE, DiskState.STRANGE),
        max(view.began.disks if view.began else 0, len(view.disks)), sum(d.size for d in disks if d.parts or d.file),
        max(0.0, (view.ended_at or view.at) - view.began_at), tuple(clean(v.label) for v in view.volumes), failed, strange,
        answered, sum(1 for d in disks if d.level == 0), view.ended.left_on_holding if view.ended else 0)


def entries(pasts: list[Past], look: Look) -> list[Entry]:
    """The newest first."""
    return [Entry(p.stamp, (
        (look.glyph(p.mark), p.mark.colour), (day_of(p.stamp), ""), (p.result, p.mark.colour), (f"{p.good}/{p.disks}", ""),
        (short_size(p.size), ""), (span(p.took), ""), (", ".join(p.volumes) or "-", "muted"))) for p in pasts]


def detail(past: Past | None) -> list[Row]:
    """One run in words."""
    if past is None:
        return []
    rows: list[Row] = [
        ((f" {day_of(past.stamp)}  ", "title"), (past.result, past.mark.colour)),
        ((f" {past.good} of {past.disks} disks are safe, {past.full} dumped full, {short_size(past.size)} in "
          f"{span(past.took)}", ""),),
    ]
    if past.left:
        rows.append(((f" {past.left} left on the holding disk", "attention"),))
    rows += [((" failed   ", "bad"), (name, ""), (f"  {said}", "muted")) for name, said in past.failed]
    rows += [((" strange  ", "attention"), (name, ""), (f"  {said}", "muted")) for name, said in past.strange]
    rows += [((" request  ", "muted"), (text, "")) for text in past.answered]
    return rows
