"""amandad: answers the requests of a server on stdin and stdout (Amanda 3.5.1: amandad-src/amandad.c).

Promises one service at a time on its connection, that a dump dies with its connection, and that garbage from the
peer ends this process and nothing else.  It behaves towards a stock Amanda server as Amanda's own amandad does; with
``local`` and ``ssh``, who may connect is the matter of sshd and of the system's users, and with ``tls`` of `clientd.tls`, which
starts this process.  With ``bsdtcp`` stdin is a TCP connection that inetd or systemd accepted, and `clientd.peer` judges who is
there.

    amandad -auth=local|ssh|bsdtcp|tls
    amandad enrol FILE
    amandad listen
"""

from __future__ import annotations

import os
import pwd
import select
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from clientd.access import LOCAL, Access, read_access, server_of
from clientd.job import Job, start_job
from clientd.peer import Gate, peer_of
from clientd.pipes import enlarge
from clientd.services.registry import FED, SERVICES
from clientd.settings import Settings, read_settings
from core.errors import ProtocolError, TaperoomError
from core.wire import exchange
from core.wire.features import KEEPS_CONNECTION, LEGACY, PARTIAL_ESTIMATE, Features
from core.wire.frames import LIMIT, FrameReader, end_of
from core.wire.packets import Assembler, Kind, Packet, encode
from core.wire.requests import Request, read_request, split_service

USAGE = "usage: amandad -auth=local|ssh|bsdtcp|tls"
IDLE = 30.0
"""Seconds after which an amandad without work leaves a server that does not keep connections."""
SERVICE_LIMIT = 6 * 3600.0
"""Seconds that a service may take for its reply."""
PARTIAL_EVERY = 2.0
COMMIT_WAIT = 2.0
"""Seconds that a service has to put its state in place when the server left right after it confirmed a dump."""
FIRST_STREAM = 499999
"""The handle of the first stream of a connection; the next ones count down."""
_READ = 256 * 1024


class Daemon:
    """One connection's amandad."""

    def __init__(
        self, reader: int, wire: int, settings: Settings, access: Access | TaperoomError, server: str = LOCAL,
        gate: Gate | None = None,
    ) -> None:
        self._reader = reader
        self._wire = wire
        self._settings = settings
        self._access = access
        self._server = server
        self._gate = gate
        self._frames = FrameReader()
        self._packets = Assembler(self._frames)
        self._buffer = memoryview(bytearray(_READ))
        self._job: Job | None = None
        self._pending: tuple[int, Packet] | None = None
        self._next_stream = FIRST_STREAM
        self._peer: Features = LEGACY
        self._idle_since = time.monotonic()
        self._begun: float | None = None  # since when the server has owed us the rest of a frame
        self._started = 0.0

    def run(self) -> int:
        """Serve until the peer leaves; the exit status.  A running service is killed then, but a dump that was
        confirmed may still keep its state."""
        try:
            while self._once():
                pass
        except ProtocolError as fault:
            print(f"amandad: the server talks nonsense: {fault}", file=sys.stderr)
            return 1
        except ConnectionError:  # gone, or by TCP: gone without reading all that we had said
            return 0
        finally:
            if self._job is not None:
                self._job.let_finish(COMMIT_WAIT if self._job.confirmed else 0.0)
                self._job.kill()
                self._job.close()
        return 0

    def _once(self) -> bool:
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        job = self._job
        if job is not None:
            # The child's end matters when its reply was taken, not before: the reply tells how it ended.
            if not job.replied:
                poll.register(job.output, select.POLLIN)
            elif job.responder.stage is exchange.Stage.OVER:
                poll.register(job.life, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(self._patience())}
        if self._reader in ready:
            size = os.readv(self._reader, [self._buffer])
            if not size:
                return False
            self._frames.feed(self._buffer[:size], self._hear)
            if self._frames.between:
                self._begun = None
            elif self._begun is None:
                self._begun = time.monotonic()
        if job is not None and self._job is job:
            if job.output in ready and not job.replied:
                self._listen(job)
            if job.life in ready and not self._ended(job):
                return False
        return self._tick()

    def _patience(self) -> float | None:
        """Milliseconds until something is due; None waits for ever."""
        now = time.monotonic()
        if self._job is None:
            due = self._leaves_at()
            return None if due == float("inf") else max(0.0, due - now) * 1000 + 1
        due = min(self._job.responder.deadline, self._started + SERVICE_LIMIT if not self._job.replied else float("inf"))
        if self._wants_partial(self._job):
            due = min(due, self._job.next_partial)
        return None if due == float("inf") else max(0.0, due - now) * 1000 + 1

    def _hear(self, handle: int, piece: memoryview) -> None:
        job = self._job
        if job is not None and job.streaming and handle == job.first_handle:
            if job.feed >= 0:
                if piece:
                    job.give(piece)
                else:
                    job.end_feed()
                return
            if not piece:
                # The end of DATA from the server says that the dump is safe.
                job.let_on()
                job.confirmed = True
        if not piece:
            return
        packet = self._packets.add(piece)
        if packet is None:
            return
        if job is not None and handle == job.handle:
            self._do(job.responder.receive(packet, time.monotonic()), handle)
        elif packet.kind is Kind.REQ:
            if job is None:
                self._begin(handle, packet)
            elif self._pending is None:
                self._pending = (handle, packet)
                if job.streaming:  # the server has read the whole dump and goes on without a word: it is not safe
                    job.shut()
                elif job.replied and not job.said.startswith(b"CONNECT"):
                    # Who asks for the next thing has the reply; an acknowledgement that was lost does not come any more.
                    self._do(job.responder.receive(Packet(Kind.ACK), time.monotonic()), job.handle)
            elif self._pending[0] != handle:  # else it is said again, since nobody has acknowledged it
                raise ProtocolError("three requests at once")

    def _begin(self, handle: int, packet: Packet) -> None:
        responder = exchange.Responder()
        try:
            name, text = split_service(packet.body)
            service = SERVICES.get(name)
            if self._gate is not None and (refusal := self._gate.refusal(packet.body, name)):
                raise ProtocolError(f"[{refusal}]")
            if isinstance(self._access, TaperoomError):
                raise ProtocolError(str(self._access))
            if not self._access.server(self._server):
                raise ProtocolError(f"CLT026 the client's access file does not permit the server {self._server}")
            if service is None or not self._access.service(name):
                raise ProtocolError(f"{name}: invalid service, or the client's access file does not permit it")
        except ProtocolError as fault:
            self._refuse(responder, handle, f"ERROR {fault}\n")
            return
        try:
            request = read_request(name, text)
        except ProtocolError:
            request = Request(name)  # the service says what is wrong with it
        if name == "noop":
            self._peer = request.features
        self._started = time.monotonic()
        self._job = start_job(
            service, request, text, handle, responder, wire=self._wire, first_handle=self._next_stream,
            settings=self._settings, access=self._access, fed=name in FED,
        )
        self._next_stream -= 4
        self._do(responder.receive(packet, self._started), handle)

    def _refuse(self, responder: exchange.Responder, handle: int, text: str) -> None:
        self._do(responder.refuse(text), handle)

    def _do(self, effects: Sequence[exchange.Effect], handle: int) -> None:
        for effect in effects:
            match effect:
                case exchange.Send(packet):
                    self._write(encode(handle, packet))
                case exchange.Close():
                    self._write(end_of(handle))
                case exchange.Accepted(acknowledged):
                    self._accepted(acknowledged)
                case _:
                    pass

    def _accepted(self, acknowledged: bool) -> None:
        job = self._job
        if job is None:
            return
        if not acknowledged:
            job.kill()
        job.streaming = True
        job.let_on()

    def _listen(self, job: Job) -> None:
        data = os.read(job.output, 65536)
        job.said += data
        if len(job.said) > LIMIT - 4096:
            job.kill()
            job.said.clear()
            job.said += f"ERROR service {job.name}: its reply is too long\n".encode()
            data = b""
        if not data:
            if not job.said.startswith(b"CONNECT"):
                # Its exit status belongs to the reply, and it will not be long.
                select.select([job.life], [], [], 10.0)
                if not job.said:
                    job.said += f"ERROR service {job.name} ended without a reply\n".encode()
            job.replied = True
            self._do(job.responder.reply(job.said.decode("utf-8", "surrogateescape"), time.monotonic()), job.handle)
            if self._pending is not None and not job.said.startswith(b"CONNECT"):
                # Who has asked for the next thing already waits for no reply any more.
                self._do(job.responder.receive(Packet(Kind.ACK), time.monotonic()), job.handle)
        elif not job.next_partial:
            job.next_partial = time.monotonic() + PARTIAL_EVERY

    def _ended(self, job: Job) -> bool:
        """The child is gone and its reply was taken; False when the connection is of no use any more."""
        status = job.close()
        streamed, self._job = job.said.startswith(b"CONNECT"), None
        self._idle_since = time.monotonic()
        if streamed and status:
            # It may have died in the middle of a frame: the server must not take the next one for its rest.
            print(f"amandad: {job.name} ended with status {status}", file=sys.stderr)
            return False
        if self._pending is not None:
            (handle, packet), self._pending = self._pending, None
            self._begin(handle, packet)
        return True

    def _tick(self) -> bool:
        now = time.monotonic()
        job = self._job
        if job is None:
            return now < self._leaves_at()
        if not job.replied and now > self._started + SERVICE_LIMIT:
            job.kill()
        if self._wants_partial(job) and now >= job.next_partial:
            shown = job.said.rfind(b"\n") + 1
            if shown > job.shown:
                job.shown = shown
                self._do(job.responder.partial(job.said[:shown].decode("utf-8", "surrogateescape")), job.handle)
            job.next_partial = now + PARTIAL_EVERY
        self._do(job.responder.tick(now), job.handle)
        return True

    def _leaves_at(self) -> float:
        """When an amandad without work leaves; for half a request it never waits longer than `IDLE`."""
        idle = float("inf") if self._peer.has(KEEPS_CONNECTION) else self._idle_since + IDLE
        return idle if self._begun is None else min(idle, self._begun + IDLE)

    def _wants_partial(self, job: Job) -> bool:
        return (job.name == "sendsize" and not job.replied and bool(job.next_partial)
                and job.request.features.has(PARTIAL_ESTIMATE))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._wire, view):]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run amandad on stdin and stdout; the exit status.  Words that are no option name services, as in Amanda; all of
    them are always there."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] in (["enrol"], ["listen"]):
        from clientd.tls import commands  # only here: nothing else on a client needs ssl

        return commands.main(words)
    auth = "local"
    for word in words:
        if word.startswith("-auth="):
            auth = word.removeprefix("-auth=").lower()
        elif word in ("-h", "--help"):
            print(f"{USAGE}\n{__doc__}")
            return 0
        elif word.startswith("-") and word not in ("-no-exit",):
            print(f"amandad: unknown option {word!r}\n{USAGE}", file=sys.stderr)
            return 2
    if auth == "tls":
        from clientd.tls import session

        return session.inetd(read_settings())
    if auth not in ("local", "ssh", "bsdtcp"):
        print(f"amandad: no such auth: {auth!r}\n{USAGE}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = read_settings()
    access: Access | TaperoomError
    try:
        access = read_access(settings.access)
    except TaperoomError as fault:
        access = fault
    # The wire gets a descriptor of its own: whatever prints on stdout by mistake must not end up in a frame.
    if auth == "bsdtcp":
        return _on_socket(settings, access)
    wire = os.dup(1)
    os.dup2(2, 1)
    with suppress(OSError):
        enlarge(wire)
    return Daemon(0, wire, settings, access, server_of(os.environ)).run()


def _on_socket(settings: Settings, access: Access | TaperoomError) -> int:
    if os.path.samestat(os.fstat(0), os.fstat(2)):  # inetd makes it our stderr, too
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), 2)
    try:
        peer = peer_of(0)
    except OSError as fault:
        print(f"amandad: stdin is no connection by TCP: {fault.strerror}; inetd or systemd has to start us", file=sys.stderr)
        return 2
    wire = os.dup(0)
    os.set_blocking(wire, True)
    os.dup2(2, 1)
    return Daemon(0, wire, settings, access, peer.address, Gate(peer, _login(), settings.amandahosts)).run()


def _login() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


if __name__ == "__main__":
    sys.exit(main())
