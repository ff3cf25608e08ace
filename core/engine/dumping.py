"""One attempt to dump a disk, from its start by an idle dumper to its last word, and whether it is tried again."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator

from core.engine import growth, parts, questions, room
from core.engine.choosing import blocked, goes_direct, ordered
from core.engine.effects import Effect, Journal, Kill, RemoveFile, StartDumper, Tell
from core.engine.retrying import again as again
from core.engine.retrying import end as end
from core.engine.retrying import has_waited, later
from core.engine.retrying import wait as wait
from core.engine.state import Dumper, Held, Job, Phase, State, Tape
from core.events.event import ChildDied, DumpBegan, DumpEnded, DumpStrange, FileRemoved, WriteBegan
from core.model.disk import HoldingUse
from core.model.dump import NO_CRC, Outcome, Stats
from core.model.units import Handle, Kib, kib_of, show_kib
from core.protocol import dumper as says
from core.protocol import taper
from core.protocol.options import encode_options

DEATHS = 3
"""A dumper that died that often without a good dump between is not started again."""
BAD_DISK = frozenset({"HLD010", "HLD011", "HLD012"})
"""Codes of a holding disk that cannot be written: the next attempt goes elsewhere, at once."""


def add(state: State, job: Job) -> None:
    """A disk waits to be dumped."""
    state.sequence += 1
    job.sequence = state.sequence
    state.jobs[job.key] = job
    wait(state, job)


def fill(state: State) -> Iterator[Effect]:
    """Give each idle dumper the best disk that may start."""
    for dumper in state.dumpers.values():
        if not state.waiting or state.stopping:
            return
        if dumper.up and dumper.job is None and not (yield from _fill_one(state, dumper)):
            return  # what no disk may do now does not depend on the dumper


def _fill_one(state: State, dumper: Dumper) -> Generator[Effect, None, bool]:
    """Whether any disk was found that may start."""
    full_hosts: set[str] = set()
    found = False
    for job in ordered(state, dumper.letter):
        if job.phase is not Phase.WAITING or job.disk.host.name in full_hosts:
            continue
        if state.running_on.get(job.disk.host.name, 0) >= job.disk.host.maxdumps:
            full_hosts.add(job.disk.host.name)
            continue
        if blocked(state, job):
            continue
        found = True
        one = _another(state, dumper) if job.avoid == dumper.child else dumper
        if not one.up:
            one.up = True
            yield StartDumper(one.child)
        yield from _start(state, one, job)
        if dumper.job is not None:
            return True
    return found


def _another(state: State, dumper: Dumper) -> Dumper:
    """An idle dumper besides this one, if there is any: what made an attempt fail may be the dumper's own."""
    return next((d for d in state.dumpers.values() if d is not dumper and d.job is None and d.deaths < DEATHS), dumper)


def _start(state: State, dumper: Dumper, job: Job) -> Iterator[Effect]:
    direct = goes_direct(state, job)
    tape = next(iter(state.usable_storages(job.disk)), None)
    if tape is None and not job.degraded and state.site.storages:
        yield from _degrade(state, job)
        if job.phase is Phase.ENDED:
            return
        direct = goes_direct(state, job)
    if direct:
        if tape is None:
            job.lacked_volume = bool(state.site.storages)
            yield from end(state, job, "failed", "DMP025 its dumptype says no holding disk, and there is no volume")
            return
        yield from _start_direct(state, dumper, job, tape)
        return
    extents = room.find(state, job)
    if extents is None:
        if job.disk.dumptype.holding is not HoldingUse.REQUIRED and tape is not None:
            job.direct = True
            return
        yield from end(state, job, "failed", _too_big(state, job))
        return
    first, *rest = [room.take(state, extent) for extent in extents]
    job.given, job.kept = [first], deque(rest)
    job.current = first.path
    job.file = room.holding_file(state, job, first.path)
    yield from _begin(state, dumper, job, "holding")
    yield Tell(dumper.child, says.FileDump(
        Handle(job.handle), job.file, *job.key, job.level, job.dumpdate, Kib(state.holds[first.path].chunksize),
        job.disk.dumptype.program, _options(state, job, first.size)))


def _too_big(state: State, job: Job) -> str:
    holds = room.open_to(state, job)
    total, free = sum(hold.total for hold in holds), sum(hold.free for hold in holds)
    there = show_kib(total) if job.size > total or not total else f"{show_kib(total)}, of which {show_kib(free)} are free"
    return (f"DMP027 needs {show_kib(job.size)} of holding disk, there are {there}{room.besides(state, job)}, and no volume to "
            "go to instead")


def _start_direct(state: State, dumper: Dumper, job: Job, tape: Tape) -> Iterator[Effect]:
    if tape.state != "ready" or tape.write or tape.direct:
        return
    job.file = job.current = ""
    job.taper, job.tape_ended = tape.child, ""
    yield from _begin(state, dumper, job, "tape")
    job.phase = Phase.OPENING
    tape.state, tape.direct, tape.direct_handle, tape.direct_parts = "busy", job.key, job.handle, 0
    parts.begin(tape)
    tape.silent_since = state.now
    yield Journal(WriteBegan(
        job.handle, tape.child, tape.storage, *job.key, state.datestamp, job.level, "", job.size))
    yield Tell(tape.child, taper.PortWrite(Handle(job.handle), *job.key, job.level, state.datestamp))


def _begin(state: State, dumper: Dumper, job: Job, target: str) -> Iterator[Effect]:
    slot = list(state.dumpers).index(dumper.child)
    job.handle, job.child, job.attempts = state.new_handle(slot), dumper.child, job.attempts + 1
    job.phase, job.written, job.written_orig, job.strange, job.stats = Phase.DUMPING, 0, 0, "", None
    job.giving_up, job.then, job.tape_ended, job.began, job.stalled_at = "", "", "", state.now, -1
    growth.begin(job)
    dumper.job = job.key
    del state.waiting[job.key]
    state.handles[job.handle] = job.key
    host = job.disk.host.name
    state.running_on[host] = state.running_on.get(host, 0) + 1
    state.network[job.disk.interface] = state.network.get(job.disk.interface, 0) + job.kps
    if job.disk.spindle >= 0:
        state.spindles.add((host, job.disk.spindle))
    yield from questions.withdraw(state, job.question)
    job.question = 0
    yield Journal(DumpBegan(
        job.handle, *job.key, job.level, dumper.child, target, job.file, job.attempts, job.size))
    yield from has_waited(job)


def _options(state: State, job: Job, use: int) -> str:
    kind = job.disk.dumptype
    words: list[tuple[str, str | None]] = [
        ("auth", kind.auth), ("compress", str(kind.compress)), ("datestamp", state.datestamp), ("use", str(use)),
        ("orig", str(job.orig)), ("estimate", str(job.size))]
    words += [(name, None) for name, on in (("index", kind.index), ("record", kind.record)) if on]
    return encode_options(words)


def opened(state: State, tape: Tape, port: int) -> Iterator[Effect]:
    """The taper listens: the dumper may connect."""
    job = state.jobs.get(tape.direct) if tape.direct else None
    if job is None or job.phase is not Phase.OPENING:
        return
    if state.stop_now:
        release(state, state.dumpers[job.child], job)
        yield Tell(tape.child, taper.WriteFailed(Handle(job.handle), "the run is stopped"))
        yield from end(state, job, "failed", f"RUN044 the run was stopped by {state.stopping}")
        return
    job.phase = Phase.DUMPING
    yield Tell(job.child, says.PortDump(
        Handle(job.handle), port, *job.key, job.level, job.dumpdate, job.disk.dumptype.program,
        _options(state, job, 0)))


def heard(state: State, dumper: Dumper, message: says.Report) -> Iterator[Effect]:
    """A dumper's word."""
    job = state.jobs.get(dumper.job) if dumper.job else None
    handle = getattr(message, "handle", "")
    if isinstance(message, says.BadCommand):
        # Where it stands is unknown now: a fresh one is cheaper than a guess.
        yield from broken(state, dumper, f"did not understand the driver: {message.message}")
        return
    if handle and not state.gave(handle):
        yield from broken(state, dumper, f"spoke of a dump that nobody ordered: {handle[:40]}")
        return
    if job is None or handle != job.handle:
        return  # of an attempt that is over
    match message:
        case says.Progress(_, size, orig):
            job.written, job.written_orig = size, orig
            if job.phase is Phase.DUMPING:
                yield from growth.look(state, job)
        case says.Strange(_, text):
            job.strange = text
        case says.NoRoom(_, missing, why):
            if job.phase is Phase.DUMPING:
                yield from room.no_room(state, job, missing, why)
        case says.AbortFinished():
            yield from _gave_up(state, dumper, job)
        case _ if job.phase is Phase.ABORTING:
            return  # said before it read ABORT; ABORT-FINISHED follows
        case says.Done(_, text):
            yield from _done(state, dumper, job, text)
        case says.TryAgain(_, text):
            yield from _failed(state, dumper, job, Outcome.TRY_AGAIN, text)
        case says.Retry(_, delay, level, text):
            yield from _let_go(state, dumper, job, Outcome.TRY_AGAIN, text)
            yield from later(state, job, delay, level, text)
        case says.Failed(_, text):
            yield from _failed(state, dumper, job, Outcome.FAILED, text)


def release(state: State, dumper: Dumper, job: Job) -> None:
    """The attempt is over: dumper, host, spindle and network are free."""
    dumper.job = None
    host = job.disk.host.name
    state.running_on[host] -= 1
    state.network[job.disk.interface] -= job.kps
    state.spindles.discard((host, job.disk.spindle))


def _ended(job: Job, outcome: Outcome, message: str, file: str) -> Journal:
    stats = job.stats or Stats(0.0, Kib(0), Kib(0), NO_CRC, NO_CRC, NO_CRC)
    return Journal(DumpEnded(
        job.handle, *job.key, job.level, outcome, message, file, stats.kib, stats.orig_kib, stats.seconds,
        str(stats.native), str(stats.client), str(stats.server), job.dumpdate))


def _done(state: State, dumper: Dumper, job: Job, text: str) -> Iterator[Effect]:
    try:
        job.stats = read_stats(text)
    except ValueError as fault:
        yield from broken(state, dumper, f"gave {fault}")
        return
    if text.endswith(says.WAS_STRANGE) and not job.strange:
        job.strange = "what the client said was lost on the way from the dumper"
    release(state, dumper, job)
    yield from growth.over(state, job)
    dumper.deaths = 0
    if job.strange:
        yield Journal(DumpStrange(job.handle, *job.key, job.strange))
    outcome = Outcome.STRANGE if job.strange else Outcome.DONE
    yield _ended(job, outcome, "", job.file)
    job.phase, job.written = Phase.DUMPED, job.stats.kib
    if not job.file:
        yield Tell(job.taper, taper.WriteDone(Handle(job.handle), job.stats.orig_kib, str(job.stats.server)))
        yield from finish_direct(state, job)
        return
    # Not before this is in the journal: a client that knew of a dump which we forgot would leave it out for ever.
    yield Tell(dumper.child, says.Confirm(Handle(job.handle)))
    extents = room.settle_size(state, job, job.stats.kib)
    room.worked(state, extents)
    job.pending = set(state.site.storages_of(job.disk))
    held = Held(job.file, *job.key, state.datestamp, job.level, job.stats.kib, set(job.pending), extents)
    state.keep(held)
    for extent in extents if job.level == 0 else ():
        state.holds[extent.path].full_total += extent.size
    if not job.pending:
        yield from end(state, job, "strange" if job.strange else "done", "on the holding disk")


def read_stats(text: str) -> Stats:
    """The statistics of a DONE.  ValueError when they are none, or contradict themselves."""
    try:
        stats = Stats.parse(text)
    except (ValueError, OverflowError):
        raise ValueError(f"statistics that make no sense: {text[:80]}") from None
    if "kb " not in text or not stats.server.known or stats.kib != kib_of(stats.server.size):
        raise ValueError(f"statistics that make no sense: {text[:80]}")
    return stats


def finish_direct(state: State, job: Job) -> Iterator[Effect]:
    """A dump straight to a volume has ended when both its dumper and its taper have."""
    if not job.tape_ended or job.phase is not Phase.DUMPED:
        return
    if job.tape_ended == "done":
        # Only now may the client replace its incremental state: what is not on a volume cannot be built upon.
        yield Tell(job.child, says.Confirm(Handle(job.handle)))
        yield from end(state, job, "strange" if job.strange else "done", "")
    else:
        yield from again(state, job, job.tape_ended, delay=0.0)


def _let_go(state: State, dumper: Dumper, job: Job, outcome: Outcome, message: str) -> Iterator[Effect]:
    release(state, dumper, job)
    yield from questions.withdraw(state, job.question)
    yield from growth.over(state, job)
    job.question, job.avoid = 0, dumper.child
    yield _ended(job, outcome, message, "")
    if message[:6] in BAD_DISK and job.current:
        yield from room.failed(state, job, job.current, message)
    yield from drop(state, job, message)


def _failed(state: State, dumper: Dumper, job: Job, outcome: Outcome, message: str) -> Iterator[Effect]:
    yield from _let_go(state, dumper, job, outcome, message)
    if job.tape_ended not in ("", "done"):
        # The taper failed first and took the connection with it: not the client's fault.
        yield from again(state, job, job.tape_ended, delay=0.0)
    elif outcome is Outcome.TRY_AGAIN:
        delay = 0.0 if message[:6] in BAD_DISK else state.site.run.retry_delay * job.attempts
        yield from again(state, job, message, delay=delay, broke_off=job.written > 0)
    else:
        yield from end(state, job, "failed", message)


def drop(state: State, job: Job, message: str) -> Iterator[Effect]:
    """Forget what an attempt had: space, and the taper's end of a direct dump."""
    room.give_back(state, job)
    if job.taper:
        tape = state.tapes[job.taper]
        if tape.direct == job.key:
            yield Tell(tape.child, taper.WriteFailed(Handle(job.handle), message))


def _gave_up(state: State, dumper: Dumper, job: Job) -> Iterator[Effect]:
    reason = job.giving_up or "DMP028 aborted"
    release(state, dumper, job)
    yield from growth.over(state, job)
    yield _ended(job, Outcome.ABORTED, reason, "")
    if job.file:
        yield RemoveFile(job.file)  # whole, if the order crossed the dumper's DONE
    yield from drop(state, job, reason)
    if job.then and not state.stopping:
        job.direct = job.direct or job.then == "direct"
        yield from again(state, job, reason, delay=0.0, count=False)
    else:
        yield from end(state, job, "failed", reason)


def _degrade(state: State, job: Job) -> Iterator[Effect]:
    """No volume for this disk: fulls may use the holding disk up to its reserve, then their plan B is dumped."""
    job.degraded = True
    reason = "; ".join(state.degraded.get(name, "") for name in state.site.storages_of(job.disk)).strip("; ")
    if job.disk.dumptype.holding is HoldingUse.NEVER:
        job.lacked_volume = True
        yield from end(state, job, "failed", f"DMP025 its dumptype says no holding disk, and there is no volume: {reason}")
        return
    job.direct = False
    if job.level != 0:
        return
    allowed, fulls = room.for_fulls(state)
    fulls += sum(room.round_up(j.size) for j in state.jobs.values() if j.active and j.level == 0)
    if fulls + room.round_up(job.size) <= allowed:
        return
    if job.plan_b is None:
        job.lacked_volume = True
        yield from end(state, job, "failed", (
            f"DMP026 no volume, and a full of {show_kib(job.size)} does not fit beside the holding disk's reserve; "
            "a disk without an earlier full cannot be dumped at a higher level"))
        return
    job.level, job.size, job.seconds = job.plan_b.level, job.plan_b.size, job.plan_b.seconds
    job.dumpdate, job.orig = job.plan_b.dumpdate, job.plan_b.size


def broken(state: State, dumper: Dumper, why: str) -> Iterator[Effect]:
    """A dumper that can be trusted no more is ended; what it did is tried again."""
    yield Journal(ChildDied(dumper.child, f"was ended: it {why}", ""))
    yield Kill(dumper.child)
    dumper.deaths += 1
    yield from died(state, dumper, why)


def died(state: State, dumper: Dumper, status: str) -> Iterator[Effect]:
    """A dumper process is gone; what it did is tried again."""
    dumper.up = False
    job = state.jobs.get(dumper.job) if dumper.job else None
    if job is None:
        return
    if job.phase is Phase.ABORTING:
        yield from _gave_up(state, dumper, job)
        return
    file = job.file
    yield from _failed(state, dumper, job, Outcome.TRY_AGAIN, f"DMP029 {dumper.child} died: {status}")
    if file:
        yield RemoveFile(file)
        yield Journal(FileRemoved(file, "its dumper died"))
