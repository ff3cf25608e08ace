"""What can be restored: disks, the dates of one, a directory as of a date, what is marked and which volumes that needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.client.browse import Date, Name, Need, Needs
from core.client.coverage import Covered
from core.client.standing import command_line, restore_words
from core.model.units import show_kib, show_size
from tui.browsing import Browsing
from tui.clean import clean
from tui.columns import Cells, Column, Entry
from tui.format import age, day_of, plural, short_size
from tui.moment import Moment
from tui.panes.coverage import last_full, last_good, where
from tui.panes.layout import Row, fit, joined, part
from tui.panes.protocol import wrapped

DISKS = (Column("disk", share=2, least=20, name=True), Column("last good", 9), Column("last full", 13),
         Column("on", least=14, drop=1))
DATES = (Column("", 1), Column("date", 16), Column("lv", 2), Column("size", 6, right=True), Column("age", 4, right=True),
         Column("on", least=14))
NAMES = (Column("", 3), Column("name", share=3, least=20), Column("files", 13, right=True, drop=1),
         Column("size", 9, right=True, drop=2), Column("from", 13, drop=1))


def disk_entries(disks: list[tuple[str, str]], covered: list[Covered]) -> list[Entry]:
    """Everything that was ever dumped."""
    known = {(row.host, row.disk): row for row in covered}
    found: list[Entry] = []
    for host, disk in disks:
        row = known.get((host, disk))
        found.append(Entry(f"{host}\0{disk}", (
            (clean(f"{host}:{disk}"), "" if row else "muted"), last_good(row), last_full(row),
            (where(row.last) if row else "no longer in the disklist", "muted"))))
    return found


def date_entries(now: Moment, dates: list[Date], chosen: str) -> list[Entry]:
    """The dates of a disk, newest first."""
    return [Entry(date.datestamp, (
        (">" if date.datestamp == chosen else "", "focus"), (day_of(date.datestamp), ""),
        (f"L{date.level}", "title" if date.level == 0 else ""), (short_size(date.size), ""), (age(now.now - date.at), "muted"),
        (clean(", ".join(date.labels)) or "the holding disk", "muted"))) for date in dates]


def name_entries(way: Browsing, names: list[Name], chain: list[Date]) -> list[Entry]:
    """A directory; with the whole path in the answers of a search."""
    labels = {date.datestamp: ", ".join(date.labels) for date in chain}
    return [Entry(name.path, _cells(name, way.state_of(name.path), labels.get(name.datestamp, ""), way.searched != ""))
            for name in names]


def _cells(name: Name, state: str, label: str, searched: bool) -> Callable[[], Cells]:
    """Made when they are seen: a directory may have very many."""
    def make() -> Cells:
        shown = (f"/{name.path}" if searched else name.name) + ("/" if name.directory else "")
        source = f"L{name.level} {day_of(name.datestamp).partition(' ')[2].rpartition(' ')[0]}" if name.level >= 0 else ""
        return ((f"[{state}]", "title" if state != " " else "muted"), (clean(shown), "focus" if name.directory else ""),
                (plural(name.files, "file") if name.directory and name.files >= 0 else "", "muted"),
                (show_size(name.size) if name.size is not None else "", ""),
                (clean(label) if searched else source, "muted"))

    return make


def way_row(way: Browsing) -> Row:
    """Where one is."""
    parts: list[tuple[str, str]] = [(" Restore", "title")]
    if way.disk:
        parts += [("  > ", "muted"), (clean(f"{way.host}:{way.disk}"), "title" if way.step == "dates" else "")]
    if way.step == "names":
        parts += [("  > ", "muted"), (day_of(way.date), "")]
        place = f"find {way.searched}" if way.searched else f"/{way.path}"
        parts += [("  > ", "muted"), (clean(place), "title")]
    return tuple(parts)


def warning_rows(warnings: Sequence[str]) -> list[Row]:
    """The first of them, and how many more there are."""
    if not warnings:
        return []
    more = f"  and {len(warnings) - 1} more" if len(warnings) > 1 else ""
    return [((" ", ""), (clean(warnings[0]), "attention"), (more, "muted"))]


def marked_title(way: Browsing) -> str:
    """How much is marked."""
    if not way.marked:
        return "Nothing marked"
    needs = way.needs.value
    return f"Marked: {plural(needs.files, 'file')}" if needs and not way.needs.busy else f"Marked: {_names_marked(way)}"


def _names_marked(way: Browsing) -> str:
    return plural(len(way.marked), "name")


def footer_rows(way: Browsing, width: int) -> list[Row]:
    """One line: the names that are marked, how much that is, and the volumes that it needs; none as long as none is marked.

    Where there is no room for all of it, volumes that are not here stay longer than what is not known."""
    if not way.marked:
        return []
    parts = [part(0, f"{_names_marked(way)} marked", "title")]
    needs = way.needs.value
    if needs is None or way.needs.busy:
        error = "" if way.needs.busy else way.needs.error
        parts.append(part(0, error or "looking which volumes that needs …", "bad" if error else "muted"))
        return [((" ", ""), *joined(parts))]
    size = show_size(needs.bytes) if needs.unsized < needs.files or not needs.files else "of unknown size"
    parts.append(part(2, f"{plural(needs.files, 'file')}  {size}"))
    volumes = {need.label: need.here for need in needs.needs if need.storage}
    parts.append(part(3, f"from {places(needs) or 'no volume'}"))
    absent = sum(not here for here in volumes.values())
    parts.append(part(1, f"{absent} not here" if absent else "", "attention"))
    unsized = f"{plural(needs.unsized, 'size')} unknown" if 0 < needs.unsized < needs.files else ""
    parts.append(part(4, unsized, "muted"))
    return [((" ", ""), *joined(fit(parts, width - 2)))]


def places(needs: Needs) -> str:
    """How many volumes and holding files have what is marked, each once: a volume may have more than one of the dumps."""
    volumes = len({need.label for need in needs.needs if need.storage})
    held = len({need.label for need in needs.needs if not need.storage})
    return " and ".join([*([plural(volumes, "volume")] if volumes else []), *([plural(held, "holding file")] if held else [])])


def marked_rows(way: Browsing, width: int, height: int) -> list[Row]:
    """What is marked, what that needs, and the command that restores it."""
    if not way.marked:
        return [((" space marks a name with all that is below it;", "muted"),),
                ((" what a restore of it needs is then here", "muted"),)]
    names = sorted(way.marked)
    rows: list[Row] = [((" /", ""), (clean(name), "")) for name in names[:max(1, height // 3)]]
    if len(names) > len(rows):
        rows.append(((f" and {len(names) - len(rows)} more", "muted"),))
    needs = way.needs.value
    if needs is None:
        return [*rows, _waits(way.needs.error, "looking which volumes that needs …")]
    for path in needs.missing:
        rows.append(((" not there then: ", "attention"), (clean(f"/{path}"), "")))
    rows.append(((f" needs {places(needs) or 'no volume'}, at most {show_kib(needs.size)} to read:", "muted"),))
    rows += [_need(need) for need in needs.needs]
    command = command_line(restore_words(way.at, way.date))
    rows += [((" same as " if n == 0 else "         ", "muted"), (piece, ""))
             for n, piece in enumerate(wrapped(clean(command), width - 10, width - 10))]
    return rows


def _need(need: Need) -> Row:
    files = f"  file {need.files[0]}" + ("" if len(need.files) == 1 else f"-{need.files[-1]}") if need.files else ""
    place = f"  slot {clean(need.slot)}" if need.slot else "" if need.here else "  NOT HERE: bring it"
    return (("  ", ""), (clean(need.label), "title"), (f"  L{need.level}{files}", ""),
            (place, "muted" if need.here else "attention"))


def version_rows(way: Browsing) -> list[Row]:
    """Which dumps have a path itself."""
    found = way.versions.value
    head: Row = ((" ", ""), (clean(f"/{way.versions_of}"), "title"))
    if found is None:
        return [head, _waits(way.versions.error, "looking through the indexes …")]
    rows: list[Row] = [((f" {day_of(date.datestamp)}", ""), (f"  L{date.level}", ""),
                        (f"  {clean(', '.join(date.labels)) or 'the holding disk'}", "muted")) for date in found]
    return [head, *(rows or [((" no dump has it", "muted"),)])]


def _waits(error: str, text: str) -> Row:
    return ((f" {error or text}", "bad" if error else "muted"),)
