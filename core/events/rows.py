"""The rows of a `core.events.view.RunView`: one disk, write, taper, volume or question as it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from core.events import event as e


class DiskState(StrEnum):
    """Where a disk stands in this run, as one word."""

    ESTIMATING = "estimating"
    PLANNED = "waiting"
    RETRY = "try again"
    HELD = "held"
    DUMPING = "dumping"
    STALLED = "NO-ROOM"
    DUMPED = "dumped"
    WRITING = "writing"
    DONE = "done"
    STRANGE = "strange"
    FAILED = "failed"
    SKIPPED = "skipped"


FINAL = frozenset({DiskState.DONE, DiskState.STRANGE, DiskState.FAILED, DiskState.SKIPPED})


@dataclass(slots=True)
class DiskView:
    """One disk of the run; sizes KiB."""

    host: str
    disk: str
    state: DiskState = DiskState.ESTIMATING
    level: int = -1
    priority: int = 0
    estimate: int = 0
    orig_estimate: int = 0
    seconds_estimate: int = 0
    why: str = ""
    message: str = ""
    strange: str = ""
    handle: str = ""
    child: str = ""
    attempt: int = 0
    attempts: int = 0
    missing: int = 0
    began: float = 0.0
    ended: float = 0.0
    retry_after: float = 0.0
    waited: dict[str, float] = field(default_factory=dict)
    """seconds per constraint that it waited for, as far as told"""
    stalled: float = 0.0
    """since when it stands still, 0 while it moves"""
    size: int = 0
    orig: int = 0
    seconds: float = 0.0
    file: str = ""
    estimates: dict[int, int] = field(default_factory=dict)
    deg_level: int = -1
    deg_size: int = 0
    parts: list[tuple[str, str, int]] = field(default_factory=list)
    """(storage, label, file number) of each part that this run wrote of it."""

    @property
    def title(self) -> str:
        """``HOST:DISK``."""
        return f"{self.host}:{self.disk}"


@dataclass(slots=True)
class WriteView:
    """A dump on its way from the holding disk (or a dumper) to a volume."""

    handle: str
    child: str
    storage: str
    host: str
    disk: str
    datestamp: str
    level: int
    file: str
    size: int
    began: float
    written: int = 0
    parts: int = 0
    places: list[tuple[str, str, int]] = field(default_factory=list)
    """storage, label and file of each part of a dump of this run"""
    ended: float = 0.0
    outcome: str = ""
    message: str = ""


@dataclass(slots=True)
class TaperView:
    """One taper and its volume; ``state``: starting, ready, writing, down."""

    child: str
    storage: str
    state: str = "starting"
    drive: str = ""
    next_label: str = ""
    label: str = ""
    volume_size: int = 0
    volume_parts: int = 0
    handle: str = ""
    message: str = ""
    waited: dict[str, float] = field(default_factory=dict)
    """seconds per what it waited for; known at the end of the run"""


@dataclass(slots=True)
class VolumeView:
    """A volume that this run wrote to; sizes KiB, ``capacity`` 0 unknown."""

    storage: str
    label: str
    number: int
    capacity: int = 0
    size: int = 0
    parts: int = 0
    closed: bool = False


@dataclass(slots=True)
class QuestionView:
    """A request to the operator; ``closed`` 0 while it is open."""

    asked: e.QuestionAsked
    opened: float
    closed: float = 0.0
    choice: str = ""
    argument: str = ""
    by: str = ""
