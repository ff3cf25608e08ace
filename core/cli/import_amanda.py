"""`taperoom import-amanda`: a configuration and a catalogue out of what a real Amanda has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show

if TYPE_CHECKING:
    from pathlib import Path

    from core.migration.config import Imported
    from core.migration.source import Source
    from core.migration.write import State, Written


def import_amanda(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="The directory of its amanda.conf, or its name.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="What to write.")] = "taperoom.toml",
    state_dir: Annotated[str, typer.Option("--state-dir", metavar="DIR", help="Journals, indexes, tapelist; a new one.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Show the result; write nothing.")] = False,
    skip_damaged: Annotated[bool, typer.Option("--skip-damaged", help="Pass over damaged records and lines of logs.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Take over a site of Amanda with its dumps and volumes.

    Its configuration becomes one of Taperoom's, and all that it knows a catalogue. Amanda's files are only read, and its
    volumes and holding disks stay where they are: their dumps can be restored from here, and the next night goes on from its
    last levels. What cannot be carried over is listed, one line each. A fault anywhere is told with file and line, and then
    nothing is written. Amanda itself can go on as before, but not both on one night.

    \b
    Examples:
      taperoom import-amanda /etc/amanda/daily --dry-run
      taperoom import-amanda daily /etc/taperoom/daily.toml
    """
    import os
    from pathlib import Path

    from core.config.first import places_for
    from core.errors import BusyError
    from core.migration.config import import_config, org_of
    from core.migration.source import busy, read_source
    from core.migration.write import check_target, prepare, write

    source = read_source(directory, skip_damaged=skip_damaged)
    if not dry_run and (who := busy(source)):
        raise BusyError("AMA007", f"Amanda is at work on {source.name}: {who}", "wait until it is done")
    path = Path(file).absolute()
    root = os.geteuid() == 0
    state = Path(state_dir or places_for(org_of(source.name), root, Path.home())[0]).absolute()
    imported = import_config(source, path, state, as_root=root)
    found = prepare(source, imported)
    written = None
    if not dry_run:
        check_target(path, state)
        written = write(path, imported, found)
    if json:
        _json(source, imported, found, written, dry_run)
    else:
        _tell(source, imported, found, written, path)
    return 0


def _tell(source: Source, imported: Imported, state: State, written: Written | None, path: Path) -> None:
    from core.migration.journals import span_of
    from core.report.text import clean, count, wrap

    if written is None:
        show.say_lines(clean(line) for line in imported.text.splitlines())
        show.say()
    site, history = imported.site, state.history
    show.say(f"read {source.directory}: {count(len(source.disks), 'disk')}, {count(len(source.tapelist), 'volume')}, "
             f"{count(len(source.logs), 'log')}, {count(len(source.infos), 'record')} of curinfo")
    for loss in (*imported.losses, *state.losses):
        show.say_lines(wrap(f"AMA008 not carried over: {loss}", columns=show.columns(), after="  "))
    would = "would be " if written is None else ""
    hosts = len({disk.host.name for disk in site.disks})
    show.say(f"{path}: {would}written, {count(len(site.disks), 'disk')} on {count(hosts, 'client')}, "
             f"{count(len(site.storages), 'storage')}")
    span = span_of(history)
    show.say(f"{site.state_dir}: {would}written, {count(len(history.journals), 'run')}{f' ({span})' if span else ''}, "
             f"{count(len(history.dumps), 'dump')}, {count(len(state.indexes), 'index', 'indexes')}")
    if written is not None:
        show.say(f"{count(written.held, 'dump')} can be read from volumes or holding disks")
        show.say(f"now: {show.command_line('taperoom', '--config', str(path), 'check')}")


def _json(source: Source, imported: Imported, state: State, written: Written | None, dry_run: bool) -> None:
    show.say_json({
        "dry_run": dry_run, "amanda": str(source.directory), "config": str(imported.site.file),
        "state_dir": str(imported.site.state_dir), "disks": len(imported.site.disks), "runs": len(state.history.journals),
        "dumps": len(state.history.dumps), "indexes": len(state.indexes), "held": written.held if written else None,
        "not_carried_over": [{"what": loss.what, "why": loss.why, "where": loss.where}
                             for loss in (*imported.losses, *state.losses)],
        **({"text": imported.text} if dry_run else {})})
