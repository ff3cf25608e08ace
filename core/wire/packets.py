"""Packets: what one frame of a control exchange carries (Amanda 3.5.1, common-src/packet.h, security-util.c).

A type byte, the body's text and a NUL that is counted in the frame's length; a receiver takes it without the NUL, too.
Promises a codec that is total: bytes give a `Packet` or ProtocolError.  It does not know what a body says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from core.errors import ProtocolError
from core.wire.frames import LIMIT, FrameReader, frame


class Kind(IntEnum):
    """The type byte of a packet."""

    REQ = 0
    REP = 1
    PREP = 2
    ACK = 3
    NAK = 4


@dataclass(frozen=True, slots=True)
class Packet:
    """A request, a reply, a partial reply, an acknowledgement or a refusal; the body is text with surrogate escapes."""

    kind: Kind
    body: str = ""


def encode(handle: int, packet: Packet) -> bytes:
    """``packet`` as a frame on ``handle``.  ProtocolError when its body is too long or holds a NUL."""
    data = packet.body.encode("utf-8", "surrogateescape")
    if len(data) + 2 > LIMIT or b"\0" in data:
        raise ProtocolError(f"a packet of {len(data)} bytes cannot be sent")
    return frame(handle, bytes((packet.kind,)) + data + b"\0")


def decode(data: bytes) -> Packet:
    """The packet that a frame's ``data`` hold.  ProtocolError when they are none."""
    try:
        kind = Kind(data[0])
    except (IndexError, ValueError):
        raise ProtocolError(f"{data[:20]!r} is no packet") from None
    body = data[1:-1] if data.endswith(b"\0") else data[1:]
    if b"\0" in body:
        raise ProtocolError("a packet with a NUL in its body")
    return Packet(kind, body.decode("utf-8", "surrogateescape"))


class Assembler:
    """Puts the pieces of one stream's frames together until a packet is whole; the frame's `LIMIT` bounds it."""

    __slots__ = ("_parts", "_reader")

    def __init__(self, reader: FrameReader) -> None:
        self._reader = reader
        self._parts = bytearray()

    def add(self, piece: memoryview) -> Packet | None:
        """The packet that ``piece`` completes, if it does; to be called from within the reader's sink.

        ProtocolError when the frame is no packet.
        """
        self._parts += piece
        if not self._reader.whole:
            return None
        data = bytes(self._parts)
        self._parts.clear()
        return decode(data)
