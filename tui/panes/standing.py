"""How the site stands while no run lives: the last run, the next volume, what is on the holding disk only, the clients.

Each row names the screen that has more.  What is not known yet, or cannot be, has no row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.events.view import RunView
from tui.clean import clean
from tui.format import age, day, moment, plural, short_size, span
from tui.moment import Moment
from tui.panes.layout import Part, Row, part, spread
from tui.panes.status import summary

if TYPE_CHECKING:  # the first screen does not wait for what only answers need
    from core.client.clients import ClientRow
    from core.client.coverage import Covered
    from core.client.shelf import Shelf
    from core.client.spool import Spool


def rows(now: Moment, shelves: list[Shelf] | None, spool: Spool | None, clients: list[ClientRow] | None,
         covered: list[Covered] | None, width: int) -> list[Row]:
    """At most six rows; in a row what matters least goes first when there is no room."""
    found = [_result(now.view, width)] if now.view.began else []
    found += [*_covered(covered), *_next(shelves), *_held(spool), *_clients(now, clients)]
    return [spread(parts, [Part(3, ((key[0], "key"), (key[1:], "muted")))] if key else [], width) for parts, key in found]


Told = tuple[list[Part], str]


def _result(view: RunView, width: int) -> Told:
    took = f"{day(view.began_at)} {moment(view.began_at)}, {span((view.ended_at or view.at) - view.began_at)}"
    return [part(0, "RESULT  ", "title"), part(0, summary(view)), *_wrong(view), part(5, took if width > 90 else "", "muted")
            ], "7 History"


def _wrong(view: RunView) -> list[Part]:
    """What wants attention though every disk may be done."""
    told = list(dict.fromkeys((notice.code, notice.subject) for _, notice in view.notices if notice.severity == "E"))
    if not told:
        return []
    code, subject = told[0]
    more = f" and {len(told) - 1} more" if len(told) > 1 else ""
    return [part(1, f"{code} {clean(subject)}{more}", "attention"), part(2, "x explains", "muted")]


def _covered(covered: list[Covered] | None) -> list[Told]:
    if not covered:
        return []
    good = [row for row in covered if row.age is not None]
    oldest = max(good, key=lambda row: row.age or 0.0, default=None)
    never, overdue = len(covered) - len(good), sum(1 for row in covered if row.full and row.overdue > 0)
    parts = [part(0, "BACKUPS ", "title")]
    if oldest is not None:
        parts.append(part(1, f"the oldest last good one is {age(oldest.age or 0.0)} old: {clean(oldest.title)}"))
    parts.append(part(0, f"{plural(overdue, 'full')} overdue" if overdue else "", "attention"))
    parts.append(part(0, f"{plural(never, 'disk')} without any" if never else "", "bad"))
    return [(parts, "")]


def _next(shelves: list[Shelf] | None) -> list[Told]:
    found: list[Told] = []
    for shelf in shelves or []:
        parts = [part(0, "VOLUME  ", "title")]
        name = f"{clean(shelf.storage)}: " if shelves and len(shelves) > 1 else ""
        if shelf.fault:
            parts.append(part(0, name + clean(shelf.fault), "bad"))
        elif shelf.soon:
            label, slot, reason = shelf.soon[0]
            parts += [part(0, f"{name}{clean(label) or 'a new one'} (slot {clean(slot)}) is next"),
                      part(5, clean(reason), "muted")]
        else:
            parts.append(part(0, f"{name}none in the slots may be written", "bad"))
        if shelf.bring or shelf.new:
            parts.append(part(1, f"bring {bring(shelf)}", "attention"))
        found.append((parts, "4 Tapes"))
    return found[:2]


def bring(shelf: Shelf) -> str:
    """What to fetch, in words."""
    wanted = [clean(label) for label in shelf.bring]
    if shelf.new:
        wanted.append(f"{shelf.new} new")
    return " + ".join(wanted)


def _held(spool: Spool | None) -> list[Told]:
    if spool is None:
        return []
    torn = sum(1 for dump in spool.dumps if dump.word in ("partial", "crash"))
    parts = [part(0, "HOLDING ", "title")]
    if spool.only_here:
        parts += [part(0, f"{short_size(spool.only_here)} on no volume yet", "attention"), part(2, "F flushes", "muted")]
    else:
        parts.append(part(0, "no dump waits for a volume"))
    parts.append(part(1, f"{plural(torn, 'dump')} not whole" if torn else "", "attention"))
    return [(parts, "5 Holding")]


def _clients(now: Moment, clients: list[ClientRow] | None) -> list[Told]:
    if not clients:
        return []
    down = [row for row in clients if row.state in ("DOWN", "FAIL")]
    asked = [row.asked.at for row in clients if row.asked is not None]
    parts = [part(0, "CLIENTS ", "title")]
    if not asked:
        parts.append(part(0, f"{plural(len(clients), 'client')}, none was checked yet"))
    elif down:
        names = ", ".join(clean(row.host) for row in down[:3]) + (" and more" if len(down) > 3 else "")
        parts.append(part(0, f"{len(down)} of {len(clients)} in trouble: {names}", "bad"))
    else:
        parts.append(part(0, f"all {len(asked)} that were checked are well"))
    if asked:
        parts.append(part(4, f"checked {age(now.now - max(asked))} ago", "muted"))
    return [(parts, "6 Clients")]
