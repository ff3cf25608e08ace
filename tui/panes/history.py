"""Earlier runs: how each ended, how much it dumped, how long it took, how that went over the weeks, and one in more words."""

from __future__ import annotations

from core.client.coverage import Covered, DiskNight
from core.client.nights import Answered, Night, NightRow, sizes
from tui.clean import clean
from tui.columns import Column, Entry
from tui.format import age, day_of, plural, short_size, span
from tui.look import BAD, BUSY, GOOD, IDLE, ODD, Look, Mark
from tui.moment import Moment
from tui.panes.coverage import last_full, last_good, late, where
from tui.panes.layout import Part, Row, part, spread
from tui.panes.protocol import wrapped

COLUMNS = (
    Column("", 1), Column("began", 16), Column("result", 6), Column("disks", 7, right=True),
    Column("size", 6, right=True), Column("took", 6, right=True), Column("fail", 4, right=True, drop=3),
    Column("odd", 3, right=True, drop=4), Column("left", 4, right=True, drop=5), Column("asked", 5, right=True, drop=6),
    Column("volumes", least=15, drop=1),
)

OF_DISK = (
    Column("", 1), Column("began", 16), Column("result", 8), Column("lv", 2), Column("size", 6, right=True),
    Column("of", 6, right=True, drop=3), Column("took", 6, right=True), Column("B/s", 6, right=True, drop=2),
    Column("volumes, or what was said", least=15, drop=1),
)
"""The nights of one disk; ``of``: before compression."""

BY_DISK = (
    Column("", 1), Column("disk", share=2, least=18, name=True), Column("last good", 9), Column("last full", 13),
    Column("cycle", 5, right=True, drop=2), Column("next run", 8, drop=3), Column("on", share=2, least=14, drop=1),
)

_OUTCOMES: dict[str, tuple[Mark, str]] = {
    "done": (GOOD, "good"), "strange": (ODD, "attention"), "failed": (BAD, "bad"), "skipped": (IDLE, "muted"),
}

_MARKS: dict[str, tuple[Mark, str]] = {
    "ok": (GOOD, "good"), "FAIL": (BAD, "bad"), "PART": (ODD, "attention"), "LIVE": (BUSY, ""), "DEAD": (BAD, "bad"),
    "": (IDLE, "muted"),
}


def entries(rows: list[NightRow], look: Look) -> list[Entry]:
    """The newest first."""
    return [_entry(row, look) for row in rows]


def _entry(row: NightRow, look: Look) -> Entry:
    mark, colour = _MARKS.get(row.verdict, _MARKS[""])
    if not row.verdict:
        return Entry(row.datestamp, ((look.glyph(mark), colour), (day_of(row.datestamp), ""), ("…", colour)))
    return Entry(row.datestamp, (
        (look.glyph(mark), colour), (day_of(row.datestamp), ""), (row.verdict, colour or "title"),
        (f"{row.done}/{row.total}", ""), (short_size(row.kib) if row.kib else "-", ""),
        (span(row.seconds) if row.seconds else "-", ""), _count(row.failed, "bad"), _count(row.strange, "attention"),
        _count(row.left_on_holding if row.ended else 0, "attention"), _count(row.requests, ""),
        (clean(", ".join(row.volumes)) or "-", "muted")))


def _count(number: int, colour: str) -> tuple[str, str]:
    return (str(number), colour) if number else ("", "")


def disk_nights(nights: list[DiskNight], look: Look) -> list[Entry]:
    """The nights of one disk, the newest first."""
    found: list[Entry] = []
    for one in nights:
        mark, colour = _OUTCOMES.get(one.outcome, (IDLE, "muted"))
        said = clean(", ".join(one.labels) or one.message or ("on the holding disk" if one.file else ""))
        found.append(Entry(one.run, (
            (look.glyph(mark), mark.colour), (day_of(one.run), ""), (clean(one.outcome) or "-", colour),
            (f"L{one.level}" if one.level >= 0 else "-", "title" if one.level == 0 else ""),
            (short_size(one.size) if one.size else "-", ""), (short_size(one.orig) if one.orig else "-", "muted"),
            (span(one.seconds) if one.seconds else "-", ""),
            (short_size(one.size / one.seconds) if one.size and one.seconds else "-", ""), (said, "muted"))))
    return found


def by_disk(rows: list[Covered], look: Look) -> list[Entry]:
    """Every disk, those whose fulls are overdue first."""
    found: list[Entry] = []
    for row in sorted(rows, key=lambda one: (not late(one), one.title)):
        mark = BAD if row.last is None else ODD if late(row) else GOOD
        found.append(Entry(f"{row.host}\0{row.disk}", (
            (look.glyph(mark), mark.colour), (clean(row.title), ""), last_good(row), last_full(row),
            (f"{row.dumpcycle}d", "muted"), (clean(row.order) or "-", "attention" if row.order else "muted"),
            (where(row.last), "muted"))))
    return found


def weeks(now: Moment, rows: list[NightRow], width: int) -> Row:
    """How much each of the last nights dumped, and how many of them failed; all that there are when there is room."""
    told = sizes(rows)[-60:]
    failed = sum(1 for row in rows if row.verdict in ("FAIL", "DEAD"))
    partial = sum(1 for row in rows if row.verdict == "PART")
    good = next((row for row in rows if row.verdict == "ok"), None)
    largest = max((size for _, size in told), default=0)
    line = now.look.spark([size for _, size in told], max(8, min(60, width - 60)))
    left = [
        Part(0, ((plural(len(rows), "run"), "title"),)), Part(1, ((line, "focus"),)),
        part(3, f"most {short_size(largest)}" if largest else "", "muted"),
        part(1, f"{failed} failed" if failed else "", "bad"), part(2, f"{partial} partial" if partial else "", "attention"),
    ]
    right = [part(2, f"last good one {age(now.now - good.began)} ago" if good else "no good one yet",
                  "muted" if good else "attention")]
    return spread(left, right, width)


def detail(row: NightRow | None, night: Night | None, waiting: str, width: int) -> list[Row]:
    """One run in words."""
    if row is None:
        return [((" no run chosen", "muted"),)]
    _, colour = _MARKS.get(row.verdict, _MARKS[""])
    rows: list[Row] = [((f" {day_of(row.datestamp)}", "title"), (f"  {row.verdict or 'not read yet'}", colour),
                        (f"  by {clean(row.by)}" if row.by else "", "muted"))]
    if row.verdict:
        share = f", {100 * row.kib // row.orig_kib}% of {short_size(row.orig_kib)}" if row.orig_kib > row.kib > 0 else ""
        took = f" in {span(row.seconds)}" if row.seconds else ""
        rows += _worded("", f"{row.done} of {row.total} disks are safe, {row.fulls} dumped full: {short_size(row.kib)}{share}"
                        f"{took}", width, "")
    if row.left_on_holding and row.ended:
        rows.append(((f" {plural(row.left_on_holding, 'dump')} left on the holding disk", "attention"),))
    if night is None:
        return [*rows, ((f" {waiting}", "muted"),)] if waiting else rows
    if night.longest:
        name, level, seconds = night.longest
        rows += _worded(" longest  ", f"{clean(name)} L{level} {span(seconds)}", width, "muted")
    if night.slowest:
        name, rate, usual = night.slowest
        often = f", usually {short_size(usual)}/s" if usual else ""
        rows += _worded(" slowest  ", f"{clean(name)} {short_size(rate)}/s{often}", width, "muted",
                        "attention" if usual > 2 * rate else "")
    for name, said in night.failed:
        rows += _worded(" failed   ", f"{clean(name)}  {clean(said)}", width, "bad")
    for name, said in night.strange:
        rows += _worded(" strange  ", f"{clean(name)}  {clean(said)}", width, "attention")
    for one in night.requests:
        rows += _worded(" request  ", _answered(one), width, "muted")
    return rows


def _worded(head: str, text: str, width: int, colour: str, of_text: str = "") -> list[Row]:
    room = width - len(head) - 2
    return [((head if n == 0 else " " * len(head), colour), ("" if head else " ", ""), (piece, of_text))
            for n, piece in enumerate(wrapped(text, room, room))]


def _answered(one: Answered) -> str:
    what = f"#{one.id} {clean(one.code)} {clean(one.subject)}"
    if not one.choice:
        return f"{what}: {f'withdrawn, {clean(one.by)}' if one.by else 'not answered'}"
    argument = f" {clean(one.argument)}" if one.argument else ""
    return f"{what}: {clean(one.choice)}{argument} by {clean(one.by)} after {span(one.after)}"
