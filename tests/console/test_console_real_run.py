"""Consoles on a real run: a real driver answers, refuses, and journals who did what; no console ever touches the run."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from core.client import control
from core.client.acts import acts, who
from core.client.runs import Run, live_run, start, view_of
from core.client.session import Session
from core.events.view import DiskState, RunView
from core.protocol import operator as op
from tests.console.conftest import text_of
from tests.support.console_terminal import ConsoleTerminal
from tests.support.small_site import SmallSite
from tui.app import ConsoleApp
from tui.feed import GAP
from tui.meanwhile import Seen
from tui.moment import Link
from tui.screens.request import RequestScreen
from tui.screens.tapes import TapesScreen
from tui.widgets.table import Table

PATIENCE = 30.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SmallSite]:
    """A run whose dumps are whole on the holding disk and which asks for a volume: blank ones may not be labelled."""
    made = SmallSite(tmp_path, {"alpha:/home": {"letter": b"dear reader\n" * 100}, "beta:/etc": {"passwd": b"x"}},
                     storage={"autolabel": ""}, run={"requests": {"TAP*": {"reply": "degrade", "after": "10 min"}}})
    start(made.config, made.root / "state")
    until(lambda: (now := view_of(made.run())).open_questions and now.count(DiskState.DUMPED) == 2, made)
    yield made
    if run := live_run(made.root / "state"):
        control.order(run, op.Stop("now"))
        until(lambda: not run.live(), made)


def until(what: Callable[[], Any], site: SmallSite) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, site.logs()
        time.sleep(0.05)


async def seen(pilot: Pilot[int], what: Callable[[], object]) -> None:
    """Wait for a condition on a console that follows by itself."""
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, text_of(cast(ConsoleApp, pilot.app))
        await asyncio.sleep(0.05)
    await pilot.pause()


def console(site: SmallSite, who: str, **options: Any) -> ConsoleApp:
    app = ConsoleApp(site.root / "state", guard=0.0, seen=Seen(site.root / "seen.json"), **options)
    app.feed.who = who
    return app


def said(app: ConsoleApp) -> list[str]:
    return [notification.message for notification in app._notifications]


def view(site: SmallSite) -> RunView:
    return view_of(site.run())


async def attached(site: SmallSite, name: str, mode: str = "operate") -> Session:
    session = Session(site.run(), name, mode)
    assert await session.connect()
    return session


async def test_the_first_answer_wins_and_the_other_is_told_by_whom(site: SmallSite) -> None:
    app = console(site, "ana")
    async with app.run_test(size=(120, 40)) as pilot:
        await seen(pilot, lambda: app.feed.view.open_questions)
        number = app.feed.view.open_questions[0].asked.id
        bob = await attached(site, "bob")
        await seen(pilot, lambda: "with bob" in text_of(app))
        await pilot.press("r")
        await seen(pilot, lambda: isinstance(app.screen, RequestScreen))
        assert isinstance(await bob.order(op.Answer(number, "done")), op.Ok)
        await seen(pilot, lambda: "answered already: done by bob" in text_of(app))
        await pilot.press("escape")
        app.actor.send(op.Answer(number, "degrade"))
        await seen(pilot, lambda: said(app))
        assert said(app)[-1] == (
            f"RUN021 refused: request {number} is not open, it was answered: done by bob({control.whoami()})")
        await bob.close()
    assert [q.by for q in view(site).questions.values() if q.asked.id == number] == [f"bob({control.whoami()})"]


async def test_an_answer_of_ours_and_another_that_comes_too_late(site: SmallSite) -> None:
    app = console(site, "ana")
    async with app.run_test(size=(80, 24)) as pilot:
        await seen(pilot, lambda: app.feed.view.open_questions and app.feed.connected)
        number = app.feed.view.open_questions[0].asked.id
        bob = await attached(site, "bob")
        await pilot.press("r")
        await seen(pilot, lambda: isinstance(app.screen, RequestScreen))
        await pilot.press("d")
        await seen(pilot, lambda: said(app))
        assert said(app) == [f"done   same as: taperoom reply {number} done"]
        late = await bob.order(op.Answer(number, "degrade"))
        assert late == op.Refused(f"request {number} is not open, it was answered: done by ana({control.whoami()})")
        await bob.close()


async def test_each_act_is_a_fact_with_who_did_it(site: SmallSite) -> None:
    app = console(site, "ana")
    async with app.run_test(size=(120, 40)) as pilot:
        await seen(pilot, lambda: app.feed.connected)
        await pilot.press("P")
        await pilot.pause()
        await pilot.press("y")
        await seen(pilot, lambda: app.feed.view.paused)
        await pilot.press("P")
        await seen(pilot, lambda: not app.feed.view.paused)
        await pilot.press("R")
        await seen(pilot, lambda: len(said(app)) >= 3)
    acts = [(act.by, act.order, act.result) for _, act in view(site).acts]
    assert acts == [(f"ana({control.whoami()})", "PAUSE", "OK"), (f"ana({control.whoami()})", "RESUME", "OK")]


async def test_the_driver_refuses_every_order_of_a_watcher(site: SmallSite) -> None:
    session = await attached(site, "eve", "watch")
    number = view(site).open_questions[0].asked.id
    orders: list[op.Said] = [
        op.Answer(number, "degrade"), op.AbortDump("00-00001"), op.Retry("alpha", "/home"), op.Hold("alpha", "/home"),
        op.Release("alpha", "/home"), op.Priority("alpha", "/home", 9), op.Pause(), op.Resume(), op.Degrade(), op.FlushNow(),
        op.Stop(), op.Stop("now")]
    for order in orders:
        assert await session.order(order) == op.Refused("attached read-only: watching changes nothing")
    await session.close()
    assert view(site).acts == []
    assert site.run().live()


async def test_a_watching_console_is_a_watcher_for_the_driver_too(site: SmallSite) -> None:
    app = console(site, "eve", operate=False)
    async with app.run_test(size=(80, 24)) as pilot:
        await seen(pilot, lambda: app.feed.connected)
        app.feed.operate = True  # a console that lies to itself
        app.actor.send(op.Stop("now"))
        await seen(pilot, lambda: said(app))
        assert said(app) == ["RUN021 refused: attached read-only: watching changes nothing"]
    assert site.run().live()


async def test_what_happened_meanwhile_is_told_on_coming_back(site: SmallSite) -> None:
    first = console(site, "ana")
    async with first.run_test() as pilot:
        await seen(pilot, lambda: first.feed.caught_up and first.feed.connected)  # type: ignore[union-attr]
    left = time.time() - 60
    Seen(site.root / "seen.json").note(site.run().path, left)
    again = console(site, "ana")
    async with again.run_test(size=(120, 40)) as pilot:
        await seen(pilot, lambda: said(again))
        assert said(again)[0].startswith("since ") and "1 request opened: #" in said(again)[0]
        assert [line.text for line in again.feed.traffic.lines].count(GAP) == 1


def kill(terminal: ConsoleTerminal) -> None:
    terminal.kill(signal.SIGKILL)


def hang_up(terminal: ConsoleTerminal) -> None:
    terminal.kill(signal.SIGHUP)


@pytest.mark.parametrize("end", [kill, hang_up, ConsoleTerminal.hang_up])
def test_a_console_that_dies_changes_nothing_in_the_run(site: SmallSite, end: Callable[[ConsoleTerminal], None]) -> None:
    before = view(site)
    with ConsoleTerminal("--state-dir", str(site.root / "state")) as terminal:
        terminal.until("LIVE")
        terminal.press("r")
        terminal.until("Request #")
        end(terminal)
        terminal.process.wait(PATIENCE)
        until(lambda: consoles(site.run()) == [], site)
    with ConsoleTerminal("--state-dir", str(site.root / "state"), width=120, height=40) as terminal:
        terminal.until("LIVE")
        terminal.until("r answers")
        terminal.press("q")
        assert terminal.ended() == 0
        assert b"Detached. The run goes on" in terminal.sent
    after = view(site)
    assert site.run().live()
    assert (after.acts, after.open_questions) == ([], before.open_questions)
    assert {disk.state for disk in after.disks.values()} == {DiskState.DUMPED}


@pytest.mark.slow  # on a busy machine the console takes more than its patience to find what happened while it stood still
def test_a_console_that_stands_still_holds_nothing_up(site: SmallSite) -> None:
    with ConsoleTerminal("--state-dir", str(site.root / "state"), width=120, height=40) as terminal:
        terminal.until("LIVE")
        until(lambda: len(consoles(site.run())) == 1, site)
        terminal.kill(signal.SIGSTOP)  # reads neither the driver's answers nor the terminal's keys
        try:
            for _ in range(50):
                assert isinstance(control.order(site.run(), op.Pause()), op.Ok)
                assert isinstance(control.order(site.run(), op.Resume()), op.Ok)
            assert isinstance(control.order(site.run(), op.Stop("now")), op.Ok)
            until(lambda: view(site).ended is not None, site)
        finally:
            terminal.kill(signal.SIGCONT)
        terminal.until("ENDED")
        terminal.press("q")
        assert terminal.ended() == 0


def consoles(run: Run) -> list[str]:
    from core.client.follow import read_gauges

    return read_gauges(run).consoles


async def test_a_driver_that_goes_silent_is_lost_and_found(site: SmallSite) -> None:
    app = console(site, "ana")
    async with app.run_test(size=(120, 40)) as pilot:
        await seen(pilot, lambda: app.feed.connected)
        hidden = site.run().path / "control.hidden"
        os.rename(site.run().control, hidden)
        await cast(Session, app.feed._session).close()  # type: ignore[union-attr]
        await seen(pilot, lambda: app.feed.link is Link.LOST)
        await seen(pilot, lambda: "The driver does not answer for" in text_of(app))
        await pilot.press("P")
        await seen(pilot, lambda: said(app))
        assert said(app) == ["RUN046 the driver does not answer: R tries again"]
        os.rename(hidden, site.run().control)
        await pilot.press("R")
        await seen(pilot, lambda: app.feed.link is Link.LIVE and app.feed.connected)


@pytest.mark.slow  # a whole run, and every key of it waits for what is on disks
async def test_a_volume_is_labelled_from_the_screen_and_the_run_writes_on_it(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the request wants is done on the Tapes screen; each step says its command, and is a fact with who did it."""
    monkeypatch.setenv("TAPEROOM_CONFIG", str(site.config))
    app, orders = console(site, "ana"), ("label T-042 --slot 1", "load 1", "unload")
    async with app.run_test(size=(120, 40)) as pilot:
        await seen(pilot, lambda: app.feed.connected)
        await pilot.press("4")
        await seen(pilot, lambda: "blank" in text_of(app))
        await pilot.press("L")
        await seen(pilot, lambda: "Label slot 1 of main" in text_of(app) and "It is blank." in text_of(app))
        await pilot.press("n", *"T-042", "enter")
        await seen(pilot, lambda: "same as  taperoom tape label T-042 --storage main --slot 1" in text_of(app))
        await pilot.press("y")
        await seen(pilot, lambda: len(said(app)) == 1)
        assert said(app) == ["storage main: slot 1 has the label T-042 now   same as: taperoom tape label T-042 --slot 1"]
        await seen(pilot, lambda: "T-042" in cast(TapesScreen, app.screen).query_one("#volumes", Table).key)
        await pilot.press("l")
        await seen(pilot, lambda: len(said(app)) == 2 and "1*" in text_of(app))
        await pilot.press("u")
        await seen(pilot, lambda: len(said(app)) == 3 and "1*" not in text_of(app))
        assert [text.partition("same as: ")[2] for text in said(app)[1:]] == ["taperoom tape load 1", "taperoom tape unload"]
        await seen(pilot, lambda: app.feed.view.ended is not None)  # the request withdraws itself: a volume is there
        await seen(pilot, lambda: len(app.screen.query_one("#contents", Table).rows) == 2)
        await pilot.press("at")
        await seen(pilot, lambda: all(f"taperoom tape {order}" in text_of(app) for order in orders))
    assert view(site).count(DiskState.DONE) == 2
    assert {label for disk in view(site).disks.values() for _, label, _ in disk.parts} == {"T-042"}
    assert [(act.by, act.order, act.result) for _, act in acts(site.root / "state")] == [
        (who(), f"taperoom tape {order}", "OK") for order in orders]
    assert [(q.choice, q.by) for q in view(site).questions.values()] == [("", "withdrawn")]


async def test_a_run_is_started_from_the_console_and_a_full_is_forced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = SmallSite(tmp_path, {"alpha:/home": {"letter": b"x" * 100}, "beta:/etc": {"passwd": b"x"}})
    monkeypatch.setenv("TAPEROOM_CONFIG", str(made.config))
    monkeypatch.setenv("TAPEROOM_CLIENT_STATE", str(tmp_path / "client"))
    app = console(made, "ana")
    async with app.run_test(size=(120, 40)) as pilot:
        await seen(pilot, lambda: "alpha:" in text_of(app))  # the disks of the configuration, before the first run
        await pilot.press("f")
        await seen(pilot, lambda: said(app))
        assert "the next run dumps alpha:" in said(app)[-1] and "same as: taperoom disk force alpha:" in said(app)[-1]
        await pilot.press("s")
        await seen(pilot, lambda: "same as  taperoom run" in text_of(app))
        await pilot.press("y")
        await seen(pilot, lambda: app.feed.view.ended is not None)
    assert view(made).count(DiskState.DONE) == 2
