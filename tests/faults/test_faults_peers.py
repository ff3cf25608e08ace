"""What a peer may do to an exchange besides what a pipe does to a packet: refuse in the middle, answer twice or out of turn,
say the largest frame, features that nobody knows, or leave.  Our real `Connection` and our real amandad, each with a scripted
peer in this process; `tests/interop/test_bad_peers.py` does the like with a real Amanda.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from clientd import amandad
from clientd.access import LOCAL, Access
from clientd.amandad import Daemon
from clientd.settings import Settings
from core.errors import PeerError
from core.model.disk import Host
from core.wire import exchange
from core.wire.features import CLIENT, LEGACY, STOCK
from core.wire.frames import HEADER, LIMIT, FrameReader, end_of, frame
from core.wire.packets import Assembler, Kind, Packet, encode
from core.wire.services import noop_request
from core.wire.transports import Connection, open_connection

TIMEOUT = 0.6
WAIT = 30.0
ACK, NAK = Packet(Kind.ACK), Packet(Kind.NAK, "ERROR [not today]\n")
TEXT = f"OPTIONS features={STOCK.text};\n"


class Wired:
    """A link to a peer that says ``answers[n]`` when the nth request is there for the first time; None: it leaves.
    ``leaves``: so it does after the last answer."""

    def __init__(self, answers: Sequence[bytes | None], leaves: bool = False) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._answers, self._leaves = list(answers), leaves
        self.reader = self.writer = self._ours.fileno()
        self.requests: list[int] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        reader = FrameReader()
        packets = Assembler(reader)
        heard: list[int] = []

        def hear(handle: int, piece: memoryview) -> None:
            if piece and (packet := packets.add(piece)) is not None and packet.kind is Kind.REQ:
                heard.append(handle)

        with self._theirs, suppress(OSError):
            while data := self._theirs.recv(65536):
                reader.feed(memoryview(data), hear)
                while heard:
                    if (handle := heard.pop(0)) in self.requests:
                        continue
                    self.requests.append(handle)
                    answer = self._answers.pop(0) if self._answers else b""
                    if answer is None:
                        return
                    self._theirs.sendall(answer)
                    if self._leaves and not self._answers:
                        return

    def lost(self, host: Host) -> PeerError:
        return PeerError("CLT001", f"amandad of {host.name} ended the connection")

    def close(self) -> None:
        self._ours.close()
        self._thread.join(WAIT)


def said(handle: int, *packets: Packet) -> bytes:
    return b"".join(encode(handle, packet) for packet in packets)


def rep(text: str) -> Packet:
    return Packet(Kind.REP, text)


def prep(text: str) -> Packet:
    return Packet(Kind.PREP, text)


NOOP = said(1, ACK, rep(TEXT)) + end_of(1)
CONNECT = rep("CONNECT DATA 50 MESG 49 INDEX -1\nOPTIONS ;\n")


@contextmanager
def connected(*answers: bytes | None, leaves: bool = False) -> Iterator[tuple[Connection, Wired]]:
    link = Wired([NOOP, *answers], leaves)
    connection = open_connection(Host("web1", connect_timeout=TIMEOUT), link)
    try:
        yield connection, link
    finally:
        connection.close()


WHOLE = "x" * (LIMIT - 2)
REPLIES: dict[str, tuple[bytes | None, str]] = {
    "as it should": (said(2, ACK, rep("yes\n")) + end_of(2), "yes\n"),
    "no acknowledgement": (said(2, rep("yes\n")), "yes\n"),
    "the reply twice": (said(2, ACK, rep("yes\n"), rep("yes\n")), "yes\n"),
    "two replies": (said(2, ACK, rep("yes\n"), rep("no\n")), "yes\n"),
    "acknowledged twice": (said(2, ACK, ACK, rep("yes\n")), "yes\n"),
    "acknowledged too late": (said(2, rep("yes\n"), ACK), "yes\n"),
    "a partial reply": (said(2, ACK, prep("ye\n"), rep("yes\n")), "ye\n+yes\n"),
    "a partial reply instead of an acknowledgement": (said(2, prep("y\n"), prep("ye\n"), rep("yes\n")), "y\n+ye\n+yes\n"),
    "a partial reply after the reply": (said(2, ACK, rep("yes\n"), prep("ye\n")), "yes\n"),
    "a reply to somebody else first": (said(7, ACK, rep("no\n")) + said(2, ACK, rep("yes\n")), "yes\n"),
    "the end of it before the reply": (said(2, ACK) + end_of(2) + said(2, rep("yes\n")), "yes\n"),
    "the reply in a frame of 4 MiB": (said(2, ACK, rep(WHOLE)), WHOLE),
    "a request of its own": (said(2, ACK, Packet(Kind.REQ, "SERVICE noop\nOPTIONS ;\n"), rep("yes\n")), "yes\n"),
    "refused": (said(2, NAK), "CLT004 web1 refused selfcheck: [not today]"),
    "refused after it was acknowledged": (said(2, ACK, NAK), "CLT004 web1 refused selfcheck: [not today]"),
    "refused after half of it": (said(2, ACK, prep("ye\n"), NAK), "CLT004 web1 refused selfcheck: [not today]"),
    "refused, and a reply": (said(2, NAK, rep("yes\n")), "CLT004 web1 refused selfcheck: [not today]"),
    "only acknowledged": (said(2, ACK), "CLT002 web1 did not answer selfcheck within 0.6 s"),
    "only a reply to somebody else": (said(7, ACK, rep("no\n")), "CLT002 web1 did not answer selfcheck within 0.6 s"),
    "only partial replies": (said(2, ACK, prep("y\n"), prep("ye\n")), "CLT002 web1 did not answer selfcheck within 0.6 s"),
    "it leaves": (None, "CLT001 amandad of web1 ended the connection"),
    "a frame of a byte more than 4 MiB": (HEADER.pack(LIMIT + 1, 2), "CLT003 web1 talks nonsense: a frame of 4194305 bytes"),
    "a kind of packet that nobody knows": (frame(2, b"\x09yes\0"), "CLT003 web1 talks nonsense: b'\\tyes\\x00' is no packet"),
}
LEAVES: dict[str, tuple[bytes, str]] = {
    "at once": (b"", "CLT001"),
    "after the acknowledgement": (said(2, ACK), "CLT001"), "in mid-frame": (said(2, rep("yes\n"))[:-3], "CLT001"),
    "in the head of a frame": (said(2, ACK)[:5], "CLT001"), "right after the reply": (said(2, ACK, rep("yes\n")), "yes\n"),
    "after half the reply": (said(2, ACK, prep("ye\n")), "CLT001"),
}


def asked(connection: Connection) -> str:
    """The reply, each partial one before it; or the fault."""
    parts: list[str] = []
    try:
        parts.append(connection.request("selfcheck", "SERVICE selfcheck\nOPTIONS ;\n", TIMEOUT, parts.append))
    except PeerError as fault:
        return f"{fault.code} {fault.message}"
    return "+".join(parts)


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply(name: str, fault_cases: object) -> None:
    answer, wanted = REPLIES[name]
    with connected(answer) as (connection, _):
        found = asked(connection)
    assert found == wanted if wanted.endswith(("\n", "x")) else found.startswith(wanted), found[:200]


@pytest.mark.parametrize("name", LEAVES)
def test_a_peer_that_leaves(name: str, fault_cases: object) -> None:
    answer, wanted = LEAVES[name]
    with connected(answer, leaves=True) as (connection, _):
        found = asked(connection)
    assert found.startswith(wanted)


def test_a_request_is_said_again_until_it_is_acknowledged(fault_cases: object) -> None:
    link = Wired([b""])
    connection = Connection(Host("web1"), link)
    with pytest.raises(PeerError, match=r"CLT002 web1 did not answer noop within 0.6 s"):
        connection.request("noop", noop_request(STOCK), TIMEOUT)
    connection.close()
    assert link.requests == [1]


@pytest.mark.parametrize(("text", "features"), [
    (TEXT, STOCK), (f"OPTIONS features={STOCK.text}{'ff' * 40};\n", STOCK), ("OPTIONS ;\n", LEGACY),
    ("OPTIONS features=UNKNOWNFEATURE;\n", None), (f"OPTIONS more=7;features={STOCK.text};maxdumps=2;\n", STOCK)])
def test_features(text: str, features: object, fault_cases: object) -> None:
    """Bits that nobody knows change nothing, and who sends none is taken for the oldest."""
    link = Wired([said(1, ACK, rep(text))])
    connection = open_connection(Host("web1", connect_timeout=TIMEOUT), link)
    known = connection.features.bits & (STOCK.bits | CLIENT.bits)
    assert known >= (features.bits if features is not None else frozenset())  # type: ignore[attr-defined]
    assert len(known) >= 15 if features is LEGACY else True
    connection.close()


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 0, 2, 3), (0, 2, 1, 3), (0, 1, 3, 2), (3, 0, 1, 2)])
def test_streams_in_any_order_are_handed_on_in_that_order(order: tuple[int, ...], fault_cases: object) -> None:
    pieces = [(49, b"sendbackup: info end\n"), (50, b"abc"), (50, b""), (49, b"")]
    shuffled = [pieces[number] for number in order]
    with connected(said(2, ACK, CONNECT) + b"".join(frame(*piece) for piece in shuffled)) as (connection, _):
        assert connection.backup("SERVICE sendbackup\nOPTIONS ;\n<dle></dle>\n", TIMEOUT) == {"DATA": 50, "MESG": 49}
        found: list[tuple[int, bytes]] = []
        while len(found) < len(pieces):
            assert connection.wait(WAIT)
            connection.receive(lambda handle, piece: found.append((handle, bytes(piece))))
    assert found == shuffled


class Served:
    """Our amandad in a thread of this process, and a server's ends of its pipes."""

    def __init__(self, place: Path) -> None:
        (there, self._out), (self._in, wire) = os.pipe(), os.pipe()
        self._daemon = Daemon(there, wire, Settings(place / "state", "/bin/tar", place / "access.toml"), Access(), LOCAL)
        self.code: list[int] = []
        self._wire = wire
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._reader = FrameReader()
        self._packets = Assembler(self._reader)
        self._heard: list[tuple[int, Packet | None]] = []
        self.gone = False

    def _run(self) -> None:
        self.code.append(self._daemon.run())
        os.close(self._wire)

    def say(self, data: bytes) -> None:
        view = memoryview(data)
        with suppress(BrokenPipeError):
            while view:
                view = view[os.write(self._out, view):]

    def leave(self) -> None:
        os.close(self._out)

    def hear(self) -> tuple[int, Packet | None] | None:
        """The next packet, None for the end of its exchange; None when amandad has left."""
        while not self._heard and not self.gone:
            assert select.select([self._in], [], [], WAIT)[0], "amandad is silent"
            data = os.read(self._in, 65536)
            self.gone = not data
            self._reader.feed(memoryview(data), self._take)
        return self._heard.pop(0) if self._heard else None

    def _take(self, handle: int, piece: memoryview) -> None:
        if not piece:
            self._heard.append((handle, None))
        elif (packet := self._packets.add(piece)) is not None:
            self._heard.append((handle, packet))

    def reply(self, handle: int) -> Packet | None:
        """The reply or refusal on ``handle``; what else is said is passed over."""
        while (found := self.hear()) is not None:
            if found[0] == handle and found[1] is not None and found[1].kind in (Kind.REP, Kind.NAK):
                return found[1]
        return None

    def end(self) -> int:
        """Its exit code."""
        while self.hear() is not None:
            pass
        self._thread.join(WAIT)
        os.close(self._in)
        return self.code[0]


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    monkeypatch.setattr(amandad, "IDLE", 0.4)
    monkeypatch.setattr(exchange, "ACK_WAIT", 0.05)
    return Served(tmp_path)


ASK = encode(1, Packet(Kind.REQ, noop_request(STOCK)))
TAKEN = said(1, ACK) + end_of(1)
GOES_ON: dict[str, bytes] = {
    "as it should": ASK, "the request twice": ASK + ASK, "an acknowledgement first": said(1, ACK) + ASK,
    "a partial reply of the server's": said(1, prep("x\n")) + ASK, "the end of nothing": end_of(9) + ASK,
    "features that nobody knows": encode(1, Packet(Kind.REQ, f"SERVICE noop\nOPTIONS features={STOCK.text}{'ff' * 40};\n")),
    "no features": encode(1, Packet(Kind.REQ, "SERVICE noop\nOPTIONS ;\n")),
    "a request of 4 MiB": encode(1, Packet(Kind.REQ, noop_request(STOCK) + "x" * (LIMIT - 200))),
    "an acknowledgement of somebody else": ASK + said(5, ACK),
}


@pytest.mark.parametrize("name", GOES_ON)
def test_a_server_that_is_odd_is_served_all_the_same(served: Served, name: str, fault_cases: object) -> None:
    served.say(GOES_ON[name])
    first = served.reply(1)
    assert first is not None and first.kind is Kind.REP, first
    served.say(TAKEN + encode(2, Packet(Kind.REQ, noop_request(STOCK))))
    second = served.reply(2)
    assert second == rep(f"OPTIONS features={CLIENT.text};\n")
    served.say(said(2, ACK) + end_of(2))
    served.leave()
    assert served.end() == 0


def test_who_asks_for_the_next_thing_has_the_reply(
    served: Served, monkeypatch: pytest.MonkeyPatch, fault_cases: object,
) -> None:
    """As for Amanda's own client, an acknowledgement that is lost holds up nothing."""
    monkeypatch.setattr(exchange, "ACK_WAIT", WAIT)
    for handle in (1, 2, 3):
        served.say(encode(handle, Packet(Kind.REQ, noop_request(STOCK))))
        assert served.reply(handle) == rep(f"OPTIONS features={CLIENT.text};\n")
    served.leave()
    assert served.end() == 0


def test_who_asks_for_the_next_thing_before_the_reply_waits_for_none(
    served: Served, monkeypatch: pytest.MonkeyPatch, fault_cases: object,
) -> None:
    """A request that arrives twice, late, when it was answered and the server has gone on: the next one is served at once, also
    when that is said again."""
    monkeypatch.setattr(exchange, "ACK_WAIT", WAIT)
    following = encode(2, Packet(Kind.REQ, noop_request(STOCK)))
    served.say(ASK + following + following)
    assert served.reply(2) == rep(f"OPTIONS features={CLIENT.text};\n")
    served.leave()
    assert served.end() == 0


ENDS: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 0), "half a head": (ASK[:5], 0), "half a request": (ASK[:30], 0), "a request": (ASK, 0),
    "a request and half of the next": (ASK + TAKEN + ASK[:20], 0),
    "a frame of a byte more than 4 MiB": (HEADER.pack(LIMIT + 1, 1), 1), "no packet": (frame(1, b"\x09x\0"), 1),
    "text": (b"GET / HTTP/1.1\r\n\r\n", 1),
}


@pytest.mark.parametrize("leaves", [True, False], ids=["and leaves", "and is silent"])
@pytest.mark.parametrize("name", ENDS)
def test_a_server_that_says_no_more(served: Served, name: str, leaves: bool, fault_cases: object) -> None:
    """Whether it leaves or is silent for longer than an idle amandad stays, ours ends; a reply that nobody takes is said five
    times."""
    data, code = ENDS[name]
    served.say(data)
    if leaves:
        served.leave()
    assert served.end() == code
    if not leaves:
        served.leave()


def test_a_reply_that_is_not_acknowledged_is_said_five_times(served: Served, fault_cases: object) -> None:
    served.say(ASK)
    found: list[Packet | None] = []
    while (heard := served.hear()) is not None:
        found.append(heard[1])
    replies = [packet for packet in found if packet is not None and packet.kind is Kind.REP]
    assert len(replies) == exchange.REP_TRIES and len(set(replies)) == 1
    served.leave()
    assert served.end() == 0
