"""Whatever is moved, removed and made between the dumps of a directory, all comes back: by tar alone, level after level, and as
a restore of ours puts the tree together.  GNU tar by itself misunderstands some of it, and then the dump is made again."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from clientd.programs.contract import Task
from clientd.programs.gnutar import GnuTar
from clientd.services.sendbackup import _started
from clientd.settings import Settings
from core.restore.layer import Listed
from core.restore.listing import Listing
from core.restore.merged import MergedTree
from core.restore.scan import lister
from core.restore.tree import File
from core.wire.dle_xml import Choice, Dle

TREES = 60
BEFORE = "mkdir -p a/b/c x/y; echo 1 > a/f; echo 2 > a/b/g; echo 3 > a/b/c/h; echo 4 > x/i; echo 5 > x/y/j; echo 6 > file"
EVERYTHING = Choice()


class Disk:
    """A directory and its dumps: `levels` are archives, `out` is what tar alone made of them, one after the other."""

    def __init__(self, here: Path, include: Choice = EVERYTHING) -> None:
        self.tree, self.out, self._here, self._include = here / "tree", here / "out", here, include
        self.levels: list[Path] = []
        self._layers: list[Listed] = []
        self.runs = 0
        for directory in (self.tree, self.out):
            directory.mkdir(parents=True)

    def dump(self) -> list[str]:
        """The next level; what is in it.  The client's own code, without a server."""
        level, name = len(self.levels), str(self.tree)
        task = Task(Dle(disk=name, device=name, program="GNUTAR", levels=(level,), include=self._include), "host",
                    Settings(self._here / "state", shutil.which("tar") or "", self._here / "access.toml"))
        dump = GnuTar().prepare(task, level)
        begun: Callable[[], subprocess.Popen[bytes]] = dump.start

        def start() -> subprocess.Popen[bytes]:
            self.runs += 1
            return begun()

        dump.start = start  # type: ignore[method-assign]
        process, listener, head = _started(dump, lambda *lines: None)
        assert process.stdout is not None
        data = head + process.stdout.read()
        process.stdout.close()
        assert process.wait() == 0
        listener.join()
        dump.commit()
        dump.discard()
        archive = self._here / f"{level}.tar"
        archive.write_bytes(data)
        self.levels.append(archive)
        self._layers.append(listed(data))
        subprocess.run(["tar", "-C", self.out, "--listed-incremental=/dev/null", "-xpf", archive], check=True)
        return subprocess.run(["tar", "-tf", archive], capture_output=True, check=True, text=True).stdout.splitlines()

    def check(self) -> None:
        """What comes back is what is there."""
        wanted = files(self.tree)
        assert files(self.out) == wanted, "tar alone"
        merged = MergedTree(self._layers)
        got = {}
        for path, node in merged.walk():
            if isinstance(node, File):
                member = os.fsdecode(b"./" + (node.source or path))
                got[os.fsdecode(path)] = subprocess.run(["tar", "-xOf", self.levels[node.dump], member], check=True,
                                                        capture_output=True).stdout
        assert got == wanted and not merged.missing, "a restore of ours"


def files(top: Path) -> dict[str, bytes]:
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def listed(data: bytes) -> Listed:
    listing = Listing(renames=[])
    stream = lister(listing)
    stream.feed(memoryview(data))
    stream.finish()
    return Listed(listing)


def change(tree: Path, by: random.Random) -> None:
    """Something that people do with files and directories."""
    inside = sorted(tree.rglob("*"))
    directories, plain = [path for path in inside if path.is_dir()], [path for path in inside if path.is_file()]
    into, what = by.choice([tree, *directories]), by.random()
    with contextlib.suppress(OSError):  # such as a directory into itself
        if what < 0.45 and directories:
            moved, place = by.choice(directories), into / by.choice("abcdxyz")
            if place.is_dir() and by.random() < 0.5:
                shutil.rmtree(place)
            moved.rename(place)
        elif what < 0.6:
            made = into / by.choice("abcdxyz")
            made.mkdir()
            (made / by.choice("fg")).write_text(str(by.random()))
        elif what < 0.75 and directories:
            shutil.rmtree(by.choice(directories))
        elif what < 0.9:
            (into / by.choice("fgh")).write_text(str(by.random()))
        elif plain and not (place := into / by.choice("fgh")).exists():  # over an older one, no tar would notice
            by.choice(plain).rename(place)


@pytest.mark.parametrize("share", range(4))
def test_trees_that_change_at_random(tmp_path: Path, share: int) -> None:
    again = 0
    for seed in range(share, TREES, 4):
        by, disk = random.Random(seed), Disk(tmp_path / str(seed))
        for _ in range(8):
            inside = sorted(path for path in disk.tree.rglob("*") if path.is_dir())
            place = by.choice([disk.tree, *inside]) / by.choice("abcdxyz")
            place.mkdir(exist_ok=True)
            (place / by.choice("fgh")).write_text(str(by.random()))
        for _ in range(3):
            disk.dump()
            disk.check()
            for _ in range(by.randint(1, 8)):
                change(disk.tree, by)
        again += disk.runs - len(disk.levels)
        shutil.rmtree(tmp_path / str(seed))
    assert again, "tar misunderstood some"


@pytest.mark.parametrize(("what", "again", "moved"), [
    ("mv a n", False, {"n/f"}),                              # what tar understands keeps its unchanged files out of the dump
    ("mv a/b x/b; mv x/y top", False, {"x/b/g", "top/j"}),
    ("mkdir a/n; mv x a/n/m", False, set()),                 # tar itself dumps all that is in a new directory
    ("mv a n; mkdir a; echo 7 > a/new", False, set()),       # and what another has the name of
    ("mv a n; mv n/b lib", True, {"n/f", "lib/g", "lib/c/h"}),  # tar tells of n/b, which was never there
    ("mv a t; mv x a; mv t x", True, {"a/i", "a/y/j", "x/f"}),
    ("rm -r x; mv a x", True, {"x/f", "x/b/g"}),             # tar's snapshot would have the number of the old x
    ("rm file; mv a file", True, {"file/f"}),                # tar could not put it there, over the old file
    ("mv x t; mv a x; rm -r x/b; mv t x/b", True, {"x/f", "x/b/i"}),
    ("mv x/y t; rm -r x; mv a x; rm x/f; mv t x/f", True, {"x/f/j", "x/b/c/h"}),
])
def test_what_is_made_again(tmp_path: Path, what: str, again: bool, moved: set[str]) -> None:
    disk = Disk(tmp_path)
    subprocess.run(["sh", "-e", "-c", BEFORE], cwd=disk.tree, check=True)
    disk.dump()
    subprocess.run(["sh", "-e", "-c", what], cwd=disk.tree, check=True)
    held = disk.dump()
    assert disk.runs == 2 + again
    disk.check()
    assert moved & {name.removeprefix("./") for name in held} == (moved if again else set())
    disk.dump()
    disk.check()


def test_with_includes_nothing_tells_of_renames(tmp_path: Path) -> None:
    """What was moved is dumped then."""
    disk = Disk(tmp_path, Choice(files=("./a", "./x", "./n")))
    subprocess.run(["sh", "-e", "-c", BEFORE], cwd=disk.tree, check=True)
    disk.dump()
    (disk.tree / "a").rename(disk.tree / "n")
    held = disk.dump()
    assert "./n/b/g" in held and "./x/i" not in held and disk.runs == 2


def test_a_base_that_is_no_snapshot(tmp_path: Path) -> None:
    disk = Disk(tmp_path, Choice(files=("./a",)))
    subprocess.run(["sh", "-e", "-c", BEFORE], cwd=disk.tree, check=True)
    disk.dump()
    [base] = (tmp_path / "state/gnutar-lists").iterdir()
    base.write_bytes(b"")
    assert "./a/f" in disk.dump(), "everything, as with any base that tar finds nothing in"
