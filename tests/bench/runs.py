"""Rows about whole runs and commands: many tiny disks, memory, how quickly a command is there."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.data import warm
from tests.bench.measure import Broken, Work, in_turn, middle
from tests.bench.resident import Watch
from tests.bench.setting import Setting
from tests.bench.site import ROOT, BenchSite, make_site
from tests.bench.table import Line, memory, seconds

MOST_MIB = 80
_ROLES = ("amdump", "planner", "driver", "dumper", "taper", "amandad", "sendbackup")


def amdump(site: BenchSite) -> Work:
    """One whole run, from exec to exit."""
    def work() -> dict[str, float]:
        done = subprocess.run(
            site.command("amdump", "--quiet"), env=site.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Broken(f"amdump: exit code {done.returncode}: {done.stderr[-500:]}")
        return {}
    return work


def many(setting: Setting) -> Iterator[Line]:
    """100 and 1,000 tiny disks."""
    for count, most in ((100, 6.0), (1000, 30.0)):
        disks = setting.data.tiny(count)

        def fresh(disks: list[Path] = disks) -> None:
            make_site(setting.work / "site", disks)
            setting.settle()

        work = amdump(BenchSite(setting.work / "site"))
        times = setting.times if count < 1000 else min(setting.times, 3)
        [samples] = in_turn([work], times, fresh)
        yield from seconds(f"run of {count} tiny disks", samples, most)
    BenchSite(setting.work / "site").remove()


def resident(setting: Setting) -> Iterator[Line]:
    """The largest resident size of each process of a run with one big dump to holding disk and vtape."""
    tree = setting.data.big()
    warm(tree)
    for compress in ("none", "client fast", "server fast"):
        site = make_site(setting.work / "site", [tree], {"compress": compress})
        setting.settle()
        stop = threading.Event()
        watch = Watch()
        watching = threading.Thread(target=watch.until, args=(stop, ))
        watching.start()
        try:
            subprocess.run(site.command("amdump", "--quiet"), env=site.environment, check=True, capture_output=True)
        finally:
            stop.set()
            watching.join()
        for role in _ROLES:
            if role in watch.peaks:
                yield memory(f"memory, {compress}: {role}", watch.peaks[role] / 1024, MOST_MIB)
            else:
                raise Broken(f"{role} was not seen")
        site.remove()


def commands(setting: Setting) -> Iterator[Line]:
    """``taperoom --help`` and ``taperoom status``."""
    site = make_site(setting.work / "site", setting.data.tiny(100))
    subprocess.run(site.command("amdump", "--quiet"), env=site.environment, check=True, capture_output=True)
    script = Path(sys.executable).with_name("taperoom")
    command = [str(script)] if script.exists() else [sys.executable, "-P", "-c", "from core.cli.main import main; main()"]
    for words in (["--help"], ["--config", str(site.config), "status"]):
        def work(words: list[str] = words) -> dict[str, float]:
            done = subprocess.run(
                [*command, *words], env=site.environment, capture_output=True, text=True, check=False, cwd=ROOT)
            if done.returncode:
                raise Broken(f"exit code {done.returncode}: {done.stderr[-300:]}")
            return {}
        [samples] = in_turn([work], max(setting.times, 3), lambda: time.sleep(0.05))
        wall = middle([sample.wall for sample in samples])
        yield Line(f"taperoom {words[-1]}", f"{wall:.3f} s", target="≤ 0.25 s", ok=wall <= 0.25)
    site.remove()
