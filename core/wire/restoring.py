"""The language of a restore to a client: what goes over the streams of amandad's service ``restore``.

On DATA the server sends messages: a kind (1 byte), a length (4 bytes, big endian), and a body, which is JSON or, for
`Kind.DATA`, bytes for tar.  On MESG the client answers those that want an answer, in their order: a length (4 bytes) and JSON,
either what was asked for or ``{"fault": [class, code, message, hint]}``.  Without being asked it says ``{"gone": true}`` once
when tar has given up.  Promises readers that give values or ProtocolError for any bytes.  Paths are text with surrogate
escapes.  Pure.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any

from core.errors import BusyError, ProtocolError, TaperoomError, UsageError, WorldError
from core.landing.item import Item, Placed, There
from core.landing.state import Look

_HEAD = struct.Struct(">BI")
_LENGTH = struct.Struct(">I")
MOST = 64 * 1024 * 1024
"""Bytes of the longest message that is taken."""
MOST_REPLY = 1 << 30
CHUNK = 2000
"""Names in one message."""
_CLASSES: dict[str, type[TaperoomError]] = {"usage": UsageError, "busy": BusyError, "world": WorldError}


class Kind(IntEnum):
    """What a message asks for; those from `LOOK` on but `DATA`, `KILL` and `PROVED` are answered."""

    BEGIN = 1
    ITEMS = 2
    LOOK = 3
    TAKE = 4
    WRITER = 5
    DATA = 6
    END = 7
    KILL = 8
    CLEAR = 9
    PROVED = 10
    LAND = 11
    FINISH = 12
    PAUSE = 13
    LEAVE = 14
    DRESS = 15


UNANSWERED = frozenset({Kind.BEGIN, Kind.ITEMS, Kind.DATA, Kind.KILL, Kind.PROVED})


def message(kind: Kind, body: Any = None) -> bytes:
    """One message whose body is JSON."""
    packed = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    return _HEAD.pack(kind, len(packed)) + packed


def data_head(size: int) -> bytes:
    """What comes before so many bytes for tar."""
    return _HEAD.pack(Kind.DATA, size)


HEAD = _HEAD.size
"""Bytes of a message before its body."""


def head_of(data: bytes) -> tuple[Kind, int]:
    """Kind and length.  ProtocolError."""
    number, size = _HEAD.unpack(data)
    if size > MOST:
        raise ProtocolError(f"a message of {size} bytes is too long")
    try:
        return Kind(number), size
    except ValueError:
        raise ProtocolError(f"there is no message {number}") from None


def body_of(data: bytes) -> dict[str, Any]:
    """The body of a message that has an object.  ProtocolError."""
    try:
        plain = json.loads(data)
    except (ValueError, RecursionError) as fault:
        raise ProtocolError(f"the body of a message is broken: {fault}") from None
    if not isinstance(plain, dict):
        raise ProtocolError("the body of a message is no object")
    return plain


def item_messages(items: Sequence[Item]) -> Iterator[bytes]:
    """All names that are wanted."""
    for at in range(0, len(items), CHUNK):
        yield message(Kind.ITEMS, {"items": [
            [_text(item.path), item.dump, None if item.source == item.path else _text(item.source), item.directory, item.kind,
             item.size, item.mtime, item.offset] for item in items[at:at + CHUNK]]})


def items_of(plain: dict[str, Any]) -> list[Item]:
    """The names in one message.  ProtocolError, also for one that leaves the target."""
    found = []
    try:
        for path, dump, source, directory, kind, size, mtime, offset in plain["items"]:
            name = _bytes(path)
            found.append(Item(_inside(name), int(dump), name if source is None else _inside(_bytes(source)), bool(directory),
                              str(kind)[:1], int(size), int(mtime), int(offset)))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as fault:
        raise ProtocolError(f"a name is broken: {fault}") from None
    return found


def _inside(path: bytes) -> bytes:
    """A path if it stays in the target.  ProtocolError."""
    if path and (b"\0" in path or any(part in (b"", b".", b"..") for part in path.split(b"/"))):
        raise ProtocolError(f"{path[:200]!r} does not stay in the target")
    return path


def there_reply(there: There, items: Sequence[Item]) -> dict[str, Any]:
    """What is there, as an answer; what is whole by the numbers of ``items``."""
    return {"exists": there.exists, "taken": list(there.taken), "blocked": list(there.blocked),
            "whole": [number for number, item in enumerate(items) if item.path in there.whole],
            "known": [number for number, item in enumerate(items) if item.path in there.dressed],
            "former": there.former, "resumed": there.resumed,
            "hindered": there.hindered, "free": there.free}


def there_of(plain: dict[str, Any], items: Sequence[Item]) -> There:
    """The same back.  ProtocolError."""
    try:
        return There(bool(plain["exists"]), tuple(map(str, plain["taken"])), tuple(map(str, plain["blocked"])),
                     frozenset(items[int(number)].path for number in plain["whole"]),
                     frozenset(items[int(number)].path for number in plain.get("known", ())),
                     str(plain["former"]), bool(plain["resumed"]),
                     str(plain.get("hindered", "")), int(plain.get("free", -1)))  # an older client does not look
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as fault:
        raise ProtocolError(f"what is in the target cannot be read: {fault!r}") from None


def seen(dump: int, source: bytes, look: Look) -> dict[str, Any]:
    """How a directory will look, in the body of `Kind.PROVED`: an older client reads there that nothing more is proved."""
    return {"dump": dump, "size": 0, "seen": _text(source), "look": look.plain()}


def seen_of(plain: dict[str, Any]) -> tuple[bytes, Look] | None:
    """The same back; None when the body tells of bytes.  ProtocolError."""
    if "seen" not in plain:
        return None
    try:
        return _bytes(plain["seen"]), Look.of(plain["look"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as fault:
        raise ProtocolError(f"how a directory looks cannot be read: {fault!r}") from None


def placed_reply(placed: Placed) -> dict[str, Any]:
    """How much is in its place, as an answer."""
    return {"files": placed.files, "directories": placed.directories, "missing": texts(placed.missing)}


def placed_of(plain: dict[str, Any]) -> Placed:
    """The same back.  ProtocolError."""
    try:
        return Placed(int(plain["files"]), int(plain["directories"]), names(plain["missing"]))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as fault:
        raise ProtocolError(f"what was placed cannot be read: {fault!r}") from None


def fault_reply(fault: TaperoomError) -> dict[str, Any]:
    """A fault as an answer."""
    kind = "usage" if isinstance(fault, UsageError) else "busy" if isinstance(fault, BusyError) else "world"
    return {"fault": [kind, fault.code, fault.message, fault.hint]}


def fault_of(plain: dict[str, Any]) -> TaperoomError | None:
    """The fault that an answer is; None when it is none.  ProtocolError."""
    if "fault" not in plain:
        return None
    try:
        kind, code, text, hint = map(str, plain["fault"])
    except (TypeError, ValueError):
        raise ProtocolError("a fault cannot be read") from None
    return _CLASSES.get(kind, WorldError)(code, text, hint)


def reply(plain: dict[str, Any]) -> bytes:
    """An answer as it is sent."""
    packed = json.dumps(plain, separators=(",", ":")).encode()
    return _LENGTH.pack(len(packed)) + packed


class Replies:
    """Answers out of the bytes of MESG."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, piece: memoryview | bytes) -> None:
        """Take the next bytes."""
        self._held += piece

    def next(self) -> dict[str, Any] | None:
        """The next whole answer.  ProtocolError."""
        if len(self._held) < _LENGTH.size:
            return None
        [size] = _LENGTH.unpack_from(self._held)
        if size > MOST_REPLY:
            raise ProtocolError(f"an answer of {size} bytes is too long")
        end = _LENGTH.size + size
        if len(self._held) < end:
            return None
        body = bytes(self._held[_LENGTH.size:end])
        del self._held[:end]
        return body_of(body)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def texts(paths: Sequence[bytes] | set[bytes]) -> list[str]:
    """Paths as JSON has them."""
    return [_text(path) for path in paths]


def names(plain: Any) -> list[bytes]:
    """Paths back.  ProtocolError."""
    if not isinstance(plain, list) or not all(isinstance(name, str) for name in plain):
        raise ProtocolError("a list of names is broken")
    try:
        return [_inside(_bytes(name)) for name in plain]
    except ValueError as fault:
        raise ProtocolError(f"a name is broken: {fault}") from None
