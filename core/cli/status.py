"""`taperoom status`: one screen of text."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import standing, where


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
    return standing.tell(run, json=json, follow=follow)
