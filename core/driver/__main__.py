"""``python -P -m core.driver CONFIG < plan``: drive one run; the plan comes from `core.planner` or from a keyboard.

Called by `core.amdump` with ``--datestamp``, ``--run-dir`` and the lock it holds; by hand it makes and locks the run
directory itself.  Exit codes as in `taperoom explain exit-codes`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from core.client.control import whoami
from core.client.lock import lock_run, lock_site, make_run_directory
from core.client.lock_dead import close_dead
from core.config.load import load_site
from core.driver.loop import Loop, read_stdin
from core.errors import TaperoomError
from core.lossy import lose_what_cannot_be_said
from core.model.units import datestamp_of
from core.protocol import planner


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser(prog="driver", description="Drive one run by the plan on stdin.")
    parser.add_argument("config", type=Path)
    parser.add_argument("--datestamp", default="", help="of the run; else the plan's DATE line, else now")
    parser.add_argument("--run-dir", type=Path, help="made and locked by amdump")
    parser.add_argument("--by", default="", help="who started the run")
    given = parser.parse_args(arguments)
    # A signal that comes before the loop can hear it must stop the run, too, and be in its journal.
    early: list[str] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: early.append(signal.Signals(number).name))
    try:
        site = load_site(given.config)
        first, stamp = b"", given.datestamp
        if given.run_dir is None:
            held = lock_site(site.state_dir)
            for sentence in close_dead(site, "the next run"):
                print(sentence, file=sys.stderr)
            if not stamp:
                first, stamp = _first_line()
            directory = make_run_directory(site, stamp or datestamp_of(time.time()))
        else:
            held, directory = -1, given.run_dir
        lock = lock_run(directory)
        loop = Loop(site, directory.name, directory, given.by or whoami(), joined=given.run_dir is not None)
    except TaperoomError as fault:
        print(fault, file=sys.stderr)
        return fault.exit_code
    try:
        return asyncio.run(_drive(loop, first, early))
    finally:
        for descriptor in (lock, held):
            if descriptor >= 0:
                os.close(descriptor)


async def _drive(loop: Loop, first: bytes, early: list[str]) -> int:
    return await loop.run(await read_stdin(), first, early)


def _first_line() -> tuple[bytes, str]:
    """The plan's first bytes up to a newline, and the datestamp if they are a DATE line."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    try:
        said = planner.decode(line.strip(b"\n"))
    except Exception:  # whatever it is, the loop will say so with its place
        return line, ""
    return line, said.datestamp if isinstance(said, planner.Date) else ""


if __name__ == "__main__":
    os.umask(os.umask(0o077) | 0o027)  # dumps, indexes and journals are nobody else's business; children inherit it
    lose_what_cannot_be_said()
    sys.exit(main())
