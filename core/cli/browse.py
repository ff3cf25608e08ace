"""`taperoom ls`, `find`, `search`, `history` and `diff`: looking through what can be brought back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where
from core.cli.show import moment, warn

if TYPE_CHECKING:
    from core.restore.browse import Shown
    from core.restore.difference import Change
    from core.restore.history import Found, Version

SPEC = "HOST:DISK[:PATH]"
AS_OF = typer.Option(
    "--as-of", metavar="DATE", show_default=False, help="A date, '3 days ago', 'last tuesday'; now without it.")
_JSON = typer.Option("--json", help="As JSON.")
_HOST = typer.Option("--host", metavar="HOST", help="Only on this host; may be a pattern.")
_DISK = typer.Option("--disk", metavar="DISK", help="Only on this disk; may be a pattern.")
_LIMIT = typer.Option("--limit", metavar="N", min=1, help="At most so many names.")
_LETTERS = {"s": "-", "f": "-", "": "?"}


def ls(
    spec: Annotated[str, typer.Argument(metavar=SPEC, help="What to list.", autocompletion=where.complete_disk)],
    as_of: Annotated[str | None, AS_OF] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-R", help="Everything below it, too.")] = False,
    long: Annotated[bool, typer.Option("--long", "-l", help="With type, size and time of each.")] = False,
    versions: Annotated[bool, typer.Option("--versions", help="Each version that there is of it.")] = False,
    dates: Annotated[bool, typer.Option("--dates", help="The dates that the disk can be restored to.")] = False,
    json: Annotated[bool, _JSON] = False,
) -> int:
    """List a directory of a disk as it was on a date.

    Each name comes with the newest dump that has it.

    \b
    Examples:
      taperoom ls web1:/home
      taperoom ls web1:/home:/ana/letters --as-of 'last tuesday' --long
      taperoom ls web1:/home:/ana/letters/1.txt --versions
      taperoom ls web1:/home --dates
    """
    from core.errors import UsageError
    from core.restore.asof import NOW
    from core.restore.browse import ls as look

    if versions and (as_of is not None or recursive or dates):
        raise UsageError("CFG006", "--versions goes through all dates of one path", "leave the other options out")
    site = where.site()
    if dates:
        return _dates(spec, json)
    if versions:
        return _versions(spec, json)
    shown = look(site, spec, NOW if as_of is None else as_of, recursive=recursive)
    warn(shown.warnings)
    if json:
        from dataclasses import asdict

        show.say_json(asdict(shown))
        return 0
    show.say_lines(_listed(shown, long))
    return 0


def _listed(shown: Shown, long: bool) -> Iterable[str]:
    from core.report.text import clean

    yield f"{clean(shown.host)}:{clean(shown.disk)} as it was on {moment(shown.datestamp)}"
    for entry in shown.entries:
        dump = f"{moment(entry.datestamp)}  {entry.level}" if entry.datestamp else f"{'':19}  -"
        about = f"  {_about(entry.kind, entry.size, entry.mtime)}" if long else ""
        yield f"  {dump}{about}  {clean(entry.path)}"


def find(
    name: Annotated[str, typer.Argument(metavar="NAME-OR-GLOB", help="A name or pattern; with a slash, a path.")],
    host: Annotated[str, _HOST] = "",
    disk: Annotated[str, _DISK] = "",
    as_of: Annotated[str | None, typer.Option(
        "--as-of", metavar="DATE", help="Only as it was then; all dates without it.")] = None,
    limit: Annotated[int, _LIMIT] = 200,
    json: Annotated[bool, _JSON] = False,
) -> int:
    """Tell where and when a file is: disk, path, versions, dates.

    \b
    Examples:
      taperoom find letter.txt
      taperoom find '*.conf' --host 'web*' --as-of yesterday
      taperoom find '/etc/*/passwd' --json
    """
    from core.report.text import clean
    from core.restore.history import find as look

    found = look(where.site(), name, host=host, disk=disk, as_of=as_of, limit=limit)
    return _found(found, f"no name is '{clean(name)}' there", json)


def search(
    text: Annotated[str, typer.Argument(metavar="SUBSTRING", help="A part of the name.")],
    host: Annotated[str, _HOST] = "",
    disk: Annotated[str, _DISK] = "",
    as_of: Annotated[str, AS_OF] = "now",
    case: Annotated[bool, typer.Option("--case", help="Capital letters are others than small ones.")] = False,
    limit: Annotated[int, _LIMIT] = 200,
    json: Annotated[bool, _JSON] = False,
) -> int:
    """Search all disks for names that have a text in them.

    \b
    Examples:
      taperoom search invoice
      taperoom search README --case --host web1 --as-of '2 weeks ago'
    """
    from core.report.text import clean
    from core.restore.history import search as look

    found = look(where.site(), text, host=host, disk=disk, as_of=as_of, limit=limit, fold=not case)
    every = show.command_line("taperoom", "find", f"*{text}*")
    return _found(found, f"no name has '{clean(text)}' in it then", json, f"; on all dates: {every}")


def _found(found: Found, nothing: str, json: bool, else_: str = "") -> int:
    from core.report.text import clean

    warn(found.warnings)
    if json:
        from dataclasses import asdict

        show.say_json(asdict(found))
        return 0 if found.matches else 1
    for match in found.matches:
        show.say(f"{clean(match.host)}:{clean(match.disk)}:{clean(match.path)}")
        for version in match.versions:
            show.say(f"  {_about(version.kind, version.size, version.mtime)}  {_span(version)}")
    if found.more:
        show.tell("there are more: narrow it down, or raise --limit")
    if not found.matches:
        unread = any(warning.startswith("RST018") for warning in found.warnings)
        show.tell(nothing + (" as far as that was looked through; 'taperoom ls HOST:DISK -R' reads a dump that has no index"
                             if unread else else_))
    return 0 if found.matches else 1


def history(
    spec: Annotated[str, typer.Argument(
        metavar="HOST:DISK:PATH", help="Whose history.", autocompletion=where.complete_disk)],
    json: Annotated[bool, _JSON] = False,
) -> int:
    """Show one path on every date: new, changed, same, deleted.

    \b
    Examples:
      taperoom history web1:/home:/ana/letters/1.txt
    """
    from core.report.text import clean
    from core.restore.history import history as look

    found = look(where.site(), spec)
    warn(found.warnings)
    if json:
        from dataclasses import asdict

        show.say_json(asdict(found))
        return 0
    show.say(f"{clean(found.host)}:{clean(found.disk)}:/{clean(found.path)}")
    for row in found.rows:
        about = ""
        if row.version is not None:
            about = f"  {_about(row.version.kind, row.version.size, row.version.mtime)}  {_place(row.version)}"
        show.say(f"  {moment(row.datestamp)}  {row.level}  {row.state:9}{about}".rstrip())
    return 0


def _versions(spec: str, json: bool) -> int:
    from core.report.text import clean
    from core.restore.history import history as look

    found = look(where.site(), spec)
    warn(found.warnings)
    if json:
        from dataclasses import asdict

        show.say_json([asdict(version) for version in found.versions])
        return 0
    show.say(f"{clean(found.host)}:{clean(found.disk)}:/{clean(found.path)}")
    for version in found.versions:
        show.say(f"  {_about(version.kind, version.size, version.mtime)}  {_span(version)}  {_place(version)}")
    return 0


def diff(
    spec: Annotated[str, typer.Argument(metavar=SPEC, help="What to compare.", autocompletion=where.complete_disk)],
    before: Annotated[str, typer.Option("--from", metavar="DATE", help="The older date.")],
    after: Annotated[str, typer.Option(
        "--to", metavar="DATE", show_default=False, help="The newer date; now without it.")] = "now",
    json: Annotated[bool, _JSON] = False,
) -> int:
    """Show what differs on a disk between two dates.

    + added, - removed, M changed, R renamed, ? dumped again: its index does not
    tell whether it was changed.

    \b
    Examples:
      taperoom diff web1:/home --from 'last tuesday'
      taperoom diff web1:/home:/ana --from 2026-11-20 --to yesterday
    """
    from core.report.text import clean
    from core.restore.difference import diff as look

    found = look(where.site(), spec, before, after)
    warn(found.warnings)
    if json:
        from dataclasses import asdict

        show.say_json(asdict(found))
        return 0
    show.say(f"{clean(found.host)}:{clean(found.disk)} from {moment(found.before)} to {moment(found.after)}")
    for change in found.changes:
        show.say(_changed(change))
    if found.before == found.after:
        show.tell("both dates have the same dump")
    elif not found.changes:
        show.say("  nothing differs")
    return 0


def _changed(change: Change) -> str:
    from core.model.units import show_size
    from core.report.text import clean

    sign = {"added": "+", "removed": "-", "changed": "M", "renamed": "R", "dumped": "?"}[change.what]
    path = clean(change.path)
    match change.what:
        case "renamed":
            return f"  {sign} {clean(change.old)} -> {path}"
        case "changed" if change.size_before >= 0 and change.size_after >= 0:
            return f"  {sign} {path}  {show_size(change.size_before)} -> {show_size(change.size_after)}"
        case _:
            size = change.size_before if change.what == "removed" else change.size_after
            return f"  {sign} {path}" + (f"  {show_size(size)}" if size >= 0 else "")


def _dates(spec: str, json: bool) -> int:
    from core.catalogue.rebuild import open_catalogue
    from core.model.units import show_kib
    from core.report.text import table
    from core.restore.browse import dates as known

    site = where.site()
    opened = open_catalogue(site)
    opened.catalogue.close()
    warn(opened.warnings)
    dumps = known(site, spec)
    if not dumps:
        from core.restore.browse import ls as look

        look(site, spec)  # says why there are none, and what to do
    if json:
        show.say_json([{"datestamp": d.datestamp, "level": d.level, "kib": d.size, "labels": list(d.labels)}
                       for d in dumps])
        return 0
    rows = [[moment(d.datestamp), str(d.level), show_kib(d.size), " ".join(d.labels) or "holding disk"] for d in dumps]
    show.say_lines(table(["dumped", "L", "stored", "where"], rows, " rr "))
    return 0


def _about(kind: str, size: int, mtime: int) -> str:
    """Type, size and time, as wide for one as for all."""
    import time

    from core.model.units import show_size

    changed = time.strftime("%Y-%m-%d %H:%M", time.localtime(mtime)) if mtime >= 0 else ""
    return f"{_LETTERS.get(kind, kind)} {show_size(size) if size >= 0 else '':>9} {changed:16}"


def _span(version: Version) -> str:
    """From when to when something was so."""
    newest, oldest = version.dates[0], version.dates[-1]
    if newest == oldest:
        return f"on {moment(newest)}"
    return f"on {len(version.dates)} dates from {moment(oldest)} to {moment(newest)}"


def _place(version: Version) -> str:
    from core.report.text import clean

    if not version.datestamp:
        return ""
    labels: Sequence[str] = version.labels
    return f"in level {version.level} of {moment(version.datestamp)}, {clean(', '.join(labels)) or 'holding disk'}"
