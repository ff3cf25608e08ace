"""What goes to which volume, and what happens when a volume or a taper fails.

Each storage has one taper and a queue of whole dumps.  A holding file is removed when every storage that needs it has
it.  How many volumes a run may fill is decided here (runtapes); which one it is, by the taper.  Waiting for a volume
and degraded mode are in `core.engine.tape_waiting`.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.engine import closing, dumping, parts, questions, tape_waiting
from core.engine.effects import Effect, Journal, Kill, RemoveFile, StartTaper, Tell
from core.engine.state import Held, Phase, Question, State, Tape, Write
from core.engine.tape_waiting import close_volume, code_of, give_up, told
from core.events import event as e
from core.model.dump import Stats
from core.model.units import Handle, show_duration
from core.protocol import taper

ATTEMPTS = 2
"""How often one dump is tried on one storage in one run."""


def start(state: State, child: str, storage: str) -> Iterator[Effect]:
    """A taper process is to be started."""
    runtapes = state.site.storages[storage].runtapes or state.site.run.runtapes
    tape = state.tapes[child] = Tape(child, storage, runtapes)
    yield StartTaper(child, storage)
    yield told(state, tape, taper.StartTaper(state.datestamp))


def pump(state: State) -> Iterator[Effect]:
    """Give each idle taper the next dump; one that is wanted straight from a dumper has its turn in `dumping.fill`."""
    for tape in state.tapes.values():
        if tape.state != "ready" or tape.write or tape.direct or not tape.queue or state.stop_now:
            continue
        if state.stopping and not any(job.active for job in state.jobs.values()):
            continue
        write = _choose(state, tape)
        write.attempts += 1
        write.handle = state.new_handle(90)
        write.began, write.parts, write.written = state.now, 0, 0
        parts.begin(tape)
        tape.write, tape.state = write, "busy"
        state.writes[write.handle] = write
        yield Journal(e.WriteBegan(
            write.handle, tape.child, tape.storage, write.host, write.disk, write.datestamp, write.level, write.file,
            write.size))
        yield told(state, tape, taper.FileWrite(
            Handle(write.handle), write.file, write.host, write.disk, write.level, write.datestamp))


def _choose(state: State, tape: Tape) -> Write:
    algorithm = state.site.run.taperalgo
    if algorithm == "largest":
        chosen = max(tape.queue, key=lambda w: w.size)
    elif algorithm == "smallest":
        chosen = min(tape.queue, key=lambda w: w.size)
    elif algorithm == "last":
        chosen = tape.queue[-1]
    else:
        chosen = tape.queue[0]
    tape.queue.remove(chosen)
    return chosen


def heard(state: State, tape: Tape, message: taper.Report) -> Iterator[Effect]:
    """A taper's word."""
    if not isinstance(message, taper.Progress) or parts.moves(state, tape, message.size):
        tape.silent_since = state.now
    if isinstance(message, taper.BadCommand):
        yield from broken(state, tape, f"did not understand the driver: {message.message}")
        return
    handle = getattr(message, "handle", "")
    if handle and not state.gave(handle):
        yield from broken(state, tape, f"spoke of a dump that nobody ordered: {handle[:40]}")
        return
    if handle and handle != _handle(state, tape):
        return  # of a write that is over
    match message:
        case taper.TaperOk(drive, label):
            yield from tape_waiting.ready(state, tape, drive or "", label or "")
        case taper.TaperError(text):
            yield from tape_waiting.refused(state, tape, code_of(text), text)
        case taper.RequestNewTape(handle, text):
            yield from _left(state, tape, text)
            yield from _permit(state, tape, handle)
        case taper.RequestOperator(code, text):
            yield from tape_waiting.ask(state, tape, "operator", code, text)
        case taper.NewTape(_, label, text):
            yield from _left(state, tape, text)
            yield from _began(state, tape, label or "")
        case taper.Port(port):
            yield from dumping.opened(state, tape, port)
        case taper.PartDone():
            yield from _part(state, tape, message)
        case taper.Described():
            yield from closing.described(state, tape, message)
        case taper.Progress(_, size):
            if tape.write is not None:
                tape.write.written = size
        case taper.Done(_, text):
            yield from _ended(state, tape, "done", text)
        case taper.TryAgain(_, text):
            yield from _ended(state, tape, "try-again", text)
        case taper.TapeError(_, text):
            yield from _ended(state, tape, "failed", text)
        case taper.Quiting():
            tape.state = "down"


def _left(state: State, tape: Tape, text: str) -> Iterator[Effect]:
    """A volume is left for a fault: that costs no dump, but the operator should know."""
    if text:
        yield Journal(e.Notice(code_of(text), "W", tape.storage, text.removeprefix(f"{code_of(text)} ")))


def on_tick(state: State) -> Iterator[Effect]:
    """What time alone does to storages: another look for a volume, and the end of a taper that is stuck."""
    for tape in tape_waiting.stuck(state):
        state.attention = True
        patience = show_duration(state.site.run.child_timeout)
        yield from broken(state, tape, f"said nothing for {patience}: its drive or changer is stuck")
    yield from tape_waiting.look_again(state)


def answered(state: State, question: Question, choice: str, argument: str, by: str) -> Iterator[Effect]:
    """The operator's word on a storage without a volume."""
    tape = state.tapes[question.subject]
    yield from questions.close(state, question, choice, argument, by)
    tape.question = 0
    handle = Handle(_handle(state, tape))
    if question.about == "operator":
        if choice == "done":
            yield told(state, tape, taper.NewTape(handle))
        else:
            tape.refused, tape.final = True, not tape_waiting.is_world(by)
            yield told(state, tape, taper.NoNewTape(handle, f"{by} chose to go on without a volume"))
    elif choice == "done":
        if tape.state == "waiting":
            tape.state = "starting"
            yield Tell(tape.child, taper.CloseVolume())  # no look at a glance: somebody says that things are different
            yield told(state, tape, taper.StartTaper(state.datestamp))
    else:
        yield from give_up(state, tape, question.asked.text, final=not tape_waiting.is_world(by))


def _handle(state: State, tape: Tape) -> str:
    if tape.write is not None:
        return tape.write.handle
    return tape.direct_handle if tape.direct else ""


def _permit(state: State, tape: Tape, handle: Handle) -> Iterator[Effect]:
    if tape.volumes < tape.runtapes and not state.stop_now:
        yield told(state, tape, taper.NewTape(handle))
        return
    text = f"{tape.volumes} {'volume' if tape.volumes == 1 else 'volumes'} filled, runtapes = {tape.runtapes} allows no more"
    yield told(state, tape, taper.NoNewTape(handle, text))


def _began(state: State, tape: Tape, label: str) -> Iterator[Effect]:
    if label == tape.label:
        yield from broken(state, tape, f"began volume {label} twice" if label else "began a volume without a label")
        return
    yield from _on_volume(state, tape, label)


def _on_volume(state: State, tape: Tape, label: str) -> Iterator[Effect]:
    yield from questions.withdraw(state, tape.question)
    tape.question = 0
    yield from close_volume(tape)
    tape.volumes += 1
    tape.label, tape.volume_size, tape.volume_parts = label, 0, 0
    tape.labels.add(label)
    capacity = state.site.storages[tape.storage].capacity
    yield Journal(e.VolumeBegan(tape.child, tape.storage, label, tape.volumes, capacity))


def _part(state: State, tape: Tape, message: taper.PartDone) -> Iterator[Effect]:
    if not parts.report(tape, message):
        yield Journal(e.Notice("TAP024", "W", tape.storage, (
            f"{tape.child} reported file {message.fileno} of {message.label} twice; it counts once")))
        return
    if message.label not in tape.labels:
        yield Journal(e.Notice("TAP025", "W", tape.storage, (
            f"{tape.child} wrote on volume {message.label} and had not said that it began it")))
        yield from _on_volume(state, tape, message.label)
    tape.volume_size += message.size
    tape.volume_parts += 1
    number = 0
    if tape.write is not None:
        tape.write.parts += 1
        number = tape.write.parts
    elif job := (state.jobs.get(tape.direct) if tape.direct else None):
        job.written += message.size
        tape.direct_parts += 1
        number = tape.direct_parts
    yield Journal(e.PartWritten(
        message.handle, tape.storage, message.label, message.fileno, number, message.size, _crc_of(message.message)))


def _crc_of(text: str) -> str:
    words = text.split()
    return words[words.index("crc") + 1] if "crc" in words[:-1] else ""


def _ended(state: State, tape: Tape, outcome: str, text: str) -> Iterator[Effect]:
    if outcome == "done" and (lost := parts.lost(tape, text)):
        yield Journal(e.Notice("TAP025", "W", tape.storage, f"{tape.child} says that a dump is written: {lost}"))
        outcome, text = "try-again", lost
    yield from questions.withdraw(state, tape.question)
    tape.question = 0
    if tape.state != "down":
        tape.state = "ready"
    if tape.direct is not None:
        yield from _direct_ended(state, tape, outcome, text)
        return
    write, tape.write = tape.write, None
    if write is None:
        return
    state.writes.pop(write.handle, None)
    yield Journal(_write_ended(tape, write, outcome, text, state.now))
    held = state.held.get(write.file)
    if outcome == "done":
        tape.returns = 0
        if held is not None:
            held.pending.discard(tape.storage)
            yield from _placed(state, held, tape.storage)
    elif outcome == "failed":
        yield from _bad_volume(state, tape, write, text)
    else:
        yield from _bad_input(state, tape, write, text)


def _write_ended(tape: Tape, write: Write, outcome: str, text: str, now: float) -> e.WriteEnded:
    size, seconds, crc = write.size, now - write.began, ""
    if outcome == "done":
        try:
            stats = Stats.parse(text)
            size, seconds, crc, text = stats.kib, stats.seconds, str(stats.server), ""
        except ValueError:
            pass
    return e.WriteEnded(
        write.handle, tape.storage, write.host, write.disk, write.datestamp, write.level, outcome, text, write.file,
        size, write.parts, seconds, crc)


def _placed(state: State, held: Held, storage: str) -> Iterator[Effect]:
    job = state.jobs.get((held.host, held.disk))
    mine = job is not None and held.datestamp == state.datestamp and job.phase is Phase.DUMPED
    if mine and job is not None:
        job.pending.discard(storage)
    if held.pending:
        return
    yield RemoveFile(held.file)
    yield Journal(e.FileRemoved(held.file, "on volume"))
    free(state, held)
    if mine and job is not None:
        yield from dumping.end(state, job, "strange" if job.strange else "done", "")


def free(state: State, held: Held) -> None:
    """A holding file is gone: its space is free again."""
    state.held.pop(held.file, None)
    for extent in held.extents:
        hold = state.holds.get(extent.path)
        if hold is not None:
            hold.free += extent.size
            if held.foreign:
                hold.total += extent.size
            if held.level == 0 and not held.foreign:
                hold.full_total -= extent.size


def _bad_volume(state: State, tape: Tape, write: Write, text: str) -> Iterator[Effect]:
    yield from close_volume(tape)
    if write.attempts < ATTEMPTS and tape.volumes < tape.runtapes and tape.usable and not tape.refused:
        tape.queue.appendleft(write)
        return
    yield from give_up(state, tape, text, final=tape.volumes >= tape.runtapes)


def _bad_input(state: State, tape: Tape, write: Write, text: str) -> Iterator[Effect]:
    if write.attempts < ATTEMPTS and tape.usable:
        tape.queue.append(write)
        return
    state.attention = True
    yield Journal(e.Notice("HLD007", "E", f"{write.host}:{write.disk}", (
        f"{write.file} cannot be read back: {text}; it stays where it is and is not on {tape.storage}")))
    job = state.jobs.get((write.host, write.disk))
    held = state.held.get(write.file)
    if held is not None:
        held.pending.discard(tape.storage)
    if job is None or write.datestamp != state.datestamp or job.phase is not Phase.DUMPED:
        return
    if held is not None:
        # A dump that cannot be read back is no dump: make another one, the bad file stays for whoever looks.
        state.held.pop(write.file, None)
        for extent in held.extents:
            if extent.path in state.holds:
                state.holds[extent.path].total -= extent.size  # the bad file stays and takes its room
        for other in state.tapes.values():
            for waiting in [w for w in other.queue if w.file == write.file]:
                other.queue.remove(waiting)
    job.direct = True
    yield from dumping.again(state, job, text, delay=0.0)


def _direct_ended(state: State, tape: Tape, outcome: str, text: str) -> Iterator[Effect]:
    job = state.jobs.get(tape.direct) if tape.direct else None
    tape.direct = None
    if job is None:
        return
    write = Write(
        "", *job.key, state.datestamp, job.level, job.written, tape.storage, 1, tape.direct_handle, job.began,
        tape.direct_parts)
    yield Journal(_write_ended(tape, write, outcome, text, state.now))
    if outcome == "failed":
        yield from close_volume(tape)
        if tape.volumes >= tape.runtapes or tape.refused:
            yield from give_up(state, tape, text, final=tape.volumes >= tape.runtapes)
    if job.taper != tape.child or job.handle != tape.direct_handle:
        return
    job.tape_ended = "done" if outcome == "done" else text or f"TAP029 {tape.child} failed and did not say why"
    if job.phase is Phase.OPENING:
        dumper = state.dumpers[job.child]
        dumping.release(state, dumper, job)
        job.phase = Phase.DUMPED
    yield from dumping.finish_direct(state, job)


def cut_off(state: State, tape: Tape, reason: str) -> Iterator[Effect]:
    """End a write at once; what is on the volume of it is no whole dump, and the holding file stays."""
    yield Kill(tape.child)
    tape.deaths = ATTEMPTS
    yield from _ended(state, tape, "failed", reason)
    yield from give_up(state, tape, reason)


def broken(state: State, tape: Tape, why: str) -> Iterator[Effect]:
    """A taper that can be trusted no more, or whose drive or changer does not answer, is ended."""
    yield Journal(e.ChildDied(tape.child, f"was ended: it {why}", ""))
    yield Kill(tape.child)
    yield from died(state, tape, why)


def died(state: State, tape: Tape, status: str) -> Iterator[Effect]:
    """A taper process is gone: once it is started again and what it wrote is written again."""
    tape.deaths += 1
    tape.looking = False
    once = tape.deaths == 1
    if tape.write is not None and once:
        tape.write.attempts = min(tape.write.attempts, ATTEMPTS - 1)  # not the file's fault
    yield from _ended(state, tape, "try-again" if once and tape.usable else "failed", f"TAP027 {tape.child} died: {status}")
    if not once or tape.final:
        yield from give_up(state, tape, f"TAP027 the taper died twice: {status}")
        return
    if tape.usable:
        tape.state = "starting"
    else:
        tape.looking = True
    yield StartTaper(tape.child, tape.storage)
    yield told(state, tape, taper.StartTaper(state.datestamp))
