"""Requests that are open now: those of the run, then those of restores, each oldest first.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.events.event import QuestionAsked
from core.events.rows import QuestionView
from tui.moment import Link, Moment
from tui.subject import Key, title_of


@dataclass(frozen=True, slots=True)
class Request:
    """One of them; ``restore`` is the name of the restore that asks, empty: the run does."""

    question: QuestionView
    restore: str = ""


def text_of(asked: QuestionAsked) -> str:
    """What is asked, without the code that stands before it anyway."""
    return asked.said


def open_requests(now: Moment) -> list[Request]:
    """All of them; a replay, and the past, have those of their run only."""
    found = [] if now.over else [Request(_by_now(question, now)) for question in now.view.open_questions]
    if now.link not in (Link.REPLAY, Link.PAST):
        found += [Request(question, one.name) for one in now.restores[::-1] for question in one.asks]
    return found


def _by_now(question: QuestionView, now: Moment) -> QuestionView:
    """With what its choices cost by now, not when it was asked: that is what who answers must know."""
    asked = question.asked if question.closed else now.gauges.as_of_now(question.asked)
    return question if asked is question.asked else replace(question, asked=asked)


def answered_first(found: list[Request], disk: Key | None) -> Request | None:
    """Which of them the key for an answer opens: the first about the disk under the cursor, else the oldest."""
    about = None if disk is None else next((one for one in found if one.question.asked.subject == title_of(disk)), None)
    return about or next(iter(found), None)


def as_it_stands(request: Request, now: Moment) -> Request:
    """The same request now; one of a restore that is over is asked by nobody any more."""
    question = request.question
    if not request.restore:
        latest = now.view.questions.get(question.asked.id)
        if latest is None or latest.opened != question.opened:  # of a run that is not shown any more
            return request
        return replace(request, question=_by_now(latest, now))
    if question.closed:
        return request
    one = next((one for one in now.restores if one.name == request.restore), None)
    found = next((new for new in one.asked if new.asked.id == question.asked.id), None) if one is not None else None
    return replace(request, question=found or replace(question, closed=now.now, by="the restore is over"))
