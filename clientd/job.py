"""One running service: a forked child of amandad, its reply, and the way to end it with all it started.

Promises that the child leads its own process group, so that tar dies with it, and that its end is noticed.  Forking
keeps what is loaded: a fresh interpreter for each dump would cost fifty times as much.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import traceback
from dataclasses import dataclass, field

from clientd.access import Access
from clientd.pipes import enlarge
from clientd.services.contract import Context, Service, serve
from clientd.settings import Settings
from clientd.streams import WireStreams
from core.wire.exchange import Responder
from core.wire.features import LARGE_FRAMES
from core.wire.frames import LARGE_PIECE, PIECE
from core.wire.requests import Request


@dataclass(slots=True)
class Job:
    """A service at work on the exchange ``handle``.

    ``output``: what it says, end of file ends the reply.  ``life``: end of file when the child is gone.  ``go``: a byte
    lets its streams on.  ``feed``: what the server sends on its first stream goes there, −1: nowhere.  ``said``: the reply so
    far.
    """

    name: str
    handle: int
    responder: Responder
    request: Request
    child: int
    output: int
    life: int
    go: int
    first_handle: int
    feed: int = -1
    said: bytearray = field(default_factory=bytearray)
    replied: bool = False
    streaming: bool = False
    confirmed: bool = False
    shown: int = 0
    next_partial: float = 0.0

    def let_on(self) -> None:
        """Let the streams begin, or tell that the dump is safe."""
        if self.go >= 0:
            with contextlib.suppress(OSError):
                os.write(self.go, b"\n")

    def give(self, piece: memoryview) -> None:
        """What the server sent; a service that is gone gets nothing more."""
        while piece and self.feed >= 0:
            try:
                piece = piece[os.write(self.feed, piece):]
            except BrokenPipeError:
                self.end_feed()

    def end_feed(self) -> None:
        """The server sends nothing more."""
        if self.feed >= 0:
            os.close(self.feed)
            self.feed = -1

    def shut(self) -> None:
        """Nothing more will let its streams on: a dump that was not confirmed by now will never be."""
        if self.go >= 0:
            os.close(self.go)
            self.go = -1

    def let_finish(self, seconds: float) -> None:
        """Wait so long at most for the child to end by itself."""
        select.select([self.life], [], [], seconds)

    def kill(self) -> None:
        """End the child and everything in its process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child, signal.SIGKILL)

    def close(self) -> int:
        """Wait for the child and close everything; its exit status, negative for a signal."""
        _, status = os.waitpid(self.child, 0)
        self.shut()
        self.end_feed()
        for descriptor in (self.output, self.life):
            os.close(descriptor)
        return os.waitstatus_to_exitcode(status)


def start_job(
    service: Service, request: Request, text: str, handle: int, responder: Responder, *,
    wire: int, first_handle: int, settings: Settings, access: Access, fed: bool = False,
) -> Job:
    """Fork a child that runs ``service``; its streams go straight to ``wire``.  ``fed``: it reads what the server sends."""
    output, say = os.pipe()
    life, alive = os.pipe()
    wait, go = os.pipe()
    source, feed = os.pipe() if fed else (-1, -1)
    sys.stderr.flush()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.setpgid(0, 0)
            for descriptor in (output, life, go, feed):
                if descriptor >= 0:
                    os.close(descriptor)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            nothing = os.open("/dev/null", os.O_RDWR)
            os.dup2(nothing, 0)
            os.dup2(nothing, 1)
            streams = WireStreams(wire, wait, first_handle, _piece(request))
            status = _child(service, request, text, say, streams, settings, access, source)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    for descriptor in (say, alive, wait, source):
        if descriptor >= 0:
            os.close(descriptor)
    if fed:
        enlarge(feed)
    with contextlib.suppress(OSError):
        os.setpgid(child, child)  # both of us say so: whoever comes second changes nothing
    return Job(request.service, handle, responder, request, child, output, life, go, first_handle, feed)


def _child(
    service: Service, request: Request, text: str, say: int, streams: WireStreams, settings: Settings, access: Access,
    source: int,
) -> int:
    with open(say, "wb", buffering=0) as reply:
        def tell(said: str) -> None:
            view = memoryview(said.encode("utf-8", "surrogateescape"))
            while view:
                view = view[reply.write(view) or 0:]

        return serve(service, request.service, text, Context(settings, access, streams, tell, reply.close, source))


def _piece(request: Request) -> int:
    return LARGE_PIECE if request.features.has(LARGE_FRAMES) else PIECE
