"""`taperoom requests` and `taperoom reply`: open questions of the run and of restores, and answering one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.client.runs import Run
    from core.events.event import QuestionAsked, QuestionClosed


def requests(
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Open requests of runs and restores, and their choices.

    \b
    Examples:
      taperoom requests
      taperoom reply 7 flush
    """
    from core.client.follow import read_gauges
    from core.client.runs import view_of
    from core.report.data import questions_data

    runs = where.who_asks(where.site())
    standing = [(view_of(run), read_gauges(run)) for run in runs]
    if json:
        show.say_json([plain for view, now in standing for plain in questions_data(view, now, only_open=True)])
        return 0
    open_ones = [now.as_of_now(question.asked) for view, now in standing for question in view.open_questions]
    for asked in open_ones:
        _say(asked)
    if not open_ones:
        show.say("no request is open")
    return 0


def _say(asked: QuestionAsked) -> None:
    import time

    from core.model.units import show_duration
    from core.report.lines import choices_of
    from core.report.text import clean, clock, wrap

    show.say_lines(wrap(f"{asked.id}  {asked.code}{asked.severity}  {asked.subject}: {asked.said}", after="   "))
    for choice in choices_of(asked):
        show.say_lines(wrap(choice, indent="     ", after="         "))
    left = show_duration(max(0.0, asked.deadline - time.time()))
    show.say(f"     without an answer: {clean(asked.default)} at {clock(asked.deadline)}, in {left}\n")


def tell_request(fact: QuestionAsked | QuestionClosed) -> None:
    """A request of a restore on its own terminal: beside the output, which may be JSON."""
    import sys
    from contextlib import redirect_stdout

    from core.events.event import QuestionAsked
    from core.report.text import clean

    with redirect_stdout(sys.stderr):
        if isinstance(fact, QuestionAsked):
            _say(fact)
        else:
            how = f"answered: {clean(fact.choice)} by {clean(fact.by)}" if fact.choice else clean(fact.by)
            show.say(f"request {fact.id} is {how}")
        show.flush()


def reply(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Which request.")],
    choice: Annotated[str, typer.Argument(metavar="CHOICE", help="One of its choices.")],
    argument: Annotated[str, typer.Argument(metavar="ARG", help="What the choice asks for.")] = "",
) -> int:
    """Answer an open request. The first valid answer wins.

    \b
    Examples:
      taperoom reply 7 flush
      taperoom reply 7 add /srv/more
    """
    from core.cli.control import answer_of
    from core.client.control import order
    from core.protocol import operator as op

    run = _asking(where.who_asks(where.site()), number)
    return answer_of(order(run, op.Answer(number, choice, argument)), f"request {number} is answered: {choice}")


def _asking(runs: list[Run], number: int) -> Run:
    """Whose request that is; one that nobody has asked is the run's, which says so."""
    from core.client.runs import view_of

    return next((run for run in runs if number in view_of(run).questions), runs[0])
