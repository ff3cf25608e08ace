"""A made world for the engine: dumpers, tapers, holding disks and a clock that obey the protocols, with faults by choice.

No process, no file, no real time.  Both ends of each pipe walk the protocol's own table, so a word out of turn fails the
test at once.  `World.play` runs a whole night; what the engine journalled is in ``facts``.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from core.engine import effects as fx
from core.engine.engine import Engine
from core.engine.inputs import Answered, ChildGone, FlushFound, Heard, HoldingSeen, Input, PlanEnded, Planned
from core.engine.inputs import Tick as TickInput
from core.events.event import Event, Record
from core.events.view import RunView
from core.model.disk import Disk, Dumptype, Host
from core.model.dump import NO_CRC, Crc, Stats
from core.model.site import HoldingDisk, RunSettings, Site, Storage
from core.model.units import Handle, Kib
from core.protocol import dumper, planner, taper
from core.protocol.options import decode_options

STAMP = "20261123003000"
BEAT = 300.0
"""Seconds between two words of a dumper or taper that works."""


def make_site(
    disks: Iterable[tuple[str, str]], *, holding: Iterable[tuple[str, int]] = (("/hold1", 1 << 20),),
    storages: Iterable[Storage] = (Storage("main", "disk:/vtapes"),), maxdumps: int = 4,
    run: RunSettings | None = None, dumptype: Dumptype | None = None, reserve: int = 30,
) -> Site:
    """A configuration with these disks and holding disks of so many KiB."""
    hosts: dict[str, Host] = {}
    entries = []
    for name, disk in disks:
        host = hosts.setdefault(name, Host(name, maxdumps=maxdumps))
        entries.append(Disk(host, disk, dumptype or Dumptype()))
    return Site(
        Path("/etc/taperoom/taperoom.toml"), "test", Path("/state"), run or RunSettings(),
        tuple(HoldingDisk(Path(path), size, reserve=reserve) for path, size in holding),
        {s.name: s for s in storages}, hosts, tuple(entries))


@dataclass
class Faults:
    """What goes wrong; each is asked with the attempt's disk."""

    dump: Callable[[str, str, int], str] = lambda host, disk, attempt: "done"
    """done, strange, try-again, failed, die, grow (the dump is twice its estimate)"""
    write: Callable[[str, str, int], str] = lambda host, disk, attempt: "done"
    """done, try-again, tape-error, mute (TAPE-ERROR without a reason), die, hang (not a word any more)"""
    volume: Callable[[int], str] = lambda number: "ok"
    """ok, none (TAPER-ERROR), hang; asked with the number of the look at the start"""
    volume_kib: int = 1 << 30
    hands: Callable[[int], str] = lambda number: "ok"
    """ok, none (REQUEST-OPERATOR), hang; asked with the number of the look for a further volume"""


@dataclass
class Dump:
    """A dump that a made dumper works on."""

    message: dumper.FileDump | dumper.PortDump
    size: int
    allotted: int
    fate: str
    written: int = 0
    stalled: bool = False
    believed: int = 1 << 60
    """KiB after which the file system is full, whatever was allotted."""


@dataclass(frozen=True)
class Later:
    """A dump whose time is up, unless it was aborted meanwhile."""

    child: str
    handle: Handle
    stats: Stats | None
    written: int = 0
    """without statistics: how far it is, said now and then"""


@dataclass(frozen=True)
class Beat:
    """A taper that works says so now and then, or looks for a volume once more."""

    child: str
    handle: Handle
    talk: object
    looks: bool = False


@dataclass(repr=False)
class World:
    """One night."""

    site: Site
    sizes: dict[tuple[str, str], int]
    faults: Faults = field(default_factory=Faults)
    answers: Callable[[int, str, str], str] = lambda id, code, default: ""
    """What an operator answers at once; empty: nobody is there."""
    now: float = 1_800_000_000.0
    facts: list[Event] = field(default_factory=list)
    dated: list[tuple[float, Event]] = field(default_factory=list)
    talks: dict[str, object] = field(default_factory=dict)
    transcript: list[str] = field(default_factory=list)
    code: int | None = None
    free: dict[str, int] = field(default_factory=dict)
    """KiB that a measurement finds on a holding disk; −1: it cannot be used."""
    left: list[FlushFound] = field(default_factory=list)
    """whole dumps of earlier runs that the plan does not name."""
    replies: list[object] = field(default_factory=list)
    stays_full: bool = False
    """a disk that said it is full says so again, whatever was measured."""
    places: list[str] = field(default_factory=list)
    """where dumps were told to go on."""

    def __post_init__(self) -> None:
        self.engine = Engine(self.site, STAMP, self.now)
        self.view = RunView()
        self._events: list[tuple[float, int, Input | Later | Beat, object]] = []
        self._order = 0
        self._dumps: dict[str, Dump] = {}
        self._attempts: dict[tuple[str, str], int] = {}
        self._writes: dict[str, tuple[taper.FileWrite | taper.PortWrite, str]] = {}
        self._on_volume: dict[str, int] = {}
        self._has_volume: set[str] = set()
        self._dumped: set[str] = set()
        self._last: dict[str, Handle] = {}
        self._starts = self._looks = self._parts = 0

    def __repr__(self) -> str:
        """What a failing property test shows: the whole night."""
        return "\n".join(["World:", *self.transcript, *map(repr, self.facts)])

    # -- the world's side ------------------------------------------------------------------
    def play(self, lines: Iterable[planner.Said], *, end: bool = True, limit: int = 200_000) -> RunView:
        """Run to the end of the run; fails when the engine would wait for ever."""
        self._do(self.engine.begin("tester", 1, [
            HoldingSeen(str(h.path), h.use, h.use, h.reserve, h.chunksize) for h in self.site.holding]))
        for line in lines:
            if isinstance(line, planner.Flush):
                self.at(0.0, FlushFound(line, self.sizes.get((line.host, line.disk), 64)))
            else:
                self.at(0.0, Planned(line))
        if end:
            self.at(0.0, PlanEnded())
        for _ in range(limit):
            if self.code is not None:
                return self.view
            wake = self.engine.wake()
            if self._events and (wake is None or self._events[0][0] <= wake):
                at, _, happened, speaker = heapq.heappop(self._events)
                self.now = max(self.now, at)
                self._do(self.engine.handle(TickInput(self.now)))
                if not isinstance(happened, Heard) or speaker in (None, self.talks.get(happened.child)):
                    self.give(happened)  # the words of a process that is gone are not heard
            elif wake is not None:
                self.now = max(self.now, wake)
                self._do(self.engine.handle(TickInput(self.now)))
            else:
                raise AssertionError(f"the engine waits for ever: {self.engine.reasons()}\n{self!r}")
        raise AssertionError("too many steps")

    def at(self, delay: float, happened: Input | Later | Beat) -> None:
        """Let something happen later."""
        self._order += 1
        speaker = self.talks.get(happened.child) if isinstance(happened, Heard) else None
        heapq.heappush(self._events, (self.now + delay, self._order, happened, speaker))

    def give(self, happened: Input | Later | Beat) -> None:
        """Let something happen now."""
        if isinstance(happened, Beat):
            self._beat(happened)
            return
        if isinstance(happened, Later):
            self._finish_dump(happened)
            return
        if isinstance(happened, Heard):
            talk = self.talks.get(happened.child)
            if talk is None:
                return
            line = talk.send(happened.message)  # type: ignore[attr-defined]
            self.transcript.append(f"{happened.child} > {line.decode().strip()}")
        if isinstance(happened, ChildGone):
            self.talks.pop(happened.child, None)
            self.transcript.append(f"{happened.child} gone")
        self._do(self.engine.handle(happened))

    def _do(self, effects: Iterable[fx.Effect]) -> None:
        for effect in list(effects):
            for hold in self.engine.state.holds.values():
                assert 0 <= hold.free <= hold.total, (hold, effect)
            match effect:
                case fx.Journal(event):
                    self.facts.append(event)
                    self.dated.append((self.now, event))
                    self.view.apply(Record(len(self.facts), self.now, event))
                    if type(event).__name__ == "QuestionAsked":
                        choice, _, argument = self.answers(event.id, event.code, event.default).partition(" ")
                        if choice:
                            self.at(0.1, Answered(event.id, choice, argument, "operator"))
                case fx.Reply(reply):
                    self.replies.append(reply)
                case fx.StartDumper(child):
                    self.talks[child] = dumper.conversation()
                case fx.StartTaper(child):
                    self.talks[child] = taper.conversation()
                    self._has_volume.discard(child)
                case fx.Tell(child, order):
                    talk = self.talks.get(child)
                    if talk is None:
                        continue  # a dead child hears nothing
                    line = talk.send(order)  # type: ignore[attr-defined]
                    self.transcript.append(f"{child} < {line.decode().strip()}")
                    self._obey(child, order)
                case fx.Kill(child):
                    self.talks.pop(child, None)
                    self._dumps.pop(child, None)
                    self._writes.pop(child, None)
                case fx.MeasureHolding(path, add):
                    self.at(0.3, self._measured(path, add))
                case fx.FlushLeft():
                    for found in self.left:
                        self.at(0.3, found)
                case fx.Finish(code):
                    self.code = code
                case _:
                    pass

    def _obey(self, child: str, order: object) -> None:
        match order:
            case dumper.FileDump() | dumper.PortDump():
                self._begin_dump(child, order)
            case dumper.Continue(name, _, use):
                if (found := self._dumps.get(child)) is None:
                    return  # it died meanwhile
                dump = found
                if dump.believed < dump.allotted - 32:
                    dump.allotted = dump.written + 32  # a full disk voids what was allotted there
                    dump.believed = dump.believed if self.stays_full else 1 << 60
                self.places.append(name or "")
                dump.allotted += use or 0
                dump.stalled = False
                self._write_on(child, dump)
            case dumper.Abort():
                # Also when its last word crossed the order on the pipe.
                self._dumps.pop(child, None)
                self.at(1.5, Heard(child, dumper.AbortFinished(self._last[child])))
            case taper.StartTaper():
                self._starts += 1
                word = self.faults.volume(self._starts)
                if word != "hang":
                    self.at(0.2, Heard(child, taper.TaperOk("drive0", "VOL-001") if word == "ok"
                                       else taper.TaperError("no usable volume")))
            case taper.FileWrite() | taper.PortWrite():
                self._begin_write(child, order)
            case taper.NewTape(handle):
                self._volume(child, handle)
            case taper.NoNewTape(handle, message):
                self._writes.pop(child, None)
                self.at(0.1, Heard(child, taper.TapeError(handle, message)))
            case taper.WriteDone(handle):
                self._dumped.add(handle)
                if child in self._writes:
                    self._end_write(child, handle)
            case taper.Describe():
                label = self.engine.state.tapes[child].label
                self.at(0.3, Heard(child, taper.Described(label, 9999, Kib(64), "crc 00000009:65536")))
            case taper.WriteFailed(handle, message):
                if self._writes.pop(child, None):
                    self.at(0.1, Heard(child, taper.TryAgain(handle, message)))
            case _:
                pass

    def _measured(self, path: str, add: bool) -> HoldingSeen:
        found = self.free.get(path, -1 if add else 0)
        return HoldingSeen(path, max(0, found), max(0, found), failed="" if found >= 0 else "No such file or directory")

    # -- dumpers ---------------------------------------------------------------------------
    def _begin_dump(self, child: str, order: dumper.FileDump | dumper.PortDump) -> None:
        key = (order.host, order.disk)
        self._last[child] = order.handle
        self._attempts[key] = self._attempts.get(key, 0) + 1
        fate = self.faults.dump(*key, self._attempts[key])
        size = self.sizes[key] * (3 if fate == "grow" else 1)
        use = int(decode_options(order.options)["use"][0])
        if isinstance(order, dumper.PortDump):
            use = 1 << 60
        dump = self._dumps[child] = Dump(order, size, use, fate)
        words = fate.split(" ")
        if fate in ("try-again", "failed"):
            self._dumps.pop(child)
            kind = dumper.TryAgain if fate == "try-again" else dumper.Failed
            self.at(1.0, Heard(child, kind(order.handle, f"{key[0]} said no")))
        elif words[0] == "retry":
            self._dumps.pop(child)
            self.at(1.0, Heard(child, dumper.Retry(order.handle, int(words[1]), int(words[2]), f"{key[0]} is busy")))
        elif words[0] == "breaks-off":
            self._dumps.pop(child)
            self.at(1.0, Heard(child, dumper.Progress(order.handle, Kib(size // 2), Kib(size // 2))))
            self.at(1.1, Heard(child, dumper.TryAgain(order.handle, "CLT001 the connection ended")))
        elif words[0] == "bad-disk" and isinstance(order, dumper.FileDump):
            self._dumps.pop(child)
            self.at(1.0, Heard(child, dumper.TryAgain(order.handle, "HLD012 writing failed: Input/output error")))
        elif words[0] == "full" and isinstance(order, dumper.FileDump):
            dump.believed = int(words[1])
            self._write_on(child, dump)
        elif fate == "die":
            self._dumps.pop(child)
            self.at(1.0, ChildGone(child, "killed by SIGKILL"))
        else:
            self._write_on(child, dump)

    def _write_on(self, child: str, dump: Dump) -> None:
        room = min(dump.allotted - 32, dump.believed)
        why = "disk" if dump.believed < dump.allotted - 32 else "allotment"
        handle = dump.message.handle
        if dump.size > room:
            seconds = max(0, room - dump.written) / 1024
            dump.written, dump.stalled = max(room, dump.written), True
            missing = dump.size - dump.written
            self.at(seconds + 0.01, Heard(child, dumper.Progress(handle, Kib(dump.written), Kib(dump.written))))
            self.at(seconds + 0.02, Heard(child, dumper.NoRoom(handle, Kib(missing), why)))
            return
        seconds = (dump.size - dump.written) / 1024
        dump.written = dump.size
        crc = Crc(2, dump.size * 1024)
        stats = Stats(seconds, Kib(dump.size), Kib(dump.size * 2), Crc(1, 1), crc, crc)
        if dump.fate == "strange":
            self.at(seconds + 0.01, Heard(child, dumper.Strange(handle, "? file changed as we read it")))
        before = dump.size - seconds * 1024
        for beat in range(1, int(seconds // BEAT) + 1):
            self.at(beat * BEAT, Later(child, handle, None, int(before + beat * BEAT * 1024)))
        self.at(seconds + 0.02, Later(child, handle, stats))

    def _finish_dump(self, later: Later) -> None:
        dump = self._dumps.get(later.child)
        if dump is None or dump.message.handle != later.handle:
            return
        if later.stats is None:
            self.give(Heard(later.child, dumper.Progress(later.handle, Kib(later.written), Kib(later.written))))
        else:
            del self._dumps[later.child]
            self.give(Heard(later.child, dumper.Done(later.handle, str(later.stats))))

    # -- tapers ----------------------------------------------------------------------------
    def _beat(self, beat: Beat) -> None:
        found = self._writes.get(beat.child)
        if found is None or found[0].handle != beat.handle or self.talks.get(beat.child) is not beat.talk:
            return
        if found[1] == "hang":
            return
        if not beat.looks:
            self.give(Heard(beat.child, taper.Progress(beat.handle, Kib(0))))
            self.at(BEAT, beat)
        elif beat.child not in self._has_volume:
            self._looks += 1
            if self.faults.hands(self._looks) == "ok":
                self._looks -= 1
                self._volume(beat.child, beat.handle)
            else:
                self.at(3.0, beat)

    def _begin_write(self, child: str, order: taper.FileWrite | taper.PortWrite) -> None:
        key = (order.host, order.disk)
        self._attempts[key] = self._attempts.get(key, 0) + 1
        fate = self.faults.write(*key, self._attempts[key])
        self._writes[child] = (order, fate)
        if fate != "hang":
            self.at(BEAT, Beat(child, order.handle, self.talks[child]))
        if isinstance(order, taper.PortWrite):
            self.at(0.05, Heard(child, taper.Port(11001)))
            return
        if child not in self._has_volume:
            self.at(0.1, Heard(child, taper.RequestNewTape(order.handle)))
        else:
            self._end_write(child, order.handle)

    def _volume(self, child: str, handle: Handle) -> None:
        if child not in self._writes:
            return
        self._looks += 1
        word = self.faults.hands(self._looks)
        if word == "none":
            self.at(0.1, Heard(child, taper.RequestOperator("TAP012", "no volume may be written; load one")))
            self.at(3.0, Beat(child, handle, self.talks[child], looks=True))
        if word == "hang":
            self._writes[child] = self._writes[child][0], "hang"
        if word != "ok":
            return
        self._has_volume.add(child)
        self._on_volume[child] = 0
        number = len([f for f in self.facts if type(f).__name__ == "VolumeBegan"]) + 1
        self.at(0.1, Heard(child, taper.NewTape(handle, f"VOL-{number:03d}")))
        order, _ = self._writes[child]
        if isinstance(order, taper.FileWrite) or handle in self._dumped:
            self._end_write(child, handle)

    def _end_write(self, child: str, handle: Handle) -> None:
        order, fate = self._writes[child]
        if isinstance(order, taper.PortWrite) and child not in self._has_volume:
            self.at(0.05, Heard(child, taper.RequestNewTape(handle)))
            return
        size = self.sizes.get((order.host, order.disk), 64)
        if fate == "try-again":
            del self._writes[child]
            self.at(0.5, Heard(child, taper.TryAgain(handle, "source CRC differs")))
        elif fate in ("tape-error", "mute"):
            del self._writes[child]
            self._has_volume.discard(child)
            self.at(0.5, Heard(child, taper.TapeError(handle, "write error" if fate == "tape-error" else "")))
        elif fate == "hang":
            pass
        elif fate == "die":
            del self._writes[child]
            self._has_volume.discard(child)
            self.at(0.5, ChildGone(child, "killed by SIGKILL"))
        else:
            used = self._on_volume.get(child, 0)
            if used and used + size > self.faults.volume_kib:
                self._has_volume.discard(child)
                self.at(0.2, Heard(child, taper.RequestNewTape(handle)))
                return
            self._on_volume[child] = used + size
            del self._writes[child]
            stats = Stats(1.0, Kib(size), Kib(size), server=NO_CRC)
            self._parts += 1
            label = self.engine.state.tapes[child].label or f"VOL-{len(self.view.volumes) + 1:03d}"
            self.at(size / 4096 + 0.2, Heard(child, taper.PartDone(
                handle, label, self._parts, Kib(size), "[sec 1] crc 0:0")))
            self.at(size / 4096 + 0.3, Heard(child, taper.Done(handle, str(stats))))


def dump_line(host: str, disk: str, size: int, level: int = 0, **more: object) -> planner.DumpLine:
    """A plan line."""
    return planner.DumpLine(host, disk, 1, level, Kib(size), **more)  # type: ignore[arg-type]
