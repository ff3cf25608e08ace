"""What starting a command costs in imports, and what the shell's completion is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import recorded_run as recorded
from tests.support.cli import PROGRAM, environment, program, write_site

HEAVY = {"textual", "rich", "tui", "sqlite3", "ssl"}


def modules_of(*words: str, cwd: Path) -> set[str]:
    code = f"import sys; from core.cli.main import run; run({list(words)!r}); print('\\n', *sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=cwd, capture_output=True, text=True, check=True,
                          env=environment())
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_next_to_nothing(tmp_path: Path) -> None:
    loaded = modules_of("--help", cwd=tmp_path)
    assert not loaded & (HEAVY | {"asyncio", "socket", "core.config.load", "core.client.runs", "pydantic"})


@pytest.mark.parametrize("words", [("status",), ("explain", "HLD003"), ("disk", "add", "a:/b"), ("requests",)])
def test_commands_import_no_console(tmp_path: Path, words: tuple[str, ...]) -> None:
    write_site(tmp_path)
    recorded.make_run(tmp_path / "state")
    assert not modules_of(*words, cwd=tmp_path) & {"textual", "rich", "tui"}


def complete(line: str, cwd: Path) -> list[str]:
    words = line.split(" ")
    done = subprocess.run(PROGRAM, cwd=cwd, capture_output=True, text=True, check=False, env=environment(
        _TAPEROOM_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1)))
    return done.stdout.split()


def test_completion_of_commands_disks_runs_and_codes(tmp_path: Path) -> None:
    write_site(tmp_path)
    recorded.make_run(tmp_path / "state")
    assert complete("taperoom re", tmp_path) == [
        "report", "replay", "requests", "reply", "resume", "release", "retry", "restore", "recover",
        "recipe"]
    assert complete("taperoom hold db", tmp_path) == ["db01:/srv", "db02:/srv"]
    assert complete("taperoom report 2026", tmp_path) == ["20261201001500"]
    assert "HLD003" in complete("taperoom explain HLD", tmp_path)


def test_completion_without_a_configuration_is_silent(tmp_path: Path) -> None:
    assert complete("taperoom hold db", tmp_path) == []


def test_a_program_without_a_terminal_prints_no_escapes(tmp_path: Path) -> None:
    write_site(tmp_path)
    recorded.make_run(tmp_path / "state")
    for words in (["status"], ["report"], ["check", "--no-clients"], ["tape", "list"]):
        said = program(*words, cwd=tmp_path, env={"TERM": "xterm-256color"})
        assert "\x1b" not in said.out
        assert said.err == ""
