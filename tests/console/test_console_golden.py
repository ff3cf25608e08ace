"""The journals under ``tests/golden/journals`` are the recorded night as the codec writes it; other faces are tested on
them, too.  A change of the codec or of a fact shows here first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.events.codec import read
from core.events.view import RunView
from tests.support import recorded_run

GOLDEN = Path(__file__).parents[1] / "golden" / "journals"


@pytest.mark.parametrize("stage", recorded_run.STAGES)
def test_the_recorded_night_is_written_as_ever(stage: str, tmp_path: Path) -> None:
    written = recorded_run.make_run(tmp_path, stage).journal.read_bytes()
    golden = GOLDEN / f"{stage}.jsonl"
    if os.environ.get("GOLDEN") == "update":
        golden.write_bytes(written)
    assert written == golden.read_bytes()


@pytest.mark.parametrize("stage", recorded_run.STAGES)
def test_every_line_is_a_record_and_twice_is_once(stage: str) -> None:
    data = (GOLDEN / f"{stage}.jsonl").read_bytes()
    records = read(data)
    assert len(records) == data.count(b"\n")
    once, twice = RunView(), RunView()
    once.apply_all(records)
    twice.apply_all([*records, *records])
    assert once == twice
