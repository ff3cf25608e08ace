"""The benchmark's own honesty: whose CPU seconds count, what a ratio is, what a row that does not work looks like."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.bench.measure import Broken, Sample, in_turn, measure, ratio
from tests.bench.table import Line, cpu, speed

BUSY = "import time\nwhile time.process_time() < 0.3: pass"


def test_every_descendant_counts_also_one_that_its_parent_left() -> None:
    def work() -> dict[str, float]:
        # The shell ends at once; what it started goes on.
        subprocess.run(["sh", "-c", '"$0" -c "$1" & exit 0', sys.executable, BUSY], check=True)
        return {"files": 3.0}

    sample = measure(work)
    assert sample.cpu >= 0.3 and sample.wall >= 0.3
    assert sample.told == {"files": 3.0}


def test_what_the_work_calls_its_wall_time_is_taken() -> None:
    assert measure(lambda: {"wall": 7.0}).wall == 7.0


def test_what_does_not_work_is_broken() -> None:
    def work() -> dict[str, float]:
        raise ValueError("no such tree")

    with pytest.raises(Broken, match="ValueError: no such tree"):
        measure(work)


def test_samples_are_taken_in_turn() -> None:
    settled: list[int] = []
    found = in_turn([lambda: {"wall": 1.0}, lambda: {"wall": 2.0}], 3, lambda: settled.append(1))
    assert [[sample.wall for sample in samples] for samples in found] == [[1.0] * 3, [2.0] * 3]
    assert len(settled) == 6


def test_a_ratio_is_one_of_neighbours() -> None:
    # The machine got ten times slower after the first pair; each pair says the same.
    assert ratio([2.0, 20.0, 20.0], [1.0, 10.0, 10.0]) == 2.0


def samples(*values: tuple[float, float]) -> list[Sample]:
    return [Sample(wall, used, {}) for wall, used in values]


def test_rows_and_their_verdicts() -> None:
    ours, theirs = samples((2.0, 3.0)), samples((1.8, 2.0))
    assert str(speed("dump", ours, theirs, 0.9)).split()[2:] == ["2.00", "s", "1.80", "s", "0.90", "≥", "0.90", "ok"]
    assert str(cpu("dump", ours, theirs, 1.35)).split()[-4:] == ["1.50", "≤", "1.35", "MISS"]
    assert not cpu("dump", ours, theirs, 1.35).ok
    assert speed("dump", ours, theirs, None).ok
    assert str(Line("x", "1 s")).split() == ["x", "1", "s"]


def test_a_row_that_there_is_not() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.bench", "tapes"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no such row: tapes; there are big small compress taper" in done.stderr
