"""One run: feed it with `handle`, carry out what it gives, in order.

Every input is taken in by the module that knows it; then `_settle` lets whatever became possible happen: stalled dumps
go on, idle dumpers and tapers get work, and a run with nothing left to do ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from core.engine import (
    arbitration,
    choosing,
    closing,
    dumping,
    growth,
    orders,
    questions,
    retrying,
    room,
    silence,
    tape_waiting,
    taping,
    waiting,
)
from core.engine.dumping import DEATHS
from core.engine.effects import Effect, Journal, Reply, StartDumper, Tell
from core.engine.inputs import (
    Answered,
    ChildGone,
    FlushFound,
    Heard,
    HoldingSeen,
    Input,
    Ordered,
    PlanEnded,
    Planned,
    Tick,
)
from core.engine.state import Dumper, Extent, Held, Job, Phase, State
from core.events import event as e
from core.model.disk import Disk, Dumptype, Host
from core.model.site import Site
from core.model.units import show_duration
from core.protocol import dumper, operator, planner, taper


class Engine:
    """The driver's judgement on one run."""

    def __init__(self, site: Site, datestamp: str, now: float, midnight: float | None = None) -> None:
        self.state = State(site, datestamp, now, now, now if midnight is None else midnight)

    def begin(self, by: str, pid: int, holdings: list[HoldingSeen]) -> Iterator[Effect]:
        """The first effects: facts of the site, tapers, dumpers."""
        state = self.state
        site = state.site
        yield Journal(e.RunBegan(
            state.datestamp, site.org, str(site.file), by, pid, len(site.hosts), len(site.disks), site.run.inparallel))
        for holding in holdings:
            if holding.failed:
                # Dumps find another way, so nobody would notice: the room is missing night after night.
                state.attention = True
                yield Journal(e.Notice("HLD010", "E", holding.path, f"cannot be used tonight: {holding.failed}"))
            else:
                yield from self.handle(holding)
        for number, storage in enumerate(site.storages):
            yield from taping.start(state, f"taper{number}", storage)
        order = site.run.dumporder or "ttt"
        for number in range(max(1, site.run.inparallel)):
            letter = order[number] if number < len(order) else "T"
            state.dumpers[f"dumper{number}"] = Dumper(f"dumper{number}", letter)
        state.plan_since = state.now

    def handle(self, happened: Input) -> Iterator[Effect]:
        """Take one input in."""
        for effect in self._take_in(happened):
            if isinstance(effect, Tell):
                silence.told(self.state, effect.child)
            yield effect

    def _take_in(self, happened: Input) -> Iterator[Effect]:
        state = self.state
        if state.finished:
            return
        if state.closing is not None:
            yield from closing.take_in(state, happened)
            return
        match happened:
            case Heard(_, dumper.Progress() | taper.Progress()):
                yield from self._heard(happened)
                return
            case Heard():
                yield from self._heard(happened)
            case ChildGone():
                yield from self._gone(happened)
            case Planned(said):
                yield from self._planned(said)
            case FlushFound(said, size):
                yield from self._flush(said, size)
            case PlanEnded():
                state.plan_ended = True
                yield Journal(e.PlanComplete(len(state.jobs), state.flushes))
                if not (state.jobs or state.flushes or state.skipped):
                    state.attention = True
                    yield Journal(e.Notice("RUN013", "W", "plan", "the planner named no disk: nothing is dumped"))
            case Answered():
                yield from self._answered(happened)
            case Ordered(order, by):
                yield from orders.ordered(state, order, by)
            case HoldingSeen():
                yield from self._holding(happened)
            case Tick(now):
                waiting.sample(state, now)
                state.now = max(state.now, now)
                for question in questions.due(state):
                    yield from self._close(
                        question.asked.id, question.default, question.argument, question.by)
                yield from taping.on_tick(state)
                yield from silence.overdue(state)
                if not state.plan_ended and now >= state.plan_since + silence.plan_patience(state):
                    yield from self._plan_lost()
            case other:
                assert_never(other)
        yield from self._settle()

    def wake(self) -> float | None:
        """When a `Tick` is wanted at the latest: a deadline, or a disk's start; None: no such time."""
        state = self.state
        if state.closing is not None:
            return min(closing.wakes(state), default=None)
        times = [q.asked.deadline for q in state.questions.values()]
        times += arbitration.wakes(state)
        times += silence.deadlines(state)
        times += tape_waiting.wakes(state)
        times += [job.not_before for job in state.waiting.values() if job.not_before > state.now]
        times += [at for job in state.waiting.values() if (at := choosing.starts_at(state, job)) > state.now]
        return min(times, default=None)

    def reasons(self) -> dict[str, str]:
        """Why each disk that waits does so, in words."""
        return {job.title: wait.text for job, wait in waiting.disks(self.state)}

    def _heard(self, happened: Heard) -> Iterator[Effect]:
        state, child = self.state, happened.child
        silence.heard(state, child)
        if child in state.dumpers:
            yield from dumping.heard(state, state.dumpers[child], happened.message)  # type: ignore[arg-type]
        elif child in state.tapes:
            yield from taping.heard(state, state.tapes[child], happened.message)  # type: ignore[arg-type]

    def _gone(self, happened: ChildGone) -> Iterator[Effect]:
        state = self.state
        yield Journal(e.ChildDied(happened.child, happened.status, happened.tail))
        if happened.child in state.tapes:
            yield from taping.died(state, state.tapes[happened.child], happened.status)
        elif happened.child in state.dumpers:
            one = state.dumpers[happened.child]
            one.deaths += 1
            yield from dumping.died(state, one, happened.status)

    def _plan_lost(self) -> Iterator[Effect]:
        state = self.state
        state.plan_ended = state.attention = True
        yield Journal(e.Notice("RUN017", "E", "planner", (
            f"has said nothing for {show_duration(silence.plan_patience(state))}; what it planned so far is dumped")))
        yield Journal(e.PlanComplete(len(state.jobs), state.flushes))

    def _planned(self, said: planner.Said) -> Iterator[Effect]:
        state = self.state
        state.plan_since = state.now
        match said:
            case planner.Date() | planner.EndFlush() | planner.Flush() | planner.EndPlan():
                return
            case planner.Estimating(host):
                yield Journal(e.EstimateBegan(host))
            case planner.Estimate(host, disk, level, size):
                yield Journal(e.EstimateGot(host, disk, level, size))
            case planner.NoEstimate(host, disk, message):
                yield Journal(e.EstimateMissing(host, disk, message))
            case planner.Skip(host, disk, message, fail):
                state.skipped += 1
                if fail:
                    state.failures += 1
                yield Journal(e.DiskSkipped(host, disk, message, bool(fail)))
            case planner.DumpLine():
                yield from self._dump_line(said)
            case other:
                assert_never(other)

    def _holding(self, seen: HoldingSeen) -> Iterator[Effect]:
        state = self.state
        known = seen.path in state.holds
        if seen.failed and not known:
            state.looking.discard(seen.path)
            state.no_room_until = 0.0  # it was to bring room; another answer is wanted
            return
        if not known:
            yield Journal(e.HoldingFound(seen.path, seen.total, seen.free, seen.reserve))
        room.seen(state, seen.path, seen.free, seen.total, seen.reserve, seen.chunksize)
        if not known:
            state.holds[seen.path].left = seen.left

    def _dump_line(self, line: planner.DumpLine) -> Iterator[Effect]:
        state = self.state
        if (line.host, line.disk) in state.jobs:
            yield Journal(e.Notice("RUN011", "W", f"{line.host}:{line.disk}", "planned twice; the first line counts"))
            return
        known = state.site.disk(line.host, line.disk)
        disk = known or Disk(state.site.hosts.get(line.host) or Host(line.host), line.disk, Dumptype())
        kps = line.kps or (line.size // line.seconds if line.seconds else 1024)
        job = Job(
            disk, line, line.level, line.size, line.orig or line.size, line.seconds, kps, line.dumpdate, line.plan_b,
            line.priority)
        yield Journal(e.DumpPlanned(
            line.host, line.disk, line.priority, line.level, line.size, job.orig, line.seconds,
            line.plan_b.level if line.plan_b else -1, line.plan_b.size if line.plan_b else 0, line.why))
        dumping.add(state, job)
        if known is None:  # nothing says how its client is reached or what becomes of it
            yield from dumping.end(state, job, "failed", f"RUN012 the plan names it, and it is not in {state.site.file}")
        elif state.stopping:
            yield from dumping.end(state, job, "failed", f"RUN044 not dumped: the run was stopped by {state.stopping}")
        else:
            yield from self._want_dumpers()

    def _want_dumpers(self) -> Iterator[Effect]:
        """Dumpers are started when there is work for them, not before: a run of three disks needs three."""
        state = self.state
        idle = sum(1 for d in state.dumpers.values() if d.up and d.job is None)
        for one in state.dumpers.values():
            if idle >= len(state.waiting):
                return
            if not one.up and one.deaths < DEATHS:
                one.up = True
                idle += 1
                yield StartDumper(one.child)

    def _flush(self, said: planner.Flush, size: int) -> Iterator[Effect]:
        state = self.state
        if said.file in state.held:
            return
        state.flushes += 1
        disk = state.site.disk(said.host, said.disk)
        storages = state.site.storages_of(disk) if disk else tuple(state.site.storages)[:1]
        path = max((p for p in state.holds if said.file.startswith(p + "/")), key=len, default="")
        extents = [Extent(path, room.round_up(size))] if path else []
        if path:
            state.holds[path].left = max(0, state.holds[path].left - size)
        held = Held(
            said.file, said.host, said.disk, said.datestamp, said.level, size, set(storages), extents, foreign=True)
        yield Journal(e.FlushPlanned(said.host, said.disk, said.datestamp, said.level, said.file, size))
        state.keep(held)

    def _answered(self, happened: Answered) -> Iterator[Effect]:
        if why := questions.refusal(self.state, happened):
            yield Reply(operator.Refused(why))
            return
        question = self.state.questions[happened.id]
        check = {"room": arbitration.refuse, "retry": retrying.refuse}.get(question.about)
        if check is not None and (why := check(self.state, question, happened.choice, happened.argument)):
            yield Reply(operator.Refused(why))
            return
        yield from self._close(happened.id, happened.choice, happened.argument, happened.by)
        yield Reply(operator.Ok())

    def _close(self, id: int, choice: str, argument: str, by: str) -> Iterator[Effect]:
        question = self.state.questions.get(id)
        if question is None:
            return
        match question.about:
            case "room":
                yield from arbitration.answered(self.state, question, choice, argument, by)
            case "retry":
                yield from retrying.answered(self.state, question, choice, argument, by)
            case "growth":
                yield from growth.answered(self.state, question, choice, argument, by)
            case _:
                yield from taping.answered(self.state, question, choice, argument, by)

    def _settle(self) -> Iterator[Effect]:
        state = self.state
        yield from taping.pump(state)
        yield from arbitration.settle(state)
        if state.waiting and not state.stopping:
            yield from self._want_dumpers()
            yield from dumping.fill(state)
            if not any(d.up or d.deaths < DEATHS for d in state.dumpers.values()):
                for job in list(state.waiting.values()):
                    yield from dumping.end(state, job, "failed", "DMP030 not dumped: every dumper died again and again")
        yield from taping.pump(state)
        if self._idle():
            yield from self._end()

    def _idle(self) -> bool:
        state = self.state
        if not (state.plan_ended or state.stopping) or state.waiting:
            return False
        if any(d.job for d in state.dumpers.values()):
            return False
        for tape in state.tapes.values():
            if tape.write or tape.direct:
                return False
            if tape.usable and tape.queue and not state.stopping:
                return False
        return True

    def _end(self) -> Iterator[Effect]:
        state = self.state
        for question in list(state.questions.values()):
            yield from questions.close(state, question, "", "", "withdrawn")
        yield from self._not_found_again()
        left = 0
        for held in state.held.values():
            left += 1
            job = state.jobs.get((held.host, held.disk))
            if job is not None and job.phase is Phase.DUMPED:
                where = ", ".join(sorted(held.pending))
                yield from dumping.end(
                    state, job, "strange" if job.strange else "done", f"HLD023 left on the holding disk, not on {where}")
        for job in [j for j in state.jobs.values() if j.phase is not Phase.ENDED]:
            yield from dumping.end(state, job, "failed", "RUN045 the run ended before it was dumped")
        for tape in state.tapes.values():
            for kind, seconds in waiting.waited(tape):
                yield Journal(e.TaperWaited(tape.child, tape.storage, kind, round(seconds, 1)))
        pending = any(held.pending for held in state.held.values())
        code = 1 if state.failures or state.attention or state.degraded or pending else 0
        if state.stopping:
            code = 3
        yield from closing.begin(state, e.RunClosing(code, state.done, state.failures, left))

    def _not_found_again(self) -> Iterator[Effect]:
        """Dumps in a directory that was only added to this run: the next one will not look there."""
        known = [str(disk.path) for disk in self.state.site.holding]
        for path in self.state.holds:
            files = [h.file for h in self.state.held.values() if h.file.startswith(path + "/") and path not in known]
            if files:
                yield Journal(e.Notice("HLD005", "W", path, (
                    f"{len(files)} whole dumps are left there, and it is no [[holding]] of the configuration")))
