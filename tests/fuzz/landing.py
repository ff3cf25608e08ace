"""What a restore reads of its own and of others: the facts in a target, and the messages between server and client."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from core.errors import ProtocolError
from core.landing.item import Item, Placed, There
from core.landing.state import Look, State, head, line_of, read_state
from core.wire import restoring
from core.wire.restoring import Kind, Replies
from tests.fuzz.mutate import inputs

ITEMS = [Item(b"", 0, b"", True), Item(b"d/a\xff", 0, b"d/b", False, "f", 5, 6, 7)]
FACTS = line_of(head(State("web1:/home", 1.0, "boot", kept={b"d"}, taken={b"\xff"}))) + b"".join(map(line_of, (
    {"dump": 0, "looks": {"d": Look(0o755, 0, 0, 1, 2, {"user.a": b"x"}).plain()}}, {"dump": 0, "proved": 5}, {"synced": 2.5},
    {"dump": 0, "out": ["d/b"]}, {"dump": 0, "placed": 1}, {"again": 3.0, "boot": "second"})))
MESSAGES = [restoring.message(Kind.BEGIN, {"to": "/x", "identity": "y"}), *restoring.item_messages(ITEMS),
            restoring.message(Kind.LAND, {"dump": 0, "linked": ["a"], "links": {"b": "c"}})]
REPLIES = [restoring.reply(plain) for plain in (
    restoring.there_reply(There(True, ("/a",), (), frozenset({b""})), ITEMS), restoring.placed_reply(Placed(1, 2, [b"\xff"])),
    {"fault": ["usage", "RST030", "x", "y"]}, {"gone": True})]


def facts(data: bytes) -> None:
    """Any bytes are facts, or none."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "state"
        file.write_bytes(data)
        state = read_state(file)
    assert state is None or head(state)["restore"] == state.identity


def messages(data: bytes) -> None:
    """Any bytes are messages whose names stay in the target, or a ProtocolError."""
    try:
        kind, size = restoring.head_of(data[:restoring.HEAD].ljust(restoring.HEAD, b"\0"))
        plain = restoring.body_of(data[restoring.HEAD:restoring.HEAD + size])
        if kind is Kind.ITEMS:
            for item in restoring.items_of(plain):
                assert b".." not in item.path.split(b"/") and not item.path.startswith(b"/")
        restoring.names(plain.get("linked"))
    except ProtocolError as fault:
        assert len(str(fault)) < 2000


def replies(data: bytes) -> None:
    """Any bytes are answers, or a ProtocolError."""
    reader = Replies()
    reader.feed(data)
    readers: tuple[Callable[[dict[str, object]], object], ...] = (
        restoring.fault_of, restoring.placed_of, lambda plain: restoring.there_of(plain, ITEMS))
    try:
        while (plain := reader.next()) is not None:
            for read in readers:
                try:
                    read(plain)
                except ProtocolError:
                    pass
    except ProtocolError:
        pass


TARGETS = {
    "restore-facts": (facts, inputs([FACTS], (b'"dump":', b'"looks":{', b"null", b"[]", b"1e999"))),
    "restore-messages": (messages, inputs(MESSAGES, (b'"items":', b"null", b"true", b"1e999", b'"/a"', b'"../a"'))),
    "restore-replies": (replies, inputs(REPLIES, (b'"fault":', b'"whole":', b"null", b"1e999", b"\0\0\0\2{}"))),
}
