"""What the Restore screen says of marked names, as plain functions."""

from __future__ import annotations

import pytest

from core.client.browse import Need, Needs
from tui.panes.restore import places


def _need(storage: str, label: str, level: int) -> Need:
    return Need(storage, label, "1", (1,), "20261201001500", level, 10)


@pytest.mark.parametrize(("needs", "said"), [
    ((), ""),
    ((_need("main", "D-001", 0), _need("main", "D-001", 1)), "1 volume"),
    ((_need("main", "D-001", 0), _need("main", "D-002", 1)), "2 volumes"),
    ((_need("main", "D-001", 0), _need("", "/hold/a.1", 1)), "1 volume and 1 holding file"),
])
def test_a_volume_counts_once_however_many_dumps_it_has(needs: tuple[Need, ...], said: str) -> None:
    assert places(Needs(needs, 1, 0, (), "taperoom restore", 10, 0)) == said
