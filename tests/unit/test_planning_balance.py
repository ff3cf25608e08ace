"""Fulls before their time: balanced size, score, promotion and hills, with numbers worked by hand."""

from __future__ import annotations

from typing import Any

import pytest

from core.model.disk import Strategy
from core.model.history import DiskHistory
from core.model.site import RunSettings
from core.planning.balance import runs_per_cycle
from core.planning.plan import Plan
from tests.support.planning import lines, make_disk, make_site, past, shown, stat, tonight


def week(days_ago: float) -> DiskHistory:
    return past(stat(0, 1000, days_ago), stat(1, 100, 1))


@pytest.mark.parametrize(("kind", "share"), [
    ({}, 100), ({"dumpcycle": 14}, 50), ({"dumpcycle": 3}, 233), ({"dumpcycle": 0}, 700),
    ({"strategy": Strategy.NOINC}, 700), ({"strategy": Strategy.NOFULL}, 0), ({"strategy": Strategy.INCRONLY}, 0),
    ({"skip_full": True}, 0),
])
def test_balanced_size(kind: dict[str, Any], share: int) -> None:
    """What a full of 700 KiB adds to the mean of a run, with 7 runs in 7 days."""
    disk = make_disk(**kind)
    found = tonight(make_site([disk]), {disk.key: week(2)}, {"/home": {0: 700, 1: 10}})
    assert found.balanced_kib == share


def test_balanced_size_without_a_full_estimate() -> None:
    """The last full counts; a disk without any counts nothing."""
    disk = make_disk(estimate=("client",))
    history = DiskHistory({0: stat(0, 700, 2), 1: stat(1, 9, 1)}, (), 1, 1)
    assert tonight(make_site([disk]), {disk.key: history}, {"/home": {1: 10}}).balanced_kib == 100


def test_runs_per_cycle() -> None:
    assert runs_per_cycle(RunSettings(dumpcycle=14, runspercycle=10)) == 10
    assert runs_per_cycle(RunSettings(dumpcycle=14, runspercycle=0)) == 14
    assert runs_per_cycle(RunSettings(dumpcycle=0, runspercycle=0)) == 1


def night(days: dict[str, float], sizes: dict[str, int]) -> Plan:
    disks = [make_disk(name) for name in days]
    histories = {d.key: week(days[d.disk]) for d in disks}
    return tonight(make_site(disks), histories, {name: {0: size, 1: 10} for name, size in sizes.items()})


def fulls(found: Plan) -> dict[str, str]:
    return {disk: line.why for disk, line in lines(found).items() if line.level == 0}


def test_promotion_takes_from_the_highest_hill() -> None:
    """Five disks of 700 KiB, balanced 500.  Three are due in 2 days: (3 + 1)² + 7 − 2 = 21; two in 3 days:
    (2 + 1)² + 7 − 3 = 13.  One is enough: 700 is over 500."""
    found = night({"/a": 5, "/b": 5, "/c": 5, "/d": 4, "/e": 4}, dict.fromkeys(("/a", "/b", "/c", "/d", "/e"), 700))
    assert found.balanced_kib == 500
    assert fulls(found) == {"/a": "promoted from 2 days ahead"}
    line = lines(found)["/a"]
    assert line.plan_b is not None
    assert (line.plan_b.level, line.plan_b.size) == (1, 10)


def test_nothing_is_promoted_when_enough_is_due() -> None:
    """600 are due and 500 would do; 5 % under it is still enough."""
    found = night({"/due": 7, "/a": 5, "/b": 5, "/c": 5}, {"/due": 600, "/a": 900, "/b": 1000, "/c": 1000})
    assert found.balanced_kib == 85 + 128 + 142 + 142
    assert fulls(found) == {"/due": "full due today"}
    near = night({"/due": 7, "/a": 5, "/b": 5}, {"/due": 96, "/a": 304, "/b": 300})
    assert near.balanced_kib == 13 + 43 + 42
    assert fulls(near) == {"/due": "full due today"}


def test_a_promotion_does_not_overshoot() -> None:
    """Balanced (40 + 5000 + 30) / 7 = 723, due 40: the big one would make 5040, so the small one comes."""
    found = night({"/due": 7, "/big": 5, "/small": 5}, {"/due": 40, "/big": 5000, "/small": 30})
    assert fulls(found) == {"/due": "full due today", "/small": "promoted from 2 days ahead"}


def test_a_lonely_disk_stays() -> None:
    """Alone on its day, and nothing tonight: to move it only moves the hill."""
    assert fulls(night({"/a": 5}, {"/a": 700})) == {}
    assert fulls(night({"/a": 5, "/b": 4}, {"/a": 700, "/b": 700})) == {}


def test_hosts_that_work_already_score_less() -> None:
    """web1 makes two fulls tonight: (3 − 2²) < 0, so −4 + 7 − 2 = 1; on db1 1² + 7 − 3 = 5: that is first."""
    disks = [*(make_disk(f"/due{n}") for n in (1, 2)), make_disk("/a"), make_disk("/b"), make_disk("/c"),
             make_disk("/d", "db1")]
    ages = {"/due1": 7, "/due2": 7, "/a": 5, "/b": 5, "/c": 5, "/d": 4}
    sizes: dict[str, dict[int, int]] = {d.disk: {0: 350, 1: 10} for d in disks} | {"/due1": {0: 10}, "/due2": {0: 10}}
    found = tonight(make_site(disks), {d.key: week(ages[d.disk]) for d in disks}, sizes)
    assert found.balanced_kib == 4 * 50 + 1 + 1
    big_enough = {d: w for d, w in fulls(found).items() if w.startswith("promoted")}
    assert big_enough == {}  # 350 would overshoot 202
    sizes |= {d: {0: 100, 1: 10} for d in ("/a", "/b", "/c", "/d")} | {"/due1": {0: 20, 1: 1}, "/due2": {0: 20, 1: 1}}
    sizes["/c"] = {0: 1000, 1: 10}
    found = tonight(make_site(disks), {d.key: week(ages[d.disk]) for d in disks}, sizes)
    assert found.balanced_kib == 3 * 14 + 142 + 2 + 2
    assert [d for d, w in fulls(found).items() if w.startswith("promoted")] == ["/d"]


def test_maxpromoteday() -> None:
    """No further ahead than allowed."""
    disks = [make_disk("/a", maxpromoteday=1), make_disk("/b", maxpromoteday=1)]
    found = tonight(make_site(disks), {d.key: week(5) for d in disks}, {d.disk: {0: 700, 1: 10} for d in disks})
    assert fulls(found) == {}


def test_a_full_of_today_is_not_made_again() -> None:
    """A second run on the same day promotes nothing, as Amanda would; the next day it may."""
    assert fulls(night({"/a": 0.1, "/b": 0.1, "/c": 0.1}, {"/a": 900, "/b": 800, "/c": 700})) == {}
    assert set(fulls(night({"/a": 1, "/b": 1, "/c": 1}, {"/a": 900, "/b": 800, "/c": 700}))) == {"/a"}


def test_a_promotion_must_fit_the_volumes() -> None:
    """Also beside what is flushed tonight."""
    disks = [make_disk("/a"), make_disk("/b")]
    histories = {d.key: week(5) for d in disks}
    sizes = {d.disk: {0: 700, 1: 10} for d in disks}
    site = make_site(disks, capacity=1000)
    assert set(fulls(tonight(site, histories, sizes))) == {"/a"}
    assert fulls(tonight(site, histories, sizes, flushing={"main": 200})) == {}
    assert fulls(tonight(make_site(disks, capacity=600), histories, sizes)) == {}


def test_hills() -> None:
    """The shares of a few tiny fulls are 0 each, so promotion sees no need; with no full at all tonight, one comes
    from the day that has most (6 + 6 on day 3), if it fits, else from the next (5 + 6 on day 2), never from a day
    with one disk."""
    ages = {"/a": 4, "/b": 4, "/c": 5, "/d": 5, "/e": 3}
    disks = [make_disk(name) for name in ages]
    histories = {d.key: week(ages[d.disk]) for d in disks}
    sizes = {"/a": 6, "/b": 6, "/c": 5, "/d": 6, "/e": 2}
    incrementals = 64 + 5 * 33

    def hill(capacity: int) -> dict[str, str]:
        site = make_site(disks, capacity=capacity)
        found = tonight(site, histories, {name: {0: size, 1: 1} for name, size in sizes.items()})
        assert found.balanced_kib == 0
        return fulls(found)

    assert hill(0) == {"/a": "promoted from 3 days ahead"}
    assert hill(incrementals + 4) == {"/c": "promoted from 2 days ahead"}
    assert hill(incrementals + 3) == {}


def test_one_sentence_and_no_contradiction() -> None:
    """A disk that was delayed is not called promoted, and the other way round."""
    disks = [make_disk("/a"), make_disk("/b"), make_disk("/c")]
    found = tonight(
        make_site(disks, capacity=1200), {d.key: past(stat(0, 9, 7 + n), stat(1, 9, 1)) for n, d in enumerate(disks)},
        {d.disk: {0: 500, 1: 40} for d in disks})
    for text in shown(found).values():
        assert not ("delayed" in text and "promoted" in text)
