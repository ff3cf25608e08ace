"""`taperoom holding`: what lies on the holding disks, and removing a dump there."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import show, where


def list_(
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Every dump on the holding disks, and what it waits for.

    \b
    Examples:
      taperoom holding list
      taperoom holding list --json
    """
    from dataclasses import asdict

    from core.client.follow import read_gauges
    from core.client.runs import live_run, view_of
    from core.client.spool import age_of, spool
    from core.model.units import show_duration, show_kib
    from core.report.text import clean, count, name_of, table, wrap

    site = where.site()
    run = live_run(site.state_dir)
    found = spool(site, view_of(run) if run else None, read_gauges(run) if run else None)
    if json:
        show.say_json({
            "areas": [asdict(area) for area in found.areas], "others": [str(path) for path in found.others],
            "dumps": [asdict(dump) | {"path": str(dump.path)} for dump in found.dumps]})
        return 0
    for area in found.areas:
        room = f"{show_kib(area.usable)} to use, {show_kib(area.dumps)} of dumps"
        show.say_lines(wrap(f"{area.path}: {area.fault or room}", after="  "))
    rows = [[name_of(dump.host, dump.disk), str(dump.level), show_kib(dump.size),
             show_duration(age_of(dump)), dump.word, dump.note] for dump in found.dumps]
    if rows:
        heads = ["disk", "L", "size", "age", "state", ""]
        show.say_lines(table(heads, rows, " rrr  ", columns=show.columns(), flexible=5, indent="  ", keep_end=False))
        show.say_lines(f"  {clean(str(dump.path))}" for dump in found.dumps)
    for path in found.others:
        show.say(f"  HLD018 {clean(str(path))} is no dump of ours")
    show.say(f"{count(len(found.dumps), 'dump')}, {show_kib(found.only_here)} on no volume yet"
             f"{'; taperoom flush writes it' if found.only_here else ''}")
    return 0


def remove(
    path: Annotated[str, typer.Argument(metavar="FILE", help="The dump's first file, as 'holding list' shows it.")],
    force: Annotated[bool, typer.Option("--force", help="Even if no volume has it: it is lost then.")] = False,
) -> int:
    """Remove a dump from the holding disk.

    A whole dump that is on no volume is refused without --force. Refused while a run is under way.

    \b
    Example:
      taperoom holding remove /hold/20261123001500/web1._home.0
    """
    from pathlib import Path

    from core.client import act
    from core.report.text import clean

    show.say(clean(act.remove_holding(where.site(), Path(path).absolute(), insist=force).text))
    return 0
