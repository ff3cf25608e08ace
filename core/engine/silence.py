"""A dumper or planner that says nothing: until when it is waited for, and what is done when it is silent for too long.

A dumper that works says something now and then (PROGRESS, if nothing else); one that does not within ``child_timeout``
hangs, or its words are lost.  It is killed, and what it did is tried again as if it had died.  The planner has the time
that its clients have besides.  A dumper that waits for us may be silent.  Tapers: `core.engine.tape_waiting`.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.engine import dumping
from core.engine.effects import Effect
from core.engine.state import Dumper, Phase, State
from core.model.units import show_duration

ESTIMATES = 7200.0
"""Seconds that a client has at most for its estimates, unless a single one may take longer (`core.planner.clients`)."""


def told(state: State, child: str) -> None:
    """A child was given an order: its time begins."""
    dumper = state.dumpers.get(child)
    if dumper is not None:
        dumper.since = state.now


def heard(state: State, child: str) -> None:
    """A child said something: its time begins anew, unless it has to end a dump that was given up."""
    dumper = state.dumpers.get(child)
    if dumper is not None and dumper.job is not None and state.jobs[dumper.job].phase is Phase.ABORTING:
        return
    told(state, child)


def deadlines(state: State) -> Iterator[float]:
    """When each child that owes a word is given up."""
    limit = state.site.run.child_timeout
    for dumper in state.dumpers.values():
        if _dumper_owes(state, dumper):
            yield dumper.since + limit
    if not state.plan_ended:
        yield state.plan_since + plan_patience(state)


def plan_patience(state: State) -> float:
    """Seconds that the planner may be silent while its clients make their estimates."""
    hosts = state.site.hosts.values()
    single = max((host.estimate_timeout for host in hosts), default=0.0)
    disks = max((sum(1 for d in state.site.disks if d.host.name == host.name) for host in hosts), default=0)
    connect = max((host.connect_timeout for host in hosts), default=0.0)
    return max(single, min(ESTIMATES, single * 3 * disks)) + connect + state.site.run.child_timeout


def overdue(state: State) -> Iterator[Effect]:
    """End what has been silent for too long."""
    limit = state.site.run.child_timeout
    why = f"said nothing for {show_duration(limit)}"
    for dumper in list(state.dumpers.values()):
        if _dumper_owes(state, dumper) and state.now >= dumper.since + limit:
            yield from dumping.broken(state, dumper, why)


def _dumper_owes(state: State, dumper: Dumper) -> bool:
    job = state.jobs.get(dumper.job) if dumper.job else None
    return job is not None and job.phase in (Phase.DUMPING, Phase.ABORTING)
