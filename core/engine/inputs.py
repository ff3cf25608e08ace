"""Everything that can happen to a run, as the engine hears of it."""

from __future__ import annotations

from dataclasses import dataclass

from core.protocol import dumper, operator, planner, taper


@dataclass(frozen=True, slots=True)
class Heard:
    """A child said something that its conversation allows."""

    child: str
    message: dumper.Report | taper.Report


@dataclass(frozen=True, slots=True)
class ChildGone:
    """A child's pipe ended, or it broke the protocol and was killed; ``tail`` is the end of its stderr."""

    child: str
    status: str
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """The planner wrote a line."""

    said: planner.Said


@dataclass(frozen=True, slots=True)
class FlushFound:
    """The header of a FLUSH line's file was read: its data is so many KiB."""

    said: planner.Flush
    size: int


@dataclass(frozen=True, slots=True)
class PlanEnded:
    """The planner closed its end."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody answered a question."""

    id: int
    choice: str
    argument: str
    by: str


@dataclass(frozen=True, slots=True)
class Ordered:
    """An operator (or a signal) gave an order."""

    order: operator.Order
    by: str


@dataclass(frozen=True, slots=True)
class HoldingSeen:
    """A holding disk was measured: KiB that dumps may still use.  One that was unknown so far joins the run.
    ``left``: KiB of whole dumps of earlier runs on it.  ``failed``: why it could not be measured; then it has no room."""

    path: str
    free: int
    total: int = 0
    reserve: int = 0
    chunksize: int = 0
    left: int = 0
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """It is now so late."""

    now: float


Input = Heard | ChildGone | Planned | FlushFound | PlanEnded | Answered | Ordered | HoldingSeen | Tick
