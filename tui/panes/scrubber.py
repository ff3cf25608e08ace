"""The line of time: where one is in the night, how fast it plays, and what there is to jump to.  Pure."""

from __future__ import annotations

from core.client.replay import FAILED, NO_ROOM, REQUEST, TRY_AGAIN
from core.events.view import DiskState
from tui.format import clock, moment
from tui.look import BAD, DISK, WANTS, Look, Mark, Span
from tui.moment import Link
from tui.panes.layout import Row
from tui.replaying import Playing

_MARKS: dict[str, Mark] = {NO_ROOM: WANTS, REQUEST: WANTS, FAILED: BAD, TRY_AGAIN: DISK[DiskState.RETRY]}
_HERE = Mark("●", "O", "key")


def scrubber_row(playing: Playing, width: int, look: Look, *, waiting: int = 0) -> Row:
    """One row.  ``waiting``: requests that are open in the run as it is now, while the past is shown."""
    head, tail = _ends(playing, width, waiting)
    return (*head, *_line(playing, _room(head, tail, width), look), *tail)


def moment_at(playing: Playing, width: int, x: int, *, waiting: int = 0) -> float | None:
    """The moment that stands at column ``x`` of that row; None beside its line."""
    head, tail = _ends(playing, width, waiting)
    room, at = _room(head, tail, width), x - sum(len(text) for text, _ in head)
    length = playing.replay.ended - playing.replay.began
    return playing.replay.began + (at + 0.5) / room * length if 0 <= at < room else None


def _room(head: list[Span], tail: list[Span], width: int) -> int:
    return max(4, width - sum(len(text) for text, _ in (*head, *tail)))


def _ends(playing: Playing, width: int, waiting: int) -> tuple[list[Span], list[Span]]:
    """What stands before and behind the line."""
    replay = playing.replay
    state = "paused" if replay.paused else "end" if replay.over else f"x{replay.speed:g}"
    head: list[Span] = [(f" {clock(replay.now)} ", "title"), (f"{state:<7}", "attention" if replay.paused else "")]
    tail: list[Span] = [(f" {moment(replay.ended)} ", "muted")]
    if playing.stops_at and width >= 70:
        tail.append((f" [ ] {playing.stops_at} ", "key"))
    if playing.link is Link.PAST:
        text = f" now: {waiting} open " if waiting else " "
        tail += [(text, "attention"), ("t", "key"), (" now ", "muted")]
    return head, tail


def _line(playing: Playing, room: int, look: Look) -> list[Span]:
    replay = playing.replay
    length = max(1e-9, replay.ended - replay.began)
    dot, rule = look.glyph(_HERE), look.cut("─")
    cells: list[Span] = [(rule, "rule")] * room

    def place(at: float) -> int:
        return min(room - 1, max(0, int((at - replay.began) / length * room)))

    for mark in replay.marks:
        drawn = _MARKS[mark.kind]
        if not playing.stops_at or playing.stops_at == mark.kind:
            cells[place(mark.at)] = (look.glyph(drawn), drawn.colour)
    cells[place(replay.now)] = (dot, "key")
    spans: list[Span] = []
    for text, colour in cells:
        if spans and spans[-1][1] == colour:
            spans[-1] = (spans[-1][0] + text, colour)
        else:
            spans.append((text, colour))
    return spans
