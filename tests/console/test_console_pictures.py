"""The screens beyond the run, in the states that matter.  A changed picture is looked at before it is taken."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import UsageError
from tests.console.conftest import Night
from tests.console.test_console_snapshots import SIZES, shoot
from tests.support.recorded_site import RecordedSite
from tui.look import Look
from tui.preferences import Store

SHOTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "dump-stalled": ("dumping", ("enter",)),
    "dump-retry": ("dumping", ("down", "enter")),
    "dump-strange": ("ended", ("down", "down", "enter")),
    "dump-unknown": ("ended", ("end", "enter")),
    "messages": ("dumping", ("x",)),
    "explain": ("dumping", ("x", "enter")),
    "clients": ("dumping", ("6",)),
    "clients-ok": ("ended", ("6", "end")),
    "clients-empty": ("", ("6",)),
    "tapes-inside": ("dumping", ("4", "enter")),
    "tapes-new": ("", ("4",)),
    "holding-waits": ("dumping", ("5", "end", "up", "up")),
    "holding-none": ("", ("5",)),
    "history-failed": ("dumping", ("7", "down", "down")),
    "report": ("dumping", ("7", "v")),
    "restore-disks": ("dumping", ("8",)),
    "restore-dates": ("dumping", ("8", "enter")),
    "restore-marked": ("dumping", ("8", "enter", "down", "enter", "enter", "space", "down", "i")),
    "restore-empty": ("", ("8",)),
    "settings": ("dumping", ("9",)),
    "keys": ("dumping", ("9", "end", "up", "up", "enter")),
}

FAULTY = {"tapes": "4", "holding": "5", "clients": "6", "history": "7", "restore": "8"}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHOTS)
def test_place(name: str, size: tuple[int, int], night: Night, snap_compare: Any) -> None:
    stage, keys = SHOTS[name]
    if stage:
        night.at(stage)
    assert shoot(snap_compare, night, size, keys)


@pytest.mark.parametrize("name", FAULTY)
def test_what_cannot_be_known_is_said(name: str, night: Night, snap_compare: Any) -> None:
    fault = UsageError("CFG001", "no configuration was found whose state is here", "name one with --config FILE")
    assert shoot(snap_compare, night, (80, 24), (FAULTY[name],), door=RecordedSite(fault=fault))


@pytest.mark.parametrize("size", [*SIZES, pytest.param((60, 15), id="60x15")])
def test_first_time(size: tuple[int, int], night: Night, snap_compare: Any) -> None:
    store = Store()
    store.change(tips=frozenset())
    assert shoot(snap_compare, night.at("dumping"), size, (), store=store)


@pytest.mark.parametrize("key", ["4", "5", "6", "7", "8", "9"])
def test_ascii(key: str, night: Night, snap_compare: Any) -> None:
    assert shoot(snap_compare, night.at("dumping"), (80, 24), (key,), look=Look(ascii=True))


@pytest.mark.parametrize("size", [pytest.param((60, 15), id="60x15"), pytest.param((200, 50), id="200x50")])
@pytest.mark.parametrize("stage", ["dumping", "ended"])
def test_run_on_small_and_large_screens(stage: str, size: tuple[int, int], night: Night, snap_compare: Any) -> None:
    assert shoot(snap_compare, night.at(stage), size, ())
