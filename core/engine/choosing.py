"""Which disk is dumped next: Amanda's order (``dumporder`` letters with priority) and constraints.

`blocked` gives the first constraint that stops a disk as a sentence, which is also what the console shows.
"""

from __future__ import annotations

from collections.abc import Callable

from core.engine import room
from core.engine.state import Job, State
from core.model.disk import HoldingUse
from core.model.units import show_kib

DAY = 86400.0
_KEYS: dict[str, Callable[[Job], float]] = {
    "s": lambda j: j.size, "S": lambda j: -j.size,
    "t": lambda j: j.seconds, "T": lambda j: -j.seconds,
    "b": lambda j: j.kps, "B": lambda j: -j.kps,
}


def blocked(state: State, job: Job) -> str:
    """Why this disk may not start now; empty when it may."""
    if state.paused:
        return f"the run is paused by {state.paused}"
    if job.held:
        return "held by the operator"
    host = job.disk.host
    starts = max(job.not_before, starts_at(state, job))
    if starts > state.now:
        return f"not before {int(starts - state.now)} s from now"
    running = state.running_on.get(host.name, 0)
    if running >= host.maxdumps:
        return f"{host.name} runs {running} of maxdumps {host.maxdumps}"
    if job.disk.spindle >= 0 and (host.name, job.disk.spindle) in state.spindles:
        return f"another disk of spindle {job.disk.spindle} is being dumped"
    used = state.network.get(job.disk.interface, 0)
    limit = state.site.run.interfaces.get(job.disk.interface, state.site.run.netusage)
    if used and used + job.kps > limit:
        return f"network {job.disk.interface}: {used} of {limit} KiB/s are in use"
    return _no_place(state, job)


def starts_at(state: State, job: Job) -> float:
    """When a disk may start by its own or its host's ``starttime``: that time of day, tomorrow's if today's is more than 12
    hours ago (Amanda's rule); 0 when it has none."""
    latest = 0.0
    for after_midnight in (job.disk.host.starttime, job.disk.dumptype.starttime):
        if after_midnight is not None:
            at = state.midnight + after_midnight
            latest = max(latest, at + DAY if state.began - at > DAY / 2 else at)
    return latest


def _no_place(state: State, job: Job) -> str:
    if goes_direct(state, job):
        if any(t.state == "ready" and not t.write and not t.direct for t in state.usable_storages(job.disk)[:1]):
            return ""
        return "its volume is busy" if state.usable_storages(job.disk) else ""
    if room.find(state, job.size) is not None:
        return ""
    if not any(d.job for d in state.dumpers.values()) and not room.will_come(state):
        return ""
    free = sum(hold.free for hold in state.holds.values())
    return f"needs {show_kib(job.size)} of holding disk, {show_kib(free)} free"


def goes_direct(state: State, job: Job) -> bool:
    """Whether this disk is dumped straight to a volume: it says so, had no room before, or could never fit."""
    use = job.disk.dumptype.holding
    if use is HoldingUse.REQUIRED:
        return False
    if use is HoldingUse.NEVER or job.direct or not state.holds:
        return True
    return room.round_up(job.size) > sum(hold.total for hold in state.holds.values()) and bool(
        state.usable_storages(job.disk))


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
