"""A made dumper and a made taper at the far end of a pipe that may lose, double or spoil lines.

Each walks its own copy of the protocol's table, as the real programs do: garbage is answered with BAD-COMMAND, late words
are passed over, silence is borne for ever.  No process, no file: `tests.support.faultnight` is their world.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import BadLine, OutOfTurn, ProtocolError
from core.model.dump import Crc, Stats
from core.model.units import Handle, Kib
from core.protocol import dumper, taper
from core.protocol.conversation import Lines
from core.protocol.options import decode_options

if TYPE_CHECKING:
    from tests.support.faultnight import FaultNight

BEAT = 200.0
"""Seconds between two PROGRESS of one that works or waits for another."""
RATE = 1024
"""KiB a second."""


def stats_of(kib: int) -> Stats:
    """The statistics of a dump of so many KiB."""
    crc = Crc(7, kib * 1024)
    return Stats(kib / RATE, Kib(kib), Kib(kib), crc, crc, crc)


@dataclass(slots=True)
class File:
    """A dump on the made holding disk."""

    host: str
    disk: str
    datestamp: str
    level: int
    size: int
    whole: bool = False


class MadeDumper:
    """Mirrors ``core.dumper``."""

    def __init__(self, night: FaultNight, name: str) -> None:
        self.night, self.name, self.alive = night, name, True
        self.talk, self.lines = dumper.conversation(), Lines()
        self.order: Any = None
        self.last = Handle("")
        self.target = self.written = self.allotted = 0
        self.turn = 0
        self.stalled = False

    def feed(self, data: bytes) -> None:
        """Bytes from the driver."""
        for line in self.lines.feed(data):
            if self.alive:
                self._take(line)

    def _take(self, line: bytes) -> None:
        idle = self.talk.state is dumper.State.IDLE
        try:
            order = self.talk.vocabulary.decode(line)
            if not isinstance(order, dumper.Order):
                raise OutOfTurn(f"dumper: {order.VERB} is not said to a dumper")
            if idle and isinstance(order, dumper.Abort) and self.last:
                self.night.from_child(self, self.talk.vocabulary.encode(dumper.AbortFinished(self.last)))
                return
            if idle and isinstance(order, dumper.Continue) and self.last:
                return
            if isinstance(order, dumper.Continue) and order.filename is not None and order.use is None:
                raise BadLine("CONTINUE is not whole")
            self.talk.receive(line)
        except ProtocolError as fault:
            self.say(dumper.BadCommand(str(fault)))
            return
        match order:
            case dumper.FileDump() | dumper.PortDump():
                self._begin(order)
            case dumper.Continue(use=use):
                self.allotted += use or 0
                self._go_on()
            case dumper.Abort():
                self._drop()
                self._later(0.5, lambda: self.say(dumper.AbortFinished(self.last)))
            case dumper.Confirm(handle=handle):
                self.night.confirmed.add(handle)
            case dumper.Quit():
                self.end()

    def _begin(self, order: Any) -> None:
        self.order, self.last, self.written, self.stalled = order, order.handle, 0, False
        key = (order.host, order.disk)
        if key not in self.night.sizes:
            self._last_word(dumper.Failed(order.handle, "DMP001 no such disk"))
            return
        fate = self.night.fate_of_dump(*key)
        self.target = self.night.sizes[key] * (3 if fate == "grow" else 1)
        self.allotted = int(decode_options(order.options).get("use", ["0"])[0])
        if isinstance(order, dumper.FileDump):
            known = self.night.files.get(order.filename)
            if known is not None and known.whole:
                self._last_word(dumper.Failed(order.handle, "HLD013 a dump of that name is there already"))
                return
            self.night.files[order.filename] = File(
                *key, self.night.stamp, order.level, 0)
        elif not self.night.connect(self, order.port):
            self._last_word(dumper.TryAgain(order.handle, "DMP021 the taper does not answer"))
            return
        self._later(0.5, self._beat)
        if fate == "retry":
            self._later(1.0, lambda: self._last_word(dumper.Retry(order.handle, 60, -1, f"{order.host} said later")))
        elif fate in ("try-again", "failed"):
            kind = dumper.TryAgain if fate == "try-again" else dumper.Failed
            self._later(1.0, lambda: self._last_word(kind(order.handle, f"{order.host} said no")))
        else:
            self._go_on(fate == "strange")

    def _beat(self) -> None:
        if self.talk.state is dumper.State.DUMPING:
            self.say(dumper.Progress(self.order.handle, Kib(self.written), Kib(self.written)))
            self._later(BEAT, self._beat)

    def _go_on(self, strange: bool = False) -> None:
        order = self.order
        room = self.target if isinstance(order, dumper.PortDump) else min(self.target, self.allotted - 32)
        seconds = max(0, room - self.written) / RATE
        self.written = max(room, self.written)
        if room < self.target:
            self._later(seconds, lambda: self.say(dumper.NoRoom(order.handle, Kib(self.target - self.written))))
            return
        if strange:
            self._later(seconds + 0.1, lambda: self.say(dumper.Strange(order.handle, "? file changed")))
        self._later(seconds + 0.2, lambda: self._finish(strange))

    def _finish(self, strange: bool) -> None:
        order = self.order
        if isinstance(order, dumper.FileDump):
            file = self.night.files[order.filename]
            file.size, file.whole = self.written, True
        else:
            self.night.sent(self, self.written)
        self.turn += 1
        self.order = None
        self.say(dumper.Done(order.handle, str(stats_of(self.written)) + (dumper.WAS_STRANGE if strange else "")))

    def _last_word(self, word: Any) -> None:
        self._drop()
        self._later(0.1, lambda: self.say(word))

    def _drop(self) -> None:
        self.turn += 1
        order, self.order = self.order, None
        if isinstance(order, dumper.FileDump):
            file = self.night.files.get(order.filename)
            if file is not None and not file.whole:
                del self.night.files[order.filename]
        elif order is not None:
            self.night.hung_up(self)

    def lost_taper(self) -> None:
        """The taper at the other end of its connection is gone."""
        if self.order is not None:
            self._last_word(dumper.TryAgain(self.order.handle, "DMP021 the taper closed the connection"))

    def _later(self, delay: float, act: Callable[[], None]) -> None:
        turn = self.turn

        def when_due() -> None:
            if self.alive and self.turn == turn:
                act()

        self.night.at(delay, when_due)

    def say(self, message: Any) -> None:
        """Speak, if the table allows it."""
        if self.alive and self.talk.allows(type(message)):
            self.night.from_child(self, self.talk.send(message))

    def end(self) -> None:
        """QUIT, end of file, or killed: what is not whole is removed by it or by the next."""
        self._drop()
        self.alive = False


class MadeTaper:
    """Mirrors ``core.taper`` with a volume of `FaultNight.capacity` KiB in parts of `FaultNight.part`."""

    def __init__(self, night: FaultNight, name: str, storage: str) -> None:
        self.night, self.name, self.storage, self.alive = night, name, storage, True
        self.talk, self.lines = taper.conversation(), Lines()
        self.label = ""
        self.turn = 0
        self.job: Any = None
        self.left = self.total = 0
        self.came: int | None = None
        self.word: taper.WriteDone | None = None
        self.begun = self.dry = False
        self.peer: MadeDumper | None = None

    def feed(self, data: bytes) -> None:
        """Bytes from the driver."""
        for line in self.lines.feed(data):
            if self.alive:
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            order = self.talk.vocabulary.decode(line)
            if not isinstance(order, taper.Order):
                raise OutOfTurn(f"taper: {order.VERB} is not said to a taper")
            self.talk.receive(line)
        except (BadLine, OutOfTurn) as fault:
            self.say(taper.BadCommand(str(fault)))
            return
        match order:
            case taper.StartTaper():
                self.label = self.night.volume_to_resume(self.storage)
                ok = self.night.fate_of_start() == "ok"
                self._later(0.2, lambda: self.say(taper.TaperOk("drive0", "V") if ok else taper.TaperError("TAP012 none")))
            case taper.FileWrite() | taper.PortWrite():
                self._begin(order)
            case taper.NewTape() if self.job is not None and not self.label:
                self._next_volume()
            case taper.NoNewTape(message=message) if self.job is not None and not self.label:
                self._end(taper.TapeError(self.job.handle, f"TAP013 {message}"))
            case taper.WriteDone() if self.job is not None and order.handle == self.job.handle:
                self.word = order
                self._finish_direct()
            case taper.WriteFailed(message=message) if self.job is not None and order.handle == self.job.handle:
                self._end(taper.TryAgain(self.job.handle, f"TAP014 the dumper failed: {message}"))
            case taper.Describe():
                label = self.label
                self._later(0.3, lambda: self.say(taper.Described(label, 9999, Kib(64), "crc 00000009:65536")))
            case taper.CloseVolume():
                self.label = ""
            case taper.Quit():
                self.say(taper.Quiting())
                self.end()

    def _begin(self, order: Any) -> None:
        self.job, self.word, self.came, self.begun = order, None, None, False
        if isinstance(order, taper.PortWrite):
            self._later(0.05, lambda: self.say(taper.Port(self.night.listen(self))))
            self._later(BEAT, self._beat)
            return
        file = self.night.files.get(order.filename)
        fate = self.night.fate_of_write(order.host, order.disk)
        if file is None or not file.whole or fate == "try-again":
            self._end(taper.TryAgain(order.handle, "TAP015 the holding file is not usable"))
            return
        self.left = self.total = file.size
        self._write_on()

    def _beat(self) -> None:
        if self.job is not None:
            self.say(taper.Progress(self.job.handle, Kib(self.total - self.left)))
            self._later(BEAT, self._beat)

    def received(self, size: int) -> None:
        """The dumper sent so much, and closed its end."""
        self.came = self.left = self.total = size
        self._write_on()

    def broken_off(self) -> None:
        """The dumper's connection broke; its last word comes by way of the driver."""
        self.turn += 1

    def _write_on(self) -> None:
        if not self.label:
            self.say(taper.RequestNewTape(self.job.handle))
            return
        room = self.night.capacity - self.night.used(self.label)
        size = min(self.left, self.night.part, room)
        if size <= 0 and self.left:
            self.label = ""
            self.say(taper.RequestNewTape(self.job.handle))
            return
        if self.left or not self.begun:
            self.begun = True
            self._later(size / RATE + 0.1, lambda: self._part(size))
        elif isinstance(self.job, taper.FileWrite):
            self._end(taper.Done(self.job.handle, str(stats_of(self.total))))
        else:
            self.dry = True
            self._finish_direct()

    def _part(self, size: int) -> None:
        handle = self.job.handle
        fileno = self.night.keep_part(self.label, handle, self.job.host, self.job.disk, size)
        self.left -= size
        self.say(taper.Progress(handle, Kib(self.total - self.left)))
        self.say(taper.PartDone(handle, self.label, fileno, Kib(size), f"[sec 1 kb {size}] crc 00000007:{size * 1024}"))
        self._write_on()

    def _finish_direct(self) -> None:
        if self.word is not None and self.dry:
            if self.word.crc != str(Crc(7, self.total * 1024)):
                self._end(taper.TryAgain(self.job.handle, "TAP016 another CRC"))
            else:
                self._end(taper.Done(self.job.handle, str(stats_of(self.total))))

    def _next_volume(self) -> None:
        if self.night.fate_of_volume() == "hands":
            self.say(taper.RequestOperator("TAP012", "load a volume"))
            self._later(30.0, self._next_volume)
            return
        self.label = self.night.begin_volume(self.storage)
        self.say(taper.NewTape(self.job.handle, self.label))
        self._write_on()

    def _end(self, word: Any) -> None:
        self.turn += 1
        self.job, self.dry = None, False
        if self.peer is not None:
            peer, self.peer = self.peer, None
            if self.came is None:
                peer.lost_taper()
        self._later(0.1, lambda: self.say(word))

    def _later(self, delay: float, act: Callable[[], None]) -> None:
        turn = self.turn

        def when_due() -> None:
            if self.alive and self.turn == turn:
                act()

        self.night.at(delay, when_due)

    def say(self, message: Any) -> None:
        """Speak, if the table allows it."""
        if self.alive and self.talk.allows(type(message)):
            self.night.from_child(self, self.talk.send(message))

    def end(self) -> None:
        """QUIT, end of file, or killed."""
        self.alive = False
        if self.peer is not None:
            self.peer.lost_taper()
