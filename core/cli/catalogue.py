"""`taperoom catalogue`: the index over journals and volumes; making it again after a loss."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.description.recover import Recovered
    from core.model.site import Site


def rebuild(
    from_volumes: Annotated[bool, typer.Option(
        "--from-volumes", help="First make lost journals and file lists again from the volumes in the slots.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Make the catalogue again from the journals of all runs.

    With --from-volumes the state directory may be lost: journals, file lists and the tapelist are first made again from
    what each volume tells of itself in its last file, or, where that is missing, from the headers on it. What is still
    in the state directory is not touched.

    \b
    Examples:
      taperoom catalogue rebuild
      taperoom catalogue rebuild --from-volumes
    """
    from core.catalogue import queries
    from core.catalogue.rebuild import rebuild as make
    from core.report.text import clean, count

    site = where.site()
    warnings: list[str] = []
    with _no_run(site):
        found = _from_volumes(site, quiet=json) if from_volumes else None
        if found is not None:
            warnings += found.warnings
        with make(site, warnings) as catalogue:
            runs, dumps = len(queries.runs(catalogue)), len(queries.dumps(catalogue))
    if json:
        show.say_json({"catalogue": str(site.catalogue), "runs": runs, "good_dumps": dumps, "warnings": warnings,
                       **({"volumes": found.volumes, "volumes_by_headers": found.by_headers, "journals": found.journals,
                           "indexes": found.indexes} if found is not None else {})})
        return 0
    show.say_lines(clean(warning) for warning in warnings)
    if found is not None:
        show.say(f"from {count(found.volumes, 'volume')}: {count(found.journals, 'journal')}, "
                 f"{count(found.indexes, 'index file')}")
    show.say(f"{site.catalogue}: {count(runs, 'run')}, {count(dumps, 'good dump')}")
    return 0


def _from_volumes(site: Site, *, quiet: bool) -> Recovered:
    from core.description.recover import recover
    from core.report.text import clean

    return recover(site, (lambda text: None) if quiet else (lambda text: show.say(clean(text))))


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
