"""The screens beyond the run, in the states that matter.  A changed picture is looked at before it is taken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.client.restores import Restoring
from core.errors import UsageError
from tests.console.conftest import Night
from tests.console.test_console_snapshots import SIZES, shoot
from tests.support.recorded_site import RecordedSite
from tui.look import Look
from tui.preferences import Store

INTO = ("8", "enter", "down", "enter")
"""A directory in the Restore screen."""

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
    "restore-found": ("dumping", (*INTO, "f", *"site", "enter", "down")),
    "restore-text": ("dumping", (*INTO, "enter", "v")),
    "restore-bytes": ("dumping", (*INTO, "end", "v")),
    "restore-no-preview": ("dumping", (*INTO, "enter", "end", "v")),
    "restore-list": ("dumping", (*INTO, "space", "colon", *"list", "enter")),
    "restore-word": ("dumping", (*INTO, "colon", *"add etc/n")),
    "restore-where": ("dumping", (*INTO, "space", "R")),
    "restore-ahead": ("dumping", (*INTO, "space", "R", "enter")),
    "restore-taken": ("dumping", (*INTO, "space", "R", *"/taken", "enter")),
    "restore-blocked": ("ended", (*INTO, "space", "R", *"/blocked", "enter")),
    "restore-overwrite": ("dumping", (*INTO, "space", "R", *"/taken", "enter", "o")),
    "restore-help": ("ended", ("8", "question_mark")),
    "restores-none": ("", ("8", "w")),
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


def restoring(began: float, **more: Any) -> Restoring:
    """A restore at some moment of it."""
    return replace(Restoring(
        Path("/state/restores/20261201023000"), ("taperoom", "restore", "db01:/srv:/etc", "--as-of", "2026-11-30 00:15:00",
                                                 "--to", "/srv/back"), "ana(1000)", began, True, done=300 << 20,
        total=1200 << 20, left=125.0, what="db01:/srv level 0 from volume DailySet1-02 of storage main",
        said=("to be read: about 1.2 GiB of 2 dumps on 2 volumes, in about 24m00s", "  1. volume DailySet1-02: files 9-11",
              "25% 300 MiB of 1.2 GiB, 2m05s left: db01:/srv level 0")), **more)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", [pytest.param(("8",), id="restore"), pytest.param(("8", "w"), id="restores")])
@pytest.mark.parametrize("operate", [True, False], ids=["operate", "watch"])
def test_restores(operate: bool, keys: tuple[str, ...], size: tuple[int, int], night: Night, snap_compare: Any) -> None:
    night.at("dumping")
    door = RecordedSite(night.now())
    door.restores = [restoring(night.now() - 40), restoring(
        night.now() - 600, path=Path("/state/restores/20261201022000"), alive=False, code=2, ended=night.now() - 500,
        said=("RST031 /srv/back has 2 of the names already: /etc, /etc/passwd", "  Hint: restore to an empty directory"))]
    assert shoot(snap_compare, night, size, keys, door=door, operate=operate)


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
