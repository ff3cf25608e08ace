"""The short way to the console: taken only when nothing is in doubt, and as light as it claims."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.cli.main import _invoke
from core.cli.straight import console_words, plan, tell_status
from core.errors import UsageError
from tests.support.recorded_run import make_run
from tests.support.small_site import SmallSite
from tui.__main__ import arguments


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "taperoom.toml"
    file.write_text('org = "x"\nstate_dir = "state"\ntheme = "paper"\n')
    (tmp_path / "state" / "runs" / "20261201001500").mkdir(parents=True)
    return file


@pytest.mark.parametrize(("words", "more"), [([], []), (["attach"], []), (["attach", "--read-only"], ["--read-only"])])
def test_it_starts_the_console_on_the_state_directory(config: Path, words: list[str], more: list[str]) -> None:
    assert plan(["--config", str(config), *words]) == (
        config, [sys.executable, "-P", "-m", "tui", "--state-dir", str(config.parent / "state"), "--theme", "paper", *more])


@pytest.mark.parametrize("words", [
    ["attach", "2026"], ["attach", "--help"], ["--batch"], ["--json"], ["status"], ["replay"], ["attach", "--read-onl"],
    ["--config", "other", "attach"], ["--config=/x", "attach"], ["--ascii"], ["attach", "--slow"],
])
def test_any_other_word_goes_the_long_way(config: Path, words: list[str]) -> None:
    assert plan(["--config", str(config), *words]) is None


@pytest.mark.parametrize("text", [
    "state_dir =", 'org = "x"\n', "state_dir = 3\n", 'state_dir = ""\n', 'state_dir = "state"\ntheme = 1\n', None])
def test_a_configuration_in_doubt_goes_the_long_way(config: Path, text: str | None) -> None:
    if text is None:
        config.unlink()
    else:
        config.write_text(text)
    assert plan(["--config", str(config), "attach"]) is None


def test_attach_needs_a_run_and_the_bare_word_does_not(config: Path) -> None:
    (config.parent / "state" / "runs" / "20261201001500").rmdir()
    assert plan(["--config", str(config), "attach"]) is None
    assert plan(["--config", str(config)]) is not None


def test_both_ways_say_the_same(tmp_path: Path) -> None:
    from core.cli.console import command_of
    from core.config.load import load_site

    made = SmallSite(tmp_path, {"alpha:/home": {"a": b"x"}})
    found = plan(["--config", str(made.config)])
    site = load_site(made.config)
    assert found == (site.file, command_of(site)) and command_of(site) == console_words(site.state_dir, site.theme)


@pytest.mark.parametrize(("words", "more"), [
    (["--ascii"], ["--ascii"]), (["--slow"], ["--slow"]), (["attach", "--slow", "--ascii", "--read-only"],
                                                           ["--read-only", "--ascii", "--slow"]),
    (["replay", "--ascii"], ["--ascii"]), (["replay", "--slow"], ["--slow"]),
])
def test_how_the_console_is_shown_is_said_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], more: list[str],
) -> None:
    made, became = SmallSite(tmp_path, {"alpha:/home": {"a": b"x"}}), list[list[str]]()
    make_run(tmp_path / "state", "ended")
    monkeypatch.setattr("core.cli.show.can_show_console", lambda: True)
    monkeypatch.setattr("os.execvp", lambda _, command: became.append(command))
    _invoke(["--config", str(made.config), *words])
    assert [command[-len(more):] for command in became] == [more] and became[0][3] == "tui"
    arguments(became[0][4:])  # the console takes them


def test_how_it_is_shown_is_not_dropped_in_front_of_a_command(config: Path) -> None:
    with pytest.raises(UsageError, match="--slow stands behind the command"):
        _invoke(["--config", str(config), "--slow", "attach"])


def test_the_short_way_loads_neither_the_parser_nor_the_configuration(config: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import sys, core.cli.main\nfrom core.cli import straight\n"
         f"assert straight.plan(['--config', {str(config)!r}, 'attach'])\n"
         "print([m for m in ('typer', 'pydantic', 'core.config.load', 'core.client.runs', 'textual') if m in sys.modules])"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert said.stdout == "[]\n"


def test_status_is_said_without_the_parser_and_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = SmallSite(tmp_path, {"alpha:/home": {"a": b"x"}})
    make_run(tmp_path / "state", "ended")
    words = ["--config", str(made.config), "status"]
    assert tell_status(words) == 0
    short = capsys.readouterr().out
    assert _invoke(words) == 0 and capsys.readouterr().out == short and "ended" in short
    assert tell_status([*words, "--json"]) == 0 and capsys.readouterr().out.startswith("{")
    for more in (["--follow"], ["2026"], ["--help"]):
        assert tell_status([*words, *more]) is None
    said = subprocess.run(
        [sys.executable, "-c", "import sys\nfrom core.cli.main import run\n"
         f"assert run({words!r}) == 0\nprint([m for m in ('typer', 'pydantic', 'textual', 'rich') if m in sys.modules])"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert said.stdout.endswith("[]\n")
