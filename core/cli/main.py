"""The command `taperoom`: from words on the command line to an exit code, with no traceback on the way.

Exit codes are those of `taperoom explain exit-codes`.  Every error that is ours ends here; anything else is a bug and is
told as one, with the place in the code, and with the whole traceback only when TAPEROOM_DEBUG is set.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.cli import short, show, straight
from core.errors import TaperoomError, UsageError, WorldError

if TYPE_CHECKING:
    import typer

INTERRUPTED = 130
BROKEN_PIPE = 141
BUG = 70


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    sys.exit(run(list(sys.argv[1:] if arguments is None else arguments)))


def run(words: list[str]) -> int:
    """Run the command line; the exit code."""
    show.prepare()
    try:
        hoisted = hoist(words)
        straight.go_straight(hoisted)
        told = straight.tell_status(hoisted)
        if told is None and (restore := short.restore_of(hoisted)) is not None:
            told = restore()
        code = _invoke(hoisted) if told is None else told
        sys.stdout.flush()
    except TaperoomError as fault:
        show.error(fault)
        return fault.exit_code
    except KeyboardInterrupt:
        show.tell("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader left, as `head` does; nothing is wrong, and nothing may be said any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except PermissionError as fault:
        # Whatever was looked at: that this user may not is no fault of ours.
        show.error(WorldError("RUN098", f"{fault.filename or 'this'}: {fault.strerror}", "be the user who runs the backup"))
        return WorldError.exit_code
    except Exception as fault:
        return _bug(fault)
    return code


@functools.cache
def _tree(app: typer.Typer) -> Any:
    """The tree of commands, made once: a process that runs many of them should not pay for it each time."""
    import typer

    return typer.main.get_command(app)


def _invoke(words: list[str]) -> int:
    import typer

    from core.cli.app import app

    # Typer brings its own click in some versions, so its errors cannot be imported by name.
    usage_fault: type[Exception] = typer.BadParameter.__mro__[1]
    any_fault: type[Exception] = typer.BadParameter.__mro__[2]
    command = _tree(app)
    try:
        code = command.main(args=words, prog_name="taperoom", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except any_fault as fault:
        text = fault.format_message() if hasattr(fault, "format_message") else str(fault)
        path = getattr(getattr(fault, "ctx", None), "command_path", "taperoom") if isinstance(fault, usage_fault) else ""
        raise UsageError("CFG006", text[:1].lower() + text[1:].rstrip("."),
                         f"'{path or 'taperoom'} --help' shows what is possible") from None
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return code if isinstance(code, int) else 0


def hoist(words: list[str]) -> list[str]:
    """``--config`` may stand anywhere before ``--``; the commands read it in front."""
    front: list[str] = []
    rest: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        if word == "--":
            rest += words[position:]
            break
        if word == "--config" and position + 1 < len(words):
            front = ["--config", words[position + 1]]
            position += 1
        elif word.startswith("--config="):
            front = [word]
        else:
            rest.append(word)
        position += 1
    return front + rest


def _bug(fault: Exception) -> int:
    import traceback

    if os.environ.get("TAPEROOM_DEBUG"):
        traceback.print_exc()
    last = traceback.extract_tb(fault.__traceback__)[-1]
    show.error(TaperoomError(
        "RUN099", f"a fault of Taperoom itself: {type(fault).__name__}: {fault} ({last.filename}:{last.lineno})",
        "a run that is under way is not touched; please report this, with the output of TAPEROOM_DEBUG=1"))
    return BUG

