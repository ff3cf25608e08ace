"""``python -m tests.bench [--quick] [--strict] [--long] [--times N] [--dir DIR] [NAME…]``: speed and memory.

Every row is measured in turn with its opponent, A B A B, with the page cache warm; the table shows medians, and for
ratios the median of the ratios of neighbours.  Exit code 1 only with ``--strict``, when a row missed its target.
"""

from __future__ import annotations

import argparse
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.bench import browsing, console, dumps, opponent, peers, restores, runs, tapes
from tests.bench.data import FULL, QUICK, Data
from tests.bench.measure import Broken
from tests.bench.setting import Setting
from tests.bench.table import HEAD, Line

ROWS: Mapping[str, Callable[[Setting], Iterator[Line]]] = {
    "big": dumps.big,
    "small": dumps.small,
    "compress": dumps.compress,
    "taper": tapes.taper,
    "restore": restores.restore,
    "whole": restores.whole,
    "many": runs.many,
    "memory": runs.resident,
    "commands": runs.commands,
    "browse": browsing.browsing,
    "console": console.console,
    "amanda": opponent.amanda,
    "peers": peers.peers,
    "tls": peers.tls,
}


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Speed and memory, as ratios within one run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of: {' '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="small data, two samples: shows that it works, not how fast it is")
    parser.add_argument("--strict", action="store_true", help="exit code 1 when a row misses its target")
    parser.add_argument("--long", action="store_true", help="watch the console's memory for half an hour")
    parser.add_argument("--times", type=int, default=0, help="samples of each; 5, with --quick 2")
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()) / f"taperoom-bench-{os.getuid()}",
                        help="where the data are made, once, and all output goes: 15 GB are needed (%(default)s)")
    given = parser.parse_args()
    unknown = set(given.names) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {' '.join(sorted(unknown))}; there are {' '.join(ROWS)}")
    top = _own(given.dir)
    work = Path(tempfile.mkdtemp(prefix="work-", dir=top))
    work.chmod(0o755)  # Amanda's own user has to get in
    try:
        setting = Setting(Data(top, QUICK if given.quick else FULL), work, given.times or (2 if given.quick else 5), given.long)
        return int(not _print(setting, given.names or list(ROWS)) and given.strict)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _own(top: Path) -> Path:
    top.mkdir(parents=True, exist_ok=True)
    found = top.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        sys.exit(f"{top} is not a directory of yours")
    top.chmod(0o755)
    return top.resolve()


def _print(setting: Setting, names: list[str]) -> bool:
    """Whether all is well."""
    well = True
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}, data in {setting.data.top}")
    print(HEAD, flush=True)
    for name in names:
        try:
            for line in ROWS[name](setting):
                print(line, flush=True)
                well = well and line.ok
        except Broken as fault:
            print(f"{name}: BROKEN: {fault}", flush=True)
            well = False
    return well


if __name__ == "__main__":
    sys.exit(main())
