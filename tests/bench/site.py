"""A configuration for one sample, and our programs on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from core.protocol.conversation import Conversation, Lines
from tests.bench.measure import Broken

ROOT = Path(__file__).resolve().parents[2]
STAMP = "20260102030405"


@dataclass(frozen=True, slots=True)
class BenchSite:
    """A site in ``top``, all disks on one host that is this machine."""

    top: Path

    @property
    def config(self) -> Path:
        return self.top / "taperoom.toml"

    @property
    def environment(self) -> dict[str, str]:
        """For our programs: this checkout, and a client's state that belongs to this sample alone."""
        return {**os.environ, "PYTHONPATH": str(ROOT), "TAPEROOM_CLIENT_STATE": str(self.top / "client"), "LC_ALL": "C.UTF-8"}

    def command(self, program: str, *arguments: str, durable: bool = True) -> list[str]:
        """The command of one of our programs; not ``durable``: with fsync left out."""
        start = [sys.executable, "-P", "-m", *([] if durable else ["tests.bench.without_fsync"])]
        return [*start, f"core.{program}", str(self.config), *arguments]

    def remove(self) -> None:
        """Remove it; a thing outside all measurements."""
        shutil.rmtree(self.top, ignore_errors=True)


def make_site(
    top: Path, disks: Iterable[Path], dumptype: Mapping[str, object] | None = None, *, parallel: int = 4,
    host: Mapping[str, object] | None = None,
) -> BenchSite:
    """Write the configuration in a fresh directory ``top``; ``host``: how the one client is reached."""
    site = BenchSite(top)
    site.remove()
    for name in ("hold", "vtapes", "state"):
        (top / name).mkdir(parents=True)
    site.config.write_text(tomli_w.dumps({
        "org": "bench", "state_dir": str(top / "state"),
        "run": {"inparallel": parallel, "maxdumps": parallel, "runtapes": 1, "retry_delay": "1 s"},
        "holding": [{"path": str(top / "hold"), "use": "8 GiB"}],
        "storage": {"main": {
            "changer": f"disk:{top / 'vtapes'}", "slots": 3, "capacity": "8 GiB", "part_size": "1 GiB",
            "label": "B-[0-9]{3}", "autolabel": "B-%%%", "retention": {"tapes": 1, "days": 0, "full": 0}}},
        "dumptype": {"default": {"program": "gnutar", "auth": "local", "compress": "none", **(dumptype or {})}},
        **({"host": {"localhost": dict(host)}} if host else {}),
        "disk": [{"host": "localhost", "disk": str(disk)} for disk in disks],
    }))
    return site


class Program:
    """A program of ours with orders on its stdin and reports on its stdout."""

    def __init__(self, process: subprocess.Popen[bytes], talk: Conversation[Any]) -> None:
        self._process, self._talk, self._lines = process, talk, Lines()
        self._ready: list[bytes] = []

    def say(self, order: Any) -> None:
        """Send an order."""
        assert self._process.stdin is not None
        os.write(self._process.stdin.fileno(), self._talk.send(order))

    @property
    def cpu(self) -> float:
        """CPU seconds that it used until now, its children not counted."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_until_started(self) -> None:
        """Say something that makes no sense; whoever complains has started."""
        assert self._process.stdin is not None
        os.write(self._process.stdin.fileno(), b"HELLO?\n")
        self.hear()

    def hear(self, *unless: type[Any]) -> Any:
        """The next report that is not one of those.  Broken when the program ends."""
        assert self._process.stdout is not None
        while True:
            while not self._ready:
                data = os.read(self._process.stdout.fileno(), 65536)
                if not data:
                    raise Broken(f"{self._process.args!r} ended with {self._process.wait()}")
                self._ready += self._lines.feed(data)
            report = self._talk.receive(self._ready.pop(0))
            if not isinstance(report, unless):
                return report


@contextmanager
def running(command: list[str], site: BenchSite, talk: Conversation[Any]) -> Iterator[Program]:
    """A program while it runs; at the end its stdin is closed and it has ended."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=site.environment, bufsize=0) as process:
        try:
            yield Program(process, talk)
        except BaseException:
            process.kill()
            raise
