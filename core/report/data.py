"""A run as plain data, for `--json` of `status` and `report`: the same facts as the text, with whole numbers.

Sizes KiB, times seconds since the epoch, durations seconds.  Keys are only ever added.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from core.events.gauges import Gauges
from core.events.view import DiskState, DiskView, RunView
from core.report.background import NOTHING, Background
from core.report.morning import verdict
from core.report.progress import of_disk, of_run
from core.report.waits import older, why_waits


def run_data(
    view: RunView, gauges: Gauges | None = None, now: float = 0.0, alive: bool = False, background: Background = NOTHING
) -> dict[str, Any]:
    """Everything that a face shows of a run."""
    gauges = gauges or Gauges()
    began, ended = view.began, view.ended
    if not alive or ended is not None:  # nothing waits any more; how far the dumps came is still worth telling
        gauges, now = Gauges(gauges.at, gauges.progress), 0.0
    return {
        "run": began.datestamp if began else "",
        "org": began.org if began else "",
        "by": began.by if began else "",
        "live": alive and ended is None,
        "verdict": verdict(view),
        "exit_code": ended.code if ended else None,
        "began": view.began_at,
        "ended": view.ended_at or None,
        "paused": view.paused,
        "stopping": view.stopping,
        "progress": asdict(of_run(view, gauges, now)),
        "counts": {state.value: view.count(state) for state in DiskState if view.count(state)},
        "disks": [_disk(disk, gauges, now) for disk in view.disks.values()],
        "holding": [_holding(view, gauges, path) for path in view.holding],
        "left_on_holding": [
            {"file": file, "host": host, "disk": disk, "datestamp": stamp, "level": level, "kib": size}
            for file, (host, disk, stamp, level, size) in view.files.items()],
        "tapers": [asdict(taper) | _wait(gauges.tapers.get(taper.child)) for taper in view.tapers.values()],
        "act_by": {"at": gauges.act[0] or None, "text": gauges.act[1]},
        "retries": retries_data(view, gauges),
        "volumes": [asdict(volume) | {"capacity": background.capacity.get(volume.storage)} for volume in view.volumes],
        "next_volumes": {storage: list(labels) for storage, labels in background.next_volumes.items()},
        "requests": questions_data(view, gauges),
        "setbacks": [{"at": at, "host": host, "disk": disk, "text": text} for at, host, disk, text in view.setbacks],
        "notes": [asdict(notice) | {"at": at} for at, notice in view.notices],
        "died": [asdict(death) | {"at": at} for at, death in view.deaths],
        "degraded": dict(view.degraded),
        "last_good": [{"host": host, "disk": disk, "at": background.last_good.get((host, disk))}
                      for host, disk in background.disks],
    }


def questions_data(view: RunView, gauges: Gauges, only_open: bool = False) -> list[dict[str, Any]]:
    """Requests, oldest first; what an open one says and what its choices mean as of now."""
    return [
        asdict(q.asked if q.closed else gauges.as_of_now(q.asked)) | {
            "opened": q.opened, "closed": q.closed or None, "choice": q.choice, "argument": q.argument, "by": q.by}
        for q in view.questions.values() if not only_open or not q.closed]


def retries_data(view: RunView, gauges: Gauges) -> list[dict[str, Any]]:
    """The queue of disks that are tried again, the next one first."""
    queue = sorted((d for d in view.disks.values() if d.state is DiskState.RETRY), key=lambda d: (d.retry_after, d.title))
    return [{"host": d.host, "disk": d.disk, "at": d.retry_after, "attempt": d.attempt, "attempts": d.attempts,
             "reason": d.message, "waits_for": gauges.waiting.get(d.title, "")} for d in queue]


def _wait(found: tuple[str, float] | None) -> dict[str, Any]:
    text, until = found or ("", 0.0)
    return {"waits_for": text, "waits_until": until or None}


def _disk(disk: DiskView, gauges: Gauges, now: float) -> dict[str, Any]:
    constraint, until = gauges.waits.get(disk.title, ("", 0.0)) if not older(gauges, disk) else ("", 0.0)
    plain: dict[str, Any] = {
        "host": disk.host, "disk": disk.disk, "state": disk.state.value, "level": disk.level if disk.level >= 0 else None,
        "estimate": disk.estimate, "kib": disk.size, "orig_kib": disk.orig, "seconds": disk.seconds,
        "attempt": disk.attempt, "message": disk.message, "strange": disk.strange, "why": disk.why, "file": disk.file,
        "waits_for": why_waits(disk, gauges), "constraint": constraint,
        "waits_until": until or None, "waited": dict(disk.waited),
        "parts": [{"storage": storage, "label": label, "file": fileno} for storage, label, fileno in disk.parts],
    }
    if disk.state in (DiskState.DUMPING, DiskState.STALLED):
        at = of_disk(disk, gauges, now)
        plain |= {"kib": at.done, "rate": at.rate, "seconds_left": at.left}
    return plain


def _holding(view: RunView, gauges: Gauges, path: str) -> dict[str, Any]:
    found = view.holding[path]
    free, allotted, files = gauges.holding.get(path, (None, None, None))
    left, fills, drains, full_at = gauges.runway.get(path, (None, None, None, None))
    return {"path": path, "total": found.total, "use": found.use, "free": free, "allotted": allotted, "files": files,
            "runway": {"kib": left, "kps_in": fills, "kps_out": drains, "full_at": full_at or None}}
