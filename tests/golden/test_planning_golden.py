"""Our plan beside Amanda 3.5.1's own: the same standing and sizes, taken from its logs, must give the same choices."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest

from core.model.disk import Compression, Disk, Dumptype, Host
from core.model.history import DiskHistory, LevelStat
from core.model.units import EPOCH_DUMPDATE, seconds_of_dumpdate
from core.planning.levels import DAY
from core.planning.plan import plan, stand_all
from core.planning.sizing import DEFAULT_KPS, Answer
from core.protocol.planner import DumpLine
from tests.support.planning import make_site

HERE = Path(__file__).parent / "amanda-3.5.1"
LOGS = sorted([*HERE.glob("log-daily-6dle/amdump.*"), *HERE.glob("log/amdump.*")])

_SETUP = re.compile(
    r"setup_estimate: ([^:]+):(\S+): command (\d+), .* last_level (-?\d+) next_level0 (-?\d+) level_days (\d+)"
)
_GOT = re.compile(r"got result for host (\S+) disk (\S+): (.*)")
_PONDER = re.compile(r"pondering ([^:]+):(\S+)\.\.\.")
_CURR = re.compile(r"  curr level (\d+) nsize (\d+) csize (\d+) total size \d+ total_lev0 \d+ balanced-lev0size (\d+)")
_DUMP = re.compile(r"DUMP (\S+) [0-9a-f]+ (\S+) \d+ (\d+) (\d+) (\S+) (\d+) (\d+) (\d+) (\d+) (.*)")
_PROMOTING = re.compile(r"PROMOTING DUMPS IF NEEDED, total_lev0 \d+, balanced_size (\d+)")
_TOTAL = re.compile(r"(?:Total size now|total_size) (\d+)\.?$")


@dataclass
class Seen:
    """What a log tells of one disk."""

    command: int
    last_level: int
    next_level0: int
    level_days: int
    sizes: dict[int, int] = field(default_factory=dict)
    ratio: float = 1.0
    share: int = 0
    dump: list[str] = field(default_factory=list)

    @property
    def plan_b(self) -> list[str]:
        """Level, dumpdate, sizes, seconds and rate of the degraded dump, when there is one."""
        return [] if self.dump[8].startswith('"') else self.dump[8].split()


def read(log: Path) -> tuple[dict[tuple[str, str], Seen], int, int]:
    """The disks of a log, its balanced size and its total size."""
    seen: dict[tuple[str, str], Seen] = {}
    current, balanced, before, total = ("", ""), 0, 0, 0
    for line in log.read_text().splitlines():
        if found := _SETUP.match(line):
            seen[found[1], found[2]] = Seen(int(found[3]), int(found[4]), int(found[5]), int(found[6]))
        elif found := _GOT.search(line):
            pairs = re.findall(r"(-?\d+) -> (-?\d+)K", found[3])
            seen[found[1], found[2]].sizes = {int(a): int(b) for a, b in pairs if int(a) >= 0 and int(b) > 0}
        elif found := _PONDER.match(line):
            current = (found[1], found[2])
        elif found := _CURR.match(line):
            seen[current].ratio = (int(found[3]) + 0.5) / int(found[2])
            seen[current].share, before = int(found[4]) - before, int(found[4])
        elif found := _PROMOTING.match(line):
            balanced = int(found[1])
        elif found := _DUMP.match(line):
            seen[found[1], found[2]].dump = [found[n] for n in range(3, 11)] + [found[10]]
        if found := _TOTAL.search(line):
            total = int(found[1])
    return seen, balanced, total


def history_of(seen: Seen, now: float) -> DiskHistory:
    """A history that gives what Amanda had: dates, ratios and rates."""
    if seen.last_level < 0 and not seen.command:
        return DiskHistory()
    _, level, date, nsize, csize, _, kps = seen.dump[:7]
    full_ratio, incr_ratio = 7 * seen.share / seen.sizes[0], seen.ratio
    full_kps = incr_kps = DEFAULT_KPS
    if int(level) == 0:
        full_ratio, full_kps = (int(csize) + 0.5) / int(nsize), int(kps)
        if seen.plan_b:
            _, date, b_nsize, b_csize, _, b_kps = seen.plan_b
            incr_ratio, incr_kps = (int(b_csize) + 0.5) / int(b_nsize), int(b_kps)
    else:
        incr_kps = int(kps)
    full = now - DAY if date == EPOCH_DUMPDATE else seconds_of_dumpdate(date)
    recent = (_stat(1, incr_ratio, incr_kps, now), _stat(0, full_ratio, full_kps, full))
    levels = {0: replace(recent[1], size=seen.sizes[0])}  # the newest sizes are small: nothing bumps
    if seen.last_level > 0:
        levels[1] = replace(recent[0], size=seen.sizes[1])
    return DiskHistory(levels, recent, seen.last_level, seen.level_days, "full" if seen.command & 1 else "")


def _stat(level: int, ratio: float, kps: int, date: float) -> LevelStat:
    size = 1e9
    return LevelStat(level, int(size), int(size * ratio), 0 if kps == DEFAULT_KPS else size * ratio / kps, date)


def fields(line: DumpLine) -> list[str]:
    """Our line as Amanda's words: priority, level, dumpdate, sizes, seconds, rate."""
    return [str(word) for word in (
        line.priority, line.level, line.dumpdate, line.orig, line.size, line.seconds, line.kps)]


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_same_levels_sizes_and_dates(log: Path) -> None:
    """Priority, level, dumpdate, sizes, seconds, rate and plan B of each disk, the balanced and the total size."""
    stamp = log.name.removeprefix("amdump.")
    now = datetime.strptime(stamp + "+0000", "%Y%m%d%H%M%S%z").timestamp()
    seen, balanced, total = read(log)
    disks, histories, answers = [], {}, {}
    for key, disk in seen.items():
        compress = Compression.NONE if disk.ratio > 1 and disk.sizes[0] // 7 == disk.share else Compression.CLIENT_FAST
        disks.append(Disk(Host(key[0]), key[1], Dumptype(compress=compress)))
        histories[key] = history_of(disk, now)
        answers[key] = Answer(disk.sizes)
    site = make_site(disks, capacity=2 * 1024 * 1024)
    standings = stand_all(disks, histories, now)
    found = plan(site, standings, answers, as_amanda=True)
    ours = {(line.host, line.disk): line for line in found.dumps}

    assert not found.skips
    for standing in standings:
        theirs = seen[standing.key]
        assert standing.next_level0 == theirs.next_level0
        if not theirs.command:  # we ask for an incremental of a forced disk, too
            assert (standing.last_level, standing.level_days) == (theirs.last_level, theirs.level_days)
            assert set(standing.asks) == set(theirs.sizes)
    for key, theirs in seen.items():
        line = ours[key]
        assert fields(line) == theirs.dump[:7], key
        if theirs.plan_b:
            assert line.plan_b is not None
            level, date, _, csize, seconds, _ = theirs.plan_b
            assert [str(line.plan_b.level), line.plan_b.dumpdate, str(line.plan_b.size), str(line.plan_b.seconds)] == [
                level, date, csize, seconds]
        elif not theirs.command:
            assert line.plan_b is None
    assert found.uses[0].wanted == total
    assert abs(found.balanced_kib - balanced) <= len(disks)  # Amanda prints a rounded sum of unrounded shares


def test_there_are_logs_to_compare_with() -> None:
    """A test over no files proves nothing."""
    assert len(LOGS) == 5
