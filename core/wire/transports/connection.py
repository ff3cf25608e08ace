"""One connection to one amandad: control exchanges one after the other, then the streams of a dump.

Promises that everything the peer does wrong becomes a PeerError with a code, within the timeout that was given, and
that data pass through one buffer without being copied.  Blocking, for one thread.  It does not know what a body or a
stream says (`core.wire.services`, `core.wire.mesg`).
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from core.errors import PeerError, ProtocolError
from core.model.disk import Host
from core.wire import exchange
from core.wire.features import KEEPS_CONNECTION, LEGACY, Features
from core.wire.frames import HEADER, LARGE_PIECE, LIMIT, FrameReader, Sink, end_of
from core.wire.packets import Assembler, Packet, encode
from core.wire.services import parse_backup
from core.wire.words import clean, coded

BUFFER = 128 * 1024 + 4 * HEADER.size
"""Bytes that one read takes at most: one frame of our client's or four of a stock one's, which then are in a core's own
cache when they are stored."""
_BUSY = "CLT033"
"""Why a dump of ours is refused for the time being: another one of the disk is under way."""


class Link(Protocol):
    """What a transport gives: two file descriptors, a way to explain why the peer left, and an end."""

    @property
    def reader(self) -> int:
        """Where the peer's bytes come from; the connection makes it non-blocking."""

    @property
    def writer(self) -> int:
        """Where ours go to; non-blocking."""

    def lost(self, host: Host) -> PeerError:
        """Why the peer ended the connection."""

    def close(self) -> None:
        """End the connection and whatever carried it."""


@runtime_checkable
class Sealed(Link, Protocol):
    """A link whose bytes are not those of its descriptors, which are good for poll alone; `pending` tells what poll cannot."""

    @property
    def pending(self) -> bool:
        """Whether there is something to read of which poll does not know."""

    def read_into(self, buffer: memoryview) -> int | None:
        """Bytes put into ``buffer``; 0 at the end, None when nothing whole is there yet."""

    def write(self, data: memoryview) -> int:
        """Bytes of ``data`` that were taken.  BlockingIOError when none can be now."""

    @property
    def until(self) -> float:
        """When the peer's certificate expires, seconds since the epoch."""

    def trusted(self) -> bool:
        """Whether the peer may still be talked to, as far as is known here."""


class Connection:
    """A connection to the amandad of `host`; `features` are the peer's, known when `connect` has made it.  ``preamble``:
    what the transport wants said before each request."""

    def __init__(self, host: Host, link: Link, preamble: str = "") -> None:
        self.host = host
        self.features: Features = LEGACY
        self._link = link
        os.set_blocking(link.reader, False)
        self._sealed = link if isinstance(link, Sealed) else None
        self._preamble = preamble
        self._buffer = memoryview(bytearray(BUFFER))
        self._reader = FrameReader()
        self._handle = 0
        self._early: list[tuple[int, bytes]] = []
        self._early_size = 0
        self._streams: dict[str, int] = {}

    def keeps(self) -> bool:
        """Whether the peer waits for the next request; a stock amandad leaves soon, so it is not asked twice.  One whose
        certificate may have been revoked since is not asked either."""
        return self.features.has(KEEPS_CONNECTION) and (self._sealed is None or self._sealed.trusted())

    @property
    def certified_until(self) -> float:
        """When the certificate that the peer showed expires, seconds since the epoch; 0 where there is none."""
        return self._sealed.until if self._sealed is not None else 0.0

    def fileno(self) -> int:
        """For poll: readable when `receive` has something to do."""
        return self._link.reader

    @property
    def pending(self) -> bool:
        """Whether `receive` has something to give without reading: then poll need not be asked."""
        return bool(self._early) or (self._sealed is not None and self._sealed.pending)

    def close(self) -> None:
        """End the connection; a dump that still runs on the client dies with it."""
        self._link.close()

    def request(
        self, service: str, body: str, timeout: float, partial: Callable[[str], None] | None = None
    ) -> str:
        """The reply to ``body``, which asks for ``service``; each partial reply goes to ``partial``.

        PeerError: CLT002 no answer within ``timeout`` seconds, CLT004 refused, CLT001 lost, CLT003 garbage.
        """
        self._handle += 1
        self._early.clear()
        self._early_size = 0
        asking = exchange.Requester(self._preamble + body, timeout)
        packets = Assembler(self._reader)
        effects: list[exchange.Effect] = []

        def hear(handle: int, piece: memoryview) -> None:
            if handle == self._handle:
                if piece and (packet := packets.add(piece)) is not None:
                    effects.extend(asking.receive(packet, time.monotonic()))
            elif asking.stage is exchange.Stage.OVER:
                # Streams of a peer that does not wait for our ACK; kept for `receive`, within bounds.
                self._early_size += len(piece)
                if self._early_size > LIMIT:
                    raise ProtocolError("data before they were asked for")
                self._early.append((handle, bytes(piece)))

        effects += asking.begin(time.monotonic())
        while True:
            ended = self._perform(effects, partial, timeout)
            match ended:
                case exchange.Reply(text):
                    return text
                case exchange.Refused(text):
                    said = clean(text).removeprefix("ERROR ")
                    raise PeerError("CLT004", f"{self.host.name} refused {service}: {said}", try_later=False)
                case exchange.Silent(_, seconds):
                    raise self._silent(service, seconds)
                case None:
                    effects.clear()
            if self._wait(asking.deadline):
                self._read(hear)
            effects += asking.tick(time.monotonic())

    def _perform(
        self, effects: list[exchange.Effect], partial: Callable[[str], None] | None, timeout: float
    ) -> exchange.Reply | exchange.Refused | exchange.Silent | None:
        """Send what is to be sent, in one write; how the exchange ended, if it did."""
        data = bytearray()
        ended: exchange.Reply | exchange.Refused | exchange.Silent | None = None
        for effect in effects:
            match effect:
                case exchange.Send(packet):
                    data += self._encoded(packet)
                case exchange.Close():
                    data += end_of(self._handle)
                case exchange.Partial(text):
                    if partial is not None:
                        partial(text)
                case exchange.Reply() | exchange.Refused() | exchange.Silent():
                    ended = effect
                case exchange.Start() | exchange.Accepted():  # those are the other end's
                    pass
        try:
            self._send(bytes(data), timeout)
        except PeerError:
            if ended is None:  # a peer that left after its last word has said it all the same
                raise
        return ended

    def backup(self, body: str, timeout: float) -> dict[str, int]:
        """Start a dump: the handles of its streams by name (DATA, MESG, INDEX, STATE; those not used are left out).

        PeerError: the client's code or CLT005 with its text, CLT006 when it wants to be asked later, those of `request`.
        """
        return self.streams("sendbackup", body, timeout)

    def streams(self, service: str, body: str, timeout: float) -> dict[str, int]:
        """Start a service that has streams; their handles by name.  PeerError as `backup`."""
        reply = self.request(service, body, timeout)
        try:
            found = parse_backup(reply)
        except ProtocolError as fault:
            raise self._garbage(fault) from None
        if found.errors:
            code, text = coded("; ".join(found.errors[:5]))
            raise PeerError(code, f"{self.host.name}: {text}", try_later=code == _BUSY)
        if found.retry is not None:
            text = found.retry.message or "busy"
            wait = f", in {found.retry.delay} s" if found.retry.delay > 0 else ""
            raise PeerError("CLT006", f"{self.host.name} asks to be asked later{wait}: {text}",
                            again=(found.retry.delay, found.retry.level))
        self._streams = found.streams
        return dict(found.streams)

    def receive(self, sink: Sink) -> bool:
        """Read what waits, once and `BUFFER` at most, and call ``sink(handle, piece)`` for each piece, in order; an empty
        piece is its stream's end.  False when nothing waited.

        A piece is valid only during the call; a sealed link may bring none yet.  PeerError: CLT001 the connection is lost,
        CLT003 garbage.
        """
        if self._early:
            early, self._early = self._early, []
            for handle, data in early:
                sink(handle, memoryview(data))
            return True
        return self._read(sink, self._reader.feed_joined)

    def confirm(self) -> None:
        """Tell the client that the dump is safe, so that it may keep its new incremental state (feature CONFIRMS).

        Call it when the dump is on disk, before the next request.  PeerError CLT001 when the connection is lost.
        """
        handle = self._streams.pop("DATA", None)
        if handle is not None:
            self._send(end_of(handle), 10.0)

    def send(self, data: memoryview | bytes, timeout: float) -> None:
        """Send bytes on the stream DATA, to a service that takes them.  PeerError: CLT001 the connection is lost, CLT002 the
        client took nothing for ``timeout`` seconds."""
        handle, view = self._streams["DATA"], memoryview(data)
        for at in range(0, len(view), LARGE_PIECE):
            piece = view[at:at + LARGE_PIECE]
            self._send(HEADER.pack(len(piece), handle), timeout)
            self._send(piece, timeout)

    def end_data(self) -> None:
        """End the stream DATA.  PeerError CLT001."""
        self.confirm()

    def wait(self, seconds: float) -> bool:
        """Whether `receive` has something to do within so many seconds."""
        return self.pending or self._wait(time.monotonic() + seconds)

    def _read(self, sink: Sink, feed: Callable[[memoryview, Sink], None] | None = None) -> bool:
        # No further than the head of a frame, so that frames come in one piece again once one came in two: they mostly are
        # as long as the one before.
        each, left = self._reader.size + HEADER.size, self._reader.left
        under_way = left + HEADER.size if left else 0
        length = under_way + max(0, BUFFER - under_way) // each * each
        room = self._buffer[:length or BUFFER]
        try:
            size = os.readv(self._link.reader, [room]) if self._sealed is None else self._sealed.read_into(room)
        except BlockingIOError:
            return False
        except OSError:
            size = 0
        if size is None:
            return False
        if not size:
            raise self._link.lost(self.host)
        try:
            (feed or self._reader.feed)(room[:size], sink)
        except ProtocolError as fault:
            raise self._garbage(fault) from None
        return True

    def _wait(self, deadline: float) -> bool:
        if self._sealed is not None and self._sealed.pending:
            return True
        poll = select.poll()
        poll.register(self._link.reader, select.POLLIN)
        seconds = min(max(0.0, deadline - time.monotonic()), 3600.0)
        return bool(poll.poll(seconds * 1000 + 1))

    def _send(self, data: bytes | memoryview, timeout: float) -> None:
        view = memoryview(data)
        deadline = time.monotonic() + timeout
        while view:
            try:
                view = view[os.write(self._link.writer, view) if self._sealed is None else self._sealed.write(view):]
                deadline = time.monotonic() + timeout
            except BlockingIOError:
                poll = select.poll()
                poll.register(self._link.writer, select.POLLOUT)
                if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                    raise self._silent("a request", timeout) from None
            except OSError:
                raise self._gone() from None

    def _gone(self) -> PeerError:
        """Nobody reads there any more.  Nonsense that the peer said before it left tells more than that it left."""
        try:
            for _ in range(16):
                if not self._wait(time.monotonic()):
                    break
                self._read(lambda handle, piece: None)
        except PeerError as fault:
            return fault
        return self._link.lost(self.host)

    def _encoded(self, packet: Packet) -> bytes:
        try:
            return encode(self._handle, packet)
        except ProtocolError as fault:
            raise PeerError("CLT003", f"{self.host.name}: {fault}", try_later=False) from None

    def _silent(self, service: str, seconds: float) -> PeerError:
        return PeerError("CLT002", f"{self.host.name} did not answer {service} within {seconds:.3g} s")

    def _garbage(self, fault: ProtocolError) -> PeerError:
        return PeerError("CLT003", f"{self.host.name} talks nonsense: {fault}")
