"""`taperoom check`: would tonight's run work?

One line a finding, with its code, as it is found; clients are all asked at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.client.checks import Finding

_WORDS = {"": "ok   ", "E": "ERROR", "W": "WARN ", "I": "note "}
_COLOURS = {"": "green", "E": "red", "W": "yellow", "I": "dim"}


def check(
    hosts: Annotated[list[str] | None, typer.Argument(
        metavar="HOST", help="Only these clients, and nothing of the server.")] = None,
    no_clients: Annotated[bool, typer.Option("--no-clients", help="Ask no client.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """Would tonight's run work?

    Configuration, holding disks, volumes and every client are looked at. Clients are asked at once, each
    checks its own disks. Nothing is changed; what the clients said is kept for the console.

    Exit code: 0 all is well (warnings included), 1 something has to be set right, 5 only that a client could not
    be reached.

    \b
    Examples:
      taperoom check
      taperoom check web1 db2
    """
    from core.client import checks, clients

    site = where.site()
    wanted = hosts or []
    disks = where.matching(site, wanted)
    found: list[Finding] = []

    def take(findings: Iterable[Finding]) -> None:
        for finding in findings:
            found.append(finding)
            if not json:
                _line(finding)

    if not wanted:
        take(checks.server(site))
    if not no_clients:
        take(_with_progress(clients.check(site, disks), json))
    errors = [finding for finding in found if finding.severity == "E"]
    if json:
        from dataclasses import asdict

        show.say_json([asdict(finding) for finding in found])
    else:
        from core.report.text import count

        warnings = sum(1 for finding in found if finding.severity == "W")
        if not errors and not warnings:
            show.say("all is well")
        else:
            show.say(f"{count(len(errors), 'error')}, {count(warnings, 'warning')}; 'taperoom explain CODE' says what to do")
    if not errors:
        return 0
    return 5 if all(finding.peer for finding in errors) else 1


def _line(finding: Finding) -> None:
    from core.report.text import wrap

    word = show.colour(_WORDS[finding.severity], _COLOURS[finding.severity])
    code = f"{finding.code} " if finding.code else ""
    lines = wrap(f"{code}{finding.subject}: {finding.text}", columns=74, after="  ")
    show.say(f"{word} {lines[0]}")
    for line in lines[1:]:
        show.say(f"      {line}")


def _with_progress(findings: Iterable[Finding | int], quiet: bool) -> Iterable[Finding]:
    """The findings; the numbers between them, of clients that are still asked, show below on a terminal."""
    import sys

    from core.report.text import count

    drawn = False
    for finding in findings:
        if drawn:
            sys.stdout.write("\r\x1b[K")
            drawn = False
        if not isinstance(finding, int):
            yield finding
        elif finding and not quiet and show.can_redraw():
            sys.stdout.write(f"\r\x1b[K... {count(finding, 'client')} still at it")
            sys.stdout.flush()
            drawn = True
    if drawn:
        sys.stdout.write("\r\x1b[K")
