"""The bump rule, with thresholds worked by hand."""

from __future__ import annotations

import pytest

from core.model.disk import Bump
from core.model.dump import MAX_LEVEL
from core.planning.bump import bumps, may_bump, threshold

SIZE = Bump(size=10_240, mult=1.5, days=2)
PERCENT = Bump(percent=20, size=10_240, mult=2.0, days=1)


@pytest.mark.parametrize(("level", "expected"), [(1, 10_240), (2, 15_360), (3, 23_040), (4, 34_560)])
def test_threshold_by_size(level: int, expected: int) -> None:
    """bumpsize × mult^(level − 1)."""
    assert threshold(level, 1_000_000, SIZE) == expected


def test_threshold_by_percent() -> None:
    """Percent of the full, unless the full is 1 MiB or less."""
    assert threshold(1, 100_000, PERCENT) == 20_000
    assert threshold(2, 100_000, PERCENT) == 40_000
    assert threshold(1, 1024, PERCENT) == 10_240
    assert threshold(1, 1025, PERCENT) == 205


def test_bumps_when_it_saves_enough() -> None:
    """20,480 − 10,240 is just the threshold."""
    assert bumps(1, 2, 20_480, 10_240, 0, SIZE)
    assert not bumps(1, 2, 20_479, 10_240, 0, SIZE)
    assert not bumps(1, 1, 20_480, 10_240, 0, SIZE)
    assert not bumps(1, 2, 10_240, 1, 0, SIZE)
    assert not bumps(1, 2, 20_480, 0, 0, SIZE)


def test_the_highest_level_stays() -> None:
    assert not bumps(MAX_LEVEL, 9, 10**12, 1, 0, Bump(size=1, mult=1.0, days=0))
    assert not may_bump(MAX_LEVEL, 9, 0, 0, SIZE)
