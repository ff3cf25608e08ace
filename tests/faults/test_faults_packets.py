"""The fault matrix on the packets between server and client: both ends' state machines over a pipe that spoils one packet."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import ProtocolError
from core.wire import exchange
from core.wire.frames import FrameReader, end_of
from core.wire.packets import Assembler, Kind, Packet, encode
from tests.support.faultnight import FAULTS, garbled

HANDLE, TIMEOUT, SERVICE_TIME = 7, 60.0, 5.0
LATE = 30.0
"""Seconds by which a delayed packet comes late: REQ and REP are sent again meanwhile."""


class End:
    """One end: bytes in, packets into its machine, effects out."""

    def __init__(self, name: str, machine: exchange.Requester | exchange.Responder) -> None:
        self.name, self.machine = name, machine
        self.reader, self.broken, self.dead = FrameReader(), "", False
        self.packets = Assembler(self.reader)
        self.seen: list[Any] = []


class Exchange:
    """A request and its reply; ``refuse``: the client says NAK."""

    def __init__(self, sender: str, kind: Kind | None, fault: str, *, refuse: bool = False) -> None:
        self.now, self._heap, self._order = 0.0, list[tuple[float, int, Callable[[], None]]](), 0
        self.server = End("server", exchange.Requester("SERVICE sendsize\n", TIMEOUT))
        self.client = End("client", exchange.Responder())
        self.fault, self.refuse = (sender, kind, fault), refuse
        self.said: Counter[tuple[str, str]] = Counter()
        self.started = 0
        self.hit = False

    def at(self, delay: float, act: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._heap, (self.now + delay, self._order, act))

    def play(self) -> Exchange:
        self._perform(self.server, self.server.machine.begin(0.0))  # type: ignore[union-attr]
        while self.now < 600.0:
            times = [e.machine.deadline for e in (self.server, self.client) if not e.dead]
            wake = min([*times, self._heap[0][0] if self._heap else float("inf")], default=float("inf"))
            if wake == float("inf"):
                return self
            self.now = max(self.now, wake)
            if self._heap and self._heap[0][0] <= self.now:
                heapq.heappop(self._heap)[2]()
            for end in (self.server, self.client):
                if not end.dead:
                    self._perform(end, end.machine.tick(self.now))
        raise AssertionError("the exchange has no end")

    def _perform(self, end: End, effects: list[exchange.Effect]) -> None:
        other = self.client if end is self.server else self.server
        for effect in effects:
            end.seen.append(effect)
            match effect:
                case exchange.Send(packet):
                    self._carry(end, other, packet)
                case exchange.Close():
                    self._arrive(other, end_of(HANDLE), 0.01)
                case exchange.Start():
                    self.started += 1
                    self.at(SERVICE_TIME / 2, lambda: self._serve(end, "partial"))
                    self.at(SERVICE_TIME, lambda: self._serve(end, "reply"))

    def _serve(self, end: End, what: str) -> None:
        machine = end.machine
        assert isinstance(machine, exchange.Responder)
        if end.dead or end.broken:
            return
        if what == "partial":
            self._perform(end, machine.refuse("ERROR no\n") if self.refuse else machine.partial("half\n"))
        elif machine.stage is exchange.Stage.RUNNING:
            self._perform(end, machine.reply("whole\n", self.now))

    def _carry(self, end: End, other: End, packet: Packet) -> None:
        self.said[end.name, packet.kind.name] += 1
        data, delay = encode(HANDLE, packet), 0.01
        kind = ""
        if (end.name, packet.kind) == self.fault[:2] and self.said[end.name, packet.kind.name] == 1:
            kind, self.hit = self.fault[2], True
        match kind:
            case "dropped":
                return
            case "silent":
                end.dead = True  # its bytes do not arrive any more; it waits for ever as far as anybody can tell
                return
            case "delayed":
                delay = LATE
            case "doubled":
                data += data
            case "cut short":
                data = data[:len(data) // 2 + 4]
            case "garbled":
                data = data[:8] + garbled(data[8:])
            case "sender killed":
                end.dead, data = True, data[:len(data) // 2]
            case "receiver killed":
                other.dead = True
                return
        self._arrive(other, data, delay)

    def _arrive(self, end: End, data: bytes, delay: float) -> None:
        def feed() -> None:
            if end.dead or end.broken:
                return
            try:
                end.reader.feed(memoryview(data), lambda handle, piece: self._piece(end, handle, piece))
            except ProtocolError as fault:
                end.broken = str(fault)
                end.machine.deadline = float("inf")

        self.at(delay, feed)

    def _piece(self, end: End, handle: int, piece: memoryview) -> None:
        if handle == HANDLE and piece and (packet := end.packets.add(piece)) is not None:
            self._perform(end, end.machine.receive(packet, self.now))


WORDS = [("server", Kind.REQ), ("server", Kind.ACK), ("client", Kind.ACK), ("client", Kind.PREP), ("client", Kind.REP),
         ("client", Kind.NAK)]


def test_every_kind_of_packet_is_said() -> None:
    said = set(Exchange("", None, "").play().said) | set(Exchange("", None, "", refuse=True).play().said)
    assert said == {(sender, kind.name) for sender, kind in WORDS}
    assert {kind for _, kind in WORDS} == set(Kind)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("sender", "kind"), WORDS, ids=lambda word: getattr(word, "name", word))
def test_a_packet_fault(sender: str, kind: Kind, fault: str, fault_cases: object) -> None:
    played = Exchange(sender, kind, fault, refuse=kind is Kind.NAK).play()
    assert played.hit
    assert played.started <= 1, "the service ran twice"
    ends = [x for x in played.server.seen if isinstance(x, exchange.Reply | exchange.Refused | exchange.Silent)]
    if played.server.dead:
        return
    if played.server.broken:
        assert not ends  # `Connection` makes a PeerError CLT003 of it and closes
        return
    assert len(ends) == 1, f"{ends} at {played.now}"
    match ends[0]:
        case exchange.Reply(body):
            assert body == "whole\n" or fault in ("garbled", "cut short")
        case exchange.Refused(body):
            assert kind is Kind.NAK or fault == "garbled"
        case exchange.Silent():
            assert fault not in ("doubled", "delayed"), "a packet that came was not taken"
    if fault == "dropped" and kind not in (Kind.NAK,):
        assert isinstance(ends[0], exchange.Reply), "one lost packet costs nothing"
