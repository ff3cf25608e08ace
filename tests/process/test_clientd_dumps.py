"""Our client dumps real trees with real tar over real pipes; what it sends restores to what was there."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from crc32c import crc32c

from core.errors import PeerError
from core.model.disk import Compression
from core.model.framesums import FRAME
from core.wire.features import CONFIRMING, FRAME_SUMS, INDEX_LISTING, LARGE_FRAMES, SERVER, STOCK, STREAM_STATE
from core.wire.transports import Connection
from tests.support.client import STAMP, Dumped, a_disk, client, dump, sizes

ODD = [
    "plain.txt",
    "with blank.txt",
    "tail ",
    "ümlaut.txt",
    "new\nline",
    "back\\slash",
    "tab\there",
    'quote"s',
    "\udcff raw",
    "#x",
    "-dash",
]


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    with client(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Odd names, a long path, links, a hole, an empty directory."""
    top = tmp_path / "tree"
    deep = top / "sub" / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    (top / "empty").mkdir()
    for number, name in enumerate(ODD):
        (top / "sub" / name).write_bytes(b"%d" % number * 700)
    (deep / "f").write_text("deep")
    (top / "big").write_bytes(os.urandom(3_000_000))
    os.link(top / "big", top / "hard")
    os.symlink("big", top / "soft")
    with (top / "hole").open("wb") as sparse:
        for at in range(40):
            sparse.seek(at * 1_000_000)
            sparse.write(b"data")
    return top


def restored(target: Path, *dumps: Dumped) -> Path:
    """Extract dumps one over the other, as a restore does."""
    target.mkdir()
    for each in dumps:
        data = gzip.decompress(each.data) if each.data[:2] == b"\x1f\x8b" else each.data
        subprocess.run(
            ["tar", "--extract", "--listed-incremental=/dev/null", "--directory", target, "--file", "-"],
            input=data,
            check=True,
        )
    return target


def same(one: Path, other: Path) -> None:
    subprocess.run(["diff", "--recursive", "--no-dereference", one, other], check=True)


def listed(data: bytes) -> list[str]:
    """What GNU tar itself prints for the archive, as the index should have it."""
    done = subprocess.run(
        ["tar", "--list", "--file", "-"],
        input=data,
        capture_output=True,
        check=True,
        env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
    )
    return [line[1:] for line in done.stdout.decode("utf-8", "surrogateescape").splitlines()]


def in_the_dump(done: Dumped) -> list[str]:
    """The index without what it tells to be there and not in the dump."""
    return [line for line in done.index if not line.startswith("\t")]


def good(done: Dumped) -> Dumped:
    assert done.mesg.error is None and done.mesg.ended and not done.mesg.strange, done.mesg
    assert done.mesg.client == done.crc
    return done


def test_a_full_dump(connection: Connection, tree: Path, tmp_path: Path) -> None:
    done = good(dump(connection, a_disk(connection.host, tree), 0))
    assert done.mesg.info == {"BACKUP": "/bin/tar", "RECOVER_CMD": "/bin/tar -xpGf - ..."}
    assert done.mesg.native == done.mesg.client
    assert done.mesg.size_kib == len(done.data) // 1024
    assert done.mesg.normal[0].startswith("Total bytes written: ")
    assert in_the_dump(done) == listed(done.data) and set(done.index) - set(in_the_dump(done)) == {"\t/"}
    blocks = subprocess.run(
        ["tar", "--list", "--block-number", "--file", "-"], input=done.data, capture_output=True, check=True
    )
    theirs = [
        line.removeprefix("block ").partition(":")[0]
        for line in blocks.stdout.decode().splitlines()
        if not line.endswith("**")
    ]
    assert [line.partition(" ")[0] for line in done.state] == [n for n in theirs if n]
    assert [line.partition(" ")[2] for line in done.state] == in_the_dump(done)
    same(tree, restored(tmp_path / "out", done))


def test_levels_with_deleted_renamed_and_new_files(connection: Connection, tree: Path, tmp_path: Path) -> None:
    disk = a_disk(connection.host, tree)
    full = good(dump(connection, disk, 0))
    (tree / "sub" / "plain.txt").unlink()
    (tree / "sub" / "#x").write_text("changed")
    (tree / "empty").rename(tree / "renamed")
    (tree / "new").mkdir()
    (tree / "new" / "file").write_text("new")
    one = good(dump(connection, disk, 1))
    assert {"/sub/#x", "/new/file"} <= set(one.index)
    assert "\t/sub/with blank.txt" in one.index and "\t/big" in one.index
    assert not any("plain.txt" in line for line in one.index), "what is gone is not listed at all"
    (tree / "new" / "file").unlink()
    (tree / "sub" / "#x").rename(tree / "sub" / "moved")
    two = good(dump(connection, disk, 2))
    assert "/sub/moved" in two.index and "\t/new/file" not in two.index and "/sub/#x" not in two.index
    assert len(two.data) < len(one.data) + 10240 < len(full.data)
    same(tree, restored(tmp_path / "out", full, one, two))
    again = good(dump(connection, disk, 1))
    assert {"/sub/moved"} <= set(again.index), "a second level 1 goes on from the full dump"


def test_what_a_stock_server_gets(connection: Connection, tree: Path) -> None:
    done = good(dump(connection, a_disk(connection.host, tree), 0, STOCK))
    assert done.longest <= 32768
    dump(connection, a_disk(connection.host, tree), 1, STOCK.less(STREAM_STATE))
    one = good(dump(connection, a_disk(connection.host, tree), 1, STOCK.less(STREAM_STATE)))
    assert not one.state and not any(line.startswith("\t") for line in one.index)


def test_frames_are_large_for_us(connection: Connection, tree: Path) -> None:
    assert SERVER.has(LARGE_FRAMES) and SERVER.has(INDEX_LISTING)
    assert good(dump(connection, a_disk(connection.host, tree), 0)).longest > 32768


@pytest.mark.parametrize("compress", [Compression.CLIENT_FAST, Compression.CLIENT_BEST])
def test_compressed_on_the_client(connection: Connection, tree: Path, tmp_path: Path, compress: Compression) -> None:
    done = good(dump(connection, a_disk(connection.host, tree, compress=compress), 0))
    assert done.mesg.info["RECOVER_CMD"] == "/bin/gzip -dc |/bin/tar -xpGf - ..."
    assert done.mesg.info["COMPRESS_SUFFIX"] == ".gz"
    native = subprocess.run(["gzip", "-dc"], input=done.data, capture_output=True, check=True).stdout
    assert (len(native), done.mesg.size_kib) == (done.mesg.native.size, len(native) // 1024)
    assert list(done.mesg.frames) == [crc32c(native[at:at + FRAME]) for at in range(0, len(native), FRAME)]
    other = good(dump(connection, a_disk(connection.host, tree, compress=compress), 0, SERVER.less(FRAME_SUMS)))
    assert other.mesg.native.known and not other.mesg.frames, "told to a server that asks only"
    assert in_the_dump(done) == listed(native)
    same(tree, restored(tmp_path / "out", done))


def test_compression_by_a_permitted_program(connection: Connection, tree: Path, tmp_path: Path) -> None:
    disk = a_disk(connection.host, tree, compress=Compression.CLIENT_CUSTOM, compress_program="/bin/gzip")
    with pytest.raises(PeerError, match="CLT026 localhost: /bin/gzip: the client's access file does not permit"):
        dump(connection, disk, 0)


def test_a_filter(tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "access.toml").write_text('filters = ["/bin/gzip", "/bin/false", "/no/such"]\n')
    with client(tmp_path, monkeypatch) as made:

        def custom(program: str) -> Dumped:
            disk = a_disk(made.host, tree, compress=Compression.CLIENT_CUSTOM, compress_program=program)
            return dump(made, disk, 0)

        done = good(custom("/bin/gzip"))
        assert done.mesg.info["CLIENT_CUSTOM_COMPRESS"] == "/bin/gzip"
        same(tree, restored(tmp_path / "out", done))
        assert custom("/bin/false").mesg.error == "CLT030 /bin/false ended with exit status 1"
        assert custom("/no/such").mesg.error == "CLT030 /no/such cannot be run: No such file or directory"


def test_exclude_and_include(connection: Connection, tree: Path) -> None:
    (tree / "list").write_text("./sub/*.txt  \n\nback*\n")
    disk = a_disk(
        connection.host, tree, exclude=("./big", "tail "), exclude_list=("list",), include=("./sub", "./b*", "./list")
    )
    done = good(dump(connection, disk, 0))
    assert "/list" in done.index and "/sub/" in done.index and "/sub/#x" in done.index
    names = in_the_dump(done)
    assert not [line for line in names if line.endswith((".txt", "big", "slash", "tail ", "soft", "hard"))]
    assert names == listed(done.data)
    assert "\t/sub/plain.txt" in done.index, "a later level will tell of it, too: it was left out, not lost"


@pytest.mark.parametrize(
    "kind,text",
    [
        ({"include": ("./nothing*",)}, "nothing is there that include names"),
        ({"include": ("../x",)}, "include '../x' does not start with './'"),
        ({"include": ("./a/../../etc",)}, "may not hold '..'"),
        ({"exclude_list": ("none",)}, "the exclude list .*/none does not exist"),
        ({"include_list": ("sub",)}, "the include list .*/sub cannot be read: Is a directory"),
    ],
)
def test_selections_that_cannot_be(connection: Connection, tree: Path, kind: dict[str, object], text: str) -> None:
    with pytest.raises(PeerError, match=f"CLT028.*{text}"):
        dump(connection, a_disk(connection.host, tree, **kind), 0)


def test_disks_that_cannot_be(connection: Connection, tree: Path) -> None:
    for device, text in [
        (tree / "big", "CLT020 .*: .*/tree/big is no directory"),
        (tree / "none", "CLT021 .*: .*/none does not exist"),
        ("relative", "CLT020 .*: 'relative' is no absolute path"),
    ]:
        with pytest.raises(PeerError, match=text) as caught:
            dump(connection, a_disk(connection.host, device), 0)
        assert caught.value.code == text[:6] and not caught.value.try_later
    with pytest.raises(PeerError, match=r"CLT024 .*: this client does not know the dump program 'DUMP'"):
        dump(connection, a_disk(connection.host, tree, program="dump"), 0)
    good(dump(connection, a_disk(connection.host, tree), 0))


def test_what_tar_says_is_told_apart(
    connection: Connection, tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tree / "socket"))
        done = dump(connection, a_disk(connection.host, tree), 0)
    assert "/bin/tar: ./socket: socket ignored" in done.mesg.normal and not done.mesg.strange
    # A tar that complains and goes on is strange; one that fails is an error, and keeps the old snapshot.
    fake = tmp_path / "tar"
    for status, complaint in (
        (1, "tar: ./x: file changed as we read it"),
        (2, "tar: ./x: Cannot read: Input/output error"),
    ):
        fake.write_text(f'#!/bin/sh\n/bin/tar "$@"\necho "{complaint}" >&2\nexit {status}\n')
        fake.chmod(0o755)
        monkeypatch.setenv("TAPEROOM_CLIENT_TAR", str(fake))
        with client(tmp_path, monkeypatch) as other:
            told = dump(other, a_disk(other.host, tree), 1)
        assert told.mesg.strange == [complaint]
        assert told.mesg.error == (None if status == 1 else f"CLT029 {fake} ended with exit status 2: {complaint}")
    state = sorted(path.name for path in (tmp_path / "client-state" / "gnutar-lists").iterdir())
    stem = "localhost" + str(tree).replace("/", "_")
    assert state == [f"{stem}_0", f"{stem}_1"]


def test_without_tar(tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPEROOM_CLIENT_TAR", "/no/such/tar")
    with (
        client(tmp_path, monkeypatch) as made,
        pytest.raises(PeerError, match="CLT023 localhost: /no/such/tar cannot be run: no such file"),
    ):
        dump(made, a_disk(made.host, tree), 0)


def test_record_no_leaves_no_trace(connection: Connection, tree: Path, tmp_path: Path) -> None:
    good(dump(connection, a_disk(connection.host, tree, record=False, index=False), 0))
    assert not list((tmp_path / "client-state" / "gnutar-lists").iterdir())


def test_only_a_confirmed_dump_counts(connection: Connection, tree: Path, tmp_path: Path) -> None:
    disk = a_disk(connection.host, tree)
    lists = tmp_path / "client-state" / "gnutar-lists"
    good(dump(connection, disk, 0, CONFIRMING))
    # The next request comes without a word on the last dump: it is not safe, and no incremental may go on from it.
    assert sizes(connection, [(disk, (1,))])[disk.disk, 1] > 3000
    assert not list(lists.iterdir())
    good(dump(connection, disk, 0, CONFIRMING, confirm=True))
    assert sizes(connection, [(disk, (1,))])[disk.disk, 1] < 200
    assert [path.name[-2:] for path in lists.iterdir()] == ["_0"]


def test_many_dumps_over_one_connection(connection: Connection, tree: Path) -> None:
    disk = a_disk(connection.host, tree / "sub")
    first = good(dump(connection, disk, 0, CONFIRMING, confirm=True))
    for _ in range(20):
        again = good(dump(connection, disk, 0, CONFIRMING, confirm=True))
        assert len(again.data) == len(first.data)
    assert STAMP.isdigit()


def test_a_small_tree_is_not_padded(connection: Connection, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    (small / "f").write_text("x")
    assert len(good(dump(connection, a_disk(connection.host, small), 0)).data) == 10240
