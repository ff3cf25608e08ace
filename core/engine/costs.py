"""What an open request says by now, and what each answer to it costs.

A request is one fact: it and its choices say how things stood when it was asked; meanwhile dumps end and grow, and room comes
and goes.  The journal is not to grow by that, so a face has the figures of now from here, as it has all that moves.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.engine import arbitration, growth, retrying, tape_waiting
from core.engine.state import Phase, Question, State
from core.events.event import Choice


def changed(state: State) -> dict[int, dict[str, str]]:
    """For each open request the choices that mean something else now than when it was asked: name to what follows."""
    found = {id: _changed(state, question) for id, question in state.questions.items()}
    return {id: effects for id, effects in found.items() if effects}


def texts(state: State) -> dict[int, str]:
    """For each open request that says something else by now what it says."""
    found: dict[int, str] = {}
    for id, question in state.questions.items():
        job = state.job_of(question.subject) if question.about == "room" else None
        if job is not None and job.phase is Phase.STALLED and (said := arbitration.text(state, job)) != question.asked.text:
            found[id] = said
    return found


def effect(state: State, question: Question, name: str) -> str:
    """What follows now from the choice of that name; empty when the request has none."""
    asked = next((choice.effect for choice in question.asked.choices if choice.name == name), "")
    return _changed(state, question).get(name, asked)


def _changed(state: State, question: Question) -> dict[str, str]:
    before = {choice.name: choice.effect for choice in question.asked.choices}
    # One that would not be offered any more keeps the words that it was offered with; the answer is judged when it comes.
    return {choice.name: choice.effect for choice in _choices(state, question)
            if before.get(choice.name, choice.effect) != choice.effect}


def _choices(state: State, question: Question) -> Iterator[Choice]:
    match question.about:
        case "taper" | "operator":
            yield from tape_waiting.choices(state.tapes[question.subject])
        case "room":
            if (job := state.job_of(question.subject)) is not None:
                yield from arbitration.choices(state, job)
        case "growth":
            if (growing := state.job_of(question.subject)) is not None:
                yield from growth.choices(growing)
        case "retry":
            if (waiting := retrying.job_of(state, question)) is not None:
                yield from retrying.choices(waiting)
        case other:  # pragma: no cover - nobody else asks
            raise AssertionError(other)
