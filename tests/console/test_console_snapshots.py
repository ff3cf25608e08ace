"""Every screen in the states that matter, at 80x24 and 120x40.  A changed picture is looked at before it is taken."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from tests.console.conftest import Night, settled, typed
from tests.support import recorded_run
from tui.look import Look

SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((120, 40), id="120x40")]

SHOTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "run-dumping": ("dumping", ()),
    "run-answered": ("answered", ()),
    "run-estimating": ("estimating", ()),
    "run-begun": ("begun", ()),
    "run-ended": ("ended", ()),
    "run-empty": ("", ()),
    "run-filter": ("dumping", ("slash", "d", "b")),
    "run-zoom": ("dumping", ("z",)),
    "run-confirm": ("dumping", ("down", "down", "A")),
    "plan": ("dumping", ("2", "down")),
    "plan-estimating": ("estimating", ("2",)),
    "plan-empty": ("", ("2",)),
    "protocol": ("dumping", ("3", "up", "up")),
    "protocol-word": ("dumping", ("3", "w", "w")),
    "protocol-empty": ("", ("3",)),
    "tapes": ("dumping", ("4",)),
    "tapes-ended": ("ended", ("4",)),
    "holding": ("dumping", ("5", "down")),
    "holding-ended": ("ended", ("5",)),
    "history": ("dumping", ("7", "down")),
    "history-empty": ("", ("7",)),
    "request": ("dumping", ("r",)),
    "request-sure": ("dumping", ("r", "a")),
    "request-argument": ("dumping", ("r", "w")),
    "request-other": ("dumping", ("r", "2")),
    "help": ("dumping", ("question_mark",)),
    "go": ("dumping", ("colon", "d", "i", "s")),
}


def shoot(snap: Any, night: Night, size: tuple[int, int], keys: tuple[str, ...], **options: Any) -> bool:
    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        await typed(pilot, *keys)

    taken: bool = snap(night.console(**options), terminal_size=size, run_before=drive)
    return taken


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHOTS)
def test_screen(name: str, size: tuple[int, int], night: Night, snap_compare: Any) -> None:
    stage, keys = SHOTS[name]
    if stage:
        night.at(stage)
    if name == "history":
        recorded_run.make_run(night.folder, "ended", "20261130001500")
    assert shoot(snap_compare, night, size, keys)


@pytest.mark.parametrize("size", SIZES)
def test_read_only(size: tuple[int, int], night: Night, snap_compare: Any) -> None:
    assert shoot(snap_compare, night.at("dumping"), size, (), operate=False)


@pytest.mark.parametrize("size", SIZES)
def test_driver_gone(size: tuple[int, int], night: Night, snap_compare: Any) -> None:
    night.at("dumping").close()
    assert shoot(snap_compare, night, size, ())


@pytest.mark.parametrize("size", [*SIZES, pytest.param((60, 15), id="60x15"), pytest.param((200, 50), id="200x50")])
def test_ascii(size: tuple[int, int], night: Night, snap_compare: Any) -> None:
    assert shoot(snap_compare, night.at("dumping"), size, (), look=Look(ascii=True))


@pytest.mark.parametrize("theme", ["paper", "amber", "high-contrast", "colour-blind", "mono", "sixteen"])
def test_theme(theme: str, night: Night, snap_compare: Any) -> None:
    assert shoot(snap_compare, night.at("dumping"), (120, 40), (), theme=theme)
