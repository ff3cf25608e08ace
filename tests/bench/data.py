"""What is backed up in the benchmark: made once in a directory, used again, read once so that it is in memory.

Promises the same sizes and names each time.  Bytes of big files do not compress; small files have sizes as files have,
many tiny and few large; the mixed tree is copied from this machine's /usr/share and /usr/lib.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
_PIECE = 8 * MIB
_APART = MIB // 2  # bytes of free memory between two pages that are kept


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much: bytes of each of the eight big files, number of small files, bytes of the mixed tree."""

    big: int
    small: int
    mixed: int


FULL = Sizes(512 * MIB, 100_000, 512 * MIB)
QUICK = Sizes(64 * MIB, 10_000, 64 * MIB)


@dataclass(frozen=True, slots=True)
class Data:
    """The trees of a benchmark directory."""

    top: Path
    sizes: Sizes

    def big(self) -> Path:
        """Eight files of incompressible bytes."""
        return self._made(f"big-{self.sizes.big // MIB}", self._make_big)

    def small(self) -> Path:
        """Many small files, a hundred in each directory."""
        return self._made(f"small-{self.sizes.small}", self._make_small)

    def mixed(self) -> Path:
        """Texts, programs, pictures: what a machine has."""
        return self._made(f"mixed-{self.sizes.mixed // MIB}", self._make_mixed)

    def tiny(self, count: int) -> list[Path]:
        """So many directories with one file of 10 KiB each."""
        top = self._made(f"tiny-{count}", lambda path: _make_tiny(path, count))
        return sorted(top.iterdir())

    def index(self, count: int, level: int, make: Callable[[Path, int, int], None]) -> Path:
        """The index of a dump of so many names at a level."""
        top = self._made(f"index-{count}-{level}", lambda path: make(path / "it.tix", count, level))
        return top / "it.tix"

    def _made(self, name: str, make: Callable[[Path], None]) -> Path:
        path = self.top / name
        if not path.exists():
            unfinished = self.top / f"{name}.tmp"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            make(unfinished)
            os.sync()
            unfinished.rename(path)
        return path

    def _make_big(self, path: Path) -> None:
        for number in range(8):
            with open(path / f"file{number}", "wb", buffering=0) as file:
                for _ in range(self.sizes.big // _PIECE):
                    file.write(os.urandom(_PIECE))

    def _make_small(self, path: Path) -> None:
        dice = random.Random(1)
        bytes_ = dice.randbytes(MIB)
        for number in range(self.sizes.small):
            directory = path / f"{number // 10_000}" / f"d{number // 100 % 100:02}"
            if number % 100 == 0:
                directory.mkdir(parents=True)
            size = min(int(dice.lognormvariate(8.2, 1.3)), 256 * 1024)
            at = dice.randrange(MIB - size)
            (directory / f"a-file-with-a-name.{number}").write_bytes(bytes_[at:at + size])

    def _make_mixed(self, path: Path) -> None:
        left = self.sizes.mixed
        for number, file in enumerate(_files(Path("/usr/share"), Path("/usr/lib"))):
            size = file.stat().st_size
            if size > left:
                continue
            left -= size
            directory = path / f"{number // 500}"
            directory.mkdir(exist_ok=True)
            shutil.copyfile(file, directory / f"{number}-{file.name}")
            if left < 4096:
                return


def _files(*tops: Path) -> Iterator[Path]:
    for top in tops:
        for directory, names, files in os.walk(top):
            names.sort()
            for name in sorted(files):
                path = Path(directory) / name
                if stat.S_ISREG(path.lstat().st_mode) and os.access(path, os.R_OK):
                    yield path


def _make_tiny(path: Path, count: int) -> None:
    for number in range(count):
        directory = path / f"d{number:04}"
        directory.mkdir()
        (directory / "file").write_bytes(os.urandom(10 * 1024))


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a directory."""
    if path.is_file():
        return path.stat().st_size
    return sum((Path(directory) / name).lstat().st_size for directory, _, names in os.walk(path) for name in names)


def populate(size: int) -> mmap.mmap | None:
    """Touch ``size`` bytes of free memory, half of what is free at most, and free nearly all of it again.

    A virtual machine's host takes back free memory in pieces of 2 MiB within seconds; the first touch of such a page then
    costs several times what writing to it does, and the slower of two contenders meets more of them.  A page here and there
    stays in use as long as the caller keeps what is returned: no free piece is that large, and the host takes none.
    """
    free = free_memory()
    if size > free // 2:
        print(f"  only {free >> 20} MiB of memory are free, twice {size >> 20} are wanted: what is written first may cost more",
              file=sys.stderr, flush=True)
    size = min(size, free // 2) // _APART * _APART
    if not size:
        return None
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)
    for at in range(0, size, _APART):
        memory.madvise(mmap.MADV_DONTNEED, at + mmap.PAGESIZE, _APART - mmap.PAGESIZE)
    return memory


def free_memory() -> int:
    """Bytes that nothing uses, not even for files that were read."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def forget() -> None:
    """Root only: what other rows have read or made fills memory no more, which would leave `populate` too little."""
    with contextlib.suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("1")


def warm(path: Path) -> None:
    """Read all files, so that they come from memory from now on."""
    # tar would not read them for an archive that is /dev/null itself.
    subprocess.run("tar cf - . | cat > /dev/null" if path.is_dir() else f"cat '{path}' > /dev/null", shell=True,
                   cwd=path.parent if path.is_file() else path, check=True)
