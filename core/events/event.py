"""Every fact of a run, as frozen dataclasses: what the journal holds, in the order in which it became true.

A fact says what happened, not what to think of it; `core.events.view` folds facts into what a face shows.  Sizes are
KiB, times seconds since the epoch; ``handle`` names one attempt to dump or to write.  Adding a fact: a class here,
a `case` in `core.events.view` (mypy's assert_never names the place).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.events.check_event import (
    CopyVerified as CopyVerified,
)
from core.events.check_event import (
    DiskDrilled as DiskDrilled,
)
from core.events.tape_event import (
    Degraded as Degraded,
)
from core.events.tape_event import (
    FileRemoved as FileRemoved,
)
from core.events.tape_event import (
    PartWritten as PartWritten,
)
from core.events.tape_event import (
    TaperDown as TaperDown,
)
from core.events.tape_event import (
    TaperReady as TaperReady,
)
from core.events.tape_event import (
    TaperWaited as TaperWaited,
)
from core.events.tape_event import (
    VolumeBegan as VolumeBegan,
)
from core.events.tape_event import (
    VolumeDescribed as VolumeDescribed,
)
from core.events.tape_event import (
    VolumeEnded as VolumeEnded,
)
from core.events.tape_event import (
    WriteBegan as WriteBegan,
)
from core.events.tape_event import (
    WriteEnded as WriteEnded,
)


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A run exists."""

    datestamp: str
    org: str
    config: str
    by: str
    pid: int
    hosts: int
    disks: int
    inparallel: int


@dataclass(frozen=True, slots=True)
class HoldingFound:
    """A holding disk and what of it this run may use."""

    path: str
    total: int
    use: int
    reserve: int


@dataclass(frozen=True, slots=True)
class ChildBegan:
    """A dumper or taper process was started."""

    child: str
    pid: int
    storage: str = ""


@dataclass(frozen=True, slots=True)
class ChildDied:
    """A child ended that should not have; ``tail`` is the end of its stderr."""

    child: str
    status: str
    tail: str

    @property
    def code(self) -> str:
        """Whose death is explained where."""
        return "TAP027" if self.child.startswith("taper") else "DMP029"


@dataclass(frozen=True, slots=True)
class EstimateBegan:
    """This client was asked for its estimates."""

    host: str


@dataclass(frozen=True, slots=True)
class EstimateGot:
    """The size of one disk at one level."""

    host: str
    disk: str
    level: int
    size: int


@dataclass(frozen=True, slots=True)
class EstimateMissing:
    """A client has no size for a disk."""

    host: str
    disk: str
    message: str


@dataclass(frozen=True, slots=True)
class DumpPlanned:
    """The planner wants this disk dumped; ``deg_level`` −1: cannot be degraded."""

    host: str
    disk: str
    priority: int
    level: int
    size: int
    orig: int
    seconds: int
    deg_level: int
    deg_size: int
    why: str


@dataclass(frozen=True, slots=True)
class FlushPlanned:
    """An earlier run left this dump on the holding disk."""

    host: str
    disk: str
    datestamp: str
    level: int
    file: str
    size: int


@dataclass(frozen=True, slots=True)
class DiskSkipped:
    """Not dumped tonight; ``failed``: nobody asked for that."""

    host: str
    disk: str
    message: str
    failed: bool


@dataclass(frozen=True, slots=True)
class PlanComplete:
    """The planner has said all."""

    dumps: int
    flushes: int


@dataclass(frozen=True, slots=True)
class DumpBegan:
    """An attempt to dump a disk began; ``target`` ``holding`` or ``tape``; ``file`` the holding file."""

    handle: str
    host: str
    disk: str
    level: int
    child: str
    target: str
    file: str
    attempt: int
    estimate: int


@dataclass(frozen=True, slots=True)
class DumpStalled:
    """NO-ROOM: the dump stands still."""

    handle: str
    missing: int
    why: str


@dataclass(frozen=True, slots=True)
class DumpResumed:
    """CONTINUE: it goes on, with ``use`` KiB more in ``file``."""

    handle: str
    file: str
    use: int


@dataclass(frozen=True, slots=True)
class DumpStrange:
    """The dump is good, but the client said something odd."""

    handle: str
    host: str
    disk: str
    text: str


@dataclass(frozen=True, slots=True)
class DumpEnded:
    """An attempt ended; ``outcome`` is a `core.model.dump.Outcome`; CRCs as ``%08x:bytes``; ``file`` is the
    holding file where one stays."""

    handle: str
    host: str
    disk: str
    level: int
    outcome: str
    message: str
    file: str
    size: int
    orig: int
    seconds: float
    native_crc: str
    client_crc: str
    server_crc: str
    dumpdate: str


@dataclass(frozen=True, slots=True)
class DumpRetried:
    """TRY-AGAIN and the like: the disk is queued again, not before ``after``."""

    host: str
    disk: str
    attempt: int
    attempts: int
    after: float
    reason: str


@dataclass(frozen=True, slots=True)
class DiskWaited:
    """For how long a disk has waited for what, told when it begins or ends; ``seconds`` since it was told before."""

    host: str
    disk: str
    kind: str
    seconds: float


@dataclass(frozen=True, slots=True)
class DiskEnded:
    """The last word on a disk in this run: ``done``, ``strange``, ``failed`` or ``skipped``."""

    host: str
    disk: str
    level: int
    outcome: str
    message: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer to a question, and what follows from it."""

    name: str
    effect: str
    argument: str = ""
    destructive: bool = False


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A request to the operator; at ``deadline`` ``default`` is taken."""

    id: int
    code: str
    severity: str
    subject: str
    text: str
    choices: tuple[Choice, ...]
    default: str
    deadline: float
    handle: str = ""

    @property
    def said(self) -> str:
        """What is asked.  A fault that became a request begins with its code; that stands before it anyway."""
        return self.text.removeprefix(f"{self.code} ")


@dataclass(frozen=True, slots=True)
class QuestionClosed:
    """Answered, or withdrawn (``choice`` empty) because the world answered."""

    id: int
    choice: str
    argument: str
    by: str


@dataclass(frozen=True, slots=True)
class OperatorActed:
    """An order over the control socket was carried out or refused."""

    by: str
    order: str
    result: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something an operator should read, with its code."""

    code: str
    severity: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Paused:
    """No new dump is started."""

    by: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """Dumps are started again."""

    by: str


@dataclass(frozen=True, slots=True)
class Stopping:
    """The run ends early: after the dumps under way, or ``now``."""

    by: str
    now: bool


@dataclass(frozen=True, slots=True)
class RunClosing:
    """All work is done; only volumes still get their descriptions, which so can tell how the run ended."""

    code: int
    done: int
    failed: int
    left_on_holding: int


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over; ``code`` as in operations: 0 well, 1 attention, 3 stopped."""

    code: int
    done: int
    failed: int
    left_on_holding: int


Event = (
    RunBegan | HoldingFound | ChildBegan | ChildDied | EstimateBegan | EstimateGot | EstimateMissing | DumpPlanned
    | FlushPlanned | DiskSkipped | PlanComplete | DumpBegan | DumpStalled | DumpResumed | DumpStrange | DumpEnded
    | DumpRetried | DiskWaited | DiskEnded | TaperReady | TaperDown | TaperWaited | VolumeBegan | VolumeDescribed
    | VolumeEnded | WriteBegan | PartWritten
    | WriteEnded | FileRemoved | Degraded | QuestionAsked | QuestionClosed | OperatorActed | Notice | Paused | Resumed
    | Stopping | RunClosing | RunEnded | CopyVerified | DiskDrilled
)

KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in Event.__args__}


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the journal."""

    seq: int
    at: float
    event: Event
