"""What every console test needs: the same terminal, the same time zone, no animation; a night on disk and a console on it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

# Textual reads these when it is imported.
os.environ.update({
    "TEXTUAL_ANIMATIONS": "none", "TEXTUAL_COLOR_SYSTEM": "truecolor", "TERM": "xterm-256color", "COLORTERM": "truecolor",
    "TZ": "UTC",
})
for name in ("NO_COLOR", "TMUX", "STY", "SSH_CONNECTION"):
    os.environ.pop(name, None)
os.environ["XDG_CONFIG_HOME"] = "/nonexistent"
time.tzset()

import pytest  # noqa: E402
import textual.app  # noqa: E402
import textual.pilot  # noqa: E402
from textual.app import App  # noqa: E402
from textual.pilot import Pilot  # noqa: E402
from textual.screen import Screen  # noqa: E402

from tests.support import recorded_run  # noqa: E402
from tests.support.recorded_site import RecordedSite  # noqa: E402
from tui.app import ConsoleApp  # noqa: E402


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("HOME", "/home/ana")
    time.tzset()
    yield


async def _until_nothing_runs(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Until the loop has nothing to do now.  Textual's own way is to sleep 20 ms until the processor rests in them, several
    times a key: on a machine that does more than this, it rests late or never."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    while True:
        await asyncio.sleep(0)
        if not ready:
            return


@pytest.fixture(autouse=True)
def _no_guessing(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (textual.app, textual.pilot):
        monkeypatch.setattr(module, "wait_for_idle", _until_nothing_runs)


class Night:
    """A recorded night in a directory, and consoles on it that stand still in time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stage = ""
        self._alive: AbstractContextManager[None] = nullcontext()

    def at(self, stage: str) -> Night:
        """Write the night as it was at a stage; while it lives a driver seems to hold its lock."""
        self.close()
        self.stage = stage
        run = recorded_run.make_run(self.folder, stage)
        self._alive = recorded_run.alive(run) if stage != "ended" else nullcontext()
        self._alive.__enter__()
        return self

    def close(self) -> None:
        """The driver is gone."""
        self._alive.__exit__(None, None, None)
        self._alive = nullcontext()

    def now(self) -> float:
        """The time of the stage."""
        return recorded_run.BEGAN + recorded_run.STAGES.get(self.stage, 0.0)

    def console(self, **options: Any) -> ConsoleApp:
        """A console that takes a step only when it is told to, operated by ``ana``."""
        usual = {"guard": 0.0, "door": RecordedSite(self.now(), empty=not self.stage)}
        app = ConsoleApp(self.folder, serve=False, clock=self.now, **{**usual, **options})
        app.feed.who = "ana"
        return app

    @asynccontextmanager
    async def shown(self, size: tuple[int, int] = (80, 24), **options: Any) -> AsyncIterator[Pilot[int]]:
        """The console on a screen of that size, with all there is on it."""
        app = self.console(**options)
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            yield pilot


async def settled(pilot: Pilot[Any], without: str = "") -> None:
    """All that was under way is done, what the next step shows and asks is, too, and it is painted; workers of the group
    ``without`` are not waited for."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    await _done(pilot, without)
    app.step()
    await _done(pilot, without)


async def _done(pilot: Pilot[Any], without: str) -> None:
    """No message waits, no worker is at work, and there is nothing to lay out or to paint.  One that never ends is a fault."""
    app = pilot.app
    for _ in range(200):
        if awaited := [worker for worker in app.workers if worker.group != without]:
            await app.workers.wait_for_complete(awaited)
        await pilot.pause()
        if not _unpainted(app.screen) and all(worker.is_finished for worker in app.workers if worker.group != without):
            return
    raise AssertionError(f"it never comes to rest:\n{text_of(app)}")


def _unpainted(screen: Screen[Any]) -> bool:
    """Whether there is something to lay out or to paint, or to be done after that."""
    return bool(screen._layout_required or screen._scroll_required or screen._repaint_required or screen._recompose_required
                or screen._dirty_widgets or screen._callbacks)


async def typed(pilot: Pilot[Any], *keys: str) -> None:
    """Keys, one after the other, each with its consequences."""
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


def text_of(app: App[Any]) -> str:
    """The screen as characters."""
    return "\n".join("".join(segment.text for segment in strip).rstrip()
                     for strip in app.screen._compositor.render_strips())


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    """A site with no run yet; `Night.at` gives it one."""
    made = Night(tmp_path / "state")
    made.folder.mkdir()
    yield made
    made.close()
