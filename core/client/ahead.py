"""The coming nights as history tells them: how much each would dump, which fulls fall due, how much of the volumes it takes.

No client is asked (`taperoom plan` does that): sizes are those of the last dumps.  Sizes KiB, times seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.model.site import Site


@dataclass(frozen=True, slots=True)
class Dump:
    """One disk in a coming night: level, KiB as stored, seconds, and why."""

    host: str
    disk: str
    level: int
    size: int
    seconds: int
    why: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """One coming night.  ``room``: KiB that its volumes hold, 0 without a limit; ``balanced`` KiB of fulls a night would make
    all nights equal."""

    at: float
    full: int
    incremental: int
    balanced: int
    room: int
    volumes: int
    dumps: tuple[Dump, ...]

    @property
    def size(self) -> int:
        """KiB in all."""
        return self.full + self.incremental

    @property
    def fulls(self) -> int:
        """How many disks are dumped full."""
        return sum(1 for dump in self.dumps if dump.level == 0)


def ahead(site: Site, now: float, nights: int = 7) -> list[Ahead]:
    """The next nights, the coming one first.  WorldError RST001 when there is no history to read."""
    from core.catalogue.history import load_history
    from core.planning.forecast import forecast

    found = []
    for night in forecast(site, site.disks, load_history(site), now, nights):
        plan = night.plan
        rooms = [use.room for use in plan.uses if use.room is not None]
        found.append(Ahead(
            night.at, plan.full_kib, plan.incremental_kib, plan.balanced_kib, sum(rooms),
            sum(use.volumes for use in plan.uses),
            tuple(Dump(line.host, line.disk, line.level, line.size, line.seconds, line.why) for line in plan.dumps)))
    return found
