"""Tape, holding disk and what is still to do: three rows on a short screen, a pane beside the dumpers on a tall one."""

from __future__ import annotations

from core.events.room import taken
from core.events.view import FINAL, DiskState, TaperView
from tui.clean import clean
from tui.format import moment, plural, short_size
from tui.look import BAD, BUSY, IDLE, WANTS, Span
from tui.moment import Moment
from tui.panes.layout import Row
from tui.panes.protocol import wrapped

_LEFT = (DiskState.PLANNED, DiskState.RETRY)
_ACT_ROWS = 2


def room(now: Moment, path: str, left: int = 0) -> tuple[float, int, int]:
    """Of a holding disk: the part that is used or promised, KiB used or promised, KiB of that and what is free; ``left``: KiB
    of dumps there that the run has nothing to do with."""
    used, most = taken(now.view, now.gauges, path, left)
    return (min(1.0, used / most) if most else 0.0), used, most


def full_about(now: Moment, path: str, about: str = "about ") -> str:
    """When a holding disk is full as things stand: ``full about 02:41``; empty when it does not fill up."""
    at = now.gauges.runway.get(path, (0, 0.0, 0.0, 0.0))[3] if now.view.live else 0.0
    return f"full {about}{moment(at)}" if at else ""


def held(now: Moment) -> str:
    """``, 1 held``: disks that no dumper begins until they are released; empty without any."""
    count = now.view.count(DiskState.HELD)
    return f", {count} held" if count else ""


def queue(now: Moment) -> tuple[int, int, int, int]:
    """Disks still to dump and their KiB, without held ones; dumps that wait for a volume and their KiB."""
    waiting = [d for d in now.view.disks.values() if d.state in _LEFT]
    writing = {w.file for w in now.view.writes.values() if not w.ended}
    files = [size for file, (_, _, _, _, size) in now.view.files.items() if file not in writing]
    return len(waiting), sum(d.estimate for d in waiting), len(files), sum(files)


def short_rows(now: Moment, width: int) -> list[Row]:
    """TAPE, HOLD and QUEUE as one row each."""
    tape: Row = ((" TAPE   ", "title"), *_tapes(now))
    hold = _hold_row(now, 10)
    if len("".join(text for text, _ in hold).rstrip()) > width:
        hold = _hold_row(now, 5)
    dumps, size, files, stored = queue(now)
    left = [(" QUEUE  ", "title"),
            (f"{dumps} to dump {short_size(size)}{held(now)}   {files} to tape {short_size(stored)}", "")]
    if eta := now.pace.night_eta(now.view, now.now):
        left.append((f"   dumps end about {moment(eta)}", ""))
    elif now.view.disks and all(d.state in FINAL for d in now.view.disks.values()):
        left.append(("   every disk is done with", "muted"))
    return [tape, hold, tuple(left)]


def _hold_row(now: Moment, bar: int) -> Row:
    hold: list[tuple[str, str]] = [(" HOLD   ", "title")]
    for path in now.view.holding:
        part, used, most = room(now, path)
        full = full_about(now, path, "")
        hold += [(f"{clean(path)} {now.look.bar(part, bar)} {int(part * 100)}% {short_size(used)}/{short_size(most)}",
                  "attention" if part >= 0.95 else ""), (f" {full}   " if full else "   ", "muted")]
    return tuple(hold) if now.view.holding else (*hold, ("none: dumps go straight to a volume", "muted"))


def _tapes(now: Moment) -> Row:
    if not now.view.tapers:
        return (("no storage yet", "muted"),)
    spans: list[tuple[str, str]] = []
    for taper in now.view.tapers.values():
        if spans:
            spans.append(("   ", ""))
        spans += _taper(now, taper)
    return tuple(spans)


def _asked(now: Moment, taper: TaperView) -> int:
    """The open request that this storage waits for; 0 without one, while it writes, and when it is down."""
    found = [] if now.over or taper.state in ("writing", "down") else now.view.open_questions
    return next((question.asked.id for question in found if question.asked.subject == taper.storage), 0)


def _taper(now: Moment, taper: TaperView) -> list[tuple[str, str]]:
    label = clean(taper.label or taper.next_label or taper.storage)
    if taper.state == "down":
        return [(f"{now.look.glyph(BAD)} {clean(taper.storage)} down", "bad"), (f" {clean(taper.message)}", "muted")]
    if number := _asked(now, taper):
        return [(f"{now.look.glyph(WANTS)} {label} waits for request #{number}", "attention")]
    write = now.view.writes.get(taper.handle)
    if taper.state != "writing" or write is None:
        filled = f" {short_size(taper.volume_size)} in {plural(taper.volume_parts, 'file')}" if taper.volume_parts else ""
        return [(f"{now.look.glyph(IDLE)} ", "muted"), (label, ""), (f" {taper.state}{filled}", "muted")]
    rate = now.pace.rate(write.handle, write.began)
    speed = f"  {short_size(rate)}/s" if rate else ""
    return [(f"{now.look.glyph(BUSY)} ", ""), (label, ""), ("  writing ", "muted"),
            (clean(f"{write.host}:{write.disk} L{write.level}"), ""),
            (f"{speed}  {short_size(taper.volume_size)} in {plural(taper.volume_parts, 'file')}", "muted")]


def tall_rows(now: Moment, width: int) -> list[Row]:
    """The same figures, with room: for a pane of its own."""
    rows: list[Row] = []
    for taper in now.view.tapers.values():
        rows += _tall_taper(now, taper, width)
    if not rows:
        rows.append(((" no storage yet", "muted"),))
    rows.append(())
    most_of = max(8, width - 26)  # of a long path its end, so that its figures stay
    told = [(path if len(path) <= most_of else now.look.dots + path[1 - most_of:], *room(now, raw))
            for raw in now.view.holding for path in [clean(raw)]]
    names = max((len(name) for name, *_ in told), default=0)
    for name, part, used, most in told:
        figures = f" {int(part * 100):3d}% {f'{short_size(used)}/{short_size(most)}':>11}"
        bar = max(4, width - names - len(figures) - 3)
        rows.append(((f" {name.ljust(names)} {now.look.bar(part, bar)}{figures}", "attention" if part >= 0.95 else ""),))
    if not now.view.holding:
        rows.append(((" no holding disk", "muted"),))
    rows += _act_rows(now, width) or [()]
    dumps, size, files, stored = queue(now)
    rows += [((" To dump ", "muted"), (f"{dumps:4d} {short_size(size):>7}", ""), (held(now), "muted")),
             ((" To tape ", "muted"), (f"{files:4d} {short_size(stored):>7}", ""))]
    again = sorted((d for d in now.view.disks.values() if d.state is DiskState.RETRY), key=lambda d: d.retry_after)
    if again:
        first = f"  {clean(again[0].title)} at {moment(again[0].retry_after)}"
        rows.append(((" Retry   ", "muted"), (f"{len(again):4d}", ""), (first, "attention")))
    if eta := now.pace.night_eta(now.view, now.now):
        rows.append(((" Dumps end about ", "muted"), (moment(eta), "")))
    return rows


def _act_rows(now: Moment, width: int) -> list[Row]:
    """Whether somebody must act for want of room, and why; always as many rows, so that nothing below them jumps."""
    at, text = now.gauges.act if now.view.live else (0.0, "")
    if not text:
        return []
    told = f"{f'act by {moment(at)}' if at else 'nobody must act'}: {clean(text)}"
    pieces = wrapped(told, width - 2, width - 2)
    if len(pieces) > _ACT_ROWS:
        pieces = [*pieces[:_ACT_ROWS - 1], now.look.cut(" ".join(pieces[_ACT_ROWS - 1:]))]
    return [((f" {piece}", "attention" if at else "muted"),) for piece in [*pieces, ""][:_ACT_ROWS]]


def _tall_taper(now: Moment, taper: TaperView, width: int) -> list[Row]:
    label = clean(taper.label or taper.next_label or "no volume yet")
    colour = {"down": "bad", "writing": ""}.get(taper.state, "muted")
    number = _asked(now, taper)
    state: Span = (f"{now.look.glyph(WANTS)} waits for #{number}", "attention") if number else (taper.state, colour)
    where = clean(taper.storage if number else f"{taper.storage} {taper.drive}")
    head: Row = ((f" {label}", "title"), (f"  {where}  ", "muted"), state)
    write = now.view.writes.get(taper.handle)
    if taper.state == "writing" and write is not None:
        part = min(0.99, max(write.written, now.pace.written(write.handle)) / write.size) if write.size else 0.0
        rate = now.pace.rate(write.handle, write.began)
        speed = f"  {short_size(rate)}/s" if rate else ""
        return [head, ((f" {clean(f'{write.host}:{write.disk}')} L{write.level}{speed}", ""),),
                ((f" {now.look.bar(part, max(4, width - 8))} {int(part * 100):3d}%", ""),)]
    if taper.message:
        return [head, ((f" {clean(taper.message)}", colour),)]
    filled = f" {short_size(taper.volume_size)} in {plural(taper.volume_parts, 'file')}"
    return [head, ((filled if taper.volume_parts else " nothing written yet", "muted"),)]
