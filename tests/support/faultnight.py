"""A night of the engine over pipes that spoil one line: no process, no file, a clock that jumps.

Every line goes as bytes through a pipe that keeps its order; `Fault` says what happens to one of them.  When the driver is
killed the night is over: its children see end of file, and `left` is what the next night finds.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from core.engine import effects as fx
from core.engine.engine import Engine
from core.engine.inputs import ChildGone, FlushFound, Heard, HoldingSeen, Input, Ordered, PlanEnded, Planned, Tick
from core.errors import BadLine, OutOfTurn, ProtocolError
from core.events.event import Event, Notice, Record, VolumeBegan
from core.events.view import RunView
from core.model.site import Site
from core.model.units import Kib
from core.protocol import dumper, planner, taper
from core.protocol.conversation import Lines
from tests.support.faultmodels import File, MadeDumper, MadeTaper
from tests.support.world import STAMP

DELAY = 120.0
"""Seconds by which a delayed line comes late: less than a child may be silent."""
FAULTS = ("dropped", "delayed", "silent", "doubled", "cut short", "garbled", "sender killed", "receiver killed")


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the ``nth`` line with this verb that ``sender`` (driver, dumper, taper, planner) says."""

    sender: str
    receiver: str
    verb: str
    kind: str
    nth: int = 1


@dataclass
class Scenario:
    """A site, its disks, and what goes wrong in it anyway."""

    name: str
    site: Site
    sizes: dict[tuple[str, str], int]
    plan: list[planner.Said]
    dump: Callable[[str, str, int], str] = lambda host, disk, attempt: "done"
    write: Callable[[str, str, int], str] = lambda host, disk, attempt: "done"
    start: Callable[[int], str] = lambda number: "ok"
    volume: Callable[[int], str] = lambda number: "ok"
    orders: list[tuple[float, Ordered]] = field(default_factory=list)
    capacity: int = 1 << 30
    part: int = 1500
    always: Fault | None = None
    """a fault that belongs to the scenario, so that the words that follow from it occur"""


class Pipe:
    """One direction of a child's pipes: lines arrive in order, however late one is."""

    def __init__(self, sender: str, receiver: str) -> None:
        self.sender, self.receiver = sender, receiver
        self.clear_at = 0.0
        self.silent = False


class Link:
    """A child as the driver has it."""

    def __init__(self, name: str, kind: str, model: Any, talk: Any, reports: Any) -> None:
        self.name, self.kind, self.model, self.talk, self.reports = name, kind, model, talk, reports
        self.lines = Lines()
        self.outward, self.inward = Pipe("driver", kind), Pipe(kind, "driver")
        self.deaf = False


class FaultNight:
    """One night; `play` it once."""

    def __init__(self, scenario: Scenario, fault: Fault | None = None, before: FaultNight | None = None) -> None:
        self.scenario, self.site, self.sizes = scenario, scenario.site, scenario.sizes
        self.capacity, self.part = scenario.capacity, scenario.part
        self.faults = [f for f in (scenario.always, fault) if f is not None]
        self.stamp = STAMP if before is None else "20261124003000"
        self.now: float = 1_800_000_000.0 if before is None else before.now + 80_000.0
        self.files: dict[str, File] = {} if before is None else before.left
        self.volumes: dict[str, list[tuple[int, str, str, str, int]]] = {} if before is None else before.volumes
        self.begun: set[str] = set()
        self.confirmed: set[str] = set()
        self.facts: list[Event] = []
        self.view = RunView()
        self.transcript: list[str] = []
        self.said: Counter[tuple[str, str, str]] = Counter()
        self.hit: set[Fault] = set()
        self.code: int | None = None
        self.crashed = False
        self.engine = Engine(self.site, self.stamp, self.now)
        self._began = self.now
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._links: dict[str, Link] = {}
        self._ports: dict[int, MadeTaper] = {}
        self._connected: dict[MadeDumper, MadeTaper] = {}
        self._counts: Counter[Any] = Counter()
        self._count = planner.Count()
        self._planning = Pipe("planner", "driver")
        self._plan_lines = Lines()
        self._plan_over = False

    def __repr__(self) -> str:
        """For a failing assertion: the whole night."""
        return "\n".join([f"{self.scenario.name} {self.faults}", *self.transcript, *map(repr, self.facts)])

    # -- time ------------------------------------------------------------------------------
    def at(self, delay: float, act: Callable[[], None]) -> None:
        """Let something happen later."""
        self._order += 1
        heapq.heappush(self._heap, (self.now + delay, self._order, act))

    def play(self, hours: float = 12.0) -> FaultNight:
        """To the end of the run.  Fails when it waits for ever or takes longer than ``hours``."""
        holdings = []
        for hold in self.site.holding:
            used = sum(file.size for name, file in self.files.items() if name.startswith(f"{hold.path}/"))
            holdings.append(HoldingSeen(str(hold.path), hold.use - used, hold.use - used, hold.reserve, hold.chunksize))
        self._do(self.engine.begin("tester", 1, holdings))
        self._plan()
        for delay, order in self.scenario.orders if self.stamp == STAMP else []:
            self.at(delay, lambda order=order: self.give(order))  # type: ignore[misc]
        for _ in range(100_000):
            if self.code is not None or self.crashed:
                return self
            assert self.now - self._began < hours * 3600, f"the night takes for ever: {self.engine.reasons()}\n{self!r}"
            wake = self.engine.wake()
            if self._heap and (wake is None or self._heap[0][0] <= wake):
                at, _, act = heapq.heappop(self._heap)
                self.now = max(self.now, at)
                self._do(self.engine.handle(Tick(self.now)))
                if self.code is None:
                    act()
            else:
                assert wake is not None, f"the engine waits for ever: {self.engine.reasons()}\n{self!r}"
                self.now = max(self.now, wake)
                self._do(self.engine.handle(Tick(self.now)))
        raise AssertionError(f"too many steps\n{self!r}")

    def give(self, happened: Input) -> None:
        """An input for the engine, now."""
        if not self.crashed:
            self._do(self.engine.handle(happened))

    # -- pipes -----------------------------------------------------------------------------
    def carry(self, pipe: Pipe, line: bytes, arrive: Callable[[bytes], None], kill: Callable[[str], None]) -> None:
        """Send a line through a pipe, with its fault if it has one."""
        verb = line.split(b" ", 1)[0].decode("utf-8", "replace").strip()
        if pipe.sender == "planner" and verb not in planner.VOCABULARY.messages:
            verb = "DUMP"
        self.said[pipe.sender, pipe.receiver, verb] += 1
        nth = self.said[pipe.sender, pipe.receiver, verb]
        self.transcript.append(f"{self.now - self._began:8.1f} {pipe.sender} > {pipe.receiver} {line!r}")
        kind = ""
        for fault in self.faults:
            if (fault.sender, fault.receiver, fault.verb, fault.nth) == (pipe.sender, pipe.receiver, verb, nth):
                kind = fault.kind
                self.hit.add(fault)
                self.transcript.append(f"         ^^ {kind}")
        if kind == "silent":
            pipe.silent = True
        if pipe.silent or kind == "dropped":
            return
        if kind == "delayed":
            pipe.clear_at = max(pipe.clear_at, self.now) + DELAY
        data = {"doubled": line + line, "cut short": line[:len(line) // 2] + b"\n", "garbled": garbled(line),
                "sender killed": line[:len(line) // 2]}.get(kind, line)
        delay = max(0.0, pipe.clear_at - self.now)
        if kind == "receiver killed":
            self.at(delay, lambda: kill(pipe.receiver))
            return
        self.at(delay, lambda: arrive(data))
        if kind == "sender killed":
            kill(pipe.sender)

    def from_child(self, model: Any, line: bytes) -> None:
        """A child's line, on its way to the driver."""
        link = self._link_of(model)
        if link is not None:
            self.carry(link.inward, line, lambda data: self._hear(link, data), lambda who: self._kill(link, who))

    def _hear(self, link: Link, data: bytes) -> None:
        try:
            for line in link.lines.feed(data):
                if link.deaf:
                    return
                message = link.talk.vocabulary.decode(line)
                if not isinstance(message, link.reports):
                    raise OutOfTurn(f"{message.VERB} is not said to the driver")
                self.give(Heard(link.name, link.talk.receive(line)))
        except ProtocolError as fault:
            link.deaf = True
            link.model.end()
            self.give(ChildGone(link.name, f"spoke nonsense: {fault}"))

    def _kill(self, link: Link, who: str) -> None:
        if who == "driver":
            self._crash()
            return
        link.model.end()

        def gone() -> None:
            if not link.deaf:
                link.deaf = True
                self.give(ChildGone(link.name, "killed by SIGKILL"))

        self.at(max(0.0, link.inward.clear_at - self.now) + 0.01, gone)

    def _crash(self) -> None:
        self.crashed = True
        for link in self._links.values():
            link.model.end()

    def _link_of(self, model: Any) -> Link | None:
        return next((link for link in self._links.values() if link.model is model), None)

    # -- planner ---------------------------------------------------------------------------
    def _plan(self) -> None:
        lines = [replace(x, datestamp=self.stamp) if isinstance(x, planner.Date) else x for x in self.scenario.plan]
        if self.stamp != STAMP:
            flushes = [planner.Flush(f.host, f.disk, f.datestamp, f.level, name) for name, f in self.files.items()]
            lines = [x for x in lines if not isinstance(x, planner.Flush)]
            lines[1:1] = flushes
        lines.append(planner.EndPlan(len(lines)))
        for number, said in enumerate(lines):
            self.at(0.01 * number, lambda said=said: self._say_plan(said))  # type: ignore[misc]
        self.at(0.01 * len(lines), self._close_plan)

    def _say_plan(self, said: planner.Said) -> None:
        if not self._plan_over:
            self.carry(self._planning, planner.encode(said), self._hear_plan, self._kill_planner)

    def _kill_planner(self, who: str) -> None:
        if who == "driver":
            self._crash()
        else:
            self._plan_over = True
            self.at(0.0, self._end_plan)

    def _close_plan(self) -> None:
        if not (self._plan_over or self._planning.silent):
            self._plan_over = True
            self.at(max(0.0, self._planning.clear_at - self.now), self._end_plan)

    def _hear_plan(self, data: bytes) -> None:
        for line in self._plan_lines.feed(data):
            self._plan_line(line)

    def _plan_line(self, line: bytes) -> None:
        try:
            said = planner.decode(line)
        except BadLine as fault:
            self._count.heard(None)
            self._note("RUN015", f"a line of the plan makes no sense: {fault}")
            return
        self._count.heard(said)
        if isinstance(said, planner.Flush):
            file = self.files.get(said.file)
            if file is None:
                self._note("HLD006", f"{said.file} is no whole dump; it is not flushed")
            else:
                self.give(FlushFound(said, file.size))
        else:
            self.give(Planned(said))

    def _end_plan(self) -> None:
        if self._plan_lines.pending:
            self._plan_line(self._plan_lines.pending)
        if fault := self._count.fault():
            self._note("RUN016", fault)
        self.give(PlanEnded())

    def _note(self, code: str, text: str) -> None:
        self.engine.state.attention = True
        self._do([fx.Journal(Notice(code, "E", "plan", text))])

    # -- effects ---------------------------------------------------------------------------
    def _do(self, effects: Iterable[fx.Effect]) -> None:
        for effect in list(effects):
            for hold in self.engine.state.holds.values():
                assert 0 <= hold.free <= hold.total, f"{hold} {effect}\n{self!r}"
            match effect:
                case fx.Journal(event):
                    self.facts.append(event)
                    self.view.apply(Record(len(self.facts), self.now, event))
                case fx.StartDumper(child):
                    self._links[child] = Link(
                        child, "dumper", MadeDumper(self, child), dumper.conversation(), dumper.Report)
                case fx.StartTaper(child, storage):
                    self._links[child] = Link(
                        child, "taper", MadeTaper(self, child, storage), taper.conversation(), taper.Report)
                case fx.Tell(child, order):
                    self._tell(self._links[child], order)
                case fx.Kill(child):
                    self._links[child].deaf = True
                    self._links[child].model.end()
                case fx.RemoveFile(file):
                    self.files.pop(file, None)
                case fx.Finish(code):
                    self.code = code
                    for link in self._links.values():
                        if not link.deaf:
                            link.deaf = True
                            quit_ = dumper.Quit() if link.kind == "dumper" else taper.Quit()
                            self._tell(link, quit_)
                    self._drain()
                case _:
                    pass

    def _tell(self, link: Link, order: Any) -> None:
        line = link.talk.send(order)
        if link.model.alive:
            self.carry(link.outward, line, link.model.feed, lambda who: self._kill(link, who))

    def _drain(self) -> None:
        """After Finish: the last words; a child that does not end is killed by the loop's patience."""
        while self._heap and self._heap[0][0] <= self.now + 15.0:
            _, _, act = heapq.heappop(self._heap)
            act()
        for link in self._links.values():
            link.model.end()

    # -- the world -------------------------------------------------------------------------
    @property
    def left(self) -> dict[str, File]:
        """Whole dumps on the holding disks."""
        return {name: file for name, file in self.files.items() if file.whole}

    def _fate(self, what: str, act: Callable[..., str], *key: str) -> str:
        self._counts[what, *key] += 1
        return act(*key, self._counts[what, *key])

    def fate_of_dump(self, host: str, disk: str) -> str:
        """How the next attempt to dump that disk goes."""
        return self._fate("dump", self.scenario.dump, host, disk)

    def fate_of_write(self, host: str, disk: str) -> str:
        """How the next attempt to write it goes."""
        return self._fate("write", self.scenario.write, host, disk)

    def fate_of_start(self) -> str:
        """Whether START-TAPER finds a volume."""
        return self._fate("start", self.scenario.start)

    def fate_of_volume(self) -> str:
        """Whether the next volume needs hands."""
        return self._fate("volume", self.scenario.volume)

    def begin_volume(self, storage: str) -> str:
        """Label the next volume."""
        label = f"V-{len(self.volumes) + 1:03d}"
        self.volumes[label] = []
        self.begun.add(label)
        return label

    def volume_to_resume(self, storage: str) -> str:
        """A volume that this run has begun and that has room."""
        found = [label for label in self.begun if self.used(label) < self.capacity]
        known = {f.label for f in self.facts if isinstance(f, VolumeBegan)}
        return max((label for label in found if label in known), default="")

    def used(self, label: str) -> int:
        """KiB on a volume."""
        return sum(kib for *_, kib in self.volumes[label])

    def keep_part(self, label: str, handle: str, host: str, disk: str, kib: Kib | int) -> int:
        """Put a part on a volume; its file number."""
        self.volumes[label].append((len(self.volumes[label]) + 1, f"{self.stamp} {handle}", host, disk, int(kib)))
        return len(self.volumes[label])

    def listen(self, made: MadeTaper) -> int:
        """A port for a taper."""
        port = 11000 + len(self._ports)
        self._ports[port] = made
        return port

    def connect(self, made: MadeDumper, port: int) -> bool:
        """A dumper connects to a port; False when nobody listens there."""
        peer = self._ports.pop(port, None)
        if peer is None or not peer.alive or peer.job is None:
            return False
        self._connected[made], peer.peer = peer, made
        return True

    def sent(self, made: MadeDumper, size: int) -> None:
        """A dumper sent all."""
        peer = self._connected.pop(made, None)
        if peer is not None and peer.alive and peer.job is not None:
            peer.received(size)

    def hung_up(self, made: MadeDumper) -> None:
        """A dumper's connection broke."""
        peer = self._connected.pop(made, None)
        if peer is not None and peer.alive and peer.job is not None:
            peer.peer = None
            peer.broken_off()


def garbled(line: bytes) -> bytes:
    """The line with its middle third unreadable; its newline stays."""
    a, b = len(line) // 3, max(len(line) // 3 + 1, 2 * len(line) // 3)
    return line[:a] + bytes(1 + x % 7 for x in line[a:b]) + line[b:]
