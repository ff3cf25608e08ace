"""Rows about one dump: client to holding disk, against tar into a file."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from core.protocol import dumper as language
from tests.bench.measure import Broken, Work, in_turn
from tests.bench.setting import Setting
from tests.bench.site import STAMP, BenchSite, make_site, running
from tests.bench.table import Line, cpu, speed

_OPTIONS = "-c -f - --format=gnu --one-file-system --sparse --ignore-failed-read --listed-incremental"


def big(setting: Setting) -> Iterator[Line]:
    """Eight big files."""
    yield from _plain(setting, "dump, big files", setting.data.big(), 0.90)


def small(setting: Setting) -> Iterator[Line]:
    """Many small files."""
    yield from _plain(setting, "dump, small files", setting.data.small(), 0.85)


def _plain(setting: Setting, name: str, tree: Path, least: float) -> Iterator[Line]:
    """Plain tar makes no list of what it packs: what ours costs is told against the same dump without it."""
    for durable in (False, True):
        out = setting.work / "out"
        sync = f"; sync '{out}'" if durable else ""
        theirs = _shell(setting, f"tar cf - . | cat > '{out}'{sync}", tree)
        alike = _shell(setting, f"rm -f '{out}.snar'; tar {_OPTIONS} '{out}.snar' . | cat > '{out}'{sync}", tree)
        site = make_site(setting.work / "site", [tree], {"index": False})
        listing = make_site(setting.work / "listing", [tree], {"index": True})
        contenders = [dump(site, tree, durable=durable), theirs, alike, dump(listing, tree, durable=durable)]
        a, b, c, d = in_turn(contenders, setting.times, lambda: setting.settle(tree))
        title = f"{name}, {'fsync' if durable else 'no fsync'}"
        yield speed(title, a, b, least)
        yield cpu(title, a, b, 1.35)
        yield speed("  the same, tar with our options", a, c, None)
        yield cpu("  the same, tar with our options", a, c, None)
        yield speed("  ours with index against ours without", d, a, None)
        yield cpu("  ours with index against ours without", d, a, 1.2)
        yield speed("  ours with index against tar", d, b, None)
        yield cpu("  ours with index against tar", d, b, None)
        site.remove()
        listing.remove()


def compress(setting: Setting) -> Iterator[Line]:
    """``compress = "client fast"`` against gzip -1."""
    tree = setting.data.mixed()
    site = make_site(setting.work / "site", [tree], {"compress": "client fast"})
    theirs = _shell(setting, f"tar cf - . | gzip -1 > '{setting.work}/out'", tree)
    a, b = in_turn([dump(site, tree, durable=False), theirs], setting.times, lambda: setting.settle(tree))
    yield speed("client fast against gzip -1", a, b, 3.0)
    yield cpu("client fast against gzip -1", a, b, None)
    site.remove()


def dump(site: BenchSite, tree: Path, *, durable: bool) -> Work:
    """FILE-DUMP to a dumper process; the clock runs from the order to DONE, the client's start included."""
    def work() -> dict[str, float]:
        path = site.top / "hold" / STAMP / "localhost.tree.0"
        path.unlink(missing_ok=True)
        with running(site.command("dumper", durable=durable), site, language.conversation()) as program:
            # In a run a dumper is started once a night; what each dump starts, the client's processes, counts.
            program.wait_until_started()
            before = program.cpu
            began = time.monotonic()
            program.say(language.FileDump(
                "00-00001", str(path), "localhost", str(tree), 0, "1970:1:1:0:0:0", 0, "gnutar", "|;"))  # type: ignore[arg-type]
            report = program.hear(language.Progress, language.Strange)
            wall = time.monotonic() - began
            if not isinstance(report, language.Done):
                raise Broken(str(report))
        return {"wall": wall, "before": before}
    return work


def _shell(setting: Setting, command: str, directory: Path) -> Work:
    def work() -> dict[str, float]:
        (setting.work / "out").unlink(missing_ok=True)
        subprocess.run(command, shell=True, cwd=directory, check=True)
        return {}
    return work
