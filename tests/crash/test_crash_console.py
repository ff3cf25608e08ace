"""kill -9 of a console at every record and message of a night: the night does not notice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.events import event as e
from tests.crash.invariants import all_is_well
from tests.crash.site import CrashSite

WATCHER = """
import socket, sys, time
sock = socket.socket(socket.AF_UNIX)
directory = __import__("os").open(sys.argv[1], 0)
try:
    sock.connect(f"/proc/self/fd/{directory}/control")
except OSError:
    sys.exit()
sock.sendall(b"HELLO crash operate\\nPRIORI")
while sock.recv(65536):
    pass
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[CrashSite]:
    yield CrashSite(tmp_path / "site")


class Consoles:
    """One console at a time: at each point, or at ``every`` so many, the old one is killed, in whatever it does, and another
    one is started."""

    def __init__(self, site: CrashSite, command: list[str] | None, every: int) -> None:
        self._site, self._command, self._every = site, command, every
        self.points = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._terminal = -1
        self.killed: list[str] = []

    def at(self, point: str) -> None:
        """Kill and start."""
        self.points += 1
        if self.points % self._every:
            return
        if self._process is not None:
            self.killed.append(point)
        self.end()
        runs = self._site.site.runs_dir / self._site.runs()[-1]
        if self._command is None:
            self._process = subprocess.Popen([sys.executable, "-I", "-S", "-c", WATCHER, str(runs)])
            return
        self._terminal, inner = os.openpty()
        self._process = subprocess.Popen(
            [*self._command, "--state-dir", str(self._site.site.state_dir)], stdin=inner, stdout=inner, stderr=inner,
            start_new_session=True, env={**os.environ, "TERM": "xterm-256color", "TAPEROOM_CONFIG": str(self._site.site.file)})
        os.close(inner)
        seen = b""
        while b"\x1b[?1049h" not in seen:  # it has taken the screen
            seen += os.read(self._terminal, 65536)

    def end(self) -> None:
        """kill -9, and see it dead."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._terminal >= 0:
            os.close(self._terminal)
        self._process, self._terminal = None, -1


def play(site: CrashSite, command: list[str] | None, every: int = 1) -> Consoles:
    """A night with consoles that are killed all the time; everything is as without them."""
    site.renew()
    consoles = Consoles(site, command, every)
    try:
        said = site.night(None, at_each=consoles.at)
    finally:
        consoles.end()
    assert said.code == 0, said.text + site.logs()
    facts = site.facts(site.runs()[-1])
    assert isinstance(facts[-1], e.RunEnded) and facts[-1].code == 0
    assert not any(isinstance(fact, e.OperatorActed) for fact in facts), "half an order was taken for one"
    all_is_well(site)
    return consoles


def test_consoles_killed_at_every_point_change_nothing(site: CrashSite, capsys: pytest.CaptureFixture[str]) -> None:
    consoles = play(site, None)
    assert len(consoles.killed) > 80
    with capsys.disabled():
        print(f"\nconsoles killed: {len(consoles.killed)}")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_real_consoles_killed_again_and_again_change_nothing(site: CrashSite) -> None:
    """A real one takes a second to draw, so it is met at every eighth point."""
    assert len(play(site, [sys.executable, "-P", "-m", "tui"], 8).killed) > 9
