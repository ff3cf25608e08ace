"""Why a disk is dumped as it is, or not at all: values that `explain` turns into sentences.

Knows no text and no policy.  Sizes are KiB, distances days.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class NewDisk:
    """No full of it is known; the first one is made."""


@dataclass(frozen=True, slots=True)
class FullLost:
    """It was dumped before, but nothing holds a full of it any more."""


@dataclass(frozen=True, slots=True)
class Misdated:
    """Its dump with this ``datestamp`` was made by a clock that was ahead: what an incremental would build on is not known."""

    datestamp: str


@dataclass(frozen=True, slots=True)
class FullDue:
    """Its dump cycle is over, ``overdue`` days ago."""

    overdue: int


@dataclass(frozen=True, slots=True)
class FullEveryRun:
    """Its strategy or a dump cycle of 0 days wants only fulls."""


@dataclass(frozen=True, slots=True)
class Forced:
    """The operator asked for it: ``full``, ``bump``, ``no-bump`` or ``level-1``."""

    order: str


@dataclass(frozen=True, slots=True)
class Incremental:
    """Not due yet; the next full is due in so many days, None: never."""

    due_in: int | None


@dataclass(frozen=True, slots=True)
class Bumped:
    """One level up, because that saves so much."""

    low: int
    high: int
    saves: int


@dataclass(frozen=True, slots=True)
class Promoted:
    """A full before its time, so that the nights are of equal size."""

    days: int


@dataclass(frozen=True, slots=True)
class FullWithoutIncremental:
    """Not due, but only the full has a size."""


@dataclass(frozen=True, slots=True)
class FullWithoutSize:
    """Due, but the full has no size, so an incremental it is."""


@dataclass(frozen=True, slots=True)
class TooBig:
    """It alone does not fit: ``size`` over what ``volumes`` of ``storage`` hold; ``needs`` 0: it may not be split."""

    level: int
    size: int
    needs: int
    volumes: int
    capacity: int
    storage: str


@dataclass(frozen=True, slots=True)
class NoSpace:
    """Everything together does not fit: tonight needs ``wanted``, the volumes of ``storage`` hold ``room``."""

    level: int
    wanted: int
    room: int
    storage: str


@dataclass(frozen=True, slots=True)
class Delayed:
    """A full that was due and became an incremental."""

    cause: TooBig | NoSpace


class Rule(Enum):
    """A setting that keeps a disk from being dumped tonight."""

    HELD = "hold"
    STRATEGY_SKIP = "strategy"
    SKIP_FULL = "skip-full"
    SKIP_INCR = "skip-incr"
    SKIP_FULL_UNKNOWN = "skip-full without full"
    INCRONLY_UNKNOWN = "incronly without full"


@dataclass(frozen=True, slots=True)
class BySetting:
    """The configuration says so."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class NoSize:
    """Nobody knows how big it is; ``error`` is what the client said, if anything."""

    error: str
    reached: bool


Reason = (
    NewDisk | FullLost | Misdated | FullDue | FullEveryRun | Forced | Incremental | Bumped | Promoted
    | FullWithoutIncremental | FullWithoutSize | Delayed
)
Refusal = BySetting | NoSize | TooBig | NoSpace
