"""Who may order what: the driver's own socket against operators, watchers and those who pretend."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.client.listening import Control
from core.client.runs import Run
from core.client.session import Session
from core.engine.effects import Reply
from core.engine.inputs import Answered, Input, Ordered
from core.protocol import operator as op

ME = pwd.getpwuid(os.getuid()).pw_name
ORDERS: list[op.Said] = [
    op.Answer(7, "flush"), op.AbortDump("00-00001"), op.Retry("a", "/x"), op.Hold("a", "/x"), op.Release("a", "/x"),
    op.Priority("a", "/x", 9), op.Pause(), op.Resume(), op.Degrade(), op.FlushNow(), op.Stop(), op.Stop("now")]


class Driver:
    """A control socket whose orders are carried out by nobody, and answered with OK."""

    def __init__(self) -> None:
        self.heard: list[Input] = []
        self.control = Control(self.hear)

    def hear(self, said: Input) -> None:
        self.heard.append(said)
        self.control.reply(Reply(op.Ok("carried out")))


@pytest.fixture
async def driver(tmp_path: Path) -> AsyncIterator[tuple[Driver, Run]]:
    run = Run(tmp_path / "20260101000000")
    run.path.mkdir()
    made = Driver()
    await made.control.listen(run.control)
    yield made, run
    await made.control.close()


def test_every_order_is_in_the_list() -> None:
    assert {type(order) for order in ORDERS} == set(op.Said.__args__) - {op.Hello}


async def test_an_operator_is_heard_under_the_name_that_the_kernel_knows(driver: tuple[Driver, Run]) -> None:
    made, run = driver
    for name, by in (("", ME), (ME, ME), ("root2", f"root2({ME})")):
        session = Session(run, name)
        assert await session.connect()
        for order in ORDERS:
            assert await session.order(order) == op.Ok("carried out")
        await session.close()
        heard, made.heard = made.heard, []
        assert len(heard) == len(ORDERS)
        assert all(said.by == by for said in heard if isinstance(said, Answered | Ordered))


@pytest.mark.parametrize("mode", ["watch", "Operate", "", "operator"])
async def test_who_does_not_operate_is_refused_every_order(driver: tuple[Driver, Run], mode: str) -> None:
    made, run = driver
    session = Session(run, "bob", mode)
    assert await session.connect()
    assert f"bob({ME}):{mode}" in made.control.names or mode == ""
    for order in ORDERS:
        assert await session.order(order) == op.Refused("attached read-only: watching changes nothing")
    # It cannot be talked out of, either.
    assert await session.order(op.Hello("bob", "operate")) == op.Ok()
    for order in ORDERS:
        assert isinstance(await session.order(order), op.Refused)
    await session.close()
    assert made.heard == []


async def test_an_answer_is_no_order(driver: tuple[Driver, Run]) -> None:
    made, run = driver
    session = Session(run)
    assert await session.connect()
    for word in (op.Ok(), op.Refused(), op.Gone(), op.Seq(1), op.Gauges()):
        assert await session.order(word) == op.Refused("that is an answer, not an order")  # type: ignore[arg-type]
    await session.close()
    assert made.heard == []


async def test_two_operators_and_a_watcher_see_each_other(driver: tuple[Driver, Run]) -> None:
    made, run = driver
    sessions = [Session(run, name, mode) for name, mode in (("ana", "operate"), ("bob", "operate"), ("eve", "watch"))]
    for session in sessions:
        assert await session.connect()
    assert made.control.names == sorted([f"ana({ME}):operate", f"bob({ME}):operate", f"eve({ME}):watch"])
    answers = await asyncio.gather(*(session.order(op.Answer(7, "flush")) for session in sessions))
    assert [type(answer) for answer in answers] == [op.Ok, op.Ok, op.Refused]
    assert sorted(said.by for said in made.heard if isinstance(said, Answered)) == [f"ana({ME})", f"bob({ME})"]
    for session in sessions:
        await session.close()


async def test_the_socket_is_the_users_own(driver: tuple[Driver, Run]) -> None:
    _, run = driver
    assert os.stat(run.control).st_mode & 0o777 == 0o600
