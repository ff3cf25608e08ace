"""The language of a restore to a client: what is said comes back as it was, and nonsense is a ProtocolError."""

from __future__ import annotations

import json
import struct

import pytest

from core.errors import BusyError, ProtocolError, UsageError, WorldError
from core.landing.item import Item, Placed, There
from core.landing.state import Look
from core.wire import restoring
from core.wire.restoring import CHUNK, Kind, Replies

ITEMS = [Item(b"", 0, b"", True), Item(b"odd/n\xe9w\nline", 1, b"old/n\xe9w\nline", False, "f", 5, 6, 7),
         Item(b"x", -1, b"x", True)]


def parts(data: bytes) -> tuple[Kind, bytes]:
    kind, size = restoring.head_of(data[:restoring.HEAD])
    assert len(data) == restoring.HEAD + size
    return kind, data[restoring.HEAD:]


def test_names_come_back() -> None:
    many = ITEMS * CHUNK
    found: list[Item] = []
    messages = list(restoring.item_messages(many))
    for message in messages:
        kind, body = parts(message)
        assert kind is Kind.ITEMS
        found += restoring.items_of(restoring.body_of(body))
    assert found == many and len(messages) == 3


def test_answers_come_back_in_any_pieces() -> None:
    there = There(True, ("/a",), ("/b",), frozenset({b"x"}), frozenset({b""}), "former", True)
    placed = Placed(1, 2, [b"\xff"])
    said = [restoring.there_reply(there, ITEMS), restoring.placed_reply(placed), {"gone": True}]
    data = b"".join(map(restoring.reply, said))
    for step in (1, 7, len(data)):
        replies, heard = Replies(), []
        for at in range(0, len(data), step):
            replies.feed(data[at:at + step])
            while (found := replies.next()) is not None:
                heard.append(found)
        assert heard == said
    assert restoring.there_of(said[0], ITEMS) == there and restoring.placed_of(said[1]) == placed


def test_how_a_directory_looks_comes_back() -> None:
    look = Look(0o2755, 1, (1 << 32) - 1, -5, 10**19, {"user.\udcff": b"\0\xff"})
    kind, body = parts(restoring.message(Kind.PROVED, restoring.seen(7, b"d\xff\n", look)))
    plain = restoring.body_of(body)
    assert kind in restoring.UNANSWERED and plain["dump"] == 7
    assert restoring.seen_of(plain) == (b"d\xff\n", look)
    assert plain["size"] == 0, "an older client takes it for that"
    assert restoring.seen_of({"dump": 7, "size": 5}) is None
    for broken in ({"seen": 5, "look": look.plain()}, {"seen": "x"}, {"seen": "x", "look": [1, 2]},
                   {"seen": "x", "look": [*look.plain()[:5], []]}, {"seen": "x", "look": ["x", *look.plain()[1:]]}):
        with pytest.raises(ProtocolError):
            restoring.seen_of(broken)


@pytest.mark.parametrize("fault", [
    UsageError("RST030", "a", "b"), BusyError("RST035", "a", ""), WorldError("RST025", "ü\n", "c")])
def test_faults_come_back(fault: WorldError) -> None:
    found = restoring.fault_of(json.loads(json.dumps(restoring.fault_reply(fault))))
    assert type(found) is type(fault) and str(found) == str(fault)
    assert restoring.fault_of({"words": []}) is None


@pytest.mark.parametrize("name", ["../x", "a/../b", "/x", "a//b", ".", "a/.", "a\0b", "..", "a/"])
def test_a_name_that_leaves_the_target_is_refused(name: str) -> None:
    for item in ([name, 0, None, False, "f", 1, 1, 1], ["good", 0, name, False, "f", 1, 1, 1]):
        with pytest.raises(ProtocolError, match="does not stay in the target"):
            restoring.items_of({"items": [item]})
    with pytest.raises(ProtocolError):
        restoring.names([name])


@pytest.mark.parametrize("plain", [
    {}, {"items": 1}, {"items": [1]}, {"items": [["a"]]}, {"items": [[1, 0, None, 0, "f", 1, 1, 1]]},
    {"items": [["a", "x", None, 0, "f", 1, 1, 1]]}, {"items": [["\ud800", 0, None, 0, "f", 1, 1, 1]]}])
def test_broken_names(plain: dict[str, object]) -> None:
    with pytest.raises(ProtocolError):
        restoring.items_of(plain)


def test_nonsense() -> None:
    for head in (b"\x00" + bytes(4), b"\xff" + bytes(4), struct.pack(">BI", 1, restoring.MOST + 1)):
        with pytest.raises(ProtocolError):
            restoring.head_of(head)
    for body in (b"", b"[]", b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(ProtocolError):
            restoring.body_of(body)
    replies = Replies()
    replies.feed(struct.pack(">I", restoring.MOST_REPLY + 1))
    with pytest.raises(ProtocolError):
        replies.next()
    for plain in ({}, {"files": "x", "directories": 0, "missing": []}, {"files": 1, "directories": 0, "missing": [1]}):
        with pytest.raises(ProtocolError):
            restoring.placed_of(plain)
    whole = restoring.there_reply(There(), ITEMS)
    for there in ({}, whole | {"whole": [99]}, whole | {"taken": 1}):
        with pytest.raises(ProtocolError):
            restoring.there_of(there, ITEMS)
    with pytest.raises(ProtocolError):
        restoring.fault_of({"fault": ["x"]})
