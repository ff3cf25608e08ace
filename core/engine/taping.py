"""What goes to which volume, and what happens when a volume or a taper fails.

Each storage has one taper and a queue of whole dumps.  A holding file is removed when every storage that needs it has
it.  How many volumes a run may fill is decided here (runtapes); which one it is, by the taper.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.engine import dumping, questions
from core.engine.effects import Effect, Journal, Kill, RemoveFile, StartTaper, Tell
from core.engine.state import Held, Phase, Question, State, Tape, Write
from core.events import event as e
from core.model.dump import Stats
from core.model.units import Handle, show_kib
from core.protocol import taper

LOOK_AGAIN = 10.0
"""Seconds between two looks for a volume while a request for one is open."""
ATTEMPTS = 2
"""How often one dump is tried on one storage in one run."""


def start(state: State, child: str, storage: str) -> Iterator[Effect]:
    """A taper process is to be started."""
    runtapes = state.site.storages[storage].runtapes or state.site.run.runtapes
    state.tapes[child] = Tape(child, storage, runtapes)
    yield StartTaper(child, storage)
    yield Tell(child, taper.StartTaper(state.datestamp))


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
        tape.write, tape.state = write, "busy"
        state.writes[write.handle] = write
        yield Journal(e.WriteBegan(
            write.handle, tape.child, tape.storage, write.host, write.disk, write.datestamp, write.level, write.file,
            write.size))
        yield Tell(tape.child, taper.FileWrite(
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
    match message:
        case taper.TaperOk(drive, label):
            tape.state = "ready"
            yield from questions.withdraw(state, tape.question)
            tape.question = 0
            yield Journal(e.TaperReady(tape.child, tape.storage, drive or "", label or ""))
        case taper.TaperError(text):
            tape.state, tape.look_again = "waiting", state.now + LOOK_AGAIN
            yield from _ask(state, tape, "taper", _code_of(text), text)
        case taper.RequestNewTape(handle):
            yield from _permit(state, tape, handle)
        case taper.RequestOperator(code, text):
            yield from _ask(state, tape, "operator", code, text)
        case taper.NewTape(_, label):
            yield from _began(state, tape, label or "")
        case taper.Port(port):
            yield from dumping.opened(state, tape, port)
        case taper.PartDone():
            yield from _part(state, tape, message)
        case taper.Progress(_, size):
            if tape.write is not None:
                tape.write.written = size
        case taper.Done(_, text):
            yield from _ended(state, tape, "done", text)
        case taper.TryAgain(_, text):
            yield from _ended(state, tape, "try-again", text)
        case taper.TapeError(_, text):
            yield from _ended(state, tape, "failed", text)
        case taper.BadCommand(text):
            yield Kill(tape.child)
            yield from died(state, tape, f"did not understand the driver: {text}")
        case taper.Quiting():
            tape.state = "down"


def _code_of(text: str) -> str:
    """The code that a taper's message begins with; without one it is the plain "no volume"."""
    code = text.partition(" ")[0]
    return code if len(code) == 6 and code[:3].isupper() and code[3:].isdigit() else "TAP012"


def look_again(state: State) -> Iterator[Effect]:
    """While a storage waits for hands: see whether the volume is there by now, so that the request withdraws itself."""
    for tape in state.tapes.values():
        question = state.questions.get(tape.question)
        if question and question.about == "taper" and tape.state == "waiting" and state.now >= tape.look_again:
            tape.state = "starting"
            yield Tell(tape.child, taper.StartTaper(state.datestamp))


def _ask(state: State, tape: Tape, about: str, code: str, text: str) -> Iterator[Effect]:
    if state.stopping:
        yield from give_up(state, tape, text)
        return
    if tape.question in state.questions:
        return
    waiting = sum(write.size for write in tape.queue) + (tape.write.size if tape.write else 0)
    yield from questions.ask(
        state, about, tape.child, code=code, severity="A", title=tape.storage, text=text,
        choices=[
            e.Choice("done", "the volumes are looked at again"),
            e.Choice("degrade", (f"nothing more goes to {tape.storage} tonight: {show_kib(waiting)} stay on the holding "
                                 "disk, fulls without room become incrementals"))],
        default="degrade", patience=state.site.run.request_deadline,
        handle=tape.write.handle if tape.write else "")
    tape.question = state.asked


def answered(state: State, question: Question, choice: str, argument: str, by: str) -> Iterator[Effect]:
    """The operator's word on a storage without a volume."""
    tape = state.tapes[question.subject]
    yield from questions.close(state, question, choice, argument, by)
    tape.question = 0
    handle = _handle(state, tape)
    if question.about == "operator":
        if choice == "done":
            yield Tell(tape.child, taper.NewTape(Handle(handle)))
        else:
            tape.refused = True
            yield Tell(tape.child, taper.NoNewTape(Handle(handle), f"{by} chose to go on without a volume"))
    elif choice == "done":
        if tape.state == "waiting":
            tape.state = "starting"
            yield Tell(tape.child, taper.StartTaper(state.datestamp))
    else:
        yield from give_up(state, tape, question.asked.text)


def _handle(state: State, tape: Tape) -> str:
    if tape.write is not None:
        return tape.write.handle
    job = state.jobs.get(tape.direct) if tape.direct else None
    return job.handle if job else ""


def _permit(state: State, tape: Tape, handle: Handle) -> Iterator[Effect]:
    if tape.volumes < tape.runtapes and not state.stop_now:
        yield Tell(tape.child, taper.NewTape(handle))
        return
    text = f"{tape.volumes} volumes filled, runtapes = {tape.runtapes} allows no more"
    yield Tell(tape.child, taper.NoNewTape(handle, text))


def _began(state: State, tape: Tape, label: str) -> Iterator[Effect]:
    yield from questions.withdraw(state, tape.question)
    tape.question = 0
    yield from close_volume(tape)
    tape.volumes += 1
    tape.label, tape.volume_size, tape.volume_parts = label, 0, 0
    capacity = state.site.storages[tape.storage].capacity
    yield Journal(e.VolumeBegan(tape.child, tape.storage, label, tape.volumes, capacity))


def close_volume(tape: Tape) -> Iterator[Effect]:
    """The volume that was written so far is ended."""
    if tape.label:
        yield Journal(e.VolumeEnded(tape.child, tape.storage, tape.label, tape.volume_size, tape.volume_parts))
        tape.label = ""


def _part(state: State, tape: Tape, message: taper.PartDone) -> Iterator[Effect]:
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
                hold.full_total = max(0, hold.full_total - held.size)


def _bad_volume(state: State, tape: Tape, write: Write, text: str) -> Iterator[Effect]:
    yield from close_volume(tape)
    if write.attempts < ATTEMPTS and tape.volumes < tape.runtapes and tape.usable and not tape.refused:
        tape.queue.appendleft(write)
        return
    yield from give_up(state, tape, text)


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
            yield from give_up(state, tape, text)
    if job.taper != tape.child or job.handle != tape.direct_handle:
        return
    job.tape_ended = "done" if outcome == "done" else text or "the taper failed"
    if job.phase is Phase.OPENING:
        dumper = state.dumpers[job.child]
        dumping.release(state, dumper, job)
        job.phase = Phase.DUMPED
    yield from dumping.finish_direct(state, job)


def give_up(state: State, tape: Tape, reason: str) -> Iterator[Effect]:
    """This storage takes nothing more in this run."""
    if tape.state == "down":
        return
    tape.state, tape.why_down = "down", reason
    yield from questions.withdraw(state, tape.question)
    tape.question = 0
    yield from close_volume(tape)
    tape.queue.clear()
    state.degraded[tape.storage] = reason
    state.attention = True
    yield Journal(e.TaperDown(tape.child, tape.storage, reason))
    yield Journal(e.Degraded(tape.storage, reason))


def cut_off(state: State, tape: Tape, reason: str) -> Iterator[Effect]:
    """End a write at once; what is on the volume of it is no whole dump, and the holding file stays."""
    yield Kill(tape.child)
    tape.deaths = ATTEMPTS
    yield from _ended(state, tape, "failed", reason)
    yield from give_up(state, tape, reason)


def died(state: State, tape: Tape, status: str) -> Iterator[Effect]:
    """A taper process is gone: once it is started again and what it wrote is written again."""
    tape.deaths += 1
    write = tape.write
    yield from _ended(state, tape, "failed" if tape.deaths > 1 else "try-again", f"{tape.child} died: {status}")
    if tape.deaths > 1 or not tape.usable:
        yield from give_up(state, tape, f"the taper died twice: {status}")
        return
    if write is not None:
        write.attempts = min(write.attempts, ATTEMPTS - 1)
    tape.state = "starting"
    yield StartTaper(tape.child, tape.storage)
    yield Tell(tape.child, taper.StartTaper(state.datestamp))
