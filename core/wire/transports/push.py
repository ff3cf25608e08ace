"""The transport ``ssh`` to a host that has nothing of ours: the client itself goes over the connection, and runs there.

One ssh does all: sh looks for a Python that is new enough, Python runs `clientd.arrival`, which asks for the copy if the host
has none of this checksum, and becomes amandad.  Promises that nothing a configuration names becomes part of what the host's
shell reads, and that each thing that is missing there becomes one clear PeerError.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import time

from core.errors import PeerError, WorldError
from core.model.disk import Host
from core.wire.transports.agent import Agent, agent
from core.wire.transports.child import Child
from core.wire.transports.ssh import command, explain
from core.wire.words import clean

ONCE = "once"
"""``push`` of a host on which nothing is to stay."""
_SCRIPT = (
    "f=; for p in python3 python3.14 python3.13 python3.12 python3.11; do command -v $p >/dev/null 2>&1 || continue; "
    'f=${f:-$p}; $p -I -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && exec $p -I -c "$1" "$2" "$3" "$4"; '
    'done; if [ -n "$f" ]; then echo "taperoom-push: old-python $($f -V 2>&1)" >&2; '
    'else echo "taperoom-push: no-python" >&2; fi; exit 3'
)
"""For sh, all on one line and without single quotes: csh and fish have to hand it over, too."""
_SAID = re.compile(r"^taperoom-push: (\S+) ?(.*)$", re.MULTILINE)
_LINE = b"taperoom-push: "
_LONGEST = 4096

# What the other end says, which code that is, our words for it, and whether it may be well later.
_FAULTS: dict[str, tuple[str, str, bool]] = {
    "no-python": ("CLT060", "there is no Python on {name}", False),
    "old-python": ("CLT061", "{name} has {said}, and the client needs Python 3.11 or newer", False),
    "no-room": ("CLT062", "there is no room for the client on {name}: {said}", True),
    "no-permission": ("CLT063", "the client may not be put onto {name}: {said}", False),
    "unsafe": ("CLT063", "the client is not put into {said} on {name}: it belongs to another user, or others may write there",
               False),
    "damaged": ("CLT064", "the client did not arrive whole on {name}: {said}", True),
    "cannot": ("CLT063", "the client cannot be put onto {name}: {said}", False),
}


class PushLink:
    """A running ssh, at whose other end our client of this very version runs."""

    def __init__(self, host: Host) -> None:
        """Start it.  PeerError: CLT007 no ssh here, CLT002 silent, CLT060–CLT065 the client cannot be brought there, and as
        `core.wire.transports.ssh.explain`."""
        try:
            client = agent()
        except WorldError as fault:
            raise PeerError(fault.code, fault.message, try_later=False) from None
        self._host = host
        self._child = Child(command(host, remote(client, host.push)))
        self.reader = self._child.reader
        self.writer = self._child.writer
        try:
            self._arrive(client)
        except BaseException:
            self._child.close()
            raise

    def lost(self, host: Host) -> PeerError:
        """Why the connection ended: what the other end says on stderr tells."""
        status, text = self._child.ended()
        for word, said in _SAID.findall(text):
            if word in _FAULTS:
                return self._fault(word, said)
        return explain(host, status, text)

    def close(self) -> None:
        """End ssh; the client sees the end of its input."""
        self._child.close()

    def _arrive(self, client: Agent) -> None:
        if (word := self._line()) == "send":
            self._send(client.packed)
            word = self._line()
        if word != "ready":
            name, _, said = word.partition(" ")
            raise self._fault(name, said) if name in _FAULTS else self._nonsense(word)

    def _fault(self, word: str, said: str) -> PeerError:
        code, sentence, try_later = _FAULTS[word]
        return PeerError(code, sentence.format(name=self._host.name, said=clean(said, 300)), try_later=try_later)

    def _line(self) -> str:
        """The next word of the other end."""
        deadline, heard = time.monotonic() + self._host.connect_timeout, bytearray()
        while not heard.endswith(b"\n"):
            self._wait(select.POLLIN, deadline)
            if not (data := os.read(self.reader, _LONGEST)):
                # A login that only talks, and ends: what it says is what is wrong.
                raise self._nonsense(heard.decode("utf-8", "replace")) if heard else self.lost(self._host)
            heard += data
            if not _LINE.startswith(heard[:len(_LINE)]) or len(heard) > _LONGEST:
                raise self._nonsense(heard.decode("utf-8", "replace"))
        return heard[len(_LINE):-1].decode("utf-8", "replace")

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._wait(select.POLLOUT, time.monotonic() + self._host.connect_timeout)
            try:
                view = view[os.write(self.writer, view):]
            except BlockingIOError:
                continue
            except OSError:
                raise self.lost(self._host) from None

    def _wait(self, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(self.reader if event == select.POLLIN else self.writer, event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise PeerError("CLT002", f"{self._host.name} did not take the client within "
                            f"{self._host.connect_timeout:.3g} s")

    def _nonsense(self, said: str) -> PeerError:
        said = said.strip().partition("\n")[0]  # what follows may be the client itself, or has not come yet
        return PeerError("CLT003", f'{self._host.name} talks nonsense: it says "{clean(said, 100).strip()}"')


def remote(client: Agent, push: str) -> str:
    """What the host's shell is told."""
    manner = ONCE if push == ONCE else "keep"
    return shlex.join(["sh", "-c", _SCRIPT, "sh", client.arrival, client.checksum, str(len(client.packed)), manner])
