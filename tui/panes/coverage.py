"""How well each disk is covered: its last good backup and its last full with their ages, beside how the last run left it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.events.view import DiskState, DiskView
from tui.clean import clean
from tui.columns import Column, Entry
from tui.format import age, day_of, moment, plural, short_size
from tui.look import BAD, DISK, GOOD, IDLE, NOT, ODD, Look
from tui.moment import Moment
from tui.panes.layout import Row
from tui.panes.run import key_of, level, sorted_disks, what

if TYPE_CHECKING:
    from core.client.coverage import Backup, Covered, DiskNight

COLUMNS = (
    Column("", 1), Column("disk", share=2, least=18, name=True), Column("lv", 2, drop=3), Column("state", 9),
    Column("size", 6, right=True, drop=2), Column("ended", 5, right=True, drop=4), Column("last good", 9),
    Column("last full", 13), Column("what", share=3, least=14, drop=5),
)


def late(row: Covered) -> bool:
    """Whether its full is overdue."""
    return row.overdue > 0


def last_good(row: Covered | None) -> tuple[str, str]:
    """Age and level of the last good backup, and its colour."""
    if row is None:
        return "", "muted"
    if row.last is None or row.age is None:
        return "never", "bad"
    return f"{age(row.age):>4} L{row.last.level}", "attention" if row.age > 2 * 86400 else ""


def last_full(row: Covered | None) -> tuple[str, str]:
    """Age of the last full, and whether the next is overdue."""
    if row is None:
        return "", "muted"
    if row.full_age is None:
        return "never", "bad"
    return (f"{age(row.full_age):>4} OVERDUE", "attention") if late(row) else (f"{age(row.full_age):>4}", "")


def where(backup: Backup | None) -> str:
    """The volumes that have it."""
    if backup is None:
        return ""
    return clean(", ".join(backup.labels)) or ("on the holding disk only" if backup.held else "written over since")


def entries(now: Moment, rows: list[Covered]) -> list[Entry]:
    """Every disk of the run, then those of the configuration that the run did not have."""
    known = {(row.host, row.disk): row for row in rows}
    found = [_entry(now, disk, known.get((disk.host, disk.disk))) for disk in sorted_disks(now)]
    others = [row for row in rows if (row.host, row.disk) not in now.view.disks]
    return found + [_other(now, row) for row in sorted(others, key=lambda row: (not late(row), row.title))]


def _entry(now: Moment, disk: DiskView, row: Covered | None) -> Entry:
    mark = DISK[disk.state]
    said = what(now, disk)
    if disk.state in (DiskState.FAILED, DiskState.SKIPPED) and row is not None and row.last is not None:
        said = f"{said}  (last on {where(row.last)})" if said else f"last on {where(row.last)}"
    size = disk.size or disk.estimate
    return Entry(key_of(disk), (
        (now.look.glyph(mark), mark.colour), (clean(disk.title), ""), (level(disk), ""), (disk.state.value, mark.colour),
        (short_size(size) if size else "-", ""), (moment(disk.ended), ""), last_good(row), last_full(row), (said, "muted")))


def _other(now: Moment, row: Covered) -> Entry:
    mark = ODD if late(row) else NOT
    size = short_size(row.last.size) if row.last and row.last.size else "-"
    return Entry(f"{row.host}\0{row.disk}", (
        (now.look.glyph(mark), mark.colour), (clean(row.title), ""), (f"L{row.last.level}" if row.last else "-", ""),
        ("-", "muted"), (size, ""), ("", ""), last_good(row), last_full(row), (where(row.last), "muted")))


def past_rows(row: Covered | None, nights: list[DiskNight] | None, look: Look, most: int) -> list[Row]:
    """How well one disk is covered, and how its last nights went."""
    rows: list[Row] = []
    if row is not None:
        rows.append(((" last good  ", "muted"), (last_good(row)[0].strip(), last_good(row)[1]),
                     (f"  {where(row.last)}" if row.last else "", "muted")))
        rows.append(((" last full  ", "muted"), (last_full(row)[0].strip(), last_full(row)[1]),
                     (f"  cycle {row.dumpcycle} days", "muted")))
        if row.order:
            rows.append(((" next run   ", "muted"), (clean(row.order), "attention")))
    told = (nights or [])[:max(0, most - len(rows) - 1)]
    if told:
        rows.append(((" last nights", "muted"),))
    for night in told:
        mark = {"done": GOOD, "strange": ODD, "failed": BAD}.get(night.outcome, IDLE)
        size = f"  {short_size(night.size):>5}" if night.size else ""
        said = clean(", ".join(night.labels)) or clean(night.message or night.outcome)
        rows.append(((f" {look.glyph(mark)} ", mark.colour), (day_of(night.run).rpartition(" ")[0], ""),
                     (f"  L{night.level}" if night.level >= 0 else "    ", ""), (size, ""), (f"  {said}", "muted")))
    return rows


def title(rows: list[Covered], disks: int) -> str:
    """How many disks, and how many are badly off."""
    overdue, never = sum(1 for row in rows if late(row) and row.full), sum(1 for row in rows if row.last is None)
    text = f"Disks  {max(disks, len(rows))}"
    text += f", {plural(overdue, 'full')} overdue" if overdue else ""
    return f"{text}, {never} without a backup" if never else text
