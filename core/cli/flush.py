"""`taperoom flush`: dumps from the holding disk to volumes, without dumping anything new."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import show, where


def flush(
    json: Annotated[bool, typer.Option("--json", help="The facts as JSON lines.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would be flushed.")] = False,
) -> int:
    """Write dumps from the holding disk to volumes.

    What earlier runs left there is written, and nothing new is dumped.

    While a run is under way it is asked to flush now; else a run is started that only flushes. With nothing to
    flush nothing is started.

    \b
    Examples:
      taperoom flush --dry-run
      taperoom flush
    """
    from core.cli import follow
    from core.client.act import start_flush
    from core.client.runs import live_run, permitted
    from core.holding.scan import scan
    from core.model.units import show_kib
    from core.report.text import count, name_of

    site = where.site()
    permitted(site.state_dir)
    busy = live_run(site.state_dir)
    if busy is not None and not dry_run:
        from core.cli.control import answer_of
        from core.client.control import order
        from core.protocol import operator as op

        return answer_of(order(busy, op.FlushNow()), "what waits on the holding disk is written now")
    left = [dump for dump in scan(site.holding) if dump.complete]
    for dump in left if dry_run or not json else ():
        header = dump.header
        show.say(f"{name_of(header.host, header.disk, 44)} level {header.level} of {header.datestamp}, {show_kib(dump.kib)}")
    if not left:
        show.say("there is nothing to flush")
        return 0
    if dry_run:
        show.say(f"{count(len(left), 'dump')}, {show_kib(sum(dump.kib for dump in left))}; nothing was written")
        return 0
    begun = start_flush(site).run
    assert begun is not None

    def to_the_end() -> int:
        return follow.end_of(begun, follow.follow(begun, json=json))

    return follow.detachable(to_the_end)
