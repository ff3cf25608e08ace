"""The console through a real mosh: its own terminal emulator between ours and the console, over UDP on loopback."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support import recorded_run
from tests.support.console_terminal import ConsoleTerminal

ROOT = Path(__file__).parents[2]
MOSH = shutil.which("mosh-server") and shutil.which("mosh-client")

pytestmark = [
    pytest.mark.interop, pytest.mark.slow,
    pytest.mark.skipif(not MOSH, reason="NO mosh HERE: the console over mosh is NOT tested"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A mosh-server with the console in it; the variables that its client needs."""
    with recorded_run.alive(recorded_run.make_run(tmp_path, "dumping")):
        plain = {k: v for k, v in os.environ.items() if not k.startswith("TEXTUAL") and k not in ("NO_COLOR", "TMUX")}
        done = subprocess.run(
            ["mosh-server", "new", "-i", "127.0.0.1", "-c", "256", "--", sys.executable, "-P", "-m", "tui", "--state-dir",
             str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True, env={
                 **plain, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "TZ": "UTC", "XDG_STATE_HOME": str(tmp_path),
                 "XDG_CONFIG_HOME": str(tmp_path), "MOSH_SERVER_NETWORK_TMOUT": "60"})
        said = done.stdout + done.stderr
        port, key = next(line for line in said.splitlines() if line.startswith("MOSH CONNECT")).split()[2:4]
        pid = int(said.partition("pid = ")[2].partition("]")[0])
        yield {"MOSH_KEY": key, "PORT": port, "LC_ALL": "C.UTF-8"}
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def client(server: dict[str, str]) -> ConsoleTerminal:
    become = "import os, sys; os.execvp('mosh-client', ['mosh-client', '127.0.0.1', os.environ['PORT']])"
    return ConsoleTerminal(program=("-c", become), environment=server, width=120, height=40)


def test_over_mosh(server: dict[str, str]) -> None:
    with client(server) as terminal:
        terminal.until("q detach")
        terminal.until("mail:/srv")
        terminal.press("3")
        terminal.until("all channels")
        terminal.press("1")
        terminal.resize(80, 24)
        terminal.until("QUEUE")
        terminal.press("r")
        terminal.until("Request #7 of 2")
        terminal.press("\x1b")
        terminal.until("QUEUE")
        terminal.press("q")
        assert terminal.ended() == 0
