"""What earlier runs tell the planner about one disk (Amanda's curinfo record, server-src/infofile.c, as values)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LevelStat:
    """The newest good dump at one level; sizes KiB (``size`` before, ``csize`` after compression), ``date`` when it began
    (seconds since the epoch), ``labels`` of the volumes that hold it (empty: only on the holding disk)."""

    level: int
    size: int
    csize: int
    seconds: float
    date: float
    labels: tuple[str, ...] = ()
    datestamp: str = ""


@dataclass(frozen=True, slots=True)
class DiskHistory:
    """All that is known of a disk; an empty one is a new disk.

    ``levels``: newest good dump per level; a dump at level n makes the entries above n void, as in Amanda.
    ``recent``: every good dump, newest first, at most 100.  ``last_level`` −1 and ``consecutive`` 0 for a new disk.
    ``forced``: ``full``, ``bump``, ``no-bump``, ``level-1`` or empty, asked for by the operator.
    ``misdated``: the newest datestamp that is later than the clock and has no full since, or empty; ``levels`` is empty then.
    """

    levels: dict[int, LevelStat] = field(default_factory=dict)
    recent: tuple[LevelStat, ...] = ()
    last_level: int = -1
    consecutive: int = 0
    forced: str = ""
    misdated: str = ""
