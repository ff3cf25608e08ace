"""`taperoom demo`: a complete small site on this machine, two runs, and a restore with tools that every machine has.

Each step is a command that an operator types, and its words are shown.  On a terminal the console opens on each run.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.cli.demo_site import DemoSite
    from core.client.runs import Run
    from core.model.site import Site

_WANTED = "letters/letter-07.txt"
_RULE = 80


def demo(
    directory: Annotated[str, typer.Argument(metavar="DIR", help="Where; ./demo-site without it.")] = "",
    batch: Annotated[bool, typer.Option("--batch", help="No console: plain lines, also on a terminal.")] = False,
) -> int:
    """A small site on this machine, and its first two nights.

    Three clients (this machine under three names) with directories such as /usr/share/doc and /etc, two storages of
    virtual tapes and a holding disk, all in DIR. Then: check, a full run, some files change, an incremental run, and
    one file comes back with nothing but dd and tar. An earlier demo in DIR is replaced.

    \b
    Examples:
      taperoom demo
      taperoom demo --batch /tmp/demo
    """
    from core.cli import demo_site
    from core.cli.demo_tree import change_home
    from core.config.load import load_site
    from core.model.units import show_size

    made = demo_site.make_site(demo_site.place(directory))
    where.set_config(str(made.config))
    site = load_site(made.config)
    _step(1, f"a site in {made.directory}")
    show.say(f"{made.config}: 3 clients, {made.disks} disks, about {show_size(made.size)}; 2 storages, 1 holding disk")
    _step(2, "would a run work?", "check")
    from core.cli.check import check

    code = check()
    if code:
        return _failed("check", code)
    consoles = show.can_show_console() and not batch
    command = "run" if consoles else "run --batch"
    _step(3, "the first run: everything in full", command)
    if code := _run(site, consoles):
        return code
    _step(4, "a day passes in alpha's home")
    show.say_lines(f"  {change}" for change in change_home(made.home))
    _step(5, "the second run: only what changed", command)
    if code := _run(site, consoles):
        return code
    _step(6, f"one file comes back without Taperoom: {_WANTED}")
    if code := _restore(site, made):
        return code
    _goodbye(made)
    return 0


def _step(number: int, what: str, command: str = "") -> None:
    typed = f"   $ taperoom {command}" if command else ""
    show.say()
    show.say(show.colour(f"== {number}. {what}{typed} ".ljust(_RULE, "="), "bold"))
    sys.stdout.flush()


def _failed(what: str, code: int) -> int:
    from core.errors import TaperoomError

    show.error(TaperoomError("RUN030", f"the demo ends here: {what} ended with exit code {code}",
                             "what it made stays for you to look at"))
    return code


def _run(site: Site, console: bool) -> int:
    """One run, looked at in the console or as lines; 0 when it went well."""
    from core.cli import follow
    from core.cli.report import text_of
    from core.client.runs import start, view_of

    run = start(site.file, site.state_dir)
    seen = 0
    if console:
        _open_console(site, run)
        seen = view_of(run).seq  # what the console has shown needs no line

    def to_the_end() -> int:
        view = follow.follow(run, quiet_until=seen)
        code = follow.end_of(run, view)
        show.say(f"\n{text_of(site, view)}".rstrip("\n"))
        return code

    code = follow.detachable(to_the_end)
    if code == 0:
        _wait_for(site)
        return 0
    return code if code > 100 else _failed(f"run {run.datestamp}", code)


def _open_console(site: Site, run: Run) -> None:
    """The console as a child: when it is left the demo goes on.  Ctrl-C in it is its own."""
    import signal
    import subprocess

    from core.cli.console import command_of

    show.say("The console opens; 'q' leaves it, and the demo goes on.")
    sys.stdout.flush()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        subprocess.run(command_of(site, run.datestamp), check=False)
    finally:
        signal.signal(signal.SIGINT, before)


def _wait_for(site: Site) -> None:
    """Until amdump has let go of the site, so that the next run may begin."""
    import os
    import time

    from core.client.lock import lock_site
    from core.errors import BusyError

    for _ in range(600):
        try:
            os.close(lock_site(site.state_dir))
            return
        except BusyError:
            time.sleep(0.05)


def _restore(site: Site, made: DemoSite) -> int:
    """Print the commands, run them, compare."""
    import filecmp
    import subprocess

    from core.restore.byhand import recipe

    target = made.directory / "restored"
    target.mkdir()
    commands = recipe(site, "alpha", str(made.home), f"/{_WANTED}")
    show.say(f"  $ cd {target}")
    for command in commands:
        show.say(f"  $ {command}")
    sys.stdout.flush()
    done = subprocess.run(["sh", "-e", "-c", "\n".join(commands)], cwd=target, check=False)
    if done.returncode:
        return _failed("the restore", 1)
    copy, original = target / _WANTED, made.home / _WANTED
    if not filecmp.cmp(copy, original, shallow=False):
        return _failed(f"comparing {copy} with {original}", 1)
    show.say(f"  {copy.relative_to(made.directory)} and {original.relative_to(made.directory)} are the same, byte for byte")
    return 0


def _goodbye(made: DemoSite) -> None:
    config = made.config
    with contextlib.suppress(ValueError):
        config = config.relative_to(Path.cwd())
    # 'make demo' calls the command by its path, and without that path it would not be found.
    called = sys.argv[0] if Path(sys.argv[0]).name == "taperoom" else "taperoom"
    base = ["taperoom" if shutil.which("taperoom") else called, "--config", str(config)]
    show.say()
    show.say("All of it is still there; try:")
    home = f"alpha:{made.home}"
    for words in ([], ["tape", "list"], ["plan", "--nights", "7"], ["ls", home], ["report"], ["disk", "list"]):
        show.say(f"  {show.command_line(*base, *words)}")
