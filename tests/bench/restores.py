"""Rows about getting back one small file out of a big dump on a volume, against reading the whole archive."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.data import warm
from tests.bench.measure import Broken, Work, in_turn, middle, ratio
from tests.bench.runs import amdump
from tests.bench.setting import Setting
from tests.bench.site import ROOT, BenchSite, make_site
from tests.bench.table import Line

MOST = 0.3
"""Wall seconds from exec to exit."""
_SMALL = "letter"
_SIZE = 4096


def restore(setting: Setting) -> Iterator[Line]:
    """The big files and a file of 4 KiB, dumped to a vtape."""
    tree = setting.work / "tree"
    tree.mkdir()
    for file in setting.data.big().iterdir():
        os.link(file, tree / file.name)
    # Its name is the last of the archive: what reads from the beginning has the longest way.
    (tree / _SMALL).write_bytes(os.urandom(_SIZE))
    out = setting.work / "out"

    def settle() -> None:
        shutil.rmtree(out, ignore_errors=True)

    for compress, unpack in (("none", "cat"), ("client fast", "gzip -dc")):
        site = make_site(setting.work / "site", [tree], {"compress": compress})
        amdump(site)()
        parts = sorted(site.top.glob("vtapes/slot*/0000[1-9].localhost.*.0"))
        for part in parts:
            warm(part)
        a, b = in_turn([_ours(site, tree, out), _theirs(parts, unpack, out)], setting.times, settle)
        wall = middle([sample.wall for sample in a])
        yield Line(f"4 KB out of a big dump, {compress}: wall", f"{wall:.2f} s", f"{middle([s.wall for s in b]):.2f} s",
                   f"{ratio([s.wall for s in b], [s.wall for s in a]):.0f}", f"≤ {MOST:g} s", wall <= MOST)
        site.remove()
    settle()
    shutil.rmtree(tree)


def _ours(site: BenchSite, tree: Path, out: Path) -> Work:
    script = Path(sys.executable).with_name("taperoom")
    command = [str(script)] if script.exists() else [sys.executable, "-P", "-c", "from core.cli.main import main; main()"]

    def work() -> dict[str, float]:
        done = subprocess.run(
            [*command, "--config", str(site.config), "restore", f"localhost:{tree}:/{_SMALL}", "--to", str(out)],
            env=site.environment, capture_output=True, text=True, check=False, cwd=ROOT)
        if done.returncode or (out / _SMALL).read_bytes() != (tree / _SMALL).read_bytes():
            raise Broken(f"restore: exit code {done.returncode}: {done.stderr[-500:]}")
        return {}
    return work


def _theirs(parts: Sequence[Path], unpack: str, out: Path) -> Work:
    """What the headers of the files on the volume say."""
    read = "; ".join(f"dd if='{part}' bs=32k skip=1 status=none" for part in parts)

    def work() -> dict[str, float]:
        out.mkdir()
        subprocess.run(f"{{ {read}; }} | {unpack} | tar -xpGf - ./{_SMALL}", shell=True, cwd=out, check=True)
        return {}
    return work
