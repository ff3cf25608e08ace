"""One line of text for each fact of a run, for `--batch`, `status --follow` and logs.

A pure function of the record and of the view that has it already.  None: the fact says nothing that an operator would
read line by line (estimates that came, children that began, files removed after they were written).
"""

from __future__ import annotations

from typing import assert_never

from core.events import event as e
from core.events.event import Record
from core.events.view import RunView
from core.model.units import show_kib
from core.report.text import clean, clock, count, name_of, rate, took


def line_of(record: Record, view: RunView) -> str | None:
    """What ``record`` says, without its time; printable, whatever a journal from elsewhere has in its names."""
    line = _said(record, view)
    return None if line is None else clean(line)


def _said(record: Record, view: RunView) -> str | None:
    event = record.event
    match event:
        case e.RunClosing():
            return None
        case e.RunBegan() | e.RunEnded() | e.HoldingFound() | e.ChildBegan() | e.ChildDied():
            return _run(event)
        case e.EstimateBegan() | e.EstimateGot() | e.EstimateMissing() | e.DumpPlanned() | e.FlushPlanned():
            return _plan(event)
        case e.DiskSkipped() | e.PlanComplete():
            return _plan(event)
        case e.DumpBegan() | e.DumpStalled() | e.DumpResumed() | e.DumpStrange() | e.DumpEnded() | e.DumpRetried():
            return _dump(event, record.at, view)
        case e.DiskWaited() | e.TaperWaited():
            return None
        case e.DiskEnded():
            return _disk_ended(event, view)
        case e.TaperReady() | e.TaperDown() | e.VolumeBegan() | e.VolumeDescribed() | e.VolumeEnded() | e.Degraded():
            return _tape(event)
        case e.WriteBegan() | e.PartWritten() | e.WriteEnded() | e.FileRemoved():
            return _write(event, view)
        case e.QuestionAsked() | e.QuestionClosed() | e.OperatorActed() | e.Notice():
            return _operator(event, view)
        case e.Paused() | e.Resumed() | e.Stopping():
            return _operator(event, view)
        case e.CopyVerified() | e.DiskDrilled():
            return None  # of the site, not of a run
        case other:
            assert_never(other)


def choices_of(asked: e.QuestionAsked) -> list[str]:
    """The command that makes each choice, and what follows from it."""
    words = ((f"{clean(choice.name)} {clean(choice.argument).upper()}".strip(), choice.effect) for choice in asked.choices)
    return [f"taperoom reply {asked.id} {word}: {clean(effect)}" for word, effect in words]


def _of(view: RunView, handle: str) -> str:
    key = view.handles.get(handle)
    if key is not None:
        return name_of(*key)
    write = view.writes.get(handle)
    return name_of(write.host, write.disk) if write else handle


def _because(message: str) -> str:
    return f": {clean(message)}" if message else ""


def _run(event: e.RunBegan | e.RunEnded | e.HoldingFound | e.ChildBegan | e.ChildDied) -> str | None:
    match event:
        case e.RunBegan():
            what = f"{count(event.disks, 'disk')} on {count(event.hosts, 'client')}"
            return f"run {event.datestamp} of {clean(event.org)} began: {what}, by {clean(event.by)}"
        case e.RunEnded():
            left = f", {count(event.left_on_holding, 'dump')} left on holding disk" if event.left_on_holding else ""
            return f"run ended: {event.done} done, {event.failed} failed{left}; exit code {event.code}"
        case e.HoldingFound():
            return f"holding disk {clean(event.path)}: {show_kib(event.use)} to use of {show_kib(event.total)}"
        case e.ChildBegan():
            return None
        case e.ChildDied():
            said = clean(event.tail.strip().splitlines()[-1]) if event.tail.strip() else ""
            return f"{event.code}E DIED {event.child}: {clean(event.status)}{_because(said)}"
        case other:
            assert_never(other)


def _plan(
    event: e.EstimateBegan | e.EstimateGot | e.EstimateMissing | e.DumpPlanned | e.FlushPlanned | e.DiskSkipped
    | e.PlanComplete,
) -> str | None:
    match event:
        case e.EstimateBegan():
            return f"asking {clean(event.host)} for sizes"
        case e.EstimateGot():
            return None
        case e.EstimateMissing():
            return f"NO SIZE of {name_of(event.host, event.disk)}{_because(event.message)}"
        case e.DumpPlanned():
            why = f" ({clean(event.why)})" if event.why else ""
            return f"planned {name_of(event.host, event.disk)} level {event.level}, {show_kib(event.size)}{why}"
        case e.FlushPlanned():
            dump = f"{name_of(event.host, event.disk)} level {event.level} of {event.datestamp}"
            return f"to flush: {dump}, {show_kib(event.size)}"
        case e.DiskSkipped():
            word = "FAILED" if event.failed else "skipped"
            return f"{word} {name_of(event.host, event.disk)}{_because(event.message)}"
        case e.PlanComplete():
            flushes = f", {count(event.flushes, 'dump')} to flush" if event.flushes else ""
            return f"the plan is complete: {count(event.dumps, 'dump')}{flushes}"
        case other:
            assert_never(other)


def _dump(
    event: e.DumpBegan | e.DumpStalled | e.DumpResumed | e.DumpStrange | e.DumpEnded | e.DumpRetried, at: float,
    view: RunView,
) -> str:
    match event:
        case e.DumpBegan():
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            where = "straight to tape" if event.target == "tape" else "to holding disk"
            return f"dumping {name_of(event.host, event.disk)} level {event.level} {where} ({event.child}{again})"
        case e.DumpStalled():
            return f"HLD024W NO-ROOM {_of(view, event.handle)}: {show_kib(event.missing)} missing{_because(event.why)}"
        case e.DumpResumed():
            return f"CONTINUE {_of(view, event.handle)}: {show_kib(event.use)} more"
        case e.DumpStrange():
            first = next((line for line in event.text.splitlines() if line.strip()), "")
            return f"STRANGE {name_of(event.host, event.disk)}{_because(first)}"
        case e.DumpEnded():
            disk = f"{name_of(event.host, event.disk)} level {event.level}"
            if event.outcome not in ("done", "strange"):
                return f"{event.outcome.upper()} {disk}{_because(event.message)}"
            speed = rate(event.orig or event.size, event.seconds)
            times = f" in {took(event.seconds)}{f', {speed}' if speed else ''}"
            return f"dumped {disk}: {show_kib(event.size)}{times}"
        case e.DumpRetried():
            attempts = f"attempt {event.attempt} of {event.attempts} did not work, " if event.attempt else ""
            when = f"again at {clock(event.after)}" if event.after > at else "again at once"
            return f"TRY-AGAIN {name_of(event.host, event.disk)}: {attempts}{when}{_because(event.reason)}"
        case other:
            assert_never(other)


def _disk_ended(event: e.DiskEnded, view: RunView) -> str | None:
    """Only what the attempts, the parts and the strange lines have not told already."""
    name = name_of(event.host, event.disk)
    if event.outcome in ("done", "strange"):
        return f"{name}: {clean(event.message)}" if event.message else None
    disk = view.disks.get((event.host, event.disk))
    told = disk is not None and disk.handle != "" and event.outcome == "failed"
    return f"{event.outcome.upper()} for tonight: {name}{'' if told else _because(event.message)}"


def _tape(
    event: e.TaperReady | e.TaperDown | e.VolumeBegan | e.VolumeDescribed | e.VolumeEnded | e.Degraded
) -> str:
    match event:
        case e.TaperReady():
            label = f", next volume {clean(event.label)}" if event.label else ""
            return f"storage {event.storage} is ready ({clean(event.drive or event.child)}{label})"
        case e.TaperDown():
            return f"NO VOLUME in storage {event.storage}{_because(event.message)}"
        case e.VolumeBegan():
            return f"volume {clean(event.label)} of storage {event.storage} began, number {event.number} of this run"
        case e.VolumeDescribed():
            return f"volume {clean(event.label)} describes itself in file {event.fileno}: {show_kib(event.size)}"
        case e.VolumeEnded():
            held = f"{show_kib(event.size)} in {count(event.parts, 'part')}"
            return f"volume {clean(event.label)} of storage {event.storage} ended: {held}"
        case e.Degraded():
            return f"DEGRADED: storage {event.storage} takes nothing{_because(event.reason)}"
        case other:
            assert_never(other)


def _write(event: e.WriteBegan | e.PartWritten | e.WriteEnded | e.FileRemoved, view: RunView) -> str | None:
    match event:
        case e.WriteBegan():
            dump = f"{name_of(event.host, event.disk)} level {event.level}"
            return f"writing {dump} to storage {event.storage}, {show_kib(event.size)}"
        case e.PartWritten():
            where = f"{clean(event.label)} file {event.fileno}"
            return f"part {event.part} of {_of(view, event.handle)} is on {where}: {show_kib(event.size)}"
        case e.WriteEnded():
            dump = f"{name_of(event.host, event.disk)} level {event.level}"
            if event.outcome != "done":
                return f"{event.outcome.upper()} writing {dump} to storage {event.storage}{_because(event.message)}"
            parts = count(event.parts, "part")
            return f"wrote {dump} to storage {event.storage}: {show_kib(event.size)}, {parts}"
        case e.FileRemoved():
            return None
        case other:
            assert_never(other)


def _operator(
    event: e.QuestionAsked | e.QuestionClosed | e.OperatorActed | e.Notice | e.Paused | e.Resumed | e.Stopping,
    view: RunView,
) -> str:
    match event:
        case e.QuestionAsked():
            choices = "|".join(choice.name for choice in event.choices)
            due = f"default {event.default} at {clock(event.deadline)}"
            head = f"REQUEST {event.id} {event.code}{event.severity} {clean(event.subject)}"
            return f"{head}: {clean(event.said)} [{choices}] {due}"
        case e.QuestionClosed():
            said = f"{event.choice} {event.argument}".strip()
            if not said:
                return f"request {event.id} is withdrawn: {'the run is stopping' if view.stopping else 'the world answered it'}"
            return f"request {event.id} is answered: {clean(said)}, by {clean(event.by)}"
        case e.OperatorActed():
            return f"order of {clean(event.by)}: {clean(event.order)}{_because(event.result)}"
        case e.Notice():
            return f"{event.code}{event.severity} {clean(event.subject)}{_because(event.text)}"
        case e.Paused():
            return f"RUN047W PAUSED by {clean(event.by)}: no new dump is started"
        case e.Resumed():
            return f"resumed by {clean(event.by)}"
        case e.Stopping():
            when = "now" if event.now else "after the dumps under way"
            return f"RUN048W STOPPING {when}, by {clean(event.by)}"
        case other:
            assert_never(other)
