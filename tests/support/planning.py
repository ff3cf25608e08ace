"""Small sites, disks and histories for tests of the planning; sizes KiB, times days before `NOW`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core.model.disk import Bump, Compression, Disk, Dumptype, Host
from core.model.history import DiskHistory, LevelStat
from core.model.site import RunSettings, Site, Storage
from core.model.units import dumpdate_of
from core.planning.forecast import after_dump
from core.planning.levels import DAY
from core.planning.plan import Plan, plan, stand_all
from core.planning.sizing import Answer
from core.protocol.planner import DumpLine

NOW = 1_795_395_600.0
"""A moment in November 2026."""
BUMP = Bump(size=10 * 1024, mult=1.5, days=2)


def make_disk(disk: str = "/home", host: str = "web1", **kind: Any) -> Disk:
    """A disk that is not compressed, so that sizes in tests are what is stored."""
    kind = {"compress": Compression.NONE, "bump": BUMP, **kind}
    return Disk(Host(host), disk, Dumptype(**kind))


def make_site(
    disks: Iterable[Disk], *, capacity: int = 0, runtapes: int = 1, part_size: int = 100, dumpcycle: int = 7,
    runspercycle: int = 7, storages: Mapping[str, Storage] | None = None,
) -> Site:
    """A configuration with one storage, ``main``."""
    entries = tuple(disks)
    main = Storage("main", "disk:/srv/vtapes", slots=20, capacity=capacity, part_size=part_size)
    return Site(
        Path("/etc/taperoom/taperoom.toml"), "daily", Path("/var/lib/taperoom"),
        RunSettings(dumpcycle=dumpcycle, runspercycle=runspercycle, runtapes=runtapes), (),
        dict(storages) if storages is not None else {"main": main}, {d.host.name: d.host for d in entries}, entries,
    )


def stat(level: int, size: int, days_ago: float, csize: int = 0, seconds: float = 0.0) -> LevelStat:
    """A good dump."""
    return LevelStat(level, size, csize or size, seconds, NOW - days_ago * DAY)


def past(*dumps: LevelStat, forced: str = "") -> DiskHistory:
    """The history after these dumps, oldest first."""
    found = DiskHistory()
    for dump in dumps:
        found = after_dump(found, dump)
    return DiskHistory(found.levels, found.recent, found.last_level, found.consecutive, forced)


def tonight(
    site: Site, histories: Mapping[tuple[str, str], DiskHistory], sizes: Mapping[str, Mapping[int, int]],
    now: float = NOW, flushing: Mapping[str, int] | None = None,
) -> Plan:
    """The plan when each client gave these sizes: disk name to level to KiB."""
    answers = {
        disk.key: Answer(dict(sizes[disk.disk]), features="ff") for disk in site.disks if disk.disk in sizes
    }
    return plan(site, stand_all(site.disks, histories, now), answers, flushing)


def lines(found: Plan) -> dict[str, DumpLine]:
    """The dump lines by the disk's name."""
    return {line.disk: line for line in found.dumps}


def shown(found: Plan) -> dict[str, str]:
    """``level: why`` or the reason for skipping, by the disk's name; ``!`` before what needs attention."""
    skips = {skip.disk: ("!" if skip.fail else "") + skip.message for skip in found.skips}
    return skips | {line.disk: f"{line.level}: {line.why}" for line in found.dumps}


def dumpdate(days_ago: float) -> str:
    """The dumpdate of a dump so many days ago."""
    return dumpdate_of(NOW - days_ago * DAY)
