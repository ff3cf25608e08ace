"""Everything that a run, its programs and this console told an operator, with its code, the newest first; and a code's page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.codes import lookup
from core.events.view import RunView
from tui.clean import clean
from tui.columns import Column, Entry
from tui.format import clock
from tui.look import BAD, IDLE, ODD, WANTS, Look, Mark
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.requests import text_of

COLUMNS = (Column("", 1), Column("at", 8), Column("code", 7), Column("about", 16, drop=1), Column("message", least=24))

SEVERITIES = {"A": "act", "D": "decide", "E": "error", "W": "warning", "I": "information"}
_MARKS: dict[str, Mark] = {"A": WANTS, "D": WANTS, "E": BAD, "W": ODD}
_CODE = re.compile(r"\b([A-Z]{3}\d{3})[A-Z]?\b")


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``here``: of this console, not of the run."""

    at: float
    code: str
    severity: str
    about: str
    text: str
    here: bool = False


def code_in(text: str) -> str:
    """The first code that is named in a text and has a page; empty when there is none."""
    return next((found for found in _CODE.findall(text) if lookup(found)), "")


def of_run(view: RunView) -> list[Message]:
    """The messages of a run, oldest first; their number only grows."""
    found = [Message(at, n.code, n.severity, n.subject, n.text) for at, n in view.notices]
    found += [Message(q.opened, q.asked.code, q.asked.severity, q.asked.subject, text_of(q.asked))
              for q in view.questions.values()]
    found += [Message(at, death.code, "E", death.child, f"died: {death.status}  {death.tail.strip()}")
              for at, death in view.deaths]
    return sorted(found, key=lambda message: message.at)


def unseen(view: RunView, seen: Mapping[str, int]) -> int:
    """How many messages of a run nobody has looked at; ``seen``: datestamp to how many were."""
    if view.began is None:
        return 0
    told = len(view.notices) + len(view.questions) + len(view.deaths)
    return max(0, told - seen.get(view.began.datestamp, 0))


def all_of(view: RunView, own: Iterable[tuple[float, str, bool]]) -> list[Message]:
    """Those of the run and of this console (when, text, whether it was bad), the newest first."""
    here = [Message(at, code_in(text), "W" if bad else "I", "console", text, True) for at, text, bad in own]
    return sorted([*of_run(view), *here], key=lambda message: -message.at)


def entries(messages: list[Message], look: Look) -> list[Entry]:
    """As rows."""
    found: list[Entry] = []
    for n, message in enumerate(messages):
        mark = _MARKS.get(message.severity, IDLE)
        text = message.text.removeprefix(message.code).strip()
        code = f"{message.code}{message.severity}" if message.code else "-"
        found.append(Entry(f"{len(messages) - n}", (
            (look.glyph(mark), mark.colour), (clock(message.at), "muted"), (clean(code), mark.colour),
            (clean(message.about), "muted"), (clean(text), ""))))
    return found


def page(code: str, width: int, text: str = "") -> list[Row]:
    """The page of a code; ``text``: the message itself, in full."""
    rows: list[Row] = []
    if text:
        rows += [((" ", ""), (piece, "")) for piece in wrapped(clean(text), width - 2, width - 2)]
        rows.append(())
    found = lookup(code) if code else None
    if found is None:
        why = f"there is no page for {clean(code)}" if code else "this message has no code"
        return [*rows, ((f" {why}", "muted"),)]
    rows.append(((f" {found.code}", "title"), (f"  {SEVERITIES.get(found.severity, found.severity)}", "muted")))
    rows += _worded(found.title, width, "title")
    rows.append(())
    rows += _worded(found.meaning, width, "")
    rows.append(())
    rows += _worded(found.action, width, "", "do     ")
    return rows


def _worded(text: str, width: int, colour: str, head: str = "") -> list[Row]:
    text = text.replace("`", "")
    return [((" ", ""), ((head if n == 0 else " " * len(head)), "key"), (piece, colour))
            for n, piece in enumerate(wrapped(text, width - 2 - len(head), width - 2 - len(head)))]
