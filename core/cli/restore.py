"""`taperoom restore`: getting files back as they were on a date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import forecast, show, where
from core.cli.browse import AS_OF, SPEC, moment, warn
from core.cli.progress import ProgressLine

if TYPE_CHECKING:
    from core.restore import Progress


def restore(
    specs: Annotated[list[str], typer.Argument(
        metavar=SPEC, help="What to bring back.", autocompletion=where.complete_disk)],
    to: Annotated[str, typer.Option("--to", metavar="DIR", help="Where to; nothing outside it is touched.")],
    as_of: Annotated[str, AS_OF] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are in DIR already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be read and written.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Bring files back as they were on a date.

    The right chain of levels is read, from volumes or the holding disk, and every byte is checked.
    It tells beforehand what it reads, from where and for how long.

    \b
    Examples:
      taperoom restore web1:/home:/ana/letters --to /tmp/back
      taperoom restore db2:/var --as-of 2026-11-23 --to /srv/back
      taperoom restore db2:/var --to /srv/back --dry-run
    """
    from pathlib import Path

    from core.report.text import clean, count, name_of, wrap
    from core.restore import foresee
    from core.restore import restore as bring

    if dry_run:
        ahead, known = foresee(where.site(), specs, as_of, Path(to))
        warn(known.warnings)
        return forecast.tell_json(ahead, known, overwrite) if json else forecast.tell(ahead, known, overwrite)
    line = ProgressLine(silent=json)

    def draw(at: Progress) -> None:
        line.of_bytes(at.done, at.total, f"{name_of(at.host, at.disk, 30)} level {at.level} from {at.place}")

    try:
        result = bring(where.site(), specs, as_of, Path(to), draw, overwrite=overwrite,
                       told=None if json else lambda found: forecast.announce(found, overwrite))
    finally:
        line.erase()
    warn(result.warnings)
    if json:
        show.say_json({"to": str(result.to), "files": result.files, "directories": result.directories,
                       "as_of": result.as_of, "missing": list(result.missing), "warnings": list(result.warnings)})
        return 0 if result.good else 1
    show.say(f"{count(result.files, 'file')} and {count(result.directories, 'directory', 'directories')} "
             f"in {clean(str(result.to))}")
    for title, stamp in result.as_of.items():
        show.say(f"  {clean(title)} as it was on {moment(stamp)}")
    for name in list(result.missing)[:20]:
        show.say_lines(wrap(f"MISSING {name}", indent="  ", after="    "))
    return 0 if result.good else 1
