"""Everything that the engine can want.  The driver's loop carries these out, in order; nothing else does."""

from __future__ import annotations

from dataclasses import dataclass

from core.events.event import Event
from core.protocol import dumper, operator, taper


@dataclass(frozen=True, slots=True)
class Journal:
    """Write this down; it is on disk before the next effect is carried out."""

    event: Event


@dataclass(frozen=True, slots=True)
class Tell:
    """Send this order to a child."""

    child: str
    order: dumper.Order | taper.Order


@dataclass(frozen=True, slots=True)
class StartDumper:
    """Start a dumper of that name (again)."""

    child: str


@dataclass(frozen=True, slots=True)
class StartTaper:
    """Start the taper of that storage (again)."""

    child: str
    storage: str


@dataclass(frozen=True, slots=True)
class Kill:
    """End a child at once; its `ChildGone` is not reported."""

    child: str


@dataclass(frozen=True, slots=True)
class RemoveFile:
    """Delete a holding file with all its chunks."""

    file: str


@dataclass(frozen=True, slots=True)
class MeasureHolding:
    """Look how much is free at this directory and report it as `HoldingSeen`; ``add``: it is a new holding disk."""

    path: str
    add: bool = False


@dataclass(frozen=True, slots=True)
class FlushLeft:
    """Report every whole dump of earlier runs on the holding disks as `FlushFound`; those known already are passed over."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the one who ordered or answered gets back."""

    reply: operator.Ok | operator.Refused


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is over: end the children, exit with this code."""

    code: int


Effect = Journal | Tell | StartDumper | StartTaper | Kill | RemoveFile | MeasureHolding | FlushLeft | Reply | Finish
