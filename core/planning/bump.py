"""When an incremental moves up a level (Amanda 3.5.1, server-src/planner.c `bump_thresh`, `pick_inclevel`).

Sizes are KiB before compression, times days.
"""

from __future__ import annotations

from core.model.disk import Bump
from core.model.dump import MAX_LEVEL

SMALLEST_FULL = 1024
"""Percentages of a full smaller than this make no sense; ``size`` is taken instead."""


def threshold(level: int, full_size: int, bump: Bump) -> int:
    """KiB that the step from ``level`` to the next must save."""
    base = full_size * bump.percent / 100 if bump.percent and full_size > SMALLEST_FULL else float(bump.size)
    return int(base * float(bump.mult) ** (level - 1))


def may_bump(level: int, days: int, size: int, full_size: int, bump: Bump) -> bool:
    """Whether the next level is worth asking for: long enough at this one, and it is big enough (or not known, 0)."""
    return level < MAX_LEVEL and days >= bump.days and (size == 0 or size > threshold(level, full_size, bump))


def bumps(level: int, days: int, size: int, next_size: int, full_size: int, bump: Bump) -> bool:
    """Whether tonight is the night: the next level saves at least the threshold."""
    limit = threshold(level, full_size, bump)
    return level < MAX_LEVEL and days >= bump.days and size > limit and next_size > 0 and size - next_size >= limit
