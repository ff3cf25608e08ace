"""The service restore: a server puts files back onto this machine.

Refused unless the client's access file has ``restore`` among its ``services`` and the directory fits one of its ``targets``,
where it really is.  What the server asks for is done by `core.landing`, as on the server itself: a real tar in a hidden room,
files moved from there, nothing outside of the target touched.  Promises that whatever goes wrong is an answer, and that an
interrupted restore can be gone on with.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clientd.services.contract import Context, by_hand
from core.errors import ProtocolError, TaperoomError, WorldError
from core.landing.item import DIRECTORIES, FILES, LINKS, Item, Writer
from core.landing.target import Target
from core.wire import restoring
from core.wire.requests import Request, connect_line, features_line
from core.wire.restoring import Kind

_READ = 1 << 18


def restore(request: Request, context: Context) -> int:
    """Serve one restore until the server has had enough."""
    if context.source < 0:
        raise WorldError("CLT025", "restore cannot be run by hand")
    if not context.access.targets:
        raise WorldError("CLT026", "the client's access file names no targets that may be restored to")
    handles = context.streams.open(["DATA", "MESG"])
    context.say(connect_line(handles))
    context.say(features_line(context.settings.features))
    context.replied()
    if not context.streams.begin():
        return 1
    serving = _Serving(context)
    try:
        serving.run()
    except ProtocolError as fault:
        print(f"restore: the server talks nonsense: {fault}", file=sys.stderr)
        return 1
    finally:
        serving.close()
    for name in ("DATA", "MESG"):
        context.streams.end(name)
    return 0


class _Serving:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._to = self._identity = ""
        self._items: list[Item] = []
        self._target: Target | None = None
        self._writer: Writer | None = None
        self._broken = False
        self._fault: TaperoomError | None = None
        self._buffer = memoryview(bytearray(_READ))
        self._answers: dict[Kind, Callable[[dict[str, Any]], dict[str, Any]]] = {
            Kind.LOOK: self._look, Kind.TAKE: self._take, Kind.WRITER: self._open, Kind.END: self._end, Kind.CLEAR: self._clear,
            Kind.DRESS: self._dress, Kind.LAND: self._land, Kind.FINISH: self._finish, Kind.PAUSE: self._pause,
            Kind.LEAVE: self._leave}

    def run(self) -> None:
        """Until the stream ends.  ProtocolError."""
        while head := self._read(restoring.HEAD):
            kind, size = restoring.head_of(head)
            if kind is Kind.DATA:
                self._data(size)
                continue
            plain = restoring.body_of(self._read(size)) if size else {}
            if kind in restoring.UNANSWERED:
                self._hear(kind, plain)
            else:
                self._say(self._answer(kind, plain))

    def close(self) -> None:
        """The server is gone, or through."""
        if self._writer is not None:
            self._writer.kill()
        if self._target is not None:
            self._target.close()

    def _answer(self, kind: Kind, plain: dict[str, Any]) -> dict[str, Any]:
        fault, self._fault = self._fault, None
        try:
            if fault is not None and kind is not Kind.LEAVE:
                raise fault
            return self._answers[kind](plain)
        except TaperoomError as found:
            return restoring.fault_reply(found)
        except (KeyError, TypeError, ValueError, OverflowError) as broken:
            raise ProtocolError(f"{kind.name}: {broken!r}") from None

    def _hear(self, kind: Kind, plain: dict[str, Any]) -> None:
        try:
            match kind:
                case Kind.BEGIN:
                    self._to, self._identity = str(plain["to"]), str(plain["identity"])
                case Kind.ITEMS:
                    self._items += restoring.items_of(plain)
                case Kind.KILL:
                    self._drop_writer()
                case _ if (seen := restoring.seen_of(plain)) is not None:
                    self._at().seen(int(plain["dump"]), *seen)
                case _:
                    self._at().proved(int(plain["dump"]), int(plain["size"]))
        except TaperoomError as fault:
            self._fault = fault  # told with the next answer
        except (KeyError, TypeError, ValueError, OverflowError) as broken:
            raise ProtocolError(f"{kind.name}: {broken!r}") from None

    def _at(self) -> Target:
        if self._target is None:
            raise ProtocolError("nothing was looked at yet")
        return self._target

    def _look(self, plain: dict[str, Any]) -> dict[str, Any]:
        place = self._context.access.target(self._to)
        self._target = Target(Path(place), self._items, self._identity, self._context.settings.tar or "tar",
                              links=False)  # what it leads to was judged: a link there now was put there since
        return restoring.there_reply(self._target.look(bool(plain["fresh"])), self._items)

    def _take(self, plain: dict[str, Any]) -> dict[str, Any]:
        self._at().begin(bool(plain["overwrite"]), bool(plain["fresh"]))
        return {}

    def _open(self, plain: dict[str, Any]) -> dict[str, Any]:
        self._drop_writer()
        self._broken = False
        self._writer = self._at().writer(int(plain["dump"]), _part(plain))
        return {}

    def _data(self, size: int) -> None:
        """Bytes for tar; when it has given up the server is told at once, and what still comes is passed over."""
        while size:
            got = os.readv(self._context.source, [self._buffer[:min(size, len(self._buffer))]])
            if not got:
                raise ProtocolError("the stream ends in the middle of a message")
            size -= got
            if self._writer is None:
                raise ProtocolError("data, and no tar to take them")
            if not self._broken:
                try:
                    self._writer.write(self._buffer[:got])
                except BrokenPipeError:
                    self._broken = True
                    self._say({"gone": True})

    def _end(self, plain: dict[str, Any]) -> dict[str, Any]:
        if self._writer is None:
            raise ProtocolError("no tar is at work")
        writer, self._writer = self._writer, None
        try:
            return {"words": writer.finish()}
        finally:
            writer.kill()

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.kill()
            self._writer = None

    def _clear(self, plain: dict[str, Any]) -> dict[str, Any]:
        self._at().clear(int(plain["dump"]), _part(plain))
        return {}

    def _dress(self, plain: dict[str, Any]) -> dict[str, Any]:
        self._at().dress(int(plain["dump"]))
        return {}

    def _land(self, plain: dict[str, Any]) -> dict[str, Any]:
        links = dict(zip(restoring.names(list(plain["links"])), restoring.names(list(plain["links"].values())), strict=True))
        missing = self._at().land(int(plain["dump"]), set(restoring.names(plain["linked"])), links)
        return {"missing": restoring.texts(missing)}

    def _finish(self, plain: dict[str, Any]) -> dict[str, Any]:
        return restoring.placed_reply(self._at().finish())

    def _pause(self, plain: dict[str, Any]) -> dict[str, Any]:
        return restoring.placed_reply(self._at().pause())

    def _leave(self, plain: dict[str, Any]) -> dict[str, Any]:
        self._drop_writer()
        return {"stays": self._target.leave() if self._target is not None else False}

    def _say(self, plain: dict[str, Any]) -> None:
        self._context.streams.write("MESG", restoring.reply(plain))

    def _read(self, size: int) -> bytes:
        """So many bytes; none at the end of the stream.  ProtocolError when it ends in the middle."""
        found = bytearray()
        while len(found) < size:
            with contextlib.suppress(InterruptedError):
                piece = os.read(self._context.source, size - len(found))
                if not piece:
                    break
                found += piece
        if found and len(found) < size:
            raise ProtocolError("the stream ends in the middle of a message")
        return bytes(found)


def _part(plain: dict[str, Any]) -> str:
    part = str(plain["part"])
    if part not in (FILES, LINKS, DIRECTORIES):
        raise ProtocolError(f"there is no part {part[:20]!r}")
    return part


if __name__ == "__main__":
    sys.exit(by_hand(restore, "restore"))
