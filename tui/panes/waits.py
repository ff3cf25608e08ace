"""Panes of what stands still: dumps without room on the holding disk, and disks that are tried again later."""

from __future__ import annotations

from core.events.view import DiskState, DiskView
from tui.clean import clean
from tui.columns import Column, Entry
from tui.format import moment, percent, remaining, short_size
from tui.look import DISK
from tui.moment import Moment
from tui.panes.run import key_of, level, room_comes, what

NO_ROOM = (
    Column("", 1), Column("disk", share=2, least=16, name=True), Column("lv", 2, drop=4), Column("has", 6, right=True),
    Column("%", 4, right=True, drop=3), Column("needs", 6, right=True), Column("what is done", share=3, least=16, drop=1),
)

TRY_AGAIN = (
    Column("", 1), Column("disk", share=2, least=16, name=True), Column("lv", 2, drop=3), Column("try", 5, drop=2),
    Column("again", 5), Column("in", 6, right=True), Column("why", share=3, least=16, drop=1),
)


def no_room_rows(now: Moment) -> list[Entry]:
    """Dumps that stand still, those that an operator is asked about first."""
    asked = {q.asked.handle: q.asked.id for q in now.view.open_questions}
    still = [disk for disk in now.view.disks.values() if disk.state is DiskState.STALLED]
    return [_still(now, disk, asked.get(disk.handle, 0))
            for disk in sorted(still, key=lambda d: (d.handle not in asked, d.host, d.disk))]


def _still(now: Moment, disk: DiskView, request: int) -> Entry:
    mark = DISK[disk.state]
    done = f"r answers #{request}" if request and now.operate else f"request #{request} is open" if request else \
        room_comes(now)
    return Entry(key_of(disk), (
        (now.look.glyph(mark), mark.colour), (clean(disk.title), ""), (level(disk), ""),
        (short_size(now.pace.written(disk.handle)), ""), (percent(now.pace.part(disk)) if disk.estimate else "", ""),
        (short_size(disk.missing) if disk.missing else "?", "attention"),
        (done, "attention" if request else "muted")))


def try_again_rows(now: Moment) -> list[Entry]:
    """Disks that are tried again, the soonest first."""
    again = [disk for disk in now.view.disks.values() if disk.state is DiskState.RETRY]
    return [_again(now, disk) for disk in sorted(again, key=lambda d: (d.retry_after, d.host, d.disk))]


def _again(now: Moment, disk: DiskView) -> Entry:
    mark = DISK[disk.state]
    return Entry(key_of(disk), (
        (now.look.glyph(mark), mark.colour), (clean(disk.title), ""), (level(disk), ""),
        (f"{disk.attempt}/{disk.attempts}" if disk.attempts else "", ""), (moment(disk.retry_after), ""),
        (remaining(disk.retry_after, now.now), "attention"), (what(now, disk), "muted")))
