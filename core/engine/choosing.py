"""Which disk is dumped next: Amanda's order (``dumporder`` letters with priority) and constraints.

`blocked` names the first constraint that stops a disk; `core.engine.waiting` says it in words, with when it lifts.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from core.engine import room
from core.engine.state import Job, State
from core.model.disk import HoldingUse

DAY = 86400.0
_KEYS: dict[str, Callable[[Job], float]] = {
    "s": lambda j: j.size, "S": lambda j: -j.size,
    "t": lambda j: j.seconds, "T": lambda j: -j.seconds,
    "b": lambda j: j.kps, "B": lambda j: -j.kps,
}


class Constraint(StrEnum):
    """What a disk waits for; `NONE` is false."""

    NONE = ""
    PAUSED = "paused"
    HELD = "held"
    START = "start time"
    RETRY = "try again"
    CLIENT = "client busy"
    SPINDLE = "spindle"
    BANDWIDTH = "bandwidth"
    TAPE = "tape"
    HOLDING = "holding disk"
    DUMPER = "dumper"


def blocked(state: State, job: Job) -> Constraint:
    """Why this disk may not start now; `NONE` when it may."""
    if state.paused:
        return Constraint.PAUSED
    if job.held:
        return Constraint.HELD
    if job.not_before > state.now:
        return Constraint.RETRY
    if starts_at(state, job) > state.now:
        return Constraint.START
    host = job.disk.host
    if state.running_on.get(host.name, 0) >= host.maxdumps:
        return Constraint.CLIENT
    if job.disk.spindle >= 0 and (host.name, job.disk.spindle) in state.spindles:
        return Constraint.SPINDLE
    used = state.network.get(job.disk.interface, 0)
    if used and used + job.kps > limit_of(state, job):
        return Constraint.BANDWIDTH
    return _place(state, job)


def limit_of(state: State, job: Job) -> int:
    """KiB/s that all dumps over the disk's interface may take together."""
    return state.site.run.interfaces.get(job.disk.interface, state.site.run.netusage)


def starts_at(state: State, job: Job) -> float:
    """When a disk may start by its own or its host's ``starttime``: that time of day, tomorrow's if today's is more than 12
    hours ago (Amanda's rule); 0 when it has none."""
    latest = 0.0
    for after_midnight in (job.disk.host.starttime, job.disk.dumptype.starttime):
        if after_midnight is not None:
            at = state.midnight + after_midnight
            latest = max(latest, at + DAY if state.began - at > DAY / 2 else at)
    return latest


def _place(state: State, job: Job) -> Constraint:
    if goes_direct(state, job):
        if any(t.state == "ready" and not t.write and not t.direct for t in state.usable_storages(job.disk)[:1]):
            return Constraint.NONE
        return Constraint.TAPE if state.usable_storages(job.disk) else Constraint.NONE
    if room.find(state, job) is not None:
        return Constraint.NONE
    if not any(d.job for d in state.dumpers.values()) and not room.will_come(state):
        return Constraint.NONE
    return Constraint.HOLDING


def goes_direct(state: State, job: Job) -> bool:
    """Whether this disk is dumped straight to a volume: it says so, had no room before, or could never fit."""
    use = job.disk.dumptype.holding
    if use is HoldingUse.REQUIRED:
        return False
    if use is HoldingUse.NEVER or job.direct or not state.holds:
        return True
    usable = sum(hold.total for hold in room.open_to(state, job))
    return room.round_up(job.size) > usable and bool(state.usable_storages(job.disk))


def ordered(state: State, letter: str) -> list[Job]:
    if state.reorder:
        state.orders.clear()
        state.reorder = False
    found = state.orders.get(letter)
    if found is None or len(found) > 2 * len(state.waiting) + 64:
        key = _KEYS.get(letter, _KEYS["s"])
        found = sorted(state.waiting.values(), key=lambda j: (-j.priority, key(j), j.sequence))
        state.orders[letter] = found
    return found
