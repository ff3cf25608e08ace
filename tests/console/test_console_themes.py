"""Themes: all load, all reach WCAG AA, and a bad file is one sentence and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from themes import contrast
from themes.loader import DEFAULT, OWN, load_theme, load_themes
from themes.palette import COLOURS
from tui.theming import chosen

WANTED = {"night", "paper", "amber", "high-contrast", "colour-blind", "mono", "sixteen"}
THEMES, PROBLEMS = load_themes(OWN)
GOOD = 'name = "x"\n[colours]\n' + "\n".join(f'{name} = "#123456"' for name in COLOURS)


def test_our_own_themes_load() -> None:
    assert PROBLEMS == []
    assert set(THEMES) >= WANTED
    assert DEFAULT in THEMES


@pytest.mark.parametrize("name", sorted(THEMES))
def test_every_text_reaches_aa(name: str) -> None:
    assert contrast.faults(THEMES[name]) == []


def test_high_contrast_reaches_aaa() -> None:
    assert contrast.faults(THEMES["high-contrast"], 7.0) == []


def test_ratio_of_known_pairs() -> None:
    assert contrast.ratio("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast.ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    with pytest.raises(ValueError, match="'red' is no #rrggbb"):
        contrast.luminance("red")


def test_a_poor_contrast_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(GOOD)
    found = contrast.faults(load_theme(path))
    assert found[0] == "x: foreground on background has a contrast of 1.0, less than 4.5"


@pytest.mark.parametrize(("text", "wanted"), [
    ("nmae = 'x'", "'nmae' is no key of a theme; did you mean 'name'?"),
    ("name = 3", "name has to be str"),
    ("[colours]\ngoood = '#112233'", "'goood' is no colour of a theme; did you mean 'good'?"),
    ("[colours]\ngood = 'green'", "good = 'green' is no colour; write it like '#1c2b3a'"),
    ("terminal = true\n[colours]\ngood = '#112233'", "good = '#112233' is no colour; write it like 'ansi_bright_red'"),
    ("[colours]\n" + "\n".join(f"{name} = '#123456'" for name in COLOURS[:-2]),
     "the colours attention, bad are missing"),
])
def test_a_bad_file_says_what_is_wrong(tmp_path: Path, text: str, wanted: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    themes, problems = load_themes(OWN, tmp_path)
    assert problems == [f"mine.toml: {wanted}"]
    assert set(themes) >= WANTED


def test_no_toml_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("= nothing")
    (tmp_path / "b.toml").mkdir()
    themes, problems = load_themes(tmp_path)
    assert themes == {}
    assert [line.partition(":")[0] for line in problems] == ["a.toml", "b.toml"]


def test_a_users_theme_wins(tmp_path: Path) -> None:
    (tmp_path / "night.toml").write_text(GOOD.replace('"x"', '"night"'))
    themes, _ = load_themes(OWN, tmp_path)
    assert themes["night"].palette.good == "#123456"


@pytest.mark.parametrize(("asked", "kept", "environment", "worn"), [
    ("", "", {}, DEFAULT), ("", "paper", {}, "paper"), ("", "gone", {}, DEFAULT), ("paper", "amber", {}, "paper"),
    ("", "paper", {"NO_COLOR": "1"}, "mono"), ("amber", "paper", {"NO_COLOR": "1"}, "amber"),
    ("", "paper", {"TERM": "linux"}, "sixteen"), ("", "mono", {"TERM": "linux"}, "mono"),
    ("", "paper", {"TERM": "vt100"}, "mono"),
])
def test_what_a_terminal_can_show_outweighs_what_was_chosen_on_another(
    asked: str, kept: str, environment: dict[str, str], worn: str,
) -> None:
    assert chosen(asked, kept, ["paper", "amber", "mono", "sixteen", DEFAULT], environment) == worn
