"""`taperoom restore`: getting files back as they were on a date."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import where
from core.cli.browse import AS_OF, SPEC


def restore(
    specs: Annotated[list[str], typer.Argument(
        metavar=SPEC, help="What to bring back.", autocompletion=where.complete_disk)],
    to: Annotated[str, typer.Option(
        "--to", metavar="DIR|HOST:DIR", help="Where to, here or on a client; nothing outside it is touched.",
        autocompletion=where.complete_target)],
    as_of: Annotated[str, AS_OF] = "now",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are in DIR already.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget an interrupted restore to DIR and start again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be read and written.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Bring files back as they were on a date.

    The right chain of levels is read, from volumes or the holding disk, and every byte is checked.
    It tells beforehand what it reads, from where and for how long.  A volume that is in no slot is
    asked for when all others are read, see 'taperoom requests'.

    Interrupted, the same command goes on with what is missing.

    \b
    Examples:
      taperoom restore web1:/home:/ana/letters --to /tmp/back
      taperoom restore db2:/var --as-of 2026-11-23 --to /srv/back
      taperoom restore db2:/var --to /srv/back --dry-run
      taperoom restore web1:/home:/ana --to web1:/srv/back
    """
    from core.cli.recovery import recover

    return recover(specs, to, as_of, overwrite=overwrite, fresh=fresh, dry_run=dry_run, json=json)
