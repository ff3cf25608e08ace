"""When tonight does not fit the volumes: which fulls wait, which dumps are dropped, which come back.

Amanda 3.5.1, server-src/planner.c `delay_dumps`, for each storage on its own.  We differ in one: Amanda drops
incrementals also to make room for fulls of new disks that do not fit; here those do not count, for such a full can wait
on the holding disk.
"""

from __future__ import annotations

from dataclasses import replace

from core.planning import reasons as r
from core.planning.choose import Draft
from core.planning.sheet import BLOCK, Sheet


def fit(sheet: Sheet) -> None:
    """Make the sheet fit, or as nearly as the rules allow."""
    changed: list[Draft] = []
    _single(sheet)
    for storage in sheet.media:
        kept = preserved(sheet, storage)
        _delay_fulls(sheet, storage, kept, changed)
        _delay_forced(sheet, storage, kept, changed)
        _drop_incrementals(sheet, storage, changed)
    for draft in reversed(changed):
        if sheet.fits(draft, {}):
            sheet.put(draft)


def preserved(sheet: Sheet, storage: str) -> Draft | None:
    """The one full for ``storage`` that is made whatever happens: a forced one, else the most urgent.

    So a night that is too full still moves on.
    """
    fulls = [draft for draft in sheet.in_order() if draft.full and storage in draft.storages]
    forced = [draft for draft in fulls if draft.standing.forced == "full"]
    if forced:
        return forced[0]
    return min(fulls, key=lambda d: (-d.standing.priority, d.standing.full_date), default=None)


def _single(sheet: Sheet) -> None:
    """Dumps that no run can write; what is changed here never comes back."""
    for draft in sheet.in_order():
        cause = sheet.too_big(draft)
        if cause is None:
            continue
        instead = draft.delayed(cause)
        if instead is not None and sheet.too_big(instead) is None:
            sheet.put(instead)
        else:
            sheet.drop(draft, cause)


def _delay(sheet: Sheet, draft: Draft, cause: r.NoSpace, changed: list[Draft]) -> None:
    changed.append(draft)
    instead = None if draft.standing.disk.dumptype.skip_incr else draft.delayed(cause)
    if instead is not None:
        sheet.put(instead)
    else:
        sheet.drop(draft, replace(cause, level=draft.level))


def _delay_fulls(sheet: Sheet, storage: str, kept: Draft | None, changed: list[Draft]) -> None:
    """Fulls whose last one is the most recent wait first; among those, the least important."""
    waiting = sorted(
        (
            draft for draft in sheet.drafts.values()
            if draft.full and draft is not kept and draft.standing.forced != "full"
            and storage in draft.storages and draft.standing.full_date > 0
        ),
        key=lambda d: (-d.standing.full_date, d.standing.priority, d.key),
    )
    for draft in waiting:
        cause = sheet.over(storage)
        if cause is None:
            return
        _delay(sheet, draft, cause, changed)


def _delay_forced(sheet: Sheet, storage: str, kept: Draft | None, changed: list[Draft]) -> None:
    """When there are forced fulls, any full may wait now but the preserved one."""
    if not any(draft.full and draft.standing.forced == "full" for draft in sheet.drafts.values()):
        return
    for draft in reversed(sheet.in_order()):
        cause = sheet.over(storage)
        if cause is None:
            return
        if draft.full and draft is not kept and storage in draft.storages:
            _delay(sheet, draft, cause, changed)


def _drop_incrementals(sheet: Sheet, storage: str, changed: list[Draft]) -> None:
    new = sum(d.csize + BLOCK for d in sheet.drafts.values() if d.full and d.standing.new and storage in d.storages)
    for draft in reversed(sheet.in_order()):
        cause = sheet.over(storage, new)
        if cause is None:
            return
        if not draft.full and storage in draft.storages:
            _delay(sheet, draft, cause, changed)
