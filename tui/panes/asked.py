"""The open requests in full, for a screen that has room beside everything else: what is asked and what each answer costs.

Pure; answering is the dialog's (`tui.screens.request`), which the same key opens from everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from tui.clean import clean
from tui.format import due
from tui.look import WANTS
from tui.moment import Moment
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.requests import Request, answered_first, open_requests, text_of
from tui.subject import Key


def rows(now: Moment, width: int, disk: Key | None = None) -> list[Row]:
    """Every open request, the one first that the key for an answer opens; ``disk`` is under the cursor."""
    found = open_requests(now)
    first = answered_first(found, disk)
    ordered = sorted(found, key=lambda one: one is not first)
    told: list[Row] = []
    for one in ordered:
        told += [()] if told else []
        told += _request(now, one, width, answers=one is first and now.operate)
    return told


def title(now: Moment) -> str:
    """How many there are."""
    return f"Requests  {len(open_requests(now))}"


def _request(now: Moment, one: Request, width: int, *, answers: bool) -> Iterator[Row]:
    asked = one.question.asked
    key = (("r", "key"), (" answers ", "muted")) if answers else ()
    yield ((" ", ""), (f"{now.look.glyph(WANTS)} ", WANTS.colour), *key,
           (f"#{asked.id} {clean(asked.code)}{clean(asked.severity)} {clean(asked.subject)}", "attention"))
    for piece in wrapped(clean(text_of(asked)), width - 4, width - 4):
        yield ((f"   {now.look.cut(piece)}", ""),)
    yield ((f"   {clean(asked.default)} ", "title"), (f"{due(asked.deadline, now.now)} without an answer", "muted"))
    longest = max((len(choice.name) for choice in asked.choices), default=0)
    room = max(12, width - longest - 7)
    for choice in asked.choices:
        for number, piece in enumerate(wrapped(clean(choice.effect), room, room)):
            name = clean(choice.name) if number == 0 else ""
            yield ((f"   {name:<{longest}}  ", "key"), (now.look.cut(piece), "muted"))
