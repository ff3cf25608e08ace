"""What a restore will read, from where, in which order and for how long, told before the first byte is read.  Pure.

Bytes are those that are stored; the numbers are those of the indexes, so that they are about what will be read: a damaged
copy or an index that is not what it should be makes it more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.catalogue.queries import Copy, Dump, Part

ASSUMED = 50 * 1024 * 1024
"""Bytes a second where nothing was measured: a disk, or a slow tape drive, with tar behind it."""
ENOUGH = 1024 * 1024
"""Bytes of a reading below which its time says more about opening files than about reading them."""
RECENT = 20
"""So many of the last readings count."""

Span = tuple[int, int]
"""The first stored byte, and the one after the last."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is needed of one dump: ``size`` bytes; ``spans`` says which, None: the whole.  It is in the holding file ``file``,
    or else in ``copy``; in neither, it cannot be read.  ``absent``: volumes of the copy that are in no slot now."""

    dump: Dump
    size: int
    spans: tuple[Span, ...] | None = None
    file: str = ""
    copy: Copy | None = None
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """One thing that is read: the ``files`` of a volume, or a holding file (``storage`` empty, ``label`` its path); ``here``:
    not a volume that is in no slot now."""

    storage: str
    label: str
    files: tuple[int, ...] = ()
    here: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One dump as it will be read; ``parts`` of it all are read of ``of``; both 0 for a holding file."""

    dump: Dump
    size: int
    whole: bool
    stops: tuple[Stop, ...]
    parts: int
    of: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """``steps`` in their order; ``rate`` in bytes a second, out of ``measured`` readings (0: assumed).

    ``taken``: names in the target that are there already and would be replaced, ``blocked``: those that cannot be, since one
    is a directory and the other is not; ``files`` and ``directories`` would be restored.  ``whole`` files are there from an
    interrupted restore of the same and are not read again; ``former``: an interrupted restore of something else.

    ``hindered``: why nothing can be written to the target; about ``writes`` bytes would be, and ``free`` are there, −1 where
    that is not known."""

    steps: tuple[Step, ...]
    rate: float
    measured: int
    files: int = 0
    directories: int = 0
    taken: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    whole: int = 0
    former: str = ""
    hindered: tuple[str, ...] = ()
    writes: int = 0
    free: int = -1

    @property
    def narrow(self) -> bool:
        """Whether the target has less room than is written."""
        return 0 <= self.free < self.writes

    @property
    def size(self) -> int:
        """Bytes to be read in all."""
        return sum(step.size for step in self.steps)

    @property
    def seconds(self) -> float:
        """How long reading takes, about."""
        return self.size / self.rate

    @property
    def stops(self) -> tuple[Stop, ...]:
        """What is read in which order; a volume that two dumps need one after the other is there once."""
        found: list[Stop] = []
        for stop in (stop for step in self.steps for stop in step.stops):
            last = found[-1] if found else None
            if last is not None and stop.storage and (last.storage, last.label) == (stop.storage, stop.label):
                found[-1] = Stop(last.storage, last.label, tuple(dict.fromkeys(last.files + stop.files)), stop.here)
            else:
                found.append(stop)
        return tuple(found)

    @property
    def volumes(self) -> int:
        """How many different volumes are needed."""
        return len({(stop.storage, stop.label) for stop in self.stops if stop.storage})

    @property
    def absent(self) -> tuple[Stop, ...]:
        """The volumes that are needed and in no slot now, each once."""
        return tuple({(stop.storage, stop.label): stop for stop in self.stops if not stop.here}.values())


def step_of(need: Need) -> Step:
    """How a dump will be read: only those parts of a copy that have any of the bytes."""
    whole = need.spans is None
    if need.file or need.copy is None:
        return Step(need.dump, need.size, whole, (Stop("", need.file),) if need.file else (), 0, 0)
    chosen = parts_of(need.copy, need.spans)
    stops = tuple(Stop(need.copy.storage, label, tuple(part.fileno for part in chosen if part.label == label),
                       label not in need.absent)
                  for label in dict.fromkeys(part.label for part in chosen))
    return Step(need.dump, need.size, whole, stops, len(chosen), len(need.copy.parts))


def parts_of(copy: Copy, spans: Sequence[Span] | None) -> list[Part]:
    """The parts of a copy that have any of the bytes; None: all of them."""
    # A byte is found in a part only where the size of every part is known; else all of them are read through.
    if spans is None or not all(part.crc.known for part in copy.parts):
        return list(copy.parts)
    chosen, begin = [], 0
    for part in copy.parts:
        end = begin + part.crc.size
        if any(first < end and last > begin for first, last in spans):
            chosen.append(part)
        begin = end
    return chosen


def rate_of(reads: Sequence[tuple[int, float]]) -> tuple[float, int]:
    """Bytes a second out of the last readings (bytes and seconds, oldest first), and of how many; `ASSUMED` and 0 when there
    is none that is long enough."""
    good = [(size, seconds) for size, seconds in reads if size >= ENOUGH and seconds > 0][-RECENT:]
    if not good:
        return float(ASSUMED), 0
    return sum(size for size, _ in good) / sum(seconds for _, seconds in good), len(good)


def forecast(
    needs: Iterable[Need], reads: Sequence[tuple[int, float]], *, files: int = 0, directories: int = 0,
    taken: Sequence[str] = (), blocked: Sequence[str] = (), whole: int = 0, former: str = "",
    hindered: Sequence[str] = (), writes: int = 0, free: int = -1,
) -> Forecast:
    """The whole of it; ``needs`` in the order in which dumps are read, ``reads`` as `rate_of` wants them."""
    rate, measured = rate_of(reads)
    return Forecast(tuple(step_of(need) for need in needs), rate, measured, files, directories, tuple(taken), tuple(blocked),
                    whole, former, tuple(hindered), writes, free)
