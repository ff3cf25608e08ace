"""Which cases there are: every point that a recorded night passed, times every process that lived then.

Generated, never picked by hand: a new record, message or process makes new cases by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.crash.power import WAYS

ALL = "all"
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Point:
    """The ``nth`` time that ``name`` is reached, and who lived then."""

    name: str
    nth: int
    alive: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """Kill ``victim`` at a point; with a ``power`` all of them, and what was not synced is gone that way."""

    point: str
    nth: int
    victim: str
    power: str = ""

    @property
    def id(self) -> str:
        """For pytest and for reports."""
        return f"{self.point.replace(' ', '_')}.{self.nth}-{self.power or self.victim}"

    @property
    def target(self) -> dict[str, object]:
        """As the hook reads it."""
        return {"point": self.point, "nth": self.nth, "victim": self.victim}


def read_points(recorded: Path) -> list[Point]:
    """The points of a night under the hook, in their order."""
    found = []
    for line in recorded.read_text("utf-8").splitlines():
        name, nth, alive = line.split("\t")
        found.append(Point(name, int(nth), tuple(alive.split(","))))
    return found


def cases_of(points: Sequence[Point]) -> list[Case]:
    """The whole matrix.  Before a record is on disk only its driver can make a difference."""
    found: list[Case] = []
    for number, point in enumerate(points):
        victims: Sequence[str] = ["driver"] if point.name.startswith("before ") else [*point.alive, ALL]
        found += [Case(point.name, point.nth, victim) for victim in victims]
        # The three ways of a power cut take turns where points are many, so that each kind of point meets all of them.
        ways = WAYS if point.name.startswith("after ") else [WAYS[number % len(WAYS)]]
        found += [Case(point.name, point.nth, ALL, way) for way in ways]
    return found


_SURE = {"tar": "client tar started"}


def sample(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """A few cases of each victim and of each way of a power cut, spread over the points of the night: the first that is
    reached will do, since no two nights are the same.

    A child seen between fork and exec ("other") is hardly ever met again and has none.  tar lives shortly: when it was met
    nowhere else, it is where it has just been started.
    """
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.power or case.victim, []).append(case)
    groups.pop(OTHER, None)
    # Each group is met at another place of the night.
    spread = {name: [groups[name][(turn * 7919 + step * 104729) % len(groups[name])] for step in range(4)]
              for turn, name in enumerate(sorted(groups))}
    for name, tries in spread.items():
        tries += [Case(point, nth, name) for point, nth in dict.fromkeys((case.point, case.nth) for case in cases)
                  if point == _SURE.get(name)]
    return spread
