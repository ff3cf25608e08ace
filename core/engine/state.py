"""The engine's memory: plain data that a test, a journal or a debugger can show.

Space is accounted here: `Hold.free` is what no dump has been promised.  A dump in progress owns `Extent`s; what it did
not use goes back when it ends.  `Hold.free` is never negative and every extent is given back exactly once.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from core.events.event import QuestionAsked, RunClosing
from core.model.disk import Disk
from core.model.dump import Stats
from core.model.site import Site
from core.protocol.planner import DumpLine, PlanB

BLOCK = 32
"""KiB of a header; allotments are multiples of it."""
LEAST = 64
"""KiB; a chunk smaller than that holds nothing."""

Key = tuple[str, str]


class Phase(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    OPENING = "opening"
    DUMPING = "dumping"
    STALLED = "stalled"
    ABORTING = "aborting"
    DUMPED = "dumped"
    ENDED = "ended"


@dataclass(slots=True)
class Extent:
    """KiB of one holding disk that a dump may use."""

    path: str
    size: int


@dataclass(slots=True)
class Job:
    """One disk to dump tonight."""

    disk: Disk
    line: DumpLine
    level: int
    size: int
    orig: int
    seconds: int
    kps: int
    dumpdate: str
    plan_b: PlanB | None
    priority: int
    phase: Phase = Phase.WAITING
    attempts: int = 0
    not_before: float = 0.0
    held: bool = False
    held_by: str = ""
    direct: bool = False
    degraded: bool = False
    lacked_volume: bool = False
    """it failed for want of a volume only"""
    handle: str = ""
    child: str = ""
    file: str = ""
    current: str = ""
    """holding disk that the dump writes to now."""
    given: list[Extent] = field(default_factory=list)
    kept: deque[Extent] = field(default_factory=deque)
    """extents set aside for when `given` is used up."""
    written: int = 0
    written_orig: int = 0
    missing: int = 0
    stalled_since: float = 0.0
    stalled_at: int = -1
    """KiB that were written when the file system was last said to be full; −1 never in this attempt."""
    began: float = 0.0
    question: int = 0
    asks_at: int = 0
    """KiB at which it is asked whether so large a dump goes on; 0 never."""
    growth_question: int = 0
    giving_up: str = ""
    then: str = ""
    """what follows when it is given up: ``direct`` again straight to a volume, ``queue`` again when there is room."""
    given_up: int = 0
    """how often it was given up for want of room."""
    shun: set[str] = field(default_factory=set)
    """holding disks that failed it."""
    avoid: str = ""
    """dumper that it was last tried on without success."""
    asked_later: int = 0
    """how often its client named another time."""
    fell_back: bool = False
    """its last attempt is at plan B's level."""
    waited: dict[str, float] = field(default_factory=dict)
    """seconds per constraint that it waited for."""
    reason: str = ""
    """why it was last queued again, or failed."""
    strange: str = ""
    stats: Stats | None = None
    taper: str = ""
    tape_ended: str = ""
    pending: set[str] = field(default_factory=set)
    """storages that do not have tonight's dump yet."""
    sequence: int = 0

    @property
    def key(self) -> Key:
        """Host and disk."""
        return self.disk.key

    @property
    def title(self) -> str:
        """``HOST:DISK``."""
        return self.disk.title

    @property
    def active(self) -> bool:
        """Whether a dumper works on it."""
        return self.phase in (Phase.OPENING, Phase.DUMPING, Phase.STALLED, Phase.ABORTING)


@dataclass(slots=True)
class Hold:
    """A holding disk: KiB in all that dumps may use, KiB not promised to any."""

    path: str
    total: int
    free: int
    chunksize: int
    reserve: int
    full_total: int = 0
    """KiB of level-0 dumps on it, for the reserve of degraded mode."""
    left: int = 0
    """KiB of whole dumps of earlier runs that nobody flushes tonight."""
    measured: int = -1
    """KiB that the file system said were free when it was last asked."""
    stuck: int = -1
    """what it said while it took nothing: until it says more than that, it is not believed."""
    faults: int = 0
    """dumps in a row that it failed."""


@dataclass(slots=True)
class Held:
    """A whole dump on the holding disk, and the storages that still need it."""

    file: str
    host: str
    disk: str
    datestamp: str
    level: int
    size: int
    pending: set[str]
    extents: list[Extent]
    foreign: bool = False
    """left by an earlier run: its space was not ours to begin with."""


@dataclass(slots=True)
class Write:
    """A holding file that waits for, or is on its way to, one storage."""

    file: str
    host: str
    disk: str
    datestamp: str
    level: int
    size: int
    storage: str
    attempts: int = 0
    handle: str = ""
    began: float = 0.0
    parts: int = 0
    written: int = 0


@dataclass(slots=True)
class Tape:
    """One taper and its storage."""

    child: str
    storage: str
    runtapes: int
    state: str = "starting"
    """starting, waiting (for hands), ready, busy, down"""
    label: str = ""
    volumes: int = 0
    volume_size: int = 0
    volume_parts: int = 0
    queue: deque[Write] = field(default_factory=deque)
    write: Write | None = None
    direct: Key | None = None
    direct_handle: str = ""
    direct_parts: int = 0
    question: int = 0
    refused: bool = False
    """the operator wants no further volume in it tonight"""
    deaths: int = 0
    look_again: float = 0.0
    looking: bool = False
    """given up, and its taper looks whether there is a volume by now"""
    final: bool = False
    """no volume that comes changes that it takes nothing"""
    silent_since: float = 0.0
    """when it was last heard, or told to do something"""
    returns: int = 0
    """how often it left degraded mode since its last good write"""
    labels: set[str] = field(default_factory=set)
    """volumes that it began in this run"""
    moved: int = 0
    """KiB of the dump in hand when something last moved"""
    places: set[tuple[str, int]] = field(default_factory=set)
    """label and file number of each part of this run"""
    reported: int = 0
    """parts of the dump in hand that were reported"""
    reported_kib: int = 0
    reported_bytes: int | None = 0
    """None: a part came without its checksum"""
    describing: bool = False
    """its taper writes the volume's description"""
    why_down: str = ""
    waited: dict[str, float] = field(default_factory=dict)
    """seconds per what it waited for"""

    @property
    def usable(self) -> bool:
        """Whether it may still take a dump tonight."""
        return self.state != "down"


@dataclass(slots=True)
class Dumper:
    """One dumper process."""

    child: str
    letter: str
    job: Key | None = None
    up: bool = False
    deaths: int = 0
    since: float = math.inf
    """when it was last told or heard"""


@dataclass(slots=True)
class Question:
    """An open question and what it is about."""

    asked: QuestionAsked
    about: str
    """room, taper, operator or retry"""
    subject: str
    """handle, taper or disk key joined by NUL"""
    default: str
    argument: str
    by: str


@dataclass(slots=True)
class State:
    """All that the engine knows."""

    site: Site
    datestamp: str
    now: float
    began: float
    midnight: float
    """of the day on which the run began, local time: what ``starttime`` counts from."""
    jobs: dict[Key, Job] = field(default_factory=dict)
    waiting: dict[Key, Job] = field(default_factory=dict)
    dumpers: dict[str, Dumper] = field(default_factory=dict)
    tapes: dict[str, Tape] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    handles: dict[str, Key] = field(default_factory=dict)
    writes: dict[str, Write] = field(default_factory=dict)
    questions: dict[int, Question] = field(default_factory=dict)
    closed: dict[int, str] = field(default_factory=dict)
    asked: int = 0
    generation: int = 0
    sequence: int = 0
    orders: dict[str, list[Job]] = field(default_factory=dict)
    """waiting jobs per dumporder letter, best first; rebuilt when `reorder` is set."""
    reorder: bool = True
    running_on: dict[str, int] = field(default_factory=dict)
    """dumps under way per host."""
    spindles: set[tuple[str, int]] = field(default_factory=set)
    network: dict[str, int] = field(default_factory=dict)
    """KiB/s promised per interface."""
    plan_ended: bool = False
    plan_since: float = math.inf
    """when the planner last said something"""
    flushes: int = 0
    skipped: int = 0
    paused: str = ""
    stopping: str = ""
    stop_now: bool = False
    looking: set[str] = field(default_factory=set)
    """holding disks that are being measured: nothing is asked before the answer is there."""
    no_room_until: float = 0.0
    """until then nobody is asked about dumps that stand still."""
    policies_used: set[tuple[str, str]] = field(default_factory=set)
    """(code, subject) that a policy has answered with something else than the default."""
    sampled: float = 0.0
    degraded: dict[str, str] = field(default_factory=dict)
    failures: int = 0
    attention: bool = False
    done: int = 0
    closing: RunClosing | None = None
    """all work is done; what the run's last word will say"""
    finished: bool = False

    def gave(self, handle: str) -> bool:
        """Whether that handle was given to an attempt of this run."""
        _, _, number = handle.partition("-")
        return number.isascii() and number.isdigit() and 0 < int(number) <= self.generation

    def new_handle(self, slot: int) -> str:
        """The next ``NN-NNNNN``."""
        self.generation += 1
        return f"{slot:02d}-{self.generation:05d}"

    def tape_of(self, storage: str) -> Tape | None:
        """The taper of a storage."""
        return next((tape for tape in self.tapes.values() if tape.storage == storage), None)

    def usable_storages(self, disk: Disk) -> list[Tape]:
        """The tapers that a dump of this disk may still go to, the first storage first."""
        found = [self.tape_of(name) for name in self.site.storages_of(disk)]
        return [tape for tape in found if tape is not None and tape.usable]

    def keep(self, held: Held) -> None:
        """A whole dump is on the holding disk: it waits for each storage that needs it and is not down."""
        self.held[held.file] = held
        for storage in sorted(held.pending):
            tape = self.tape_of(storage)
            if tape is not None and tape.usable:
                self.queue_held(tape, held)

    def queue_held(self, tape: Tape, held: Held) -> None:
        """A whole dump on the holding disk waits for that storage."""
        tape.queue.append(Write(
            held.file, held.host, held.disk, held.datestamp, held.level, held.size, tape.storage))

    def job_of(self, handle: str) -> Job | None:
        """The job whose attempt has this handle."""
        key = self.handles.get(handle)
        job = self.jobs.get(key) if key else None
        return job if job is not None and job.handle == handle else None
