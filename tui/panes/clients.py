"""The clients: which would work when they were asked last, whose fulls are overdue, and one of them with what to try next."""

from __future__ import annotations

from core.client.clients import ClientRow, advice
from core.client.coverage import Covered
from tui.checking import Checking
from tui.clean import clean
from tui.columns import Column, Entry
from tui.format import age, day, moment, plural, span
from tui.look import BAD, BUSY, GOOD, IDLE, ODD, Mark
from tui.moment import Moment
from tui.panes.coverage import where
from tui.panes.layout import Row
from tui.panes.protocol import wrapped

COLUMNS = (
    Column("", 1), Column("client", least=14), Column("state", 8), Column("kind", 8, drop=2), Column("auth", 7, drop=3),
    Column("rtt", 6, right=True, drop=1), Column("disks", 5, right=True), Column("oldest full", 14), Column("checked", 7),
)

_MARKS: dict[str, Mark] = {"ok": GOOD, "warn": ODD, "FAIL": BAD, "DOWN": BAD, "": IDLE}


def entries(now: Moment, rows: list[ClientRow], checking: Checking) -> list[Entry]:
    """Those in trouble first, then those whose fulls are overdue, then the others by name."""
    order = {"DOWN": 0, "FAIL": 1, "warn": 2}
    found = sorted(rows, key=lambda row: (order.get(row.state, 3), row.overdue <= 0, row.host))
    return [_entry(now, row, checking.asks(row.host)) for row in found]


def _entry(now: Moment, row: ClientRow, asked_now: bool) -> Entry:
    mark = BUSY if asked_now else _MARKS.get(row.state, IDLE)
    asked = row.asked
    rtt = f"{asked.rtt * 1000:.0f} ms" if asked and asked.rtt else "-"
    checked = age(now.now - asked.at) if asked else "never"
    return Entry(row.host, (
        (now.look.glyph(mark), mark.colour), (clean(row.host), ""),
        ("asked …" if asked_now else row.state or "-", mark.colour), ((asked.kind if asked else "") or "-", ""),
        (clean(",".join(row.auth)), ""), (rtt, ""), (str(len(row.disks)), ""), _oldest(now, row), (checked, "muted")))


def _oldest(now: Moment, row: ClientRow) -> tuple[str, str]:
    if row.last_full is None:
        return "never", "bad"
    text = f"{age(now.now - row.last_full):>4}"
    return (f"{text} OVERDUE", "attention") if row.overdue > 0 else (text, "")


def title(rows: list[ClientRow], checking: Checking) -> str:
    """How many are how."""
    counts = {word: sum(1 for row in rows if row.state == word) for word in ("ok", "warn", "FAIL", "DOWN", "")}
    said = [f"{count} {word or 'never asked'}" for word, count in counts.items() if count]
    text = "  ".join([plural(len(rows), "client"), *said])
    return f"{text}  {checking.left or 'still'} being asked" if checking.busy else text


def detail(now: Moment, row: ClientRow | None, checking: Checking, width: int, height: int) -> list[Row]:
    """One client; without blank rows where there is no room for all."""
    rows = _detail(now, row, checking, width)
    return rows if len(rows) <= height else [one for one in rows if one]


def _detail(now: Moment, row: ClientRow | None, checking: Checking, width: int) -> list[Row]:
    if row is None:
        return []
    mark = _MARKS.get(row.state, IDLE)
    asked = row.asked
    rows: list[Row] = [((f" {clean(row.host)}", "title"), (f"  {row.state or 'never asked'}", mark.colour),
                        (f"  {clean(row.address)}" if row.address != row.host else "", "muted"))]
    if checking.asks(row.host):
        rows.append(((f" being asked for {span(now.now - checking.began)}", "attention"),))
    if asked is None:
        rows.append(((" c asks it whether it would work", "muted"),))
    else:
        rows.append(((" checked   ", "muted"), (f"{day(asked.at)} {moment(asked.at)}", "")))
        if asked.since:
            rows.append(((" since     ", "muted"), (f"{day(asked.since)} {moment(asked.since)}", "")))
            rows.append(((" last well ", "muted"), (f"{day(asked.good)} {moment(asked.good)}" if asked.good else "never", "")))
        for finding in asked.findings:
            colour = {"E": "bad", "W": "attention"}.get(finding.severity, "")
            head = f" {finding.code}  " if finding.code else " "
            rows += [((head if n == 0 else " " * len(head), colour), (piece, ""))
                     for n, piece in enumerate(wrapped(clean(finding.text), width - len(head) - 1, width - len(head) - 1))]
    if asked is not None and (tries := advice(asked)):
        rows += [(), ((" try next", "title"),)]
        for n, text in enumerate(tries, 1):
            rows += [((f" {n} " if m == 0 else "   ", "key"), (piece, ""))
                     for m, piece in enumerate(wrapped(clean(text).replace("`", ""), width - 4, width - 4))]
    rows += [(), ((" disks", "title"),), *(one for disk in row.disks for one in _disk(disk, width))]
    return rows


def _disk(disk: Covered, width: int) -> list[Row]:
    """Its path and how its fulls stand: in two rows when one has no room."""
    full = f"full {age(disk.full_age)} ago" if disk.full_age is not None else "no full"
    late = f"  OVERDUE, cycle {disk.dumpcycle}" if disk.overdue > 0 else ""
    room = width - len(disk.disk) - len(full) - len(late) - 6
    on = f"  {where(disk.full)}" if len(where(disk.full)) <= room else ""
    stands: Row = ((f"  {full}{late}", "attention" if late else "muted"), (on, "muted"))
    return [((f" {clean(disk.disk)}", ""), *stands)] if room >= -3 else [((f" {clean(disk.disk)}", ""),), ((" ", ""), *stands)]
