"""Every screen in the states that matter, at 80x24 and 120x40.  A changed picture is looked at before it is taken."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.pilot import Pilot

from core.client.runs import Run
from core.events import codec, gauges
from core.events import event as e
from core.events.event import Record
from tests.console.conftest import Night, settled, typed
from tests.support import recorded_run
from tui.feed import Feed
from tui.fetch import Fetch
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
    "request-sure-new-tape": ("dumping", ("r", "2", "e")),
    "run-waits": ("dumping", ("w",)),
    "run-only": ("dumping", ("o",)),
    "run-palette": ("dumping", ("ctrl+p",)),
    "run-stop": ("dumping", ("S",)),
    "run-past": ("dumping", ("t", "left_square_bracket")),
    "plan-coming": ("dumping", ("2", "n")),
    "protocol-marked": ("dumping", ("3", "up", "m", "m", "up")),
    "history-disks": ("dumping", ("7", "t")),
    "history-nights": ("dumping", ("o", "7")),
    "acts": ("dumping", ("at",)),
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


MORE: dict[str, tuple[e.Event, ...]] = {
    "degraded": (e.Degraded("main", "no volume left"),),
    "held": (e.OperatorActed("alice (1000)", "PAUSE", "OK"), e.Paused("alice (1000)"),
             e.OperatorActed("alice (1000)", "HOLD fs-archive /a", "OK")),
    "stopping": (e.OperatorActed("alice (1000)", "STOP", "OK"), e.Stopping("alice (1000)", False)),
    "storage-down": (e.TaperDown("taper0", "main", "TAP003 the drive does not answer"),),
    "child-died": (e.ChildDied("dumper1", "killed by signal 9", "dumper1: out of memory"),),
    "try-again-asked": (e.QuestionAsked(
        9, "DMP007", "D", "git:/home", "git:/home was put off 3 times: host busy, 2 dumps running.", (
            e.Choice("retry", "asks git once more, in 5 minutes"), e.Choice("level", "tries level 2 instead: 4.0 GiB"),
            e.Choice("skip", "git:/home has no backup of tonight; the last good one is 25 hours old", "", True)),
        "retry", recorded_run.BEGAN + 8400, "03-00033"),),
    "no-room-of-many": (e.QuestionAsked(
        9, "HLD003", "D", "db01:/srv", "2 dumps need 2.4 TiB more on the holding disks, 0 B free, none coming; what lies there "
        "waits for storage main, which waits for a volume.", (
            e.Choice("direct", "906 GiB dumped so far are lost; it is dumped again, straight to a volume", "", True),
            e.Choice("abort", "906 GiB dumped so far are lost; it is dumped again when there is room, else to tape", "", True),
            e.Choice("abort-other", "another one gives up what it has dumped, and its room goes to the rest: mail:/srv",
                     "HOST:DISK", True),
            e.Choice("wait", "it stands still; asked again in 10 minutes, or in as many as you say", "MINUTES"),
            e.Choice("add", "this directory becomes a holding disk of the run", "DIRECTORY")),
        "direct", recorded_run.BEGAN + 8400, "00-00020"),),
}
DOES = {"try-again-asked": ("r", "3"), "no-room-of-many": ("r", "3", "up", "up")}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", MORE)
def test_states_of_a_run(name: str, size: tuple[int, int], night: Night, snap_compare: Any) -> None:
    run = Run(night.at("dumping").folder / "runs" / recorded_run.STAMP)
    with open(run.journal, "ab") as journal:
        journal.writelines(codec.encode(Record(9000 + n, recorded_run.BEGAN + 8175, fact)) for n, fact in enumerate(MORE[name]))
    assert shoot(snap_compare, night, size, DOES.get(name, ()))


@pytest.mark.parametrize("size", SIZES)
def test_somebody_must_act(size: tuple[int, int], night: Night, snap_compare: Any) -> None:
    run = Run(night.at("dumping").folder / "runs" / recorded_run.STAMP)
    told = recorded_run.gauges_at(recorded_run.STAGES["dumping"])
    told.runway = {"/hold1": (2862 << 20, 4_200_000.0, 0.0, recorded_run.BEGAN + 8900)}
    told.act = (recorded_run.BEGAN + 8900, "the holding disks are full in 12m00s and no volume takes what is on them: act by "
                "then, or 2 dumps must be made smaller or left out (4.4 TiB are still to come, 2.8 TiB are left)")
    run.status.write_bytes(gauges.encode(told))
    assert shoot(snap_compare, night, size, ())


@pytest.mark.parametrize("size", SIZES)
def test_driver_does_not_answer(size: tuple[int, int], night: Night, snap_compare: Any) -> None:
    app = night.at("dumping").console()
    feed = app.feed
    assert isinstance(feed, Feed)
    feed._tries, feed._next_try, feed._lost_at = 4, night.now() + 2, night.now() - 8

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=drive)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["1", "2", "4", "5", "6", "7", "8"])
def test_what_is_not_known_yet(
    key: str, size: tuple[int, int], night: Night, snap_compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(fetch: Fetch[Any], question: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Fetch, "_one", never)

    async def drive(pilot: Pilot[Any]) -> None:
        await settled(pilot, without="known")
        await pilot.press(key)
        await settled(pilot, without="known")

    assert snap_compare(night.console(), terminal_size=size, run_before=drive)


@pytest.mark.parametrize("size", [pytest.param((240, 70), id="240x70")])
@pytest.mark.parametrize("key", ["1", "2", "3", "4", "7"])
def test_a_very_large_screen(key: str, size: tuple[int, int], night: Night, snap_compare: Any) -> None:
    assert shoot(snap_compare, night.at("dumping"), size, (key,))


@pytest.mark.parametrize("size", [pytest.param((160, 48), id="160x48"), pytest.param((240, 70), id="240x70")])
@pytest.mark.parametrize(("stage", "keys"), [
    pytest.param("dumping", (), id="dumping"), pytest.param("answered", (), id="answered"),
    pytest.param("ended", (), id="ended"), pytest.param("", (), id="empty"), pytest.param("dumping", ("z",), id="zoom"),
    pytest.param("dumping", ("w",), id="waits"),
])
def test_disks_requests_and_traffic_side_by_side(
    stage: str, keys: tuple[str, ...], size: tuple[int, int], night: Night, snap_compare: Any,
) -> None:
    assert shoot(snap_compare, night.at(stage) if stage else night, size, keys)


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
