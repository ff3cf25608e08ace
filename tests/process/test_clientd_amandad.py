"""amandad as a process: its conversation, its end, and peers that mean no good."""

from __future__ import annotations

import errno
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clientd.programs.contract import Task
from clientd.programs.gnutar import GnuTar
from clientd.settings import Settings
from core.errors import PeerError
from core.model.disk import Host
from core.wire.dle_xml import Dle
from core.wire.features import CLIENT, SERVER, STOCK, Features
from core.wire.frames import FrameReader, end_of, frame
from core.wire.packets import Assembler, Kind, Packet, encode
from core.wire.services import (
    noop_request,
    parse_selfcheck,
    parse_sendsize,
    selfcheck_request,
    sendbackup_request,
    sendsize_request,
)
from core.wire.transports import Connection, connect
from tests.support.client import ROOT, STAMP, a_disk, client, dump, receive

WAIT = 20.0


class Wire:
    """The server's end of an amandad's pipes, frame by frame."""

    def __init__(self, tmp_path: Path, *arguments: str) -> None:
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "TAPEROOM_CLIENT_STATE": str(tmp_path / "state"),
            "TAPEROOM_CLIENT_ACCESS": str(tmp_path / "access.toml"),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "clientd.amandad", *(arguments or ("-auth=local",))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment,
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._in, self._out = self.process.stdin, self.process.stdout
        self.reader = FrameReader()
        self._packets = Assembler(self.reader)
        self._heard: list[tuple[int, Packet | bytes]] = []

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._in.write(view) or 0 :]

    def next(self) -> tuple[int, Packet | bytes] | None:
        """The next packet, piece of a stream or (as empty bytes) end of one; None at the end of the connection."""
        while not self._heard:
            assert select.select([self._out], [], [], WAIT)[0], "amandad is silent"
            data = os.read(self._out.fileno(), 65536)
            if not data:
                return None
            self.reader.feed(memoryview(data), self._hear)
        return self._heard.pop(0)

    def _hear(self, handle: int, piece: memoryview) -> None:
        if not piece or handle > 1000:
            self._heard.append((handle, bytes(piece)))
        elif (packet := self._packets.add(piece)) is not None:
            self._heard.append((handle, packet))

    def ask(self, handle: int, body: str) -> str:
        """A whole exchange; its reply."""
        self.send(encode(handle, Packet(Kind.REQ, body)))
        assert self.next() == (handle, Packet(Kind.ACK))
        found = self.next()
        assert found is not None and isinstance(found[1], Packet) and found[1].kind is Kind.REP
        self.send(encode(handle, Packet(Kind.ACK)) + end_of(handle))
        assert self.next() == (handle, b"")
        return found[1].body

    def close(self) -> int:
        """End of file; amandad's exit status."""
        self._in.close()
        return self.process.wait(WAIT)

    def complaint(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    made = Wire(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()
    for stream in (made.process.stdin, made.process.stdout, made.process.stderr):
        if stream is not None:
            stream.close()


def test_noop_as_amanda_has_it(wire: Wire) -> None:
    assert wire.ask(1, noop_request(STOCK)) == f"OPTIONS features={CLIENT.text};\n"
    assert wire.ask(2, noop_request(SERVER)) == f"OPTIONS features={CLIENT.text};\n"
    assert wire.close() == 0


@pytest.mark.parametrize(
    "body,refusal",
    [
        ("hello", "ERROR invalid REQ\n"),
        ("SERVICE noop\n", "ERROR invalid REQ\n"),
        (
            "SERVICE amindexd\nOPTIONS ;\n",
            "ERROR amindexd: invalid service, or the client's access file does not permit it\n",
        ),
    ],
)
def test_refusals(wire: Wire, body: str, refusal: str) -> None:
    wire.send(encode(1, Packet(Kind.REQ, body)))
    assert wire.next() == (1, Packet(Kind.NAK, refusal))
    assert wire.next() == (1, b"")
    assert wire.ask(2, noop_request(SERVER)).startswith("OPTIONS ")


@pytest.mark.parametrize(
    "body,reply",
    [
        ("SERVICE sendsize\nOPTIONS bogus=1;\n", 'ERROR [unknown option "bogus"]\n'),
        (
            "SERVICE sendsize\nOPTIONS ;\n<dle><nonsense/></dle>\n",
            "ERROR FORMAT ERROR IN REQUEST PACKET 'XML: Invalid nonsense element'\n",
        ),
        ("SERVICE sendbackup\nOPTIONS ;\n", "ERROR [CLT025 sendbackup wants one disk and one level]\n"),
        ("SERVICE sendbackup\nno options\n", "ERROR FORMAT ERROR IN REQUEST PACKET 'no OPTIONS line'\n"),
        ("SERVICE selfcheck\nOPTIONS features=zz;\n", "ERROR 'zz' is no set of features\n"),
    ],
)
def test_requests_that_cannot_be_served(wire: Wire, body: str, reply: str) -> None:
    assert wire.ask(1, body) == reply
    assert wire.ask(2, noop_request(SERVER)).startswith("OPTIONS ")


@pytest.mark.parametrize(
    "data,text",
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 'it says "GET / HTTP/1.1 Host: x"'),
        (b"\xff" * 8, "a frame of 4294967295 bytes"),
        (frame(1, b"\x17x\0"), "is no packet"),
    ],
)
def test_garbage_ends_this_amandad_only(wire: Wire, data: bytes, text: str) -> None:
    wire.send(data)
    assert wire.next() is None
    assert wire.process.wait(WAIT) == 1
    assert text in wire.complaint()


def test_replies_that_were_not_asked_for(wire: Wire) -> None:
    wire.send(encode(5, Packet(Kind.REP, "x")) + encode(6, Packet(Kind.ACK)) + end_of(7))
    assert wire.ask(1, noop_request(SERVER)).startswith("OPTIONS ")


def test_three_requests_at_once(wire: Wire, tmp_path: Path) -> None:
    disk = a_disk(Host("localhost"), tmp_path)
    body = sendbackup_request(disk, 0, SERVER, CLIENT, "test", STAMP)
    wire.send(b"".join(encode(handle, Packet(Kind.REQ, body)) for handle in (1, 2, 3)))
    assert wire.next() == (1, Packet(Kind.ACK))
    assert wire.process.wait(WAIT) == 1
    assert "three requests at once" in wire.complaint()


def test_a_second_request_waits_for_the_first(wire: Wire) -> None:
    wire.send(encode(1, Packet(Kind.REQ, noop_request(SERVER))) + encode(2, Packet(Kind.REQ, noop_request(SERVER))))
    assert wire.next() == (1, Packet(Kind.ACK))
    reply = (1, Packet(Kind.REP, f"OPTIONS features={CLIENT.text};\n"))
    assert wire.next() == reply
    wire.send(encode(1, Packet(Kind.ACK)))
    assert [wire.next() for _ in range(3)] == [(1, b""), (2, Packet(Kind.ACK)), (2, reply[1])]


def test_no_data_before_the_reply_is_taken(wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    disk = a_disk(Host("localhost"), tmp_path / "disk")
    wire.send(encode(1, Packet(Kind.REQ, sendbackup_request(disk, 0, SERVER, CLIENT, "test", STAMP))))
    assert wire.next() == (1, Packet(Kind.ACK))
    reply = wire.next()
    assert reply is not None and isinstance(reply[1], Packet)
    assert reply[1].body.startswith("CONNECT DATA 499999 MESG 499998 INDEX 499997 STATE 499996\n")
    assert not select.select([wire._out], [], [], 0.3)[0], "streams wait for the ACK"
    wire.send(encode(1, Packet(Kind.ACK)) + end_of(1))
    assert wire.next() == (1, b"")
    first = wire.next()
    assert first is not None and first[0] == 499998 and isinstance(first[1], bytes)
    assert first[1].startswith(b"sendbackup: start [localhost:")


def slow_tar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tar that tells its process id and then never ends."""
    script = tmp_path / "tar"
    script.write_text(
        "#!/bin/sh\ncase \"$*\" in *--version*) exec /bin/tar \"$@\";; esac\n"
        f"echo $$ > {tmp_path}/pid.tmp\nmv {tmp_path}/pid.tmp {tmp_path}/pid\n"
        "head -c 2000000 /dev/zero\nexec sleep 1000\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("TAPEROOM_CLIENT_TAR", str(script))
    return tmp_path / "pid"


def gone(pid: int) -> bool:
    """Whether the process has ended, perhaps without being waited for yet; waits for it."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(descriptor) as opened:
        return bool(select.select([opened], [], [], WAIT)[0])


@pytest.mark.parametrize("how", ["close", "term", "kill amandad", "kill tar"])
def test_a_dump_dies_with_its_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    pid_file = slow_tar(tmp_path, monkeypatch)
    (tmp_path / "disk").mkdir()
    with client(tmp_path, monkeypatch) as connection:
        disk = a_disk(connection.host, tmp_path / "disk")
        handles = connection.backup(sendbackup_request(disk, 0, SERVER, connection.features, "test", STAMP), WAIT)
        seen = bytearray()

        def sink(handle: int, piece: memoryview) -> None:
            if handle == handles["DATA"]:
                seen.extend(piece)

        while len(seen) < 2000000:
            receive(connection, sink)
        pid = int(pid_file.read_text())
        if how == "close":
            connection.close()
        elif how != "kill tar":
            number = signal.SIGTERM if how == "term" else signal.SIGKILL
            os.kill(connection._link._child._process.pid, number)  # type: ignore[attr-defined]
        else:
            os.kill(pid, signal.SIGKILL)
            heard = bytearray()
            while b"sendbackup: error" not in heard:
                receive(connection, lambda handle, piece: heard.extend(piece) if handle == handles["MESG"] else None)
            assert f"error [CLT066 {tmp_path}/tar was killed by signal 9]" in heard.decode()
        assert gone(pid), "tar must not outlive its dump"
    assert not list((tmp_path / "client-state" / "gnutar-lists").glob("*_0"))


def test_a_disk_that_is_being_dumped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid_file = slow_tar(tmp_path, monkeypatch)
    (tmp_path / "disk").mkdir()
    with client(tmp_path, monkeypatch) as one, client(tmp_path, monkeypatch) as two:
        body = sendbackup_request(a_disk(one.host, tmp_path / "disk"), 0, SERVER, one.features, "test", STAMP)
        one.backup(body, WAIT)
        while not pid_file.exists():
            receive(one, lambda handle, piece: None)
        with pytest.raises(PeerError, match=r"CLT033 .*/disk is being dumped already") as busy:
            two.backup(body, WAIT)
        assert busy.value.try_later, "the other dump will end"


def test_selfcheck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk").mkdir()
    with client(tmp_path, monkeypatch) as connection:
        disks = [
            a_disk(connection.host, tmp_path / "disk"),
            a_disk(connection.host, tmp_path / "none"),
            a_disk(connection.host, "/", program="ghost"),
        ]
        reply = connection.request("selfcheck", selfcheck_request(disks, SERVER, connection.features, "test"), WAIT)
    found = parse_selfcheck(reply)
    assert [text for well, text in found if not well] == [
        f"CLT021 {tmp_path}/none does not exist",
        "CLT026 ghost: the client's access file does not permit this application",
    ]
    assert (True, f"{tmp_path}/disk") in found and (True, "/bin/tar") in found


def test_a_state_directory_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "client-state").write_text("a file")
    with client(tmp_path, monkeypatch) as connection:
        disk = a_disk(connection.host, tmp_path)
        with pytest.raises(
            PeerError, match=r"CLT027 localhost: the incremental state .*/gnutar-lists cannot be written: Not a directory"
        ):
            dump(connection, disk, 0)
        reply = connection.request("selfcheck", selfcheck_request([disk], SERVER, connection.features, "test"), WAIT)
    assert any(text.startswith("CLT027") for well, text in parse_selfcheck(reply) if not well)


def test_a_state_directory_that_only_seems_to_take_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that is full, or became read-only by an error, says that it may be written."""
    task = Task(Dle(disk="d", device=str(tmp_path), program="GNUTAR"), "host",
                Settings(tmp_path / "state", shutil.which("tar") or "", tmp_path / "access.toml"))
    assert all(well for well, _ in GnuTar().check(task)) and not list((tmp_path / "state/gnutar-lists").iterdir())

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("clientd.programs.gnutar.os.fsync", full)
    [said] = [text for well, text in GnuTar().check(task) if not well]
    assert said == f"CLT027 the incremental state {tmp_path}/state/gnutar-lists cannot be written: No space left on device"


def test_the_access_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "access.toml").write_text(f'services = ["sendbackup", "selfcheck"]\ndisks = ["{tmp_path}/ok*"]\n')
    with client(tmp_path, monkeypatch) as connection:
        with pytest.raises(PeerError, match=r"CLT004 localhost refused sendsize: sendsize: invalid service"):
            connection.request("sendsize", "SERVICE sendsize\nOPTIONS ;\n", WAIT)
        with pytest.raises(PeerError, match=r"CLT026 localhost: /etc: the client's access file does not permit this disk"):
            dump(connection, a_disk(connection.host, "/etc"), 0)
        reply = connection.request(
            "selfcheck", selfcheck_request([a_disk(connection.host, "/etc")], SERVER, connection.features, "test"), WAIT
        )
        assert (False, "CLT026 /etc: the client's access file does not permit this disk") in parse_selfcheck(reply)
    (tmp_path / "access.toml").write_text("disks = 3\n")
    with (
        pytest.raises(PeerError, match=r"CLT004 .*access.toml is broken: 'disks' is not a known list"),
        client(tmp_path, monkeypatch),
    ):
        pass


def test_commands_that_are_none(tmp_path: Path) -> None:
    for arguments, text in [
        (("-auth=bsd",), "amandad: no such auth: 'bsd'"),
        (("--what",), "amandad: unknown option '--what'"),
    ]:
        wire = Wire(tmp_path, *arguments)
        assert wire.close() == 2
        assert text in wire.complaint()
    wire = Wire(tmp_path, "--help")
    assert wire.close() == 0


def test_partial_estimates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two disks one after the other; the second one's estimate asks a tar that waits for a sign.
    sign = tmp_path / "sign"
    script = tmp_path / "tar"
    script.write_text(
        f"#!/bin/sh\nwhile [ ! -e {sign} ]; do sleep 0.05; done\necho 'Total bytes written: 10240 (x)' >&2\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("TAPEROOM_CLIENT_TAR", str(script))
    with client(tmp_path, monkeypatch) as connection:
        asks = [
            (a_disk(connection.host, "/usr/share/doc/tar"), (0,)),
            (a_disk(connection.host, tmp_path, exclude=("[[:x:]]",)), (0,)),
        ]
        heard: list[str] = []

        def partial(text: str) -> None:
            heard.append(text)
            sign.touch()

        reply = connection.request(
            "sendsize", sendsize_request(asks, SERVER, connection.features, "test", STAMP), WAIT, partial
        )
    assert set(parse_sendsize(heard[0]).sizes) == {("/usr/share/doc/tar", 0)}
    assert parse_sendsize(reply).sizes[str(tmp_path), 0] == 10


def test_connect_gives_the_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with client(tmp_path, monkeypatch) as connection:
        assert isinstance(connection, Connection)
        assert connection.features == Features.parse(CLIENT.text)
        assert connection.keeps()
    assert connect(Host("localhost"), "local", STOCK).features == CLIENT
