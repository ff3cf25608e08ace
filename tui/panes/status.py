"""The first row of every screen: which run, how far, what needs attention, who sits here; and the last: what keys do."""

from __future__ import annotations

from core.events.view import DiskState, RunView
from tui.clean import clean
from tui.format import clock, day, moment, plural, span
from tui.keys import PLACES, Action
from tui.moment import Link, Moment
from tui.panes.layout import Part, Row, part, spread
from tui.requests import open_requests

_LINK_COLOUR = {Link.LIVE: "good", Link.LOST: "bad", Link.DEAD: "bad", Link.ENDED: "muted", Link.NONE: "muted",
                Link.REPLAY: "attention", Link.PAST: "attention"}

_TOOK = len("2h14m")
"""What follows it stays where it is when ``59s`` becomes ``1m``."""


def phase(view: RunView, link: Link) -> str:
    """What the run does now, in one word."""
    if view.began is None:
        return ""
    if link is Link.DEAD:
        return "NO END"
    if view.ended is not None:
        return {0: "WELL", 1: "ATTENTION", 3: "STOPPED"}.get(view.ended.code, f"CODE {view.ended.code}")
    if view.stopping:
        return "STOPPING"
    if view.paused:
        return "HELD"
    if not view.planned:
        return "ESTIMATE"
    if view.count(DiskState.PLANNED, DiskState.RETRY, DiskState.DUMPING, DiskState.STALLED, DiskState.HELD):
        return "DEGRADED" if view.degraded else "DUMP"
    return "TAPE"


def status_row(now: Moment, width: int, unseen: int = 0) -> Row:
    """The status row; ``unseen`` messages count as new."""
    view = now.view
    mode = "OPERATE" if now.operate else "WATCH"
    right = [part(4, f"{clean(now.who, 20)}:{mode}"), part(0, now.link.value, _LINK_COLOUR[now.link])]
    if others := now.others:
        names = ", ".join(clean(name.partition(":")[0], 16) for name in others[:3])
        names += f" {now.look.dots}" if len(others) > 3 else ""
        right.insert(0, part(3, f"with {names}" if width >= 110 else f"+{len(others)}", "focus"))
    if now.link in (Link.REPLAY, Link.PAST):
        right = [part(0, f"{now.link.value} {clock(now.now)}", "attention")]
    count = len(open_requests(now))
    asked = [part(0, f"REQ {count}", "attention")] if count else []
    if view.began is None:
        return spread([part(0, "Taperoom", "title"), *([part(1, "NO RUN")] if now.link is not Link.NONE else []), *asked],
                      right, width)
    total = len(view.disks) if view.planned else max(view.began.disks, len(view.disks))  # a run may be of some disks only
    good = view.count(DiskState.DONE, DiskState.STRANGE)
    bad = view.count(DiskState.FAILED)
    retry = view.count(DiskState.RETRY)
    took = span((view.ended_at or now.at) - view.began_at).ljust(_TOOK)
    word = phase(view, now.link)
    colour = "attention" if word in ("NO END", "ATTENTION", "STOPPED", "STOPPING", "HELD", "DEGRADED") else "title"
    left = [
        part(1, clean(view.began.org, 20), "title"), part(5 if view.live else 3, day(view.began_at)),
        part(6, moment(view.began_at) if width >= 110 else ""), Part(0, ((word, colour), (f" {took}", ""))),
        part(1, f"{good}/{total} ok"), part(0, f"{bad} FAIL" if bad else "", "bad"),
        part(5, f"{retry} retry" if retry else "", "attention"),
        part(5, f"{unseen} new" if unseen else "", "focus"),
        *asked,
    ]
    return spread(left, right, width)


def hint_row(actions: list[Action], here: str, width: int, operate: bool) -> Row:
    """The hint row: the screens, then the keys of this one; whole hints are left out, ``?`` and ``q`` never."""
    parts: list[Part] = []
    if width >= 100:
        tabs: list[tuple[str, str]] = []
        for place in PLACES:
            tabs += [(place.digit, "key"), (f" {place.title} ", "title" if place.name == here else "muted")]
        parts.append(Part(2, tuple(tabs)))
    else:
        parts.append(Part(2, (("1-9", "key"), (" screens", "muted"))))
    hints = [a for a in actions if a.hint and (operate or not (a.operates or a.id == "reply"))]
    parts += [Part(a.rank, ((a.key, "key"), (f" {a.hint}", "muted"))) for a in hints]
    return spread(parts, [], width)


def _flushed(view: RunView) -> int:
    """Dumps that earlier runs had left and that this one wrote to a volume."""
    stamp = view.began.datestamp if view.began else ""
    return len({(write.host, write.disk, write.datestamp, write.level) for write in view.writes.values()
                if write.outcome == "done" and write.datestamp != stamp})


def summary(view: RunView) -> str:
    """A finished run in one line."""
    if view.ended is None:
        return "it has no end in its journal"
    left = view.ended.left_on_holding
    good, bad = view.count(DiskState.DONE, DiskState.STRANGE), view.count(DiskState.FAILED)
    text = f"{plural(good, 'disk')} done, {bad} failed"
    if not view.disks and (flushed := _flushed(view)):
        text = f"{plural(flushed, 'dump')} of earlier runs flushed"
    return f"{text}, {plural(left, 'dump')} left on the holding disk" if left else text


def plain(row: Row) -> str:
    """The text of a row, for tests and for copying."""
    return "".join(text for text, _ in row)
