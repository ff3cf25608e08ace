"""The exchange of one request and its reply, for both ends (Amanda 3.5.1: common-src/protocol.c, amandad-src/amandad.c).

REQ is acknowledged at once, REP when it arrives; a PREP shows what the reply has so far; NAK refuses.  Promises state
machines without a clock and without I/O: packets and times go in, effects come out, and no packet is an exception.
They do not know how bytes travel or what a body says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from core.wire.packets import Kind, Packet


@dataclass(frozen=True, slots=True)
class Send:
    """Send this packet on the exchange's handle."""

    packet: Packet


@dataclass(frozen=True, slots=True)
class Close:
    """Send the end of the exchange's handle."""


@dataclass(frozen=True, slots=True)
class Partial:
    """A partial reply came: all that is known so far."""

    body: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply came; the exchange is over."""

    body: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The peer refused the request; the exchange is over."""

    body: str


@dataclass(frozen=True, slots=True)
class Silent:
    """The peer did not answer in time; the exchange is over.  ``acknowledged``: it had taken the request."""

    acknowledged: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Start:
    """Run a service for this request; its output is the reply."""

    body: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The requester has the reply: streams may begin.  ``acknowledged`` False: it never said so."""

    acknowledged: bool


Effect = Send | Close | Partial | Reply | Refused | Silent | Start | Accepted

ACK_WAIT = 10.0
"""Seconds until a packet that is not acknowledged is sent again."""
REQ_TRIES = 3
REP_TRIES = 5


class Stage(Enum):
    """Where an exchange stands."""

    NEW = auto()
    ASKED = auto()
    ACKNOWLEDGED = auto()
    RUNNING = auto()
    REPLIED = auto()
    OVER = auto()


class Requester:
    """The end that asks.  ``timeout`` seconds for the reply count from the acknowledgement; PREPs do not extend them."""

    __slots__ = ("_ack_wait", "_body", "_timeout", "_tries", "deadline", "stage")

    def __init__(self, body: str, timeout: float, ack_wait: float = ACK_WAIT) -> None:
        self._body = body
        self._timeout = timeout
        self._ack_wait = min(ack_wait, timeout / REQ_TRIES)
        self._tries = 0
        self.stage = Stage.NEW
        self.deadline = float("inf")

    def begin(self, now: float) -> list[Effect]:
        """Send the request."""
        self.stage = Stage.ASKED
        return self._ask(now)

    def receive(self, packet: Packet, now: float) -> list[Effect]:
        """What follows from a packet of this exchange; one that comes too late changes nothing."""
        if self.stage not in (Stage.ASKED, Stage.ACKNOWLEDGED):
            return [Send(Packet(Kind.ACK))] if packet.kind is Kind.REP and self.stage is Stage.OVER else []
        match packet.kind:
            case Kind.ACK | Kind.PREP:
                if self.stage is Stage.ASKED:
                    self.stage = Stage.ACKNOWLEDGED
                    self.deadline = now + self._timeout
                return [Partial(packet.body)] if packet.kind is Kind.PREP else []
            case Kind.REP:
                self._end()
                return [Send(Packet(Kind.ACK)), Close(), Reply(packet.body)]
            case Kind.NAK:
                self._end()
                return [Close(), Refused(packet.body)]
            case Kind.REQ:
                return []

    def tick(self, now: float) -> list[Effect]:
        """What follows from the time alone."""
        if now < self.deadline or self.stage not in (Stage.ASKED, Stage.ACKNOWLEDGED):
            return []
        if self.stage is Stage.ASKED and self._tries < REQ_TRIES:
            return self._ask(now)
        acknowledged = self.stage is Stage.ACKNOWLEDGED
        self._end()
        return [Close(), Silent(acknowledged, self._timeout if acknowledged else self._ack_wait * REQ_TRIES)]

    def _ask(self, now: float) -> list[Effect]:
        self._tries += 1
        self.deadline = now + self._ack_wait
        return [Send(Packet(Kind.REQ, self._body))]

    def _end(self) -> None:
        self.stage = Stage.OVER
        self.deadline = float("inf")


class Responder:
    """The end that answers one request."""

    __slots__ = ("_reply", "_tries", "deadline", "stage")

    def __init__(self) -> None:
        self._reply = Packet(Kind.REP)
        self._tries = 0
        self.stage = Stage.NEW
        self.deadline = float("inf")

    def receive(self, packet: Packet, now: float) -> list[Effect]:
        """What follows from a packet of this exchange; a request that is repeated while it runs changes nothing."""
        match packet.kind:
            case Kind.REQ if self.stage is Stage.NEW:
                self.stage = Stage.RUNNING
                return [Send(Packet(Kind.ACK)), Start(packet.body)]
            case Kind.REQ if self.stage is Stage.RUNNING:
                return [Send(Packet(Kind.ACK))]
            case Kind.ACK if self.stage is Stage.REPLIED:
                self._end()
                return [Close(), Accepted(True)]
            case _:
                return []

    def partial(self, body: str) -> list[Effect]:
        """The service has said this much."""
        return [Send(Packet(Kind.PREP, body))] if self.stage is Stage.RUNNING else []

    def reply(self, body: str, now: float) -> list[Effect]:
        """The service is through and has said all this."""
        self._reply = Packet(Kind.REP, body)
        self.stage = Stage.REPLIED
        return self._answer(now)

    def refuse(self, body: str) -> list[Effect]:
        """The request is not served."""
        self._end()
        return [Send(Packet(Kind.NAK, body)), Close()]

    def tick(self, now: float) -> list[Effect]:
        """What follows from the time alone: the reply again, and after `REP_TRIES` no more."""
        if now < self.deadline or self.stage is not Stage.REPLIED:
            return []
        if self._tries < REP_TRIES:
            return self._answer(now)
        self._end()
        return [Close(), Accepted(False)]

    def _answer(self, now: float) -> list[Effect]:
        self._tries += 1
        self.deadline = now + ACK_WAIT
        return [Send(self._reply)]

    def _end(self) -> None:
        self.stage = Stage.OVER
        self.deadline = float("inf")
