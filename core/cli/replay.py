"""`taperoom replay` and `taperoom export`: a recorded night again, here or on another machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where
from core.cli.console import Ascii, Slow, become_replay
from core.cli.straight import look_words

if TYPE_CHECKING:
    from core.client.replay import Replay
    from core.client.runs import Run

_RUN = typer.Argument(metavar="RUN|FILE", help="Datestamp of a run, its beginning, or an exported file.",
                      autocompletion=where.complete_run)
_PAUSE = 5.0
"""Seconds that lines stand still at most, however long nothing happened."""


def replay(
    run: Annotated[str, _RUN] = "",
    speed: Annotated[float, typer.Option("--speed", metavar="N", help="Times as fast as it was, 1 to 1000.")] = 60.0,
    begin: Annotated[str, typer.Option("--from", metavar="HH:MM", help="Begin at this time of that night.")] = "",
    lines: Annotated[bool, typer.Option("--lines", help="No console: the facts as lines, in their time.")] = False,
    plain: Ascii = False,
    slow: Slow = False,
) -> int:
    """Play a recorded run in the console.

    Pause, step, and jump to the next NO-ROOM, TRY-AGAIN, FAILED or request. Without a terminal, or with --lines, the
    facts come as lines; in a pipe all at once.

    \b
    Examples:
      taperoom replay
      taperoom replay 20261123 --speed 200 --from 02:30
      taperoom replay taperoom-20261123001500.zip --lines
    """
    from core.client.replay import FASTEST, SLOWEST, Replay
    from core.errors import UsageError

    if not SLOWEST <= speed <= FASTEST:
        raise UsageError("CFG006", f"--speed {speed:g}: it is between {SLOWEST:g} and {FASTEST:g}")
    found = _a_recorded_run(run)
    player = Replay(found)
    player.speed = speed
    at = moment_of(player, begin)
    if lines or not show.can_show_console():
        from core.cli import follow

        return follow.detachable(lambda: _print(player, at))
    return become_replay(found, speed, at, look_words(plain, slow))


def export(
    run: Annotated[str, typer.Argument(
        metavar="RUN", help="Datestamp of a run, or its beginning.", autocompletion=where.complete_run)] = "",
    file: Annotated[str, typer.Argument(metavar="FILE", help="File or directory; the current one if missing.")] = ".",
) -> int:
    """Write a run to one file, to be replayed anywhere.

    Its facts, the traffic of its pipes and its report are in it: names of hosts, disks and files, never their content.

    \b
    Examples:
      taperoom export 20261123
      taperoom export 20261123 /tmp/night.zip
    """
    from pathlib import Path

    from core.client.bundle import export_run
    from core.model.units import show_size
    from core.report.text import clean

    written = export_run(where.a_run(where.site(), run), Path(file))
    show.say(f"{clean(str(written))}, {show_size(written.stat().st_size)}; see it with: "
             f"{show.command_line('taperoom', 'replay', str(written))}")
    return 0


def _a_recorded_run(name: str) -> Run:
    """A run of the site, or the one in an exported file; a file needs no configuration."""
    from pathlib import Path

    from core.client.bundle import open_bundle

    if not name.isdigit() and name:
        return open_bundle(Path(name))
    return where.a_run(where.site(), name)


def moment_of(player: Replay, text: str) -> float:
    """Seconds since the epoch of ``HH:MM[:SS]`` in that night, the first after its beginning.  UsageError CFG006."""
    from datetime import datetime, timedelta

    from core.errors import UsageError
    from core.model.units import local_time
    from core.report.text import clock

    if not text:
        return player.began
    began = local_time(player.began)
    for form in ("%H:%M:%S", "%H:%M") if began else ():
        try:
            wanted = datetime.strptime(text, form)
        except ValueError:
            continue
        assert began is not None
        at = began.replace(hour=wanted.hour, minute=wanted.minute, second=wanted.second, microsecond=0)
        # A minute is meant as it reads: 00:15 is in a run that began at 00:15:20.
        if at.timestamp() + (59 if form == "%H:%M" else 0) < player.began:
            at += timedelta(days=1)
        if at.timestamp() <= player.ended:
            return max(player.began, at.timestamp())
        raise UsageError("CFG006", f"--from {text}: the run was from {clock(player.began)} to {clock(player.ended)}")
    raise UsageError("CFG006", f"--from {text}: that is no time of day", "such as --from 02:30")


def _print(player: Replay, begin: float) -> int:
    """The facts from a moment on, in their time when a person looks on."""
    import sys
    import time

    from core.cli.follow import plain_line
    from core.events.view import RunView
    from core.report.text import clock

    seen, last = 0, begin
    if begin > player.began:
        player.seek(begin)
        seen = player.view.seq
        show.say(f"{clock(begin)} from here on; {seen} facts before")
    view = RunView()
    for record in player.records:
        view.apply(record)
        if record.seq <= seen:
            continue
        if show.can_redraw() and record.at > last:
            sys.stdout.flush()
            time.sleep(min(_PAUSE, (record.at - last) / player.speed))
        last = max(last, record.at)
        plain_line(record, view)
    return 0
