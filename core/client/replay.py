"""A recorded run as a timeline: any moment of it as the console would have seen it then.

The facts come from the journal, the traffic from ``traffic.log``, the gauges from the PROGRESS lines in it; what
``status.json`` said besides (why a disk waits, what was promised) is not recorded and is empty.  Going on folds what is
new; going back starts from the nearest checkpoint.  Reads no clock: whoever shows it says how much time went by.
"""

from __future__ import annotations

import contextlib
import pickle
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from core.client.runs import Run
from core.errors import UsageError
from core.events import event as e
from core.events.codec import read
from core.events.event import Record
from core.events.gauges import Gauges
from core.events.view import DiskState, RunView

SLOWEST, FASTEST = 1.0, 1000.0
KEPT = 20_000
"""Lines of traffic that a jump hands out at most."""
_STRIDE = 2_000
"""Records from one checkpoint to the next."""

NO_ROOM, TRY_AGAIN, FAILED, REQUEST = "NO-ROOM", "TRY-AGAIN", "FAILED", "REQUEST"
KINDS = (NO_ROOM, TRY_AGAIN, FAILED, REQUEST)
"""What one may jump to."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment worth jumping to; ``title`` is the disk, or what a request is about."""

    at: float
    kind: str
    seq: int
    title: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move brought.  ``reset``: time went back or the view is a new one, and ``lines`` are all that show; else
    ``records`` and ``lines`` come on top.  ``skipped`` older lines were left out."""

    reset: bool = False
    records: Sequence[Record] = ()
    lines: Sequence[str] = ()
    skipped: int = 0


@dataclass(slots=True)
class _Progress:
    """What a handle said of itself: at which times, how many KiB (written, before compression)."""

    at: list[float] = field(default_factory=list)
    kib: list[tuple[int, int]] = field(default_factory=list)


class Replay:
    """A run at the moment `now`; ``view`` and ``gauges`` are what stood then.  Times seconds since the epoch.

    UsageError RUN025 when the run has no facts.  ``speed`` 1 to 1000; while ``paused`` `advance` does nothing.
    """

    def __init__(self, run: Run, kept: int = KEPT) -> None:
        self.run, self._kept = run, kept
        journal = _bytes(run.journal)
        self.records = read(journal)
        if not self.records:
            raise UsageError("RUN025", f"run {run.datestamp} has no facts to replay",
                             "its journal is empty or was never written")
        # A clock may be set back during a run; time in a replay only goes on.
        self._times = list(accumulate((record.at for record in self.records), max))
        self.marks = _marks(self.records, self._times)
        self._load_traffic(_bytes(run.traffic))
        self.began, self.ended = self._times[0], max(self._times[-1], self._line_times[-1] if self._line_times else 0.0)
        self._checkpoints: list[bytes] = [pickle.dumps(RunView())]
        self.view, self.gauges = RunView(), Gauges()
        self._at_record = self._at_line = 0
        self.now = self.began
        self._speed, self.paused = 60.0, False
        self.seek(self.began)

    def _load_traffic(self, data: bytes) -> None:
        self._lines = data.split(b"\n")[:-1]
        self._line_times: list[float] = []
        self._progress: dict[str, _Progress] = {}
        latest = self._times[0]
        for line in self._lines:
            try:
                at = float(line[:line.index(b" ")])
                latest = at if at > latest else latest
            except ValueError:
                pass  # free text belongs to the line before it
            self._line_times.append(latest)
            if b" PROGRESS " in line:
                self._take_progress(line, latest)

    def _take_progress(self, line: bytes, at: float) -> None:
        words = line.decode("utf-8", "surrogateescape").split()
        with contextlib.suppress(ValueError, IndexError):
            if words[4] == "PROGRESS":
                size = int(words[6])
                found = self._progress.setdefault(words[5], _Progress())
                found.kib.append((size, int(words[7]) if len(words) > 7 else size))
                found.at.append(at)

    @property
    def speed(self) -> float:
        """Seconds of the run in one second; setting it keeps it between 1 and 1000."""
        return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        self._speed = min(FASTEST, max(SLOWEST, value))

    @property
    def part(self) -> float:
        """How much of the run is behind, 0 to 1."""
        length = self.ended - self.began
        return (self.now - self.began) / length if length > 0 else 1.0

    @property
    def over(self) -> bool:
        """Whether its end is reached."""
        return self.now >= self.ended

    def advance(self, seconds: float) -> Moved:
        """So many seconds went by for whoever looks on."""
        return Moved() if self.paused or self.over else self.seek(self.now + seconds * self._speed)

    def seek(self, at: float) -> Moved:
        """Go to a moment; one outside of the run is its beginning or its end."""
        at = min(max(at, self.began), self.ended)
        record, line = bisect_right(self._times, at), bisect_right(self._line_times, at)
        back = at < self.now
        if back:
            self._rewind(record)
        else:
            self._fold(record)
        new = self.records[self._at_record:record]
        first = max(0 if back else self._at_line, line - self._kept)
        skipped = first - (0 if back else self._at_line)
        self.now, self._at_record, self._at_line = at, record, line
        self.gauges = self._gauges()
        lines = [raw.decode("utf-8", "surrogateescape") for raw in self._lines[first:line]]
        return Moved(back, () if back else new, lines, skipped)

    def at(self, at: float) -> tuple[RunView, Gauges, list[str]]:
        """What stood at a moment, and the last lines of traffic up to it."""
        self.seek(at)
        lines = self._lines[max(0, self._at_line - self._kept):self._at_line]
        return self.view, self.gauges, [raw.decode("utf-8", "surrogateescape") for raw in lines]

    def step(self, by: int = 1) -> Moved:
        """To the next moment at which something became a fact, or (−1) the one before."""
        if by > 0:
            return self.seek(self._times[self._at_record] if self._at_record < len(self._times) else self.ended)
        before = bisect_right(self._times, self.now) - 1
        while before >= 0 and self._times[before] >= self.now:
            before -= 1
        return self.seek(self._times[before] if before >= 0 else self.began)

    def next(self, kind: str = "") -> Mark | None:
        """The next mark of a kind (any kind when it is empty) after now."""
        return next((mark for mark in self.marks if mark.at > self.now and kind in ("", mark.kind)), None)

    def previous(self, kind: str = "") -> Mark | None:
        """The last mark of a kind before now."""
        return next((mark for mark in reversed(self.marks) if mark.at < self.now and kind in ("", mark.kind)), None)

    def _fold(self, until: int) -> None:
        """Fold on; a checkpoint is made where there is none yet."""
        for number in range(self._at_record, until):
            if number == len(self._checkpoints) * _STRIDE:
                self._checkpoints.append(pickle.dumps(self.view))
            self.view.apply(self.records[number])

    def _rewind(self, until: int) -> None:
        number = min(until // _STRIDE, len(self._checkpoints) - 1)
        # Our own bytes of a moment ago, never of a file.
        self.view = pickle.loads(self._checkpoints[number])
        self._at_record = number * _STRIDE
        self._fold(until)

    def _gauges(self) -> Gauges:
        """What the PROGRESS lines up to now say of the handles that are at work."""
        progress: dict[str, tuple[int, int]] = {}
        files: dict[str, int] = {file: size for file, (*_, size) in self.view.files.items()}
        for disk in self.view.disks.values():
            if disk.state in (DiskState.DUMPING, DiskState.STALLED) and (found := self._progress_of(disk.handle)):
                progress[disk.handle] = found
                if disk.file:
                    files[disk.file] = found[0]
        for handle, write in self.view.writes.items():
            if not write.ended and (found := self._progress_of(handle)):
                progress[handle] = found
        holding = {}
        for path, area in self.view.holding.items():
            taken = sum(size for file, size in files.items() if file.startswith(f"{path}/"))
            holding[path] = (max(0, area.use - taken), 0, taken)
        return Gauges(self.now, progress, holding)

    def _progress_of(self, handle: str) -> tuple[int, int] | None:
        said = self._progress.get(handle)
        if said is None:
            return None
        number = bisect_right(said.at, self.now)
        return said.kib[number - 1] if number else None


def _bytes(path: object) -> bytes:
    with contextlib.suppress(OSError), open(str(path), "rb") as file:
        return file.read()
    return b""


def _marks(records: Sequence[Record], times: Sequence[float]) -> list[Mark]:
    """Every moment worth jumping to, in order."""
    names: dict[str, str] = {}
    found: list[Mark] = []
    for record, at in zip(records, times, strict=True):
        match record.event:
            case e.DumpBegan(handle=handle, host=host, disk=disk):
                names[handle] = f"{host}:{disk}"
            case e.DumpStalled(handle=handle):
                found.append(Mark(at, NO_ROOM, record.seq, names.get(handle, handle)))
            case e.DumpRetried(host=host, disk=disk):
                found.append(Mark(at, TRY_AGAIN, record.seq, f"{host}:{disk}"))
            case e.DumpEnded(outcome="failed" | "aborted", host=host, disk=disk) | e.WriteEnded(
                    outcome="failed", host=host, disk=disk) | e.DiskSkipped(failed=True, host=host, disk=disk):
                found.append(Mark(at, FAILED, record.seq, f"{host}:{disk}"))
            case e.QuestionAsked(subject=subject):
                found.append(Mark(at, REQUEST, record.seq, subject))
    return found
