"""What the indexer sees in archives of the real tar, in each of its formats, against tar's own list and the tree itself."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from core.index.names import clean_path
from core.wire.tar_index import BLOCK, TarIndexer
from core.wire.tar_quoting import unquote_name

KINDS = {stat.S_IFREG: b"f", stat.S_IFDIR: b"d", stat.S_IFLNK: b"l", stat.S_IFIFO: b"p"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("tree")
    long = "d" * 90 + "/" + "e" * 90
    (top / long).mkdir(parents=True)
    (top / long / ("f" * 120)).write_bytes(b"long")
    (top / "plain").write_bytes(os.urandom(3000))
    (top / "empty").touch()
    os.link(top / "plain", top / "zlink")
    os.link(top / "plain", top / ("z" + "k" * 150))
    os.symlink("t" * 150, top / "symlink")
    os.mkfifo(top / "fifo")
    Path(os.fsdecode(os.fsencode(top) + b"/\xff\xfe\n\t\\ name")).write_bytes(b"odd")
    for name, holes in (("sparse", 3), ("sparse many", 60)):
        with open(top / name, "wb") as file:
            for number in range(holes):
                file.seek(number * 200_000)
                file.write(b"x" * 5000)
            file.truncate(holes * 200_000 + 77)
    for path in top.rglob("*"):
        if not path.is_symlink():
            os.utime(path, (1_600_000_000, 1_600_000_000.25))
    os.utime(top / "plain", (1, 1))
    (top / "of 1968").write_bytes(b"old")
    os.utime(top / "of 1968", (-34_560_000, -34_560_000.5))
    return top


def told(data: bytes, cut: int) -> dict[bytes | None, tuple[int, int, int, bytes]]:
    found: dict[bytes | None, tuple[int, int, int, bytes]] = {}

    def member(offset: int, name: bytes, size: int, mtime: int, kind: bytes) -> None:
        found[clean_path(name)] = (offset, size, mtime, kind)

    indexer = TarIndexer(member, lambda line: None)
    for at in range(0, len(data), cut):
        indexer.feed(memoryview(data)[at:at + cut])
    return found


def own(data: bytes, at: int) -> int:
    """Where the header of a member itself is, after long names and pax headers."""
    while data[at + 156:at + 157] in (b"L", b"K", b"x", b"g"):
        at += BLOCK + (int(data[at + 124:at + 135], 8) + BLOCK - 1) // BLOCK * BLOCK
    return at


@pytest.mark.parametrize("options", [
    "--format=gnu", "--format=gnu --listed-incremental=SNAR", "--format=oldgnu", "--format=posix",
    "--format=posix --sparse-version=0.0", "--format=posix --sparse-version=0.1", "--format=posix --listed-incremental=SNAR",
])
def test_each_member_is_where_tar_says(tree: Path, tmp_path: Path, options: str) -> None:
    words = options.replace("SNAR", str(tmp_path / "snar")).split()
    environment = {**os.environ, "LC_ALL": "C"}
    data = subprocess.run(["tar", "-c", "-f", "-", *words, "--sparse", f"--directory={tree}", "."], capture_output=True,
                          check=True, env=environment).stdout
    listed = subprocess.run(["tar", "-tR", "--quoting-style=escape"], input=data, capture_output=True, check=True,
                            env=environment).stdout
    wanted = {clean_path(unquote_name(line.partition(b": ")[2])): int(line.split(b" ")[1].rstrip(b":")) * BLOCK
              for line in listed.splitlines() if b"** Block of NULs **" not in line}
    found = told(data, 1 << 20)
    # In posix format tar counts from a member's own header, not from what stands before it.
    assert {path: own(data, one[0]) for path, one in found.items()} == {path: own(data, at) for path, at in wanted.items()}
    assert all(one[0] <= wanted[path] for path, one in found.items()) and found == told(data, 1000)
    assert len({one[0] for one in found.values()}) == len(found) and min(one[0] for one in found.values()) == 0
    linked = set[int]()
    for path, (_, size, mtime, kind) in sorted(found.items(), key=lambda one: one[1][0]):
        assert path is not None
        there = os.lstat(os.fsencode(tree) + b"/" + path)
        if kind == b"h":
            assert there.st_ino in linked and size == 0
            continue
        linked.add(there.st_ino)
        regular = stat.S_ISREG(there.st_mode)
        assert kind == (b"s" if b"sparse" in path else KINDS[stat.S_IFMT(there.st_mode)]), path
        assert (size, mtime) == (there.st_size if regular else 0, max(-1, int(there.st_mtime))), path
    assert sum(one[3] == b"h" for one in found.values()) == 2
