"""Why is it waiting?  For each disk and each taper one sentence with the constraint, and when it lifts.

Computed from the engine's state alone: what the engine itself goes by, not a guess of a face.  An end is told when it is
set (a start time, a deadline) or follows from a rate that was measured; the words say "about" then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from core.engine import choosing, room
from core.engine.choosing import Constraint
from core.engine.state import Job, Phase, State, Tape
from core.model.units import show_duration, show_kib

ENOUGH = 2.0
"""Seconds before a rate is believed."""
SAMPLE = 1.0
"""Seconds between two looks at who waits for what."""


@dataclass(frozen=True, slots=True)
class Wait:
    """``kind``: the constraint in a word or two; ``until``: when it lifts, seconds since the epoch, 0 unknown."""

    kind: str
    text: str
    until: float = 0.0


def disks(state: State) -> Iterator[tuple[Job, Wait]]:
    """Each disk that waits for something now."""
    order = sorted(state.waiting.values(), key=lambda j: (-j.priority, j.sequence))
    before = {job.key: number for number, job in enumerate(order)}
    for job in state.jobs.values():
        if (found := disk(state, job, before.get(job.key, 0))) is not None:
            yield job, found


def disk(state: State, job: Job, before: int) -> Wait | None:
    """What a disk waits for; None when it moves or has ended.  ``before``: so many disks have their turn before it."""
    match job.phase:
        case Phase.WAITING:
            return _waiting(state, job, choosing.blocked(state, job) or Constraint.DUMPER, before)
        case Phase.OPENING:
            tape = state.tapes[job.taper]
            why = _asked(state, tape.question) or "it opens its port"
            return Wait("tape", f"the taper of {tape.storage} makes ready: {why}", _deadline(state, tape.question))
        case Phase.STALLED:
            return _stalled(state, job)
        case Phase.ABORTING:
            return Wait("dumper", f"it is given up: {job.giving_up}")
        case Phase.DUMPED:
            return _dumped(state, job)
        case Phase.DUMPING | Phase.ENDED:
            return None
        case other:
            assert_never(other)


def _waiting(state: State, job: Job, why: Constraint, before: int) -> Wait | None:
    match why:
        case Constraint.PAUSED:
            return Wait(why, f"the run is paused by {state.paused}; 'taperoom resume' ends that")
        case Constraint.HELD:
            return Wait(why, f"held by {job.held_by or 'the operator'}; 'taperoom release' ends that")
        case Constraint.START:
            at = choosing.starts_at(state, job)
            return Wait(why, f"its start time is in {_in(state, at)}", at)
        case Constraint.RETRY:
            return Wait(why, f"tried again in {_in(state, job.not_before)}, after {_attempts(job)}{_because(job)}",
                        job.not_before)
        case Constraint.CLIENT:
            host = job.disk.host
            return _behind(state, why, f"{host.name} runs {state.running_on.get(host.name, 0)} of maxdumps {host.maxdumps}",
                           [j for j in _active(state) if j.disk.host.name == host.name])
        case Constraint.SPINDLE:
            same = [j for j in _active(state) if (j.disk.host.name, j.disk.spindle) == (job.disk.host.name, job.disk.spindle)]
            return _behind(state, why, f"another disk of spindle {job.disk.spindle} is being dumped", same)
        case Constraint.BANDWIDTH:
            used = state.network.get(job.disk.interface, 0)
            return _behind(state, why, f"network {job.disk.interface}: {used} of {choosing.limit_of(state, job)} KiB/s are in "
                           f"use, it needs {job.kps}", [j for j in _active(state) if j.disk.interface == job.disk.interface])
        case Constraint.TAPE:
            return _for_tape(state, job)
        case Constraint.HOLDING:
            return _for_room(state, f"needs {show_kib(job.size)} of holding disk, {_free_for(state, job)}")
        case Constraint.DUMPER:
            busy = [d for d in state.dumpers.values() if d.job]
            if len(busy) < sum(1 for d in state.dumpers.values() if d.up):
                return Wait(why, "it is about to begin")
            who = "the dumper is" if len(busy) == 1 else f"all {len(busy)} dumpers are"
            turn = {0: "it is next", 1: "1 disk is before it"}.get(before, f"{before} disks are before it")
            return _behind(state, why, f"{who} busy, {turn}", _active(state))
        case Constraint.NONE:  # pragma: no cover - the caller puts DUMPER in its place
            return None
        case other:
            assert_never(other)


def _attempts(job: Job) -> str:
    return f"{job.attempts} attempt{'' if job.attempts == 1 else 's'}"


def _because(job: Job) -> str:
    return f": {job.reason}" if job.reason else ""


def _active(state: State) -> list[Job]:
    return [state.jobs[d.job] for d in state.dumpers.values() if d.job]


def left(state: State, job: Job) -> float | None:
    """Seconds until a dump under way ends, at its rate so far; None when nobody can tell, as of one that has become larger,
    or takes longer before its first byte, than was estimated."""
    if job.phase is not Phase.DUMPING:
        return None
    age = state.now - job.began
    began = age >= ENOUGH and job.written > 0
    seconds = (job.size - job.written) * age / job.written if began else job.seconds - age
    return seconds if seconds > 0 else None


def _behind(state: State, why: Constraint, text: str, jobs: list[Job]) -> Wait:
    """Until the first of these dumps ends."""
    ends = [(seconds, job.title) for job in jobs if (seconds := left(state, job)) is not None]
    if not ends:
        return Wait(why, f"{text}; until {jobs[0].title} ends" if jobs else text)
    seconds, title = min(ends)
    return Wait(why, f"{text}; until {title} ends, in about {show_duration(seconds)}", state.now + seconds)


def write_left(state: State, tape: Tape) -> float | None:
    """Seconds until what a taper writes is written; None when nobody can tell."""
    write = tape.write
    if write is None:
        job = state.jobs.get(tape.direct) if tape.direct else None
        return left(state, job) if job is not None else None
    age = state.now - write.began
    if age < ENOUGH or write.written <= 0:
        return None
    return max(0, write.size - write.written) * age / write.written


def _writing(tape: Tape) -> str:
    if tape.write is not None:
        return f"{tape.write.host}:{tape.write.disk}"
    return ":".join(tape.direct) if tape.direct else ""


def _for_tape(state: State, job: Job) -> Wait:
    tape = state.usable_storages(job.disk)[0]
    if asked := _asked(state, tape.question):
        return Wait("tape", f"goes straight to a volume of {tape.storage}, which waits: {asked}",
                    _deadline(state, tape.question))
    seconds = write_left(state, tape)
    busy = f"busy with {_writing(tape)}" if _writing(tape) else tape.state
    about = f", done in about {show_duration(seconds)}" if seconds is not None else ""
    return Wait("tape", f"goes straight to a volume, and {tape.storage} is {busy}{about}",
                state.now + seconds if seconds is not None else 0.0)


def _for_room(state: State, text: str) -> Wait:
    """Room on the holding disk comes from a taper, or from a dump that ends and is then written."""
    for tape in state.tapes.values():
        if asked := _asked(state, tape.question):
            if tape.queue or tape.write:
                return Wait("holding disk", f"{text}; {tape.storage} would free some, but waits: {asked}",
                            _deadline(state, tape.question))
            continue
        if tape.usable and tape.write is not None:
            seconds = write_left(state, tape)
            about = f" in about {show_duration(seconds)}" if seconds is not None else ""
            return Wait("holding disk", f"{text}; {show_kib(tape.write.size)} come when {_writing(tape)} is on a volume{about}",
                        state.now + seconds if seconds is not None else 0.0)
    moving = [job for job in _active(state) if job.phase is not Phase.STALLED]  # one that stands still frees nothing
    return _behind(state, Constraint.HOLDING, text, moving)


def _free_for(state: State, job: Job) -> str:
    return f"{show_kib(sum(hold.free for hold in room.open_to(state, job)))} free{room.besides(state, job)}"


def _stalled(state: State, job: Job) -> Wait:
    need = f"about {show_kib(job.missing)} more" if job.missing else "more"
    text = f"stands still: needs {need} of holding disk, {_free_for(state, job)}"
    question = next((q for q in state.questions.values() if q.about == "room"), None)
    if question is not None:
        asked = question.asked
        return Wait("holding disk", f"{text}; request {asked.id}: {asked.default} of {asked.subject} in "
                                    f"{_in(state, asked.deadline)}", asked.deadline)
    if state.no_room_until > state.now:
        return Wait("holding disk", f"{text}; asked again in {_in(state, state.no_room_until)}", state.no_room_until)
    return _for_room(state, text)


def _dumped(state: State, job: Job) -> Wait | None:
    """On the holding disk and not on each volume yet."""
    if not job.file:
        return Wait("tape", "its dumper is done; the taper still writes")
    for name in sorted(job.pending):
        tape = state.tape_of(name)
        if tape is None or not tape.usable:
            why = state.degraded.get(name, "")
            return Wait("tape", f"{name} takes nothing{': ' if why else ''}{why}; it stays on the holding disk")
        if tape.write is not None and tape.write.file == job.file:
            return _asking(state, tape, f"a volume of {name} for it") if _asked(state, tape.question) else None
        number = next((n for n, write in enumerate(tape.queue) if write.file == job.file), -1)
        before = sum(write.size for write in list(tape.queue)[:max(0, number)]) + (tape.write.size if tape.write else 0)
        if _asked(state, tape.question):
            return _asking(state, tape, f"a volume of {name}")
        text = f"waits for {name}" + (f", which writes {_writing(tape)}" if _writing(tape) else "")
        seconds = write_left(state, tape)
        about = f", done in about {show_duration(seconds)}" if seconds is not None and number <= 0 else ""
        return Wait("tape", f"{text}{about}; {show_kib(before)} are before it",
                    state.now + seconds if about and seconds else 0.0)
    return None


def _asking(state: State, tape: Tape, what: str) -> Wait:
    return Wait("tape", f"waits for {what}: {_asked(state, tape.question)}", _deadline(state, tape.question))


def tapers(state: State) -> Iterator[tuple[Tape, Wait]]:
    """Each taper that waits for something now."""
    for tape in state.tapes.values():
        if (found := taper(state, tape)) is not None:
            yield tape, found


def taper(state: State, tape: Tape) -> Wait | None:
    """What a taper waits for; None when it writes."""
    if asked := _asked(state, tape.question):
        return Wait("operator", f"waits for hands: {asked}", _deadline(state, tape.question))
    if tape.state == "down":
        return Wait("volume", f"takes nothing: {tape.why_down}")
    if tape.state in ("starting", "waiting"):
        return Wait("volume", "looks for a volume that may be written")
    if tape.describing or tape.write is not None or (tape.direct and state.jobs[tape.direct].phase is not Phase.OPENING):
        return None
    if tape.direct:
        return Wait("dumper", f"listens for the dump of {_writing(tape)}")
    ends = [(seconds, job.title) for job in _active(state) if job.file and (seconds := left(state, job)) is not None]
    if ends:
        seconds, title = min(ends)
        return Wait("dump", f"nothing to write; {title} is whole in about {show_duration(seconds)}", state.now + seconds)
    if _active(state) or state.waiting:
        return Wait("dump", "nothing to write; no dump is whole yet")
    return Wait("dump", "nothing to write" if state.plan_ended else "nothing to write; the planner has not said all")


def _asked(state: State, number: int) -> str:
    """The open request of that number in words; empty when there is none."""
    question = state.questions.get(number)
    if question is None:
        return ""
    asked = question.asked
    return f"request {asked.id} ({asked.code}), {asked.default} in {_in(state, asked.deadline)}: {asked.said}"


def _deadline(state: State, number: int) -> float:
    question = state.questions.get(number)
    return question.asked.deadline if question is not None else 0.0


def _in(state: State, at: float) -> str:
    return show_duration(max(0.0, at - state.now))


def sample(state: State, now: float) -> None:
    """Note for how long each disk and taper has waited for what since the last look; ``now`` is what the state does not know
    yet."""
    seconds = now - state.sampled
    if state.sampled and seconds < SAMPLE:
        return
    if not state.sampled:
        seconds = 0.0
    state.sampled = now
    for job in state.jobs.values():
        if kind := _kind(state, job):
            job.waited[kind] = job.waited.get(kind, 0.0) + seconds
    for tape, wait in tapers(state):
        tape.waited[wait.kind] = tape.waited.get(wait.kind, 0.0) + seconds


def _kind(state: State, job: Job) -> str:
    if job.phase is Phase.WAITING:
        return choosing.blocked(state, job) or Constraint.DUMPER
    return Constraint.HOLDING if job.phase is Phase.STALLED else ""


def waited(one: Job | Tape) -> list[tuple[str, float]]:
    """What a disk or a taper has waited for a second or longer, the longest first."""
    return sorted(((str(kind), seconds) for kind, seconds in one.waited.items() if seconds >= SAMPLE), key=lambda w: -w[1])

