"""`taperoom recover`: amrecover's words on a plain terminal, or from a pipe."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli import show, where

if TYPE_CHECKING:
    from core.client.browse import Browser, Date
    from core.client.foresee import Ahead
    from core.client.standing import Standing
    from core.client.words import Outcome
    from core.model.site import Site

_PROMPT = "recover> "


def recover(
    spec: Annotated[str, typer.Argument(
        metavar="[HOST:DISK]", help="The disk to begin with.", autocompletion=where.complete_disk)] = "",
    to: Annotated[str, typer.Option("--to", metavar="DIR", help="Where extract restores to, until lcd.")] = "",
) -> int:
    """Look for files and bring them back with amrecover's words.

    sethost, setdisk, setdate, cd, ls, find, add, delete, list, extract; help lists
    all of them. extract tells what the restore takes before it asks. Words may come
    from a pipe; the exit code is then that of the last one.

    \b
    Examples:
      taperoom recover web1:/home --to /tmp/back
      printf 'cd ana\\nadd letters\\nextract\\ny\\n' | taperoom recover web1:/home
    """
    import os

    from core.client.standing import Standing
    from core.errors import TaperoomError

    world = _World(where.site())
    at, code = Standing(target=to if not to or ":/" in to else os.path.abspath(os.path.expanduser(to))), 0
    asks = show.on_terminal()
    if asks:
        _complete(world, lambda: at)
        show.say("help lists the words, quit leaves")
    lines = [f"setdisk {show.command_line(spec)}"] if spec else []
    while True:
        try:
            line = lines.pop() if lines else _read(_PROMPT)
            if line is None:
                return code
            found = _obey(line, at, world)
            at, code = found.standing, 0
            if found.effect == "quit":
                return 0
            if found.effect == "extract":
                code = _extract(world.site, at)
        except TaperoomError as fault:
            show.error(fault)
            code = fault.exit_code
        except KeyboardInterrupt:
            show.tell("interrupted")
            code = 130
            if not asks:
                return code


class _World:
    """What the words ask (`core.client.standing.World`), of a site; the last disk stays open."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._open: tuple[tuple[str, str, str], Browser] | None = None

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def disks(self) -> list[tuple[str, str]]:
        """Host and disk of everything that was ever dumped or will be."""
        from core.client.browse import disks

        return disks(self.site)

    def dates(self, host: str, disk: str) -> list[Date]:
        """What a disk can be restored to, newest first."""
        from core.client.browse import dates

        return dates(self.site, host, disk)

    def tree(self, host: str, disk: str, date: str) -> Browser:
        """A disk as it was then; what is to be told of it is told when it is opened."""
        from core.client.browse import Browser

        key = (host, disk, date)
        if self._open is None or self._open[0] != key:
            self._open = key, Browser(self.site, host, disk, date)
            show.warn(self._open[1].warnings)
        return self._open[1]


def _obey(line: str, at: Standing, world: _World) -> Outcome:
    from core.client.words import obey
    from core.report.text import clean

    found = obey(line, at, world)
    for text in found.lines:
        show.say(clean(text))
    show.flush()
    return found


def _read(prompt: str) -> str | None:
    """The next line; None at the end."""
    if show.on_terminal():
        with contextlib.suppress(EOFError):
            return input(prompt)
        return None
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None


def _extract(site: Site, at: Standing) -> int:
    """Tell what it takes, ask, and become the restore until it is over."""
    import subprocess

    from core.client.foresee import PROGRAM, environment, foresee
    from core.client.standing import restore_words
    from core.errors import UsageError

    if not at.target:
        raise UsageError("RST052", "no directory to restore to is chosen", "write lcd DIR, and extract again")
    words = restore_words(at, at.date)
    ahead = foresee(site, words)
    _tell(ahead)
    if ahead.blocked:
        return 1
    if ahead.taken:
        if _ask("They are lost for good. To overwrite them type overwrite: ") != "overwrite":
            show.say("nothing was restored")
            return 1
        words = restore_words(at, at.date, "--overwrite")
    elif _ask("Restore? [y/N] ").lower() not in ("y", "yes"):
        show.say("nothing was restored")
        return 1
    show.say(f"same as: {show.command_line(*words)}")
    show.flush()
    return subprocess.run([*PROGRAM, *words[1:]], stdin=subprocess.DEVNULL, env=environment(site), check=False).returncode


def _ask(question: str) -> str:
    if not show.on_terminal():
        show.say(question)
    return (_read(question) or "").strip()


def _tell(ahead: Ahead) -> None:
    from core.model.units import show_duration, show_size
    from core.report.text import clean, count

    show.say(f"{count(ahead.files, 'file')} and {count(ahead.directories, 'directory', 'directories')} to {clean(ahead.to)};"
             f" about {show_size(ahead.size)} to read, in about {show_duration(max(1.0, ahead.seconds))}, in this order:")
    for number, (storage, label, files) in enumerate(ahead.stops, 1):
        numbers = " ".join(map(str, files[:20])) + (" .." if len(files) > 20 else "")
        word = "files" if len(files) > 1 else "file"
        show.say(f"  {number}. volume {clean(label)} of storage {clean(storage)}: {word} {numbers}" if storage
                 else f"  {number}. holding file {clean(label)}")
    blocked = "in the way, since one is a directory and the other is not"
    for what, names in (("there already", ahead.taken), (blocked, ahead.blocked)):
        if names:
            more = " .." if len(names) > 5 else ""
            show.say(f"{count(len(names), 'name')} {what}: {', '.join(clean(name) for name in names[:5])}{more}")
    for warning in ahead.warnings:
        show.tell(clean(warning))


def _complete(world: _World, at: Callable[[], Standing]) -> None:
    """Tab completes words, hosts, disks, dates and names where the terminal's library can."""
    try:
        import readline
    except ImportError:
        return
    from core.client.recall import completions
    from core.client.words import names_of_words

    def ends(text: str, state: int) -> str | None:
        begin, line = readline.get_begidx(), readline.get_line_buffer()
        found = [one[begin:] for one in completions(line, at(), world, names_of_words())]
        return found[state] if state < len(found) else None

    readline.set_completer(ends)
    readline.set_completer_delims(" \t\n")
    readline.parse_and_bind("tab: complete")
