"""`taperoom catalogue`: the index over journals and volumes; making it again after a loss."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.model.site import Site


def rebuild(json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> int:
    """Make the catalogue again from the journals of all runs. Nothing else is touched.

    \b
    Example:
      taperoom catalogue rebuild
    """
    from core.catalogue import queries
    from core.catalogue.rebuild import rebuild as make
    from core.report.text import clean, count

    site = where.site()
    warnings: list[str] = []
    with _no_run(site), make(site, warnings) as catalogue:
        runs, dumps = len(queries.runs(catalogue)), len(queries.dumps(catalogue))
    if json:
        show.say_json({"catalogue": str(site.catalogue), "runs": runs, "good_dumps": dumps, "warnings": warnings})
        return 0
    show.say_lines(clean(warning) for warning in warnings)
    show.say(f"{site.catalogue}: {count(runs, 'run')}, {count(dumps, 'good dump')}")
    return 0


@contextlib.contextmanager
def _no_run(site: Site) -> Iterator[None]:
    """Nobody else can start a run meanwhile.  BusyError RUN004 while there is one, StartError RUN003."""
    import os

    from core.client.lock import lock_site

    lock = lock_site(site.state_dir)
    try:
        yield
    finally:
        os.close(lock)
