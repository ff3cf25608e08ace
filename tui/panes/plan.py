"""The plan: what is dumped tonight at which level, how large, how long, and why; totals, and one disk in detail."""

from __future__ import annotations

from core.client.ahead import Ahead, Dump
from core.codes import lookup
from core.events.view import DiskState, DiskView
from core.model.units import show_priority
from tui.clean import clean
from tui.columns import Column, Entry
from tui.format import day, moment, plural, short_size, span
from tui.look import DISK, Look
from tui.moment import Moment
from tui.panes.layout import Row
from tui.panes.messages import code_in
from tui.panes.protocol import wrapped
from tui.panes.run import key_of, level, places

COLUMNS = (
    Column("", 1), Column("disk", share=2, least=22, name=True), Column("lv", 2), Column("size", 6, right=True),
    Column("time", 6, right=True), Column("prio", 5, right=True, drop=2), Column("plan B", 8, drop=3),
    Column("why", share=3, least=28),
)


def entries(now: Moment) -> list[Entry]:
    """Every disk: fulls first, the largest first, then what is not dumped."""
    disks = sorted(now.view.disks.values(), key=lambda d: (not d.why and d.level < 0, d.level, -d.estimate, d.title))
    return [_entry(now, disk) for disk in disks]


def _entry(now: Moment, disk: DiskView) -> Entry:
    planned = bool(disk.why) or disk.level >= 0
    mark = DISK[disk.state]
    why, colour = clean(without_code(disk.why)), "" if disk.level else "title"
    if not planned:
        size = max(disk.estimates.values(), default=0)
        why = clean(disk.message) or (f"estimated {short_size(size)}" if size else "its client is asked for the size")
        if disk.state in (DiskState.FAILED, DiskState.SKIPPED):
            why, colour = f"{disk.state.value.upper()}: {why}", mark.colour
    plan_b = f"L{disk.deg_level} {short_size(disk.deg_size)}"[:8] if disk.deg_level >= 0 else "-"
    return Entry(key_of(disk), (
        (now.look.glyph(mark), mark.colour), (clean(disk.title), ""), (level(disk), "title" if disk.level == 0 else ""),
        (short_size(disk.estimate) if planned else "-", ""),
        (span(disk.seconds_estimate) if disk.seconds_estimate else "-", ""),
        (show_priority(disk.priority, disk.why) if planned else "-", ""),
        (plan_b if planned else "-", "muted"), (why, colour)))


def title(now: Moment) -> str:
    """How many of what."""
    disks = now.view.disks.values()
    full = sum(1 for d in disks if d.level == 0)
    incremental = sum(1 for d in disks if d.level > 0)
    none = sum(1 for d in disks if d.level < 0 and d.state in (DiskState.SKIPPED, DiskState.FAILED))
    if not now.view.planned:
        asked = len(now.view.estimating)
        return f"Plan  being made: {plural(asked, 'client')} still asked" if asked else "Plan  being made"
    text = f"Plan  {plural(len(disks), 'disk')}: {full} full, {incremental} incremental"
    return f"{text}, {none} not dumped" if none else text


def totals(now: Moment, coming: Ahead | None = None) -> list[Row]:
    """The sizes of the night of this run, or of a coming one."""
    if coming is not None:
        full, incremental, flushes = coming.full, coming.incremental, 0
    else:
        full = sum(d.estimate for d in now.view.disks.values() if d.level == 0)
        incremental = sum(d.estimate for d in now.view.disks.values() if d.level > 0)
        flushes = sum(f.size for f in now.view.flushes.values())
    rows: list[Row] = [
        ((" full        ", "muted"), (f"{short_size(full):>7}", "")),
        ((" incremental ", "muted"), (f"{short_size(incremental):>7}", "")),
    ]
    if flushes:
        rows.append(((" left before ", "muted"), (f"{short_size(flushes):>7}", ""),
                     (f"  {plural(len(now.view.flushes), 'earlier dump')}", "muted")))
    rows.append(((" all         ", "muted"), (f"{short_size(full + incremental + flushes):>7}", "title")))
    return rows


def ahead_rows(nights: list[Ahead], room: int, look: Look, said: str) -> list[Row]:
    """The coming nights from history, one row each: how much, how much of its volumes, how many fulls."""
    if not nights:
        return [((f" {said}", "muted"),)]
    most = max(max(night.size for night in nights), max(night.room for night in nights), 1)
    rows: list[Row] = []
    for night in nights:
        part = 100 * night.size // night.room if night.room else 0
        tight = f" {part:3d}%" if night.room else ""
        figures = f" {short_size(night.size):>5}{tight}  {plural(night.fulls, 'full')}"
        rows.append(((f" {day(night.at)[:3]} ", "muted"), (look.bar(night.size / most, max(6, room - 22 - len(tight))), ""),
                     (figures, "attention" if part > 100 else "")))
    rows.append(((f" from history; even: {short_size(nights[0].balanced)} of fulls", "muted"),))
    return rows


def coming(nights: list[Ahead]) -> list[Entry]:
    """What the coming night would dump, as history tells it: a dry run."""
    dumps = sorted(nights[0].dumps, key=lambda d: (d.level, -d.size, d.host, d.disk)) if nights else []
    return [Entry(f"{d.host}\0{d.disk}", (
        ("", ""), (clean(f"{d.host}:{d.disk}"), ""), (f"L{d.level}", "title" if d.level == 0 else ""), (short_size(d.size), ""),
        (span(d.seconds) if d.seconds else "-", ""), ("", ""), ("", ""), (clean(d.why), "" if d.level else "title")))
        for d in dumps]


def coming_detail(dump: Dump, at: float, width: int) -> list[Row]:
    """One disk in the coming night: nothing of the run under way is in it."""
    return [*_head(f"{dump.host}:{dump.disk}", width),
            ((" night      ", "muted"), (f"{day(at)} {moment(at)}", "")),
            ((" dump       ", "muted"), (f"L{dump.level}", "title" if dump.level == 0 else ""),
             (f"  {short_size(dump.size)} as stored", ""), (f"  in {span(dump.seconds)}" if dump.seconds else "", "muted")),
            *_why(dump.why, width)]


def _head(title: str, width: int) -> list[Row]:
    return [((" ", ""), (piece, "title" if n == 0 else ""))
            for n, piece in enumerate(wrapped(clean(title), width - 2, width - 2))]


def without_code(why: str) -> str:
    """A reason without the code that it may begin with: that stands where codes stand, in the detail, and `x` explains it."""
    code = code_in(why)
    return why.removeprefix(f"{code} ") if code else why


def _why(why: str, width: int) -> list[Row]:
    page = lookup(code_in(why))
    code: list[Row] = [] if page is None else [((" code       ", "muted"), (f"{page.code}{page.severity}", "attention"),
                                                ("  x explains it", "muted"))]
    why = without_code(why)
    return [*code, *_reason(why, width)]


def _reason(why: str, width: int) -> list[Row]:
    return [((" why        " if n == 0 else " " * 12, "muted"), (piece, ""))
            for n, piece in enumerate(wrapped(clean(why), width - 14, width - 14))]


def detail(now: Moment, disk: DiskView | None, width: int) -> list[Row]:
    """One disk: why, its estimates, plan B, and how it stands."""
    if disk is None:
        return [((" no disk chosen", "muted"),)]
    rows = _head(disk.title, width)
    mark = DISK[disk.state]
    rows.append(((" state      ", "muted"), (disk.state.value, mark.colour),
                 (f"  since {moment(disk.ended or disk.began)}" if disk.began else "", "muted")))
    if disk.why:
        rows += _why(disk.why, width)
    for number, size in sorted(disk.estimates.items()):
        rows.append(((f" estimate   L{number} ", "muted"), (f"{short_size(size):>7}", ""), ("  uncompressed", "muted")))
    if disk.deg_level >= 0:
        rows.append(((" plan B     ", "muted"), (f"L{disk.deg_level} {short_size(disk.deg_size)}", ""),
                     ("  without a volume", "muted")))
    if disk.size:
        rows.append(((" dumped     ", "muted"), (short_size(disk.size), ""), (
            f"  of {short_size(disk.orig)} in {span(disk.seconds)}" if disk.orig else "", "muted")))
    if disk.parts:
        rows.append(((" on         ", "muted"), (places(disk), "")))
    if disk.message or disk.strange:
        rows += [((" said       " if n == 0 else " " * 12, "muted"), (piece, mark.colour))
                 for n, piece in enumerate(wrapped(clean(disk.message or disk.strange), width - 14, width - 14))]
    return rows
