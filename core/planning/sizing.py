"""How big a dump is expected to be, after whatever the client, the history or a guess say.

Sizes are KiB: ``size`` before, ``csize`` after compression.  The rules are Amanda 3.5.1's (server-src/planner.c,
server_util.c `internal_server_estimate`); rates and ratios come from the newest three dumps, weighted 3, 2, 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

from core.model.disk import Compression, Disk
from core.model.history import DiskHistory, LevelStat

DEFAULT_KPS = 1024
MAX_RATIO = 1.1
BIG_ENOUGH = 1000
"""A size over this is taken as a fact where no history entry tells one."""
MAX_BUCKET = 29
NO_LIMIT = 10**15
_WEIGHTS = (3, 2, 1)


class Source(Enum):
    """Who told a size."""

    CLIENT = "client"
    HISTORY = "history"
    GUESS = "guess"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client said of one disk.

    ``sizes`` KiB per level; ``error`` its reason for having none; ``reached`` whether it talked at all; ``features``
    its feature bits in hexadecimal.
    """

    sizes: dict[int, int] = field(default_factory=dict)
    error: str = ""
    reached: bool = True
    features: str = ""


NOT_ASKED = Answer()


@dataclass(frozen=True, slots=True)
class Sizing:
    """One level of one disk; ``seconds`` what it takes at ``kps`` KiB/s."""

    level: int
    size: int
    csize: int
    seconds: int
    kps: int
    source: Source


def weighted(values: Iterable[float]) -> float | None:
    """The mean of the first three, newest first; None of nothing."""
    pairs = list(zip(_WEIGHTS, values, strict=False))
    return sum(weight * value for weight, value in pairs) / sum(weight for weight, _ in pairs) if pairs else None


def ratio(disk: Disk, history: DiskHistory, full: bool) -> float:
    """What compression leaves of a KiB.

    Amanda records ratios only of compressed dumps; here a dump with two equal sizes was not compressed and tells none.
    """
    if disk.dumptype.compress is Compression.NONE:
        return 1.0
    seen = [s.csize / s.size for s in _kind(history, full) if s.size > 0 and 0 < s.csize != s.size]
    found = weighted(seen[: len(_WEIGHTS)])
    return min(disk.dumptype.comprate[0 if full else 1] if found is None else found, MAX_RATIO)


def rate(history: DiskHistory, full: bool) -> int:
    """KiB/s as stored, at least 1; `DEFAULT_KPS` when nothing is known."""
    seen = [s.csize / s.seconds for s in _kind(history, full) if s.csize > 0 and s.seconds > 0]
    found = weighted(seen[: len(_WEIGHTS)])
    return DEFAULT_KPS if found is None or found < 1 else round(found)


def sizing(disk: Disk, history: DiskHistory, level: int, size: int, source: Source) -> Sizing:
    """Everything about a dump of ``size`` KiB at ``level``."""
    csize = max(1, int(size * ratio(disk, history, level == 0)))
    kps = rate(history, level == 0)
    return Sizing(level, size, csize, csize // kps, kps, source)


def server_estimate(history: DiskHistory, level: int, last_level: int, capacity: int) -> tuple[int, Source]:
    """KiB of ``level`` from earlier dumps, else a guess, at most half a volume (``capacity`` KiB, 0: no limit)."""
    half = capacity // 2 if capacity else NO_LIMIT
    if level == 0:
        newest = next((s.size for s in history.recent if s.level == 0 and s.size > 0), 0)
        return _known(newest, history, 0) or (min(1_000_000, half), Source.GUESS)
    if level == last_level:
        guess = min(10_000, half, _half_full(history))
        return _known(_at_day(history, level), history, level) or (guess, Source.GUESS)
    if level == last_level + 1:
        guess = min(100_000, half, _half_full(history))
        return _known(_after_step(history, level), history, level) or (guess, Source.GUESS)
    return min(100_000, half), Source.GUESS


def size_up(
    disk: Disk, history: DiskHistory, asks: Iterable[int], last: int, answer: Answer, capacity: int
) -> dict[int, Sizing]:
    """The levels of ``asks`` that have a size: the client's, else from history, else guessed where that is honest.

    A new disk is guessed only when its client lives, did not complain, and the ``estimate`` of its dumptype allows
    ``server``.  A level is not guessed when the client answered others: then it did not want to give this one.
    """
    found: dict[int, Sizing] = {}
    new = not history.levels
    may_guess = not answer.sizes and (
        not new or (answer.reached and not answer.error and "server" in disk.dumptype.estimate)
    )
    for level in asks:
        size = answer.sizes.get(level, 0)
        source = Source.CLIENT
        if size <= 0:
            size, source = server_estimate(history, level, last, capacity)
            if source is Source.GUESS and not may_guess:
                continue
        found[level] = sizing(disk, history, level, size, source)
    return found


def client_levels(disk: Disk, history: DiskHistory, asks: Iterable[int], last: int) -> tuple[int, ...]:
    """The levels that the client has to be asked for: all for which no earlier method of ``estimate`` is usable."""
    methods = disk.dumptype.estimate
    remote = [at for at, method in enumerate(methods) if method != "server"]
    if not remote:
        return ()
    if "server" not in methods or methods.index("server") > remote[0]:
        return tuple(asks)
    return tuple(level for level in asks if server_estimate(history, level, last, 0)[1] is Source.GUESS)


def _kind(history: DiskHistory, full: bool) -> Iterable[LevelStat]:
    return (stat for stat in history.recent if (stat.level == 0) is full)


def _known(size: int, history: DiskHistory, level: int) -> tuple[int, Source] | None:
    if size > 0:
        return size, Source.HISTORY
    stat = history.levels.get(level)
    return (stat.size, Source.HISTORY) if stat is not None and stat.size > BIG_ENOUGH else None


def _half_full(history: DiskHistory) -> int:
    full = history.levels.get(0)
    return max(1, full.size // 2) if full is not None and full.size > 0 else NO_LIMIT


def _at_day(history: DiskHistory, level: int) -> int:
    """Mean size of the dumps that came as many runs after the step to ``level`` as tonight's will."""
    buckets: dict[int, list[int]] = {}
    day, before = 0, -1
    for stat in reversed(history.recent):
        day = min(day + 1, MAX_BUCKET) if stat.level == before else 1
        before = stat.level
        if stat.level == level and stat.size > 0:
            buckets.setdefault(day, []).append(stat.size)
    for wanted in range(min(history.consecutive + 1, MAX_BUCKET), 0, -1):
        if wanted in buckets:
            return sum(buckets[wanted]) // len(buckets[wanted])
    return 0


def _after_step(history: DiskHistory, level: int) -> int:
    """Mean size of the dumps at ``level`` that were one level above the dump before them."""
    steps = pairwise(history.recent)
    seen = [new.size for new, old in steps if new.level == level == old.level + 1 and new.size > 0]
    return sum(seen) // len(seen) if seen else 0
