"""The storages with their slots and volumes: what may be written next and why not, what to bring, what a volume holds."""

from __future__ import annotations

from core.client.shelf import Content, Shelf, VolumeRow
from tui.clean import clean
from tui.columns import Column, Entry
from tui.format import day_of, plural, short_size
from tui.look import BAD, BUSY, GOOD, IDLE, NOT, ODD, WAITS, Mark
from tui.moment import Moment
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.panes.standing import bring

SLOTS = (
    Column("", 1), Column("slot", 4, right=True), Column("label", share=2, least=15), Column("flag", 8, drop=3),
    Column("written", 10, drop=2), Column("used", 5, right=True), Column("%", 4, right=True, drop=4),
    Column("files", 5, right=True, drop=1), Column("state", 9), Column("why", share=3, least=14),
)
MANY = (*SLOTS[:2], Column("storage", 8), *SLOTS[2:])
"""With more than one storage."""

CONTENTS = (
    Column("file", 7, right=True), Column("disk", least=14, name=True), Column("lv", 2), Column("dumped", 10, drop=1),
    Column("parts", 5, right=True, drop=2), Column("size", 6, right=True),
)

_MARKS: dict[str, Mark] = {
    "NEXT": WAITS, "WRITING": BUSY, "reusable": GOOD, "new": GOOD, "blank": IDLE, "active": IDLE, "foreign": NOT,
    "faulty": BAD, "busy": BUSY, "elsewhere": NOT,
}


def key_of(row: VolumeRow) -> str:
    """What names a row: storage, slot, label."""
    return f"{row.storage}\0{row.slot}\0{row.label}"


def entries(now: Moment, shelves: list[Shelf]) -> list[Entry]:
    """Every slot, then the volumes that are in none."""
    found: list[Entry] = []
    for shelf in shelves:
        if shelf.fault:
            name = [(clean(shelf.storage), "bad")] if len(shelves) > 1 else []
            cells = [(now.look.glyph(BAD), "bad"), ("-", "muted"), *name, *[("", "")] * 6, ("down", "bad"),
                     (clean(shelf.fault), "bad")]
            found.append(Entry(f"{shelf.storage}\0", tuple(cells)))
            continue
        found += [_entry(now, row, len(shelves) > 1) for row in shelf.rows]
    return found


def _entry(now: Moment, row: VolumeRow, many: bool) -> Entry:
    mark = ODD if row.word == "elsewhere" and row.flag == "reuse" and row.reason == "may be overwritten" else \
        _MARKS.get(row.word, IDLE)
    colour = "" if row.word in ("WRITING", "NEXT") else mark.colour
    slot = (clean(row.slot) or "-") + ("*" if row.loaded else "")
    part = f"{min(100, 100 * row.used // row.capacity)}%" if row.capacity and row.used else ""
    written = day_of(row.written).rpartition(" ")[0] if row.written else ""
    cells = [(now.look.glyph(mark), mark.colour), (slot, ""), *([(clean(row.storage), "muted")] if many else []),
             (clean(row.label) or "-", ""), (row.flag, "attention" if row.flag == "no-reuse" else "muted"), (written, ""),
             (short_size(row.used) if row.used else "-", ""), (part, "muted"), (str(row.files) if row.files else "-", ""),
             (row.word, "title" if row.word in ("NEXT", "WRITING") else colour), (clean(row.reason), "muted")]
    return Entry(key_of(row), tuple(cells))


def title(shelves: list[Shelf]) -> str:
    """How many of what."""
    slots = sum(1 for shelf in shelves for row in shelf.rows if row.slot)
    known = sum(shelf.known for shelf in shelves)
    loaded = ", * is in the drive" if any(row.loaded for shelf in shelves for row in shelf.rows) else ""
    return f"Slots  {slots}, {plural(known, 'volume')} known{loaded}" if shelves else "Slots"


def next_rows(shelves: list[Shelf], storage: str, width: int) -> list[Row]:
    """What is written next in a storage, what to bring, and what keeps volumes."""
    shelf = next((s for s in shelves if s.storage == storage), shelves[0] if shelves else None)
    if shelf is None:
        return []
    if shelf.fault:
        return [((" ", ""), (piece, "bad")) for piece in wrapped(clean(shelf.fault), width - 2, width - 2)]
    rows: list[Row] = []
    for n, (label, slot, reason) in enumerate(shelf.soon, 1):
        rows.append(((f" {n} ", "key"), (clean(label) or "no label yet", "title" if n == 1 else ""),
                     (f"  slot {clean(slot)}", ""), (f"  {clean(reason)}" if label else "", "muted")))
    if not rows:
        rows.append(((" nothing in the slots may be written", "bad"),))
    if shelf.bring or shelf.new:
        rows.append(((" bring  ", "attention"), (bring(shelf), "attention")))
    keep = shelf.retention
    kept = [plural(keep.tapes, "volume")] * bool(keep.tapes) + [plural(keep.days, "day")] * bool(keep.days) + \
        [plural(keep.full, "full") + " of each disk"] * bool(keep.full)
    rows += [((" kept   " if n == 0 else "        ", "muted"), (piece, "muted"))
             for n, piece in enumerate(wrapped(", ".join(kept) or "nothing", width - 9, width - 9))]
    rows += [((" where  " if n == 0 else "        ", "muted"), (piece, "muted"))
             for n, piece in enumerate(wrapped(clean(shelf.changer), width - 9, width - 9))]
    return rows


def contents_title(row: VolumeRow | None) -> str:
    """Which volume it is about, and all of why it stands as it does: the list of slots has no room for that."""
    if row is None:
        return "Contents"
    name = f"On {clean(row.label)}" if row.label else f"In slot {clean(row.slot)}"
    return f"{name}  {clean(row.reason)}" if row.reason else name


def content_entries(contents: list[Content], tonight: str) -> list[Entry]:
    """What a volume holds, in the order of its files."""
    found: list[Entry] = []
    for one in contents:
        files = str(one.first) if one.first == one.last else f"{one.first}-{one.last}"
        dumped = "tonight" if one.datestamp == tonight else day_of(one.datestamp).rpartition(" ")[0]
        found.append(Entry(f"{one.host}\0{one.disk}\0{one.first}", (
            (files, ""), (clean(f"{one.host}:{one.disk}"), ""), (f"L{one.level}", "title" if one.level == 0 else ""),
            (clean(dumped), "muted"), (str(one.parts), ""), (short_size(one.size), ""))))
    return found
