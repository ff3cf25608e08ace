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
    from core.restore.chain import twins

    site = where.site()
    warnings: list[str] = []
    with _no_run(site):
        found = _from_volumes(site, quiet=json) if from_volumes else None
        if found is not None:
            warnings += found.warnings
        with make(site, warnings) as catalogue:
            runs, good = len(queries.runs(catalogue)), queries.dumps(catalogue)
    dumps = len(good)
    twice = [said for dump in good if dump.others for said in twins(f"{dump.host}:{dump.disk}", [dump], (), True)]
    warnings += twice
    code = 1 if found is not None and (found.left_out or twice) else 0
    if json:
        show.say_json({"catalogue": str(site.catalogue), "runs": runs, "good_dumps": dumps, "warnings": warnings,
                       **({"volumes": found.volumes, "volumes_by_headers": found.by_headers, "journals": found.journals,
                           "indexes": found.indexes, "left_out": found.left_out + len(twice)} if found is not None else {})})
        return code
    show.say_lines(clean(warning) for warning in warnings)
    if found is not None:
        show.say(f"from {count(found.volumes, 'volume')}: {count(found.journals, 'journal')}, "
                 f"{count(found.indexes, 'index file')}")
    show.say(f"{site.catalogue}: {count(runs, 'run')}, {count(dumps, 'good dump')}")
    return code


def _from_volumes(site: Site, *, quiet: bool) -> Recovered:
    from core.description.recover import recover
    from core.report.text import clean

    return recover(site, (lambda text: None) if quiet else (lambda text: show.say(clean(text))))


def export_amanda(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="The configuration, such as /etc/amanda/daily.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What Amanda calls it, if not as the directory.")] = "",
    storage: Annotated[list[str] | None, typer.Option(
        "--storage", metavar="OURS=THEIRS", help="Which of Amanda's storages one of ours is; mostly not needed.")] = None,
    hand_over: Annotated[bool, typer.Option(
        "--hand-over", help="Amanda may overwrite our volumes from now on, by its own rules.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of Amanda that are in the way, too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be written.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Tell a real Amanda of our volumes, so that its own tools restore from them.

    Writes trace logs, indexes, curinfo and lines of the tapelist into the directories of one of Amanda's configurations.
    No file of Amanda's own is replaced without --overwrite. Until --hand-over our volumes stand there as no-reuse:
    Amanda reads them and never writes on them.

    \b
    Examples:
      taperoom catalogue export-amanda /etc/amanda/daily --dry-run
      taperoom catalogue export-amanda /etc/amanda/daily
      taperoom catalogue export-amanda /etc/amanda/daily --hand-over
    """
    from pathlib import Path

    from core.errors import UsageError
    from core.export.amanda import Wanted, export_amanda
    from core.report.text import clean, count

    pairs = [word.partition("=") for word in storage or []]
    if any(not ours or not theirs for ours, _, theirs in pairs):
        raise UsageError("TAP041", "--storage wants OURS=THEIRS")
    site = where.site()
    wanted = Wanted(name, {ours: theirs for ours, _, theirs in pairs}, hand_over, overwrite, dry_run)
    with _no_run(site):
        done = export_amanda(site, Path(directory), wanted)
    if json:
        show.say_json({"configuration": done.target.name, "dry_run": dry_run, "logs": done.logs, "indexes": done.indexes,
                       "infos": done.infos, "tapelist": done.volumes, "tapelist_gone": done.gone, "dumps": done.dumps,
                       "files": done.files, "warnings": done.warnings})
        return 0
    show.say_lines(clean(warning) for warning in done.warnings)
    gone = f", {count(done.gone, 'line')} taken out" if done.gone else ""
    show.say(f"{clean(done.target.name)}: {count(done.dumps, 'dump')} of ours; {'would write' if dry_run else 'written'}: "
             f"{count(done.logs, 'log')}, {count(done.indexes, 'index', 'indexes')}, {count(done.infos, 'curinfo record')}, "
             f"{count(done.volumes, 'line')} of the tapelist{gone}")
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
