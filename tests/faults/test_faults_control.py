"""The fault matrix on the control socket: the driver's real end with an engine behind it, each word spoilt once.

Whatever a console or command says or fails to say: the socket serves the next one, an order is carried out at most once for
each time that it arrives, and every reply goes to the one who asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from core.client.listening import Control
from core.engine import effects as fx
from core.engine.inputs import Answered, Input, Ordered
from core.model.units import Kib
from core.protocol import operator as op
from core.protocol import planner
from tests.support.faultnight import FAULTS, garbled
from tests.support.world import STAMP, World, dump_line, make_site

SAMPLES: dict[str, Any] = {
    "HELLO": op.Hello("ana"), "ANSWER": op.Answer(1, "wait"), "ABORT-DUMP": op.AbortDump("00-00001"),
    "RETRY": op.Retry("a", "/x"), "HOLD": op.Hold("a", "/y"), "RELEASE": op.Release("a", "/y"),
    "PRIORITY": op.Priority("a", "/y", 7), "PAUSE": op.Pause(), "RESUME": op.Resume(), "DEGRADE": op.Degrade(),
    "FLUSH": op.FlushNow(), "STOP": op.Stop(), "OK": op.Ok(), "REFUSED": op.Refused("no"), "GONE": op.Gone(),
    "SEQ": op.Seq(3), "GAUGES": op.Gauges(),
}
ANSWERS = ("OK", "REFUSED", "GONE", "SEQ", "GAUGES")
"""The driver's words: on this socket they are spoilt on their way to a console, and not said by one."""


class Behind:
    """An engine in the middle of a night, and what reached it."""

    def __init__(self) -> None:
        self.control = Control(self.hear)
        self.heard: list[Input] = []
        self.over = False
        sizes = {("a", "/x"): 900_000, ("a", "/y"): 900_000}
        self.world = World(make_site(sizes, maxdumps=1), sizes)
        self.world._do(self.world.engine.begin("tester", 1, []))
        plan: list[planner.Said] = [planner.Date(STAMP), *(dump_line(h, d, Kib(s)) for (h, d), s in sizes.items())]
        for line in plan:
            self.world._do(self.world.engine._planned(line))

    def hear(self, happened: Input) -> None:
        self.heard.append(happened)
        for effect in list(self.world.engine.handle(happened)):
            if isinstance(effect, fx.Reply):
                self.control.reply(effect)
            elif isinstance(effect, fx.Finish):
                self.over = True
        if self.over:
            self.control.over()


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[Behind]:
    behind = Behind()
    await behind.control.listen(path / "control")
    try:
        yield behind
    finally:
        await behind.control.close()


async def ask(path: Path, data: bytes, *, leave: bool = False) -> list[bytes]:
    """Say ``data`` and close our end; all lines that come back.  ``leave``: go away without reading."""
    reader, writer = await asyncio.open_unix_connection(str(path / "control"))
    writer.write(data)
    if leave:
        writer.transport.abort()
        return []
    writer.write_eof()
    found = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return found.splitlines()


def spoilt(line: bytes, kind: str) -> bytes:
    """What arrives of a line."""
    match kind:
        case "dropped" | "silent":
            return b""
        case "doubled":
            return line + line
        case "cut short":
            return line[:len(line) // 2] + b"\n"
        case "garbled":
            return garbled(line)
        case "sender killed":
            return line[:len(line) // 2]
        case _:
            return line


def test_every_word_has_a_sample() -> None:
    assert set(SAMPLES) == set(op.VOCABULARY.messages)


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("verb", [verb for verb in SAMPLES if verb not in ANSWERS])
async def test_an_order_that_is_spoilt(tmp_path: Path, verb: str, kind: str, fault_cases: object) -> None:
    line = op.VOCABULARY.encode(SAMPLES[verb])
    async with listening(tmp_path) as behind:
        replies = await ask(tmp_path, spoilt(line, kind), leave=kind == "receiver killed")
        words = [type(x.order).__name__ if isinstance(x, Ordered) else type(x).__name__ for x in behind.heard]
        arrived = {"doubled": 2, "dropped": 0, "silent": 0, "sender killed": 0}.get(kind, 1)
        assert len(words) <= arrived, f"{words} for {arrived} that arrived"
        assert all(reply.split()[0] in (b"OK", b"REFUSED", b"GONE") for reply in replies)
        if kind in ("delayed", "doubled"):
            assert len(replies) == arrived
        if kind in ("garbled", "cut short") and not words and verb != "HELLO":
            assert replies and replies[0].startswith(b"REFUSED"), "nobody is told that the order was not understood"
        # The next one is served, and gets its own reply.
        after = await ask(tmp_path, op.VOCABULARY.encode(op.Hello("bea")) + op.VOCABULARY.encode(op.Release("no", "/disk")))
        assert after[1:] == ([b"GONE"] if behind.over else [b'REFUSED "no:/disk is not held"'])
        assert not behind.control._asking, "somebody waits for a reply for ever"


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("verb", ANSWERS)
def test_an_answer_that_is_spoilt(
    tmp_path: Path, verb: str, kind: str, fault_cases: object, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A command's end: `core.client.control.order` ends by its deadline and never takes rubbish for success."""
    import socket
    import threading

    from core.client import control
    from core.client.runs import Run

    monkeypatch.setattr(control, "DEADLINE", 0.3)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(tmp_path / "control"))
    listener.listen(1)
    hello = op.VOCABULARY.encode(op.Ok())
    over = threading.Event()

    def driver() -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(65536)
            if kind != "receiver killed":
                peer.sendall(hello + spoilt(op.VOCABULARY.encode(SAMPLES[verb]), kind))
            if kind in ("silent", "dropped", "delayed"):
                over.wait(20)  # the pipe stays open

    thread = threading.Thread(target=driver, daemon=True)
    thread.start()
    found = control.order(Run(tmp_path), op.Pause(), name="ana")
    over.set()
    thread.join(20)
    listener.close()
    if isinstance(found, op.Ok):
        assert verb == "OK" and kind in ("delayed", "doubled", "cut short", "garbled"), found
    assert isinstance(found, op.Ok | op.Refused | op.Gone)


def test_inputs_are_orders_and_answers() -> None:
    assert {Ordered, Answered} <= set(Input.__args__)
