"""What an operator may order while a run lives; each order is a fact with the name of who gave it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from core.engine import dumping, retrying, room, tape_waiting
from core.engine import taping as taping_
from core.engine.effects import Effect, FlushLeft, Journal, Reply
from core.engine.state import Job, Phase, State
from core.events import event as e
from core.model.quoting import join
from core.protocol import operator as op


def ordered(state: State, order: op.Order, by: str) -> Iterator[Effect]:
    """Carry an order out or refuse it; both are journalled."""
    effects = list(_carry_out(state, order, by))
    refused = next((x for x in effects if isinstance(x, str)), "")
    yield Journal(e.OperatorActed(by, join(op.VOCABULARY.words(order)), refused or "OK"))
    for effect in effects:
        if not isinstance(effect, str):
            yield effect
    yield Reply(op.Refused(refused) if refused else op.Ok())


def _carry_out(state: State, order: op.Order, by: str) -> Iterator[Effect | str]:
    """Effects; a text among them says why nothing was done."""
    match order:
        case op.AbortDump(handle):
            yield from _abort(state, handle, by)
        case op.Retry(host, disk):
            yield from _retry(state, host, disk, by)
        case op.Hold(host, disk):
            job = state.waiting.get((host, disk))
            if job is None:
                yield f"{host}:{disk} does not wait to be dumped"
            else:
                job.held, job.held_by = True, by
        case op.Release(host, disk):
            job = state.jobs.get((host, disk))
            if job is None or not job.held:
                yield f"{host}:{disk} is not held"
            else:
                job.held = False
        case op.Priority(host, disk, priority):
            job = state.waiting.get((host, disk))
            if job is None:
                yield f"{host}:{disk} does not wait to be dumped"
            else:
                job.priority, state.reorder = priority, True
        case op.Pause():
            if not state.paused:
                state.paused = by
                yield Journal(e.Paused(by))
        case op.Resume():
            if state.paused:
                state.paused = ""
                yield Journal(e.Resumed(by))
        case op.Degrade():
            for tape in state.tapes.values():
                yield from tape_waiting.give_up(state, tape, f"TAP028 {by} ordered degraded mode")
        case op.FlushNow():
            if any(hold.left for hold in state.holds.values()) and any(tape.usable for tape in state.tapes.values()):
                yield FlushLeft()
            elif not any(tape.queue or tape.write for tape in state.tapes.values()):
                yield "nothing waits on the holding disk for a volume"
        case op.Stop(when):
            yield from stop(state, by, when == "now")
        case other:
            assert_never(other)


def _abort(state: State, handle: str, by: str) -> Iterator[Effect | str]:
    job = state.job_of(handle)
    if job is None or job.phase not in (Phase.DUMPING, Phase.STALLED):
        yield f"no dump {handle} is under way"
        return
    yield from room.abort(state, job, f"DMP028 aborted by {by}")


def _retry(state: State, host: str, disk: str, by: str) -> Iterator[Effect | str]:
    job = state.jobs.get((host, disk))
    if job is None:
        yield f"{host}:{disk} is not in tonight's plan"
    elif job.phase is not Phase.WAITING and (job.phase is not Phase.ENDED or _is_safe(job)):
        yield f"{host}:{disk} is {job.phase}: there is nothing to try again"
    elif state.stopping:
        yield "the run is stopping"
    else:
        yield from retrying.ordered(state, job, by)


def _is_safe(job: Job) -> bool:
    return job.stats is not None and not job.tape_ended.strip("done")


def stop(state: State, by: str, now: bool) -> Iterator[Effect]:
    """End the run early: nothing new begins; ``now`` also gives up the dumps under way."""
    if not state.stopping:
        state.stopping = by
        yield Journal(e.Stopping(by, now))
    for job in list(state.waiting.values()):
        yield from dumping.end(state, job, "failed", f"RUN044 not dumped: the run was stopped by {by}")
    if now and not state.stop_now:
        state.stop_now = True
        for dumper in state.dumpers.values():
            job_ = state.jobs.get(dumper.job) if dumper.job else None
            if job_ is not None and job_.phase in (Phase.DUMPING, Phase.STALLED):
                yield from room.abort(state, job_, f"RUN044 the run was stopped by {by}")
        for tape in state.tapes.values():
            if tape.write is not None:
                yield from taping_.cut_off(state, tape, f"RUN044 the run was stopped by {by}")
