"""The short way to a restore takes the words apart as the long way does, or gives way to it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from core.cli import recovery
from core.cli.app import app
from core.cli.short import restore_of, take_apart

WORDS = [
    "restore a:/b --to /x", "restore --to /x a:/b a:/c:/d", "restore a:/b --to=/x --as-of=2026-01-01 --json",
    "restore a:/b --as-of yesterday --dry-run --fresh --overwrite --to /x", "restore --to /x -- a:/b --odd",
    "restore a:/b --to /x --to /y", "restore a:/b --to=", "restore a:/b --to /x --as-of --json",
]


@pytest.mark.parametrize("line", WORDS)
def test_both_ways_understand_the_same(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []

    def recover(*given: object, **more: object) -> int:
        heard.append((given, more))
        return 0

    monkeypatch.setattr(recovery, "recover", recover)
    typer.main.get_command(app).main(args=line.split(" "), prog_name="taperoom", standalone_mode=False)
    short = restore_of(line.split(" "))
    assert short is not None and short() == 0
    by_parser, by_short_way = heard
    assert by_parser == by_short_way


@pytest.mark.parametrize("line", [
    "", "restore", "restore a:/b", "restore --to /x", "restore a:/b --to", "restore a:/b --help", "restore -h",
    "ls a:/b --to /x",
    "restore a:/b --to /x --unknown", "restore a:/b --t /x", "--batch restore a:/b --to /x",
])
def test_in_doubt_the_long_way(line: str) -> None:
    assert take_apart(line.split(" ") if line else []) is None


def test_the_configuration_is_known_in_front() -> None:
    found = take_apart(["--config", "f", "restore", "a:/b", "--to", "/x"])
    assert found is not None and found.config == "f"


def test_a_plain_restore_loads_no_parser_of_commands(tmp_path: Path) -> None:
    code = ("import sys\nfrom core.cli.main import run\n"
            f"print(run(['--config', {str(tmp_path / 'none.toml')!r}, 'restore', 'a:/b', '--to', '/x']))\n"
            "print(*sorted({name.split('.')[0] for name in sys.modules}))")
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    first, modules = done.stdout.splitlines()
    assert first == "2" and done.stderr.startswith("CFG002 ")
    assert not {"typer", "pydantic", "rich", "asyncio", "textual"} & set(modules.split())
