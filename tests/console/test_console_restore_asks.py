"""A restore that needs a volume asks at the console as a run does: on every screen, with the same dialog."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from core.client.restores import Restoring
from core.errors import UsageError
from core.events.event import Choice, QuestionAsked
from core.events.rows import QuestionView
from core.protocol import operator as op
from tests.console.conftest import Night, settled, text_of, typed
from tests.console.test_console_snapshots import SIZES, shoot
from tests.support.fake_hand import FakeHand
from tests.support.recorded_run import BEGAN
from tests.support.recorded_site import RecordedSite
from tui.app import ConsoleApp
from tui.screens.request import RequestScreen

CHOICES = (Choice("done", "the slots are looked at again at once"),
           Choice("skip", "the restore goes on without it; the same command fetches what is missing then"),
           Choice("stop", "the restore ends here; what is whole stays, and the same command goes on from there"))


def asking(now: float, number: int = 1) -> Restoring:
    """A restore that waits for a volume."""
    question = QuestionAsked(
        number * 1000 + 1, "RST040", "A", "main", "load volume DailySet1-02, which is needed for db01:/srv level 0 of "
        "2026-11-26 00:15:00: 312 names of it, about 1.2 GiB to be read", CHOICES, "skip", now + 3000)
    return Restoring(
        Path(f"/state/restores/20261201023000-{number}"), ("taperoom", "restore", "db01:/srv:/etc", "--to", "/srv/back"),
        "bob(1001)", now - 700, True, done=300 << 20, total=1200 << 20, asked=(QuestionView(question, now - 600),))


def console(pilot: Pilot[Any]) -> ConsoleApp:
    return cast(ConsoleApp, pilot.app)


def site(night: Night, *restores: Restoring) -> RecordedSite:
    door = RecordedSite(night.now())
    door.restores = list(restores)
    return door


async def again(pilot: Pilot[Any]) -> None:
    """The restores are looked at anew."""
    console(pilot).known.stale()
    await settled(pilot)
    await settled(pilot)


async def test_it_is_seen_on_other_screens_after_those_of_the_run(night: Night) -> None:
    door = site(night.at("dumping"), asking(night.now()))
    async with night.shown((120, 40), door=door) as pilot:
        own = len(console(pilot).feed.view.open_questions)
        for key in "348":
            await typed(pilot, key)
            assert "#1001 RST040 main" in text_of(console(pilot)), key
            assert f"REQ {own + 1}" in text_of(console(pilot))
        await typed(pilot, "r", str(own + 1))
        shown = text_of(console(pilot))
        assert f"Request #1001 of {own + 1}" in shown and "to /srv/back" in shown and "by bob(1001)" in shown


@pytest.mark.parametrize("stage", ["ended", ""])
async def test_it_is_answered_without_a_run(night: Night, stage: str) -> None:
    if stage:
        night.at(stage)
    hand = FakeHand()
    async with night.shown(door=site(night, asking(night.now())), hand=hand) as pilot:
        assert "r answers #1001" in text_of(console(pilot)) and "REQ 1" in text_of(console(pilot))
        await typed(pilot, "r", "k", "k", "enter")
        assert hand.asked == [("answer", "20261201023000-1", op.Answer(1001, "skip", ""), "ana")]
        assert console(pilot).sayings[-1][1].startswith("answer is done")
        assert not isinstance(console(pilot).screen, RequestScreen)


async def test_a_refusal_is_told(night: Night) -> None:
    hand = FakeHand(fault=UsageError("RUN021", "the restore refused: request 1001 is not open"))
    async with night.at("ended").shown(door=site(night, asking(night.now())), hand=hand) as pilot:
        await typed(pilot, "r", "s")
        assert console(pilot).sayings[-1][1:] == ("RUN021 the restore refused: request 1001 is not open", True)


async def test_who_watches_may_look_but_not_answer(night: Night) -> None:
    async with night.at("ended").shown(door=site(night, asking(night.now())), operate=False) as pilot:
        assert "#1001" in text_of(console(pilot)) and "r answers" not in text_of(console(pilot))
        await typed(pilot, "r")
        assert console(pilot).sayings[-1][1].startswith("CON010 1 open. You are watching.")


async def test_what_another_answered_is_told_in_the_dialog(night: Night) -> None:
    door = site(night.at("ended"), asking(night.now()))
    async with night.shown(door=door) as pilot:
        await typed(pilot, "r")
        [question] = door.restores[0].asked
        done = replace(question, closed=night.now(), choice="skip", by="eve(0)")
        door.restores = [replace(door.restores[0], asked=(done,))]
        await again(pilot)
        assert "answered already: skip by eve(0)" in text_of(console(pilot))


async def test_the_dialog_of_a_restore_that_is_over_says_so(night: Night) -> None:
    door = site(night.at("ended"), asking(night.now()))
    async with night.shown(door=door) as pilot:
        await typed(pilot, "r")
        door.restores = [replace(door.restores[0], alive=False, code=1, asked=())]
        await again(pilot)
        assert "no longer asked: the restore is over" in text_of(console(pilot))
        await typed(pilot, "s")
        assert isinstance(console(pilot).screen, RequestScreen)


async def test_a_replay_shows_none_of_today(night: Night) -> None:
    async with night.at("dumping").shown((120, 40), door=site(night, asking(night.now()))) as pilot:
        await settled(pilot)
        assert "#1001" in text_of(console(pilot))
        await typed(pilot, "t")
        assert "#1001" not in text_of(console(pilot))
        await typed(pilot, "t")
        assert "#1001" in text_of(console(pilot))


async def test_the_bell_rings_once_for_each(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    rang: list[int] = []
    monkeypatch.setattr(ConsoleApp, "bell", lambda self: rang.append(1))
    door = site(night.at("ended"), asking(BEGAN))
    async with night.shown(door=door) as pilot:
        await settled(pilot)
        assert rang == [1]
        await again(pilot)
        door.restores.insert(0, asking(BEGAN, 2))
        await again(pilot)
        assert rang == [1, 1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", [("r",), ("8", "w")], ids=["dialog", "restores"])
def test_pictures(keys: tuple[str, ...], size: tuple[int, int], night: Night, snap_compare: Any) -> None:
    night.at("ended")
    assert shoot(snap_compare, night, size, keys, door=site(night, asking(night.now())))


async def test_a_command_of_many_names_does_not_cover_the_screen(night: Night) -> None:
    async with night.at("ended").shown((120, 40)) as pilot:
        command = "taperoom restore " + " ".join(f"db01:/srv:/etc/{number}" for number in range(100))
        console(pilot).actor._tell(command, "the restore began", True, fact=True)
        said = console(pilot).sayings[-1][1]
        assert said.endswith("(@ has all of it)") and len(said) < 300
        assert console(pilot).actor.told[-1].command == command
