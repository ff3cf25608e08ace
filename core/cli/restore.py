"""`taperoom ls` and `taperoom restore`: a disk as it was on a date, and getting it back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.restore import Progress

_SPEC = "HOST:DISK[:PATH]"
_AS_OF = typer.Option("--as-of", metavar="DATE", help="A date, a run's datestamp, or '2 days ago'; now without it.")
_REDRAW = 0.2


def ls(
    spec: Annotated[str, typer.Argument(metavar=_SPEC, help="What to list.", autocompletion=where.complete_disk)],
    as_of: Annotated[str, _AS_OF] = "",
    recursive: Annotated[bool, typer.Option("--recursive", "-R", help="Everything below it, too.")] = False,
    dates: Annotated[bool, typer.Option("--dates", help="The dates that the disk can be restored to.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """List a directory of a disk as it was on a date.

    Each name comes with the newest dump that has it.

    \b
    Examples:
      taperoom ls web1:/home
      taperoom ls web1:/home:/ana/letters --as-of '2 days ago'
      taperoom ls web1:/home --dates
    """
    from core.report.text import clean
    from core.restore import ls as look

    site = where.site()
    if dates:
        return _dates(spec, json)
    shown = look(site, spec, as_of, recursive=recursive)
    _warn(shown.warnings)
    if json:
        from dataclasses import asdict

        show.say_json(asdict(shown))
        return 0
    show.say(f"{clean(shown.host)}:{clean(shown.disk)} as it was on {_moment(shown.datestamp)}")
    for entry in shown.entries:
        dump = f"{_moment(entry.datestamp)}  {entry.level}" if entry.datestamp else f"{'':19}  -"
        show.say(f"  {dump}  {clean(entry.path)}")
    return 0


def restore(
    specs: Annotated[list[str], typer.Argument(
        metavar=_SPEC, help="What to bring back.", autocompletion=where.complete_disk)],
    to: Annotated[str, typer.Option("--to", metavar="DIR", help="Where to; nothing outside it is touched.")],
    as_of: Annotated[str, _AS_OF] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are in DIR already.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Bring files back as they were on a date.

    The right chain of levels is read, from volumes or the holding disk, and every byte is checked.

    \b
    Examples:
      taperoom restore web1:/home:/ana/letters --to /tmp/back
      taperoom restore db2:/var --as-of 2026-11-23 --to /srv/back
    """
    from pathlib import Path

    from core.report.text import clean, count, wrap
    from core.restore import restore as bring

    line = _Line()
    try:
        result = bring(where.site(), specs, as_of, Path(to), line.draw, overwrite=overwrite)
    finally:
        line.erase()
    _warn(result.warnings)
    if json:
        show.say_json({"to": str(result.to), "files": result.files, "directories": result.directories,
                       "as_of": result.as_of, "missing": list(result.missing), "warnings": list(result.warnings)})
        return 0 if result.good else 1
    show.say(f"{count(result.files, 'file')} and {count(result.directories, 'directory', 'directories')} "
             f"in {clean(str(result.to))}")
    for title, stamp in result.as_of.items():
        show.say(f"  {clean(title)} as it was on {_moment(stamp)}")
    for name in list(result.missing)[:20]:
        show.say_lines(wrap(f"MISSING {name}", indent="  ", after="    "))
    return 0 if result.good else 1


def _dates(spec: str, json: bool) -> int:
    from core.model.units import show_kib
    from core.report.text import table
    from core.restore import dates as known

    dumps = known(where.site(), spec)
    if json:
        show.say_json([{"datestamp": d.datestamp, "level": d.level, "kib": d.size, "labels": list(d.labels)}
                       for d in dumps])
        return 0
    rows = [[_moment(d.datestamp), str(d.level), show_kib(d.size), " ".join(d.labels) or "holding disk"] for d in dumps]
    show.say_lines(table(["dumped", "L", "stored", "where"], rows, " rr "))
    return 0


def _moment(stamp: str) -> str:
    from core.model.units import seconds_of_datestamp
    from core.report.text import moment

    try:
        return moment(seconds_of_datestamp(stamp))
    except ValueError:
        return stamp


def _warn(warnings: Iterable[str]) -> None:
    from core.report.text import clean

    for warning in warnings:
        show.tell(clean(warning))


class _Line:
    """How far a restore is, on a terminal."""

    def __init__(self) -> None:
        self._next, self._drawn = 0.0, False

    def draw(self, at: Progress) -> None:
        """Draw it again if its time has come."""
        import sys
        import time

        from core.model.units import show_size
        from core.report.text import cut, name_of

        now = time.monotonic()
        if not show.can_redraw() or now < self._next:
            return
        self._next, self._drawn = now + _REDRAW, True
        total = f" of {show_size(at.total)}" if at.total else ""
        name = name_of(at.host, at.disk, 30)
        sys.stdout.write("\r\x1b[K" + cut(f"{name} level {at.level} from {at.place}: {show_size(at.done)}{total}", 78))
        sys.stdout.flush()

    def erase(self) -> None:
        """Take it away."""
        import sys

        if self._drawn:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()
