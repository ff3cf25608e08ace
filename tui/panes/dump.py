"""One dump in detail: how it stands and why it waits, what happened to it, its parts, what was said of it."""

from __future__ import annotations

from core.events.view import FINAL, DiskState, DiskView
from tui.clean import clean
from tui.columns import Column, Entry
from tui.format import clock, due, moment, percent, plural, short_size, span
from tui.look import DISK
from tui.moment import Moment
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.panes.run import level, places, room_comes, why_retry_waits
from tui.story import Piece, Story

STEPS = (Column("", 1), Column("at", 8), Column("after", 6, right=True, drop=1), Column("what", 12), Column("", least=24))

PIECES = (
    Column("part", 4, right=True), Column("volume", least=14), Column("file", 4, right=True), Column("size", 6, right=True),
    Column("B/s", 6, right=True), Column("CRC-32C", 8, drop=1), Column("at", 8, drop=2),
)


def waits(now: Moment, disk: DiskView) -> str:
    """Why it does not move right now; empty when it does, or when it is over."""
    match disk.state:
        case DiskState.ESTIMATING:
            return "its client has not told the size yet"
        case DiskState.PLANNED | DiskState.HELD:
            return clean(now.gauges.waiting.get(disk.title, "")) or (
                "an operator holds it" if disk.state is DiskState.HELD else "its turn has not come")
        case DiskState.RETRY:
            if reason := why_retry_waits(now, disk):
                return f"{reason}; to be tried again since {moment(disk.retry_after)}, {clean(disk.message)}"
            return f"{clean(disk.message)}; tried again {moment(disk.retry_after)}, {due(disk.retry_after, now.now)}"
        case DiskState.STALLED:
            need = f"needs {short_size(disk.missing)} more room" if disk.missing else "no room on the holding disk"
            asked = next((q.asked for q in now.view.open_questions if q.asked.handle == disk.handle), None)
            return f"{need}; request #{asked.id} waits for an answer" if asked else f"{need}; {room_comes(now)}"
        case DiskState.DUMPED if disk.file:
            taper = next((t for t in now.view.tapers.values() if t.state == "writing"), None)
            return f"for a volume: {clean(taper.label)} is being written" if taper else "for a volume"
        case _:
            return ""


def facts(now: Moment, disk: DiskView, width: int) -> list[Row]:
    """How it stands."""
    mark = DISK[disk.state]
    head: Row = ((f" {now.look.glyph(mark)} ", mark.colour), (disk.state.value, mark.colour), (f"  {level(disk)}", "title"))
    if disk.handle:
        head = (*head, (f"  {clean(disk.handle)} {clean(disk.child)}", "muted"))
    if disk.attempt > 1:
        head = (*head, (f"  attempt {disk.attempt}" + (f" of {disk.attempts}" if disk.attempts else ""), "attention"))
    rows: list[Row] = [head]
    if disk.state in (DiskState.DUMPING, DiskState.STALLED):
        rows.append(_progress(now, disk, width))
    elif disk.size:
        of = f" of {short_size(disk.orig)}" if disk.orig else ""
        rate = f"  {short_size(disk.size / disk.seconds)}/s" if disk.seconds else ""
        rows.append(((" dumped   ", "muted"), (f"{short_size(disk.size)}{of} in {span(disk.seconds)}{rate}", "")))
    elif disk.estimate and disk.state not in FINAL:
        rows.append(((" expected ", "muted"), (f"{short_size(disk.estimate)} in {span(disk.seconds_estimate)}", "")))
    if text := waits(now, disk):
        rows += _worded(" waits    ", text, width, "attention")
    if disk.why:
        rows += _worded(" why      ", clean(disk.why), width, "")
    if disk.file:
        rows.append(((" file     ", "muted"), (clean(disk.file), "")))
    if disk.parts:
        rows.append(((" on       ", "muted"), (places(disk), "")))
    return rows


def _progress(now: Moment, disk: DiskView, width: int) -> Row:
    written, part = now.pace.written(disk.handle), now.pace.part(disk)
    rate = 0.0 if disk.state is DiskState.STALLED else now.pace.rate(disk.handle, disk.began)
    ends = now.pace.dump_eta(disk, now.now)
    figures = f" {percent(part)}  {short_size(written)} of {short_size(disk.estimate)}" if disk.estimate else \
        f" {short_size(written)}"
    figures += f"  {short_size(rate)}/s" if rate else ""
    figures += f"  ends {moment(ends)}" if ends else ""
    bar = now.look.bar(part, max(6, min(30, width - len(figures) - 12))) if disk.estimate else ""
    return ((" so far   ", "muted"), (bar, ""), (figures, ""))


def _worded(head: str, text: str, width: int, colour: str) -> list[Row]:
    return [((head if n == 0 else " " * len(head), "muted"), (piece, colour))
            for n, piece in enumerate(wrapped(text, width - len(head) - 1, width - len(head) - 1))]


def steps(now: Moment, story: Story) -> list[Entry]:
    """What happened, the newest first; ``after``: since the one before."""
    found: list[Entry] = []
    before = 0.0
    for step in story.steps:
        after = f"+{span(step.at - before)}" if before and step.at - before >= 1 else ""
        before = step.at
        code = f"{step.code}  " if step.code else ""
        found.append(Entry(str(step.seq), (
            (now.look.glyph(step.mark), step.mark.colour), (clock(step.at), "muted"), (after, "muted"),
            (step.word, step.mark.colour), (code + step.text, ""))))
    return found[::-1]


def pieces(story: Story) -> list[Entry]:
    """Its parts on volumes."""
    return [Entry(f"{p.storage}\0{p.label}\0{p.fileno}", (
        (str(p.part), ""), (p.label, ""), (str(p.fileno), ""), (short_size(p.size), ""), (_rate(p), ""),
        (p.crc.partition(":")[0], "muted"), (clock(p.at), "muted"))) for p in story.pieces]


def _rate(piece: Piece) -> str:
    return short_size(piece.size / piece.seconds) if piece.seconds > 0 else "-"


def pieces_title(story: Story) -> str:
    """How many parts, and how much."""
    size = sum(p.size for p in story.pieces)
    return f"{plural(len(story.pieces), 'part')}  {short_size(size)}" if size else "Parts"


def said(story: Story, width: int) -> list[Row]:
    """What its client, or a program about it, said; the newest first."""
    rows: list[Row] = []
    for at, text in reversed(story.said):
        rows += [(((f" {moment(at)} " if n == 0 else " " * 7), "muted"), (piece, ""))
                 for n, piece in enumerate(wrapped(text, width - 8, width - 8))]
    return rows or [((" nothing was said of it", "muted"),)]
