"""A directory of a client that files are restored to: `core.landing` works there, and is told over the client's own transport.

The client's amandad runs it as its service ``restore``, which its access file has to permit.  Only the members that are chosen
go over the network.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core.errors import PeerError, ProtocolError, TaperoomError, UsageError
from core.landing.item import Item, Placed, There
from core.landing.state import Look
from core.model.disk import Host
from core.wire import restoring
from core.wire.features import PUTS_BACK, SERVER
from core.wire.restoring import Kind
from core.wire.services import restore_request
from core.wire.transports import Connection, connect

_LAST_WORD = 30.0
"""Seconds that the last word of a client is waited for."""
_LOOK_EVERY = 4 * 1024 * 1024
"""Bytes that are sent between two looks whether the client has given up."""


class Away:
    """See `core.landing.item.Landing`; also PeerError, and UsageError RST036 when the client takes no restores."""

    tars = 1

    def __init__(self, host: Host, auth: str, to: Path, items: Sequence[Item], identity: str) -> None:
        self._host, self._auth, self._to, self._items, self._identity = host, auth, to, items, identity
        self._connection: Connection | None = None
        self._mesg = -1
        self._replies = restoring.Replies()
        self._gone = self._torn = False
        self._patience = host.data_timeout

    def _open(self) -> Connection:
        if self._connection is not None:
            return self._connection
        connection = connect(self._host, self._auth)
        try:
            if not connection.features.has(PUTS_BACK):
                raise UsageError("RST036", f"the amandad of {self._host.name} does not know how to restore",
                                 "install taperoom-clientd there, or restore to a directory here")
            try:
                handles = connection.streams("restore", restore_request(SERVER, ""), self._host.connect_timeout)
            except PeerError as fault:
                if fault.code not in ("CLT004", "CLT026"):
                    raise
                raise UsageError("RST036", f"{self._host.name} does not permit restores: {fault.message}",
                                 "its access file has to name the service restore, and targets") from fault
            self._mesg = handles["MESG"]
            self._connection = connection
            self._send(restoring.message(Kind.BEGIN, {"to": str(self._to), "identity": self._identity}))
            for message in restoring.item_messages(self._items):
                self._send(message)
        except BaseException:
            self._connection = None
            connection.close()
            raise
        return connection

    def look(self, fresh: bool) -> There:
        """See `Landing`."""
        self._open()
        return restoring.there_of(self._ask(Kind.LOOK, {"fresh": fresh}), self._items)

    def begin(self, overwrite: bool, fresh: bool) -> None:
        """See `Landing`."""
        self._ask(Kind.TAKE, {"overwrite": overwrite, "fresh": fresh})

    def writer(self, dump: int, part: str) -> _Writer:
        """See `Landing`."""
        self._gone = False
        self._ask(Kind.WRITER, {"dump": dump, "part": part})
        return _Writer(self)

    def clear(self, dump: int, part: str) -> None:
        """See `Landing`."""
        self._ask(Kind.CLEAR, {"dump": dump, "part": part})

    def dress(self, dump: int) -> None:
        """See `Landing`."""
        self._ask(Kind.DRESS, {"dump": dump})

    def seen(self, dump: int, source: bytes, look: Look) -> None:
        """See `Landing`."""
        self._send(restoring.message(Kind.PROVED, restoring.seen(dump, source, look)))

    def proved(self, dump: int, size: int) -> None:
        """See `Landing`."""
        self._send(restoring.message(Kind.PROVED, {"dump": dump, "size": size}))

    def land(self, dump: int, linked: set[bytes], links: dict[bytes, bytes]) -> list[bytes]:
        """See `Landing`."""
        plain = {"dump": dump, "linked": restoring.texts(linked),
                 "links": dict(zip(restoring.texts(list(links)), restoring.texts(list(links.values())), strict=True))}
        return self._names(self._ask(Kind.LAND, plain).get("missing"))

    def _names(self, plain: Any) -> list[bytes]:
        try:
            return restoring.names(plain)
        except ProtocolError as fault:
            raise self._nonsense(fault) from None

    def finish(self) -> Placed:
        """See `Landing`."""
        return self._placed(Kind.FINISH)

    def pause(self) -> Placed:
        """See `Landing`."""
        return self._placed(Kind.PAUSE)

    def _placed(self, kind: Kind) -> Placed:
        try:
            return restoring.placed_of(self._ask(kind))
        except ProtocolError as fault:
            raise self._nonsense(fault) from None

    def leave(self) -> bool:
        """See `Landing`.  A client that cannot be asked any more keeps what it has."""
        if self._connection is None:
            return False
        self._patience = min(_LAST_WORD, self._patience)
        try:
            if self._torn:
                raise PeerError("CLT001", "the last message was not sent to its end")
            self.kill()
            return bool(self._ask(Kind.LEAVE).get("stays"))
        except TaperoomError:
            connection, self._connection = self._connection, None
            connection.close()
            return True

    def close(self) -> None:
        """See `Landing`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._patience = min(_LAST_WORD, self._patience)
            with contextlib.suppress(PeerError):
                connection.end_data()
                # Its end tells that the service is through with what it was told last.
                self._connection = connection
                self._reply(until_end=True)
            self._connection = None
            connection.close()

    def end(self) -> list[str]:
        """All that is for tar was sent; what tar said."""
        words = self._ask(Kind.END).get("words")
        return [str(word) for word in words] if isinstance(words, list) else []

    def data(self, piece: memoryview | bytes) -> None:
        """Send bytes for tar.  BrokenPipeError when the client's tar has given up."""
        self._send(restoring.data_head(len(piece)))
        self._send(piece)

    def look_out(self) -> None:
        """BrokenPipeError when the client's tar has given up."""
        connection = self._connection
        if connection is not None and not self._gone and connection.wait(0.0):
            self._receive(connection)
            self._gone = bool((self._next() or {}).get("gone"))
        if self._gone:
            raise BrokenPipeError

    def kill(self) -> None:
        """End the client's tar."""
        self._send(restoring.message(Kind.KILL))

    def _send(self, data: memoryview | bytes) -> None:
        if self._connection is None:
            raise PeerError("CLT001", f"the connection to {self._host.name} is closed")
        self._torn = True
        with self._lost():
            self._connection.send(data, self._patience)
        self._torn = False

    @contextlib.contextmanager
    def _lost(self) -> Iterator[None]:
        """A client that goes away, or falls silent, is told of with what becomes of the restore."""
        try:
            yield
        except PeerError as fault:
            if fault.code in ("CLT001", "CLT002") and not fault.hint:
                fault.hint = (f"nothing that was half written there counts; see to {self._host.name}, then give the same"
                              " command again: it goes on with what is missing")
            raise

    def _ask(self, kind: Kind, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a message; a fault of the client is raised."""
        self._send(restoring.message(kind, body))
        found = self._reply()
        try:
            fault = restoring.fault_of(found)
        except ProtocolError as broken:
            raise self._nonsense(broken) from None
        if fault is not None:
            if fault.code == "CLT026":
                raise UsageError("RST036", f"{self._host.name}: {fault.message}",
                                 "its access file has to name this directory among its targets")
            raise type(fault)(fault.code, f"{self._host.name}: {fault.message}", fault.hint)
        return found

    def _reply(self, until_end: bool = False) -> dict[str, Any]:
        connection = self._connection
        if connection is None:
            raise PeerError("CLT001", f"the connection to {self._host.name} is closed")
        while True:
            found = self._next()
            if found is not None and not found.get("gone"):
                return found
            with self._lost():
                if not connection.wait(self._patience):
                    raise PeerError("CLT002", f"{self._host.name} did not answer within {self._patience:.3g} s")
            if not self._receive(connection) and until_end:
                return {}

    def _receive(self, connection: Connection) -> bool:
        """Read once; False when the client has ended its stream."""
        ended = False

        def sink(handle: int, piece: memoryview) -> None:
            nonlocal ended
            if handle == self._mesg:
                if piece:
                    self._replies.feed(piece)
                else:
                    ended = True

        with self._lost():
            connection.receive(sink)
        return not ended

    def _next(self) -> dict[str, Any] | None:
        try:
            return self._replies.next()
        except ProtocolError as fault:
            raise self._nonsense(fault) from None

    def _nonsense(self, fault: ProtocolError) -> PeerError:
        return PeerError("CLT003", f"{self._host.name} talks nonsense: {fault}")


class _Writer:
    """See `core.landing.item.Writer`: the tar is the client's."""

    def __init__(self, away: Away) -> None:
        self._away: Away | None = away
        self._sent = 0
        self._held: list[bytes] = []
        self._size = 0

    def write(self, piece: memoryview | bytes) -> None:
        """See `Writer`; small pieces go together."""
        assert self._away is not None
        self._held.append(bytes(piece))
        self._size += len(piece)
        if self._size >= 1 << 17:
            self._flush(self._away)

    def _flush(self, away: Away) -> None:
        self._sent += self._size
        if self._held:
            away.data(b"".join(self._held))
        self._held, self._size = [], 0
        if self._sent >= _LOOK_EVERY:
            self._sent = 0
            away.look_out()

    def finish(self) -> list[str]:
        """See `Writer`."""
        away, self._away = self._away, None
        assert away is not None
        self._flush(away)
        return away.end()

    def kill(self) -> None:
        """See `Writer`."""
        away, self._away = self._away, None
        if away is not None:
            with contextlib.suppress(PeerError):
                away.kill()
