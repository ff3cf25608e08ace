"""Frames: several streams in one connection (Amanda 3.5.1, common-src/security-util.c, tcpm_send_token and tcpm_recv_token).

A frame is the length of its data and a handle, each four bytes, big endian, then the data.  Length 0 is the end of
that stream.  Promises that whatever arrives, in whatever pieces, gives pieces of streams or ProtocolError.  It does
not know what a stream carries.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from core.errors import ProtocolError
from core.wire.words import clean

Sink = Callable[[int, memoryview], None]

LIMIT = 4 * 1024 * 1024
"""The longest frame that a receiver takes, in bytes."""
PIECE = 32 * 1024
"""The longest frame that we send to a stock Amanda, in bytes."""
LARGE_PIECE = 1024 * 1024
"""The longest frame that we send to a peer with the feature LARGE_FRAMES, in bytes."""

HEADER = struct.Struct(">II")
_END = memoryview(b"")
_SHOWN = 300


def frame(handle: int, data: bytes) -> bytes:
    """One frame of ``data``; empty data are the end of the stream.  ValueError when longer than `LIMIT`."""
    if len(data) > LIMIT:
        raise ValueError(f"{len(data)} bytes are too long for a frame")
    return HEADER.pack(len(data), handle) + data


def end_of(handle: int) -> bytes:
    """The frame that ends the stream ``handle``."""
    return HEADER.pack(0, handle)


class FrameReader:
    """Takes bytes as they come and hands out pieces of streams without copying them."""

    __slots__ = ("_handle", "_head", "_left", "_size")

    def __init__(self) -> None:
        self._head = bytearray()
        self._handle = 0
        self._left = 0
        self._size = 0

    @property
    def whole(self) -> bool:
        """Asked from within a sink: whether this piece was the last of its frame."""
        return self._left == 0

    @property
    def left(self) -> int:
        """Bytes of the frame under way that have not come yet."""
        return self._left

    @property
    def size(self) -> int:
        """Bytes of data in the frame under way, or the last one."""
        return self._size

    @property
    def between(self) -> bool:
        """Whether what came so far ends with a whole frame."""
        return self._left == 0 and not self._head

    def feed(self, data: memoryview, sink: Sink) -> None:
        """Call ``sink(handle, piece)`` for each piece in ``data``, in order; an empty piece is the end of its stream.

        ProtocolError for a length above `LIMIT`; when the bytes are text (a banner, a shell's complaint), it is shown.
        """
        self._feed(data, sink, join=False)

    def feed_joined(self, data: memoryview, sink: Sink) -> None:
        """As `feed`, but pieces of a stream that follow one another become one: they are moved together in ``data``."""
        self._feed(data, sink, join=True)

    def _feed(self, data: memoryview, sink: Sink, *, join: bool) -> None:
        at, end = 0, len(data)
        held, start, stop = 0, 0, 0  # a piece that was not given yet, and whose
        while at < end:
            if self._left:
                size = min(self._left, end - at)
                self._left -= size
                if not join:
                    sink(self._handle, data[at:at + size])
                elif start == stop or held != self._handle:
                    if start < stop:
                        sink(held, data[start:stop])
                    held, start, stop = self._handle, at, at + size
                else:
                    data[stop:stop + size] = data[at:at + size]
                    stop += size
                at += size
                continue
            if self._head or end - at < HEADER.size:
                taken = data[at:at + HEADER.size - len(self._head)]
                self._head += taken
                at += len(taken)
                if len(self._head) < HEADER.size:
                    break
                head = bytes(self._head)
                self._head.clear()
            else:
                head = bytes(data[at:at + HEADER.size])
                at += HEADER.size
            size, self._handle = HEADER.unpack(head)
            if 0 < size <= LIMIT:
                self._left = self._size = size
                continue
            if start < stop:
                sink(held, data[start:stop])
                start = stop
            if size:
                raise ProtocolError(_foreign(head, size, bytes(data[at:at + _SHOWN])))
            sink(self._handle, _END)
        if start < stop:
            sink(held, data[start:stop])


def _foreign(head: bytes, size: int, rest: bytes) -> str:
    text = head.decode("utf-8", "replace")
    if "\ufffd" not in text and all(char.isprintable() or char in "\t\r\n" for char in text):
        return f'it says "{clean((head + rest).decode("utf-8", "replace"), _SHOWN)}"'
    return f"a frame of {size} bytes is longer than {LIMIT}"
