"""What only a terminal shows: the questions of `init`, a progress line that is drawn again, colours that can be refused."""

from __future__ import annotations

import os
import pty
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import recorded_run as recorded
from tests.support.cli import PROGRAM, environment, write_site


@pytest.fixture
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tr-") as directory:
        yield Path(directory)


def on_terminal(cwd: Path, *words: str, typed: str = "", terminal: str = "xterm-256color", **env: str) -> tuple[int, str]:
    """Run a command on a terminal of its own; its exit code and everything that it wrote there."""
    master, slave = pty.openpty()
    child = subprocess.Popen([*PROGRAM, *words], stdin=slave, stdout=slave, stderr=slave, cwd=cwd, start_new_session=True,
                             env=environment(TERM=terminal, **env))
    os.close(slave)
    os.write(master, typed.encode())
    said = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # EIO: the last process has left the terminal
            break
        if not piece:
            break
        said += piece
    os.close(master)
    return child.wait(timeout=60), said.decode()


def test_init_asks_and_asks_again(root: Path) -> None:
    answers = ["night", f"{root}/s", f"{root}/h", f"{root}/v", "much", "1 GiB", "soon", "3 days", "localhost:/etc", "web1", ""]
    code, said = on_terminal(root, "init", typed="".join(f"{answer}\n" for answer in answers))
    assert code == 0, said
    assert "that is 'much'; wanted is a size with a unit" in said
    assert "that is 'soon'; wanted is a time with a unit" in said
    assert "'web1' is not HOST:DISK, such as web1:/home" in said
    assert "wrote taperoom.toml: 1 disk\r\nnow: taperoom check" in said
    assert 'org = "night"' in (root / "taperoom.toml").read_text()


def test_colours_can_be_refused(root: Path) -> None:
    write_site(root)
    code, said = on_terminal(root, "check", "--no-clients")
    assert (code, "\x1b[32mok" in said) == (0, True)
    code, said = on_terminal(root, "check", "--no-clients", NO_COLOR="1")
    assert (code, "\x1b[32m" in said) == (0, False)


def test_a_progress_line_is_drawn_and_taken_away(root: Path) -> None:
    write_site(root)
    recorded.make_run(root / "state", "dumping")
    _, said = on_terminal(root, "status", "--follow")
    assert "\r\x1b[K" in said
    assert "4/9 disks, 1 dumping" in said
    _, said = on_terminal(root, "status", "--follow", "--json")
    assert "\x1b" not in said


def test_a_dumb_terminal_gets_a_word_instead_of_the_console(root: Path) -> None:
    write_site(root)
    recorded.make_run(root / "state")
    code, said = on_terminal(root, "attach", terminal="dumb")
    assert (code, "CFG006 the console needs a terminal" in said) == (2, True)
