"""Every message has its code, and its page is one key away."""

from __future__ import annotations

import pytest

from core.client.runs import Run
from core.events import codec
from core.events import event as e
from core.events.event import Record
from core.events.view import RunView
from tests.console.conftest import Night, text_of, typed
from tests.support import recorded_run
from tui.app import ConsoleApp
from tui.look import Look
from tui.panes.messages import entries, of_run
from tui.story import Story

KEY = ("build7", "/work")
SAID = "DMP028 aborted by root"


@pytest.fixture
def aborted(night: Night) -> Night:
    """A night in which somebody gave a dump up."""
    run = Run(night.at("dumping").folder / "runs" / recorded_run.STAMP)
    with open(run.journal, "ab") as journal:
        journal.write(codec.encode(Record(9000, recorded_run.BEGAN + 8175, e.DiskEnded(*KEY, 0, "failed", SAID))))
    return night


def said(app: object) -> str:
    assert isinstance(app, ConsoleApp)
    return " ".join(text_of(app).split())


async def test_why_a_disk_failed_is_one_key_away_on_the_run_screen(aborted: Night) -> None:
    async with aborted.shown((120, 40)) as pilot:
        await typed(pilot, "slash", *":".join(KEY), "enter", "x")
        assert "A dump was aborted by an order" in said(pilot.app)


async def test_and_on_the_screen_of_the_dump() -> None:
    story = Story(*KEY)
    story.take(Record(1, 1.0, e.DiskEnded(*KEY, 0, "failed", SAID)))
    assert [step.code for step in story.steps] == ["DMP028"]


def test_the_death_of_a_child_stands_among_the_messages_with_a_code() -> None:
    view = RunView()
    view.apply(Record(1, 1.0, e.ChildDied("dumper0", "signal 9", "")))
    view.apply(Record(2, 2.0, e.ChildDied("taper0", "signal 9", "")))
    assert [message.code for message in of_run(view)] == ["DMP029", "TAP027"]
    assert all(cell[0] != "-" for row in entries(of_run(view), Look()) for cell in row.cells)
