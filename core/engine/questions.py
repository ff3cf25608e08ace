"""Requests to the operator: each has a number, a default and a deadline, so that nothing waits for ever.

A policy of the configuration (``requests = { "HLD*" = { reply = …, after = … } }``) replaces default and deadline.
What an answer does is told by the module that asked; `core.engine.engine` joins the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from core.engine.effects import Journal
from core.engine.inputs import Answered
from core.engine.state import Question
from core.events.event import Choice, QuestionAsked, QuestionClosed
from core.model.site import Policy, Site


class Asking(Protocol):
    """Who asks, and what is open: the engine's state, or that of a restore."""

    site: Site
    now: float
    asked: int
    questions: dict[int, Question]
    closed: dict[int, str]
    policies_used: set[tuple[str, str]]


def ask(
    state: Asking, about: str, subject: str, *, code: str, severity: str, title: str, text: str,
    choices: Sequence[Choice], default: str, patience: float, handle: str = "",
) -> Iterator[Journal]:
    """Open a question; its id is ``state.asked`` afterwards."""
    state.asked += 1
    argument, by = "", "deadline"
    policy = policy_for(state.site.run.requests, code)
    # A policy that changed nothing is not asked for ever: the same question about the same thing has its own default then.
    spent = (code, title) in state.policies_used
    if policy is not None and not spent and any(choice.name == policy.reply for choice in choices):
        if policy.reply != default:
            state.policies_used.add((code, title))
        default, patience, argument, by = policy.reply, policy.after, policy.argument, "policy"
    asked = QuestionAsked(
        state.asked, code, severity, title, text, tuple(choices), default, state.now + patience, handle)
    state.questions[state.asked] = Question(asked, about, subject, default, argument, by)
    yield Journal(asked)


def close(state: Asking, question: Question, choice: str, argument: str, by: str) -> Iterator[Journal]:
    """Close it; an empty choice means that the world answered."""
    del state.questions[question.asked.id]
    state.closed[question.asked.id] = f"answered: {choice} by {by}" if choice else by
    yield Journal(QuestionClosed(question.asked.id, choice, argument, by))


def withdraw(state: Asking, id: int) -> Iterator[Journal]:
    """Close it, if it is open, because the world answered."""
    question = state.questions.get(id)
    if question is not None:
        yield from close(state, question, "", "", "withdrawn")


def refusal(state: Asking, said: Answered) -> str:
    """Why an answer is none; empty when it is one."""
    question = state.questions.get(said.id)
    if question is None:
        how = state.closed.get(said.id, "")
        return f"request {said.id} is not open{f', it was {how}' if how else ''}"
    names = [choice.name for choice in question.asked.choices]
    return "" if said.choice in names else f"{said.choice} is no answer to {said.id}; {', '.join(names)} are"


def due(state: Asking) -> list[Question]:
    """Open questions whose deadline has passed, oldest first."""
    return [q for q in state.questions.values() if q.asked.deadline <= state.now]


def policy_for(policies: dict[str, Policy], code: str) -> Policy | None:
    """The policy for a code: an exact one before a pattern with ``*``, a longer pattern before a shorter one."""
    for pattern in sorted(policies, key=lambda p: ("*" in p, -len(p))):
        if re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), code):
            return policies[pattern]
    return None
