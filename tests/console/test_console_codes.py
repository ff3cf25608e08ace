"""Every message has its code, and its page is one key away."""

from __future__ import annotations

import pytest

from core.client.runs import Run
from core.codes import lookup
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


@pytest.mark.parametrize(("fact", "code", "title"), [
    (e.Paused("alice (1000)"), "RUN047", "No new dump is started"),
    (e.Stopping("alice (1000)", False), "RUN048", "The run ends early"),
])
async def test_a_state_that_an_operator_made_has_a_code_that_x_explains(
    night: Night, fact: e.Event, code: str, title: str,
) -> None:
    run = Run(night.at("answered").folder / "runs" / recorded_run.STAMP)
    with open(run.journal, "ab") as journal:
        journal.write(codec.encode(Record(9000, recorded_run.BEGAN + 8175, fact)))
    async with night.shown((120, 40)) as pilot:
        assert code in said(pilot.app)
        await typed(pilot, "5", "x")  # a screen whose cursor has no message
        assert title in said(pilot.app)


@pytest.mark.parametrize(("disk", "title"), [
    ("git:/home", "A dump will be tried again"),
    ("db01:/srv", "A dump stands still for want of room"),
])
async def test_a_dump_that_stands_still_and_a_disk_that_is_tried_again_have_pages(
    night: Night, disk: str, title: str,
) -> None:
    run = Run(night.at("dumping").folder / "runs" / recorded_run.STAMP)
    with open(run.journal, "ab") as journal:
        journal.write(codec.encode(Record(9000, recorded_run.BEGAN + 8175, e.DumpStalled("00-00020", 4096, "allotment"))))
    async with night.shown((120, 40)) as pilot:
        await typed(pilot, "slash", *disk, "enter", "x")
        assert title in said(pilot.app)


async def test_what_a_key_cannot_do_has_a_code_and_so_has_what_the_driver_refuses(night: Night) -> None:
    async with night.at("dumping").shown((120, 40)) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        app.say("choose a disk first", bad=True)
        app.say("CON003 nowhere is called 'x'", bad=True)
        app.say("copied")
        assert [text for _, text, _ in app.sayings] == [
            "CON010 choose a disk first", "CON003 nowhere is called 'x'", "copied"]
    assert all(lookup(code) for code in ("CON010", "CON011", "RUN020", "RUN021"))


def test_the_death_of_a_child_stands_among_the_messages_with_a_code() -> None:
    view = RunView()
    view.apply(Record(1, 1.0, e.ChildDied("dumper0", "signal 9", "")))
    view.apply(Record(2, 2.0, e.ChildDied("taper0", "signal 9", "")))
    assert [message.code for message in of_run(view)] == ["DMP029", "TAP027"]
    assert all(cell[0] != "-" for row in entries(of_run(view), Look()) for cell in row.cells)
