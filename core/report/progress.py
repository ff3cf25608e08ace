"""How far a run is and when it will be over, from its view, its gauges and a clock that the caller reads.

Sizes KiB, rates KiB/s, times seconds.  An estimate that cannot be made is None, never a guess that jumps.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.events.gauges import Gauges
from core.events.view import FINAL, DiskState, DiskView, RunView

_ENOUGH = 2.0
"""Seconds before a rate is told: earlier it says more of starting than of moving."""


@dataclass(frozen=True, slots=True)
class DiskProgress:
    """One dump under way."""

    done: int
    total: int
    rate: float | None
    left: float | None

    @property
    def percent(self) -> int | None:
        """0 to 99 while it moves; None without an estimate."""
        return min(99, self.done * 100 // self.total) if self.total > 0 else None


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The whole night: what was planned, what is dumped, what is on volumes."""

    planned: int
    dumped: int
    to_write: int
    written: int
    rate: float | None
    left: float | None

    @property
    def percent(self) -> int | None:
        """Of the planned KiB."""
        return min(100, self.dumped * 100 // self.planned) if self.planned > 0 else None


def of_disk(disk: DiskView, gauges: Gauges, now: float) -> DiskProgress:
    """Progress of a dump under way."""
    done = gauges.progress.get(disk.handle, (0, 0))[0]
    age = now - disk.began
    rate = done / age if age >= _ENOUGH and done > 0 else None
    left = (disk.estimate - done) / rate if rate and disk.estimate > done else None
    return DiskProgress(done, disk.estimate, rate, left)


def of_run(view: RunView, gauges: Gauges, now: float) -> RunProgress:
    """Progress of the run; ``left`` is made from the mean rate since the first dump began, and is that of the slowest dump
    under way at least."""
    planned = dumped = 0
    longest = 0.0
    began = [disk.began for disk in view.disks.values() if disk.began]
    for disk in view.disks.values():
        if disk.state in (DiskState.DUMPING, DiskState.STALLED):
            done = gauges.progress.get(disk.handle, (0, 0))[0]
            planned, dumped = planned + max(disk.estimate, done), dumped + done
            longest = max(longest, of_disk(disk, gauges, now).left or 0.0) if disk.state is DiskState.DUMPING else longest
        elif disk.state in (DiskState.FAILED, DiskState.SKIPPED, DiskState.ESTIMATING):
            continue
        elif disk.state in FINAL or disk.state in (DiskState.DUMPED, DiskState.WRITING):
            planned, dumped = planned + disk.size, dumped + disk.size
        else:
            planned += disk.estimate
    written = sum(write.written for write in view.writes.values())
    under_way = sum(gauges.progress.get(w.handle, (0, 0))[0] - w.written for w in view.writes.values() if not w.ended)
    to_write = sum(write.size for write in view.writes.values())
    if not view.ended:  # what no taper has begun yet
        begun = {write.file for write in view.writes.values()}
        to_write += sum(size for file, (*_, size) in view.files.items() if file not in begun)
    age = now - min(began) if began else 0.0
    rate = dumped / age if age >= _ENOUGH and dumped > 0 else None
    left = None
    if rate and view.planned and view.live and not view.stands_still:
        left = max(longest, (planned - dumped) / rate)
    return RunProgress(planned, dumped, to_write, written + max(0, under_way), rate, left)
