"""The language that the planner writes on stdout and the driver reads on stdin.

A dump line has no verb: ``<host> <disk> <pri> <lev> <size>`` is the documented form, the long form adds
``<time> [<deglev> <degsize> <degtime>]``, and ``key=value`` words of ours may follow either.  Everything else
begins with a word in capitals; a host may not be called like one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from core.errors import BadLine
from core.model import quoting
from core.model.units import EPOCH_DUMPDATE, Kib
from core.protocol.vocabulary import Vocabulary, read_int


@dataclass(frozen=True, slots=True)
class Date:
    """The datestamp of the run; the first line."""

    VERB: ClassVar = "DATE"
    datestamp: str


@dataclass(frozen=True, slots=True)
class Flush:
    """A dump that an earlier run left in this holding file."""

    VERB: ClassVar = "FLUSH"
    host: str
    disk: str
    datestamp: str
    level: int
    file: str


@dataclass(frozen=True, slots=True)
class EndFlush:
    """All FLUSH lines are said; flushing may start while estimates are made."""

    VERB: ClassVar = "ENDFLUSH"


@dataclass(frozen=True, slots=True)
class Estimating:
    """This client was asked for its estimates."""

    VERB: ClassVar = "ESTIMATING"
    host: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A size (KiB before compression) for one disk at one level."""

    VERB: ClassVar = "ESTIMATE"
    host: str
    disk: str
    level: int
    size: Kib


@dataclass(frozen=True, slots=True)
class NoEstimate:
    """The client has no size for this disk, and why."""

    VERB: ClassVar = "NO-ESTIMATE"
    host: str
    disk: str
    message: str


@dataclass(frozen=True, slots=True)
class Skip:
    """This disk is not dumped tonight, and why; ``FAIL`` as last word: that needs attention, nobody asked for it."""

    VERB: ClassVar = "SKIP"
    host: str
    disk: str
    message: str
    fail: str = ""


@dataclass(frozen=True, slots=True)
class EndPlan:
    """The last line: the plan is complete, with so many lines before this one.  A plan made by hand may end without."""

    VERB: ClassVar = "ENDPLAN"
    lines: int


@dataclass(frozen=True, slots=True)
class PlanB:
    """What is dumped instead in degraded mode."""

    level: int
    size: Kib
    seconds: int
    dumpdate: str = EPOCH_DUMPDATE


@dataclass(frozen=True, slots=True)
class DumpLine:
    """Dump this disk; sizes in KiB as stored, ``orig`` before compression, ``kps`` KiB/s."""

    host: str
    disk: str
    priority: int
    level: int
    size: Kib
    seconds: int = 0
    plan_b: PlanB | None = None
    orig: Kib = Kib(0)
    kps: int = 0
    dumpdate: str = EPOCH_DUMPDATE
    features: str = ""
    why: str = ""


Said = Date | Flush | EndFlush | Estimating | Estimate | NoEstimate | Skip | EndPlan | DumpLine

VOCABULARY = Vocabulary("planner", [Date, Flush, EndFlush, Estimating, Estimate, NoEstimate, Skip, EndPlan])
RESERVED_HOSTS = frozenset(VOCABULARY.messages)
"""Names that no host may have: they would read as words of this language."""


def encode(said: Said) -> bytes:
    """One line, newline included."""
    if not isinstance(said, DumpLine):
        return VOCABULARY.encode(said)
    words = [said.host, said.disk, str(said.priority), str(said.level), str(said.size), str(said.seconds)]
    extra: list[tuple[str, str]] = []
    if said.plan_b is not None:
        words += [str(said.plan_b.level), str(said.plan_b.size), str(said.plan_b.seconds)]
        extra.append(("degdumpdate", said.plan_b.dumpdate))
    extra += [("orig", str(said.orig)), ("kps", str(said.kps)), ("dumpdate", said.dumpdate)]
    extra += [(key, value) for key, value in (("features", said.features), ("why", said.why)) if value]
    words += [f"{key}={value}" for key, value in extra]
    return (quoting.join(words) + "\n").encode("utf-8", "surrogateescape")


def decode(line: bytes) -> Said:
    """The message of one line without its newline.  BadLine when it is none."""
    words = quoting.split(line.decode("utf-8", "surrogateescape"))
    if words[0] in VOCABULARY.messages:
        said: Said = VOCABULARY.decode(line)
        return said
    if len(words) < 5:
        raise BadLine(f"a plan line is <host> <disk> <pri> <lev> <size>, not {len(words)} words")
    extra: dict[str, str] = {}
    while len(words) > 5 and "=" in words[-1]:
        key, _, value = words.pop().partition("=")
        extra[key] = value
    try:
        numbers = [read_int(word) for word in words[2:]]
        if len(numbers) not in (3, 4, 7):
            raise ValueError(f"{len(numbers)} numbers; 3, 4 or 7 make sense")
        return _dump_line(words[0], words[1], numbers, extra)
    except ValueError as fault:
        raise BadLine(f"plan line of {words[0]} {words[1]}: {fault}") from None


def _dump_line(host: str, disk: str, numbers: list[int], extra: dict[str, str]) -> DumpLine:
    if not (0 <= numbers[1] <= 399 and numbers[2] >= 0):
        raise ValueError(f"level {numbers[1]} or size {numbers[2]} is out of range")
    plan_b = None
    if len(numbers) == 7:
        plan_b = PlanB(numbers[4], Kib(numbers[5]), numbers[6], extra.get("degdumpdate", EPOCH_DUMPDATE))
    more: dict[str, Any] = {"orig": Kib(read_int(extra.get("orig", "0"))), "kps": read_int(extra.get("kps", "0"))}
    return DumpLine(
        host, disk, numbers[0], numbers[1], Kib(numbers[2]), numbers[3] if len(numbers) > 3 else 0, plan_b,
        dumpdate=extra.get("dumpdate", EPOCH_DUMPDATE), features=extra.get("features", ""),
        why=extra.get("why", ""), **more,
    )


class Count:
    """Counts the lines of a plan as they come, to find out whether one was lost.  ``by_planner``: no person made it."""

    def __init__(self, by_planner: bool = False) -> None:
        self._heard = 0
        self._promised = -1
        self._by_planner = by_planner

    def heard(self, said: Said | None) -> None:
        """A line came; None: one that made no sense."""
        match said:
            case EndPlan(lines):
                self._promised = lines
            case _:
                self._by_planner = self._by_planner or isinstance(said, EndFlush)
                self._heard += 1

    def fault(self) -> str:
        """What is wrong with the plan as a whole now that it ended; empty when nothing is."""
        if self._promised >= 0 and self._promised != self._heard:
            return f"the planner wrote {self._promised} lines, {self._heard} arrived"
        if self._promised < 0 and self._by_planner:
            return "the planner ended before its plan was complete"
        return ""
