"""Sizes from clients, history and guesses; compression ratios and rates."""

from __future__ import annotations

import pytest

from core.model.disk import Compression
from core.model.history import DiskHistory
from core.planning.sizing import (
    Answer,
    Sizing,
    Source,
    client_levels,
    rate,
    ratio,
    server_estimate,
    size_up,
    sizing,
    weighted,
)
from tests.support.planning import make_disk, past, stat

GZIP = Compression.CLIENT_FAST


def test_weights() -> None:
    """3, 2, 1, newest first: (3 × 0.6 + 2 × 0.3 + 1 × 0.9) / 6 = 0.55."""
    assert weighted([0.6, 0.3, 0.9]) == pytest.approx(0.55)
    assert weighted([0.6, 0.3]) == pytest.approx(0.48)
    assert weighted([]) is None


def test_ratio_of_compression() -> None:
    """From the newest three compressed dumps of its kind; else the dumptype's; never over 1.1."""
    fulls = past(stat(0, 1000, 4, 900), stat(0, 1000, 3, 300), stat(0, 1000, 2, 600), stat(1, 1000, 1, 100))
    disk = make_disk(compress=GZIP, comprate=(0.5, 0.25))
    assert ratio(disk, fulls, True) == pytest.approx(0.55)
    assert ratio(disk, fulls, False) == pytest.approx(0.1)
    assert ratio(disk, DiskHistory(), True) == 0.5
    assert ratio(disk, DiskHistory(), False) == 0.25
    assert ratio(disk, past(stat(0, 100, 1, 200)), True) == 1.1
    assert ratio(disk, past(stat(0, 100, 1, 100)), True) == 0.5  # that dump was not compressed
    assert ratio(make_disk(), fulls, True) == 1.0


def test_rate() -> None:
    """KiB/s as stored, default 1024, and never 0."""
    assert rate(past(stat(0, 1000, 1, 600, 2.0)), True) == 300
    assert rate(past(stat(0, 1000, 1, 600, 0.0)), True) == 1024
    assert rate(past(stat(0, 10, 1, 1, 100.0)), True) == 1024
    assert rate(past(stat(0, 1000, 1, 600, 2.0)), False) == 1024


def test_sizing() -> None:
    """54,330 KiB at 0.5 is 27,165, 26 s at 1024 KiB/s; nothing is smaller than 1 KiB."""
    disk = make_disk(compress=GZIP)
    found = sizing(disk, DiskHistory(), 0, 54_330, Source.CLIENT)
    assert found == Sizing(0, 54_330, 27_165, 26, 1024, Source.CLIENT)
    assert sizing(disk, DiskHistory(), 1, 1, Source.CLIENT).csize == 1


def test_server_estimate_of_a_full() -> None:
    """The newest full of the history, however small; else one that is kept as a level; else 1,000,000 KiB or half a
    tape."""
    assert server_estimate(past(stat(0, 70, 9), stat(1, 5, 8)), 0, 1, 0) == (70, Source.HISTORY)
    kept = DiskHistory({0: stat(0, 2000, 400)}, (), 0, 1)
    assert server_estimate(kept, 0, 0, 0) == (2000, Source.HISTORY)
    assert server_estimate(DiskHistory(), 0, -1, 0) == (1_000_000, Source.GUESS)
    assert server_estimate(DiskHistory(), 0, -1, 600_000) == (300_000, Source.GUESS)


def test_server_estimate_of_the_level_of_yesterday() -> None:
    """What the same day of earlier weeks needed: tonight is the third day at level 1, which was 300 and 500."""
    week = past(
        stat(0, 9000, 12), stat(1, 100, 11), stat(1, 200, 10), stat(1, 300, 9),
        stat(0, 9000, 8), stat(1, 110, 7), stat(1, 210, 6), stat(1, 500, 5),
        stat(0, 9000, 3), stat(1, 120, 2), stat(1, 220, 1),
    )
    assert server_estimate(week, 1, 1, 0) == (400, Source.HISTORY)
    first_time = past(stat(0, 9000, 3), stat(1, 120, 2), stat(1, 220, 1))
    assert server_estimate(first_time, 1, 1, 0) == (220, Source.HISTORY)
    empty = past(stat(0, 9000, 3), stat(1, 0, 2))
    assert server_estimate(empty, 1, 1, 0) == (4500, Source.GUESS)
    assert server_estimate(past(stat(0, 90_000, 3), stat(1, 0, 2)), 1, 1, 0) == (10_000, Source.GUESS)


def test_server_estimate_of_the_next_level() -> None:
    """The mean of the dumps that made this step before."""
    week = past(stat(0, 9000, 9), stat(1, 100, 8), stat(0, 9000, 5), stat(1, 300, 4), stat(0, 9000, 1))
    assert server_estimate(week, 1, 0, 0) == (200, Source.HISTORY)
    assert server_estimate(past(stat(0, 9000, 1)), 1, 0, 0) == (4500, Source.GUESS)
    assert server_estimate(past(stat(0, 9000, 1)), 1, 0, 100) == (50, Source.GUESS)
    assert server_estimate(week, 3, 0, 0) == (100_000, Source.GUESS)


def test_the_client_is_believed_first() -> None:
    history = past(stat(0, 9000, 1))
    found = size_up(make_disk(), history, (0, 1), 0, Answer({0: 8000, 1: 10}), 0)
    assert [(s.size, s.source) for s in found.values()] == [(8000, Source.CLIENT), (10, Source.CLIENT)]


def test_a_level_that_the_client_left_out_is_not_guessed() -> None:
    """But a known one comes from history."""
    history = past(stat(0, 9000, 1))
    assert set(size_up(make_disk(), history, (0, 1), 0, Answer({0: 8000}), 0)) == {0}
    only_incremental = size_up(make_disk(), history, (0, 1), 0, Answer({1: 10}), 0)
    assert only_incremental[0].source is Source.HISTORY


def test_a_dead_client_is_planned_from_history() -> None:
    found = size_up(make_disk(), past(stat(0, 9000, 1)), (0, 1), 0, Answer(error="no", reached=False), 0)
    assert [(s.size, s.source) for s in found.values()] == [(9000, Source.HISTORY), (4500, Source.GUESS)]


@pytest.mark.parametrize(("methods", "answer", "sized"), [
    (("client", "server"), Answer(), True),
    (("client",), Answer(), False),
    (("client", "server"), Answer(error="no such directory"), False),
    (("client", "server"), Answer(reached=False, error="dead"), False),
])
def test_when_a_new_disk_is_guessed(methods: tuple[str, ...], answer: Answer, sized: bool) -> None:
    """Only when its client lives and did not complain, and ``server`` is allowed."""
    assert bool(size_up(make_disk(estimate=methods), DiskHistory(), (0,), -1, answer, 0)) is sized


@pytest.mark.parametrize(("methods", "new", "known"), [
    (("client", "server"), (0,), (0, 1)),
    (("calcsize",), (0,), (0, 1)),
    (("server",), (), ()),
    (("server", "client"), (0,), (1,)),
    (("bogus-free", "server"), (0,), (0, 1)),
])
def test_what_the_client_is_asked(methods: tuple[str, ...], new: tuple[int, ...], known: tuple[int, ...]) -> None:
    """With ``server`` first, only what no earlier dump tells."""
    disk = make_disk(estimate=methods)
    assert client_levels(disk, DiskHistory(), (0,), -1) == new
    assert client_levels(disk, past(stat(0, 9000, 1)), (0, 1), 0) == known
