"""How fast each dump goes and when the night will be over, from the figures of `core.events.gauges` over time.  Pure.

A rate is that of the last half minute, so that it neither jumps with each figure nor remembers a pause for long.  The
end of the night is what is left over what the whole run has made on average, but not before the end of a dump under way,
and is told to the minute only.
"""

from __future__ import annotations

from collections import deque

from core.events.gauges import Gauges
from core.events.view import DiskState, DiskView, RunView

WINDOW = 30.0
"""Seconds a rate looks back."""

_WAITING = frozenset({DiskState.PLANNED, DiskState.RETRY, DiskState.HELD})
_ACTIVE = frozenset({DiskState.DUMPING, DiskState.STALLED})


class Pace:
    """Rates of the handles at work; sizes KiB, rates KiB/s."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[tuple[float, int]]] = {}
        self.progress: dict[str, int] = {}

    def take(self, gauges: Gauges) -> None:
        """Take in the gauges of one moment; handles that are gone are forgotten."""
        self.progress = {handle: written for handle, (written, _) in gauges.progress.items()}
        for handle in self._samples.keys() - self.progress.keys():
            del self._samples[handle]
        for handle, written in self.progress.items():
            seen = self._samples.setdefault(handle, deque())
            if not seen or seen[-1][0] < gauges.at:
                seen.append((gauges.at, written))
            while len(seen) > 2 and seen[0][0] < gauges.at - WINDOW:
                seen.popleft()

    def still(self) -> Pace:
        """The same figures with nothing moving any more: of a run whose driver is gone."""
        found = Pace()
        found.progress = self.progress
        return found

    def written(self, handle: str) -> int:
        """KiB that this handle has written so far."""
        return self.progress.get(handle, 0)

    def rate(self, handle: str, began: float = 0.0) -> float:
        """KiB/s of late; with one figure only, the average since it ``began``."""
        seen = self._samples.get(handle)
        if not seen:
            return 0.0
        (first, low), (last, high) = seen[0], seen[-1]
        if last > first:
            return max(0.0, (high - low) / (last - first))
        return high / (last - began) if 0 < began < last else 0.0

    def total(self, handles: list[str]) -> float:
        """KiB/s of all of these handles."""
        return sum(self.rate(handle) for handle in handles)

    def dump_eta(self, disk: DiskView, now: float) -> float:
        """When this dump should be over; 0 when nobody can tell."""
        written = self.written(disk.handle)
        rate = self.rate(disk.handle, disk.began)
        if disk.state is not DiskState.DUMPING or rate <= 0 or disk.estimate <= written:
            return 0.0
        return now + (disk.estimate - written) / rate

    def part(self, disk: DiskView) -> float:
        """What part of its estimate a dump has written; below 1 while it runs."""
        return min(0.99, self.written(disk.handle) / disk.estimate) if disk.estimate > 0 else 0.0

    def night_eta(self, view: RunView, now: float) -> float:
        """When the last dump should be over; 0 when nobody can tell, as while all stand still, or nothing is left."""
        if view.stands_still:
            return 0.0
        left, done, first, last = 0, 0, 0.0, 0.0
        for disk in view.disks.values():
            if disk.began:
                first = min(first or disk.began, disk.began)
            if disk.state in _WAITING:
                left += disk.estimate
            elif disk.state in _ACTIVE:
                written, last = self.written(disk.handle), max(last, self.dump_eta(disk, now))
                left, done = left + max(0, disk.estimate - written), done + written
            else:
                done += disk.size
        if not (left and done and first and now > first):
            return 0.0
        return max(last, now + left / (done / (now - first)))
