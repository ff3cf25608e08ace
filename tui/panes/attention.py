"""What waits for somebody or goes wrong right now, one row each; no rows at all when nothing does.

First the open requests of the run and of restores, oldest first, then by when somebody must act for want of room, dumps that
stand still for want of room, disks that are tried again, storages that take nothing, children that died.  Failed disks are in
the list of disks, not here.
"""

from __future__ import annotations

from core.codes import lookup
from core.events.view import DiskState
from core.model.units import show_kib
from tui.clean import clean
from tui.format import due, moment, plural, span
from tui.look import BAD, DISK, WANTS, Look, Mark, Span
from tui.moment import Link, Moment
from tui.panes.layout import Row
from tui.panes.messages import Message, code_in
from tui.panes.run import room_comes, what
from tui.requests import answered_first, open_requests, text_of
from tui.subject import Key, title_of

DIED_FOR = 600.0
"""Seconds that the death of a child is told."""


def only_rows(key: Key | None, look: Look) -> list[Row]:
    """That all screens show one disk only; no row when they do not."""
    if key is None:
        return []
    return [((" ", ""), ("> ", "key"), ("only ", "muted"), (look.cut(clean(title_of(key))), "title"),
             (" on every screen   ", "muted"), ("o", "key"), (" or ", "muted"), ("esc", "key"), (" all disks", "muted"))]


def attention_rows(
    now: Moment, width: int, most: int, waits_elsewhere: bool = False, disk: Key | None = None,
) -> list[Row]:
    """At most ``most`` rows; the last one then says how many more there are.  ``waits_elsewhere``: what stands still and
    what is tried again has panes of its own.  ``disk`` is under the cursor.

    Where not all have room, single disks give way first, then requests behind the first, then what concerns the whole run.
    """
    over, asked = now.over and now.link is not Link.DEAD, _requests(now, disk)
    kinds = [(0, [] if over else _driver(now)), (0, asked[:1]), (2, asked[1:])]
    if not now.over:
        kinds.append((1, _act_by(now)))
        if not waits_elsewhere:
            kinds.append((3, [*_stalled(now), *_retries(now)]))
    if not over:
        kinds += [(1, _storages(now)), (2, _deaths(now))]
    rows = [(rank, row) for rank, found in kinds for row in found]
    if len(rows) <= most:
        return [row for _, row in rows]
    first = sorted(range(len(rows)), key=lambda n: rows[n][0])[:max(0, most - 1)]
    return [*(rows[n][1] for n in sorted(first)),
            ((" ", ""), (now.look.dots, "muted"), (f" {len(rows) - len(first)} more", "muted"))]


def _row(now: Moment, mark: Mark, *spans: Span) -> Row:
    return ((" ", ""), (now.look.glyph(mark) + " ", mark.colour), *((now.look.cut(text), colour) for text, colour in spans))


def _driver(now: Moment) -> list[Row]:
    rows: list[Row] = []
    if now.link is Link.DEAD:
        rows.append(_row(now, BAD, ("RUN023 The driver is gone", "bad"),
                         ("; whole dumps are safe. Next: taperoom cleanup, then taperoom run", "")))
    if now.link is Link.LOST:
        lost = now.lost
        when = f" for {span(now.now - lost.since)}; again in {max(0, int(lost.again - now.now))} s ({lost.tries})" \
            if lost else ""
        rows.append(_row(now, BAD, ("RUN046 The driver does not answer", "bad"), (f"{when}. ", ""), ("R", "key"),
                         (" tries now. ", ""), ("The run goes on, answers cannot be sent", "muted")))
    if now.view.paused and now.view.live:
        rows.append(_row(now, WANTS, ("RUN047 no new dump is started", "attention"),
                         (f"  by {clean(now.view.paused)}", "muted"), *_key(now, "P", "starts them again")))
    if now.view.stopping and now.view.live:
        rows.append(_row(now, WANTS, ("RUN048 the run ends early", "attention"), (f"  by {clean(now.view.stopping)}", "muted")))
    return rows


def _key(now: Moment, key: str, does: str) -> tuple[Span, ...]:
    """What to press, for who may."""
    return (("   ", ""), (key, "key"), (f" {does}", "muted")) if now.operate else ()


def standing(now: Moment) -> list[Message]:
    """The states of the run that are told in a row and by no fact of their own: messages as long as they last."""
    if now.over and now.link is not Link.DEAD:
        return []
    found: list[Message] = []
    for row in [*_driver(now), *_act_by(now)]:
        text = "".join(words for words, _ in row[2:]).strip()
        code = code_in(text)
        page = lookup(code)
        found.append(Message(now.at, code, page.severity if page else "W", "run", text.removeprefix(code).strip(), True))
    return found


def _requests(now: Moment, disk: Key | None) -> list[Row]:
    rows: list[Row] = []
    found = open_requests(now)
    first = answered_first(found, disk)
    for request in found:
        asked = request.question.asked
        key = "r answers " if request is first and now.operate else ""
        about = now.view.handles.get(asked.handle)
        word = "NO-ROOM " if about and now.view.disks[about].state is DiskState.STALLED else ""
        rows.append(_row(
            now, WANTS, (key, "key"), (f"#{asked.id} {clean(asked.code)} {word}{clean(asked.subject)}", "attention"),
            (f"  {clean(asked.default)} {due(asked.deadline, now.now)}", ""), (f"  {clean(text_of(asked))}", "muted")))
    return rows


def _act_by(now: Moment) -> list[Row]:
    at, text = now.gauges.act
    if not at or not now.view.live:
        return []
    return [_row(now, WANTS, (f"RUN049 act by {moment(at)}", "attention"), (f"  {clean(text)}", ""))]


def _stalled(now: Moment) -> list[Row]:
    asked = {q.asked.handle for q in now.view.open_questions}
    rows: list[Row] = []
    for disk in now.view.disks.values():
        if disk.state is DiskState.STALLED and disk.handle not in asked:
            need = f"  needs {show_kib(disk.missing)} more" if disk.missing else ""
            rows.append(_row(now, WANTS, (f"HLD024 NO-ROOM {clean(disk.title)}", "attention"),
                             (f"{need}  {room_comes(now)}", "muted")))
    return rows


def _retries(now: Moment) -> list[Row]:
    rows: list[Row] = []
    asked = {q.asked.subject for q in now.view.open_questions}  # their requests have rows already
    again = sorted((d for d in now.view.disks.values() if d.state is DiskState.RETRY and d.title not in asked),
                   key=lambda d: d.retry_after)
    for disk in again:
        tries = f" {disk.attempt}/{disk.attempts}" if disk.attempts else ""
        rows.append(_row(
            now, DISK[DiskState.RETRY], (f"DMP007 TRY-AGAIN{tries} {clean(disk.title)}", "attention"),
            (f"  again {moment(disk.retry_after)} {due(disk.retry_after, now.now)}", ""),
            (f"  {what(now, disk)}", "muted")))
    return rows


def _storages(now: Moment) -> list[Row]:
    rows = [_row(now, BAD, (f"storage {clean(taper.storage)} is down", "bad"), (f"  {clean(taper.message)}", "muted"))
            for taper in now.view.tapers.values() if taper.state == "down" and taper.storage not in now.view.degraded]
    rows += [_row(now, WANTS, (f"degraded: {clean(storage)}", "attention"), (f"  {clean(reason)}", ""),
                  ("  dumps stay on the holding disk", "muted")) for storage, reason in now.view.degraded.items()]
    return rows


def _deaths(now: Moment) -> list[Row]:
    late = [death for at, death in now.view.deaths if at > now.at - DIED_FOR]
    if not late:
        return []
    last = late[-1]
    more = f"  ({plural(len(late), 'child', 'children')} in 10 minutes)" if len(late) > 1 else ""
    return [_row(now, BAD, (f"{last.code} {clean(last.child)} died: {clean(last.status)}", "bad"),
                 (f"  {clean(last.tail.strip()[-200:])}{more}", "muted"))]
