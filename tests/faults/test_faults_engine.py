"""The fault matrix on the pure engine: each word of each pipe, lost, late, doubled, spoilt, or with an end of it killed.

The cases come from the protocol tables by way of the scenarios (`tests.faults.cases`).  A killed driver ends the night;
then the next night must put everything right.
"""

from __future__ import annotations

import pytest

from tests.faults.cases import cases, clean, prepared, scenarios, words
from tests.faults.invariants import accounts, check, nothing_lost
from tests.support.faultnight import Fault, FaultNight

STRICT = ("holding", "two volumes", "direct", "hands", "a whole plan")
"""Scenarios in which nothing but the fault goes wrong: it may not cost a disk its dump."""
CASES = list(cases())


def test_every_word_occurs() -> None:
    said = {word for name in scenarios() for word in clean(name).said}
    assert words() - said == set(), "no scenario says these"


@pytest.mark.parametrize("name", list(scenarios()))
def test_the_night_without_a_fault(name: str) -> None:
    check(clean(name), clean(name), None, strict=False)


@pytest.mark.parametrize(("name", "fault"), [
    # The first time that a word is said is tried always, the last time in `make test-all`.
    pytest.param(name, f, marks=[pytest.mark.slow] if f.nth > 1 else [],
                 id=f"{name}-{f.sender}-{f.receiver}-{f.verb}{f.nth}-{f.kind}".replace(" ", "_")) for name, f in CASES])
def test_message_fault(name: str, fault: Fault, fault_cases: object) -> None:
    night = prepared(name, fault).play()
    assert fault in night.hit or fault == scenarios()[name].always, "the fault did not happen"
    if not night.crashed:
        check(night, clean(name), fault, strict=name in STRICT)
        return
    nothing_lost_so_far(night)
    after = FaultNight(scenarios()[name], None, night)
    after.faults.clear()
    after.play()
    nothing_lost(after)
    accounts(after)
    for key, disk in clean(name).view.disks.items():
        if disk.state.value in ("done", "strange"):
            assert after.view.disks[key].state.value in ("done", "strange") or disk.level < 0, repr(after)
    lost = {(f.host, f.disk) for f in night.left.values()} - on_volumes(after) - {
        (f.host, f.disk) for f in after.left.values()}
    assert not lost, f"{lost} was whole before the driver died\n{after!r}"


def nothing_lost_so_far(night: FaultNight) -> None:
    """What the journal of a broken night calls done is there."""
    there = on_volumes(night) | {(f.host, f.disk) for f in night.left.values()}
    for key, disk in night.view.disks.items():
        assert disk.state.value not in ("done", "strange") or key in there, f"{key}\n{night!r}"


def on_volumes(night: FaultNight) -> set[tuple[str, str]]:
    """Disks of which a part is on a volume."""
    return {(host, disk) for parts in night.volumes.values() for _, _, host, disk, _ in parts}
