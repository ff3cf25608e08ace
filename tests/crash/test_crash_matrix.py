"""kill -9 of every process at every record and message of a small night, and power cuts there: nothing is lost.

The cases are made from a recorded night (`tests.crash.points`).  The normal suite plays a sample of them that is spread
over all processes; ``python -m tests.crash`` and the slow test play all, and say how many.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.invariants import hash_of, play
from tests.crash.points import ALL, OTHER, Case, Point, cases_of, read_points, sample
from tests.crash.power import WAYS
from tests.crash.site import CrashSite

PARTS = 16
PROCESSES = {"amdump", "planner", "driver", "dumper0", "dumper1", "taper", "amandad", "service", "tar"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashSite]:
    yield CrashSite(tmp_path_factory.mktemp("crash") / "site")


@pytest.fixture(scope="module")
def points(site: CrashSite) -> list[Point]:
    return record(site)


def record(site: CrashSite) -> list[Point]:
    """The points of a night in which nothing happens."""
    site.renew()
    said = site.night(None)
    assert said.code == 0, said.text + site.logs()
    return read_points(Path(site.control / "points"))


def test_the_recorded_night_has_every_process_and_every_kind_of_point(points: list[Point]) -> None:
    assert {name for point in points for name in point.alive} >= PROCESSES
    names = {point.name for point in points}
    for expected in ("after RunBegan", "before DumpEnded", "after PartWritten", "after RunEnded", "planner>driver a disk",
                     "driver>dumper0 FILE-DUMP", "dumper1>driver DONE", "taper0>driver PARTDONE", "client out REP",
                     "client stream MESG", "client tar started", "client committed", "driver unlink"):
        assert expected in names, f"{expected} is not among {sorted(names)}"


@pytest.mark.slow
def test_programs_that_are_forked_pass_the_same_kinds_of_points_as_programs_that_are_started(
    points: list[Point], tmp_path: Path,
) -> None:
    cold = record(CrashSite(tmp_path / "site", warm=False))
    assert _kinds(cold) == _kinds(points)


def _kinds(points: list[Point]) -> tuple[set[str], set[str]]:
    """Names of points, and processes that live at one; whether anything is waited for long enough to be told is chance."""
    return ({point.name for point in points if not point.name.endswith("Waited")},
            {name for point in points for name in point.alive if name != OTHER})


@pytest.mark.timeout(900)
def test_a_sample_of_the_crashes_loses_nothing(
    site: CrashSite, points: list[Point], capsys: pytest.CaptureFixture[str],
) -> None:
    cases = cases_of(points)
    chosen = sample(cases)
    assert {*chosen} >= {*PROCESSES, ALL, *WAYS}
    missed = [name for number, (name, tries) in enumerate(chosen.items())
              if not any(_played(site, case, number) for case in tries)]
    with capsys.disabled():
        print(f"\ncrashes: {len(chosen) - len(missed)} played, of {len(cases)} in the whole matrix")
    assert not missed, "these were never killed"


@pytest.mark.slow
@pytest.mark.timeout(2 * 3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_crash_loses_nothing(
    site: CrashSite, points: list[Point], part: int, capsys: pytest.CaptureFixture[str],
) -> None:
    """The whole matrix in parts, which the workers share.  Each worker records its own night, in which the order of points
    may differ, since dumpers and clients work side by side: a case belongs to a part by its name."""
    cases = cases_of(points)
    chosen = [(number, case) for number, case in enumerate(cases) if hash_of(case) % PARTS == part]
    fired = sum(_played(site, case, number) for number, case in chosen)
    with capsys.disabled():
        print(f"\ncrashes: {fired} of {len(chosen)} played, part {part + 1} of {PARTS}, {len(cases)} in the whole matrix")
    assert fired >= len(chosen) * 9 // 10


def _played(site: CrashSite, case: Case, number: int) -> bool:
    try:
        return play(site, case, cleanup=number % 2 == 0).fired
    except AssertionError as fault:
        raise AssertionError(f"{case.id}: {fault}") from fault
