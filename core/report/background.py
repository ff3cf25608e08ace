"""What a report says beside the run itself: volumes' capacities, ages of good backups, volumes to bring.

Plain values; whoever prints a report collects what it can and leaves the rest empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Background:
    """``now`` seconds since the epoch; ``capacity`` KiB of a volume per storage; ``last_good`` when the newest good
    backup of a disk began; ``disks`` all of the configuration; ``next_volumes`` per storage, ``bring`` sentences;
    ``proof``: what `taperoom verify` and `taperoom drill` found wrong, and what is due to be read again."""

    now: float = 0.0
    capacity: Mapping[str, int] = field(default_factory=dict)
    last_good: Mapping[Key, float] = field(default_factory=dict)
    disks: tuple[Key, ...] = ()
    next_volumes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bring: tuple[str, ...] = ()
    overdue_after: float = 2 * 86400.0
    proof: tuple[str, ...] = ()


NOTHING = Background()
