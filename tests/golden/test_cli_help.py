"""The help of every command, as it is printed on 80 columns.

TAPEROOM_WRITE_GOLDEN=1 writes the files again; look at them before you keep them.
"""

from __future__ import annotations

import os
import re
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from core.cli.app import app
from tests.support.cli import call, program

GOLDEN = Path(__file__).parent / "cli"
TYPER = "0.29"
"""The version whose layout the files have; another one may print the same help in another way."""


def commands() -> list[tuple[str, ...]]:
    """Every command's words."""
    group = typer.main.get_command(app)
    found: list[tuple[str, ...]] = [()]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        found.append((name,))
        found += [(name, inner) for inner in getattr(command, "commands", {})]
    return found


@pytest.mark.parametrize("words", commands(), ids=lambda words: "-".join(words) or "taperoom")
def test_help(words: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = call(capsys, *words, "--help")
    assert (said.code, said.err) == (0, "")
    assert all(len(line) <= 80 for line in said.out.splitlines())
    assert re.search(r"^  Examples?:\n    taperoom ", said.out, re.MULTILINE)
    path = GOLDEN / f"{'-'.join(words) or 'taperoom'}.txt"
    if os.environ.get("TAPEROOM_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(said.out)
    if not version("typer").startswith(TYPER):
        pytest.skip(f"typer {version('typer')} is here; the golden files are of {TYPER}")
    assert said.out == path.read_text()


def test_summaries_fit_their_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, listed = call(capsys, "--help").out.split("Commands:\n")
    assert "..." not in listed


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {"-".join(words) or "taperoom" for words in commands()}


def test_version() -> None:
    said = program("--version")
    assert said.code == 0
    assert re.fullmatch(r"taperoom (\d+\.\d+\.\d+\S*|\(not installed\))\n", said.out)
