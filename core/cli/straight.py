"""The short way to the console, `taperoom` and `taperoom attach`, and to `taperoom status`, with nothing out of the ordinary.

Who sits at a terminal waits for the first picture, and of the configuration the console needs two lines.  So neither the
parser of commands nor the check of the whole configuration is loaded; `status` goes without the parser.  Promises to say
nothing of its own: in any doubt it gives way to the long way, which knows what is wrong and how to say it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from core.cli import show


def console_words(state_dir: Path, theme: str, run: str = "", read_only: bool = False, look: Sequence[str] = ()) -> list[str]:
    """The words that start the console on a state directory; ``look``: how it is shown, as `look_words` has it."""
    words = [sys.executable, "-P", "-m", "tui", "--state-dir", str(state_dir.absolute())]
    words += ["--run", run] if run else []
    words += ["--theme", theme] if theme else []
    return [*words, *(["--read-only"] if read_only else []), *look]


def look_words(plain: bool, slow: bool) -> list[str]:
    """What an operator asks of the console for this one time."""
    return [*(["--ascii"] if plain else []), *(["--slow"] if slow else [])]


def go_straight(words: Sequence[str]) -> None:
    """Be the console until it ends if these words (``--config`` in front) ask for no more; otherwise come back."""
    found = plan(words) if show.can_show_console() else None
    if found is None:
        return
    file, command = found
    os.environ["TAPEROOM_CONFIG"] = str(file)  # so the console finds the site of its state directory
    sys.stdout.flush()
    at = command.index("-m") + 1
    # In this process, by the name that `python -m` would take: another one would have to begin and load anew what is here
    # already, which is the tenth part of the time to the first picture.
    module = importlib.import_module(f"{command[at]}.__main__")
    sys.exit(module.main(command[at + 1:]))


def tell_status(words: Sequence[str]) -> int | None:
    """Say where the run stands if these words (``--config`` in front) ask for no more; None: the long way."""
    config, rest = _split(words)
    if rest not in (["status"], ["status", "--json"]):
        return None
    from core.cli import standing, where

    where.set_config(config)
    return standing.tell(json=rest[1:] == ["--json"])


def _split(words: Sequence[str]) -> tuple[str, list[str]]:
    """What ``--config`` says, and the other words."""
    return (words[1], list(words[2:])) if words[:1] == ["--config"] and len(words) > 1 else ("", list(words))


def plan(words: Sequence[str]) -> tuple[Path, list[str]] | None:
    """The configuration, absolute, and the words of the console; None: the long way."""
    import tomllib

    from core.config.find import find_config, path_of
    from core.errors import TaperoomError

    config, rest = _split(words)
    if rest not in ([], ["attach"], ["attach", "--read-only"]):
        return None
    try:
        file = find_config(config).absolute()
        top = tomllib.loads(file.read_text("utf-8"))
    except (TaperoomError, OSError, ValueError):
        return None
    state, theme = top.get("state_dir"), top.get("theme", "")
    if not (isinstance(state, str) and state and isinstance(theme, str)):
        return None
    state_dir = path_of(state, file.parent)
    try:
        begun = any(os.scandir(state_dir / "runs"))
    except OSError:
        begun = False
    if rest and not begun:
        return None
    return file, console_words(state_dir, theme, read_only="--read-only" in rest)
