"""The fold that every face uses: facts of a run in, what stands now out.

`RunView.apply` is idempotent by sequence number, so a record may come twice.  Nothing here reads a clock: rates and
ages are made by the face from ``at`` times and its own clock.  `Gauges` are kept beside the view, not in it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import assert_never

from core.errors import BadLine
from core.events import event as e
from core.events.event import Record
from core.events.rows import FINAL as FINAL
from core.events.rows import DiskState as DiskState
from core.events.rows import DiskView as DiskView
from core.events.rows import QuestionView as QuestionView
from core.events.rows import TaperView as TaperView
from core.events.rows import VolumeView as VolumeView
from core.events.rows import WriteView as WriteView
from core.model.quoting import split

Key = tuple[str, str]

_STATES = {state.value: state for state in DiskState}


@dataclass(slots=True)
class RunView:
    """All of a run, folded."""

    began: e.RunBegan | None = None
    began_at: float = 0.0
    closing: e.RunClosing | None = None
    ended: e.RunEnded | None = None
    ended_at: float = 0.0
    seq: int = 0
    at: float = 0.0
    disks: dict[Key, DiskView] = field(default_factory=dict)
    handles: dict[str, Key] = field(default_factory=dict)
    writes: dict[str, WriteView] = field(default_factory=dict)
    tapers: dict[str, TaperView] = field(default_factory=dict)
    dumpers: dict[str, str] = field(default_factory=dict)
    """dumper to the handle that it works on, ``""`` when idle."""
    volumes: list[VolumeView] = field(default_factory=list)
    holding: dict[str, e.HoldingFound] = field(default_factory=dict)
    files: dict[str, tuple[str, str, str, int, int]] = field(default_factory=dict)
    """whole dumps on the holding disk: file to (host, disk, datestamp, level, KiB)."""
    flushes: dict[str, e.FlushPlanned] = field(default_factory=dict)
    questions: dict[int, QuestionView] = field(default_factory=dict)
    estimating: set[str] = field(default_factory=set)
    notices: list[tuple[float, e.Notice]] = field(default_factory=list)
    deaths: list[tuple[float, e.ChildDied]] = field(default_factory=list)
    acts: list[tuple[float, e.OperatorActed]] = field(default_factory=list)
    degraded: dict[str, str] = field(default_factory=dict)
    paused: str = ""
    stopping: str = ""
    stopped_at: float = 0.0
    planned: bool = False
    setbacks: list[tuple[float, str, str, str]] = field(default_factory=list)
    """time, host, disk, and what cost that disk an attempt or made it stand still."""
    no_rooms: int = 0
    try_agains: int = 0

    @property
    def open_questions(self) -> list[QuestionView]:
        """Oldest first."""
        return [q for q in self.questions.values() if not q.closed]

    @property
    def live(self) -> bool:
        """Whether the journal has no end yet."""
        return self.began is not None and self.ended is None

    @property
    def stands_still(self) -> bool:
        """Whether no dump moves, and none will before there is room for it or the run is resumed."""
        return not self.count(DiskState.DUMPING) and bool(self.paused or self.count(DiskState.STALLED))

    def count(self, *states: DiskState) -> int:
        """How many disks are in one of these states."""
        return sum(1 for disk in self.disks.values() if disk.state in states)

    def apply_all(self, records: Iterable[Record]) -> None:
        """Apply records in order."""
        for record in records:
            self.apply(record)

    def apply(self, record: Record) -> None:
        """Take one fact in; one that is known already is ignored."""
        if record.seq <= self.seq:
            return
        self.seq, self.at = record.seq, record.at
        self._fold(record.event, record.at)

    def _disk(self, host: str, disk: str) -> DiskView:
        found = self.disks.get((host, disk))
        if found is None:
            found = self.disks[host, disk] = DiskView(host, disk)
        return found

    def _of(self, handle: str) -> DiskView | None:
        key = self.handles.get(handle)
        return self.disks.get(key) if key else None

    def _fold(self, event: e.Event, at: float) -> None:
        match event:
            case e.RunBegan():
                self.began, self.began_at = event, at
            case e.RunEnded():
                self.ended, self.ended_at = event, at
            case e.RunClosing():
                self.closing = event
            case e.HoldingFound():
                self.holding[event.path] = event
            case e.ChildBegan():
                self._child_began(event)
            case e.ChildDied():
                self.deaths.append((at, event))
            case e.EstimateBegan() | e.EstimateGot() | e.EstimateMissing() | e.DumpPlanned() | e.FlushPlanned():
                self._plan(event)
            case e.DiskSkipped() | e.PlanComplete():
                self._plan(event)
            case e.DumpBegan() | e.DumpStalled() | e.DumpResumed() | e.DumpStrange() | e.DumpEnded() | e.DumpRetried():
                self._dump(event, at)
            case e.DiskWaited():
                waited = self._disk(event.host, event.disk).waited
                waited[event.kind] = waited.get(event.kind, 0.0) + event.seconds
            case e.TaperWaited():
                self.tapers.setdefault(event.child, TaperView(event.child, event.storage)).waited[event.kind] = event.seconds
            case e.DiskEnded():
                self._disk_ended(event, at)
            case e.TaperReady() | e.TaperDown() | e.VolumeBegan() | e.VolumeDescribed() | e.VolumeEnded() | e.Degraded():
                self._tape(event)
            case e.WriteBegan() | e.PartWritten() | e.WriteEnded() | e.FileRemoved():
                self._write(event, at)
            case e.QuestionAsked():
                self.questions[event.id] = QuestionView(event, at)
            case e.QuestionClosed():
                if question := self.questions.get(event.id):
                    question.closed, question.choice, question.by = at, event.choice, event.by
                    question.argument = event.argument
            case e.OperatorActed():
                self.acts.append((at, event))
                self._acted(event)
            case e.Notice():
                self.notices.append((at, event))
            case e.Paused():
                self.paused = event.by
            case e.Resumed():
                self.paused = ""
            case e.Stopping():
                self.stopping, self.stopped_at = event.by, at
            case e.CopyVerified() | e.DiskDrilled():
                pass  # of the site, not of a run
            case other:
                assert_never(other)

    def _acted(self, event: e.OperatorActed) -> None:
        """Orders that have no fact of their own: what they changed on a disk that waits."""
        match event.order.partition(" ")[0], event.result:
            case ("HOLD" | "RELEASE" | "PRIORITY") as verb, "OK":
                with contextlib.suppress(BadLine, ValueError, IndexError):
                    _, host, name, *rest = split(event.order)
                    if disk := self.disks.get((host, name)):
                        if verb == "HOLD":
                            disk.state = DiskState.HELD
                        elif verb == "RELEASE":
                            disk.state = DiskState.RETRY if disk.retry_after else DiskState.PLANNED
                        else:
                            disk.priority = int(rest[0][:9])

    def _child_began(self, event: e.ChildBegan) -> None:
        if event.storage:
            self.tapers[event.child] = TaperView(event.child, event.storage)
        else:
            self.dumpers.setdefault(event.child, "")  # it may be told after its first dump began

    def _plan(
        self,
        event: e.EstimateBegan | e.EstimateGot | e.EstimateMissing | e.DumpPlanned | e.FlushPlanned | e.DiskSkipped
        | e.PlanComplete,
    ) -> None:
        match event:
            case e.EstimateBegan():
                self.estimating.add(event.host)
            case e.EstimateGot():
                self._disk(event.host, event.disk).estimates[event.level] = event.size
                self.estimating.discard(event.host)
            case e.EstimateMissing():
                self._disk(event.host, event.disk).message = event.message
                self.estimating.discard(event.host)
            case e.DumpPlanned():
                disk = self._disk(event.host, event.disk)
                disk.state, disk.level, disk.priority = DiskState.PLANNED, event.level, event.priority
                disk.estimate, disk.orig_estimate, disk.why = event.size, event.orig, event.why
                disk.seconds_estimate, disk.deg_level, disk.deg_size = event.seconds, event.deg_level, event.deg_size
            case e.FlushPlanned():
                self.flushes[event.file] = event
                self.files[event.file] = (event.host, event.disk, event.datestamp, event.level, event.size)
            case e.DiskSkipped():
                disk = self._disk(event.host, event.disk)
                disk.state = DiskState.FAILED if event.failed else DiskState.SKIPPED
                disk.message = event.message
            case e.PlanComplete():
                self.planned = True
                self.estimating.clear()
            case other:
                assert_never(other)

    def _dump(
        self,
        event: e.DumpBegan | e.DumpStalled | e.DumpResumed | e.DumpStrange | e.DumpEnded | e.DumpRetried,
        at: float,
    ) -> None:
        match event:
            case e.DumpBegan():
                disk = self._disk(event.host, event.disk)
                self.handles[event.handle] = (event.host, event.disk)
                disk.state, disk.handle, disk.child, disk.level = DiskState.DUMPING, event.handle, event.child, event.level
                disk.began, disk.attempt, disk.file, disk.message = at, event.attempt, event.file, ""
                disk.estimate = event.estimate
                self.dumpers[event.child] = event.handle
            case e.DumpStalled():
                self.no_rooms += 1
                if found := self._of(event.handle):
                    found.state, found.missing, found.stalled = DiskState.STALLED, event.missing, at
                    if event.why == "disk":
                        self.setbacks.append((at, found.host, found.disk, f"the file system of {found.file} took no more"))
            case e.DumpResumed():
                if found := self._of(event.handle):
                    found.state, found.stalled = DiskState.DUMPING, 0.0
            case e.DumpStrange():
                self._disk(event.host, event.disk).strange = event.text
            case e.DumpEnded():
                self._dump_ended(event, at)
            case e.DumpRetried():
                disk = self._disk(event.host, event.disk)
                self.try_agains += 1
                disk.state, disk.retry_after, disk.message = DiskState.RETRY, event.after, event.reason
                disk.attempt, disk.attempts = event.attempt, event.attempts
                told = f"attempt {event.attempt} of {event.attempts}: {event.reason}" if event.attempt else event.reason
                self.setbacks.append((at, event.host, event.disk, told))
            case other:
                assert_never(other)

    def _dump_ended(self, event: e.DumpEnded, at: float) -> None:
        disk = self._disk(event.host, event.disk)
        self.dumpers[disk.child] = ""
        disk.ended, disk.size, disk.orig, disk.seconds = at, event.size, event.orig, event.seconds
        disk.message = event.message
        if event.outcome in ("done", "strange"):
            disk.state = DiskState.DUMPED
            if event.file and self.began:
                self.files[event.file] = (event.host, event.disk, self.began.datestamp, event.level, event.size)
        else:
            disk.file = ""

    def _disk_ended(self, event: e.DiskEnded, at: float) -> None:
        disk = self._disk(event.host, event.disk)
        disk.state, disk.ended = _STATES.get(event.outcome, DiskState.FAILED), disk.ended or at
        if event.level >= 0:
            disk.level = event.level
        disk.message = event.message or disk.message

    def _tape(
        self, event: e.TaperReady | e.TaperDown | e.VolumeBegan | e.VolumeDescribed | e.VolumeEnded | e.Degraded
    ) -> None:
        match event:
            case e.TaperReady():
                taper = self.tapers.setdefault(event.child, TaperView(event.child, event.storage))
                taper.state, taper.drive, taper.next_label = "ready", event.drive, event.label
                self.degraded.pop(event.storage, None)  # a volume has come
            case e.TaperDown():
                taper = self.tapers.setdefault(event.child, TaperView(event.child, event.storage))
                taper.state, taper.message = "down", event.message
            case e.VolumeBegan():
                taper = self.tapers.setdefault(event.child, TaperView(event.child, event.storage))
                taper.label, taper.volume_size, taper.volume_parts = event.label, 0, 0
                self.volumes.append(VolumeView(event.storage, event.label, event.number, event.capacity))
            case e.VolumeDescribed():
                self._grow(event.storage, event.label, event.size)
            case e.VolumeEnded():
                for volume in self.volumes:
                    if (volume.storage, volume.label) == (event.storage, event.label):
                        volume.closed, volume.size, volume.parts = True, event.size, event.parts
            case e.Degraded():
                self.degraded[event.storage] = event.reason
            case other:
                assert_never(other)

    def _write(self, event: e.WriteBegan | e.PartWritten | e.WriteEnded | e.FileRemoved, at: float) -> None:
        match event:
            case e.WriteBegan():
                self.writes[event.handle] = WriteView(
                    event.handle, event.child, event.storage, event.host, event.disk, event.datestamp, event.level,
                    event.file, event.size, at)
                if taper := self.tapers.get(event.child):
                    taper.state, taper.handle = "writing", event.handle
                disk = self.disks.get((event.host, event.disk))
                if disk and self._is_tonights(event.datestamp) and disk.state is DiskState.DUMPED:
                    disk.state = DiskState.WRITING
            case e.PartWritten():
                self._part(event)
            case e.WriteEnded():
                if write := self.writes.get(event.handle):
                    write.ended, write.outcome, write.message = at, event.outcome, event.message
                    write.written, write.parts = event.size, event.parts
                    if taper := self.tapers.get(write.child):
                        taper.handle = ""
                        taper.state = "ready" if taper.state == "writing" else taper.state
                ended = self.disks.get((event.host, event.disk))
                if event.outcome != "done":
                    self.setbacks.append((at, event.host, event.disk, f"writing it to a volume: {event.message}"))
                    if ended and write:  # what it wrote is no copy of anything
                        void = set(write.places)  # of a large dump there are very many
                        ended.parts = [part for part in ended.parts if part not in void]
                if ended and ended.state is DiskState.WRITING:
                    ended.state = DiskState.DUMPED
            case e.FileRemoved():
                self.files.pop(event.file, None)
            case other:
                assert_never(other)

    def _part(self, event: e.PartWritten) -> None:
        self._grow(event.storage, event.label, event.size)
        write = self.writes.get(event.handle)
        if write is None:
            return
        write.written += event.size
        write.parts += 1
        if taper := self.tapers.get(write.child):
            taper.volume_size += event.size
            taper.volume_parts += 1
        disk = self.disks.get((write.host, write.disk))
        if disk and self._is_tonights(write.datestamp):
            disk.parts.append((event.storage, event.label, event.fileno))
            write.places.append(disk.parts[-1])

    def _grow(self, storage: str, label: str, size: int) -> None:
        for volume in self.volumes:
            if (volume.storage, volume.label) == (storage, label):
                volume.size += size
                volume.parts += 1

    def _is_tonights(self, datestamp: str) -> bool:
        return self.began is not None and datestamp == self.began.datestamp
