"""`taperoom ls` and `taperoom restore`: a disk as it was on a date, and getting it back."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import show, where

_SPEC = "HOST:DISK[:PATH]"
_AS_OF = typer.Option("--as-of", metavar="DATE", help="A date, a run's datestamp, or '2 days ago'; now without it.")


def ls(
    spec: Annotated[str, typer.Argument(metavar=_SPEC, help="What to list.", autocompletion=where.complete_disk)],
    as_of: Annotated[str, _AS_OF] = "",
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """List a directory of a disk as it was on a date.

    \b
    Examples:
      taperoom ls web1:/home
      taperoom ls web1:/home:/ana/letters --as-of '2 days ago'
    """
    raise NotImplementedError


def restore(
    specs: Annotated[list[str], typer.Argument(
        metavar=_SPEC, help="What to bring back.", autocompletion=where.complete_disk)],
    to: Annotated[str, typer.Option("--to", metavar="DIR", help="Where to; nothing outside it is touched.")],
    as_of: Annotated[str, _AS_OF] = "",
) -> int:
    """Bring files back as they were on a date.

    The right chain of levels is read, from volumes or the holding disk, and every byte is checked.

    \b
    Examples:
      taperoom restore web1:/home:/ana/letters --to /tmp/back
      taperoom restore db2:/var --as-of 2026-11-23 --to /srv/back
    """
    raise NotImplementedError
