"""The driver's loop: inputs from pipes, socket and clock into the engine, its effects out into the world.

Inputs that came together are taken together: their facts are written and synced once, then everything that follows from
them is carried out, in order.  The loop never waits for a dump, a volume or a person; it only waits for something to
happen.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import stat
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, assert_never

from core.client.listening import Control
from core.driver import space
from core.driver.children import Child, open_log, program
from core.driver.indexing import Indexing
from core.driver.journal import Journal, Traffic
from core.engine import costs, runway, waiting
from core.engine.effects import (
    Effect,
    Finish,
    FlushLeft,
    Kill,
    MeasureHolding,
    RemoveFile,
    Reply,
    StartDumper,
    StartTaper,
    Tell,
)
from core.engine.effects import Journal as Fact
from core.engine.engine import Engine
from core.engine.inputs import FlushFound, HoldingSeen, Input, Ordered, PlanEnded, Planned, Tick
from core.errors import BadLine, StartError
from core.events.event import ChildBegan, Notice
from core.events.gauges import Gauges, encode
from core.model.site import Site
from core.model.units import datestamp_of, seconds_of_datestamp
from core.protocol import dumper, operator, planner, taper
from core.protocol.conversation import Lines

GAUGES_EVERY = 1.0
"""Seconds between two states of status.json."""
PATIENCE = 15.0
"""Seconds that a child has to end after QUIT."""


class Loop:
    """One run of the driver; ``joined`` to a planner by amdump, or by hand to whatever there is."""

    def __init__(self, site: Site, datestamp: str, directory: Path, by: str, joined: bool = False) -> None:
        self.site, self.directory, self.by, self._joined = site, directory, by, joined
        now = time.time()
        self.engine = Engine(site, datestamp, now, seconds_of_datestamp(datestamp_of(now)[:8]))
        self.journal = Journal(directory / "journal.jsonl")
        self.traffic = Traffic(directory / "traffic.log")
        self.log: BinaryIO = open_log(directory / "children.log")
        self.control = Control(self.hear)
        self.indexing = Indexing(site, datestamp)
        self.children: dict[str, Child] = {}
        self.inputs: list[Input] = []
        self.news = asyncio.Event()
        self.code: int | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._gauges_due = 0.0
        self._told: set[str] = set()

    def hear(self, happened: Input) -> None:
        """Something happened; it is dealt with in the next turn."""
        self.inputs.append(happened)
        self.news.set()

    async def run(self, plan: asyncio.StreamReader, first: bytes = b"", signals: Sequence[str] = ()) -> int:
        """Drive the run to its end; return its exit code.  ``first``: bytes of the plan that were read already; ``signals``:
        the names of those that came already."""
        await self.control.listen(self.directory / "control")
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(
                number, lambda name=number.name: self.hear(Ordered(operator.Stop("now"), name)))  # type: ignore[misc]
        for name in signals:
            self.hear(Ordered(operator.Stop("now"), name))
        reader: asyncio.Task[None] | None = None
        try:
            await self._carry_out(list(self.engine.begin(self.by, os.getpid(), space.survey(self.site))))
            reader = asyncio.create_task(self._read_plan(plan, first))
            while self.code is None:
                await self._turn()
        except StartError as fault:
            # What cannot be written down may not be acted upon: this run can only end.
            print(f"driver: {fault}", file=sys.stderr)
            self.code = fault.exit_code
        finally:
            if reader is not None:
                reader.cancel()
            await self._end()
        return self.code

    async def _turn(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.news.wait(), self._patience())
        self.news.clear()
        effects = list(self.engine.handle(Tick(time.time())))
        happened, self.inputs = self.inputs, []
        for one in happened:
            effects += self.engine.handle(one)
        await self._carry_out(effects)
        if time.monotonic() >= self._gauges_due:
            self._gauges_due = time.monotonic() + GAUGES_EVERY
            self._write_gauges()

    def _patience(self) -> float:
        wake = self.engine.wake()
        if wake is None:
            return GAUGES_EVERY
        return max(0.0, min(GAUGES_EVERY, wake - time.time() + 0.001))

    async def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Fact):
                self.indexing.add(self.journal.add(effect.event))
        self._commit()
        for effect in effects:
            match effect:
                case Fact():
                    pass
                case Tell(child, order):
                    self.children[child].tell(order)
                case StartDumper(name):
                    await self._start(Child(name, dumper.conversation(), self.hear, self.traffic, self.log), "core.dumper")
                case StartTaper(name, storage):
                    await self._start(
                        Child(name, taper.conversation(), self.hear, self.traffic, self.log), "core.taper", storage)
                case Kill(name):
                    self.children[name].kill()
                case RemoveFile(file):
                    await self._remove(file)
                case MeasureHolding(path, add):
                    self._measure(path, add)
                case FlushLeft():
                    for found in space.left(self.site, self.engine.state.datestamp):
                        self.hear(found)
                case Reply():
                    self.control.reply(effect)
                case Finish(code):
                    self.code = code
                case other:
                    assert_never(other)
        self._commit()
        self.traffic.flush()

    def _commit(self) -> None:
        if self.journal.commit():
            self.control.nudge(operator.Seq(self.journal.seq))
            # What fails before the last fact can still be told as one.
            if self.indexing.closing:
                self.indexing.flush(self.journal.durable)
        for fault in (self.indexing.fault, self.traffic.fault):
            if fault and fault not in self._told and not self.indexing.ended:
                self._told.add(fault)
                self.note("RUN019", "W", "state", fault)

    def note(self, code: str, severity: str, subject: str, text: str) -> None:
        """A fact of the loop's own."""
        self.indexing.add(self.journal.add(Notice(code, severity, subject, text)))

    async def _start(self, child: Child, module: str, storage: str = "") -> None:
        self.children[child.name] = child
        arguments = [str(self.site.file), storage] if storage else [str(self.site.file)]
        await child.start(program(module, *arguments))
        self.indexing.add(self.journal.add(ChildBegan(child.name, child.pid, storage)))

    async def _remove(self, file: str) -> None:
        try:
            # A dump of a terabyte takes seconds; the pipes and the consoles are heard meanwhile, the next act waits.
            await asyncio.to_thread(space.remove, Path(file), list(self.engine.state.holds))
        except OSError as fault:
            self.note("HLD008", "W", file, f"cannot be removed: {fault.strerror}")

    def _measure(self, path: str, add: bool) -> None:
        try:
            self.hear(space.added(path) if add else space.measured(self.site, path))
        except OSError as fault:
            self.note("HLD009", "W", path, f"cannot be used as holding disk: {fault.strerror}")
            self.hear(HoldingSeen(path, 0, failed=fault.strerror or str(fault)))

    async def _read_plan(self, plan: asyncio.StreamReader, first: bytes) -> None:
        lines, count = Lines(), planner.Count(self._joined)
        data = first
        try:
            while True:
                for line in lines.feed(data):
                    self._plan_line(line, count)
                await asyncio.sleep(0)
                data = await plan.read(1 << 16)
                if not data:
                    break
            if lines.pending:
                self._plan_line(lines.pending, count)
        except BadLine as fault:
            self.note("RUN014", "E", "plan", f"{fault}; the rest of the plan is not read")
            self.engine.state.attention = True
        if fault_of_plan := count.fault():
            self.note("RUN016", "E", "plan", f"{fault_of_plan}: what is missing is not dumped")
            self.engine.state.attention = True
        self.hear(PlanEnded())

    def _plan_line(self, line: bytes, count: planner.Count) -> None:
        if not line.strip():
            return
        self.traffic.note("planner", "driver", line)
        try:
            said = planner.decode(line)
        except BadLine as fault:
            self.note("RUN015", "E", "plan", f"a line of the plan makes no sense and is left out: {fault}")
            self.engine.state.attention = True
            count.heard(None)
            return
        count.heard(said)
        if isinstance(said, planner.Flush):
            size = space.flush_size(Path(said.file))
            if size is None:
                self.note("HLD006", "W", said.file, "is no whole dump; it is not flushed")
                return
            self.hear(FlushFound(said, size))
        else:
            self.hear(Planned(said))

    def _write_gauges(self) -> None:
        state = self.engine.state
        gauges = Gauges(at=time.time())
        for job in state.jobs.values():
            if job.active:
                gauges.progress[job.handle] = (job.written, job.written_orig)
        for handle, write in state.writes.items():
            gauges.progress[handle] = (write.written, 0)
        for hold in state.holds.values():
            used = sum(x.size for held in state.held.values() for x in held.extents if x.path == hold.path)
            gauges.holding[hold.path] = (hold.free, max(0, hold.total - hold.free), used)
        waits = {job.title: wait for job, wait in waiting.disks(state)}
        gauges.waiting = {title: wait.text for title, wait in waits.items()}
        gauges.waits = {title: (str(wait.kind), wait.until) for title, wait in waits.items()}
        gauges.tapers = {tape.child: (wait.text, wait.until) for tape, wait in waiting.tapers(state)}
        gauges.runway = {one.path: (one.free, one.fills, one.drains, one.full_at) for one in runway.of_holding(state)}
        must = runway.act(state)
        gauges.act, gauges.costs, gauges.texts = (must.by, must.text), costs.changed(state), costs.texts(state)
        gauges.network = {name: used for name, used in state.network.items() if used}
        gauges.consoles = self.control.names
        status = self.directory / "status.json"
        temporary = status.with_suffix(".tmp")
        with contextlib.suppress(OSError):
            temporary.write_bytes(encode(gauges))
            temporary.replace(status)
        self.control.nudge(operator.Gauges())
        self.traffic.flush()
        self.indexing.flush(self.journal.durable)
        for seen in space.watch(self.site, state):
            self.hear(seen)

    async def _end(self) -> None:
        self.control.over()
        quits = [
            child.quit(taper.Quit() if name in self.engine.state.tapes else dumper.Quit(), PATIENCE)
            for name, child in self.children.items()
        ]
        await asyncio.gather(*quits)
        try:
            self.journal.close()
        except StartError as fault:
            print(f"driver: {fault}", file=sys.stderr)
            self.code = fault.exit_code
        self.traffic.close()
        self.log.close()
        self.indexing.close(self.journal.durable)
        space.tidy(self.site)
        await self.control.close()


async def read_stdin() -> asyncio.StreamReader:
    """The planner's end of the pipe; by hand also a terminal or a file with a plan in it, or /dev/null."""
    reader = asyncio.StreamReader(limit=1 << 20)
    kind = os.fstat(0).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) or os.isatty(0):
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    else:
        # Neither can be waited for, asyncio refuses the one and hears nothing of the other; both have it all at once.
        reader.feed_data(sys.stdin.buffer.read())
        reader.feed_eof()
    return reader

