"""How long the holding disks last, and by when somebody must act.

For each holding disk: how fast dumps fill it, how fast the taper empties it, and when it is full if that goes on and what is
still to come is more than it takes.  For the night: whether what is still to be dumped fits, and if not, until when a person
can change what follows.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.engine import costs, room
from core.engine.choosing import goes_direct
from core.engine.state import Job, Phase, State
from core.engine.waiting import ENOUGH
from core.model.units import show_duration, show_kib


@dataclass(frozen=True, slots=True)
class Runway:
    """One holding disk: KiB that are not written yet, KiB/s in and out, when it is full (0: not as things stand)."""

    path: str
    free: int
    fills: float
    drains: float
    full_at: float

    def text(self, now: float) -> str:
        """One sentence."""
        rates = f"{show_kib(self.fills)}/s in, {show_kib(self.drains)}/s out"
        if self.full_at:
            return f"full in {show_duration(max(0.0, self.full_at - now))}: {show_kib(self.free)} left, {rates}"
        return f"{show_kib(self.free)} left, {rates}"


@dataclass(frozen=True, slots=True)
class Act:
    """By when somebody must act (seconds since the epoch, 0: nobody must), why, and what follows otherwise."""

    by: float
    text: str


def of_holding(state: State) -> list[Runway]:
    """Each holding disk of the run."""
    return [_runway(state, path) for path in state.holds]


def _runway(state: State, path: str) -> Runway:
    hold = state.holds[path]
    free = (hold.free if hold in room.trusted(state) else 0) + room.outstanding(state, path)
    here = [job for job in _dumping(state) if job.current == path]
    fills = sum(_rate(state, job.began, job.written) for job in here)
    drains = 0.0
    for tape in state.tapes.values():
        held = state.held.get(tape.write.file) if tape.write else None
        if tape.write and held and any(extent.path == path for extent in held.extents):
            drains += _rate(state, tape.write.began, tape.write.written)
    comes = _left_of(here) + _queued(state)  # any of those that wait may come here
    full_at = state.now + free / (fills - drains) if fills > drains and comes > free else 0.0
    return Runway(path, free, fills, drains, full_at)


def _dumping(state: State) -> list[Job]:
    return [job for d in state.dumpers.values() if d.job and (job := state.jobs[d.job]).phase is Phase.DUMPING and job.file]


def _left_of(jobs: list[Job]) -> int:
    return sum(max(0, job.size - job.written) for job in jobs)


def _queue(state: State) -> list[Job]:
    return [job for job in state.waiting.values() if not goes_direct(state, job)]


def _queued(state: State) -> int:
    return sum(room.round_up(job.size) for job in _queue(state))


def _rate(state: State, began: float, written: int) -> float:
    age = state.now - began
    return written / age if age >= ENOUGH else 0.0


def act(state: State) -> Act:
    """The earliest time after which something is decided without a person; ``by`` 0 when the night needs nobody."""
    found = [_full(state)] if state.holds else []
    for question in state.questions.values():
        asked = question.asked
        if asked.severity in ("A", "D"):
            effect = costs.effect(state, question, asked.default)
            found.append(Act(asked.deadline, (
                f"request {asked.id} ({asked.subject}): without an answer {asked.default} in "
                f"{show_duration(max(0.0, asked.deadline - state.now))}: {effect}")))
    urgent = [one for one in found if one.by]
    if urgent:
        return min(urgent, key=lambda one: one.by)
    return found[0] if found else Act(0.0, "")


def _full(state: State) -> Act:
    """Whether what is still to come fits on the holding disks, by now and as fast as they fill."""
    runways = of_holding(state)
    free = sum(one.free for one in runways)
    stalled, queue = room.stalled(state), _queue(state)
    under_way = _left_of(_dumping(state)) + sum(job.missing or room.GROWTH for job in stalled)
    to_come = under_way + _queued(state)
    total = f"{show_kib(to_come)} are still to come, {show_kib(free)} of holding disk are left"
    if stalled and state.no_room_until > state.now:
        still = "1 dump stands" if len(stalled) == 1 else f"{len(stalled)} dumps stand"
        return Act(0.0, f"{still} still for want of room, asked about again in "
                        f"{show_duration(state.no_room_until - state.now)}: {total}")
    if not stalled and to_come <= free:
        if full := [one.path for one in runways if one.full_at]:
            return Act(0.0, f"{' and '.join(full)} may fill up, the others have room: {total}")
        return Act(0.0, f"the holding disks last for the night: {total}")
    if any(tape.usable and tape.state != "waiting" and tape.question not in state.questions for tape in state.tapes.values()):
        return Act(0.0, f"{total}; dumps wait until the tapers make room")
    fills = sum(one.fills for one in runways)
    by = state.now + (free / fills if fills > 0 else 0.0)
    late = _do_not_fit(queue, free - under_way)
    when = f"the holding disks are full in {show_duration(by - state.now)}" if by > state.now else "the holding disks are full"
    return Act(by, (f"{when} and no volume takes what is on them: act by then, or {late} "
                    f"dump{'' if late == 1 else 's'} must be made smaller or left out ({total})"))


def _do_not_fit(queue: list[Job], free: int) -> int:
    """How many of the waiting disks find no room any more, in the order of their priority."""
    late = 0
    for job in sorted(queue, key=lambda job: (-job.priority, job.sequence)):
        free -= room.round_up(job.size)
        late += free < 0
    return max(1, late)
