"""A refusal names the volumes that would do, if they were there."""

from __future__ import annotations

from core.devices.contract import Condition, SlotView
from core.devices.scan_policy import Rules, elsewhere, judge
from core.model.site import Retention, Storage
from core.model.volume import Volume

STAMP = "202611{:02d}010203"


def test_devices_what_to_load_is_named_oldest_first() -> None:
    volumes = tuple(Volume(f"D-{n}", STAMP.format(n), n != 3, pool="main", storage="main") for n in range(9, 0, -1))
    rules = Rules(Storage("main", "disk:/x", retention=Retention(4, 0, 0)), "daily", 1_796_000_000.0,
                  protected={"D-1": "last full of web1:/home"})
    verdicts = judge([SlotView("1", Condition.LABELLED, "D-5", STAMP.format(5), files=1)], volumes, rules)
    assert elsewhere(verdicts, volumes, rules) == ["D-2", "D-4"]
