"""The dumpers, and every disk of the run: state, level, bytes, rate and when it is over."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from core.events.view import FINAL, DiskState, DiskView
from tui.clean import clean
from tui.columns import Cells, Column, Entry
from tui.format import clock, moment, percent, short_size, span
from tui.look import BUSY, DISK, IDLE
from tui.moment import Moment

DUMPERS = (
    Column("", 1), Column("dumper", 9), Column("disk", share=3, least=12, name=True), Column("lv", 2), Column("state", 9),
    Column("", 14, drop=2), Column("", 4), Column("B/s", 6, right=True), Column("ends", 5, right=True, drop=1),
)

DISKS = (
    Column("", 1), Column("disk", least=20, name=True), Column("lv", 2), Column("state", 10), Column("%", 4, True, drop=4),
    Column("size", 6, right=True), Column("B/s", 6, right=True), Column("ends", 5, right=True),
    Column("what", share=3, least=14, drop=3),
)

OF_STATE = {DiskState.STALLED: "HLD024", DiskState.RETRY: "DMP007"}
"""The code of a state, where the message says none: NO-ROOM and TRY-AGAIN."""

_ORDER = {state: n for n, state in enumerate((
    DiskState.STALLED, DiskState.RETRY, DiskState.DUMPING, DiskState.WRITING, DiskState.FAILED, DiskState.DUMPED,
    DiskState.PLANNED, DiskState.ESTIMATING, DiskState.HELD, DiskState.STRANGE, DiskState.SKIPPED, DiskState.DONE,
))}


def level(disk: DiskView) -> str:
    """``L1``; ``-`` while nobody knows."""
    return f"L{disk.level}" if disk.level >= 0 else "-"


def key_of(disk: DiskView) -> str:
    """What names a disk's row."""
    return f"{disk.host}\0{disk.disk}"


def dumper_columns(more: int) -> tuple[Column, ...]:
    """The head of dumpers; ``more`` are at work than have a row: it says how many, since nothing else there does."""
    return (DUMPERS[0], replace(DUMPERS[1], title=f"{more} busy"), *DUMPERS[2:]) if more else DUMPERS


def dumper_rows(now: Moment, room: int) -> list[Entry]:
    """One row a dumper that works; idle ones after them, as one row where there is no ``room`` for all."""
    rows: list[Entry] = []
    idle: list[str] = []
    for child, handle in now.view.dumpers.items():
        disk = now.view.disks.get(now.view.handles.get(handle, ("", ""))) if handle else None
        if disk is None:
            idle.append(child)
            continue
        rows.append(Entry(child, partial(_dumper_cells, now, child, disk)))
    if len(rows) + len(idle) <= room:
        return rows + [Entry(child, ((now.look.glyph(IDLE), "muted"), (clean(child), "muted"), ("idle", "muted")))
                       for child in idle]
    if idle:
        text = "all" if not rows else f"{len(idle)} more"
        rows.append(Entry("idle", ((now.look.glyph(IDLE), "muted"), (text, "muted"), ("idle", "muted"))))
    return rows


def _dumper_cells(now: Moment, child: str, disk: DiskView) -> Cells:
    mark = DISK.get(disk.state, BUSY)
    part = now.pace.part(disk)
    rate = 0.0 if disk.state is DiskState.STALLED else now.pace.rate(disk.handle, disk.began)
    return (
        (now.look.glyph(mark), mark.colour), (clean(child), ""), (clean(disk.title), ""), (level(disk), ""),
        (disk.state.value, mark.colour), (now.look.bar(part, 14) if disk.estimate else "", ""),
        (percent(part) if disk.estimate else "", ""), (short_size(rate) if rate else "-", ""),
        (moment(now.pace.dump_eta(disk, now.now)), ""))


def room_comes(now: Moment) -> str:
    """How a dump that stands still gets room when nobody is asked about it: from the one that somebody is asked about."""
    asked = next((q.asked for q in now.view.open_questions if q.asked.code == "HLD003"), None)
    return f"waits for the answer to #{asked.id}" if asked else "the driver makes room"


def disk_rows(now: Moment) -> list[Entry]:
    """Every disk as a row."""
    return [Entry(key_of(disk), partial(_disk_cells, now, disk)) for disk in sorted_disks(now)]


def sorted_disks(now: Moment) -> list[DiskView]:
    """Every disk; what wants attention first, then what is under way, what waits, what is over."""
    return sorted(now.view.disks.values(), key=lambda d: (_ORDER[d.state], d.host, d.disk))


def _disk_cells(now: Moment, disk: DiskView) -> Cells:
    mark = DISK[disk.state]
    dumping = disk.state in (DiskState.DUMPING, DiskState.STALLED)
    part, size, rate, ends = "", disk.size or disk.estimate, 0.0, ""
    if dumping:
        part = percent(now.pace.part(disk)) if disk.estimate else ""
        size, ends = now.pace.written(disk.handle), moment(now.pace.dump_eta(disk, now.now))
        rate = 0.0 if disk.state is DiskState.STALLED else now.pace.rate(disk.handle, disk.began)
    elif disk.state is DiskState.WRITING:
        write = next((w for w in now.view.writes.values()
                      if not w.ended and (w.host, w.disk) == (disk.host, disk.disk)), None)
        if write is not None:
            written = max(write.written, now.pace.written(write.handle))
            part = percent(min(0.99, written / write.size)) if write.size else ""
            rate = now.pace.rate(write.handle, write.began)
            ends = moment(now.now + (write.size - written) / rate) if rate and written < write.size else ""
    elif disk.seconds:
        rate = disk.size / disk.seconds
    if disk.state in FINAL:
        ends = moment(disk.ended)
    elif disk.state is DiskState.RETRY and disk.retry_after > now.at:
        ends = moment(disk.retry_after)
    return (
        (now.look.glyph(mark), mark.colour), (clean(disk.title), ""), (level(disk), ""), (disk.state.value, mark.colour),
        (part, ""), (short_size(size) if size else "-", ""), (short_size(rate) if rate else "-", ""), (ends, ""),
        (what(now, disk), "muted"))


def what(now: Moment, disk: DiskView) -> str:
    """Why it waits, where it went, or what went wrong: one line."""
    match disk.state:
        case DiskState.ESTIMATING:
            if disk.estimates:
                return f"{short_size(max(disk.estimates.values()))} uncompressed"
            return clean(disk.message) or "its client is asked for the size"
        case DiskState.PLANNED:
            return clean(now.gauges.waiting.get(disk.title) or disk.why)
        case DiskState.HELD:
            return clean(now.gauges.waiting.get(disk.title) or "an operator holds it")
        case DiskState.RETRY:
            return why_retry_waits(now, disk) or clean(disk.message)
        case DiskState.DUMPING:
            return f"of {short_size(disk.estimate)} expected" if disk.estimate else clean(disk.child)
        case DiskState.STALLED:
            return f"needs {short_size(disk.missing)}" if disk.missing else "no room on the holding disk"
        case DiskState.DUMPED:
            return "waits for a volume" if disk.file else ""
        case DiskState.WRITING:
            return "to a volume"
        case DiskState.FAILED | DiskState.SKIPPED:
            return clean(disk.message)
        case DiskState.STRANGE | DiskState.DONE:
            said = clean(disk.message or disk.strange)
            return f"{places(disk)}  {said}".strip() if disk.parts else said or "on the holding disk"


def why_retry_waits(now: Moment, disk: DiskView) -> str:
    """What a disk still waits for although it may be tried again by now; empty until then."""
    return clean(now.gauges.waiting.get(disk.title, "")) if disk.retry_after <= now.now else ""


def places(disk: DiskView) -> str:
    """The volumes that have it: ``DAILY-003:12``."""
    first: dict[str, int] = {}
    for _, label, fileno in disk.parts:
        first.setdefault(label, fileno)
    return clean(" ".join(f"{label}:{fileno}" for label, fileno in first.items()))


def detail(now: Moment, disk: DiskView) -> str:
    """Times of a disk for its row in a wide list: began, took."""
    if not disk.began:
        return ""
    until = disk.ended or now.at
    return f"{clock(disk.began)} {span(until - disk.began)}"
