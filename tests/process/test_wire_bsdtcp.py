"""The transport bsdtcp between our own two ends, and each way it can fail."""

from __future__ import annotations

import os
import pwd
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import PeerError
from core.model.disk import Compression, Host
from core.wire.features import CLIENT, STOCK
from core.wire.frames import end_of, frame
from core.wire.packets import Kind, Packet, encode
from core.wire.transports import bsdtcp, connect
from core.wire.transports.bsdtcp import security_line
from tests.support.client import ROOT, a_disk, dump, sizes
from tests.support.inetd import Inetd

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root has ports below 1024: bsdtcp")


@pytest.fixture
def inetd(tmp_path: Path) -> Iterator[Inetd]:
    """Our amandad as inetd starts it."""
    hosts = tmp_path / "amandahosts"
    hosts.write_text("localhost backup amdump\nlocalhost root noop sendsize\n")
    hosts.chmod(0o600)
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "TAPEROOM_CLIENT_STATE": f"{tmp_path}/state",
                   "TAPEROOM_CLIENT_ACCESS": f"{tmp_path}/access.toml", "TAPEROOM_CLIENT_AMANDAHOSTS": str(hosts)}
    command = (sys.executable, "-P", "-m", "clientd.amandad", "-auth=bsdtcp", "amdump")
    with Inetd(*command, environment=environment) as made:
        yield made


def at(inetd: Inetd, user: str = "backup") -> Host:
    return Host("localhost", "127.0.0.1", inetd.port, user)


def fault(host: Host) -> PeerError:
    with pytest.raises(PeerError) as caught:
        connect(host, "bsdtcp")
    return caught.value


@needs_root
@pytest.mark.parametrize("compress", [Compression.NONE, Compression.CLIENT_FAST])
def test_our_client_dumps(inetd: Inetd, tmp_path: Path, compress: Compression) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "big").write_bytes(os.urandom(5_000_000))
    connection = connect(at(inetd), "bsdtcp")
    assert connection.keeps() and connection.features == CLIENT
    disk = a_disk(connection.host, tree, auth="bsdtcp", compress=compress)
    assert sizes(connection, [(disk, (0, 1))])[disk.disk, 0] > 4800
    for level in (0, 1):
        done = dump(connection, disk, level)
        assert done.mesg.error is None and done.mesg.client == done.crc
    connection.close()
    assert len(inetd.peers) == 1 and inetd.peers[0][1] in bsdtcp.RESERVED
    assert inetd.children[0].wait(20) == 0, "it has seen the end"


@needs_root
def test_whom_our_client_lets_in(inetd: Inetd, tmp_path: Path) -> None:
    refused = fault(at(inetd, "operator"))
    assert (refused.code, refused.try_later) == ("CLT004", False)
    assert "CLT038 access as root is not allowed from operator@localhost: add the line" in refused.message
    connection = connect(at(inetd, "root"), "bsdtcp")
    with pytest.raises(PeerError, match=r"CLT004 .*the service sendbackup is not allowed from root@localhost"):
        dump(connection, a_disk(connection.host, tmp_path), 0)
    connection.close()
    (tmp_path / "amandahosts").chmod(0o644)
    assert "is open to other users" in fault(at(inetd)).message


def test_a_port_that_everybody_may_have_is_not_believed(inetd: Inetd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bsdtcp, "RESERVED", range(20000, 30000))
    told = fault(at(inetd)).message
    assert told == f"localhost refused noop: [CLT037 host localhost: port {inetd.peers[0][1]} is not secure]"


def test_without_a_reserved_port_one_sentence_tells() -> None:
    less = "-net_bind_service"
    become = ["setpriv", f"--bounding-set={less}", f"--inh-caps={less}"] if os.geteuid() == 0 else []
    code = ("from core.model.disk import Host; from core.wire.transports import connect; from core.errors import PeerError\n"
            "try: connect(Host('web1', '127.0.0.1', 10080), 'bsdtcp')\n"
            "except PeerError as fault: print(fault, fault.try_later)")
    done = subprocess.run([*become, sys.executable, "-P", "-c", code], capture_output=True, text=True, cwd="/",
                          env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}, check=False)
    assert done.stdout == (
        "CLT019 web1: bsdtcp wants a port of ours below 1024, and this process may not have one  "
        "Hint: Run Taperoom as root, or give its Python CAP_NET_BIND_SERVICE. False\n"), done.stderr


@needs_root
def test_who_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # taken, but not listening
        port = bound.getsockname()[1]
        told = fault(Host("web1", "127.0.0.1", port))
    assert (told.code, told.message, told.try_later) == ("CLT009", f"127.0.0.1 port {port} refused the connection", True)
    unknown = fault(Host("no-such-host.invalid"))
    assert unknown.code == "CLT008" and unknown.message.startswith("the name no-such-host.invalid is not known: ")
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        busy = full.getsockname()[1]
        told = fault(Host("web1", "127.0.0.1", busy, connect_timeout=0.3))
        for one in waiting:
            one.close()
    assert (told.code, told.message) == ("CLT009", f"127.0.0.1 port {busy} did not answer within 0.3 s")
    monkeypatch.setattr(bsdtcp, "RESERVED", range(0))
    assert fault(Host("web1", "127.0.0.1", port)).code == "CLT019"


def served(server: socket.socket, *said: bytes) -> threading.Thread:
    """A peer on a socket: each piece is sent after something has come; then it leaves."""
    def run() -> None:
        connection, _ = server.accept()
        with connection:
            for piece in said:
                connection.recv(65536)
                connection.sendall(piece)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@needs_root
def test_peers_that_end_it() -> None:
    nak = encode(1, Packet(Kind.NAK, "ERROR host x: port 20911 not secure\n")) + end_of(1)
    for said, code, text in (
        ((), "CLT001", "amandad of web1 ended the connection"),
        ((nak,), "CLT004", "web1 refused noop: host x: port 20911 not secure"),
        ((b"Sorry, no service here.\n",), "CLT003", 'web1 talks nonsense: it says "Sorry, no service here."'),
    ):
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = served(server, *said)
            told = fault(Host("web1", "127.0.0.1", server.getsockname()[1]))
            thread.join()
        assert (told.code, told.message) == (code, text)


@needs_root
def test_a_dump_in_pieces_and_a_peer_that_reads_nothing() -> None:
    noop = encode(1, Packet(Kind.ACK)) + encode(1, Packet(Kind.REP, f"OPTIONS features={STOCK.text};\n")) + end_of(1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[socket.socket] = []

        def run() -> None:
            made, _ = server.accept()
            accepted.append(made)
            made.recv(65536)
            for at_ in range(0, len(noop), 3):
                made.send(noop[at_:at_ + 3])
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        host = Host("web1", "127.0.0.1", server.getsockname()[1])
        connection = connect(host, "bsdtcp")
        thread.join()
        heard: list[tuple[int, bytes]] = []
        accepted[0].sendall(frame(49, b"x" * 300_000) + end_of(49))
        while not heard or heard[-1][1]:
            connection.receive(lambda handle, piece: heard.append((handle, bytes(piece))))
        assert b"".join(piece for _, piece in heard) == b"x" * 300_000
        with pytest.raises(PeerError, match="CLT002 web1 did not answer"):
            connection.request("selfcheck", "SERVICE selfcheck\n" + "x" * 4_000_000, 1.0)
        connection.close()
        accepted[0].close()


@needs_root
def test_a_server_that_leaves_without_reading(inetd: Inetd) -> None:
    with socket.socket() as made:
        for port in bsdtcp.RESERVED:
            try:
                made.bind(("127.0.0.1", port))
                break
            except OSError:
                continue
        made.connect(("127.0.0.1", inetd.port))
        made.sendall(encode(1, Packet(Kind.REQ, "SECURITY USER backup\nSERVICE noop\nOPTIONS features=00;\n")))
        assert made.recv(1), "it has begun to answer"
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
    assert inetd.started.get(timeout=20).wait(20) == 0


@needs_root
def test_a_stock_server_may_have_the_same_port(inetd: Inetd) -> None:
    """It always takes the first that is no service's, for another client, while we are connected and the minute afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        def taken(port: int) -> None:
            with socket.socket() as made:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                made.bind(("", port))
                made.connect(other.getsockname())
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        link = bsdtcp.BsdtcpLink(Host("web1", "127.0.0.1", inetd.port))
        inetd.started.get(timeout=20)
        port = inetd.peers[0][1]
        taken(port)
        link.close()
        taken(port)


def test_who_we_say_that_we_are() -> None:
    assert security_line(Host("web1", user="amanda")) == "SECURITY USER amanda\n"
    assert security_line(Host("web1")) == f"SECURITY USER {pwd.getpwuid(os.geteuid()).pw_name}\n"


def test_what_our_amandad_wants_for_stdin() -> None:
    done = subprocess.run([sys.executable, "-P", "-m", "clientd.amandad", "-auth=bsdtcp"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == 2
    assert "amandad: stdin is no connection by TCP: " in done.stderr
    left, right = socket.socketpair()
    with left, right:
        done = subprocess.run([sys.executable, "-P", "-m", "clientd.amandad", "-auth=bsdtcp"], stdin=left,
                              capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == 2 and "no connection by TCP" in done.stderr


def test_a_client_that_goes_on_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However little it says at a time, the end of a connection takes no longer than it may in all."""
    here, there = socket.socketpair()
    clock = [0.0]
    waited: list[float] = []

    class Trickle:
        def register(self, *_: object) -> None: ...

        def poll(self, milliseconds: float) -> list[int]:
            """Each byte comes after a tenth of a second."""
            waited.append(milliseconds)
            if milliseconds < 100:
                return []
            clock[0] += 0.1
            there.send(b"x")
            return [1]

    monkeypatch.setattr(bsdtcp.select, "poll", Trickle)
    monkeypatch.setattr(bsdtcp.time, "monotonic", lambda: clock[0])
    link = bsdtcp.BsdtcpLink.__new__(bsdtcp.BsdtcpLink)
    link._socket = here
    link.close()
    there.close()
    assert here.fileno() == -1 and clock[0] <= 0.2 and waited == sorted(waited, reverse=True)
