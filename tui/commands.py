"""The command line that does the same as an order: shown before and after each act, and in the log of acts.  Pure."""

from __future__ import annotations

import shlex

from core.errors import BadLine
from core.events.view import RunView
from core.protocol import operator as op
from tui.clean import clean


def words(*parts: str) -> str:
    """``taperoom …`` as a shell takes it."""
    return clean(shlex.join(["taperoom", *parts]))


def command_of(said: op.Said, view: RunView) -> str:
    """What to type instead; empty for what has no command."""
    match said:
        case op.Answer(id, choice, argument):
            return words("reply", str(id), choice, *([argument] if argument else []))
        case op.AbortDump(handle):
            key = view.handles.get(handle)
            return words("abort", f"{key[0]}:{key[1]}" if key else handle)
        case op.Retry(host, disk):
            return words("retry", f"{host}:{disk}")
        case op.Hold(host, disk):
            return words("hold", f"{host}:{disk}")
        case op.Release(host, disk):
            return words("release", f"{host}:{disk}")
        case op.Priority(host, disk, priority):
            return words("priority", f"{host}:{disk}", str(priority))
        case op.Pause():
            return words("pause")
        case op.Resume():
            return words("resume")
        case op.Degrade():
            return words("degrade")
        case op.FlushNow():
            return words("flush")
        case op.Stop(when):
            return words("stop", *(["--now"] if when == "now" else []))
        case _:
            return ""


def command_of_line(line: str, view: RunView) -> str:
    """The command of an order as the journal has it; empty when it is none."""
    try:
        return command_of(op.VOCABULARY.decode(line.encode("utf-8", "surrogateescape")), view)
    except (BadLine, UnicodeError):
        return ""
