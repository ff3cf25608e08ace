"""Settings: what is chosen is kept by rename, a bad file is a sentence; themes are read again; keys of one's own; the rate."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from core.errors import WorldError
from tests.console.conftest import Night, settled, text_of, typed
from themes.loader import OWN
from tui import theming
from tui.__main__ import arguments, only_ascii
from tui.app import ConsoleApp
from tui.keymap import clash, problems, remapped, textual_keymap
from tui.keys import ACTIONS, TIME
from tui.preferences import Preferences, Store, settings_file, taken
from tui.rate import Rate
from tui.screens.keymap import KeymapScreen
from tui.tips import TIPS
from tui.widgets.table import Table


def console(pilot: Pilot[int]) -> ConsoleApp:
    return cast(ConsoleApp, pilot.app)


def said(pilot: Pilot[int]) -> list[str]:
    return [text for _, text, _ in console(pilot).sayings]


def store_in(folder: Path, text: str | None = None) -> Store:
    path = folder / "taperoom" / "console.toml"
    if text is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    store = Store(path)
    store.load()
    return store


# ---- the file --------------------------------------------------------------------------


def test_what_is_chosen_is_kept_and_what_is_not_known_stays(tmp_path: Path) -> None:
    store = store_in(tmp_path, 'theme = "paper"\nfuture = 3\n')
    assert store.chosen == Preferences(theme="paper") and store.problems == []
    store.change(link="slow", mouse=True, keys={"abort": "X"})
    store.put_away("run")
    store.saw("20261201001500", 4)
    store.saw("20261201001500", 2)
    assert tomllib.loads((tmp_path / "taperoom" / "console.toml").read_text()) == {
        "theme": "paper", "future": 3, "link": "slow", "mouse": True, "keys": {"abort": "X"}, "tips": ["run"],
        "seen": {"20261201001500": 4}}
    assert store_in(tmp_path).chosen == store.chosen
    assert [path.name for path in (tmp_path / "taperoom").iterdir()] == ["console.toml"]
    assert not store.shows("run") and store.shows("plan")


def test_what_is_as_ever_is_not_written(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.change(bell=False)
    store.change(bell=True)
    assert (tmp_path / "taperoom" / "console.toml").read_text() == ""


@pytest.mark.parametrize(("text", "wanted"), [
    ("= nothing", "Invalid statement (at line 1, column 1)"),
    ('link = "never"', "link has to be one of auto, fast, slow, frugal"),
    ("theme = 3", "theme has a value that it cannot have"), ("mouse = 1", "mouse has a value that it cannot have"),
    ("keys = {abort = 3}", "keys has a value that it cannot have"), ("tips = [1]", "tips has a value that it cannot have"),
    ("seen = {x = 'y'}", "seen has a value that it cannot have"), ("ascii = true", "ascii has to be one of auto, on, off"),
])
def test_a_bad_file_is_one_sentence(tmp_path: Path, text: str, wanted: str) -> None:
    store = store_in(tmp_path, f'{text}\nconfirm = "destructive"\n' if "nothing" not in text else text)
    assert store.problems == [f"CON006 {tmp_path}/taperoom/console.toml: {wanted}"]
    assert store.chosen.confirm == ("destructive" if "nothing" not in text else "all")


def test_a_folder_that_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "taperoom" / "console.toml").mkdir(parents=True)
    store = store_in(tmp_path)
    assert store.problems == [f"CON006 {tmp_path}/taperoom/console.toml: Is a directory"]
    with pytest.raises(WorldError, match=r"console\.toml cannot be written: Is a directory"):
        store.change(bell=False)
    assert store.chosen.bell is False
    assert [path.name for path in (tmp_path / "taperoom").iterdir()] == ["console.toml"]


@given(st.dictionaries(st.sampled_from(["theme", "link", "ascii", "mouse", "bell", "confirm", "keys", "tips", "seen", "x"]),
                       st.one_of(st.text(), st.booleans(), st.integers(), st.lists(st.text()),
                                 st.dictionaries(st.text(), st.one_of(st.text(), st.integers())))))
def test_any_file_gives_preferences(plain: dict[str, object]) -> None:
    chosen, wrong = taken(plain)
    assert chosen.link in ("auto", "fast", "slow", "frugal") and all(wrong)


def test_only_the_last_runs_are_remembered_as_seen() -> None:
    store = Store()
    for day in range(1, 30):
        store.saw(f"202612{day:02d}000000", day)
    assert len(store.chosen.seen) == 20 and "20261201000000" not in store.chosen.seen


def test_the_file_is_in_the_configuration_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert settings_file() == tmp_path / "taperoom" / "console.toml"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings_file() == tmp_path / ".config" / "taperoom" / "console.toml"


@pytest.mark.parametrize(("wanted", "term", "encoding", "only"), [
    ("auto", "xterm", "utf-8", False), ("auto", "xterm", "ascii", True), ("auto", "vt100", "utf-8", True),
    ("on", "xterm", "utf-8", True), ("off", "vt100", "ascii", False),
])
def test_when_nothing_but_ascii_is_shown(wanted: str, term: str, encoding: str, only: bool) -> None:
    assert only_ascii(wanted, {"TERM": term}, encoding) is only


@pytest.mark.parametrize(("locale", "only"), [
    ({"LC_ALL": "C"}, True), ({"LC_ALL": "POSIX", "LANG": "en_GB.UTF-8"}, True), ({"LANG": "C"}, True),
    ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True), ({}, False), ({"LC_CTYPE": "C.UTF-8"}, False), ({"LANG": "C.UTF-8"}, False),
    ({"LC_ALL": "de_DE.UTF-8", "LANG": "C"}, False), ({"LC_CTYPE": "en_GB.UTF-8", "LANG": "C"}, False),
])
def test_the_c_locale_is_ascii_although_python_makes_utf_8_of_it(locale: dict[str, str], only: bool) -> None:
    assert only_ascii("auto", {"TERM": "xterm", **locale}, "utf-8") is only
    assert only_ascii("off", {"TERM": "xterm", **locale}, "utf-8") is False


def test_slow_is_a_link() -> None:
    assert arguments(["--state-dir", "x", "--slow"]).link == "slow"
    assert arguments(["--state-dir", "x", "--link", "frugal"]).link == "frugal"
    assert arguments(["--state-dir", "x"]).link == ""


# ---- the rate --------------------------------------------------------------------------


def test_a_slow_link_gets_fewer_frames() -> None:
    fast, slow, frugal = Rate("fast"), Rate("slow"), Rate("frugal")
    assert [sum(rate.due(n / 4, 9.0) for n in range(80)) for rate in (fast, slow, frugal)] == [80, 10, 4]


def test_auto_follows_what_the_terminal_answers_and_does_not_flutter() -> None:
    rate = Rate()
    assert [rate.now(echo) for echo in (0.0, 0.2, 0.3, 0.2, 0.13, 0.1, 0.2)] == [
        "fast", "fast", "slow", "slow", "slow", "fast", "fast"]


# ---- keys ------------------------------------------------------------------------------


def test_keys_of_ones_own_are_bound_on_each_screen_and_shown() -> None:
    keymap = textual_keymap({"traffic": "X", "time.faster": "full_stop"})
    assert keymap["run.traffic"] == keymap["plan.traffic"] == "X" and keymap["time.faster"] == "full_stop"
    changed = next(action for action in remapped(ACTIONS, {"filter": "number_sign"}) if action.id == "filter")
    assert (changed.key, changed.keys) == ("#", "number_sign")


def test_what_cannot_hold_is_said() -> None:
    traffic = next(action for action in ACTIONS if action.id == "traffic")
    assert clash(traffic, "q", {}) == "q is the key of: leave the console; the run goes on"
    assert clash(traffic, "escape", {}) == "escape is needed for moving and leaving"
    assert clash(traffic, "5", {}) == "5 is needed for moving and leaving"
    assert clash(traffic, "i", {}) == ""
    assert clash(traffic, "q", {"detach": "Q"}) == ""
    assert problems({"nothing": "x", "traffic": "q", "filter": "number_sign"}) == [
        "'nothing' is no action; Settings (9) lists them",
        "traffic = 'q': q is the key of: leave the console; the run goes on"]


def test_no_usual_key_is_reserved() -> None:
    assert [action.id for action in (*ACTIONS, *TIME)
            if "is needed" in clash(action, action.keys, {}) and action.id != "detach"] == []


async def test_another_key_for_an_action(night: Night, tmp_path: Path) -> None:
    store = store_in(tmp_path)
    async with night.at("dumping").shown((120, 40), store=store) as pilot:
        await typed(pilot, "9", "end", "up", "up", "enter")
        assert isinstance(pilot.app.screen, KeymapScreen)
        pilot.app.screen.query_one("#keymap", Table).go_to("traffic")
        await typed(pilot, "enter", "q")
        assert said(pilot)[-1] == "CON009 q is the key of: leave the console; the run goes on"
        await typed(pilot, "enter", "escape")
        assert store.chosen.keys == {}
        await typed(pilot, "enter", "B")
        assert store.chosen.keys == {"traffic": "B"}
        await typed(pilot, "escape", "1", "B")
        assert pilot.app.current_mode == "protocol"
        await typed(pilot, "1", "p")
        assert pilot.app.current_mode == "run"
        await typed(pilot, "colon", *"keys", "enter")
        pilot.app.screen.query_one("#keymap", Table).go_to("traffic")
        await typed(pilot, "d", "escape", "p")
        assert pilot.app.current_mode == "protocol" and store.chosen.keys == {}


async def test_the_hint_row_and_the_help_name_the_keys_that_hold(night: Night, tmp_path: Path) -> None:
    store = store_in(tmp_path, '[keys]\ntraffic = "B"\nnone = "x"\n')
    async with night.at("dumping").shown((160, 60), store=store) as pilot:
        assert "B traffic" in text_of(console(pilot))
        assert said(pilot) == ["CON006 'none' is no action; Settings (9) lists them"]
        await typed(pilot, "question_mark")
        assert "  B               the traffic of the disk under the cursor" in text_of(console(pilot))


# ---- the screen ------------------------------------------------------------------------


async def test_settings_change_at_once_and_are_kept(night: Night, tmp_path: Path) -> None:
    store = store_in(tmp_path, "")
    async with night.at("dumping").shown((120, 40), store=store) as pilot:
        await typed(pilot, "9", "enter")
        assert (store.chosen.theme, pilot.app.theme) == ("paper", "taperoom-paper")
        await typed(pilot, "left", "down", "right", "right", "down", "enter", "down", "enter", "down", "enter", "down", "enter")
        assert store_in(tmp_path).chosen == Preferences(
            theme="night", link="slow", ascii="on", mouse=True, bell=False, confirm="destructive")
        assert console(pilot).rate.profile == "slow"
        shown = text_of(console(pilot))
        for text in ("console.toml", "TERM", "xterm-256color", "try again", "confirm"):
            assert text in shown


async def test_a_setting_that_cannot_be_written_holds_and_says_so(night: Night, tmp_path: Path) -> None:
    (tmp_path / "taperoom").write_text("")
    async with night.at("dumping").shown(store=store_in(tmp_path)) as pilot:
        await typed(pilot, "9", "down", "enter", "T")
        assert console(pilot).store.chosen.link == "fast"
        assert said(pilot)[1].startswith(f"CON007 {tmp_path}/taperoom/console.toml cannot be written: ")


async def test_hints_go_away_for_good_and_can_be_had_again(night: Night, tmp_path: Path) -> None:
    store = store_in(tmp_path)
    async with night.at("dumping").shown(store=store) as pilot:
        assert "enter tells the story of a disk" in text_of(console(pilot))
        await typed(pilot, "escape")
        assert "enter tells the story of a disk" not in text_of(console(pilot))
        assert store_in(tmp_path).chosen.tips == frozenset({"run"})
        await typed(pilot, "enter", "escape")
        assert "dump" in store.chosen.tips
        await typed(pilot, "9", "end", "up", "enter")
        assert store.chosen.tips == frozenset()
        await typed(pilot, "end", "enter")
        assert store.chosen.seen == {}


def test_every_tip_is_of_a_screen_and_fits_three_rows() -> None:
    places = {where for action in ACTIONS for where in action.where}
    assert set(TIPS) <= places
    assert max(map(len, TIPS.values())) < 3 * 70


async def test_pause_is_not_asked_about_where_only_what_destroys_is(night: Night, tmp_path: Path) -> None:
    store = store_in(tmp_path, 'confirm = "destructive"')
    async with night.at("dumping").shown(store=store) as pilot:
        await typed(pilot, "P")
        assert said(pilot) == ["RUN020 the run did not answer: it is over, or its driver is gone"]


# ---- themes ----------------------------------------------------------------------------


async def test_a_theme_is_worn_as_soon_as_it_is_saved(night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = theming.users_folder()
    folder.mkdir(parents=True)
    mine = (OWN / "night.toml").read_text().replace('"night"', '"mine"')
    (folder / "mine.toml").write_text(mine)
    async with night.at("dumping").shown(theme="mine") as pilot:
        app = console(pilot)
        assert app.wardrobe.current == "mine"
        (folder / "mine.toml").write_text(mine.replace("#11161d", "#200000") + "\n")
        app.wardrobe.look(app.ticks() + 10)
        await pilot.pause()
        assert app.theme_variables["tr-background"] == "#200000" and app.wardrobe.current == "mine"
        (folder / "bad.toml").write_text("nmae = 3")
        app.wardrobe.look(app.ticks() + 20)
        assert said(pilot) == ["CON005 theme not loaded: bad.toml: 'nmae' is no key of a theme; did you mean 'name'?"]
        (folder / "mine.toml").unlink()
        os.utime(folder / "bad.toml", (1, 1))
        app.wardrobe.look(app.ticks() + 30)
        assert len(said(pilot)) == 1


async def test_another_theme_is_seen_on_each_screen_as_if_it_had_been_worn_from_the_beginning(night: Night) -> None:
    def painted(pilot: Pilot[int]) -> list[list[tuple[str, str]]]:
        return [[(piece.text, str(piece.style)) for piece in row] for row in pilot.app.screen._compositor.render_strips()]

    night.at("dumping")
    async with night.shown(theme="paper") as pilot:
        run = painted(pilot)
        await typed(pilot, "2")
        plan = painted(pilot)
    async with night.shown() as pilot:
        await typed(pilot, "2", "1")
        assert painted(pilot) != run
        console(pilot).wardrobe.wear("paper")
        await settled(pilot)
        assert painted(pilot) == run
        await typed(pilot, "2")
        assert painted(pilot) == plan
