"""`taperoom requests` and `taperoom reply`: open questions of the run, and answering one."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import show, where


def requests(
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Open requests of the run, with what each choice means.

    \b
    Examples:
      taperoom requests
      taperoom reply 7 flush
    """
    from core.client.runs import view_of
    from core.model.units import show_duration
    from core.report.data import questions_data
    from core.report.lines import choices_of
    from core.report.text import clean, clock, wrap

    site = where.site()
    view = view_of(where.the_live_run(site))
    if json:
        show.say_json(questions_data(view, only_open=True))
        return 0
    if not view.open_questions:
        show.say("no request is open")
        return 0
    import time

    for question in view.open_questions:
        asked = question.asked
        show.say_lines(wrap(f"{asked.id}  {asked.code}{asked.severity}  {asked.subject}: {asked.text}", after="   "))
        for choice in choices_of(asked):
            show.say_lines(wrap(choice, indent="     ", after="         "))
        left = show_duration(max(0.0, asked.deadline - time.time()))
        show.say(f"     without an answer: {clean(asked.default)} at {clock(asked.deadline)}, in {left}\n")
    return 0


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

    run = where.the_live_run(where.site())
    return answer_of(order(run, op.Answer(number, choice, argument)), f"request {number} is answered: {choice}")
