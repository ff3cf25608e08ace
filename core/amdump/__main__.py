"""``python -P -m core.amdump CONFIG [HOST[:DISK] …]``: one run, from lock to report.

Planner's stdout is the driver's stdin; both are watched.  SIGTERM and SIGINT are passed on to the driver, which ends the
dumps under way and says so in the journal.  Exit codes as in `taperoom explain exit-codes`.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from core.client.control import whoami
from core.client.lock import lock_site, make_run_directory
from core.client.lock_dead import close_dead, why_without_end
from core.client.old_indexes import trim_indexes
from core.client.runs import Run, view_of
from core.config.load import load_site
from core.errors import TaperoomError
from core.lossy import lose_what_cannot_be_said
from core.model.site import Site
from core.model.units import datestamp_of
from core.report.gather import gather
from core.report.morning import report_text

PATIENCE = 15.0
"""Seconds that the planner has to end once the driver has."""


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser(prog="amdump", description="One run: planner | driver, and the report.")
    parser.add_argument("config", type=Path)
    parser.add_argument("disks", nargs="*", metavar="HOST[:DISK]", help="only these; all when none is named")
    parser.add_argument("--no-dump", action="store_true", help="only flush what is left on the holding disks")
    parser.add_argument("--quiet", action="store_true", help="no report on stdout; report.txt is written all the same")
    given = parser.parse_args(arguments)
    try:
        site = load_site(given.config)
        lock = lock_site(site.state_dir)
        for sentence in close_dead(site, "the next run"):
            print(sentence, file=sys.stderr)
        directory = make_run_directory(site, datestamp_of(time.time()))
    except TaperoomError as fault:
        print(fault, file=sys.stderr)
        return fault.exit_code
    code = _run(site, directory, lock, given.disks, ["--no-dump"] if given.no_dump else [])
    text = _report(site, directory)
    _trim(site)
    if not given.quiet:
        print(text)
    return code


def _run(site: Site, directory: Path, lock: int, disks: Sequence[str], extra: Sequence[str]) -> int:
    base = [sys.executable, "-P", "-m"]
    config = str(site.file)
    signals = _Signals()
    with open(directory / "planner.log", "wb") as planner_log, open(directory / "driver.log", "wb") as driver_log:
        planner = subprocess.Popen(
            [*base, "core.planner", config, "--datestamp", directory.name, *extra, *disks],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=planner_log)
        # The driver inherits the site's lock: should this process be killed, no second run can begin beside the first.
        driver = subprocess.Popen(
            [*base, "core.driver", config, "--datestamp", directory.name, "--run-dir", str(directory), "--by", whoami()],
            stdin=planner.stdout, stdout=driver_log, stderr=driver_log, pass_fds=(lock,))
        assert planner.stdout is not None
        planner.stdout.close()
        signals.forward_to(driver)
        driver_code = driver.wait()
        if planner.poll() is None:
            planner.terminate()
        try:
            planner_code = planner.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            planner.kill()
            planner_code = planner.wait()
    return _judge(directory, driver_code, planner_code)


class _Signals:
    """SIGTERM and SIGINT stop the run by way of the driver; a lost terminal (SIGHUP) is no reason to."""

    def __init__(self) -> None:
        self._driver: subprocess.Popen[bytes] | None = None
        self._came = 0
        signal.signal(signal.SIGHUP, lambda number, frame: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._take)

    def forward_to(self, driver: subprocess.Popen[bytes]) -> None:
        """From now on to this process, and what came before."""
        self._driver = driver
        if self._came:
            self._take(self._came, None)

    def _take(self, number: int, frame: object) -> None:
        self._came = number
        if self._driver is not None and self._driver.poll() is None:
            self._driver.send_signal(number)


def _judge(directory: Path, driver_code: int, planner_code: int) -> int:
    if driver_code < 0 or driver_code > 5:
        print(f"RUN009 the driver died (status {driver_code}); what it knew is in {directory}.  "
              "Hint: read driver.log there, then run: taperoom cleanup", file=sys.stderr)
        return 3
    if driver_code in (0, 1) and planner_code not in (0, 1, -signal.SIGTERM, -signal.SIGPIPE):
        print(f"RUN010 the planner ended with status {planner_code}; the plan may be short.  "
              f"Hint: read {directory / 'planner.log'}", file=sys.stderr)
        return 1
    return driver_code


def _report(site: Site, directory: Path) -> str:
    view = view_of(Run(directory))
    text = report_text(view, gather(site))
    if view.ended is None:
        text += "".join(f"\n{line}" for line in why_without_end(directory)) + "\n"
    temporary = directory / "report.tmp"
    try:
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape")
        os.replace(temporary, directory / "report.txt")
    except OSError as fault:
        print(f"RUN019 {directory / 'report.txt'} cannot be written: {fault.strerror}; 'taperoom report' makes it anew",
              file=sys.stderr)
    return text


def _trim(site: Site) -> None:
    """Indexes go with the volumes that this run wrote over; a fault here is no fault of the night."""
    try:
        trim_indexes(site)
    except TaperoomError as fault:
        print(fault, file=sys.stderr)


if __name__ == "__main__":
    os.umask(os.umask(0o077) | 0o027)  # dumps, indexes and journals are nobody else's business; children inherit it
    lose_what_cannot_be_said()
    sys.exit(main())
