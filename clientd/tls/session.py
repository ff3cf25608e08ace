"""One connection of a server: handshake, whether it is our server, and then an amandad behind it.

Promises that whoever is not our server gets nothing but TLS's own alert or one refusing line, within a bounded time, and that
amandad is started only after that.  This process stays between the two as `relay`; amandad is its child.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from clientd.access import Access, read_access
from clientd.pipes import enlarge
from clientd.settings import Settings
from clientd.tls.identity import identity_in
from clientd.tls.relay import relay
from core.errors import TaperoomError
from core.wire.peers import greeting
from core.wire.sealed import SealedStream, handshake, trouble_of

HANDSHAKE = 20.0
"""Seconds from the connection to the end of the handshake."""
Say = Callable[[str], None]


def serve(plain: socket.socket, settings: Settings, say: Say, checked: Callable[[], None] = lambda: None) -> int:
    """Serve one connected server until it leaves; the exit status.  ``checked`` is called when it is known to be ours."""
    address = address_of(plain)
    peer = f"the server at {address}"
    try:
        identity = identity_in(settings.tls)
    except TaperoomError as fault:
        say(f"{fault.code} {fault.message}; {peer} is refused")
        plain.close()
        return 1
    try:
        sealed = handshake(plain, identity.context, HANDSHAKE, listens=True)
    except TimeoutError:
        say(f"CLT049 {peer} did not end the TLS handshake within {HANDSHAKE:.3g} s")
        return 1
    except (OSError, ValueError) as fault:
        trouble = trouble_of(fault, peer)
        say(f"{trouble.code} {trouble.text}")
        return 1
    with sealed:
        refused = identity.refuses(sealed, peer)
        with contextlib.suppress(OSError):
            sealed.settimeout(HANDSHAKE)
            sealed.sendall(greeting(f"{refused.code} {refused.text}" if refused else ""))
        if refused is not None:
            say(f"{refused.code} {refused.text}")
            return 1
        checked()
        return _amandad_behind(SealedStream(sealed), settings, address)


def inetd(settings: Settings) -> int:
    """Serve the connection that inetd or a systemd socket with Accept=yes gave us as stdin; the exit status."""
    try:
        plain = socket.socket(fileno=os.dup(0))
        plain.getpeername()
    except OSError:
        print("amandad: -auth=tls needs a connection as stdin, from inetd or a systemd socket; "
              "'clientd listen' listens by itself", file=sys.stderr)
        return 2
    say: Say = _say_on_stderr
    nothing, mine = os.open(os.devnull, os.O_RDWR), os.fstat(0)
    for number in (2, 1, 0):
        # Not a word that was meant for a log may get onto the connection.
        found = os.fstat(number)
        if (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino):
            os.dup2(nothing, number)
            if number == 2:
                say = _say_to_syslog
    os.close(nothing)
    return serve(plain, settings, say)


def address_of(plain: socket.socket) -> str:
    """The address of whoever is connected; empty when it has left already."""
    try:
        found = plain.getpeername()
    except OSError:
        return ""
    return str(found[0]) if isinstance(found, tuple) else "local"


def _amandad_behind(stream: SealedStream, settings: Settings, address: str) -> int:
    heard, inward = os.pipe()
    outward, wire = os.pipe()
    for pipe in (inward, wire):
        enlarge(pipe)
    sys.stderr.flush()
    child = os.fork()
    if not child:
        status = 1
        try:
            for descriptor in (stream.fileno(), inward, outward):
                os.close(descriptor)
            os.dup2(heard, 0)
            os.close(heard)
            os.dup2(2, 1)
            status = _amandad(wire, settings, address)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(heard)
    os.close(wire)
    relay(stream, inward, outward)
    stream.close()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _amandad(wire: int, settings: Settings, address: str) -> int:
    from clientd.amandad import Daemon

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    access: Access | TaperoomError
    try:
        access = read_access(Path(settings.access))
    except TaperoomError as fault:
        access = fault
    return Daemon(0, wire, settings, access, address).run()


def _say_on_stderr(text: str) -> None:
    print(f"taperoom-clientd: {text}", file=sys.stderr, flush=True)


def _say_to_syslog(text: str) -> None:
    import syslog  # only here: stderr is the connection

    syslog.openlog("taperoom-clientd", syslog.LOG_PID, syslog.LOG_DAEMON)
    syslog.syslog(syslog.LOG_WARNING, text)
