"""Why it waits, and why it waited, in the words of `status` and of the report.

While a run lives the driver says it (`Gauges`); afterwards the journal tells how long each disk waited for what.
"""

from __future__ import annotations

from core.events.gauges import Gauges
from core.events.view import DiskState, DiskView, RunView
from core.model.units import show_duration, show_kib
from core.report.text import clean, clock, count, name_of, wrap

_LEAST = 60.0
"""Seconds of waiting, all disks together, that a report mentions."""
_SHOWN = 12
_OF_TAPERS = {"dump": "a whole dump", "dumper": "its dumper", "volume": "a volume", "operator": "a person"}


def why_waits(disk: DiskView, gauges: Gauges) -> str:
    """One sentence; empty for a disk that moves or is done."""
    if (said := gauges.waiting.get(disk.title, "")) and not older(gauges, disk):
        return said
    if disk.state is DiskState.ESTIMATING:
        return "its client is asked for the size"
    if disk.state is DiskState.STALLED:
        return f"stands still: {show_kib(disk.missing)} missing"
    return ""


def beside_the_rest(text: str, view: RunView) -> str:
    """A reason without what stands beside it once and for all disks: what an open request says, and why a storage takes
    nothing."""
    for question in view.open_questions:
        text = text.replace(f": {question.asked.said}", "")
    for storage, reason in view.degraded.items():
        text = text.replace(f"{storage} takes nothing: {reason}", f"{storage} takes nothing")
    return text


def older(gauges: Gauges, disk: DiskView) -> bool:
    """Whether they were taken before the disk's dump began: what it waited for then it has."""
    return 0.0 < gauges.at < disk.began


def full_in(gauges: Gauges, path: str, now: float) -> str:
    """``, full in 41m07s``; empty when it does not fill up as things stand."""
    full_at = gauges.runway.get(path, (0, 0.0, 0.0, 0.0))[3]
    return f", full in {show_duration(max(0.0, full_at - now))}" if full_at else ""


def act_by(gauges: Gauges) -> str:
    """By when somebody must act, as the head of a line."""
    return f"RUN049D ACT BY {clock(gauges.act[0])}" if gauges.act[0] else "nobody must act"


def waiting_now(view: RunView, gauges: Gauges) -> list[str]:
    """A report's block on a run that lives: each taper and disk that waits, with the reason."""
    if not view.live or not (gauges.waiting or gauges.tapers or gauges.act[0]):
        return []
    lines = ["WAITING NOW"]
    if gauges.act[1]:
        lines += wrap(f"{act_by(gauges)}: {gauges.act[1]}", indent="  ", after="    ")
    for child, (text, _) in gauges.tapers.items():
        taper = view.tapers.get(child)
        lines += wrap(f"storage {taper.storage if taper else child}: {text}", indent="  ", after="    ")
    for title, text in list(gauges.waiting.items())[:_SHOWN]:
        lines += wrap(f"{title}: {text}", indent="  ", after="    ")
    rest = len(gauges.waiting) - _SHOWN
    return lines + ([f"  ... and {rest} more"] if rest > 0 else [])


def waited(view: RunView) -> list[str]:
    """A report's block on the night: how long disks and tapers waited for what, the longest first."""
    found: dict[str, list[tuple[float, DiskView]]] = {}
    for disk in view.disks.values():
        for kind, seconds in disk.waited.items():
            found.setdefault(kind, []).append((seconds, disk))
    rows = sorted(((sum(s for s, _ in waits), kind, waits) for kind, waits in found.items()), key=lambda row: -row[0])
    lines = []
    for total, kind, waits in rows:
        if total < _LEAST:
            continue
        longest, disk = max(waits, key=lambda wait: wait[0])
        which = f", longest {name_of(disk.host, disk.disk, 40)} {show_duration(longest)}" if len(waits) > 1 else \
            f", {name_of(disk.host, disk.disk, 40)}"
        text = f"for {clean(kind)}: {show_duration(total)} ({count(len(waits), 'disk')}{which})"
        lines += wrap(text, indent="  ", after="    ")
    for taper in view.tapers.values():
        told = [f"for {_OF_TAPERS.get(kind, clean(kind))} {show_duration(seconds)}"
                for kind, seconds in taper.waited.items() if seconds >= _LEAST]
        lines += wrap(f"storage {clean(taper.storage)}: {', '.join(told)}", indent="  ", after="    ") if told else []
    return ["WAITED - before they began, and while they stood still", *lines] if lines else []
