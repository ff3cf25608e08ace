"""A dump that becomes far larger than its estimate: who is asked whether it goes on.

Estimates are wrong by factors on honest nights, so nothing here ends a dump by itself: the default is to go on.  A client
that sends without end fills the holding disk and then volumes, though; so the operator is asked at ``beyond_estimate``
times the estimate and each time that the dump has doubled since, and a policy for DMP033 can be the bound of a site that wants
one.  The request withdraws itself when the attempt is over.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.engine import questions, room
from core.engine.effects import Effect
from core.engine.state import Job, Phase, Question, State
from core.events.event import Choice
from core.model.units import show_kib

LEAST = 1024 * 1024
"""KiB more than estimated below which nobody is asked: a small disk that has become ten times larger harms nobody."""


def begin(job: Job) -> None:
    """An attempt begins: when it is asked about."""
    times = job.disk.dumptype.beyond_estimate
    job.asks_at = max(job.size * times, job.size + LEAST) if times else 0


def look(state: State, job: Job) -> Iterator[Effect]:
    """It has grown: ask, if it is that large and nobody is asked already."""
    if not job.asks_at or job.written < job.asks_at or job.growth_question in state.questions or state.stopping:
        return
    job.asks_at = 2 * job.written
    times = f", {job.written // job.size} times its estimate of {show_kib(job.size)}" if job.size else ""
    yield from questions.ask(
        state, "growth", job.handle, code="DMP033", severity="W", title=job.title, handle=job.handle,
        text=f"the dump of level {job.level} has become {show_kib(job.written)}{times}, and does not end",
        choices=list(choices(job)), default="go-on", patience=state.site.run.request_deadline)
    job.growth_question = state.asked


def choices(job: Job) -> Iterator[Choice]:
    """What may be answered, and what follows."""
    yield Choice("go-on", f"it goes on; asked again when it has become {show_kib(job.asks_at)}")
    yield Choice("abort", f"{show_kib(job.written)} dumped so far are lost; the disk is not dumped tonight", destructive=True)


def answered(state: State, question: Question, choice: str, argument: str, by: str) -> Iterator[Effect]:
    """The word on such a dump, of an operator, a policy or the default."""
    yield from questions.close(state, question, choice, argument, by)
    job = state.job_of(question.subject)
    if job is not None and choice == "abort" and job.phase in (Phase.DUMPING, Phase.STALLED):
        who = "by a policy" if by == "policy" else f"by {by}"
        yield from room.abort(state, job, (
            f"DMP034 given up {who}: it had become {show_kib(job.written)}, its estimate was {show_kib(job.size)}"))


def over(state: State, job: Job) -> Iterator[Effect]:
    """The attempt is over: there is nothing to ask any more."""
    yield from questions.withdraw(state, job.growth_question)
    job.growth_question = 0
