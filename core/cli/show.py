"""The one place of the commands that prints: text, JSON, colour where a terminal wants it, and how an error looks.

Promises: nothing goes to a pipe but plain text; `NO_COLOR` and `TERM=dumb` are honoured; bytes that the terminal's
encoding lacks are shown as escapes and never raise.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any

from core.errors import TaperoomError

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}


def prepare() -> None:
    """Make both streams take any text."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(text: str = "") -> None:
    """One text and a newline on stdout."""
    print(text)


def flush() -> None:
    """Let a reader of stdout see what was said so far."""
    sys.stdout.flush()


def say_lines(lines: Iterable[str]) -> None:
    """Each on a line of its own."""
    for line in lines:
        print(line)


def say_script(lines: Iterable[str]) -> None:
    """Each on a line of its own, and names that are no UTF-8 as the bytes that they are: it is for a shell."""
    sys.stdout.flush()
    sys.stdout.buffer.write(b"".join(os.fsencode(line) + b"\n" for line in lines))
    sys.stdout.buffer.flush()


def tell(text: str) -> None:
    """Something beside the output, on stderr."""
    print(text, file=sys.stderr, flush=True)


def say_json(plain: Any) -> None:
    """One JSON document; bytes that are no UTF-8 show as lone surrogates, escaped."""
    print(json.dumps(plain, indent=2))


def on_terminal() -> bool:
    """Whether a person sees stdout and can be asked on stdin."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def can_show_console() -> bool:
    """Whether the console would open here; it needs a cursor that can be placed."""
    return on_terminal() and os.environ.get("TERM", "") not in ("", "dumb")


def can_redraw() -> bool:
    """Whether a line of stdout may be drawn again."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def columns() -> int:
    """How wide a table may be: the terminal's width, and as wide as it likes in a pipe."""
    import shutil

    return max(80, shutil.get_terminal_size((80, 24)).columns) if sys.stdout.isatty() else 1000


def colour(text: str, name: str) -> str:
    """``text`` in a colour, or just as it is; colour never is the only sign."""
    if os.environ.get("NO_COLOR") or not can_redraw():
        return text
    return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m"


def error(fault: TaperoomError) -> None:
    """``CODE message`` and the hint, on stderr; the hint has a line of its own."""
    sys.stdout.flush()
    tell(f"{fault.code} {fault.message}")
    if fault.hint:
        tell(f"  Hint: {fault.hint}")


def command_line(*words: str) -> str:
    """A command as one would type it."""
    import shlex

    return shlex.join(words)


def moment(stamp: str) -> str:
    """A datestamp as people read it; what is none as it is."""
    from core.model.units import seconds_of_datestamp
    from core.report.text import moment as shown

    try:
        return shown(seconds_of_datestamp(stamp))
    except ValueError:
        return stamp


def warn(warnings: Iterable[str]) -> None:
    """Tell warnings beside the output."""
    from core.report.text import clean

    for warning in warnings:
        tell(clean(warning))
