"""`taperoom status`: one screen of text."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import show, where


def status(
    run: Annotated[str, typer.Argument(
        metavar="RUN", help="Datestamp of a run, or its beginning.", autocompletion=where.complete_run)] = "",
    json: Annotated[bool, typer.Option("--json", help="The same as JSON; with --follow the facts as lines.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Then a line for each new fact, until the end.")] = False,
) -> int:
    """Where the run stands, on one screen.

    What needs you stands first, then what moves, then what waits and why.

    Without RUN it is the run under way, or the last one.

    \b
    Examples:
      taperoom status
      taperoom status --follow
      taperoom status --json | jq .counts
    """
    import time

    from core.client.follow import read_gauges
    from core.client.runs import view_of

    site = where.site()
    found = where.a_run(site, run)
    view, alive, gauges = view_of(found), found.live(), read_gauges(found)
    if json and not follow:
        from core.report.data import run_data

        show.say_json(run_data(view, gauges, time.time(), alive))
        return 0
    if not json:
        from core.report.status import status_text

        show.say(status_text(view, gauges, time.time(), alive).rstrip("\n"))
    if not follow:
        return 0
    from core.cli import follow as following

    def to_the_end() -> int:
        seen = 0 if json else view.seq
        return following.end_of(found, following.follow(found, json=json, quiet_until=seen))

    return following.detachable(to_the_end)
