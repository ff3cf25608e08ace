"""A dialog shows what follows without an answer, and where to type, however much there is to say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.screen import ModalScreen

from core.client.runs import Run
from core.events import codec, gauges
from core.events import event as e
from core.events.event import Record
from core.events.gauges import Gauges
from tests.console.conftest import Night, settled, text_of, typed
from tests.support import recorded_run
from tui.app import ConsoleApp
from tui.deeds import Deed
from tui.look import Look
from tui.requests import as_it_stands, open_requests
from tui.screens.confirm import ConfirmScreen
from tui.screens.request import letters

CHOICES = (
    e.Choice("direct", "906 GiB dumped so far are lost; it is dumped again, straight to a volume", "", True),
    e.Choice("abort", "906 GiB dumped so far are lost; it is dumped again when there is room", "", True),
    e.Choice("abort-other", "another one gives up what it has dumped, and its room goes to the rest: mail:/srv (3.4 TiB)",
             "HOST:DISK", True),
    e.Choice("wait", "it stands still; asked again in 10 minutes, or in as many as you say", "MINUTES"),
    e.Choice("add", "this directory becomes a holding disk of the run", "DIRECTORY"),
)


@pytest.fixture
def asked(night: Night) -> Night:
    """A night with a third request that has much to say."""
    run = Run(night.at("dumping").folder / "runs" / recorded_run.STAMP)
    question = e.QuestionAsked(9, "HLD003", "D", "db01:/srv", "2 dumps need 2.4 TiB more on the holding disks, 0 B free, none "
                               "coming", CHOICES, "direct", recorded_run.BEGAN + 8400, "00-00020")
    with open(run.journal, "ab") as journal:
        journal.write(codec.encode(Record(9000, recorded_run.BEGAN + 8175, question)))
    return night


def said(app: object) -> str:
    assert isinstance(app, ConsoleApp)
    return text_of(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 15), (80, 15)])
async def test_what_follows_without_an_answer_is_always_seen(asked: Night, size: tuple[int, int]) -> None:
    async with asked.shown(size) as pilot:
        await typed(pilot, "r", "3")
        assert "it is answered:  DIRECT" in said(pilot.app) and "esc leaves it open" in said(pilot.app)


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_what_is_typed_and_the_last_question_are_seen(asked: Night, size: tuple[int, int]) -> None:
    async with asked.shown(size) as pilot:
        await typed(pilot, "r", "3", "w", "2", "5")
        assert "25" in said(pilot.app) and "MINUTES, then enter   esc back" in said(pilot.app)
        await typed(pilot, "escape", "a")
        assert "Really ABORT?  y yes   esc no" in said(pilot.app)


async def test_choices_below_the_edge_are_told_of(asked: Night) -> None:
    async with asked.shown((60, 15)) as pilot:
        await typed(pilot, "r", "3")
        assert "x what this means   more" in said(pilot.app)
        await typed(pilot, *["down"] * len(CHOICES))
        assert "means   more" not in said(pilot.app) and "> n  ADD" in said(pilot.app)
    async with asked.shown((120, 40)) as pilot:
        await typed(pilot, "r", "3")
        assert "esc leaves it open" in said(pilot.app) and "means   more" not in said(pilot.app)


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_the_marked_choice_is_seen(asked: Night, size: tuple[int, int]) -> None:
    async with asked.shown(size) as pilot:
        await typed(pilot, "r", "3")
        for choice in CHOICES:
            await typed(pilot, "down")
            assert f" {choice.name.upper()} " in next(line for line in said(pilot.app).splitlines() if "│  > " in line)


async def test_the_protocol_of_what_is_asked_about_is_a_key_away(asked: Night) -> None:
    async with asked.shown((80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        await typed(pilot, "r")
        assert "v  view protocol of mail:/srv on dumper2" in said(app)
        assert "free    2.8 TiB on /hold1, 6.2 TiB on /hold2" in said(app)
        await typed(pilot, "v")
        assert not isinstance(app.screen, ModalScreen) and "mail:/srv" in said(app) and "NO-ROOM 02-00031" in said(app)
        assert "dumper3" not in said(app)
        assert len(app.feed.view.open_questions) == 3 and not app._notifications
        await typed(pilot, "r", "2")
        assert "v  view protocol of taper0" in said(app) and "free " not in said(app)
        await typed(pilot, "v")
        assert "REQUEST-OPERATOR" in said(app) and "NO-ROOM 02-00031" not in said(app)


def test_no_choice_has_the_key_of_another_request() -> None:
    assert letters(CHOICES) == ["d", "a", "b", "w", "n"]


@given(st.lists(st.text("abdinorty", min_size=1, max_size=4), min_size=1, max_size=9))
def test_every_choice_has_a_letter_of_its_own(names: list[str]) -> None:
    found = letters(tuple(e.Choice(name, "") for name in names))
    assert len(set(found)) == len(names) and all(one.isalpha() and one not in "jkqxv" for one in found)


async def test_the_request_about_the_disk_under_the_cursor_is_answered_first(asked: Night) -> None:
    async with asked.shown((120, 40)) as pilot:
        assert "r answers #7" in said(pilot.app)
        await typed(pilot, "slash", *"db01:/srv", "enter")
        assert "r answers #9" in said(pilot.app)
        await typed(pilot, "r")
        assert "Request #9 of 3" in said(pilot.app) and "1-3 another request" in said(pilot.app)


@pytest.mark.parametrize("theme", ["night", "mono", "sixteen"])
async def test_a_dialog_leaves_what_is_behind_it_in_every_theme(asked: Night, theme: str) -> None:
    async with asked.shown((120, 40), theme=theme) as pilot:
        await typed(pilot, "r")
        assert "Request #" in said(pilot.app)
        assert "r answers #7" in said(pilot.app) and "1 Run 2 Plan" in said(pilot.app)
        await typed(pilot, "escape", "ctrl+p")
        assert "Search for commands" in said(pilot.app) and "1 Run 2 Plan" in said(pilot.app)


@pytest.mark.parametrize("keys", [("r",), ("A",), ("S",), ("D",), ("question_mark",), ("at",)])
async def test_nothing_that_was_told_before_lies_upon_what_is_asked(asked: Night, keys: tuple[str, ...]) -> None:
    async with asked.shown((80, 24)) as pilot:
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        app.say("why an earlier key did nothing", bad=True)
        await typed(pilot, *keys)
        assert isinstance(app.screen, ModalScreen) and not app._notifications
        # The list of messages keeps it.
        assert [text for _, text, _ in app.sayings] == ["CON010 why an earlier key did nothing"]


@pytest.mark.parametrize("word", ["stop", "quick:/srv/exports/of/the/whole/department/on/the/second/floor"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_word_to_type_is_never_cut(night: Night, size: tuple[int, int], word: str) -> None:
    async with night.at("ended").shown(size) as pilot:
        deed = Deed("Remove it", "taperoom holding remove FILE", "It is lost.", word=word)
        pilot.app.push_screen(ConfirmScreen(deed, Look()))
        await settled(pilot)
        assert f"{word} " in said(pilot.app) and "and enter:" in said(pilot.app)
        assert pilot.app.screen.query_one("#argument").region.height and "leaves it" in said(pilot.app)


async def test_a_choice_costs_what_it_costs_now_not_when_it_was_asked(asked: Night) -> None:
    run = Run(asked.folder / "runs" / recorded_run.STAMP)
    told = gauges.decode(run.status.read_bytes())
    told.costs = {9: {"direct": "907 GiB dumped so far are lost; it is dumped again, straight to a volume"}}
    run.status.write_bytes(gauges.encode(told))
    async with asked.shown((120, 40)) as pilot:
        await typed(pilot, "r", "3")
        assert "907 GiB dumped so far are lost; it is dumped again, straight" in said(pilot.app)
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        told.at, told.costs = told.at + 1, {9: {"direct": "908 GiB dumped so far are lost; it is dumped again"}}
        now = replace(app.moment(), gauges=told)
        shown = open_requests(now)[2]
        assert shown.question.asked.choices[0].effect.startswith("908 GiB")
        assert as_it_stands(open_requests(app.moment())[2], now) == shown, "an open dialog goes with it"
        assert as_it_stands(shown, replace(now, gauges=Gauges())).question.asked.choices == CHOICES
        now.view.questions[9].closed = now.now
        assert as_it_stands(shown, now).question.closed == now.now, "that somebody else answered is seen, too"
