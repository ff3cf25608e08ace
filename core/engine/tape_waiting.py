"""A storage that waits: for a person, for a volume that may come by itself, for a device that does not answer.

Promises that nothing waits without an end.  A request for a volume has a deadline and withdraws itself when the volume
is there.  A storage that was given up for want of a volume is looked at again now and then, and left degraded mode when
one has come: what is on the holding disk is then flushed.  One that a person gave up, or whose `runtapes` are used,
stays given up.  A taper that says nothing for ``child_timeout`` while it owes a word is ended.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from core.engine import dumping, questions
from core.engine.effects import Effect, Journal, Tell
from core.engine.state import Job, Phase, State, Tape
from core.events import event as e
from core.model.units import show_kib
from core.protocol import taper

_CODE = re.compile("[A-Z]{3}[0-9]{3}")
LOOK_AGAIN = 10.0
"""Seconds between two looks for a volume while a request for one is open."""
LOOK_DEGRADED = 60.0
"""The same once the storage was given up."""
RETURNS = 3
"""How often a storage may leave degraded mode without one good write since."""


def ask(state: State, tape: Tape, about: str, code: str, text: str) -> Iterator[Effect]:
    """Ask a person for a volume, unless that is asked already or the run is ending."""
    if state.stopping:
        reason = f"{code} {text.removeprefix(f'{code} ')}"
        yield from give_up(state, tape, reason)
        return
    if tape.question in state.questions:
        return
    yield from questions.ask(
        state, about, tape.child, code=code, severity="A", title=tape.storage, text=text,
        choices=list(choices(tape)), default="degrade", patience=state.site.run.request_deadline,
        handle=tape.write.handle if tape.write else "")
    tape.question = state.asked


def choices(tape: Tape) -> Iterator[e.Choice]:
    """What may be answered, and what each costs now: who reads it later must not take "so far" for the whole night."""
    waiting = sum(write.size for write in tape.queue) + (tape.write.size if tape.write else 0)
    yield e.Choice("done", "the volumes are looked at again")
    yield e.Choice("degrade", (f"nothing more goes to {tape.storage} tonight: what waits for it, {show_kib(waiting)} so far, "
                               "stays on the holding disk, fulls without room become incrementals"))


def is_world(by: str) -> bool:
    """Whether no person answered: a volume that comes later may still be used."""
    return by in ("deadline", "policy")


def told(state: State, tape: Tape, order: taper.Order) -> Tell:
    """An order that the taper owes an answer to: its time begins."""
    tape.silent_since = state.now
    return Tell(tape.child, order)


def stuck(state: State) -> list[Tape]:
    """Those whose taper should have spoken by now: most likely drive or changer do not answer it."""
    return [tape for tape in state.tapes.values() if state.now >= _silence_ends(state, tape)]


def look_again(state: State) -> Iterator[Effect]:
    """Ask the tapers of storages that wait whether the volume is there by now, so that requests withdraw themselves."""
    for tape in state.tapes.values():
        if _looks(state, tape) and state.now >= tape.look_again:
            if tape.state == "waiting":
                tape.state = "starting"
            else:
                tape.looking = True
            yield told(state, tape, taper.StartTaper(state.datestamp))


def wakes(state: State) -> Iterator[float]:
    """When `stuck` or `look_again` has something to do."""
    for tape in state.tapes.values():
        if _looks(state, tape):
            yield tape.look_again
        elif (ends := _silence_ends(state, tape)) < math.inf:
            yield ends


def _looks(state: State, tape: Tape) -> bool:
    if tape.state == "waiting":
        return tape.question in state.questions
    return tape.state == "down" and not (tape.final or tape.looking or state.stopping)


def _silence_ends(state: State, tape: Tape) -> float:
    """Until when the taper must have said something; infinite when it owes no word."""
    owes = tape.looking or tape.state == "starting" or tape.write is not None or tape.direct is not None
    if not owes or tape.question in state.questions:
        return math.inf
    return tape.silent_since + state.site.run.child_timeout


def ready(state: State, tape: Tape, drive: str, label: str) -> Iterator[Effect]:
    """TAPER-OK: there is a volume to write."""
    back = tape.state == "down"
    tape.looking = False
    if back and (tape.final or state.stopping):
        return
    tape.state = "ready"
    yield from questions.withdraw(state, tape.question)
    tape.question = 0
    yield Journal(e.TaperReady(tape.child, tape.storage, drive, label))
    if back:
        yield from _come_back(state, tape)


def refused(state: State, tape: Tape, code: str, text: str) -> Iterator[Effect]:
    """TAPER-ERROR: there is none."""
    tape.looking = False
    if tape.state == "down":
        tape.look_again = state.now + LOOK_DEGRADED
        return
    tape.state, tape.look_again = "waiting", state.now + LOOK_AGAIN
    yield from ask(state, tape, "taper", code, text)


def _come_back(state: State, tape: Tape) -> Iterator[Effect]:
    """Out of degraded mode: what waits on the holding disk is flushed, disks that had no place are dumped after all."""
    tape.returns += 1
    tape.refused, tape.why_down = False, ""
    state.degraded.pop(tape.storage, None)
    for held in state.held.values():
        if tape.storage in held.pending:
            state.queue_held(tape, held)
    for job in state.jobs.values():
        if tape.storage not in state.site.storages_of(job.disk):
            continue
        if job.phase is Phase.WAITING:
            _plan_a(job)
        elif job.phase is Phase.ENDED and job.lacked_volume and not state.stopping:
            _plan_a(job)
            job.attempts = 0
            state.failures -= 1
            dumping.wait(state, job)
            yield Journal(e.DumpRetried(
                *job.key, 0, max(1, job.disk.dumptype.retry), state.now, f"TAP030 storage {tape.storage} has a volume again"))
        elif job.level != job.line.level:
            state.attention = True  # an incremental was made of a full that was due


def _plan_a(job: Job) -> None:
    """What was planned before there was no volume."""
    job.degraded = job.lacked_volume = False
    if job.level != job.line.level:
        line = job.line
        job.level, job.size, job.seconds, job.dumpdate = line.level, line.size, line.seconds, line.dumpdate
        job.orig = line.orig or line.size


def give_up(state: State, tape: Tape, reason: str, *, final: bool = True) -> Iterator[Effect]:
    """This storage takes nothing more; unless it is ``final``, a volume that comes changes that."""
    reason = _with_code(tape, reason)
    tape.final = tape.final or final or tape.returns >= RETURNS
    if tape.state == "down":
        return
    tape.looking = tape.state == "starting"  # its answer is still to come
    tape.state, tape.why_down, tape.look_again = "down", reason, state.now + LOOK_DEGRADED
    yield from questions.withdraw(state, tape.question)
    tape.question = 0
    yield from close_volume(tape)
    tape.queue.clear()
    state.degraded[tape.storage] = reason
    yield Journal(e.TaperDown(tape.child, tape.storage, reason))
    yield Journal(e.Degraded(tape.storage, reason))


def code_of(text: str) -> str:
    """The code that a taper's message begins with; without one it is the plain "no volume"."""
    code = text.partition(" ")[0]
    return code if _CODE.fullmatch(code) else "TAP012"


def _with_code(tape: Tape, reason: str) -> str:
    """A taper is not made to say a code, or anything at all; who reads why the storage takes nothing wants a page about it."""
    if not reason:
        return f"TAP029 {tape.child} failed and did not say why"
    return f"{code_of(reason)} {reason.removeprefix(f'{code_of(reason)} ')}"


def close_volume(tape: Tape) -> Iterator[Effect]:
    """The volume that was written so far is ended."""
    if tape.label:
        yield Journal(e.VolumeEnded(tape.child, tape.storage, tape.label, tape.volume_size, tape.volume_parts))
        tape.label = ""
