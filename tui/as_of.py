"""What was known at a moment of a recorded night: of earlier runs all, of this one what it had said, of later ones nothing.

Runs of a site never overlap, so a run with an earlier datestamp was over by then.  Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.events.view import DiskState, DiskView, RunView

if TYPE_CHECKING:
    from core.client.clients import ClientRow
    from core.client.coverage import Covered, DiskNight
    from core.client.nights import NightRow
    from core.client.runs import Run

_WHOLE = (DiskState.DUMPED, DiskState.WRITING, DiskState.DONE, DiskState.STRANGE)


@dataclass(frozen=True, slots=True)
class Then:
    """The run that is shown, folded up to the moment ``now`` (seconds since the epoch)."""

    run: Run
    view: RunView
    now: float

    @property
    def stamp(self) -> str:
        """Its datestamp."""
        return self.run.datestamp

    def covered(self, rows: Sequence[Covered]) -> list[Covered]:
        """``rows`` are as the run found them; with what it had dumped by then, and the ages of then."""
        return [replace(self._with_ours(row), now=self.now) for row in rows]

    def _with_ours(self, row: Covered) -> Covered:
        from core.client.coverage import Backup

        disk = self.view.disks.get((row.host, row.disk))
        if disk is None or not _whole(disk):
            return row
        ours = Backup(disk.level, disk.began, self.stamp, _labels(disk), disk.size)
        return replace(row, last=ours, full=ours if disk.level == 0 else row.full)

    def nights_of(self, nights: Sequence[DiskNight], host: str, disk: str) -> list[DiskNight]:
        """The nights of one disk, newest first."""
        from core.client.coverage import night_of

        earlier = [night for night in nights if night.run < self.stamp]
        found = self.view.disks.get((host, disk))
        if found is None or not (_whole(found) or found.state in (DiskState.FAILED, DiskState.SKIPPED)):
            return earlier
        return [night_of(self.stamp, found), *earlier]

    def runs(self, rows: Sequence[NightRow]) -> list[NightRow]:
        """The runs, newest first; this one as far as it had got."""
        from core.client.nights import row_of

        return [row_of(self.run, self.view, live=True) if row.datestamp == self.stamp else row
                for row in rows if row.datestamp <= self.stamp]

    def clients(self, rows: Sequence[ClientRow], covered: Sequence[Covered]) -> list[ClientRow]:
        """The clients, with the disks of then; a check that was made later was not made yet."""
        known = {(row.host, row.disk): row for row in covered}
        return [replace(row, disks=tuple(known[one.host, one.disk] for one in row.disks if (one.host, one.disk) in known),
                        asked=row.asked if row.asked is not None and row.asked.at <= self.now else None) for row in rows]


def _whole(disk: DiskView) -> bool:
    return bool(disk.ended) and disk.state in _WHOLE


def _labels(disk: DiskView) -> tuple[str, ...]:
    return tuple(dict.fromkeys(label for _, label, _ in disk.parts))
