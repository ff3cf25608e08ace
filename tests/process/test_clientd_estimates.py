"""Estimates of our client against the dumps that follow them: the same tree, the same levels, real tar."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.model.disk import Disk
from core.wire.features import SERVER
from core.wire.services import parse_sendsize, sendsize_request
from core.wire.transports import Connection
from tests.support.client import STAMP, a_disk, client, dump, sizes


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    with client(tmp_path, monkeypatch, maxdumps=3) as made:
        yield made


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    for number in range(30):
        folder = top / f"d{number:02}" / ("long" * 20)
        folder.mkdir(parents=True)
        for size in (0, 1, 512, 513, 70_000):
            (folder / f"file {size}").write_bytes(os.urandom(size))
    os.link(top / "d00" / ("long" * 20) / "file 70000", top / "hard link")
    os.symlink("d00", top / "link")
    os.mkfifo(top / "fifo")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(top / "socket"))
    (top / ("n" * 200)).write_text("a long name")
    with (top / "hole").open("wb") as sparse:
        sparse.truncate(50_000_000)
    return top


def check(connection: Connection, disk: Disk, *levels: int) -> list[int]:
    """Estimates of the levels in one request; each is that of the dump, which is made then at the last level."""
    found = sizes(connection, [(disk, levels)])
    done = dump(connection, disk, levels[-1])
    assert done.mesg.error is None
    assert found[disk.disk, levels[-1]] == done.mesg.size_kib
    return [found[disk.disk, level] for level in levels]


def test_sizes_are_those_of_the_dumps(connection: Connection, tree: Path, tmp_path: Path) -> None:
    disk = a_disk(connection.host, tree)
    assert check(connection, disk, 0)[0] > 2000
    (tree / "d01" / "changed").write_bytes(bytes(300_000))
    full, one = check(connection, disk, 0, 1)
    assert one < full / 2
    # A directory that comes from elsewhere holds old files, which no time gives away.
    old = tmp_path / "elsewhere"
    old.mkdir()
    (old / "old").write_bytes(bytes(400_000))
    subprocess.run(["touch", "-d", "2001-01-01", old / "old"], check=True)
    old.rename(tree / "d02" / "moved in")
    (tree / "d03").rename(tree / "d03 renamed")
    (tree / "d04" / "late").write_bytes(bytes(150_000))
    levels = check(connection, disk, 0, 1, 2)
    assert levels[0] > levels[1] > levels[2]
    assert check(connection, disk, 2, 0, 1)[2] >= levels[1]


def test_of_very_many_files(connection: Connection, tmp_path: Path) -> None:
    """Their full dumps, and no others, come in records of 512 KiB, the last one filled with zeros."""
    top = tmp_path / "many"
    for number in range(16_400):
        if not number % 1000:
            (top / f"d{number}").mkdir(parents=True)
        (top / f"d{number - number % 1000}/{number}").touch()
    disk = a_disk(connection.host, top)
    assert check(connection, disk, 0)[0] % 512 == 0
    (top / "d0/1").unlink()
    full, one = check(connection, disk, 0, 1)
    assert full % 512 == 0 and one % 512 and one < full


@pytest.mark.parametrize("patterns", [
    ("./d0*",), ("file 5*",), ("*/file 70000",), ("d1[0-4]",), ("./d?[!0-3]/*", "hole"), ("long*/f*0",), ("link",), ("*",),
    ("./d[[:digit:]]5",), ("no\\*such", "hard\\ link"),
])
def test_excludes(connection: Connection, tree: Path, patterns: tuple[str, ...]) -> None:
    check(connection, a_disk(connection.host, tree, exclude=patterns), 0)


def test_includes(connection: Connection, tree: Path) -> None:
    check(connection, a_disk(connection.host, tree, include=("./d0*", "./hole", "./" + "n" * 200), exclude=("./d05",)), 0)


def test_many_disks_at_once(connection: Connection, tree: Path) -> None:
    disks = [a_disk(connection.host, tree / f"d{number:02}") for number in range(20)]
    spindles = [Disk(d.host, d.disk, d.dumptype, spindle=number % 2 - 1) for number, d in enumerate(disks)]
    found = sizes(connection, [(disk, (0, 1)) for disk in spindles])
    assert set(found) == {(disk.disk, level) for disk in disks for level in (0, 1)}
    assert all(size == found[disks[0].disk, 0] for size in found.values())


def test_disks_that_cannot_be_estimated(connection: Connection, tree: Path) -> None:
    asks = [(a_disk(connection.host, device), (0, 1)) for device in (tree / "link x", tree / "hole", tree / "d00")]
    asks.append((a_disk(connection.host, tree / "d01", program="ghost"), (0,)))
    asks.append((a_disk(connection.host, tree / "d02", estimate=("server",)), (0,)))
    reply = connection.request("sendsize", sendsize_request(asks, SERVER, connection.features, "test", STAMP), 30.0)
    found = parse_sendsize(reply)
    assert found.errors == {
        str(tree / "link x"): [f"CLT021 {tree}/link x does not exist"],
        str(tree / "hole"): [f"CLT020 {tree}/hole is no directory"],
        str(tree / "d01"): ["CLT026 ghost: the client's access file does not permit this application"],
    }
    assert found.sizes[str(tree / "d00"), 0] > 0
    assert found.sizes[str(tree / "d02"), 0] == -1, "that estimate is the server's own affair"


def test_a_list_that_is_missing(connection: Connection, tree: Path) -> None:
    asks = [(a_disk(connection.host, tree, exclude_list=("gone",)), (0,))]
    reply = connection.request("sendsize", sendsize_request(asks, SERVER, connection.features, "test", STAMP), 30.0)
    assert parse_sendsize(reply).errors == {str(tree): [f"CLT028 the exclude list {tree}/gone does not exist"]}
