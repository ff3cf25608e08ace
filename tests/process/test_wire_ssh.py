"""The transport ssh through a real sshd on loopback, with keys and configuration of its own."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import PeerError
from core.model.disk import Host
from core.wire.transports import connect
from tests.support.client import ROOT, a_disk, dump, sizes
from tests.support.sshd import MISSING, key, sshd

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(MISSING, reason="NO sshd HERE: the ssh transport is NOT tested"),
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host whose sshd runs for this module; it knows one key and runs our amandad."""
    here = tmp_path_factory.mktemp("sshd")
    remote = ("env", f"PYTHONPATH={ROOT}", f"TAPEROOM_CLIENT_STATE={here}/state", sys.executable, "-P", "-m",
              "clientd.amandad", "-auth=ssh")
    with sshd(here, remote) as made:
        yield made


def test_dumps_through_ssh(host: Host, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(3_000_000))
    connection = connect(host, "ssh")
    assert connection.keeps()
    disk = a_disk(host, tmp_path, auth="ssh")
    assert sizes(connection, [(disk, (0, 1))])[disk.disk, 0] > 2900
    for level in (0, 1):
        done = dump(connection, disk, level)
        assert done.mesg.client == done.crc and done.mesg.error is None
    connection.close()


def fault(host: Host) -> PeerError:
    with pytest.raises(PeerError) as caught:
        connect(host, "ssh")
    return caught.value


def option(host: Host, name: str, value: str) -> Host:
    return replace(host, ssh_options=("-o", f"{name}={value}", *host.ssh_options))


def test_a_wrong_host_key(host: Host, tmp_path: Path) -> None:
    public = key(tmp_path / "other").with_suffix(".pub").read_text()
    (tmp_path / "known").write_text(f"[127.0.0.1]:{host.port} {public}")
    told = fault(option(host, "UserKnownHostsFile", str(tmp_path / "known")))
    assert (told.code, told.try_later) == ("CLT010", False)
    assert told.message.startswith("the host key of localhost is not the one that is known for it: ")
    unknown = fault(option(host, "UserKnownHostsFile", "/dev/null"))
    assert unknown.code == "CLT010"


def test_a_wrong_user_key(host: Host, tmp_path: Path) -> None:
    told = fault(replace(host, ssh_key=str(key(tmp_path / "stranger"))))
    assert (told.code, told.try_later) == ("CLT011", False)
    assert told.message.startswith("127.0.0.1 does not let us in: ")


def test_nobody_listens(host: Host) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken, but not listening
        told = fault(replace(host, port=bound.getsockname()[1]))
    assert (told.code, told.try_later) == ("CLT009", True)
    assert told.message.startswith("127.0.0.1 refused the connection: ")


def test_a_name_that_is_not_known(host: Host) -> None:
    told = fault(replace(host, name="ghost", address="no-such-host.invalid"))
    assert (told.code, told.message.partition(":")[0]) == ("CLT008", "the name no-such-host.invalid is not known")


def test_no_amandad_there(host: Host) -> None:
    told = fault(replace(host, amandad=("/no/such/amandad",)))
    assert (told.code, told.try_later) == ("CLT012", False)
    assert told.message.startswith("there is no amandad on localhost: ")


def test_a_login_shell_that_talks(host: Host) -> None:
    told = fault(replace(host, amandad=("sh", "-c", "echo Welcome to this fine machine; cat >/dev/null")))
    assert (told.code, told.message) == ("CLT003", 'localhost talks nonsense: it says "Welcome to this fine machine"')


def test_an_amandad_that_dies(host: Host) -> None:
    told = fault(replace(host, amandad=("sh", "-c", "echo no state here >&2; exit 3")))
    assert (told.code, told.message) == ("CLT001", "the connection to localhost ended: no state here")
