"""Calling the commands as a user does: in this process with what they print, or as a program."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.cli.main import run
from core.client.runs import Run
from core.errors import BadLine
from core.protocol import operator as op
from core.protocol.conversation import Lines

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-P", "-c", "from core.cli.main import main; main()")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def call(capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    """Run a command in this process."""
    capsys.readouterr()
    code = run(list(words))
    out, err = capsys.readouterr()
    return Said(code, out, err)


def environment(**more: str) -> dict[str, str]:
    """A plain environment in which our packages are found."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("TAPEROOM", "COLUMNS", "NO_COLOR"))}
    return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "80", "TERM": "dumb", "TZ": "UTC"} | more


def program(*words: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> Said:
    """Run a command as a program without a terminal."""
    done = subprocess.run([*PROGRAM, *words], stdin=subprocess.DEVNULL, capture_output=True, cwd=cwd,
                          env=environment(**(env or {})), timeout=120, check=False)
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextmanager
def answering(run: Run, *answers: op.Ok | op.Refused | op.Gone) -> Iterator[list[op.Said]]:
    """A driver's control socket that gives these answers; the orders that it heard come back in the list."""
    heard: list[op.Said] = []
    waiting: Sequence[op.Ok | op.Refused | op.Gone] = list(answers)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(run.control))
    server.listen(4)

    def serve() -> None:
        for answer in waiting:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                lines, count = Lines(), 0
                while count < 2:
                    for line in lines.feed(peer.recv(65536)):
                        try:
                            said = op.VOCABULARY.decode(line)
                        except BadLine:
                            return
                        count += 1
                        if not isinstance(said, op.Hello):
                            heard.append(said)
                        peer.sendall(op.VOCABULARY.encode(op.Ok() if isinstance(said, op.Hello) else answer))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        server.close()
        run.control.unlink(missing_ok=True)


def write_site(directory: Path, more: str = "") -> Path:
    """A small site in ``directory`` whose disks are those of the recorded night."""
    from tests.support.recorded_run import PLAN

    for name in ("hold", "vtapes", "state"):
        (directory / name).mkdir(exist_ok=True)
    disks = "".join(f'[[disk]]\nhost = "{host}"\ndisk = "{disk}"\nauth = "local"\n' for host, disk, *_ in PLAN)
    file = directory / "taperoom.toml"
    file.write_text(
        'org = "DailySet1"\nstate_dir = "state"\n[[holding]]\npath = "hold"\nuse = "all"\n'
        '[storage.main]\nchanger = "disk:vtapes"\nslots = 5\ncapacity = "100 MiB"\nautolabel = "D-%%"\n' + more + disks)
    return file
