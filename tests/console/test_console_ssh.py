"""The console over a real sshd on loopback: attach, a lost connection, attach again; the run does not notice."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from core.client.follow import read_gauges
from tests.console.test_console_real_run import site as site
from tests.console.test_console_real_run import until, view
from tests.support.console_terminal import PATIENCE, ConsoleTerminal
from tests.support.small_site import SmallSite

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin")
ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(SSHD is None or shutil.which("ssh") is None, reason="NO sshd HERE: the console over ssh is NOT tested"),
]


def _key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path], check=True)
    return path


class Remote:
    """An sshd of our own, and a terminal's way through it."""

    def __init__(self, here: Path) -> None:
        self.here = here
        here.mkdir(mode=0o700)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on it
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        shutil.copy(_key(here / "id").with_suffix(".pub"), here / "authorized_keys")
        _key(here / "host_key")
        (here / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {here}/host_key\nAuthorizedKeysFile {here}/authorized_keys\n"
            f"PidFile {here}/pid\nUsePAM no\nStrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\n")
        (here / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {(here / 'host_key.pub').read_text()}")
        assert SSHD is not None
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", here / "config"], stderr=subprocess.PIPE)
        assert self.process.stderr is not None
        while b"Server listening" not in (line := self.process.stderr.readline()):
            assert line, "sshd does not start"

    def attach(self, state_dir: Path, width: int = 80, height: int = 24) -> ConsoleTerminal:
        """``ssh -t HOST taperoom attach``, in other words."""
        remote = (f"env PYTHONPATH={ROOT} XDG_STATE_HOME={self.here}/own LC_ALL=C.UTF-8 {sys.executable} -P -m tui "
                  f"--state-dir {state_dir}")
        return ConsoleTerminal(
            "ssh", "-tt", "-F", "/dev/null", "-o", f"UserKnownHostsFile={self.here}/known_hosts", "-i", str(self.here / "id"),
            "-p", str(self.port), "-l", getpass.getuser(), "127.0.0.1", remote, width=width, height=height,
            program=("-c", "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"))

    def cut(self) -> None:
        """Every connection breaks, as when a network goes away and the server gives up."""
        for pid in _children(self.process.pid):
            with suppress(ProcessLookupError):  # one that is about to end by itself
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """No more sshd."""
        self.cut()
        self.process.terminate()
        self.process.wait()


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
        except (OSError, IndexError):
            continue
    return found


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Remote]:
    made = Remote(tmp_path / "sshd")
    yield made
    made.close()


def test_attach_lose_the_connection_and_attach_again(site: SmallSite, remote: Remote) -> None:
    before = view(site)
    with remote.attach(site.root / "state") as terminal:
        terminal.until("LIVE")
        terminal.press("r")
        terminal.until("Request #1")
        until(lambda: read_gauges(site.run()).consoles, site)
        remote.cut()
        assert terminal.process.wait(PATIENCE) == 255
    until(lambda: read_gauges(site.run()).consoles == [], site)
    after = view(site)
    assert site.run().live()
    assert (after.acts, after.open_questions) == ([], before.open_questions)
    with remote.attach(site.root / "state", 120, 40) as terminal:
        terminal.until("r answers")
        terminal.press("r")
        terminal.until("Request #1")
        terminal.press("\x1b")
        terminal.until("Tape and holding")
        terminal.press("q")
        assert terminal.ended() == 0
        assert b"Detached. The run goes on; look again with: taperoom attach" in terminal.sent
    assert site.run().live()
