"""What the demo backs up: directories of this machine that are worth it, and a small home of its own that it changes.

Promises to read the machine's directories only, to keep the whole under a budget, and to pick nothing that this user
cannot read, so that every dump is clean.  The demo's own files are the same at each start.
"""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.model.units import show_size

_MOST_HIDDEN = 100
"""Unreadable names that are excluded one by one; a directory with more is not for this user."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A directory to back up, about how many bytes of it, and what of it is left out or taken alone."""

    path: Path
    size: int
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


def measure(path: Path, budget: int, exclude: tuple[str, ...] = ()) -> Tree | None:
    """``path`` as a tree of at most about ``budget`` bytes: whole, or some of its subdirectories.  None: not worth it."""
    if not path.is_dir() or not os.access(path, os.R_OK | os.X_OK):
        return None
    left_out = {name.removeprefix("./") for name in exclude}
    taken: list[str] = []
    hidden: list[str] = []
    total, whole = 0, True
    for entry in sorted(_entries(path), key=lambda found: found.name):
        if entry.name in left_out:
            continue
        size, closed = _weigh(entry, path)
        hidden += closed
        if total + size > budget:
            whole = False
        else:
            total += size
            taken.append(f"./{entry.name}")
    if not taken or len(hidden) > _MOST_HIDDEN:
        return None
    include = () if whole else tuple(taken[:200])
    return Tree(path, total, (*exclude, *hidden), include)


def _entries(path: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(path) as found:
            yield from found
    except OSError:
        return


def _weigh(entry: os.DirEntry[str], top: Path) -> tuple[int, list[str]]:
    """Bytes below an entry, and the names that cannot be read, as exclude patterns."""
    total, hidden, waiting = 0, [], [entry]
    while waiting:
        at = waiting.pop()
        try:
            info = at.stat(follow_symlinks=False)
        except OSError:
            continue
        readable = stat.S_ISLNK(info.st_mode) or os.access(at.path, os.R_OK)
        if stat.S_ISDIR(info.st_mode):
            if readable and os.access(at.path, os.X_OK):
                waiting += _entries(Path(at.path))
                total += 4096
                continue
            readable = False
        if readable:
            total += info.st_size
        else:
            hidden.append(f"./{Path(at.path).relative_to(top)}")
    return total, hidden


def make_home(home: Path) -> None:
    """A small home: letters, notes, pictures that do not compress, a table, odd names."""
    dice = random.Random(2026)
    words = ("the", "tape", "of", "that", "night", "held", "every", "letter", "before", "dawn", "and", "none", "was", "lost")
    for number in range(1, 41):
        text = " ".join(dice.choice(words) for _ in range(200 + 40 * number))
        _put(home / "letters" / f"letter-{number:02d}.txt", text.encode() + b"\n")
    for number in range(1, 9):
        _put(home / "pictures" / f"picture {number}.jpg", dice.randbytes(2_500_000))
    rows = "".join(f"{n},{dice.randrange(10**9)},{dice.random():.6f}\n" for n in range(60_000))
    _put(home / "accounts" / "ledger.csv", rows.encode())
    _put(home / "notes" / "à faire – №1.txt", b"back up\ntest the restore\n")
    _put(home / "notes" / 'a "quoted" name #1.txt', b"names may look like this\n")


def change_home(home: Path) -> list[str]:
    """What a day does to it; a line for each change."""
    letter = home / "letters" / "letter-07.txt"
    _put(letter, letter.read_bytes() + b"P.S. I forgot to say that the second run is an incremental.\n")
    (home / "letters" / "letter-13.txt").unlink()
    _put(home / "letters" / "letter-41.txt", b"A letter that is new today.\n" * 50)
    ledger = home / "accounts" / "ledger.csv"
    _put(ledger, ledger.read_bytes() + b"60000,1,0.5\n")
    (home / "pictures" / "picture 3.jpg").rename(home / "pictures" / "the picture that I like.jpg")
    return [
        "letters/letter-07.txt        changed", "letters/letter-13.txt        deleted",
        "letters/letter-41.txt        new", f"accounts/ledger.csv          grown to {show_size(ledger.stat().st_size)}",
        "pictures/picture 3.jpg       renamed",
    ]


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
