"""The transport tls: dumps through a real listener on loopback, and every peer that our server must not talk to."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clientd.tls.identity import install
from core.errors import PeerError
from core.model.disk import Compression, Host
from core.wire.features import SERVER
from core.wire.frames import Sink
from core.wire.services import sendbackup_request
from core.wire.transports import Connection, connect
from core.wire.transports.tls import REVOKED
from core.wire.transports.tls import SERVER as OWN
from tests.support.client import STAMP, a_disk, dump, sizes
from tests.support.night import wait_for
from tests.support.sshd import MISSING, sshd
from tests.support.tls import (
    Ends,
    Listening,
    any_context,
    enrolled,
    foreign,
    gone,
    listening,
    other_server,
    revoke_on_client,
    serial_of,
)


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return enrolled(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def listener(ends: Ends) -> Iterator[Listening]:
    with listening(ends) as made:
        yield made


def fault(host: Host) -> PeerError:
    with pytest.raises(PeerError) as caught:
        connect(host, "tls")
    assert "\n" not in caught.value.message
    return caught.value


def test_dumps(ends: Ends, listener: Listening, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(9_000_000))
    connection = connect(ends.host(listener.port), "tls")
    assert connection.keeps() and connection.certified_until > 0
    disk = a_disk(ends.host(listener.port), tmp_path, auth="tls")
    assert sizes(connection, [(disk, (0, 1))])[disk.disk, 0] > 8700
    for level, compress in ((0, Compression.NONE), (1, Compression.NONE), (0, Compression.CLIENT_FAST)):
        asked = replace(disk, dumptype=replace(disk.dumptype, compress=compress))
        done = dump(connection, asked, level, confirm=True)
        assert done.mesg.client == done.crc and done.mesg.error is None and done.mesg.ended
    connection.close()
    wait_for(lambda: not listener.family(), lambda: str(listener.lines))


@pytest.mark.interop
@pytest.mark.skipif(MISSING, reason="NO sshd HERE: tls through ssh is NOT tested")
def test_dumps_through_ssh(ends: Ends, listener: Listening, tmp_path: Path) -> None:
    """As docs/tls.md says: sshd forwards a port, and the names in the certificates are the same."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/big").write_bytes(os.urandom(3_000_000))
    (tmp_path / "sshd").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        near = free.getsockname()[1]
    with sshd(tmp_path / "sshd") as gateway:
        words = ["ssh", *gateway.ssh_options, "-i", gateway.ssh_key,
                 "-p", str(gateway.port), "-N", "-o", "ExitOnForwardFailure=yes",
                 "-L", f"127.0.0.1:{near}:127.0.0.1:{listener.port}", f"{gateway.user}@{gateway.address}"]
        with subprocess.Popen(words, stdin=subprocess.DEVNULL) as forwards:
            try:
                wait_for(lambda: _listens(near), lambda: str(forwards.poll()))
                host = ends.host(near)
                connection = connect(host, "tls")
                done = dump(connection, a_disk(host, tmp_path / "tree", auth="tls"), 0, confirm=True)
                assert done.mesg.client == done.crc and done.mesg.error is None
                connection.close()
            finally:
                forwards.terminate()
    wait_for(lambda: not listener.family(), lambda: str(listener.lines))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


# Who listens there is not our client.


def test_a_client_of_another_site(ends: Ends, listener: Listening, tmp_path: Path) -> None:
    told = fault(enrolled(tmp_path).host(listener.port))
    assert (told.code, told.try_later) == ("CLT041", False)
    assert told.message == "the certificate of web1 is of another authority than ours"
    assert "CLT047 the server at 127.0.0.1 refuses us" in listener.said("CLT047")


def test_another_client_of_the_site(ends: Ends, listener: Listening) -> None:
    told = fault(ends.host(listener.port, "web2"))
    assert (told.code, told.try_later) == ("CLT042", False)
    assert told.message == ("the certificate of web2 is another's: it says taperoom:client/web1, "
                            "and has to say taperoom:client/web2")


@pytest.mark.parametrize(("days", "made", "text"), [
    (1, -3.0, "the certificate of web1 has expired"),
    (9, 3.0, "the certificate of web1 is not valid yet: one of the two clocks is wrong")])
def test_out_of_time(tmp_path: Path, days: int, made: float, text: str) -> None:
    ends = enrolled(tmp_path, days=days, made=made)
    with listening(ends) as listener:
        told = fault(ends.host(listener.port))
        assert (told.code, told.message, told.try_later) == ("CLT043", text, False)


def test_an_authority_that_is_over(tmp_path: Path) -> None:
    ends = enrolled(tmp_path, authority_made=-21 * 365, made=-20.5 * 365)
    with listening(ends) as listener:
        assert fault(ends.host(listener.port)).code == "CLT043"


def test_revoked_and_enrolled_again_without_a_new_start(tmp_path: Path) -> None:
    ends = enrolled(tmp_path)
    with listening(ends) as listener:
        kept = connect(ends.host(listener.port), "tls")
        assert kept.keeps()
        ends.authority.revoke("web1", time.time())
        assert not kept.keeps(), "a kept connection is of no use any more"
        told = fault(ends.host(listener.port))
        assert (told.code, told.message) == ("CLT044", "the certificate of web1 is revoked")
        ends.enrol()
        connect(ends.host(listener.port), "tls").close()
        kept.close()


def test_this_servers_certificate_used_to_listen(ends: Ends) -> None:
    def act(peer: socket.socket) -> None:
        any_context(ends.server / OWN, listens=True).wrap_socket(peer, server_side=True).recv(1)

    with foreign(act) as port:
        assert fault(ends.host(port)).code == "CLT042"


def test_names_are_compared_to_the_letter(ends: Ends) -> None:
    for name in ("WEB1", "web", "web1.", "web11"):
        with foreign(lambda peer: _greet(peer, ends.client / "client.pem")) as port:
            assert fault(ends.host(port, name)).code == "CLT042"


def test_the_servers_name_made_for_listening(tmp_path: Path) -> None:
    ends = enrolled(tmp_path)
    theirs = tmp_path / "theirs.pem"
    other_server(ends, listens=True, name="taperoom:server/web1", to=theirs)
    with foreign(lambda peer: _greet(peer, theirs)) as port:
        assert fault(ends.host(port)).code == "CLT042"


def _greet(peer: socket.socket, own: Path) -> None:
    with any_context(own, listens=True).wrap_socket(peer, server_side=True) as sealed:
        sealed.sendall(b"TAPEROOM TLS 1 OK\n")
        sealed.recv(1)


# Nothing of the protocol is sent before the check.


@pytest.mark.parametrize("case", ["other authority", "expired", "revoked", "other name", "no greeting", "other greeting"])
def test_not_a_byte_before_the_check(tmp_path: Path, case: str) -> None:
    ends = enrolled(tmp_path, days=1 if case == "expired" else 30, made=-3.0 if case == "expired" else 0.0)
    theirs = tmp_path / "theirs.pem"
    shutil.copy((enrolled(tmp_path / "other") if case == "other authority" else ends).client / "client.pem", theirs)
    if case == "revoked":
        ends.authority.revoke("web1", time.time())
    heard: list[bytes] = []

    def act(peer: socket.socket) -> None:
        context = any_context(theirs, listens=True)
        context.num_tickets = 0
        try:
            with context.wrap_socket(peer, server_side=True) as sealed:
                if case == "other greeting":
                    sealed.sendall(b"220 mail.example.org ESMTP\r\n")
                while data := sealed.recv(4096):
                    heard.append(data)
        except ssl.SSLError:
            pass

    with foreign(act) as port:
        told = fault(ends.host(port, "web2" if case == "other name" else "", 1.0 if case == "no greeting" else 20.0))
    codes = {"other authority": "CLT041", "expired": "CLT043", "revoked": "CLT044", "other name": "CLT042",
             "no greeting": "CLT002", "other greeting": "CLT049"}
    assert told.code == codes[case] and not heard
    if case == "no greeting":
        assert (told.message, told.try_later) == ("web1 did not answer our certificate within 1 s", True)


# Who listens there is no TLS of ours at all.


@pytest.mark.parametrize("words", [b"220 mail.example.org ESMTP\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 300,
                                   b"SSH-2.0-OpenSSH_9.2p1\r\n", b"\x00\x00\x00\x05\x00\x00\x00\x01hello"])
def test_plain_text(ends: Ends, words: bytes) -> None:
    heard = bytearray()

    def act(peer: socket.socket) -> None:
        peer.sendall(words)
        while data := peer.recv(65536):
            heard.extend(data)

    with foreign(act) as port:
        told = fault(ends.host(port))
    assert (told.code, told.message, told.try_later) == ("CLT045", "web1 does not speak TLS", False)
    assert heard[:1] == b"\x16" and b"SERVICE" not in heard, "a TLS hello, and no word of ours"


def hear_all(peer: socket.socket) -> None:
    while peer.recv(65536):
        pass


def test_a_peer_that_says_nothing(ends: Ends) -> None:
    with foreign(hear_all) as port:
        told = fault(ends.host(port, timeout=0.5))
    assert (told.code, told.message, told.try_later) == (
        "CLT002", "web1 did not answer the TLS handshake within 0.5 s", True)


def test_a_peer_that_talks_a_byte_at_a_time(ends: Ends) -> None:
    over = threading.Event()

    def act(peer: socket.socket) -> None:
        while not over.wait(0.05):
            peer.sendall(b"\x16")  # the first byte of a record, again and again

    with foreign(act) as port:
        assert fault(ends.host(port, timeout=1.0)).code in ("CLT002", "CLT045")
        over.set()


def test_a_peer_that_leaves(ends: Ends) -> None:
    with foreign(lambda peer: None) as port:
        told = fault(ends.host(port))
    assert (told.code, told.message, told.try_later) == ("CLT049", "web1 broke the TLS handshake off", True)


def test_an_older_tls(ends: Ends, tmp_path: Path) -> None:
    def act(peer: socket.socket) -> None:
        context = any_context(ends.client / "client.pem", listens=True)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.wrap_socket(peer, server_side=True).recv(1)

    with foreign(act) as port:
        told = fault(ends.host(port))
    assert (told.code, told.message) == ("CLT046", "web1 has no TLS 1.3, and nothing older is talked")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="NOT TESTED: openssl is not installed: no foreign TLS server")
def test_openssl_listens(ends: Ends) -> None:
    # As a web server it waits for a request, which it does not get.
    for version, code in (("-tls1_2", "CLT046"), ("-tls1_3", "CLT002")):
        process = subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", ends.client / "client.pem", "-key",
             ends.client / "client.pem", version, "-www"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            assert process.stdout is not None
            while not (line := process.stdout.readline()).startswith(b"ACCEPT 127.0.0.1:"):
                assert line, "openssl s_server does not start"
            told = fault(ends.host(int(line.rsplit(b":", 1)[1]), timeout=1.0 if code == "CLT002" else 20.0))
            assert told.code == code
        finally:
            process.kill()
            process.communicate()


def test_nobody_listens(ends: Ends) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken, but not listening
        port = bound.getsockname()[1]
        told = fault(ends.host(port))
    assert (told.code, told.message, told.try_later) == ("CLT009", f"127.0.0.1 port {port} refused the connection", True)


def test_nobody_answers_at_all(ends: Ends) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = []
        for _ in range(3):  # what does not fit into its queue is dropped by the kernel
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            waiting.append(one)
        told = fault(ends.host(port, timeout=0.5))
        assert (told.code, told.message, told.try_later) == (
            "CLT009", f"127.0.0.1 port {port} did not answer within 0.5 s", True)
        for one in waiting:
            one.close()


def test_a_name_that_is_not_known(ends: Ends) -> None:
    told = fault(replace(ends.host(1), address="no-such-host.invalid"))
    assert (told.code, told.message.partition(":")[0]) == ("CLT008", "the name no-such-host.invalid is not known")


# The client does not take us.


@pytest.mark.parametrize(("case", "words", "log"), [
    ("pin", "CLT042 the certificate of the server at 127.0.0.1 is not the one that this client was enrolled with", "CLT042"),
    ("name", "CLT042 the certificate of the server at 127.0.0.1 is not that of taperoom:server/daily", "CLT042"),
    ("expired", "it says that our certificate has expired", "CLT043 the certificate of the server at 127.0.0.1 has expired"),
    ("revoked", "it says that our certificate is revoked", "CLT044"),
    ("purpose", "it says that our certificate was made for something else", "CLT042"),
    ("authority", "it says that our certificate is of another authority than its own", "CLT041")])
def test_the_client_refuses(tmp_path: Path, case: str, words: str, log: str) -> None:
    ends = enrolled(tmp_path)
    match case:
        case "pin":
            other_server(ends)
        case "name":
            other_server(ends, name="taperoom:client/web1")
        case "expired":
            other_server(ends, end=-0.5)
        case "revoked":
            revoke_on_client(ends, serial_of(ends.server / OWN))
        case "purpose":
            other_server(ends, listens=True)
        case "authority":
            shutil.copy(enrolled(tmp_path / "other").server / OWN, ends.server / OWN)
    with listening(ends) as listener:
        told = fault(ends.host(listener.port))
        assert (told.code, told.message, told.try_later) == ("CLT047", f"web1 refuses us: {words}" if words.startswith("CLT")
                                                             else f"web1 refuses us; {words}", False)
        assert log in listener.said(log)
        wait_for(lambda: not listener.family(), lambda: str(listener.lines))


def test_the_client_is_not_enrolled_any_more(tmp_path: Path) -> None:
    ends = enrolled(tmp_path)
    with listening(ends) as listener:
        (ends.client / "client.pem").unlink()
        assert fault(ends.host(listener.port)).code == "CLT049"
        assert "this client is not enrolled" in listener.said("CLT052")
        install(ends.enrol().text(), ends.client)
        connect(ends.host(listener.port), "tls").close()


# What is wrong here.


def test_not_enrolled_here(tmp_path: Path) -> None:
    told = fault(Host("web1", "127.0.0.1", 1, tls_dir=str(tmp_path)))
    assert (told.code, told.hint) == ("CLT040", "taperoom client enrol web1")
    assert told.message == f"web1 is not enrolled: there is no {tmp_path}/ca.pem"


def test_files_that_are_damaged(tmp_path: Path) -> None:
    ends = enrolled(tmp_path)
    for name in ("ca.pem", REVOKED, OWN):
        before = (ends.server / name).read_bytes()
        (ends.server / name).write_bytes(b"nonsense")
        told = fault(ends.host(1))
        assert told.code == "CLT050" and "damaged" in told.message
        (ends.server / name).write_bytes(before)


def test_a_list_of_another_authority(tmp_path: Path) -> None:
    ends = enrolled(tmp_path)
    shutil.copy(enrolled(tmp_path / "other").server / REVOKED, ends.server / REVOKED)
    with listening(ends) as listener:
        told = fault(ends.host(listener.port))
        assert (told.code, told.message) == ("CLT050", "our list of revoked certificates is missing or of another authority")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_of_another_user(tmp_path: Path) -> None:
    ends = enrolled(tmp_path)
    (ends.server / OWN).chmod(0)
    told = fault(ends.host(1))
    assert told.code == "CLT050" and "may not be read by this user" in told.message


# One end dies in the middle of a dump.


def receive(connection: Connection, sink: Sink) -> None:
    """What comes next, waited for."""
    if not connection.pending:
        select.select([connection], [], [], 30)
    connection.receive(sink)


def half_a_dump(ends: Ends, listener: Listening, tmp_path: Path) -> tuple[Connection, list[int]]:
    """A dump that stands still because nobody reads it; the client's processes: relay, amandad, the service, tar."""
    with open(tmp_path / "big", "wb") as big:
        for _ in range(60):
            big.write(b"0123456789abcdef" * 65536)
    wait_for(lambda: not listener.family(), lambda: str(listener.lines))
    host = ends.host(listener.port)
    connection = connect(host, "tls")
    body = sendbackup_request(a_disk(host, tmp_path, auth="tls"), 0, SERVER, connection.features, "test", STAMP)
    connection.backup(body, 30.0)
    heard = bytearray()
    while len(heard) < 1_000_000:
        receive(connection, lambda handle, piece: heard.extend(piece))
    family = listener.family()
    assert len(family) >= 3
    return connection, family


def until_lost(connection: Connection) -> PeerError:
    with pytest.raises(PeerError) as caught:
        while True:
            receive(connection, lambda handle, piece: None)
    connection.close()
    return caught.value


@pytest.mark.parametrize("victim", [0, 1])
def test_the_clients_end_is_killed(ends: Ends, listener: Listening, tmp_path: Path, victim: int) -> None:
    connection, family = half_a_dump(ends, listener, tmp_path)
    os.kill(family[victim], signal.SIGKILL)
    told = until_lost(connection)
    assert (told.code, told.try_later) == ("CLT001", True)
    wait_for(lambda: all(gone(pid) for pid in family), lambda: str(listener.lines))


def test_the_listener_is_ended(ends: Ends, tmp_path: Path) -> None:
    with listening(ends) as mine:
        connection, family = half_a_dump(ends, mine, tmp_path)
        mine.stop()
        assert until_lost(connection).code == "CLT001"
        wait_for(lambda: all(gone(pid) for pid in family), lambda: str(mine.lines))


@pytest.mark.parametrize("how", ["closed", "vanished"])
def test_the_servers_end_dies(ends: Ends, listener: Listening, tmp_path: Path, how: str) -> None:
    connection, family = half_a_dump(ends, listener, tmp_path)
    if how == "closed":
        connection.close()
    else:
        with socket.socket(fileno=os.dup(connection.fileno())) as bare:
            bare.shutdown(socket.SHUT_RDWR)  # as when the process is killed: no word of farewell
    wait_for(lambda: all(gone(pid) for pid in family), lambda: str(listener.lines))
