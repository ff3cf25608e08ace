"""The story of one disk in one run: each fact of the journal that is about it, in a sentence; its parts; what was said of it.

Pure.  Sizes KiB, times seconds since the epoch.  What this does not know: facts that name neither the disk, nor its host,
nor a handle or a file of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.events import event as e
from core.events.event import Record
from core.events.view import DiskState
from core.model.units import show_kib
from tui.about import About
from tui.clean import clean
from tui.format import moment, percent, plural, short_size, span
from tui.look import BAD, BUSY, DISK, GOOD, IDLE, NOT, ODD, WAITS, WANTS, Mark
from tui.panes.messages import code_in


@dataclass(frozen=True, slots=True)
class Step:
    """One fact: when, its mark, a word for it, a sentence, and the code of a message, if it is one."""

    seq: int
    at: float
    mark: Mark
    word: str
    text: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part on a volume; ``seconds`` since the part before it, or since the write began."""

    at: float
    storage: str
    label: str
    fileno: int
    part: int
    size: int
    seconds: float
    crc: str


class Story:
    """What is known of a disk; `take` facts in their order, each once."""

    def __init__(self, host: str, disk: str) -> None:
        self.host, self.disk = host, disk
        self.title = f"{host}:{disk}"
        self.steps: list[Step] = []
        self.pieces: list[Piece] = []
        self.said: list[tuple[float, str]] = []
        self.handles: list[str] = []
        self._about = About(host, disk)
        self._asked: set[int] = set()
        self._last: dict[str, float] = {}
        self.seq = 0

    def take(self, record: Record) -> None:
        """Take one fact in; one that is not about this disk leaves no trace."""
        if record.seq <= self.seq:
            return
        self.seq = record.seq
        event = record.event
        tell = _TELLERS.get(type(event))
        about = getattr(event, "host", self.host) == self.host and getattr(event, "disk", self.disk) == self.disk
        if tell is None or not about:
            return
        told = tell(self, record.at, event)
        if told is not None:
            mark, word, text, *code = told
            self.steps.append(Step(record.seq, record.at, mark, word, clean(text), clean(code[0]) if code else code_in(text)))

    def _own(self, handle: str, file: str = "") -> None:
        if handle not in self.handles:
            self.handles.append(handle)
        self._about.add([handle], [file])

    def _say(self, at: float, text: str) -> None:
        if text and (not self.said or self.said[-1][1] != clean(text)):
            self.said.append((at, clean(text)))

    # ---- one method a fact; None: it is not about this disk, or has nothing to tell ------------

    def _asks(self, at: float, event: e.EstimateBegan) -> Told:
        return WAITS, "estimate", f"{event.host} is asked for the size"

    def _size(self, at: float, event: e.EstimateGot) -> Told:
        return IDLE, "estimate", f"L{event.level} {show_kib(event.size)} before compression"

    def _no_size(self, at: float, event: e.EstimateMissing) -> Told:
        self._say(at, event.message)
        return BAD, "no estimate", event.message

    def _planned(self, at: float, event: e.DumpPlanned) -> Told:
        plan_b = f"; without a volume L{event.deg_level}" if event.deg_level >= 0 else ""
        why = f": {event.why}" if event.why else ""
        return (IDLE, "planned", f"L{event.level} {show_kib(event.size)} in about {span(event.seconds)}{why}{plan_b}")

    def _skipped(self, at: float, event: e.DiskSkipped) -> Told:
        self._say(at, event.message)
        return BAD if event.failed else NOT, "not dumped", event.message

    def _flush(self, at: float, event: e.FlushPlanned) -> Told:
        self._about.add(files=[event.file])
        return WAITS, "left before", f"L{event.level} of {event.datestamp[:8]}, {show_kib(event.size)}: to be written tonight"

    def _began(self, at: float, event: e.DumpBegan) -> Told:
        self._own(event.handle, event.file)
        where = f"to {event.file}" if event.file else "straight to a volume"
        again = f", attempt {event.attempt}" if event.attempt > 1 else ""
        return BUSY, "dump", f"{event.child} begins L{event.level} {where}{again}"

    def _stalled(self, at: float, event: e.DumpStalled) -> Told | None:
        if event.handle not in self.handles:
            return None
        need = f"needs {show_kib(event.missing)} more" if event.missing else "stands still"
        return WANTS, "NO-ROOM", f"{need} ({event.why})" if event.why else need

    def _resumed(self, at: float, event: e.DumpResumed) -> Told | None:
        return (BUSY, "CONTINUE", f"{show_kib(event.use)} more in {event.file}") if event.handle in self.handles else None

    def _strange(self, at: float, event: e.DumpStrange) -> Told:
        self._say(at, event.text)
        return ODD, "strange", event.text

    def _ended(self, at: float, event: e.DumpEnded) -> Told:
        self._about.add(files=[event.file])
        rate = f", {short_size(event.size / event.seconds)}/s" if event.seconds > 0 and event.size else ""
        ratio = f" ({percent(event.size / event.orig).strip()} of {show_kib(event.orig)})" if event.orig else ""
        if event.outcome in ("done", "strange"):
            return GOOD, "dumped", f"{show_kib(event.size)}{ratio} in {span(event.seconds)}{rate}"
        self._say(at, event.message)
        return BAD, event.outcome, event.message or f"after {span(event.seconds)}"

    def _retried(self, at: float, event: e.DumpRetried) -> Told:
        of = f" {event.attempt}/{event.attempts}" if event.attempt else ""
        return DISK[DiskState.RETRY], "TRY-AGAIN", f"{event.reason}; again{of} not before {moment(event.after)}"

    def _over(self, at: float, event: e.DiskEnded) -> Told:
        mark = {"done": GOOD, "strange": ODD, "failed": BAD}.get(event.outcome, NOT)
        self._say(at, event.message)
        return mark, event.outcome, event.message or "the last word on it in this run"

    def _writes(self, at: float, event: e.WriteBegan) -> Told:
        self._own(event.handle, event.file)
        self._last[event.handle] = at
        source = f"from {event.file}" if event.file else "straight from the dumper"
        return BUSY, "write", f"{event.child} begins {show_kib(event.size)} {source}"

    def _part(self, at: float, event: e.PartWritten) -> Told | None:
        if event.handle not in self.handles:
            return None
        took = at - self._last.get(event.handle, at)
        self._last[event.handle] = at
        self.pieces.append(Piece(at, clean(event.storage), clean(event.label), event.fileno, event.part, event.size, took,
                                 clean(event.crc)))
        return IDLE, "part", f"{event.part} is file {event.fileno} of {event.label}, {show_kib(event.size)}"

    def _written(self, at: float, event: e.WriteEnded) -> Told:
        if event.outcome != "done":
            self._say(at, event.message)
            return BAD, event.outcome, event.message
        return GOOD, "on volume", f"{plural(event.parts, 'part')}, {show_kib(event.size)} in {span(event.seconds)}"

    def _removed(self, at: float, event: e.FileRemoved) -> Told | None:
        return (IDLE, "file gone", f"{event.file}: {event.reason}") if event.file in self._about.files else None

    def _question(self, at: float, event: e.QuestionAsked) -> Told | None:
        if event.subject != self.title and event.handle not in self.handles:
            return None
        self._asked.add(event.id)
        return WANTS, f"request #{event.id}", event.text, event.code

    def _answered(self, at: float, event: e.QuestionClosed) -> Told | None:
        if event.id not in self._asked:
            return None
        more = f" {event.argument}" if event.argument else ""
        return IDLE, f"request #{event.id}", f"{event.choice}{more} by {event.by}" if event.choice else event.by

    def _notice(self, at: float, event: e.Notice) -> Told | None:
        if event.subject not in (self.title, self.host):
            return None
        self._say(at, event.text)
        return BAD if event.severity == "E" else ODD if event.severity == "W" else IDLE, "message", event.text, event.code

    def _order(self, at: float, event: e.OperatorActed) -> Told | None:
        words = event.order.split()
        named = any(handle in words for handle in self.handles) or (self.host in words and self.disk in words)
        return (IDLE, "order", f"{event.by}: {event.order}  {event.result}") if named else None

    def about(self, text: str) -> bool:
        """Whether a line of a pipe is about this disk."""
        return self._about.takes(text)


Told = tuple[Mark, str, str] | tuple[Mark, str, str, str]

_TELLERS: dict[type, Callable[..., Told | None]] = {
    e.EstimateBegan: Story._asks, e.EstimateGot: Story._size, e.EstimateMissing: Story._no_size,
    e.DumpPlanned: Story._planned, e.DiskSkipped: Story._skipped, e.FlushPlanned: Story._flush, e.DumpBegan: Story._began,
    e.DumpStalled: Story._stalled, e.DumpResumed: Story._resumed, e.DumpStrange: Story._strange, e.DumpEnded: Story._ended,
    e.DumpRetried: Story._retried, e.DiskEnded: Story._over, e.WriteBegan: Story._writes, e.PartWritten: Story._part,
    e.WriteEnded: Story._written, e.FileRemoved: Story._removed, e.QuestionAsked: Story._question,
    e.QuestionClosed: Story._answered, e.Notice: Story._notice, e.OperatorActed: Story._order,
}
