"""NO-ROOM: who gets space on the holding disks, and what happens when there is none.

A dump is promised its estimate before it starts.  One that needs more asks; it gets what is set aside for it, more of
the same disk, then room on another one.  If none is free but a volume is being written, it waits.  Only when nothing
can free space the operator is asked, about the smallest dump that stands still, since its abort loses least.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.engine import questions
from core.engine.effects import Effect, Journal, MeasureHolding, Tell
from core.engine.state import BLOCK, LEAST, Extent, Hold, Job, Phase, Question, State
from core.events.event import Choice, DumpResumed, DumpStalled
from core.model.units import Kib, show_kib
from core.protocol import dumper

GROWTH = 32 * 1024
"""KiB that a dump is given at least when there is that much: a storm of tiny grants costs more than it saves."""
PATIENCE = 600.0
"""Seconds that an operator has before the default is taken."""


def round_up(size: int) -> int:
    """KiB with a header block, in whole blocks, at least `LEAST`."""
    return max(LEAST, -(-(size + BLOCK) // BLOCK) * BLOCK)


def find(state: State, size: int) -> list[Extent] | None:
    """Where a dump of ``size`` KiB could go: the disk with fewest dumps, then most free; several when no one is enough."""
    need = round_up(size)
    users: dict[str, int] = {}
    for d in state.dumpers.values():
        job = state.jobs.get(d.job) if d.job else None
        if job is not None and job.current:
            users[job.current] = users.get(job.current, 0) + 1
    holds = sorted(state.holds.values(), key=lambda h: (users.get(h.path, 0), -h.free, h.path))
    for hold in holds:
        if hold.free >= need:
            return [Extent(hold.path, need)]
    extents: list[Extent] = []
    for hold in sorted(state.holds.values(), key=lambda h: (-h.free, h.path)):
        take = min(need, hold.free // BLOCK * BLOCK)
        if take < LEAST:
            continue
        extents.append(Extent(hold.path, take))
        need -= take
        if need <= 0:
            return extents
        need += BLOCK
    return None


def take(state: State, extent: Extent) -> Extent:
    """Promise an extent."""
    hold = state.holds[extent.path]
    assert 0 <= extent.size <= hold.free, (extent, hold)
    hold.free -= extent.size
    return extent


def give_back(state: State, job: Job) -> None:
    """All that a dump was promised is free again."""
    for extent in [*job.given, *job.kept]:
        state.holds[extent.path].free += extent.size
    job.given.clear()
    job.kept.clear()


def settle_size(state: State, job: Job, size: int) -> list[Extent]:
    """The dump is whole with ``size`` KiB: keep that much of its extents, free the rest; return what is kept."""
    left = round_up(size)
    kept: list[Extent] = []
    for extent in job.given:
        used = min(extent.size, left)
        left -= used
        state.holds[extent.path].free += extent.size - used
        if used:
            kept.append(Extent(extent.path, used))
    for extent in job.kept:
        state.holds[extent.path].free += extent.size
    job.given, job.kept = [], type(job.kept)()
    return kept


def no_room(state: State, job: Job, missing: int, why: str) -> Iterator[Effect]:
    """A dump stands still."""
    job.phase, job.missing, job.stalled_since = Phase.STALLED, missing, state.now
    yield Journal(DumpStalled(job.handle, missing, why))
    if why == "disk" and job.current in state.holds:
        # The disk is smaller than believed: whatever is left of this dump's promise there is worth nothing.
        state.holds[job.current].free = 0
        yield MeasureHolding(job.current)
    if extent := _next(state, job, why):
        yield from _resume(state, job, extent)


def _next(state: State, job: Job, why: str) -> Extent | None:
    while job.kept:
        extent = job.kept.popleft()
        job.given.append(extent)
        return extent
    want = max(job.missing, GROWTH, job.size // 10)
    want = -(-want // BLOCK) * BLOCK
    here = state.holds.get(job.current)
    if why == "allotment" and here is not None and here.free >= BLOCK:
        return _grant(state, job, here, want)
    others = [h for h in state.holds.values() if h.path != job.current or why == "allotment"]
    best = max(others, key=lambda h: h.free, default=None)
    if best is None or best.free < LEAST:
        return None
    return _grant(state, job, best, want)


def _grant(state: State, job: Job, hold: Hold, want: int) -> Extent | None:
    size = min(want, hold.free // BLOCK * BLOCK)
    if size < (BLOCK if hold.path == job.current else LEAST):
        return None
    extent = take(state, Extent(hold.path, size))
    job.given.append(extent)
    return extent


def _resume(state: State, job: Job, extent: Extent) -> Iterator[Effect]:
    job.phase = Phase.DUMPING
    yield from questions.withdraw(state, job.question)
    job.question = 0
    job.current = extent.path
    name = holding_file(state, job, extent.path)
    yield Journal(DumpResumed(job.handle, name, extent.size))
    yield Tell(job.child, dumper.Continue(name, Kib(state.holds[extent.path].chunksize), Kib(extent.size)))


def holding_file(state: State, job: Job, path: str) -> str:
    """Amanda's name for the dump on that holding disk."""
    return f"{path}/{state.datestamp}/{job.disk.file_stem}.{job.level}"


def stalled(state: State) -> list[Job]:
    """Dumps that stand still, longest first."""
    found = [job for d in state.dumpers.values() if d.job and (job := state.jobs[d.job]).phase is Phase.STALLED]
    return sorted(found, key=lambda job: (job.stalled_since, job.sequence))


def settle(state: State) -> Iterator[Effect]:
    """Let stalled dumps go on as far as space reaches; ask when nothing will free any."""
    waiting = stalled(state)
    for job in waiting:
        if extent := _next(state, job, "allotment"):
            yield from _resume(state, job, extent)
        else:
            break
    waiting = stalled(state)
    if not waiting or will_come(state) or any(job.question for job in waiting):
        return
    yield from _ask(state, min(waiting, key=lambda job: (job.written, job.sequence)))


def will_come(state: State) -> bool:
    """Whether something under way will free holding space."""
    for tape in state.tapes.values():
        if tape.usable and (tape.queue or tape.write is not None):
            return True
    busy = any(d.job and state.jobs[d.job].phase in (Phase.DUMPING, Phase.ABORTING) for d in state.dumpers.values())
    return busy and any(tape.usable for tape in state.tapes.values())


def _ask(state: State, job: Job) -> Iterator[Effect]:
    free = sum(hold.free for hold in state.holds.values())
    direct = job.disk.dumptype.holding == "auto" and bool(state.usable_storages(job.disk))
    after = "it is dumped again, straight to a volume" if direct else "the disk is not dumped tonight"
    yield from questions.ask(
        state, "room", job.handle, code="HLD003", severity="D", title=job.title, handle=job.handle,
        text=(f"{job.title} level {job.level} needs {show_kib(job.missing or GROWTH)} more on the holding disk, "
              f"{show_kib(free)} free, none coming"),
        choices=[
            Choice("abort", f"{show_kib(job.written)} dumped so far are lost; {after}", destructive=True),
            Choice("wait", "it stands still; asked again later", argument="minutes"),
            Choice("add", "this directory becomes a holding disk of the run", argument="directory"),
        ],
        default="abort", patience=min(PATIENCE, state.site.run.request_deadline))
    job.question = state.asked


def answered(state: State, question: Question, choice: str, argument: str, by: str) -> Iterator[Effect]:
    """The operator's word on a dump that stands still."""
    job = state.job_of(question.subject)
    yield from questions.close(state, question, choice, argument, by)
    if job is None or job.phase is not Phase.STALLED:
        return
    job.question = 0
    if choice == "abort":
        job.to_tape_next = job.disk.dumptype.holding == "auto" and bool(state.usable_storages(job.disk))
        yield from abort(state, job, f"no room on the holding disk; {by} chose to abort")
    elif choice == "add":
        yield MeasureHolding(argument, add=True)
    # "wait": settle asks again, with a new deadline


def abort(state: State, job: Job, reason: str) -> Iterator[Effect]:
    """Give a dump up; what follows comes with ABORT-FINISHED."""
    job.phase, job.giving_up = Phase.ABORTING, reason
    yield from questions.withdraw(state, job.question)
    job.question = 0
    yield Tell(job.child, dumper.Abort(reason))


def seen(state: State, path: str, free: int, total: int, reserve: int, chunksize: int) -> None:
    """A holding disk was measured; what dumps were promised and have not written yet is not free."""
    hold = state.holds.get(path)
    if hold is None:
        state.holds[path] = Hold(path, total, max(0, free), chunksize, reserve)
        return
    outstanding = 0
    for d in state.dumpers.values():
        job = state.jobs.get(d.job) if d.job else None
        if job is None:
            continue
        used = job.written
        for extent in job.given:
            part = min(used, extent.size)
            used -= part
            if extent.path == path:
                outstanding += extent.size - part
        outstanding += sum(extent.size for extent in job.kept if extent.path == path)
    hold.free = max(0, free - outstanding)
