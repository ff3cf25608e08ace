"""All clients are asked for their estimates at once: a thread and one request each, so a dead one costs one timeout.

What they say comes out of one queue, so that only the caller's thread speaks.  Promises that each request ends with
`Finished`, whatever the client does: silence, garbage, a size that nobody asked for.  Does not know what is planned
from it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from core.errors import PeerError, ProtocolError
from core.model.disk import Disk, Host
from core.planning.sizing import Answer
from core.wire.features import SERVER, Features
from core.wire.services import Estimates, parse_sendsize, sendsize_request
from core.wire.transports import Connection, connect

AT_ONCE = 200
"""Clients that are asked at the same time: three file descriptors each, of 1024."""
STACK = 512 * 1024
"""Bytes of a thread's stack; these threads only wait."""
MAX_TIMEOUT = 7200.0
"""Seconds that a client has at most for its estimates, unless its configuration gives more for a single one."""
MAX_KIB = 1 << 43

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: disks of one client over one transport, each with the levels to estimate."""

    host: Host
    auth: str
    disks: tuple[tuple[Disk, tuple[int, ...]], ...]

    @property
    def timeout(self) -> float:
        """Seconds that the client has: its estimate_timeout for each level of each disk, within bounds."""
        single = self.host.estimate_timeout
        return max(single, min(MAX_TIMEOUT, single * sum(len(levels) for _, levels in self.disks)))


@dataclass(frozen=True, slots=True)
class Began:
    """This client is being asked."""

    host: str


@dataclass(frozen=True, slots=True)
class Sized:
    """A size came, KiB."""

    key: Key
    level: int
    size: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A disk has no size, or a whole client has none: then it is its first disk."""

    key: Key
    message: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something for the log."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """This request is over; an answer for each of its disks."""

    answers: dict[Key, Answer]


Heard = Began | Sized | Missing | Remark | Finished
Connector = Callable[[Host, str], Connection]


def asks_of(disks: Iterable[tuple[Disk, tuple[int, ...]]]) -> list[Ask]:
    """One request for each client and transport; disks without levels are left out."""
    groups: dict[tuple[Host, str], list[tuple[Disk, tuple[int, ...]]]] = {}
    for disk, levels in disks:
        if levels:
            groups.setdefault((disk.host, disk.dumptype.auth), []).append((disk, levels))
    return [Ask(host, auth, tuple(group)) for (host, auth), group in groups.items()]


@dataclass(slots=True)
class Survey:
    """The asking of many clients; iterate over it, then `tidy`."""

    config: str
    datestamp: str
    connector: Connector = connect
    _heard: queue.SimpleQueue[Heard] = field(default_factory=queue.SimpleQueue)
    _threads: list[threading.Thread] = field(default_factory=list)

    def ask(self, asks: Sequence[Ask]) -> Iterator[Heard]:
        """Everything that is heard, until the last client has answered or was given up."""
        gate = threading.BoundedSemaphore(AT_ONCE)
        before = threading.stack_size(STACK)
        try:
            for ask in asks:
                thread = threading.Thread(target=self._one, args=(ask, gate), name=ask.host.name, daemon=True)
                thread.start()
                self._threads.append(thread)
        finally:
            threading.stack_size(before)
        waiting = len(asks)
        while waiting:
            heard = self._heard.get()
            waiting -= isinstance(heard, Finished)
            yield heard

    def tidy(self, seconds: float = 1.0) -> None:
        """Give the connections so long, all together, to close."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _one(self, ask: Ask, gate: threading.BoundedSemaphore) -> None:
        with gate:
            hearing = _Hearing(ask, self._heard.put)
            self._heard.put(Began(ask.host.name))
            connection = None
            try:
                connection = self.connector(ask.host, ask.auth)
                hearing.features = connection.features
                self._request(connection, ask, hearing)
            except PeerError as fault:
                hearing.failed(f"{fault.code} {fault.message}")
            except Exception as fault:  # a bug must not leave the caller waiting for ever
                self._heard.put(Remark(f"asking {ask.host.name}: {fault!r}"))
                hearing.failed(f"internal error: {fault!r}")
            self._heard.put(Finished(hearing.answers()))
            if connection is not None:
                connection.close()

    def _request(self, connection: Connection, ask: Ask, hearing: _Hearing) -> None:
        body = sendsize_request(ask.disks, SERVER, connection.features, self.config, self.datestamp)
        reply = connection.request("sendsize", body, ask.timeout, hearing.partly)
        try:
            hearing.finally_(parse_sendsize(reply))
        except ProtocolError as fault:
            raise PeerError("CLT003", f"{ask.host.name} talks nonsense: {fault}") from None


class _Hearing:
    """What one client has said so far."""

    def __init__(self, ask: Ask, tell: Callable[[Heard], None]) -> None:
        self.ask = ask
        self.features: Features | None = None
        self._tell = tell
        self._levels = {disk.disk: frozenset(levels) for disk, levels in ask.disks}
        self._sizes: dict[str, dict[int, int]] = {disk.disk: {} for disk, _ in ask.disks}
        self._errors: dict[str, str] = {}
        self._host_error = ""
        self._told: set[tuple[str, int, int]] = set()

    def partly(self, reply: str) -> None:
        """A partial reply; one that cannot be read is not worth an end of everything."""
        try:
            self._take(parse_sendsize(reply))
        except ProtocolError as fault:
            self._tell(Remark(f"{self.ask.host.name}: partial estimate: {fault}"))

    def finally_(self, found: Estimates) -> None:
        """The whole reply."""
        self._take(found)
        self._host_error = "; ".join(found.host_errors[:5])
        for disk, texts in found.errors.items():
            if disk in self._sizes:
                self._errors[disk] = texts[0]
        for disk, texts in found.warnings.items():
            self._tell(Remark(f"{self.ask.host.name}:{disk}: {'; '.join(texts[:5])}"))
        if self._host_error:
            self._missing(self.ask.disks[0][0].disk, self._host_error)
        else:
            for disk, sizes in self._sizes.items():
                if not sizes:
                    self._missing(disk, self._errors.get(disk) or "the client gave no size")

    def failed(self, reason: str) -> None:
        """It could not be asked, or its answer is worth nothing; what came before stays."""
        self._host_error = reason
        self._missing(self.ask.disks[0][0].disk, reason)

    def answers(self) -> dict[Key, Answer]:
        """What is known of each disk."""
        host, reached = self.ask.host.name, self.features is not None
        features = self.features.text if self.features is not None else ""
        return {
            (host, disk): Answer(dict(sizes), self._errors.get(disk, "") or self._host_error, reached, features)
            for disk, sizes in self._sizes.items()
        }

    def _take(self, found: Estimates) -> None:
        for (disk, level), size in found.sizes.items():
            if level not in self._levels.get(disk, ()):
                if level:  # Amanda's clients may add level 0
                    self._remark_once(disk, level, -1, "was not asked for")
            elif size > MAX_KIB:
                self._remark_once(disk, level, size, f"is said to be {size} KiB, which is not credible")
            elif size > 0:
                self._sizes[disk][level] = size
                if self._once(disk, level, size):
                    self._tell(Sized((self.ask.host.name, disk), level, size))
            elif size == -2:
                self._sizes[disk].pop(level, None)

    def _once(self, disk: str, level: int, size: int) -> bool:
        new = (disk, level, size) not in self._told
        self._told.add((disk, level, size))
        return new

    def _remark_once(self, disk: str, level: int, size: int, text: str) -> None:
        if self._once(disk, level, size):
            self._tell(Remark(f"PLN009 {self.ask.host.name}:{disk} level {level} {text}"))

    def _missing(self, disk: str, message: str) -> None:
        self._tell(Missing((self.ask.host.name, disk), message))
