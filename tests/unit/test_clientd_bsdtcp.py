"""Whom a client believes by bsdtcp, and what its .amandahosts permits."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from clientd import peer
from clientd.amandahosts import permitted
from clientd.peer import Gate, Peer, checked

HOSTS = """
# the server
backup.example.org  backup  amdump amindexd
BACKUP.example.org  root    amindexd amidxtaped   # and no dumps
localhost           backup
other.example.org
sizes.example.org   backup  sendsize
"""
SERVER, HOME = ("backup.example.org", "192.0.2.7"), ("localhost", "127.0.0.1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / ".amandahosts"
    made.write_text(HOSTS)
    made.chmod(0o600)
    return made


@pytest.mark.parametrize(("host", "user", "service", "fault"), [
    (SERVER, "backup", "sendbackup", ""),
    (SERVER, "backup", "noop", ""),
    (("Backup.Example.ORG", "192.0.2.7"), "backup", "selfcheck", ""),
    (SERVER, "backup", "senddiscover", "the service senddiscover is not allowed from backup@backup.example.org"),
    (SERVER, "root", "sendbackup", "the service sendbackup is not allowed from root@backup.example.org"),
    (SERVER, "operator", "noop", "access as amanda is not allowed from operator@backup.example.org"),
    (("evil.example.org", "192.0.2.66"), "backup", "noop", "access as amanda is not allowed from backup@evil.example.org"),
    (HOME, "backup", "sendsize", ""),
    (("vm", "::1"), "backup", "sendsize", ""),
    (("vm", "::ffff:127.0.0.1"), "backup", "sendsize", ""),
    (("localhost", "192.0.2.66"), "backup", "sendsize", ""),
    (("vm", "192.0.2.66"), "backup", "sendsize", "access as amanda is not allowed"),
    (("other.example.org", "192.0.2.8"), "amanda", "sendbackup", ""),
    (("other.example.org", "192.0.2.8"), "backup", "sendbackup", "access as amanda is not allowed"),
    (("sizes.example.org", "192.0.2.9"), "backup", "sendsize", ""),
    (("sizes.example.org", "192.0.2.9"), "backup", "noop", "the service noop is not allowed"),
])
def test_what_amandahosts_permits(file: Path, host: tuple[str, str], user: str, service: str, fault: str) -> None:
    said = permitted(file, "amanda", *host, user, service)
    assert said.startswith(fault) if fault else not said
    if fault:
        assert said.endswith(f'add the line "{host[0]} {user} amdump" to {file} on this client')


def test_an_amandahosts_that_others_can_reach_permits_nobody(file: Path, tmp_path: Path) -> None:
    def said(path: Path) -> str:
        return permitted(path, "amanda", *SERVER, "backup", "noop")

    assert not said(file)
    file.chmod(0o640)
    assert said(file) == f"{file} is open to other users; only its owner may have access (chmod 600)"
    file.chmod(0o600)
    assert said(tmp_path / "none") == f"{tmp_path}/none cannot be read: No such file or directory"
    assert said(tmp_path) == f"{tmp_path} cannot be read: Is a directory"
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert said(tmp_path / "pipe") == f"{tmp_path}/pipe is no file"
    if os.geteuid() == 0:
        os.chown(file, 12345, 0)
        assert said(file) == f"{file} belongs to another user"


def test_a_peer_is_believed_by_port_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"192.0.2.7": "backup.example.org", "192.0.2.66": "backup.example.org", "2001:db8::7": "six.example.org"}
    addresses = {"backup.example.org": ["192.0.2.7"], "six.example.org": ["2001:db8::7"]}

    def getnameinfo(address: tuple[str, int], flags: int) -> tuple[str, str]:
        assert flags == socket.NI_NAMEREQD
        if address[0].removeprefix("::ffff:") not in names:
            raise socket.gaierror(-2, "Name or service not known")
        return names[address[0].removeprefix("::ffff:")], str(address[1])

    def getaddrinfo(name: str, port: None) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        return [(2, 1, 6, "", (address, 0)) for address in addresses[name]]

    monkeypatch.setattr(peer.socket, "getnameinfo", getnameinfo)
    monkeypatch.setattr(peer.socket, "getaddrinfo", getaddrinfo)
    assert checked(("192.0.2.7", 1023)) == Peer("192.0.2.7", "backup.example.org")
    assert checked(("::ffff:192.0.2.7", 600, 0, 0)) == Peer("192.0.2.7", "backup.example.org")
    assert checked(("2001:db8::7", 600, 0, 0)) == Peer("2001:db8::7", "six.example.org")
    assert checked(("192.0.2.7", 1024)).fault == "host backup.example.org: port 1024 is not secure"
    assert checked(("192.0.2.66", 600)).fault == (
        "192.0.2.66: it is named backup.example.org, but that name does not lead back to it")
    assert checked(("192.0.2.99", 600)).fault == "192.0.2.99: its address has no name: Name or service not known"


def test_every_request_says_its_user(file: Path) -> None:
    gate = Gate(Peer("192.0.2.7", "backup.example.org"), "amanda", file)
    assert gate.refusal("SECURITY USER backup\nSERVICE noop\nOPTIONS ;\n", "noop") == ""
    for body in ("SERVICE noop\nOPTIONS ;\n", "SECURITY USER \nSERVICE noop\n", "SECURITY USER a b\nSERVICE noop\n"):
        assert gate.refusal(body, "noop") == "CLT037 the request does not say which user asks"
    assert gate.refusal("SECURITY USER x\nSERVICE noop\nOPTIONS ;\n", "noop").startswith("CLT038 access as amanda")
    stranger = Gate(Peer("192.0.2.7", "b", "host b: port 5000 is not secure"), "amanda", file)
    assert stranger.refusal("SECURITY USER backup\n", "noop") == "CLT037 host b: port 5000 is not secure"
