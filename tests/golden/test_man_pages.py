"""The manual pages: nothing of the commands and of the configuration is missing, and groff has nothing to complain of."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from core.config.meanings import MEANINGS
from core.manual.__main__ import pages, write
from core.manual.roff import Page, escape
from core.manual.settings import TABLES

MADE = pages()


def shown(name: str) -> str:
    """A page as a reader has it, without line ends."""
    done = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-rLL=200n", "-P-cbou"], input=MADE[name], capture_output=True,
                          text=True, check=True)
    assert done.stderr == "", done.stderr
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("name", sorted(MADE))
def test_groff_has_nothing_to_complain_of(name: str) -> None:
    if shutil.which("groff") is None:
        pytest.skip("NOT TESTED: the manual pages: groff is not installed")
    assert "NAME" in shown(name)


def test_every_key_is_explained() -> None:
    assert {name for name, *_ in TABLES} == set(MEANINGS)
    for name, _, _, known in TABLES:
        assert set(MEANINGS[name]) == set(known), name
        assert all(text.endswith(".") for text in MEANINGS[name].values())


def test_every_command_and_option_is_there() -> None:
    import typer

    from core.cli.app import app

    text = MADE["taperoom.1"]
    group = typer.main.get_command(app)
    found = 0
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", {})
        for path, one in {name: command, **{f"{name} {word}": it for word, it in inner.items()}}.items():
            if getattr(one, "commands", None):
                continue
            part = text.split(f'.SS "taperoom {escape(path)}')[1].split(".SS")[0]
            for option in (opt for parameter in one.params for opt in parameter.opts if opt.startswith("-")):
                assert escape(option) in part, (path, option)
                found += 1
    assert found > 60


def test_what_is_said_cannot_become_a_macro() -> None:
    page = Page("a-b", 1, "back\\slash 'quoted'")
    page.paragraph(".SH not a heading. 'nor this. It goes on – with ü")
    page.example([".br", "'x'", "a -- b \\n"])
    page.item('--tag "x"', ".text")
    text = page.text(["c(1)", "a-b(1)"])
    lines = text.split("\n")
    assert "\\&.SH not a heading." in lines and "\\(aqnor this." in lines and "\\&.br" in lines and "\\(aqx\\(aq" in lines
    assert "a \\-\\- b \\en" in lines and "It goes on \\[u2013] with \\[u00FC]" in lines
    assert text.isascii() and text.endswith(".SH SEE ALSO\n.BR c (1)\n")


def test_pages_that_are_none_any_more_go(tmp_path: Path) -> None:
    (tmp_path / "old.8").write_text("")
    (tmp_path / "README").write_text("")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*MADE, "README"}
