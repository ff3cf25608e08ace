"""``python -P -m tui --state-dir DIR [--run STAMP] [--read-only] [--ascii] [--theme NAME]``: the console on a run.

``--replay [RUN_DIR] [--speed N] [--at SECONDS]`` plays a recorded one.

Exit codes: 0 detached, 1 a fault of ours (three lines say where it is written down), 2 this terminal cannot show it or the
arguments are wrong, 128 + n ended by signal n.  Nothing here touches the run.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
import traceback
from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import TaperoomError
from tui.preferences import Store, settings_file

if TYPE_CHECKING:
    from tui.replaying import Playing

PLAIN = "taperoom status --follow"


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tui", description="The operator console of Taperoom.")
    parser.add_argument("--state-dir", type=Path, help="where the site keeps its state (state_dir)")
    parser.add_argument("--run", default="", help="datestamp, or its beginning; the live or last run otherwise")
    parser.add_argument("--replay", nargs="?", type=Path, const=Path(), metavar="RUN_DIR",
                        help="play a recorded run: this directory, or the one that --run names")
    parser.add_argument("--speed", type=float, default=60.0, metavar="N", help="times as fast as it was, 1 to 1000")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--at", type=float, default=0.0, metavar="SECONDS", help="begin a replay so long after the run began")
    begin.add_argument("--from", dest="begin", type=float, default=0.0, metavar="EPOCH", help="the same as a time")
    parser.add_argument("--read-only", action="store_true", help="watch: no answers, no orders")
    parser.add_argument("--ascii", action="store_true", help="no character but ASCII")
    parser.add_argument("--theme", default="", help="name of a theme")
    parser.add_argument("--link", default="", choices=["", "auto", "fast", "slow", "frugal"],
                        help="how often the screen is brought up to date: 4 times a second, every 2 or every 5 seconds")
    parser.add_argument("--slow", action="store_const", dest="link", const="slow", help="the same as --link slow")
    parser.add_argument("--mouse", action="store_true", help="take the mouse; the terminal's own selection then needs shift")
    options = parser.parse_args(argv)
    if options.state_dir is None and options.replay in (None, Path()):
        parser.error("one of --state-dir and --replay RUN_DIR is needed")
    return options


def recorded(options: argparse.Namespace) -> Playing | None:
    """The run that is played; None without --replay.  UsageError RUN025."""
    if options.replay is None:
        return None
    from core.client.runs import Run, find_run
    from tui.replaying import play

    found = Run(options.replay.absolute()) if options.replay != Path() else find_run(options.state_dir, options.run)
    return play(found, options.run, options.speed, options.begin, options.at)


def refusal(environment: Mapping[str, str], tty: bool) -> str:
    """Why this terminal cannot show the console; empty when it can."""
    if not tty:
        return f"the console needs a terminal; the same in plain lines: {PLAIN}"
    if environment.get("TERM", "") in ("", "dumb"):
        return f"TERM={environment.get('TERM', '')}: this terminal cannot place a cursor; the same in plain lines: {PLAIN}"
    return ""


def only_ascii(wanted: str, environment: Mapping[str, str], encoding: str) -> bool:
    """Whether nothing but ASCII is shown: ``wanted`` on or off, or auto: as far as the terminal has no more."""
    if wanted != "auto":
        return wanted == "on"
    plain = environment.get("TERM", "") in ("vt100", "vt220", "ansi") or _plain_locale(environment)
    return plain or encoding.lower().replace("-", "") not in ("utf8", "utf8sig")


def _plain_locale(environment: Mapping[str, str]) -> bool:
    """Whether the locale says that there is ASCII only.  Python makes UTF-8 of the C locale and calls its output so; the
    terminal is none the wiser.  What Python itself has put into LC_CTYPE for that is not the user's word."""
    ctype = environment.get("LC_CTYPE", "")
    named = environment.get("LC_ALL") or ("" if ctype in ("C.UTF-8", "C.utf8", "UTF-8") else ctype) or environment.get("LANG")
    return named in ("C", "POSIX")


def settle(environment: MutableMapping[str, str]) -> None:
    """What Textual reads when it is imported: no animation, and no key protocol that old terminals print.

    NO_COLOR is answered with a theme that has none; Textual's own answer, a filter, makes the terminal's colours black.
    """
    environment["TEXTUAL_ANIMATIONS"] = "none"
    if environment.get("TERM", "") in ("linux", "vt100", "vt220", "ansi"):
        environment["TEXTUAL_DISABLE_KITTY_KEY"] = "1"
    environment.pop("NO_COLOR", None)


def crash_log() -> Path:
    """Where a fault of ours is written down."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "taperoom" / "console.log"


def report(fault: BaseException) -> None:
    """Three lines for the operator, the rest (never a value of a variable) to the log."""
    path = crash_log()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}\n{''.join(traceback.format_exception(fault))}\n")
        where = str(path)
    except OSError:
        where = "not written down: its log cannot be opened"
    print(f"taperoom: the console failed: {type(fault).__name__}", file=sys.stderr)
    print(f"          {where}", file=sys.stderr)
    print("          the run goes on; look again with: taperoom attach", file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    """Check the terminal, open the console, give the terminal back."""
    options = arguments(argv)
    gc.disable()  # until the first picture stands: all that is made until then stays
    elsewhere = bool(os.environ.get("TEXTUAL_DRIVER"))  # a browser: there is no terminal here
    if not elsewhere and (why := refusal(os.environ, sys.stdin.isatty() and sys.stderr.isatty())):
        print(f"taperoom: {why}", file=sys.stderr)
        return 2
    try:
        playing = recorded(options)
    except TaperoomError as fault:
        print(f"taperoom: {fault.code} {fault.message}" + (f": {fault.hint}" if fault.hint else ""), file=sys.stderr)
        return 2
    store = Store(settings_file())
    store.load()
    if options.link:
        store.chosen = replace(store.chosen, link=options.link)
    environment = dict(os.environ)
    settle(os.environ)
    from tui.app import ConsoleApp
    from tui.look import Look
    from tui.terminal import ConsoleDriver, Guard
    from tui.theming import available, chosen

    guard = None if elsewhere else Guard(sys.stdin.fileno())
    driver = None if elsewhere else ConsoleDriver
    app = ConsoleApp(
        playing.state_dir if playing else options.state_dir, options.run, operate=not options.read_only,
        look=Look(options.ascii or only_ascii(store.chosen.ascii, environment, sys.stderr.encoding or ""),
                  environment.get("TERM", "") == "linux"),
        theme=chosen(options.theme, store.chosen.theme, available()[0], environment), driver_class=driver, store=store,
        playing=playing)
    try:
        app.run(mouse=options.mouse or store.chosen.mouse)
    except Exception as fault:
        app.fault = fault
    if guard is not None and (app.return_code not in (0, None) or app.fault is not None):
        guard.restore()
    if app.fault is not None:
        report(app.fault)
        return 1
    if app.detached and not elsewhere and playing is None and app.player.present.live:
        print("Detached. The run goes on; look again with: taperoom attach")
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
