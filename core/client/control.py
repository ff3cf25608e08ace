"""One order to a live run over its control socket, for commands; `core.client.session` is a console's connection.

Every call has a deadline; a run that is over, or whose driver does not answer, gives `Gone`.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import time
from collections.abc import Iterator

from core.client.runs import Run
from core.errors import BadLine
from core.protocol import operator as op
from core.protocol.conversation import Lines

DEADLINE = 5.0
"""Seconds that a driver has to answer an order."""


def whoami() -> str:
    """The name an order is given under: the login name, or the uid where there is none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


@contextlib.contextmanager
def address(run: Run) -> Iterator[str]:
    """The socket's name while it is connected to: by way of its directory, since a socket address is at most 107 bytes."""
    directory = os.open(run.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{run.control.name}"
    finally:
        os.close(directory)


def order(run: Run, said: op.Said, *, name: str = "", mode: str = "operate") -> op.Ok | op.Refused | op.Gone:
    """Say one thing to the driver and return its answer; `Gone` when nobody listens or answers within `DEADLINE`."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(DEADLINE)
            with address(run) as path:
                sock.connect(path)
            sock.sendall(op.VOCABULARY.encode(op.Hello(name or whoami(), mode)) + op.VOCABULARY.encode(said))
            return _answer(sock, skip=1)
    except (OSError, BadLine):
        return op.Gone()


def _answer(sock: socket.socket, skip: int) -> op.Ok | op.Refused | op.Gone:
    lines, deadline = Lines(), time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        data = sock.recv(65536)
        if not data:
            break
        for line in lines.feed(data):
            match op.VOCABULARY.decode(line):
                case (op.Ok() | op.Refused() | op.Gone()) as reply:
                    if skip == 0 or isinstance(reply, op.Gone | op.Refused):
                        return reply
                    skip -= 1
    return op.Gone()
