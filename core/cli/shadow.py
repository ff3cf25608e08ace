"""`taperoom plan --beside DIR`: tonight from a live Amanda's own state, its plan and ours next to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.cli import show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.migration.balance import Night
    from core.migration.beside import Row
    from core.migration.config import Imported
    from core.migration.planner import Theirs
    from core.migration.source import Source
    from core.model.site import Site
    from core.planning.sizing import Answer

Key = tuple[str, str]


def beside(name: str, *, ask: bool, json: bool) -> int:
    """Print both plans; where Amanda's planner could not be asked, its balance, and then the exit code is 1.

    UsageError AMA001 to AMA003, CFG011.
    """
    import os
    import time
    from pathlib import Path

    from core.migration.balance import compare_balance
    from core.migration.beside import compare, plans
    from core.migration.config import import_config
    from core.migration.planner import ask_planner
    from core.migration.source import read_source
    from core.model.units import datestamp_of

    source = read_source(name, skip_damaged=True)
    # Nothing is written there: the site only lives as long as this command.
    file, state = source.directory / "taperoom.toml", Path("/nonexistent/taperoom")
    imported = import_config(source, file, state, as_root=os.geteuid() == 0)
    now = time.time()
    site = imported.site
    answers = _ask(site, source, now) if ask else {}
    ours, as_amanda = plans(site, source, now, answers, _flushing(site, datestamp_of(now)))
    theirs = ask_planner(source, datestamp_of(now), ask=ask)
    rows = compare(ours, as_amanda, theirs, imported.disks.left_out)
    nights = compare_balance(site, source, theirs.balance, imported.disks.left_out, now)
    if json:
        _json(source, rows, theirs, nights)
    else:
        _tell(source, imported, rows, theirs, ask)
        _tell_balance(nights)
    return 1 if theirs.missing else 0


def _flushing(site: Site, datestamp: str) -> dict[str, int]:
    from core.planner import leftovers

    return leftovers.flushes(site, datestamp, None, lambda text: None).kib if site.run.autoflush else {}


def _ask(site: Site, source: Source, now: float) -> Mapping[Key, Answer]:
    """What the clients say of tonight's sizes."""
    from core.migration.beside import histories_of
    from core.model.units import datestamp_of
    from core.planner import clients
    from core.planning.plan import stand_all, to_ask

    standings = stand_all(site.disks, histories_of(source), now)
    survey = clients.Survey(source.name, datestamp_of(now))
    found: dict[Key, Answer] = {}
    for heard in survey.ask(clients.asks_of((standing.disk, to_ask(standing)) for standing in standings)):
        if isinstance(heard, clients.Finished):
            found |= heard.answers
        elif isinstance(heard, clients.Missing):
            show.tell(f"{heard.key[0]}:{heard.key[1]}: {heard.message}")
    survey.tidy()
    return found


def _tell(source: Source, imported: Imported, rows: list[Row], theirs: Theirs, ask: bool) -> None:
    from core.migration.beside import totals
    from core.model.units import show_kib
    from core.report.text import count, name_of, table, wrap

    sizes = "the clients" if ask else "Amanda's curinfo"
    show.say(f"tonight for Amanda's configuration {source.name}, sizes from {sizes}; nothing of it is touched")
    lines = [[name_of(row.host, row.disk), _level(row.ours), show_kib(row.ours.size) if row.ours else "",
              _level(row.theirs), show_kib(row.theirs.size) if row.theirs else "", "" if row.same else "*"] for row in rows]
    if lines:
        heads = ["disk", "L here", "size here", "L Amanda", "size Amanda", ""]
        show.say_lines(table(heads, lines, " rrrr ", columns=show.columns()))
    ours = {(row.host, row.disk): row.ours for row in rows if row.ours is not None}
    show.say(f"Taperoom: {totals(ours)}")
    if theirs.missing:
        show.say_lines(wrap(f"AMA009 Amanda's planner: {theirs.missing}", after="  "))
    else:
        show.say(f"Amanda:   {totals(theirs.dumps)}")
    different = [row for row in rows if not row.same] if not theirs.missing else []
    for row in different:
        show.say_lines(wrap(f"* {name_of(row.host, row.disk)}: {row.words}", after="    "))
    if not theirs.missing and not different:
        show.say("both plans are the same")
    if theirs.missing:
        for row in rows:
            if row.ours is not None:
                show.say_lines(wrap(f"{name_of(row.host, row.disk)}: {row.ours.why}", after="    "))
    damaged = len(source.damaged)
    if damaged:
        show.say(f"{count(damaged, 'place')} of Amanda's state cannot be read; 'taperoom import-amanda --dry-run' lists them")


def _tell_balance(nights: list[Night]) -> None:
    from core.model.units import show_kib
    from core.report.text import table, wrap

    if not nights:
        return
    show.say()
    show.say_lines(wrap("fulls that are due, here and by 'amadmin balance'; a day that has begun counts as a day, so a planner "
                        "may make them a night later"))
    lines = [[night.label, *(word for due in (night.ours, night.theirs) for word in (str(due.fulls), show_kib(due.kib))),
              "*" if night.words else ""] for night in nights]
    heads = ["night", "fulls here", "size here", "fulls Amanda", "size Amanda", ""]
    show.say_lines(table(heads, lines, " rrrr ", columns=show.columns()))
    for night in nights:
        if night.words:
            show.say_lines(wrap(f"* {night.label}: {night.words}", after="    "))


def _level(line: object) -> str:
    return str(getattr(line, "level", "")) if line is not None else "-"


def _json(source: Source, rows: list[Row], theirs: Theirs, nights: list[Night]) -> None:
    show.say_json({
        "configuration": str(source.directory), "missing": theirs.missing,
        "disks": [{
            "host": row.host, "disk": row.disk, "same": row.same, "words": row.words,
            "ours": {"level": row.ours.level, "kib": row.ours.size, "why": row.ours.why} if row.ours else None,
            "amanda": {"level": row.theirs.level, "kib": row.theirs.size, "why": row.theirs.why} if row.theirs else None,
        } for row in rows],
        "balance": [{
            "night": night.label, "ours": {"fulls": night.ours.fulls, "kib": night.ours.kib},
            "amanda": {"fulls": night.theirs.fulls, "kib": night.theirs.kib}, "words": night.words} for night in nights]})
