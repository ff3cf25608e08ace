"""A connection to peers of every kind, over real pipes: good ones, silent ones, and ones that talk nonsense."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from core.errors import PeerError
from core.model.disk import Host
from core.wire.features import STOCK
from core.wire.frames import end_of, frame
from core.wire.packets import Kind, Packet, encode
from core.wire.transports import Connection, connect
from core.wire.transports import local as local_transport
from core.wire.transports import ssh as ssh_transport
from tests.support.client import receive

NOOP = encode(1, Packet(Kind.ACK)) + encode(1, Packet(Kind.REP, f"OPTIONS features={STOCK.text};\n")) + end_of(1)
CONNECT = encode(2, Packet(Kind.ACK)) + encode(2, Packet(Kind.REP, "CONNECT DATA 50 MESG 49 INDEX -1\nOPTIONS ;\n"))
BODY = "SERVICE sendbackup\nOPTIONS ;\n<dle></dle>\n"


PEER = """
import os, struct, sys, time
def exactly(size):
    data = b""
    while len(data) < size:
        data += os.read(0, size - len(data)) or os._exit(0)
    return data
def hear(kind=None):
    while True:
        size, handle = struct.unpack(">II", exactly(8))
        data = exactly(size)
        if kind is None or data[:1] == kind:
            return data
"""


def peer(tmp_path: Path, *steps: bytes | str) -> Host:
    """A peer: bytes are sent after the next request has come; a text is a statement of Python."""
    lines = [PEER]
    for step in steps:
        lines += ["hear(b'\\0')", f"os.write(1, {step!r})"] if isinstance(step, bytes) else [step]
    script = tmp_path / "peer.py"
    script.write_text("\n".join(lines) + "\n")
    return Host("web1", amandad=(sys.executable, "-S", str(script)), connect_timeout=5.0)


def fault(host: Host) -> PeerError:
    with pytest.raises(PeerError) as caught:
        connect(host, "local")
    return caught.value


def test_noop_and_a_dump(tmp_path: Path) -> None:
    streams = frame(49, b"sendbackup: info end\n") + frame(50, b"abc" * 5) + end_of(50) + end_of(49)
    host = peer(tmp_path, NOOP, CONNECT, "hear(b'\\3')", f"os.write(1, {streams!r})", "hear(b'never')")
    connection = connect(host, "local")
    assert connection.features == STOCK
    assert not connection.keeps()
    assert connection.backup(BODY, 5.0) == {"DATA": 50, "MESG": 49}
    heard: list[tuple[int, bytes]] = []
    while len(heard) < 4:
        receive(connection, lambda handle, piece: heard.append((handle, bytes(piece))))
    assert heard == [(49, b"sendbackup: info end\n"), (50, b"abc" * 5), (50, b""), (49, b"")]
    connection.close()


def test_streams_that_come_too_early_wait(tmp_path: Path) -> None:
    host = peer(tmp_path, NOOP, CONNECT + frame(49, b"early") + end_of(49), "hear()")
    connection = connect(host, "local")
    connection.backup(BODY, 5.0)
    heard: list[tuple[int, bytes]] = []
    receive(connection, lambda handle, piece: heard.append((handle, bytes(piece))))
    assert heard == [(49, b"early"), (49, b"")]
    connection.close()


def test_partial_replies_are_handed_on(tmp_path: Path) -> None:
    partial = encode(2, Packet(Kind.ACK)) + encode(2, Packet(Kind.PREP, "half")) + encode(2, Packet(Kind.REP, "all"))
    connection = connect(peer(tmp_path, NOOP, partial, "hear()"), "local")
    heard: list[str] = []
    assert connection.request("sendsize", "SERVICE sendsize\nx\n", 5.0, heard.append) == "all"
    assert heard == ["half"]
    connection.close()


@pytest.mark.parametrize("said,code,text", [
    ("ERROR [CLT021 /x does not exist]\n", "CLT021", "web1: /x does not exist"),
    ("ERROR one\nERROR two\n", "CLT005", "web1: one; two"),
])
def test_errors_of_the_client(tmp_path: Path, said: str, code: str, text: str) -> None:
    reply = encode(2, Packet(Kind.ACK)) + encode(2, Packet(Kind.REP, said))
    connection = connect(peer(tmp_path, NOOP, reply, "hear()"), "local")
    with pytest.raises(PeerError) as caught:
        connection.backup(BODY, 5.0)
    assert (caught.value.code, caught.value.message, caught.value.try_later) == (code, text, False)
    connection.close()


def test_a_busy_client(tmp_path: Path) -> None:
    reply = encode(2, Packet(Kind.ACK)) + encode(2, Packet(Kind.REP, 'RETRY delay 30 message "too busy"\n'))
    connection = connect(peer(tmp_path, NOOP, reply, "hear()"), "local")
    with pytest.raises(PeerError, match="web1 asks to be asked later, in 30 s: too busy") as caught:
        connection.backup(BODY, 5.0)
    assert (caught.value.code, caught.value.try_later) == ("CLT006", True)
    connection.close()


def test_a_reply_that_is_none(tmp_path: Path) -> None:
    reply = encode(2, Packet(Kind.ACK)) + encode(2, Packet(Kind.REP, "hello\n"))
    connection = connect(peer(tmp_path, NOOP, reply, "hear()"), "local")
    with pytest.raises(PeerError, match="web1 talks nonsense: a reply without streams"):
        connection.backup(BODY, 5.0)
    connection.close()


def test_a_refusal(tmp_path: Path) -> None:
    told = fault(peer(tmp_path, encode(1, Packet(Kind.NAK, "ERROR noop: not for you\n"))))
    assert (told.code, told.message) == ("CLT004", "web1 refused noop: noop: not for you")
    assert not told.try_later


def test_silence(tmp_path: Path) -> None:
    host = peer(tmp_path, "while hear(): pass")
    told = fault(Host("web1", amandad=host.amandad, connect_timeout=0.3))
    assert (told.code, told.try_later) == ("CLT002", True)
    assert told.message == "web1 did not answer noop within 0.3 s"


def test_silence_after_the_ack(tmp_path: Path) -> None:
    host = peer(tmp_path, encode(1, Packet(Kind.ACK)), "while hear(): pass")
    told = fault(Host("web1", amandad=host.amandad, connect_timeout=0.3))
    assert (told.code, told.message) == ("CLT002", "web1 did not answer noop within 0.3 s")


@pytest.mark.parametrize("said,text", [
    (b"Welcome to web1\n" * 3, 'web1 talks nonsense: it says "Welcome to web1 Welcome to web1 Welcome to web1"'),
    (b"\xff\xff\xff\xff\0\0\0\x01", "web1 talks nonsense: a frame of 4294967295 bytes is longer than 4194304"),
    (frame(1, b"\x09what\0"), "web1 talks nonsense: b'\\twhat\\x00' is no packet"),
    (encode(1, Packet(Kind.REP, "OPTIONS features=xyz;\n")), "web1 talks nonsense: 'xyz' is no set of features"),
])
def test_nonsense(tmp_path: Path, said: bytes, text: str) -> None:
    told = fault(peer(tmp_path, said, "hear()"))
    assert (told.code, told.message) == ("CLT003", text)


class Gone:
    """A link whose far end said ``words`` and closed both its pipes before we could ask anything."""

    def __init__(self, words: bytes) -> None:
        self.reader, out = os.pipe()
        there, self.writer = os.pipe()
        os.write(out, words)
        os.close(out)
        os.close(there)

    def lost(self, host: Host) -> PeerError:
        return PeerError("CLT001", f"{host.name} left")

    def close(self) -> None:
        os.close(self.reader)
        os.close(self.writer)


@pytest.mark.parametrize("words,code", [(b"\xff\xff\xff\xff\0\0\0\x01", "CLT003"), (frame(1, b"x"), "CLT001"), (b"", "CLT001")])
def test_the_last_words_of_a_peer_that_reads_no_more(words: bytes, code: str) -> None:
    link = Gone(words)
    with pytest.raises(PeerError) as caught:
        Connection(Host("web1"), link).request("noop", "SERVICE noop\n", 5.0)
    assert caught.value.code == code
    link.close()


def test_an_error_in_reply_to_noop(tmp_path: Path) -> None:
    told = fault(peer(tmp_path, encode(1, Packet(Kind.REP, "ERROR [no config]\n")), "hear()"))
    assert (told.code, told.message) == ("CLT005", "web1: no config")


def test_a_peer_that_leaves(tmp_path: Path) -> None:
    assert fault(peer(tmp_path, "hear()")).message == "amandad of web1 ended the connection: it did not say why"
    told = fault(peer(tmp_path, "hear()", "sys.exit('no \\x1b[31mway')"))
    assert (told.code, told.message) == ("CLT001", "amandad of web1 ended (exit status 1): no ?[31mway")
    told = fault(peer(tmp_path, "hear()", "os.kill(os.getpid(), 9)"))
    assert told.message == "amandad of web1 ended (killed by signal 9): it did not say why"


def test_a_flood_before_the_reply_is_not_kept(tmp_path: Path) -> None:
    flood = frame(9, b"x" * 1000000)
    reply = encode(1, Packet(Kind.REP, "OPTIONS ;\n"))
    connect(peer(tmp_path, "hear()", f"os.write(1, {flood!r})", f"os.write(1, {reply!r})", "hear()"), "local").close()


def test_a_request_that_nobody_reads(tmp_path: Path) -> None:
    connection = connect(peer(tmp_path, NOOP, "time.sleep(60)"), "local")
    with pytest.raises(PeerError) as caught:
        connection.request("sendsize", "SERVICE sendsize\n" + "x" * 3000000, 0.3)
    assert caught.value.code == "CLT002"
    with pytest.raises(PeerError, match="cannot be sent"):
        connection.request("sendsize", "x" * 5000000, 0.3)
    connection.close()


def test_programs_that_cannot_be_run() -> None:
    told = fault(Host("web1", amandad=("/no/such/amandad",)))
    assert (told.code, told.message) == ("CLT007", "'/no/such/amandad' cannot be started: No such file or directory")
    with pytest.raises(PeerError, match="CLT013 web1: there is no transport 'bsdudp'"):
        connect(Host("web1"), "bsdudp")


def test_commands() -> None:
    assert local_transport.command(Host("a")) == (sys.executable, "-P", "-m", "clientd.amandad", "-auth=local")
    assert local_transport.command(Host("a", amandad=("/usr/lib/amanda/amandad",))) == (
        "/usr/lib/amanda/amandad", "-auth=local")
    host = Host("web1", "192.0.2.1", 2222, "backup", "/k", ("-o", "X=y"), ("/opt/a b/amandad",), connect_timeout=7.5)
    command = ssh_transport.command(host, ssh_transport.amandad(host))
    assert command[-2:] == ("192.0.2.1", "'/opt/a b/amandad' -auth=ssh")
    assert " ".join(command[:-3]).endswith("-o X=y -p 2222 -i /k -l backup -o ConnectTimeout=7")
    assert ssh_transport.amandad(Host("web1")) == "taperoom-clientd -auth=ssh"
    assert ssh_transport.command(Host("web1"), "a b")[-2:] == ("web1", "a b")
    plain = ssh_transport.command(Host("web1", ssh_options=("ProxyJump=gate", "-F", "/dev/null", "-oX=y", "Port=7")), "")
    assert " -o ProxyJump=gate -F /dev/null -oX=y -o Port=7 -o ConnectTimeout=" in " ".join(plain)


@pytest.mark.parametrize("status,said,code,later", [
    (255, "ssh: Could not resolve hostname web1: Name or service not known", "CLT008", False),
    (255, "ssh: connect to host web1 port 22: Connection refused", "CLT009", True),
    (255, "ssh: connect to host web1 port 22: No route to host", "CLT009", True),
    (255, "ssh: connect to host web1 port 22: Connection timed out", "CLT009", True),
    (255, "@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@ Host key verification failed.", "CLT010", False),
    (255, "backup@web1: Permission denied (publickey).", "CLT011", False),
    (127, "bash: taperoom-clientd: command not found", "CLT012", False),
    (126, "", "CLT012", False),
    (1, "sh: 1: exec: taperoom-clientd: not found", "CLT012", False),
    (255, "client_loop: send disconnect: Broken pipe", "CLT001", True),
    (None, "", "CLT001", True),
])
def test_what_ssh_says(status: int | None, said: str, code: str, later: bool) -> None:
    told = ssh_transport.explain(Host("web1"), status, said)
    assert (told.code, told.try_later) == (code, later)
    assert "web1" in told.message


def test_what_ssh_says_at_length_is_cut_visibly() -> None:
    told = ssh_transport.explain(Host("web1"), 255, "HOST " * 40 + "IDENTIFICATION HAS CHANGED " + "call somebody " * 30)
    assert told.message.startswith("the connection to web1 ended: … call somebody call")
    assert "…" not in ssh_transport.explain(Host("web1"), 255, "well " * 60).message


def test_a_connection_that_was_closed_is_lost(tmp_path: Path) -> None:
    connection: Connection = connect(peer(tmp_path, NOOP, "hear()"), "local")
    with pytest.raises(PeerError) as caught:
        receive(connection, lambda handle, piece: None)
        receive(connection, lambda handle, piece: None)
    assert caught.value.code == "CLT001"
    connection.close()
