"""`taperoom run`: start tonight's run and look on."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import show, where
from core.cli.console import Ascii, Slow, become_console
from core.cli.straight import look_words


def run(
    disks: Annotated[list[str] | None, typer.Argument(
        metavar="HOST[:DISK]", help="Only these; all disks without one.",
        autocompletion=where.complete_disk)] = None,
    batch: Annotated[bool, typer.Option("--batch", help="No console: one plain line a fact, then the report.")] = False,
    json: Annotated[bool, typer.Option("--json", help="No console: the facts as JSON lines.")] = False,
    plain: Ascii = False,
    slow: Slow = False,
) -> int:
    """Start tonight's run and follow it.

    On a terminal the console opens; without one, or with --batch, plain lines come until the end, then the report.
    The run is a process of its own: closing the console or Ctrl-C leaves it alone.

    Exit code: the run's own, see 'taperoom explain exit-codes'.

    \b
    Examples:
      taperoom run
      taperoom run --batch web1 'db2:/var/lib/my data'
      taperoom run --json > facts.jsonl
    """
    from core.cli import follow
    from core.client.act import start_run

    site = where.site()
    begun = start_run(site, disks or []).run
    assert begun is not None
    if not (batch or json) and show.can_show_console():
        return become_console(site, begun.datestamp, look=look_words(plain, slow))

    def to_the_end() -> int:
        view = follow.follow(begun, json=json)
        code = follow.end_of(begun, view)
        if not json:
            from core.cli.report import text_of

            show.say(f"\n{text_of(site, view)}".rstrip("\n"))
        return code

    return follow.detachable(to_the_end)
