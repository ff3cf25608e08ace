"""A disk that is tried again: into the queue, after how long, at which level, as often as its dumptype allows; and its end.

A client that names another time itself is asked then, at the level that it names; that is no attempt, unless it does so for
ever.  Other faults that may pass wait ``retry_delay`` times the attempt, and the next attempt goes to another dumper if one
is free.  A full whose data broke off in each attempt is dumped once more at plan B's level: an incremental is better than
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.engine import questions, room
from core.engine.effects import Effect, Journal
from core.engine.state import Job, Phase, Question, State
from core.engine.waiting import waited
from core.events.event import Choice, DiskEnded, DiskWaited, DumpRetried
from core.model.dump import MAX_LEVEL
from core.model.units import EPOCH_DUMPDATE, show_kib

ASKED_LATER = 5
"""How often a client may name another time before that counts as an attempt."""
LATER = 300.0
"""Seconds for a client that names no time (Amanda's)."""


def wait(state: State, job: Job) -> None:
    """(Back) into the queue."""
    job.phase = Phase.WAITING
    state.waiting[job.key] = job
    state.reorder = True


def allowed(job: Job) -> int:
    """How many attempts a disk has tonight."""
    return max(1, job.disk.dumptype.retry) + (1 if job.fell_back else 0)


def again(
    state: State, job: Job, reason: str, *, delay: float, count: bool = True, broke_off: bool = False,
) -> Iterator[Effect]:
    """Queue a disk once more, as often as its dumptype allows.  ``broke_off``: data had come when it failed."""
    plan_b = job.plan_b
    if count and job.attempts >= allowed(job) and broke_off and job.level == 0 and plan_b and not job.fell_back:
        job.fell_back = True
        set_level(job, plan_b.level)
        reason += f"; the last attempt is at level {plan_b.level}"
    attempts = allowed(job)
    if state.stopping or (count and job.attempts >= attempts):
        yield from end(state, job, "failed", reason)
        return
    if not count:
        job.attempts -= 1
    job.not_before, job.reason = state.now + delay if delay else 0.0, reason
    job.taper = ""
    wait(state, job)
    yield Journal(DumpRetried(*job.key, job.attempts, attempts, job.not_before or state.now, reason))
    if delay:
        yield from questions.ask(
            state, "retry", "\0".join(job.key), code="DMP007", severity="W", title=job.title,
            text=f"TRY-AGAIN {job.attempts}/{attempts}: {reason}", choices=list(choices(job)),
            default="retry", patience=delay)
        job.question = state.asked


def ordered(state: State, job: Job, by: str) -> Iterator[Effect]:
    """Somebody wants it dumped at once: one that waits for its next attempt, or one that failed."""
    room.trust(state, job)
    failed = job.phase is Phase.ENDED
    if failed:
        state.failures -= 1
        job.attempts = 0
        wait(state, job)
    elif job.not_before <= state.now:
        return  # it waits for its turn, as others do
    yield from questions.withdraw(state, job.question)
    job.question, job.not_before = 0, 0.0
    why = f"{job.reason}; ordered by {by}" if job.reason else f"DMP032 ordered by {by}"
    yield Journal(DumpRetried(*job.key, job.attempts, allowed(job), state.now, why))


def later(state: State, job: Job, delay: int, level: int, reason: str) -> Iterator[Effect]:
    """The client asked to be asked again after ``delay`` seconds at ``level``; −1: it does not say."""
    job.asked_later += 1
    if 0 <= level <= MAX_LEVEL and level != job.level:
        reason += f"; it wants level {level} instead of {job.level}"
        set_level(job, level)
    seconds = min(max(1.0, float(delay)) if delay >= 0 else LATER, max(1.0, state.site.run.request_deadline))
    yield from again(state, job, reason, delay=seconds, count=job.asked_later > ASKED_LATER)


def set_level(job: Job, level: int) -> None:
    """Dump it at another level than was planned; its size is a guess then, unless the plan has one."""
    line, plan_b = job.line, job.plan_b
    if plan_b is not None and level == plan_b.level:
        job.size, job.seconds, job.dumpdate, job.orig = plan_b.size, plan_b.seconds, plan_b.dumpdate, plan_b.size
    elif level == line.level:
        job.size, job.seconds, job.dumpdate, job.orig = line.size, line.seconds, line.dumpdate, line.orig or line.size
    elif level == 0:
        job.dumpdate = EPOCH_DUMPDATE
    job.level = level


def choices(job: Job) -> Iterator[Choice]:
    """What may be answered, and what follows."""
    yield Choice("retry", "it is dumped again as soon as a dumper is free")
    if (found := _other_level(job)) >= 0:
        size = job.plan_b.size if job.plan_b and found == job.plan_b.level else job.line.size
        yield Choice("level", f"it is dumped at level {found} instead of {job.level}, as soon as a dumper is free: "
                              f"about {show_kib(size)}", argument=str(found))
    yield Choice("skip", "it is not dumped tonight", destructive=True)


def _other_level(job: Job) -> int:
    """The other one of the two levels that the plan knows; −1 when it knows one only."""
    known = {job.line.level} | ({job.plan_b.level} if job.plan_b else set())
    return next(iter(known - {job.level}), -1)


def refuse(state: State, question: Question, choice: str, argument: str) -> str:
    """Why that answer makes no sense; empty when it does."""
    job = job_of(state, question)
    if choice == "level" and job is not None and argument not in ("", str(_other_level(job))):
        return f"the plan knows level {_other_level(job)} of {job.title} besides {job.level}, not {argument[:20]}"
    return ""


def job_of(state: State, question: Question) -> Job | None:
    """The disk that such a request is about."""
    host, _, disk = question.subject.partition("\0")
    return state.jobs.get((host, disk))


def answered(state: State, question: Question, choice: str, argument: str, by: str) -> Iterator[Effect]:
    """The operator's word on a disk that waits to be tried again."""
    yield from questions.close(state, question, choice, argument, by)
    job = job_of(state, question)
    if job is None or job.phase is not Phase.WAITING:
        return
    job.question, job.not_before = 0, 0.0
    if choice == "skip":
        yield from end(state, job, "failed", f"DMP031 skipped by {by}")
    elif choice == "level" and (level := _other_level(job)) >= 0:
        set_level(job, level)


def has_waited(job: Job) -> Iterator[Effect]:
    """For how long it has waited for what, as facts: told once."""
    for kind, seconds in waited(job):
        yield Journal(DiskWaited(*job.key, kind, round(seconds, 1)))
    job.waited.clear()


def end(state: State, job: Job, outcome: str, message: str) -> Iterator[Effect]:
    """The last word on a disk."""
    if job.phase is Phase.ENDED:
        return
    state.waiting.pop(job.key, None)
    job.phase = Phase.ENDED
    yield from questions.withdraw(state, job.question)
    job.question = 0
    if outcome == "failed":
        state.failures += 1
        job.reason = message
    else:
        state.done += 1
    yield from has_waited(job)
    yield Journal(DiskEnded(*job.key, job.level, outcome, message))
