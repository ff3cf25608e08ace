"""Each fuzz target for a moment; ``make fuzz`` goes on for minutes."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.targets import TARGETS

DEAR = {"pipes"}
"""Targets of which each example takes a tenth of a second."""


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_what_is_documented_is_raised(name: str) -> None:
    run, strategy = TARGETS[name]

    @settings(max_examples=40 if name in DEAR else 100, deadline=None, suppress_health_check=list(HealthCheck),
              phases=[Phase.generate, Phase.shrink])
    @given(strategy)
    def once(data: bytes) -> None:
        run(data)

    once()
