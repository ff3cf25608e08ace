"""NO-ROOM: who gets space on the holding disks, and what happens when there is none.

A dump is promised its estimate before it starts.  One that needs more asks; it gets what is set aside for it, more of
the same disk, then room on another one, and of degraded mode's reserve only when there is nothing else.  If none is free
but a volume is being written, it waits.  `core.engine.arbitration` has what follows when nothing can free space.
The account of each holding disk: what it has in all is what is free, what dumps were promised and what whole dumps take.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.engine import questions
from core.engine.effects import Effect, Journal, MeasureHolding, Tell
from core.engine.state import BLOCK, LEAST, Extent, Hold, Job, Phase, State
from core.events.event import DumpResumed, DumpStalled, Notice
from core.model.units import Kib, show_kib
from core.protocol import dumper

FAULTS = 2
"""Dumps in a row that failed on a holding disk before it is left alone for the rest of the run."""
GROWTH = 32 * 1024
"""KiB that a dump is given at least when there is that much: a storm of tiny grants costs more than it saves."""


def round_up(size: int) -> int:
    """KiB with a header block, in whole blocks, at least `LEAST`."""
    return max(LEAST, -(-(size + BLOCK) // BLOCK) * BLOCK)


def headers(size: int, chunksize: int) -> int:
    """KiB of the headers of all chunks but the first of a dump of ``size`` KiB; a ``chunksize`` of 0 is one file."""
    return max(0, -(-size // max(BLOCK, chunksize - BLOCK)) - 1) * BLOCK if chunksize > 0 else 0


def find(state: State, job: Job) -> list[Extent] | None:
    """Where a dump could go: the disk with fewest dumps, then most free; several when no one is enough."""
    size = job.size
    need = round_up(size)
    users: dict[str, int] = {}
    for d in state.dumpers.values():
        other = state.jobs.get(d.job) if d.job else None
        if other is not None and other.current:
            users[other.current] = users.get(other.current, 0) + 1
    usable = open_to(state, job)
    holds = sorted(usable, key=lambda h: (users.get(h.path, 0), -h.free, h.path))
    for hold in holds:
        if hold.free >= (whole := need + headers(size, hold.chunksize)):
            return [Extent(hold.path, whole)]
    extents: list[Extent] = []
    need += max((headers(size, hold.chunksize) for hold in usable), default=0)
    for hold in sorted(usable, key=lambda h: (-h.free, h.path)):
        take = min(need, hold.free // BLOCK * BLOCK)
        if take < LEAST:
            continue
        extents.append(Extent(hold.path, take))
        need -= take
        if need <= 0:
            return extents
        need += BLOCK
    return None


def trusted(state: State) -> list[Hold]:
    """Holding disks that are in use: not those that fail whatever is written there."""
    return [hold for hold in state.holds.values() if hold.faults < FAULTS]


def open_to(state: State, job: Job) -> list[Hold]:
    """Holding disks that a dump may use: those in use that did not fail it."""
    return [hold for hold in trusted(state) if hold.path not in job.shun]


def besides(state: State, job: Job) -> str:
    """What a message about a dump's room leaves out of its count, and why; empty when that is nothing."""
    out = sorted(path for path, hold in state.holds.items() if hold.faults >= FAULTS or path in job.shun)
    return f" besides {', '.join(out)}, where writing failed" if out else ""


def failed(state: State, job: Job, path: str, message: str) -> Iterator[Effect]:
    """A dump failed by its holding disk: the dump is not tried there again, and after some in a row no dump is."""
    job.shun.add(path)
    state.attention = True  # dumps find another way, so nobody would notice
    hold = state.holds.get(path)
    if hold is None:
        return
    hold.faults += 1
    if hold.faults == FAULTS:
        yield Journal(Notice("HLD025", "E", path, f"{FAULTS} dumps in a row failed there; nothing more goes there in this run: "
                                                  f"{message}"))


def worked(state: State, extents: Iterable[Extent]) -> None:
    """A dump is whole on these."""
    for extent in extents:
        hold = state.holds[extent.path]
        hold.faults = 0 if hold.faults < FAULTS else hold.faults


def trust(state: State, job: Job) -> None:
    """Somebody ordered this dump: who does that has mended what failed, or wants to know."""
    job.shun.clear()
    for hold in state.holds.values():
        hold.faults = 0


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
    left = round_up(size) + max((headers(size, state.holds[extent.path].chunksize) for extent in job.given), default=0)
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
        yield from _full(state, job, state.holds[job.current])
    if granted := _next(state, job, why):
        yield from _resume(state, job, *granted)


def _full(state: State, job: Job, hold: Hold) -> Iterator[Effect]:
    """The disk is smaller than believed: what is free there, and what this dump was promised there, is worth nothing."""
    hold.total -= hold.free
    hold.free = 0
    _trim(state, job, hold.path)
    if job.stalled_at == job.written and hold.measured > 0:
        hold.stuck = hold.measured  # it says that it has room and takes nothing: a quota, or no inode
    job.stalled_at = job.written
    state.looking.add(hold.path)
    yield MeasureHolding(hold.path)


def _trim(state: State, job: Job, path: str) -> None:
    """Of what a dump was promised on that disk it keeps what it has written."""
    used = round_up(job.written)
    for extent in job.given:
        part = min(extent.size, used)
        used -= part
        if extent.path == path:
            state.holds[path].total -= extent.size - part
            extent.size = part


def _next(state: State, job: Job, why: str) -> tuple[Extent, bool] | None:
    """What a dump that stands still is given, and whether it comes out of the reserve."""
    while job.kept:
        kept = job.kept.popleft()
        if state.holds[kept.path] in open_to(state, job):
            job.given.append(kept)
            return kept, False
        state.holds[kept.path].free += kept.size
    want = max(job.missing, GROWTH, job.size // 10)
    want = -(-want // BLOCK) * BLOCK
    beside = _beside_reserve(state, job)
    for reserve, limit in ((False, beside), (True, want)):
        if extent := _anywhere(state, job, why, min(want, limit)):
            return extent, reserve and beside < want
    return None


def _anywhere(state: State, job: Job, why: str, want: int) -> Extent | None:
    usable = open_to(state, job)
    here = state.holds.get(job.current)
    if why == "allotment" and here in usable and here.free >= BLOCK:
        return _grant(state, job, here, want)
    others = [h for h in usable if h.path != job.current or why == "allotment"]
    best = max(others, key=lambda h: h.free, default=None)
    if best is None or best.free < LEAST:
        return None
    return _grant(state, job, best, want)


def _grant(state: State, job: Job, hold: Hold, want: int) -> Extent | None:
    size = min(want, hold.free) // BLOCK * BLOCK
    if size < (BLOCK if hold.path == job.current else LEAST):
        return None
    extent = take(state, Extent(hold.path, size))
    job.given.append(extent)
    return extent


def _beside_reserve(state: State, job: Job) -> int:
    """KiB that a dump may still take without touching the reserve, which degraded mode keeps for what is no full."""
    free = sum(hold.free for hold in trusted(state))
    if job.level != 0 or state.usable_storages(job.disk) or not state.site.storages:
        return free
    allowed, fulls = for_fulls(state)
    fulls += sum(e.size for j in state.jobs.values() if j.active and j.level == 0 for e in [*j.given, *j.kept])
    return max(0, min(free, allowed - fulls))


def for_fulls(state: State) -> tuple[int, int]:
    """KiB that fulls may take in degraded mode, and that whole ones take already."""
    holds = trusted(state)
    return sum(hold.total * (100 - hold.reserve) // 100 for hold in holds), sum(hold.full_total for hold in holds)


def _resume(state: State, job: Job, extent: Extent, reserve: bool) -> Iterator[Effect]:
    job.phase = Phase.DUMPING
    yield from questions.withdraw(state, job.question)
    job.question = 0
    job.current = extent.path
    name = holding_file(state, job, extent.path)
    if reserve:
        yield Journal(Notice("HLD004", "W", job.title, (
            f"takes {show_kib(extent.size)} of the reserve of {extent.path}: there is no volume and no other room; "
            "incrementals that come later may find none")))
    yield Journal(DumpResumed(job.handle, name, extent.size))
    yield Tell(job.child, dumper.Continue(name, Kib(state.holds[extent.path].chunksize), Kib(extent.size)))


def holding_file(state: State, job: Job, path: str) -> str:
    """Amanda's name for the dump on that holding disk."""
    return f"{path}/{state.datestamp}/{job.disk.file_stem}.{job.level}"


def stalled(state: State) -> list[Job]:
    """Dumps that stand still, longest first."""
    found = [job for d in state.dumpers.values() if d.job and (job := state.jobs[d.job]).phase is Phase.STALLED]
    return sorted(found, key=lambda job: (job.stalled_since, job.sequence))


def go_on(state: State) -> Iterator[Effect]:
    """Let stalled dumps go on as far as space reaches, those first that stand still longest."""
    for job in stalled(state):
        granted = _next(state, job, "allotment")
        if granted is None:
            return
        yield from _resume(state, job, *granted)


def will_come(state: State) -> bool:
    """Whether something under way will free holding space."""
    for tape in state.tapes.values():
        if tape.usable and (tape.queue or tape.write is not None):
            return True
    phases = [state.jobs[d.job].phase for d in state.dumpers.values() if d.job]
    if Phase.ABORTING in phases:
        return True
    return Phase.DUMPING in phases and any(tape.usable for tape in state.tapes.values())


def abort(state: State, job: Job, reason: str, then: str = "") -> Iterator[Effect]:
    """Give a dump up; what follows comes with ABORT-FINISHED: ``then`` as in `Job`, or nothing."""
    job.phase, job.giving_up, job.then = Phase.ABORTING, reason, then
    yield from questions.withdraw(state, job.question)
    job.question = 0
    yield Tell(job.child, dumper.Abort(reason))


def seen(state: State, path: str, free: int, total: int, reserve: int, chunksize: int) -> None:
    """A holding disk was measured; what dumps were promised and have not written yet is not free."""
    state.looking.discard(path)
    hold = state.holds.get(path)
    if hold is None:
        state.holds[path] = Hold(path, total, max(0, free), chunksize, reserve, measured=free)
        return
    hold.measured = free
    if hold.stuck >= 0 and free <= hold.stuck:
        return
    hold.stuck = -1
    available = max(0, free - outstanding(state, path))
    hold.total += available - hold.free
    hold.free = available


def outstanding(state: State, path: str) -> int:
    """KiB that dumps were promised there and have not written yet."""
    total = 0
    for d in state.dumpers.values():
        job = state.jobs.get(d.job) if d.job else None
        if job is None:
            continue
        used = job.written
        for extent in job.given:
            part = min(used, extent.size)
            used -= part
            if extent.path == path:
                total += extent.size - part
        total += sum(extent.size for extent in job.kept if extent.path == path)
    return total
