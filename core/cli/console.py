"""`taperoom` and `taperoom attach`: another program takes this one's place, the console.

The console is never imported here: it is the only part that needs Textual, and it knows a run by its directory alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, straight, where

if TYPE_CHECKING:
    from core.client.runs import Run
    from core.model.site import Site


Ascii = Annotated[bool, typer.Option("--ascii", help="The console with no character but ASCII.")]
Slow = Annotated[bool, typer.Option("--slow", help="The console for a slow line: painted every 2 seconds.")]


def command_of(site: Site, run: str = "", read_only: bool = False, look: Sequence[str] = ()) -> list[str]:
    """The words that start the console."""
    return straight.console_words(site.state_dir, site.theme, run, read_only, look)


def become_console(site: Site, run: str = "", read_only: bool = False, look: Sequence[str] = ()) -> int:
    """Open the console in the place of this program.  UsageError CFG006 without a terminal."""
    import os
    import sys

    from core.errors import UsageError

    if not show.can_show_console():
        raise UsageError("CFG006", "the console needs a terminal", "'taperoom status' shows the same as text")
    words = command_of(site, run, read_only, look)
    os.environ["TAPEROOM_CONFIG"] = str(site.file)  # so the console finds the site of its state directory
    sys.stdout.flush()
    os.execvp(words[0], words)


def become_replay(run: Run, speed: float, begin: float, look: Sequence[str] = ()) -> int:
    """Open the console on a recorded run, as it was at ``begin`` (seconds since the epoch)."""
    import os
    import sys

    words = [sys.executable, "-P", "-m", "tui", "--state-dir", str(run.path.parent.parent.absolute()), "--run",
             run.datestamp, "--replay", "--speed", f"{speed:g}", "--from", f"{begin:.0f}", *look]
    sys.stdout.flush()
    os.execvp(words[0], words)


def open_console(plain: bool = False, slow: bool = False) -> int:
    """The console on the run under way, or on the last one."""
    return become_console(where.site(), look=straight.look_words(plain, slow))


def attach(
    run: Annotated[str, typer.Argument(
        metavar="RUN", help="Datestamp of a run, or its beginning.", autocompletion=where.complete_run)] = "",
    read_only: Annotated[bool, typer.Option("--read-only", help="Look, but give no orders.")] = False,
    plain: Ascii = False,
    slow: Slow = False,
) -> int:
    """Open the console on a run, live or finished.

    Closing it never touches the run.

    \b
    Examples:
      taperoom attach
      taperoom attach --read-only
      taperoom attach --slow --ascii
      taperoom attach 20261123
    """
    site = where.site()
    found = where.a_run(site, run)
    return become_console(site, found.datestamp if run else "", read_only, straight.look_words(plain, slow))
