"""The coming nights, and a whole year of them."""

from __future__ import annotations

import random
from collections import defaultdict

from core.model.disk import Bump, Compression
from core.model.history import DiskHistory, LevelStat
from core.planning.forecast import MAX_RECENT, after_dump, forecast
from core.planning.levels import DAY
from core.planning.plan import plan, stand_all
from core.planning.sizing import Answer
from tests.support.planning import NOW, make_disk, make_site, past, stat


def test_a_dump_voids_the_levels_above() -> None:
    two = past(stat(0, 9, 5), stat(1, 9, 4), stat(2, 9, 3), stat(2, 9, 2))
    assert (sorted(two.levels), two.last_level, two.consecutive) == ([0, 1, 2], 2, 2)
    one = after_dump(two, stat(1, 7, 1))
    assert (sorted(one.levels), one.levels[1].size, one.last_level, one.consecutive) == ([0, 1], 7, 1, 1)
    assert [s.level for s in one.recent] == [1, 2, 2, 1, 0]


def test_an_order_holds_for_one_dump_and_history_has_an_end() -> None:
    forced = DiskHistory(forced="full")
    assert after_dump(forced, stat(0, 9, 1)).forced == ""
    long = past(*(stat(0, 9, 200 - n) for n in range(150)))
    assert len(long.recent) == MAX_RECENT


def test_a_week() -> None:
    """One disk of 7 days: full, six incrementals, full.  Alone it is never promoted."""
    disk = make_disk()
    nights = forecast(make_site([disk]), [disk], {}, NOW, 9, {disk.key: Answer({0: 9000, 1: 100})})
    assert [night.plan.dumps[0].level for night in nights] == [0, 1, 1, 1, 1, 1, 1, 0, 1]
    assert [night.at for night in nights] == [NOW + n * DAY for n in range(9)]
    assert nights[1].plan.dumps[0].why == "incremental, full due in 6 days"


def test_sizes_from_history_and_held_disks() -> None:
    """Without clients the sizes are those of earlier dumps; a disk that is held is dumped on no night."""
    disk, held = make_disk(), make_disk("/held")
    history = {disk.key: past(stat(0, 9000, 6), stat(1, 77, 1))}
    nights = forecast(make_site([disk, held]), [disk, held], history, NOW, 3, held={held.key})
    assert [(n.plan.dumps[0].level, n.plan.dumps[0].size) for n in nights] == [(1, 77), (0, 9000), (1, 77)]
    assert all([skip.disk for skip in night.plan.skips] == ["/held"] for night in nights)


def test_promotion_levels_the_nights() -> None:
    """Seven equal disks that begin together have one full a night within a few weeks."""
    disks = [make_disk(f"/d{n}") for n in range(7)]
    answers = {d.key: Answer({0: 70_000, 1: 700}) for d in disks}
    nights = forecast(make_site(disks), disks, {}, NOW, 42, answers)
    counts = [sum(line.level == 0 for line in night.plan.dumps) for night in nights]
    assert counts[0] == 7
    assert counts[28:] == [1] * 14


def test_a_year_on_a_growing_site() -> None:
    """365 nights, 40 disks of four clients that change and now and then do not answer, on volumes that are sometimes
    too small: every disk has exactly one verdict a night, chains of levels are whole, no full is more than a week
    late, and the plan is never over the volumes without a word."""
    chance = random.Random(20261123)
    disks = [
        make_disk(f"/d{n}", f"host{n % 4}", compress=Compression.CLIENT_FAST, dumpcycle=(7, 7, 14, 3)[n // 10],
                  priority=n % 3, bump=Bump(size=2_000, mult=1.5, days=2))
        for n in range(40)
    ]
    sizes = {d.key: chance.randrange(10_000, 400_000) for d in disks}
    site = make_site(disks, capacity=900_000, part_size=50_000)
    known: dict[tuple[str, str], DiskHistory] = {}
    late: dict[tuple[str, str], int] = defaultdict(int)
    for number in range(365):
        now = NOW + number * DAY + chance.randrange(-3600, 3600)
        standings = stand_all(disks, known, now)
        down = f"host{chance.randrange(4)}" if number % 5 == 4 else ""
        answers = {}
        for standing in standings:
            size = sizes[standing.key] = int(sizes[standing.key] * chance.uniform(0.99, 1.012))
            if standing.key[0] == down:
                answers[standing.key] = Answer(error="no answer", reached=False)
            else:
                answers[standing.key] = Answer(
                    {level: size if not level else int(size * 0.05 * 3 / (level + 2)) + 1 for level in standing.asks})
        found = plan(site, standings, answers)

        verdicts = [(line.host, line.disk) for line in found.dumps] + [(s.host, s.disk) for s in found.skips]
        assert sorted(verdicts) == sorted(sizes)
        use = found.uses[0]
        assert use.room is not None
        assert use.wanted <= use.room or found.notices
        for line in found.dumps:
            key = (line.host, line.disk)
            history = known.get(key, DiskHistory())
            assert all(level in history.levels for level in range(line.level))
            assert line.why
            if key[0] == down:
                assert "client did not answer" in line.why
            else:
                known[key] = after_dump(history, LevelStat(line.level, line.orig, line.size, 9.0, now))
        assert all(skip.fail for skip in found.skips)
        for standing in standings:
            late[standing.key] = max(late[standing.key], 0 if standing.new else -standing.next_level0)
    assert max(late.values()) <= 7
    assert any(done.level == 2 for history in known.values() for done in history.recent)
