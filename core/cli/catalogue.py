"""`taperoom catalogue` and `taperoom cleanup`: setting things right after a loss or a crash."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.model.site import Site


def rebuild() -> int:
    """Make the catalogue again from the journals of all runs. Nothing else is touched.

    \b
    Example:
      taperoom catalogue rebuild
    """
    from core.catalogue import queries
    from core.catalogue.rebuild import rebuild as make
    from core.report.text import count

    site = where.site()
    with _no_run(site), make(site) as catalogue:
        runs, dumps = len(queries.runs(catalogue)), len(queries.dumps(catalogue))
    show.say(f"{site.catalogue}: {count(runs, 'run')}, {count(dumps, 'good dump')}")
    return 0


def cleanup(
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would be removed.")] = False,
) -> int:
    """Tidy the holding disks after a run that was killed.

    Unfinished dumps and empty directories go. Whole dumps are never removed, and nothing that Taperoom did not make.
    Refused while a run is under way.

    \b
    Examples:
      taperoom cleanup --dry-run
      taperoom cleanup
    """
    from core.holding import scan
    from core.holding.chunk import TMP
    from core.report.text import clean, count

    site = where.site()
    removed = kept = 0
    with _no_run(site):
        survey = scan.survey(site.holding)
        for dump in survey.dumps:
            if dump.complete:
                continue
            if dump.path.name.endswith(TMP):
                removed += 1
                show.say(f"HLD017 {clean(str(dump.path))}: was not finished; {'would be' if dry_run else 'is'} removed")
                if not dry_run:
                    scan.remove(dump)
            else:
                kept += 1
                show.say(f"HLD014 {clean(dump.fault)}; kept: {clean(str(dump.path))}")
        for path in survey.orphans:
            gone = path.name.endswith(TMP)
            removed, kept = removed + gone, kept + (not gone)
            what = f"{'would be' if dry_run else 'is'} removed" if gone else "kept; its first file is missing"
            show.say(f"HLD017 {clean(str(path))}: a chunk without its dump; {what}")
            if gone and not dry_run:
                path.unlink(missing_ok=True)
        for path in survey.cruft:
            show.say(f"HLD018 {clean(str(path))}: is not ours; kept")
        if not dry_run:
            scan.tidy(site.holding)
            for run in site.runs_dir.glob("*/control"):
                with contextlib.suppress(OSError):
                    run.unlink()
    whole = sum(1 for dump in survey.dumps if dump.complete)
    show.say(f"{count(removed, 'file', 'files')} {'to remove' if dry_run else 'removed'}, {kept} kept for you to look at, "
             f"{count(whole, 'whole dump')} on the holding disks")
    return 1 if kept else 0


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
