"""Our server's side of the wire against a real Amanda 3.5.1 amandad on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.model.disk import Compression, Host
from core.wire.features import SERVER, STOCK
from core.wire.services import parse_selfcheck, selfcheck_request
from core.wire.transports import Connection, connect
from tests.support.client import a_disk, dump, sizes

AMANDAD = Path("/usr/lib/amanda/amandad")
DISK = "/usr/share/doc/tar"

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        not AMANDAD.exists() or os.geteuid() != 0 or shutil.which("runuser") is None,
        reason="NO amandad OF Amanda HERE (or not root): it is NOT tested as a peer",
    ),
]


@pytest.fixture
def connection() -> Iterator[Connection]:
    made = connect(Host("localhost", amandad=("runuser", "-u", "backup", "--", str(AMANDAD), "-auth=local")), "local")
    yield made
    made.close()


def test_what_it_understands(connection: Connection) -> None:
    assert connection.features == STOCK
    assert not connection.keeps()


def test_selfcheck_answers_in_plain_lines(connection: Connection) -> None:
    request = selfcheck_request([a_disk(connection.host, DISK, record=False)], SERVER, connection.features, "test")
    found = parse_selfcheck(connection.request("selfcheck", request, 60.0))
    assert (True, DISK) in found
    assert all(well for well, _ in found), found


def test_estimate_and_dump(connection: Connection) -> None:
    disk = a_disk(connection.host, DISK, record=False)
    kib = sizes(connection, [(disk, (0,))])[DISK, 0]
    done = dump(connection, disk, 0)
    assert done.mesg.error is None and not done.mesg.strange
    assert done.mesg.native == done.mesg.client == done.crc
    assert done.mesg.size_kib == kib == len(done.data) // 1024
    assert "/copyright" in done.index


def test_compressed(connection: Connection) -> None:
    done = dump(connection, a_disk(connection.host, DISK, record=False, compress=Compression.CLIENT_FAST), 0)
    assert done.mesg.client == done.crc
    assert done.mesg.info["COMPRESS_SUFFIX"] == ".gz"
    subprocess.run(["gzip", "-t"], input=done.data, check=True)


def test_what_it_says_when_it_fails(connection: Connection) -> None:
    done = dump(connection, a_disk(connection.host, "/no/such disk ü", record=False), 0)
    assert done.mesg.error is not None and "/bin/tar returned 2" in done.mesg.error
    assert any("Cannot open: No such file or directory" in line for line in done.mesg.strange)


def test_an_application_that_it_has_not(connection: Connection) -> None:
    done = dump(connection, a_disk(connection.host, DISK, record=False, program="no-such-application"), 0)
    assert done.mesg.error is not None and "no-such-application: No such file or directory" in done.mesg.error
