"""The table that `make bench` prints: name, ours, theirs, ratio, target, verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.measure import Sample, middle, ratio

WIDTHS = (46, 11, 11, 8, 9, 5)


@dataclass(frozen=True, slots=True)
class Line:
    """One row; ``target`` as in ``≥ 0.90``, empty where there is none."""

    name: str
    ours: str
    theirs: str = ""
    ratio: str = ""
    target: str = ""
    ok: bool = True

    def __str__(self) -> str:
        verdict = ("ok" if self.ok else "MISS") if self.target else ""
        cells = (self.name, self.ours, self.theirs, self.ratio, self.target, verdict)
        first, *others = (cell.ljust(width) if not at else cell.rjust(width)
                          for at, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True)))
        return " ".join([first, *others])


HEAD = str(Line("", "ours", "theirs", "ratio", "target"))


def speed(name: str, ours: Sequence[Sample], theirs: Sequence[Sample], least: float | None) -> Line:
    """How much faster we are: theirs by ours, wall seconds; ``least`` is the target."""
    mine, other = [s.wall for s in ours], [s.wall for s in theirs]
    found = ratio(other, mine)
    return Line(f"{name}: speed", f"{middle(mine):.2f} s", f"{middle(other):.2f} s", f"{found:.2f}",
                "" if least is None else f"≥ {least:.2f}", least is None or found >= least)


def cpu(name: str, ours: Sequence[Sample], theirs: Sequence[Sample], most: float | None) -> Line:
    """How much more CPU we use: ours by theirs, user and system seconds of the whole tree; ``most`` is the target."""
    mine, other = [s.cpu for s in ours], [s.cpu for s in theirs]
    found = ratio(mine, other)
    return Line(f"{name}: CPU", f"{middle(mine):.2f} s", f"{middle(other):.2f} s", f"{found:.2f}",
                "" if most is None else f"≤ {most:.2f}", most is None or found <= most)


def seconds(name: str, ours: Sequence[Sample], most: float | None) -> list[Line]:
    """Wall seconds against a target, and the CPU seconds beside."""
    wall = middle([s.wall for s in ours])
    return [
        Line(f"{name}: wall", f"{wall:.2f} s", target="" if most is None else f"≤ {most:g} s",
             ok=most is None or wall <= most),
        Line(f"{name}: CPU", f"{middle([s.cpu for s in ours]):.2f} s"),
    ]


def memory(name: str, mib: float, most: float) -> Line:
    """Peak resident MiB against a target."""
    return Line(name, f"{mib:.1f} MiB", target=f"≤ {most:g} MiB", ok=mib <= most)
