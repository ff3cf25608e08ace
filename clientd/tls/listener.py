"""The listener: one process for each connection, so that nothing a peer sends touches this one.

Promises that strangers are bounded: a handshake has `session.HANDSHAKE` seconds, at most `MOST_WAITING` connections may be
in one, and the oldest of them gives way to a new one, so that a flood does not keep the server out for long.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass

from clientd.settings import Settings
from clientd.tls.identity import identity_in
from clientd.tls.session import serve
from core.errors import WorldError
from core.wire.words import clean

MOST_WAITING = 32
"""Connections that have not shown yet that they come from our server."""
MOST = 256
"""Connections at all; only our server can have more than the former."""
_PAUSE = 0.5
"""Seconds without a new connection when the system has no more processes or descriptors."""
_CHECKED = b"\0"
_LINES = 20
"""Lines of the log in a minute; whoever knocks without end must not fill it."""


@dataclass(slots=True)
class _Session:
    """A child.  ``life``: what it says for the log, `_CHECKED` when it knows its peer, and its end."""

    child: int
    life: int
    waiting: bool = True


class Listener:
    """Listening sockets and their children."""

    def __init__(self, sockets: list[socket.socket], settings: Settings) -> None:
        self._sockets, self._settings = sockets, settings
        self._sessions: dict[int, _Session] = {}
        self._pause_until = 0.0
        self._minute, self._said, self._left_out = time.monotonic(), 0, 0

    def run(self) -> None:
        """Serve until a signal ends us; the children end with us."""
        try:
            while True:
                self._once()
        finally:
            for session in self._sessions.values():
                os.kill(session.child, signal.SIGTERM)

    def _once(self) -> None:
        poll = select.poll()
        now = time.monotonic()
        taking = len(self._sessions) < MOST and now >= self._pause_until
        if taking:
            for one in self._sockets:
                poll.register(one, select.POLLIN)
        for life in self._sessions:
            poll.register(life, select.POLLIN)
        pause = max(0.0, self._pause_until - now) * 1000 + 1 if now < self._pause_until else None
        ready = {descriptor for descriptor, _ in poll.poll(pause)}
        for session in [session for life, session in self._sessions.items() if life in ready]:
            self._look_after(session)
        if taking:
            for one in self._sockets:
                if one.fileno() in ready:
                    self._take(one)

    def _look_after(self, session: _Session) -> None:
        if data := os.read(session.life, 1024):
            if _CHECKED in data:
                session.waiting = False
            if text := clean(data.replace(_CHECKED, b"").decode("utf-8", "replace")):
                self._say(text)
            return
        del self._sessions[session.life]
        os.close(session.life)
        os.waitpid(session.child, 0)

    def _take(self, listening: socket.socket) -> None:
        try:
            plain, _ = listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as fault:
            self._no_more(fault)
            return
        waiting = [session for session in self._sessions.values() if session.waiting]
        if len(waiting) >= MOST_WAITING:
            os.kill(waiting[0].child, signal.SIGKILL)
            waiting[0].waiting = False
        with plain:
            try:
                self._fork(plain)
            except OSError as fault:
                self._no_more(fault)

    def _no_more(self, fault: OSError) -> None:
        self._say(f"CLT054 no new connection for a moment: {fault.strerror}")
        self._pause_until = time.monotonic() + _PAUSE

    def _fork(self, plain: socket.socket) -> None:
        life, alive = os.pipe()
        try:
            child = os.fork()
        except OSError:
            os.close(life)
            os.close(alive)
            raise
        if child:
            os.close(alive)
            self._sessions[life] = _Session(child, life)
            return
        status = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.close(life)
            for session in self._sessions.values():
                os.close(session.life)
            for one in self._sockets:
                one.close()
            status = serve(plain, self._settings, lambda text: _tell(alive, text.encode("utf-8", "replace")[:1000]),
                           lambda: _tell(alive, _CHECKED))
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def _say(self, text: str) -> None:
        now = time.monotonic()
        if now - self._minute >= 60:
            if self._left_out:
                _print(f"{self._left_out} more lines of this kind in the last minutes")
            self._minute, self._said, self._left_out = now, 0, 0
        self._said += 1
        if self._said <= _LINES:
            _print(text)
        else:
            self._left_out += 1


def _tell(pipe: int, data: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(pipe, data)


def _print(text: str) -> None:
    print(f"taperoom-clientd: {text}", file=sys.stderr, flush=True)


def listen(settings: Settings, address: str, port: int | None) -> int:
    """Listen on ``address`` (empty: every one of this machine) until SIGTERM; the exit status.

    WorldError CLT052 when this client is not enrolled, CLT054 when the address cannot be listened on.
    """
    trust = identity_in(settings.tls).trust
    wanted = trust.port if port is None else port
    sockets = _sockets(address, wanted)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    where = address or "every address"
    _print(f"{trust.name} listens on {where}, port {sockets[0].getsockname()[1]}, for the server of {trust.org}; "
           f"its certificate is good until {trust.until}")
    Listener(sockets, settings).run()
    return 0


def _sockets(address: str, port: int) -> list[socket.socket]:
    made: list[socket.socket] = []
    try:
        if not address and socket.has_dualstack_ipv6():
            made.append(socket.create_server(("", port), family=socket.AF_INET6, backlog=128, dualstack_ipv6=True))
        elif not address:
            made.append(socket.create_server(("", port), backlog=128))
        else:
            for family, _, _, _, place in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
                if family in (socket.AF_INET, socket.AF_INET6):
                    made.append(socket.create_server(place[:2], family=family, backlog=128))
    except (OSError, OverflowError, UnicodeError) as fault:
        for one in made:
            one.close()
        said = (fault.strerror or str(fault)) if isinstance(fault, OSError) else str(fault)
        raise WorldError("CLT054", f"{address or 'this machine'} port {port} cannot be listened on: {said}") from None
    for one in made:
        one.setblocking(False)
    return made
