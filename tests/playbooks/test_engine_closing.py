"""The end of a run: volumes describe themselves, and nothing that goes wrong there changes how the run ended."""

from __future__ import annotations

import pytest

from core.engine.inputs import ChildGone, Heard, Ordered
from core.events import event as e
from core.model.disk import Dumptype
from core.model.site import RunSettings, Storage
from core.model.units import Kib
from core.protocol import operator, taper
from tests.playbooks.test_engine_nights import lines, night
from tests.support.world import World

DISKS = {("a", "/x"): 1000}


def closing(world: World) -> list[e.Event]:
    """What was journalled from RunClosing on."""
    facts = list(world.facts)
    return facts[next(n for n, fact in enumerate(facts) if isinstance(fact, e.RunClosing)):]


def instead(world: World, *answers: object, delay: float = 0.3) -> None:
    """The taper answers DESCRIBE with these inputs."""
    obey = world._obey

    def answer(child: str, order: object) -> None:
        if isinstance(order, taper.Describe):
            for given in answers:
                world.at(delay, given)  # type: ignore[arg-type]
        else:
            obey(child, order)  # type: ignore[arg-type]

    world._obey = answer  # type: ignore[method-assign]


def test_the_journal_knows_the_end_before_the_volume_is_told_to_describe_itself() -> None:
    world = night(DISKS)
    world.play(lines(DISKS))
    end, told, volume, last = closing(world)
    assert isinstance(end, e.RunClosing) and isinstance(told, e.VolumeDescribed) and isinstance(volume, e.VolumeEnded)
    assert isinstance(last, e.RunEnded) and (last.code, last.done) == (end.code, end.done) == (0, 1)
    assert told.crc == "00000009:65536" and (volume.parts, volume.size) == (2, 1000 + 64)


@pytest.mark.parametrize(("message", "text"), [
    ("volume VOL-001 does not describe itself: it is full", "volume VOL-001 does not describe itself: it is full"),
    ("", "volume VOL-001 does not describe itself")])
def test_a_volume_without_a_description_is_told_of(message: str, text: str) -> None:
    world = night(DISKS)
    instead(world, Heard("taper0", taper.Described("VOL-001", 0, Kib(0), message or text)))
    world.play(lines(DISKS))
    notice = next(fact for fact in closing(world) if isinstance(fact, e.Notice))
    assert (notice.code, notice.text) == ("TAP026", text)
    assert world.code == 0 and not any(isinstance(fact, e.VolumeDescribed) for fact in world.facts)


def test_a_short_description_is_told_of_and_counts() -> None:
    world = night(DISKS)
    instead(world, Heard("taper0", taper.Described("VOL-001", 7, Kib(32), "no room for indexes crc 00000001:32768")))
    world.play(lines(DISKS))
    kinds = [type(fact).__name__ for fact in closing(world)]
    assert kinds == ["RunClosing", "VolumeDescribed", "Notice", "VolumeEnded", "RunEnded"] and world.code == 0


def test_a_taper_that_dies_is_stuck_or_misunderstands_costs_the_description_only() -> None:
    for given in (ChildGone("taper0", "killed by SIGKILL"), None, Heard("taper0", taper.BadCommand("what?"))):
        world = night(DISKS, run=RunSettings(child_timeout=60.0))
        instead(world, *([given] if given else []))
        world.play(lines(DISKS))
        notices = [fact.text for fact in closing(world) if isinstance(fact, e.Notice)]
        assert len(notices) == 1 and notices[0].startswith("volume VOL-001 does not describe itself: taper0 "), notices
        assert world.code == 0 and isinstance(closing(world)[-1], e.RunEnded)


def test_only_stop_means_something_at_the_end() -> None:
    world = night(DISKS)
    instead(world, Ordered(operator.Retry("a", "/x"), "ana"), Ordered(operator.Stop(""), "ana"),
            Ordered(operator.Stop("now"), "ben"))
    world.play(lines(DISKS))
    acts = [(fact.order, fact.result) for fact in closing(world) if isinstance(fact, e.OperatorActed)]
    assert [result for _, result in acts] == ["the run is ending", "OK", "OK"]
    assert any("stopped by ben" in fact.text for fact in closing(world) if isinstance(fact, e.Notice))
    assert world.code == 0


def test_one_volume_after_the_other_so_that_the_last_tells_of_all() -> None:
    storages = (Storage("main", "disk:/v", runtapes=2), Storage("off", "disk:/w", runtapes=2))
    world = night(DISKS, storages=storages, dumptype=Dumptype(storage=("main", "off")))
    world.play(lines(DISKS))
    said = [line.split()[2:3] + line.split()[1:2] for line in world.transcript if "DESCRIBE" in line]
    assert [len(said), said[0::2], said[1::2]] == [4, [["DESCRIBE", "<"]] * 2, [["DESCRIBED", ">"]] * 2]
    assert [type(fact).__name__ for fact in closing(world)] == [
        "RunClosing", "VolumeDescribed", "VolumeEnded", "VolumeDescribed", "VolumeEnded", "RunEnded"]
