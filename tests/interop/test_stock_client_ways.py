"""Our side of the wire against a stock Amanda 3.5.1 client, by each way to it: what it checks, estimates and dumps."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import PeerError
from core.model.disk import Compression, Disk
from core.wire.features import SERVER, STOCK
from core.wire.services import parse_selfcheck, parse_sendsize, selfcheck_request, sendsize_request
from tests.support import amanda
from tests.support.client import STAMP, Dumped, dump
from tests.support.dumps import manifest
from tests.support.stock_client import WAYS, Client, need_private, stock_client

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def here() -> Iterator[Path]:
    amanda.need("our server with stock clients")
    with amanda.open_place() as place:
        yield place


@pytest.fixture(scope="module", params=WAYS)
def client(request: pytest.FixtureRequest, here: Path) -> Iterator[Client]:
    with stock_client(request.param, here) as made:
        yield made


@pytest.fixture
def tree(here: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk with names of all kinds, in a place whose own name has a blank and an umlaut."""
    top = here / "a dïsk"
    (top / "sub dir").mkdir(parents=True)
    (top / "text").write_bytes(b"text " * 40_000)
    (top / "sub dir/ünïcode ☃").write_bytes(os.urandom(50_000))
    (top / "no.tmp").write_bytes(b"not this")
    (top / "line\nbreak").write_bytes(b"odd")
    (top / "link").symlink_to("text")
    amanda.give(top)
    yield top
    shutil.rmtree(top)


def one(client: Client, disk: Disk, level: int = 0) -> Dumped:
    """A dump, as our dumper asks for one; its checksums agree with what arrived."""
    connection = client.connect()
    try:
        done = dump(connection, disk, level)
    finally:
        connection.close()
    if done.mesg.error is None and done.mesg.retry is None:
        assert done.mesg.client.known and done.mesg.client == done.crc, "the client's CRC is that of what came"
        assert done.mesg.size_kib > 0
    return done


def unpacked(*archives: bytes, to: Path) -> Path:
    to.mkdir()
    for data in archives:
        subprocess.run(["tar", "-xpGf", "-"], cwd=to, input=data, check=True)
    return to


def listed(data: bytes) -> set[str]:
    said = subprocess.run(["tar", "-t"], input=data, capture_output=True, check=True).stdout.decode()
    return set(said.splitlines())


def test_what_it_understands_and_checks(client: Client, tree: Path, here: Path) -> None:
    connection = client.connect()
    assert connection.features == STOCK and not connection.keeps()
    disks = [client.disk(tree), client.disk(here / "no such directory")]
    answers = parse_selfcheck(connection.request("selfcheck", selfcheck_request(disks, SERVER, STOCK, "test"), 60.0))
    connection.close()
    assert (True, f'"{tree}"') in answers, "quoted, since its name has a blank"
    wrong = [text for well, text in answers if not well]
    assert len(wrong) == 1 and "no such directory" in wrong[0] and "No such file" in wrong[0], answers
    if client.inetd is not None:
        assert client.inetd.peers and all(port < 1024 for _, port in client.inetd.peers)


@pytest.mark.slow
@pytest.mark.parametrize("program", ["gnutar", "amgtar"])
def test_estimates(client: Client, tree: Path, program: str) -> None:
    found = {}
    for method in ("client", "calcsize", "server"):
        disk = client.disk(tree, f"estimate {program} {method}", program=program, estimate=(method,), record=False)
        connection = client.connect()
        body = sendsize_request([(disk, (0, 1))], SERVER, connection.features, "test", STAMP)
        said = parse_sendsize(connection.request("sendsize", body, 60.0))
        connection.close()
        assert not said.errors and not said.host_errors, said
        found[method] = [said.sizes[disk.disk, level] for level in (0, 1)]
    assert all(250 <= size <= 400 for size in (*found["client"], *found["calcsize"])), found
    assert found["server"] == [-1, -1], "that is ours to do"


@pytest.mark.parametrize("program", ["gnutar", "amgtar"])
def test_full_and_incremental(client: Client, tree: Path, program: str, tmp_path: Path) -> None:
    disk = client.disk(tree, f"{client.auth} {program} ünd {tree.parent.name}", program=program)
    full = one(client, disk)
    assert full.mesg.error is None and not full.mesg.strange, full.mesg
    assert full.mesg.native == full.mesg.client and full.mesg.size_kib == len(full.data) // 1024
    assert set(full.index) == {"/", "/sub dir/", "/text", "/no.tmp", "/link", r"/line\nbreak",
                               "/sub dir/\\303\\274n\\303\\257code \\342\\230\\203"}
    assert (full.state[0] == "0 /") if program == "amgtar" else not full.state
    (tree / "text").unlink()
    (tree / "new").write_bytes(b"new\n")
    incremental = one(client, disk, 1)
    assert incremental.mesg.error is None and len(incremental.data) < len(full.data) // 4
    assert manifest(unpacked(full.data, incremental.data, to=tmp_path / "out")) == manifest(tree)


def test_compression_on_the_client(client: Client, tree: Path, here: Path) -> None:
    custom = here / "custom"
    if not custom.exists():
        custom.write_text('#!/bin/sh\nexec /bin/gzip -n "$@"\n')
        custom.chmod(0o755)
    for how in (Compression.CLIENT_FAST, Compression.CLIENT_BEST, Compression.CLIENT_CUSTOM):
        done = one(client, client.disk(tree, record=False, compress=how, compress_program=str(custom)))
        assert done.mesg.error is None and not done.mesg.strange, (how, done.mesg)
        plain = gzip.decompress(done.data)
        assert "./text" in listed(plain) and done.mesg.native.size == len(plain) > len(done.data), how


@pytest.mark.slow
@pytest.mark.parametrize("program", ["gnutar", "amgtar"])
def test_exclude_and_include(client: Client, tree: Path, here: Path, program: str) -> None:
    patterns = here / "patterns"
    patterns.write_text("./sub dir\n")
    done = one(client, client.disk(tree, program=program, record=False, exclude=("./*.tmp",), exclude_list=(str(patterns),)))
    assert {"./text", "./link"} <= listed(done.data) and not [n for n in listed(done.data) if "sub dir" in n or "tmp" in n]
    done = one(client, client.disk(tree, program=program, record=False, include=("./te*", "./sub dir"), exclude=("./t*",)))
    assert {name.split("/")[1] for name in listed(done.data)} == {"sub dir"}


@pytest.mark.slow
def test_what_is_strange_and_what_fails(client: Client, tree: Path, here: Path) -> None:
    plain = client.disk(tree, program="amgtar", record=False)
    assert not one(client, plain).mesg.strange
    told = replace(plain, dumptype=replace(plain.dumptype, properties=(("COMMAND-OPTIONS", ("--checkpoint=10",)),)))
    done = one(client, told)
    assert done.mesg.error is None and [line for line in done.mesg.strange if "Write checkpoint" in line], done.mesg
    gone = one(client, client.disk(here / "no such disk ü", record=False))
    assert gone.mesg.error is not None and any("No such file or directory" in line for line in gone.mesg.strange), gone.mesg


LATER = """#!/bin/sh
case $1 in
support) echo "MAX-LEVEL 9"; echo "MESSAGE-LINE YES"; echo "CLIENT-ESTIMATE YES" ;;
backup) echo 'sendbackup: retry delay 7 level 0 message "busy with something"' >&3 ;;
esac
"""


@pytest.mark.parametrize("auth", WAYS)
def test_it_asks_for_another_time(auth: str, tree: Path, here: Path) -> None:
    need_private("RETRY of a stock client")
    applications = here / f"applications-{auth}"
    applications.mkdir()
    (applications / "amlater").write_text(LATER)
    (applications / "amlater").chmod(0o755)
    with stock_client(auth, here, f"later-{auth}", applications) as made:
        said = one(made, made.disk(tree, program="amlater", record=False)).mesg
    assert said.retry is not None and (said.retry.delay, said.retry.level) == (7, 0)
    assert said.retry.message == "busy with something"


def test_its_amandahosts_decides(here: Path) -> None:
    with stock_client("bsdtcp", here) as made:
        for user, said in (("root", "user root from localhost is not allowed to execute the service noop"), ("backup", "")):
            asking = replace(made, host=replace(made.host, user=user))
            if said:
                with pytest.raises(PeerError, match=f"CLT004 localhost refused noop: .*{said}"):
                    asking.connect()
            else:
                asking.connect().close()
