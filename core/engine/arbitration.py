"""NO-ROOM that nothing helps: who is asked what, what each answer costs, and what follows from it.

Nobody is asked while something under way will free space, or while a holding disk is being measured.  The question is
about the smallest dump that stands still, since giving it up loses least; its default loses no disk: straight to a volume
where there is one, else back into the queue once.  Amanda aborts that dump without asking.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.engine import questions, room
from core.engine.effects import Effect, FlushLeft, MeasureHolding
from core.engine.state import Job, Phase, Question, State
from core.events.event import Choice
from core.model.units import show_kib

PATIENCE = 600.0
"""Seconds that an operator has before the default is taken; also how long ``wait`` waits unless it says so."""
LOOKING = 15.0
"""Seconds that a new directory or a look for old dumps has to help before somebody is asked again."""
LONGEST = 24 * 60
"""Minutes that ``wait`` may say."""
NAMED = 4
"""Dumps that a question names besides its own."""


def settle(state: State) -> Iterator[Effect]:
    """Let stalled dumps go on as far as space reaches; ask when nothing will free any."""
    yield from room.go_on(state)
    waiting = room.stalled(state)
    if not waiting or room.will_come(state) or state.looking or state.now < state.no_room_until:
        return
    if not any(job.question for job in waiting):
        yield from _ask(state, waiting)


def wakes(state: State) -> Iterator[float]:
    """When `settle` may have something to ask."""
    if state.no_room_until > state.now and room.stalled(state):
        yield state.no_room_until


def _ask(state: State, waiting: list[Job]) -> Iterator[Effect]:
    job = min(waiting, key=lambda job: (job.written, job.sequence))
    offered = list(choices(state, job))
    yield from questions.ask(
        state, "room", job.handle, code="HLD003", severity="D", title=job.title, handle=job.handle,
        text=text(state, job),
        choices=offered, default=offered[0].name, patience=min(PATIENCE, state.site.run.request_deadline))
    job.question = state.asked


def text(state: State, job: Job) -> str:
    """What the question about this dump says as things stand: how much is missing, what is free, and whether more comes."""
    waiting = room.stalled(state)
    free = sum(hold.free for hold in room.trusted(state))
    missing = sum(j.missing or room.GROWTH for j in waiting)
    who = f"{job.title} level {job.level} needs" if len(waiting) == 1 else f"{len(waiting)} dumps need"
    comes = "more comes as dumps there are written or given up" if room.will_come(state) else f"none coming{_because(state)}"
    return f"{who} about {show_kib(missing)} more on the holding disk, {show_kib(free)} free, {comes}"


def _because(state: State) -> str:
    """Why no volume takes what is on the holding disk."""
    if not state.degraded:
        return ""
    return "; no volume: " + "; ".join(f"{name}: {reason}" for name, reason in state.degraded.items())


def choices(state: State, job: Job) -> Iterator[Choice]:
    """What may be answered, the default first, and what each costs now."""
    lost = f"{show_kib(job.written)} dumped so far are lost; "
    if _can_go_direct(state, job):
        yield Choice("direct", lost + "it is dumped again, straight to a volume", destructive=True)
    yield Choice("abort", lost + _after(state, job), destructive=True)
    if others := _others(state, job):
        named = ", ".join(f"{o.title} ({show_kib(o.written)})" for o in others[:NAMED])
        more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        yield Choice("abort-other", f"another one gives up what it has dumped, and its room goes to the rest: {named}{more}",
                     argument="HOST:DISK", destructive=True)
    if left := _to_flush(state):
        yield Choice("flush", f"{show_kib(left)} that earlier runs left on the holding disk go to a volume; it stands still "
                              "until then")
    yield Choice("wait", f"it stands still; asked again in {PATIENCE // 60:.0f} minutes, or in as many as you say",
                 argument="minutes")
    yield Choice("add", "this directory becomes a holding disk of the run", argument="directory")


def _can_go_direct(state: State, job: Job) -> bool:
    return job.disk.dumptype.holding == "auto" and bool(state.usable_storages(job.disk))


def _may_fit(state: State, job: Job) -> bool:
    """Whether the holding disks, empty, could take all of it, as far as is known now."""
    return room.round_up(_known_size(job)) <= sum(hold.total for hold in room.open_to(state, job))


def _known_size(job: Job) -> int:
    return max(job.size, job.written + job.missing)


def _after(state: State, job: Job) -> str:
    again = job.given_up == 0 and _may_fit(state, job) and not state.stopping
    if _can_go_direct(state, job):
        return "it is dumped again when there is room, else straight to a volume" if again else \
            "it is dumped again, straight to a volume"
    return "it is dumped again if the others leave room, else not tonight" if again else "the disk is not dumped tonight"


def _others(state: State, job: Job) -> list[Job]:
    """Other dumps on the holding disk that could be given up, the smallest first."""
    found = [j for d in state.dumpers.values() if d.job and (j := state.jobs[d.job]) is not job
             and j.file and j.phase in (Phase.DUMPING, Phase.STALLED)]
    return sorted(found, key=lambda j: (j.written, j.sequence))


def _to_flush(state: State) -> int:
    if not any(tape.usable for tape in state.tapes.values()):
        return 0
    return sum(hold.left for hold in state.holds.values())


def refuse(state: State, question: Question, choice: str, argument: str) -> str:
    """Why that answer makes no sense; empty when it does."""
    match choice:
        case "abort-other" | "abort" if argument or choice == "abort-other":
            if _named(state, argument) is None:
                job = state.job_of(question.subject)
                named = ", ".join(o.title for o in _others(state, job)) if job else ""
                return f"{argument or 'nothing'} is no dump on the holding disk; {named or 'no other'} is"
        case "wait" if argument:
            if not (argument.isascii() and argument.isdigit() and len(argument) < 9 and 0 < int(argument) <= LONGEST):
                return f"{argument[:20]} is no number of minutes from 1 to {LONGEST}"
        case "add":
            if not argument.startswith("/"):
                return "add needs the absolute path of a directory"
    return ""


def _named(state: State, name: str) -> Job | None:
    for d in state.dumpers.values():
        job = state.jobs.get(d.job) if d.job else None
        if job is not None and name in (job.title, job.handle) and job.file and job.phase in (Phase.DUMPING, Phase.STALLED):
            return job
    return None


def answered(state: State, question: Question, choice: str, argument: str, by: str) -> Iterator[Effect]:
    """The word on dumps that stand still, of an operator or by the default."""
    job = state.job_of(question.subject)
    yield from questions.close(state, question, choice, argument, by)
    if job is None or job.phase is not Phase.STALLED:
        return
    job.question = 0
    who = {"deadline": "nobody answered in time", "policy": "by a policy"}.get(by, f"by {by}")
    match choice:
        case "direct":
            yield from _give_up(state, job, f"HLD003 no room on the holding disk; sent straight to a volume: {who}", "direct")
        case "abort" | "abort-other":
            other = (_named(state, argument) if argument else None) or job
            then = "queue" if other.given_up == 0 else "direct" if _can_go_direct(state, other) else ""
            yield from _give_up(state, other, f"HLD003 no room on the holding disk; given up: {who}", then)
        case "flush":
            state.no_room_until = state.now + LOOKING
            for hold in state.holds.values():
                hold.left = 0
            yield FlushLeft()
        case "add":
            state.no_room_until = state.now + LOOKING
            state.looking.add(argument)
            yield MeasureHolding(argument, add=True)
        case "wait":
            state.no_room_until = state.now + (60.0 * int(argument) if argument else PATIENCE)


def _give_up(state: State, job: Job, reason: str, then: str) -> Iterator[Effect]:
    job.given_up += 1
    job.size = _known_size(job)  # the estimate was too low: not again
    yield from room.abort(state, job, reason, then)
