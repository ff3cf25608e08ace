"""`taperoom report`: the morning report of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.events.gauges import Gauges
    from core.events.view import RunView
    from core.model.site import Site


def report(
    run: Annotated[str, typer.Argument(
        metavar="RUN", help="Datestamp of a run, or its beginning.", autocompletion=where.complete_run)] = "",
    json: Annotated[bool, typer.Option("--json", help="The same facts as JSON.")] = False,
) -> int:
    """The morning report: what a run did.

    Failures stand first, each with its reason once and what to do.

    Without RUN it is the run under way, or the last one. The exit code is that of the run.

    \b
    Examples:
      taperoom report
      taperoom report 20261123 --json
    """
    import time

    from core.client.follow import read_gauges
    from core.client.runs import view_of

    site = where.site()
    found = where.a_run(site, run)
    view, alive = view_of(found), found.live()
    gauges = read_gauges(found) if alive else None
    if json:
        from core.report.data import run_data
        from core.report.gather import gather

        show.say_json(run_data(view, gauges, time.time(), alive, background=gather(site)))
    else:
        show.say(text_of(site, view, gauges).rstrip("\n"))
    return view.ended.code if view.ended is not None else 0


def text_of(site: Site, view: RunView, gauges: Gauges | None = None) -> str:
    """The report as text, with what the site and its catalogue add."""
    from core.report.gather import gather
    from core.report.morning import report_text

    return report_text(view, gather(site), gauges)
