"""Stands between a server and a client that talk Amanda's protocol, passes every frame on and spoils one.

    spoiler.py WORD FAULT LOG -- COMMAND…     between our stdin and stdout and those of a command (auth local, ssh)
    spoiler.py WORD FAULT LOG --tcp COMMAND…  between a socket that is our stdin and a command that gets one, as by inetd

WORD is who says what: ``server sendbackup REQ``, ``client noop close``, ``client DATA 1``, ``client INDEX end``,
``client MESG info`` (the frame with the end of the information), ``client MESG last`` (the one with the last line).  FAULT is
one of `FAULTS`.  LOG gets ``child`` and its number at first, ``hit`` when it happened, and at last ``ended`` when the command
has ended by itself, ``left`` when it had to be killed.

It needs Python alone and shares no code with what it tests.  Blocking, one thread.
"""

from __future__ import annotations

import os
import random
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

FAULTS = ("dropped", "doubled", "swapped", "late", "cut", "garbled", "stuck", "server killed", "client killed",
          "client reset", "nak", "prep", "large", "too large", "strange features", "no features")
"""dropped · doubled · swapped with the sender's next frame · late: after 11 seconds, when it was asked for again · cut: half of
it, then the end · garbled: the second half of it · stuck: its sender says nothing any more · killed: with SIGKILL, the sender
in mid-word, the receiver without having read it · reset: the client killed, and its system resets the connection, as it does
when something was not read · nak, prep: another packet instead or before · large: one frame of 4 MiB · too large: the head of
one that is a byte longer · features: bits that nobody knows, or none."""
LATE = 11.0
SWAP_WAIT = 1.0
PATIENCE = 20.0
LARGE = 4 * 1024 * 1024
HEADER = struct.Struct(">II")
KINDS = ("REQ", "REP", "PREP", "ACK", "NAK")
MOST_HANDLE = 1000
"""Handles of exchanges are below; those of streams are far above."""


class End:
    """One of both: where its bytes come from, where those for it go (a socket is both), what it has said."""

    def __init__(self, name: str, reader: int, writer: int) -> None:
        self.name, self.reader, self.writer = name, reader, writer
        self.by_tcp = reader == writer
        self.data = bytearray()
        self.open = True
        self.said: Counter[str] = Counter()


class Spoiler:
    """Both ends and the fault."""

    def __init__(self, word: str, fault: str, log: str, server: End, client: End, child: subprocess.Popen[bytes]) -> None:
        self.word, self.fault, self.log = word, fault, log
        self.server, self.client, self.child = server, client, child
        self.services: dict[int, str] = {}
        self.streams: dict[int, str] = {}
        self.hit = self.over = False
        self.stuck: End | None = None
        self.held: list[tuple[float, End, bytes]] = []
        self.swapping = False
        self.large = bytearray()
        self.until = float("inf")

    def tell(self, text: str) -> None:
        with open(self.log, "a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    def other(self, end: End) -> End:
        return self.client if end is self.server else self.server

    def run(self) -> None:
        """Until an end has left."""
        self.tell(f"child {self.child.pid}")
        while not self.over and time.monotonic() < self.until:
            poll = select.poll()
            for end in (self.server, self.client):
                if end.open:
                    poll.register(end.reader, select.POLLIN)
            due = min([self.until, *(at for at, _, _ in self.held)])
            wait = None if due == float("inf") else max(0.0, due - time.monotonic()) * 1000 + 1
            ready = {fd for fd, _ in poll.poll(wait)}
            for at, end, data in list(self.held):
                if at <= time.monotonic():
                    self.held.remove((at, end, data))
                    self.pass_on(end, data)
            for end in (self.server, self.client):
                if end.reader in ready and not self.over:
                    self.hear(end)
        self.finish()

    def hear(self, end: End) -> None:
        if end is self.client and self.server.by_tcp:
            # What the client says to a server that has left ends in a reset, and that takes back what the server said last.
            self.attend(0)
        try:
            data = os.read(end.reader, 1 << 20)
        except OSError:
            data = b""
        if not data:
            if end is self.client and self.server.by_tcp:
                self.attend(SWAP_WAIT)  # it may be about to say its last words
            end.open = False
            self.over = end is self.client or not self.client.open
            self.leave(end)
            return
        end.data += data
        while len(end.data) >= HEADER.size and not self.over:
            size, handle = HEADER.unpack_from(end.data)
            whole = HEADER.size + size
            if len(end.data) < whole:
                return
            frame = bytes(end.data[:whole])
            del end.data[:whole]
            self.frame(end, handle, frame)

    def attend(self, seconds: float) -> None:
        """Hear what the server says until it is silent for so long."""
        while self.server.open and not self.over and select.select([self.server.reader], [], [], seconds)[0]:
            self.hear(self.server)

    def leave(self, end: End) -> None:
        """What was held back goes first, then the other end hears that this one has left."""
        for at, sender, data in list(self.held):
            if sender is end:
                self.held.remove((at, sender, data))
                self.pass_on(end, data)
        if self.large and end is self.client:
            self.send_large()
        if end is self.server:
            self.until = time.monotonic() + PATIENCE
        if end is self.server and not self.client.by_tcp:
            os.close(self.client.writer)
        elif end is self.server:
            with suppress(OSError), socket.socket(fileno=os.dup(self.client.writer)) as client:
                client.shutdown(socket.SHUT_WR)

    def frame(self, end: End, handle: int, frame: bytes) -> None:
        words = self.words(end, handle, frame[HEADER.size:])
        if self.stuck is end:
            return
        if self.fault == "large" and self.hit and self.streams.get(handle) == "DATA":
            self.gather(frame)
            return
        if not self.hit and self.word in words:
            self.hit = True
            self.tell("hit")
            self.spoil(end, handle, frame)
            return
        self.pass_on(end, frame)
        if self.swapping and any(sender is end for _, sender, _ in self.held):
            self.swapping = False
            _, _, data = self.held.pop()
            self.pass_on(end, data)

    def words(self, end: End, handle: int, body: bytes) -> set[str]:
        """The names of a frame; learns from it what the next ones are called."""
        if handle < MOST_HANDLE:
            kind = KINDS[body[0]] if body and body[0] < len(KINDS) else "close" if not body else "?"
            text = body[1:].decode("utf-8", "replace")
            if kind == "REQ" and (found := re.search(r"^SERVICE (\w+)$", text, re.MULTILINE)):
                self.services[handle] = found[1]
            if kind == "REP" and (found := re.search(r"^CONNECT (.*)$", text, re.MULTILINE)):
                names = found[1].split()
                self.streams |= {int(number): name for name, number in zip(names[::2], names[1::2], strict=False)}
            return {f"{end.name} {self.services.get(handle, '?')} {kind}"}
        name = f"{end.name} {self.streams.get(handle, '?')}"
        if not body:
            return {f"{name} end"}
        end.said[name] += 1
        found_words = {f"{name} {end.said[name]}"}
        if b"sendbackup: info end\n" in body:
            found_words.add(f"{name} info")
        if b"sendbackup: end\n" in body:
            found_words.add(f"{name} last")
        return found_words

    def spoil(self, end: End, handle: int, frame: bytes) -> None:
        body = frame[HEADER.size:]
        match self.fault:
            case "dropped":
                pass
            case "doubled":
                self.pass_on(end, frame + frame)
            case "swapped":
                self.swapping = True
                self.held.append((time.monotonic() + SWAP_WAIT, end, frame))
            case "late":
                self.held.append((time.monotonic() + LATE, end, frame))
            case "cut":
                self.pass_on(end, frame[:max(1, len(frame) // 2)])
                self.over = True
            case "garbled":
                half = HEADER.size + (len(body) + 1) // 2 if body else 0
                self.pass_on(end, frame[:half] + bytes(byte ^ 0xFF for byte in frame[half:]))
            case "stuck":
                self.stuck = end
            case "server killed" | "client killed" | "client reset":
                if self.fault.startswith(end.name):
                    self.pass_on(end, frame[:max(1, len(frame) // 2)])
                self.kill(self.fault.split()[0])
            case "nak":
                self.pass_on(end, packet(handle, 4, "ERROR [this client refuses]\n"))
                self.stuck = end
            case "prep":
                self.pass_on(end, packet(handle, 2, body[1:].rstrip(b"\0").decode("utf-8", "replace")) + frame)
            case "large":
                self.gather(frame)
            case "too large":
                self.pass_on(end, HEADER.pack(LARGE + 1, handle))
            case "strange features":
                self.pass_on(end, repacked(handle, body, re.sub(rb"features=([0-9a-f]*);", rb"features=\1" + b"ff" * 40 + b";",
                                                                body)))
            case "no features":
                self.pass_on(end, repacked(handle, body, re.sub(rb"features=[0-9a-f]*;", b"", body)))

    def gather(self, frame: bytes) -> None:
        """Collect the client's DATA for one large frame."""
        size, handle = HEADER.unpack_from(frame)
        self.large += frame[HEADER.size:]
        if len(self.large) >= LARGE or not size:
            self.send_large(handle)
        if not size:
            self.pass_on(self.client, frame)

    def send_large(self, handle: int = 0) -> None:
        handle = handle or next(number for number, name in self.streams.items() if name == "DATA")
        while self.large:
            data, self.large = self.large[:LARGE], self.large[LARGE:]
            self.pass_on(self.client, HEADER.pack(len(data), handle) + data)

    def pass_on(self, end: End, data: bytes) -> None:
        view, to = memoryview(data), self.other(end)
        with suppress(OSError):
            while view:
                view = view[os.write(to.writer, view):]

    def kill(self, who: str) -> None:
        self.over = True
        if who == "client":
            with suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)
            return
        for pid in holders(self.server.reader) if self.server.by_tcp else [os.getppid()]:
            os.kill(pid, signal.SIGKILL)

    def finish(self) -> None:
        """Both ends hear that it is over; the command has a while to end by itself."""
        if self.server.by_tcp and self.fault == "client reset":
            reset(self.server.reader)
        elif self.server.by_tcp and self.fault != "server killed":
            linger(self.server.reader)
        for fd in {self.server.writer, self.server.reader}:
            os.close(fd)
        for fd in {self.client.writer, self.client.reader}:
            with suppress(OSError):  # closed already when the server had left
                os.close(fd)
        try:
            self.child.wait(PATIENCE)
            self.tell("ended")
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)
            self.tell("left")


def packet(handle: int, kind: int, text: str) -> bytes:
    """A packet as a frame."""
    body = bytes([kind]) + text.encode() + b"\0"
    return HEADER.pack(len(body), handle) + body


def repacked(handle: int, before: bytes, after: bytes) -> bytes:
    """The changed body as a frame."""
    assert before != after, before
    return HEADER.pack(len(after), handle) + after


def holders(descriptor: int) -> set[int]:
    """The processes that hold the other end of a connection on this machine."""
    with socket.socket(fileno=os.dup(descriptor)) as ours:
        here, there = (f":{address[1]:04X}" for address in (ours.getsockname(), ours.getpeername()))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    wanted = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(there) and row[2].endswith(here)}
    found = set()
    for file in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # it has ended, or closed that one
            if os.readlink(file) in wanted:
                found.add(int(file.parts[2]))
    return found


def linger(descriptor: int) -> None:
    """End a connection without a reset: what the other end says still is read."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as ours:
        ours.shutdown(socket.SHUT_WR)
        ours.settimeout(SWAP_WAIT)
        while ours.recv(1 << 16):
            pass


def reset(descriptor: int) -> None:
    """Let the end of a connection be a reset."""
    with socket.socket(fileno=os.dup(descriptor)) as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def connected() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection on this machine; the first one is on a port of root's, as a server's is."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for ours in random.sample(range(600, 1000), 400):
            made = socket.socket()
            try:
                made.bind(("127.0.0.1", ours))
                made.connect(listener.getsockname())
            except OSError:
                made.close()
            else:
                return made, listener.accept()[0]
    raise OSError("no reserved port is free")


def started(how: str, command: list[str]) -> tuple[subprocess.Popen[bytes], End]:
    """The command, and the client's end of what it talks on."""
    if how == "--tcp":
        near, far = connected()
        with far:
            child = subprocess.Popen(command, stdin=far, stdout=far, stderr=far, start_new_session=True)
        fd = near.detach()
        return child, End("client", fd, fd)
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, bufsize=0)
    assert child.stdin is not None and child.stdout is not None
    client = End("client", os.dup(child.stdout.fileno()), os.dup(child.stdin.fileno()))
    child.stdout.close()
    child.stdin.close()
    return child, client


def main() -> None:
    """See above."""
    word, fault, log, how, *command = sys.argv[1:]
    assert fault in FAULTS or not fault, fault
    child, client = started(how, command)
    Spoiler(word, fault, log, End("server", 0, 0 if how == "--tcp" else 1), client, child).run()


if __name__ == "__main__":
    main()
