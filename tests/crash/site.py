"""A small site that has seen some nights, put back to that state for each case, and one night of it under the hook.

The fourth night writes over the volume of the first one; two volumes and the last full of each disk are needed.  One disk
is three chunks and two parts long, one goes straight to the volume.  Bumping is made easy, so that the levels go up and a
lost base would show.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import select
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.catalogue.orders import save_order
from core.cli.main import run as command
from core.client.follow import Journal
from core.client.runs import list_runs
from core.events.event import Event
from core.model.site import Site
from tests.crash import power, warm
from tests.crash.hook.sitecustomize import processes_of
from tests.support.small_site import SmallSite

HOOK = Path(__file__).parent / "hook"
STATEFUL = ("state", "hold", "vtapes", "client")
DISKS = ("alpha:/home", "beta:/etc", "beta:/raw")
Tree = dict[str, bytes]
DEADLINE = 400.0
"""Seconds after which a run that does not end counts as hanging."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, both streams, and its exit code."""

    code: int
    text: str


class CrashSite:
    """One directory; `renew` before each case."""

    def __init__(self, root: Path, *, warm: bool = True) -> None:
        """``warm``: programs are started as `tests.crash.warm` says."""
        self.root, self.warm = root, warm
        self.control = root / "control"
        self.roots = [root / name for name in STATEFUL]
        self._number = 0
        noise = random.Random(4).randbytes
        self._small = SmallSite(
            root, {"alpha:/home": {"letter": b"0", "deep/er/big": noise(300_000)}, "beta:/etc": {"passwd": b"root\n"},
                   "beta:/raw": {"letter": b"0"}},
            disks={"beta:/raw": {"holding": "never"}},
            holding=[{"path": str(root / "hold"), "use": "256 MiB", "chunksize": "128 KiB"}],
            run={"inparallel": 2, "maxdumps": 1, "runtapes": 2, "retry_delay": "0.1 s", "request_deadline": "20 s"},
            storage={"slots": 5, "capacity": "2 MiB", "part_size": "256 KiB",
                     "retention": {"tapes": 2, "days": 0, "full": 1}},
            dumptype={"index": True, "retry": 3, "bump": {"size": "0 KiB", "days": 0, "mult": 1}})
        (root / "client").mkdir(exist_ok=True)
        self.site: Site = self._small.site
        for night in range(3):
            if night == 1:
                for disk in self.site.disks:
                    save_order(self.site, disk.title, "full")
            self.change()
            said = self.night(None, hook=False)
            assert said.code == 0, said.text + self._small.logs()
        self.before = self.trees()
        shutil.copytree(root, root.with_name(root.name + ".template"), symlinks=True,
                        ignore=lambda top, names: [] if Path(top) != root else [n for n in names if n not in STATEFUL])

    def renew(self) -> None:
        """Back to the state after the third night; the disks change."""
        for path in self.roots:
            shutil.rmtree(path)
            shutil.copytree(self.root.with_name(self.root.name + ".template") / path.name, path, symlinks=True)
        self.change()

    def change(self) -> None:
        """A day passes: a file changes, one comes, one goes."""
        self._number += 1
        for title in DISKS:
            top = self._small.data(title)
            (top / "letter").write_bytes(b"day %d of %s\n" % (self._number, title.encode()) * 50)
            if title == DISKS[0]:
                (top / "long").write_bytes(os.urandom(280_000))
            (top / f"new{self._number}").write_bytes(os.urandom(2000))
            (top / f"new{self._number - 2}").unlink(missing_ok=True)
            (top / f"dir{self._number}").mkdir()
            (top / f"dir{self._number}" / "x").write_bytes(b"%d" % self._number)
            shutil.rmtree(top / f"dir{self._number - 1}", ignore_errors=True)

    def trees(self) -> dict[str, Tree]:
        """The disks as they are now."""
        return {disk.title: tree_of(Path(disk.disk)) for disk in self.site.disks}

    def night(
        self, target: dict[str, object] | None, *, durable: bool = False, hook: bool = True,
        at_each: Callable[[str], None] | None = None,
    ) -> Said:
        """One amdump, to the end of its last process; under the hook, which kills as ``target`` says, records, or stands
        still at each point of the driver while ``at_each`` is called with the point's name."""
        shutil.rmtree(self.control, ignore_errors=True)
        self.control.mkdir()
        if durable:
            (self.control / "graveyard").mkdir()
        if target is not None:
            (self.control / "target.json").write_text(json.dumps(target))
        if at_each is not None:
            os.mkfifo(self.control / "ask")
            os.mkfifo(self.control / "go")
            threading.Thread(target=self._answer, args=(at_each,), daemon=True).start()
        more = {"TAPEROOM_CRASH": str(self.control)}
        if not hook:
            more["TAPEROOM_UNWATCHED"] = "1"
        else:
            more["PYTHONPATH"] = f"{HOOK}:{os.environ.get('PYTHONPATH', '')}".rstrip(":")
        with warm.starting() if self.warm and at_each is None else contextlib.nullcontext():
            process = subprocess.Popen(
                self._small.command("amdump", "--quiet"), env={**self._small.env, **more}, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            said = process.communicate(timeout=DEADLINE)[0]
        finally:
            process.kill()
            ended = self._all_gone()
            if at_each is not None:
                (self.control / "ask").write_text("stop\n")
        assert ended, f"processes hang: {processes_of(str(self.control))}\n{self._small.logs()}"
        return Said(process.returncode, said.decode("utf-8", "replace"))

    def _answer(self, at_each: Callable[[str], None]) -> None:
        point = ""
        while point != "stop":
            point = (self.control / "ask").read_text("utf-8").strip()
            if point != "stop":
                at_each(point)
                (self.control / "go").write_bytes(b"\n")

    def _all_gone(self) -> bool:
        """Wait until every process of the night has ended by itself."""
        for _ in range(100):
            pids = [pid for group in processes_of(str(self.control)).values() for pid in group]
            if not pids:
                return True
            with contextlib.suppress(ProcessLookupError):
                handle = os.pidfd_open(pids[0])
                try:
                    if not select.select([handle], [], [], DEADLINE)[0]:
                        return False
                finally:
                    os.close(handle)
        return False

    @property
    def fired(self) -> bool:
        """Whether the point was reached and the victim killed."""
        return (self.control / "fired").exists()

    def power_cut(self, disk: power.Disk, way: str, seed: int) -> None:
        """What was not synced is gone."""
        disk.learn(self.control / "durable")
        power.cut(self.roots, disk, self.control / "graveyard", way, seed)

    def command(self, *words: str) -> Said:
        """One of our commands, in this process."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), _environment(self._small.env):
            code = command(["--config", str(self._small.config), *words])
        return Said(code, out.getvalue())

    def facts(self, run: str) -> list[Event]:
        """The journal of a run as it stands."""
        found = next((one for one in list_runs(self.site.state_dir) if one.datestamp == run), None)
        if found is None:
            return []
        with contextlib.closing(Journal(found)) as journal:
            return [record.event for record in journal.read()]

    def runs(self) -> list[str]:
        """All runs, oldest first."""
        return [run.datestamp for run in list_runs(self.site.state_dir)]

    def logs(self) -> str:
        """For a failing assertion."""
        return self._small.logs()


def tree_of(top: Path) -> Tree:
    """Every file and (with a slash at its end) every directory below ``top``."""
    found: Tree = {}
    for here, directories, files in os.walk(top):
        where = Path(here).relative_to(top)
        found.update({f"{where / name}/": b"" for name in directories})
        found.update({str(where / name): (Path(here) / name).read_bytes() for name in files})
    return found


@contextlib.contextmanager
def _environment(more: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update({**more, "COLUMNS": "200"})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


