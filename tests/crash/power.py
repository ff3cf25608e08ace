"""A power cut: what no fsync made durable is gone, as far as POSIX allows it to be.

`Disk` is taken before the run; everything that is there then counts as durable.  The hook in the programs notes each
fsync.  `cut` then makes the directories what a machine may find after the cut: files end where their last fsync found
them, and names that no fsync of their directory saw are as they were (``strict``), as they are (``lenient``), or one or
the other by a seed (``mixed``); a rename has happened or not, it never loses both names.  SQLite syncs behind Python's
back: its log is thrown away, which is what it promises to survive, or (``mixed``) the file is cut in half.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

WAYS = ("strict", "lenient", "mixed")
SQLITE = ".sqlite"


@dataclass(slots=True)
class Disk:
    """What is durable: size of each file by its inode, names in each directory by its inode."""

    sizes: dict[int, int] = field(default_factory=dict)
    names: dict[int, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def now(cls, roots: list[Path]) -> Disk:
        """Everything that is there."""
        found = cls()
        for root in roots:
            for top, directories, files in os.walk(root):
                here = Path(top)
                found.names[here.stat().st_ino] = {
                    name: (here / name).lstat().st_ino for name in [*directories, *files]}
                for name in files:
                    found.sizes[(here / name).lstat().st_ino] = (here / name).lstat().st_size
        return found

    def learn(self, notes: Path) -> None:
        """Take in what the hook noted."""
        if not notes.exists():
            return
        for line in notes.read_text("utf-8", "surrogateescape").splitlines():
            fact = json.loads(line)
            if "directory" in fact:
                self.names[fact["directory"]] = fact["names"]
            else:
                self.sizes[fact["file"]] = fact["size"]


def cut(roots: list[Path], disk: Disk, graveyard: Path, way: str, seed: int) -> None:
    """Pull the plug.  No process may be at work in ``roots``."""
    chance = random.Random(seed)
    for root in roots:
        _cut_directory(root, root.stat().st_ino, disk, graveyard, way, chance)


def _cut_directory(path: Path, inode: int, disk: Disk, graveyard: Path, way: str, chance: random.Random) -> None:
    durable = disk.names.get(inode, {})
    _keep_all(path, graveyard)
    names = sorted({*durable, *os.listdir(path)})
    undone = _undone_renames(path, durable, chance) if way == "mixed" else {}
    for name in names:
        at = path / name
        here = at.lstat().st_ino if os.path.lexists(at) else None
        was = durable.get(name)
        if SQLITE in name:
            _cut_sqlite(at, way, chance)
            continue
        renamed = [undone[inode] for inode in (here, was) if inode in undone]
        if here != was and (way == "strict" or (way == "mixed" and (all(renamed) if renamed else chance.random() < 0.5))):
            _put_back(at, was, graveyard)
        if not os.path.lexists(at):
            continue
        if at.is_dir() and not at.is_symlink():
            _cut_directory(at, was if way == "strict" and was is not None else at.stat().st_ino, disk, graveyard, way, chance)
        elif at.is_file() and not at.is_symlink():
            size = disk.sizes.get(at.stat().st_ino, 0)
            if at.stat().st_size > size and (way != "mixed" or chance.random() < 0.8):
                os.truncate(at, size if way != "mixed" else chance.randint(size, at.stat().st_size))


def _undone_renames(path: Path, durable: dict[str, int], chance: random.Random) -> dict[int, bool]:
    """The inodes that have another name now than the durable one, and whether that is taken back."""
    now = {(path / name).lstat().st_ino for name in os.listdir(path)}
    return {was: chance.random() < 0.5 for name, was in sorted(durable.items())
            if was in now and not (os.path.lexists(path / name) and (path / name).lstat().st_ino == was)}


def _keep_all(path: Path, graveyard: Path) -> None:
    """A renamed file loses its new name before it gets the old one back: it must outlive that."""
    for entry in os.scandir(path):
        if entry.is_file(follow_symlinks=False):
            with contextlib.suppress(FileExistsError):
                os.link(entry.path, graveyard / str(entry.inode()))


def _cut_sqlite(at: Path, way: str, chance: random.Random) -> None:
    if not os.path.lexists(at):
        return
    if at.name.endswith(("-wal", "-shm")):
        at.unlink()
    elif way == "mixed" and chance.random() < 0.5:
        os.truncate(at, at.stat().st_size // 2)


def _put_back(at: Path, was: int | None, graveyard: Path) -> None:
    """Make a name what it was: the file of that inode, or not there."""
    if at.is_dir() and not at.is_symlink():
        shutil.rmtree(at)
    elif os.path.lexists(at):
        at.unlink()
    if was is None:
        return
    buried = graveyard / str(was)
    if buried.exists():
        os.link(buried, at)
    elif not any(path.lstat().st_ino == was for path in at.parent.iterdir()):
        at.mkdir()  # a directory that is empty now
