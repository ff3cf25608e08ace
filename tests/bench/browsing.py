"""Rows about indexes of many names: a directory, a search, a file's place, memory, each in a fresh process.

The names are made: a hundred files in each directory, as long as names are.  Two sizes, ten times apart, tell how each
thing grows.  A directory and a path cost what their own group of the index costs, so they stay as they are but for reading
the table of groups, which is in memory; a search passes over all names once, so its time is in proportion.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from core.index.record import Mark
from core.index.writer import writing
from tests.bench.data import QUICK, warm
from tests.bench.measure import Broken, middle
from tests.bench.setting import Setting
from tests.bench.site import ROOT
from tests.bench.table import Line, memory

IN_ONE = 100
"""Files in a directory."""
_ASKED = 200
_WORDS = ("report", "IMG", "backup", "letter", "index", "setup", "libfoo", "mail", "notes", "Makefile", "test_unit", "photo")
_ENDS = (".txt", ".jpeg", ".py", ".tar.gz", ".html", "", ".o", ".pdf")
LIST_MS, SEARCH_S, MOST_MIB = 5.0, 1.5, 60.0


def directory_of(number: int) -> str:
    """The directory that name ``number`` is in."""
    at = number // IN_ONE
    return f"share/{at // 2500:04}/project-{at // 50 % 50:02}/part-{at % 50:02}"


def name_of(number: int, dice: random.Random) -> str:
    """Its name there."""
    return f"{dice.choice(_WORDS)}-{dice.randrange(1 << 24):06x}-{number % IN_ONE:02}{dice.choice(_ENDS)}"


def make_index(path: Path, count: int, level: int) -> None:
    """The index of ``count`` files; of an incremental that has one in a hundred of them, and the others were there."""
    dice = random.Random(1)
    offset = 0
    with writing(path) as writer:
        writer.exact, writer.renames = level > 0, []
        seen = ""
        for number in range(count):
            directory = directory_of(number)
            if directory != seen:
                parts = directory.split("/")
                for deep in range(len(parts)):
                    above = "/".join(parts[:deep])
                    if not seen.startswith(above) or not seen:
                        writer.add(above.encode(), Mark.DIRECTORY, "d", 0, 1_700_000_000, offset)
                writer.add(directory.encode(), Mark.DIRECTORY, "d", 0, 1_700_000_000, offset)
                seen = directory
            size = dice.randrange(200_000)
            raw, mtime = f"{directory}/{name_of(number, dice)}".encode(), 1_600_000_000 + dice.randrange(100_000_000)
            if level and number % 100:
                writer.add(raw, Mark.PRESENT)
            else:
                writer.add(raw, Mark.FILE, "f", size, mtime, offset)
                offset += 512 + (size + 511) // 512 * 512
        writer.add(b"share/a needle in the hay", Mark.FILE, "f", 1, 1, offset)


def ask(paths: list[str]) -> None:
    """In a process of its own: print as JSON what each thing took, in seconds, and the process's peak in MiB."""
    from core.index.reader import open_index
    from core.restore.merged import MergedTree
    from core.restore.tree import Directory

    dice = random.Random(2)
    began = time.perf_counter()
    layers = [open_index(Path(path)) for path in paths]
    tree = MergedTree(layers)
    took: dict[str, float] = {"open": time.perf_counter() - began}
    count = layers[0].count * IN_ONE // (IN_ONE + 1)
    lists, finds = [], []
    for _ in range(_ASKED):
        directory = directory_of(dice.randrange(count)).encode()
        began, used = time.perf_counter(), time.process_time()
        node = tree.find(directory)
        assert isinstance(node, Directory)
        names = node.children
        lists.append((time.perf_counter() - began, time.process_time() - used))
        assert len(names) == IN_ONE
        path = directory_of(dice.randrange(count)).encode()
        began = time.perf_counter()
        assert tree.find(path) is not None
        finds.append(time.perf_counter() - began)
    took |= {"list": middle([wall for wall, _ in lists]), "list CPU": middle([cpu for _, cpu in lists]), "find": middle(finds)}
    for name, needle, fold in (("search", b"needle in", False), ("fold", b"NEEDLE in", True)):
        began, used = time.perf_counter(), time.process_time()
        found = list(tree.search(needle, fold))
        took[name], took[f"{name} CPU"] = time.perf_counter() - began, time.process_time() - used
        assert [path for path, _ in found] == [b"share/a needle in the hay"]
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    took["memory"] = int(peak.split()[1]) / 1024
    print(json.dumps(took))


def browsing(setting: Setting) -> Iterator[Line]:
    """A full of 10^6 and of 10^7 names, then an incremental on top of it."""
    sizes = (100_000, 1_000_000) if setting.data.sizes == QUICK else (1_000_000, 10_000_000)
    seen: list[dict[str, float]] = []
    for count in sizes:
        paths = [str(setting.data.index(count, level, make_index)) for level in (0, 1)]
        for path in paths:
            warm(Path(path))
        for title, chain in ((f"{count:,} names", paths[:1]), (f"{count:,} names, 2 levels", paths)):
            each = [_asked(chain) for _ in range(max(3, setting.times))]
            found = {name: middle([one[name] for one in each]) for name in each[0]}
            both = len(chain)
            yield Line(f"{title}: a directory", f"{found['list'] * 1000:.2f} ms", target=f"< {LIST_MS:g} ms",
                       ok=found["list"] * 1000 < LIST_MS)
            yield Line(f"{title}: a directory, CPU", f"{found['list CPU'] * 1000:.2f} ms")
            yield Line(f"{title}: a path", f"{found['find'] * 1000:.2f} ms")
            yield Line(f"{title}: opened", f"{found['open'] * 1000:.2f} ms")
            for name, text in (("search", "search"), ("fold", "search, any case")):
                yield Line(f"{title}: {text}", f"{found[name]:.2f} s", target=f"< {SEARCH_S * both:g} s",
                           ok=found[name] < SEARCH_S * both)
                yield Line(f"{title}: {text}, CPU", f"{found[f'{name} CPU']:.2f} s")
            yield memory(f"{title}: memory", found["memory"], MOST_MIB)
            if both == 1:
                seen.append(found)
    few, many = seen
    for name, text in (("list CPU", "a directory, CPU"), ("search CPU", "search, CPU"), ("memory", "memory")):
        yield Line(f"ten times the names: {text}", f"× {many[name] / few[name]:.1f}")


def _asked(paths: list[str]) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-m", "tests.bench.browsing", *paths], cwd=ROOT, capture_output=True, text=True,
                          check=False, env=os.environ | {"PYTHONPATH": str(ROOT)})
    if done.returncode:
        raise Broken(f"asking an index: {done.stderr[-500:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    ask(sys.argv[1:])
