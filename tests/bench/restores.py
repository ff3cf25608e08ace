"""Rows about restores from a volume: one small file out of a big dump, against reading the whole archive, and a whole disk,
against tar unpacking a plain file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from tests.bench.data import size_of, warm
from tests.bench.measure import Broken, Work, in_turn, middle, ratio
from tests.bench.runs import amdump
from tests.bench.setting import Setting
from tests.bench.site import ROOT, BenchSite, make_site
from tests.bench.table import Line, cpu, speed

MOST = 0.3
"""Wall seconds from exec to exit, for one small file."""
LEAST = 0.9
_SMALL = "letter"
_SIZE = 4096
_SCRIPT = Path(sys.executable).with_name("taperoom")
_COMMAND = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-P", "-c", "from core.cli.main import main; main()"]


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


def whole(setting: Setting) -> Iterator[Line]:
    """Whole disks, of a few big files and of many small ones."""
    out, plain = setting.work / "out", setting.work / "plain.tar"
    number = count()
    for name, tree in (("big files", setting.data.big()), ("small files", setting.data.small())):
        site = make_site(setting.work / "site", [tree], {"compress": "none"})
        amdump(site)()
        subprocess.run(["tar", "--create", "--format=gnu", f"--file={plain}", "."], cwd=tree, check=True)
        parts = sorted(site.top.glob("vtapes/slot*/0000[1-9].localhost.*.0"))
        many = name == "small files"

        def settle(parts: Sequence[Path] = parts, many: bool = many) -> None:
            if many and out.exists():  # where many files were removed ext4 is slow at making new ones
                out.rename(setting.work / f"was-{next(number)}")
            setting.settle(plain)
            for part in parts:
                warm(part)

        a, b = in_turn([_restore(site, tree, out), _untar(plain, out)], setting.times, settle)
        yield speed(f"whole restore, {name}, against tar -x", a, b, LEAST)
        yield cpu(f"whole restore, {name}, against tar -x", a, b, None)
        site.remove()
        plain.unlink()
        for old in [out, *setting.work.glob("was-*")]:
            shutil.rmtree(old)


def _restore(site: BenchSite, tree: Path, out: Path) -> Work:
    def work() -> dict[str, float]:
        began = time.monotonic()
        done = subprocess.run([*_COMMAND, "--config", str(site.config), "restore", f"localhost:{tree}", "--to", str(out)],
                              env=site.environment, capture_output=True, text=True, check=False, cwd=ROOT)
        wall = time.monotonic() - began
        if done.returncode or size_of(out) != size_of(tree):
            raise Broken(f"restore: exit code {done.returncode}: {done.stderr[-500:]}")
        return {"wall": wall}
    return work


def _untar(plain: Path, out: Path) -> Work:
    def work() -> dict[str, float]:
        out.mkdir(exist_ok=True)
        subprocess.run(["tar", "--extract", "--preserve-permissions", f"--file={plain}"], cwd=out, check=True)
        return {}
    return work


def _ours(site: BenchSite, tree: Path, out: Path) -> Work:
    def work() -> dict[str, float]:
        done = subprocess.run(
            [*_COMMAND, "--config", str(site.config), "restore", f"localhost:{tree}:/{_SMALL}", "--to", str(out)],
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
