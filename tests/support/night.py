"""A night driven by hand for process tests: a real driver, dumpers and taper; the test writes the plan and answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from core.client.follow import Journal, read_gauges
from core.client.runs import Run, live_run
from core.events.event import Event, Record
from core.events.view import RunView
from core.model.units import datestamp_of
from core.wire.features import CLIENT
from tests.support import fake_amandad
from tests.support.cli import Said, program
from tests.support.small_site import SmallSite

T = TypeVar("T")
PATIENCE = 120.0
"""Seconds until a test gives up on what must come; not a measure of anything."""


def wait_for(what: Callable[[], T | None], why: Callable[[], str] = lambda: "") -> T:
    """The first true value of ``what``."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError(f"it did not happen in time\n{why()}")


class Night:
    """One run; use as a context manager.  ``view`` is folded from the journal as far as it was read."""

    def __init__(self, site: SmallSite) -> None:
        self.site = site
        self.view = RunView()
        self.records: list[Record] = []
        self.driver = site.start("driver", stdin=subprocess.PIPE)
        self.plan(f"DATE {datestamp_of(time.time())}", end=False)
        run = wait_for(lambda: live_run(site.root / "state"), site.logs)
        self.run: Run = run
        self._journal = Journal(run)

    def __enter__(self) -> Night:
        return self

    def __exit__(self, *_: object) -> None:
        if self.driver.stdin is not None and not self.driver.stdin.closed:
            self.driver.stdin.close()
        if self.driver.poll() is None:
            self.driver.kill()
        self.driver.wait()
        self._journal.close()

    def plan(self, *lines: str, end: bool = True) -> None:
        """Say this to the driver; ``end``: the plan is complete."""
        assert self.driver.stdin is not None
        self.driver.stdin.write("".join(line + "\n" for line in lines).encode())
        self.driver.stdin.flush()
        if end:
            self.driver.stdin.close()

    def line(self, title: str, size: int, level: int = 0, more: str = "") -> str:
        """A line of the plan."""
        return f"{title.partition(':')[0]} {self.site.data(title)} 1 {level} {size}{' ' if more else ''}{more}"

    def look(self) -> RunView:
        """Read what is new in the journal."""
        new = self._journal.read()
        self.records += new
        self.view.apply_all(new)
        return self.view

    def until(self, seen: Callable[[RunView], T | None]) -> T:
        """Wait until that is true of the view."""
        return wait_for(lambda: seen(self.look()), self.site.logs)

    def facts(self, *kinds: type[Event]) -> list[Any]:
        """The facts of these kinds so far."""
        self.look()
        return [record.event for record in self.records if type(record.event) in kinds]

    def ends(self) -> int:
        """Wait for the driver's end; its exit code."""
        code = self.driver.wait(200)
        self.look()
        return int(code)

    def taperoom(self, *words: str) -> Said:
        """A command, as an operator types it."""
        return program("--config", str(self.site.config), *words)

    def status(self) -> dict[str, Any]:
        """``taperoom status --json``."""
        said = self.taperoom("status", "--json")
        assert said.code == 0, said.err
        found: dict[str, Any] = json.loads(said.out)
        return found

    def gauge(self, of: Callable[[Any], T | None]) -> T:
        """Wait until the gauges say that."""
        return wait_for(lambda: of(read_gauges(self.run)), self.site.logs)


class Client:
    """A scripted client of a small site: what it does is changed between attempts."""

    def __init__(self, root: Path, name: str) -> None:
        self.script = root / f"{name}.json"

    @property
    def command(self) -> list[str]:
        """Its ``amandad`` in the configuration."""
        return [sys.executable, fake_amandad.__file__, str(self.script)]

    def plays(self, steps: list[list[Any]], **more: Any) -> None:
        """What it does from the next connection on."""
        fresh = self.script.with_suffix(".new")
        fresh.write_text(json.dumps({"features": CLIENT.text, "steps": steps, **more}))
        fresh.replace(self.script)


@contextmanager
def small_file_system(path: Path, size: str) -> Iterator[Path]:
    """A tmpfs of that size at ``path``; the test is skipped where none can be mounted."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    done = subprocess.run(command, capture_output=True, check=False) if os.geteuid() == 0 else None
    if done is None or done.returncode:
        pytest.skip("NOT TESTED: a small file system that is really full needs root and mount(8)")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=False)
