"""Rows about the console on a pty: how soon it is there and answers, what it sends, what it takes."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.measure import Broken
from tests.bench.setting import Setting
from tests.bench.site import ROOT, BenchSite, make_site
from tests.bench.table import Line
from tests.support.console_terminal import ConsoleTerminal

FAST = 10_000.0
ORDINARY = 340.0
"""Lines a second of 336 dumps that each say PROGRESS once a second."""

KEYS = 60
KIB = 1024


@contextmanager
def _night(top: Path, rate: float) -> Iterator[Callable[[], int]]:
    """A night under way; the function ends it and tells how many lines it wrote."""
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir(parents=True)
    process = subprocess.Popen([sys.executable, "-P", "-m", "tests.bench.night", str(top), str(rate)], cwd=ROOT,
                               env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    if process.stdout.readline() != b"ready\n":
        raise Broken("the night did not begin")

    def end() -> int:
        if process.stdin is not None and not process.stdin.closed:
            process.stdin.close()
        assert process.stdout is not None
        return int(process.stdout.readline() or b"0")

    try:
        yield end
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def _open(top: Path, *more: str) -> ConsoleTerminal:
    return ConsoleTerminal("--state-dir", str(top), *more, width=120, height=40)


def _attach(site: BenchSite) -> ConsoleTerminal:
    """As an operator types it: `taperoom attach`, which reads the configuration and finds the run."""
    begin = ("-P", "-c", "import sys; from core.cli.main import main; sys.exit(main())")
    return ConsoleTerminal("--config", str(site.config), "attach", width=120, height=40, program=begin)


def _row(terminal: ConsoleTerminal) -> int:
    return next((n for n, line in enumerate(terminal.screen.display) if line.startswith("│>")), -1)


def _until(terminal: ConsoleTerminal, what: Callable[[], bool], seconds: float, slice_: float = 0.002) -> float:
    """Seconds until something is on the screen.  Broken when it never is."""
    began = time.monotonic()
    while not what():
        terminal.pump(slice_)
        if time.monotonic() - began > seconds:
            raise Broken(f"not on the screen within {seconds} s:\n{terminal.text}")
    return time.monotonic() - began


def _watch(terminal: ConsoleTerminal, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        terminal.pump(min(0.1, left))


def _keys(terminal: ConsoleTerminal, count: int, patience: float = 10.0) -> list[float]:
    """Milliseconds from a key to its paint, again and again: the cursor goes down and up in the list of disks."""
    found = []
    for n in range(count):
        _watch(terminal, 0.05 + 0.013 * (n % 7))
        before = _row(terminal)
        terminal.press("j" if n % 2 == 0 else "k")
        found.append(1000 * _until(terminal, lambda before=before: _row(terminal) != before, patience))  # type: ignore[misc]
    return found


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) / KIB if found else 0.0


def _line(name: str, value: float, unit: str, most: float, digits: int = 0) -> Line:
    return Line(name, f"{value:.{digits}f} {unit}", target=f"≤ {most:g} {unit}", ok=value <= most)


def console(setting: Setting) -> Iterator[Line]:
    """Everything about the console."""
    top = setting.work / "console"
    yield from _first_paint(setting)
    yield from _steady(setting, top)
    yield from _flood(setting, top)
    yield from _thin(top)
    shutil.rmtree(top, ignore_errors=True)


def _first_paint(setting: Setting) -> Iterator[Line]:
    paints, whole = [], []
    site = make_site(setting.work / "console-site", [ROOT / "themes"])
    with _night(site.top / "state", 1.0):
        for _ in range(setting.times + 1):
            with _attach(site) as terminal:
                paints.append(_until(terminal, lambda t=terminal: "LIVE" in t.text, 10))  # type: ignore[misc]
                whole.append(paints[-1] + _until(terminal, lambda t=terminal: "Disks  336" in t.text, 10))  # type: ignore[misc]
    site.remove()
    yield _line("console: first paint after taperoom attach, 10,000 facts", statistics.median(paints[1:]), "s", 0.6, 2)
    yield _line("console: attach to 10,000 facts, all shown", statistics.median(whole[1:]), "s", 1.0, 2)


def _steady(setting: Setting, top: Path) -> Iterator[Line]:
    for more, most in (((), 10.0), (("--slow", ), 2.0)):
        with _night(top, ORDINARY), _open(top, *more) as terminal:
            _until(terminal, lambda t=terminal: "Disks  336" in t.text, 20)  # type: ignore[misc]
            _watch(terminal, 6.0)
            before, seconds = len(terminal.sent), 8.0 if setting.times < 3 else 20.0
            _watch(terminal, seconds)
            sent = (len(terminal.sent) - before) / seconds / KIB
            yield _line(f"console: to the terminal, 336 disks {' '.join(more)}".rstrip(), sent, "KiB/s", most, 2)


def _flood(setting: Setting, top: Path) -> Iterator[Line]:
    with _night(top, FAST) as end, _open(top) as terminal:
        _until(terminal, lambda: "Disks  336" in terminal.text, 20)
        pid = terminal.process.pid
        _watch(terminal, 6.0)  # the pane's 20,000 lines are full
        resident, used, began, sent = _resident(pid), _cpu(pid), time.monotonic(), len(terminal.sent)
        keys = _keys(terminal, 20 if setting.times < 3 else KEYS)
        _watch(terminal, 1800.0 if setting.long else 4.0 if setting.times < 3 else 20.0)
        seconds = time.monotonic() - began
        yield _line("console: key to paint at 10,000 lines/s, p95", _p95(keys), "ms", 50)
        yield _line("console: CPU at 10,000 lines/s", (_cpu(pid) - used) / seconds, "cores", 1.0, 2)
        yield Line("console: to the terminal at 10,000 lines/s", f"{(len(terminal.sent) - sent) / seconds / KIB:.2f} KiB/s")
        grown = _resident(pid) - resident
        yield Line(f"console: memory after {seconds:.0f} s", f"{grown:+.1f} MiB", target="± 5 MiB", ok=abs(grown) <= 5)
        yield _line("console: resident", _resident(pid), "MiB", 120, 1)
        wanted = end()
        text = f"{wanted:,}".replace(",", "[ ,.]?")
        try:
            _until(terminal, lambda: re.search(rf"Protocol  {text}\b", terminal.text) is not None, 10, 0.05)
            lost = 0
        except Broken:
            shown = re.search(r"Protocol  ([\d ,.]+)", terminal.text)
            lost = wanted - int(re.sub(r"\D", "", shown[1]) or 0) if shown else wanted
        yield Line(f"console: lines lost of {wanted:,}", str(lost), target="= 0", ok=lost == 0)


class _ThinLine(ConsoleTerminal):
    """A terminal that takes 1,024 bytes a second; what asks for an answer waits its turn, too."""

    piece = 64
    _free = 0.0

    def pump(self, seconds: float = 0.05) -> bool:
        """A sixteenth of a second's worth, if the line is free."""
        wait = self._free - time.monotonic()
        if wait > 0:
            time.sleep(min(wait, seconds))
            return False
        before = len(self.sent)
        found = super().pump(seconds)
        self._free = time.monotonic() + (len(self.sent) - before) / KIB
        return found


def _thin(top: Path) -> Iterator[Line]:
    with _night(top, FAST) as end, _ThinLine("--state-dir", str(top), width=80, height=24) as terminal:
        began = time.monotonic()
        _until(terminal, lambda: "Disks  336" in terminal.text, 60)
        _watch(terminal, 10.0)
        keys = []
        for n in range(10):
            _watch(terminal, 1.5)
            before = next((k for k, line in enumerate(terminal.screen.display) if line.startswith(">")), -1)
            terminal.press("j" if n % 2 == 0 else "k")
            keys.append(_until(terminal, lambda before=before: next(  # type: ignore[misc]
                (k for k, line in enumerate(terminal.screen.display) if line.startswith(">")), -1) != before, 30))
        yield _line("console: key to paint on a 1 KB/s link, p95", _p95(keys), "s", 4.0, 2)
        took = time.monotonic() - began
        rate = end() / took
        yield Line("console: what the run writes beside a 1 KB/s link", f"{rate:,.0f} lines/s",
                   target=f"≥ {FAST * 0.99:,.0f} lines/s", ok=rate >= FAST * 0.99)
