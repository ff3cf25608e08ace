"""The control socket of a run, the end that listens: consoles and commands order, the driver answers, everybody is nudged.
A restore that waits for a volume listens with it, too.

Mode 0600: the file system decides who may connect, and only this user and root are heard, whatever the mode has become.
Who it is comes from the kernel (SO_PEERCRED), not from what they say.  A peer that said ``HELLO … watch`` is refused every
order.  A console that does not read is dropped when its buffer passes `OUTBOX`; it comes back and catches up from the
journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import socket
import struct
from collections import deque
from collections.abc import Callable
from pathlib import Path

from core.engine.effects import Reply
from core.engine.inputs import Answered, Input, Ordered
from core.errors import BadLine
from core.protocol import operator as op
from core.protocol.conversation import Lines

OUTBOX = 64 * 1024
"""Bytes that may wait for a console before it is dropped."""
MOST = 200
"""Connections at once; a further one is refused."""


class Control:
    """The listening end; `nudge` after each commit, `reply` for each `core.engine.effects.Reply` in order."""

    def __init__(self, hear: Callable[[Input], None]) -> None:
        self._hear = hear
        self._server: asyncio.Server | None = None
        self._peers: set[_Peer] = set()
        self._asking: deque[_Peer] = deque()
        self._over = False
        self._path: Path | None = None

    async def listen(self, path: Path) -> None:
        """Open the socket; a name too long for a socket address goes by way of its directory's descriptor."""
        self._path = path
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            old = os.umask(0o177)
            try:
                listener.bind(f"/proc/self/fd/{directory}/{path.name}")
            finally:
                os.umask(old)
        finally:
            os.close(directory)
        self._server = await asyncio.start_unix_server(self._attend, sock=listener)

    @property
    def names(self) -> list[str]:
        """Who is attached."""
        return sorted(f"{peer.name}:{peer.mode}" for peer in self._peers if peer.console)

    def nudge(self, message: op.Seq | op.Gauges) -> None:
        """Tell every console that there is news; it may be lost."""
        line = op.VOCABULARY.encode(message)
        for peer in list(self._peers):
            if peer.console:
                peer.write(line)

    def reply(self, effect: Reply) -> None:
        """The answer to the oldest order that has none yet."""
        if self._asking:
            self._asking.popleft().write(op.VOCABULARY.encode(effect.reply))

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = _Peer(writer)
        if why := self._unwelcome(peer):
            peer.write(op.VOCABULARY.encode(op.Refused(why)))
            with contextlib.suppress(OSError):
                writer.close()
            return
        self._peers.add(peer)
        lines = Lines()
        try:
            while data := await reader.read(65536):
                for line in lines.feed(data):
                    self._take(peer, op.VOCABULARY.decode(line))
        except BadLine as fault:
            peer.write(op.VOCABULARY.encode(op.Refused(str(fault))))
        except OSError:
            pass
        finally:
            self._peers.discard(peer)
            with contextlib.suppress(OSError):
                writer.close()

    def _unwelcome(self, peer: _Peer) -> str:
        if peer.uid not in (os.geteuid(), 0):
            return f"the user {peer.name} may not give orders to this run"
        return f"{MOST} others are attached already" if len(self._peers) >= MOST else ""

    def _take(self, peer: _Peer, said: op.Said | op.Reply) -> None:
        match said:
            case op.Hello(name, mode):
                peer.claim(name, mode)
                peer.write(op.VOCABULARY.encode(op.Ok()))
            case op.Ok() | op.Refused() | op.Gone() | op.Seq() | op.Gauges():
                peer.write(op.VOCABULARY.encode(op.Refused("that is an answer, not an order")))
            case _ if self._over:
                peer.write(op.VOCABULARY.encode(op.Gone()))
            case _ if peer.mode != "operate":
                peer.write(op.VOCABULARY.encode(op.Refused("attached read-only: watching changes nothing")))
            case op.Answer(id, choice, argument):
                self._asking.append(peer)
                self._hear(Answered(id, choice, argument, peer.name))
            case order:
                self._asking.append(peer)
                self._hear(Ordered(order, peer.name))

    def over(self) -> None:
        """The run has ended, though its children may still be quitting: who waits for a reply, or asks now, gets GONE."""
        self._over = True
        while self._asking:
            self._asking.popleft().write(op.VOCABULARY.encode(op.Gone()))

    async def close(self) -> None:
        """Say GONE to all and remove the socket."""
        if self._server is not None:
            self._server.close()
        for peer in list(self._peers):
            peer.write(op.VOCABULARY.encode(op.Gone()))
            with contextlib.suppress(OSError):
                peer.writer.close()
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()


class _Peer:
    """One connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer, self.mode, self.console = writer, "operate", False
        sock = writer.get_extra_info("socket")
        _, self.uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        self.name = _login(self.uid)

    def claim(self, name: str, mode: str) -> None:
        """Take HELLO in; a name other than the kernel's is shown beside it."""
        # Who once said that they watch goes on watching: a second HELLO lifts nothing.
        self.mode = mode if self.mode == "operate" else self.mode
        self.console = True
        known = _login(self.uid)
        self.name = known if name in ("", known) else f"{name[:32]}({known})"

    def write(self, line: bytes) -> None:
        """Send, unless the peer does not read: then it is dropped."""
        if self.writer.is_closing():
            return
        if self.writer.transport.get_write_buffer_size() > OUTBOX:
            self.writer.transport.abort()
            return
        with contextlib.suppress(OSError):
            self.writer.write(line)


def _login(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
