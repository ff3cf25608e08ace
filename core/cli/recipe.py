"""`taperoom recipe`: how to get files back without Taperoom."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import show, where


def recipe(
    spec: Annotated[str, typer.Argument(
        metavar="HOST:DISK[:PATH]", help="What to bring back.", autocompletion=where.complete_disk)],
    as_of: Annotated[str, typer.Option(
        "--as-of", metavar="DATE", show_default=False,
        help="A date, a run's datestamp, or '2 days ago'; now without it.")] = "now",
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Print shell commands that restore with dd and tar alone.

    Run them in an empty directory. They need gzip or zstd where a dump is compressed, and nothing of Taperoom, not even
    Python. Each volume carries the same text
    for what is on it: it is the first member, README, of the volume's last file.

    \b
    Examples:
      taperoom recipe web1:/home --as-of 2026-11-23
      taperoom recipe web1:/home:/ana/letters > /tmp/back.sh
      mkdir back; cd back; sh -e /tmp/back.sh
    """
    from core.report.text import clean
    from core.restore.byhand import recipe_for

    found = recipe_for(where.site(), spec, as_of)
    for warning in found.warnings:
        show.tell(clean(warning))
    if json:
        show.say_json({
            "host": found.spec.host, "disk": found.spec.disk, "path": "/" + found.spec.path, "datestamp": found.datestamp,
            "steps": [{"dump": step.title, "volumes": list(dict.fromkeys(s.label for s in step.sources if s.label)),
                       "files": [f"{s.directory}/{s.name}" for s in step.sources], "command": command}
                      for step, command in zip(found.steps, found.commands, strict=True)],
            "script": found.script})
        return 0
    show.say_script(found.script)
    return 0
