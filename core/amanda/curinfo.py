"""A curinfo record: what Amanda knows of the dumps of one disk (server-src/infofile.c), and the same as our history.

The reader is as strict as Amanda's: a record with an unexpected line is no record.  Sizes KiB, times seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.model.history import DiskHistory, LevelStat

_RATES = ("full-rate:", "full-comp:", "incr-rate:", "incr-comp:")
_ORDERS = ((1, "full"), (8, "level-1"), (2, "bump"), (4, "no-bump"))
MOST_LEVELS = 400


@dataclass(frozen=True, slots=True)
class Stat:
    """The last dump at a level, or one of the history (then without a volume).  ``date`` is the dump's datestamp, in seconds
    since the epoch."""

    level: int
    size: int
    csize: int
    seconds: int
    date: int
    fileno: int = 0
    label: str = ""


@dataclass(frozen=True, slots=True)
class Info:
    """One record.  ``command``: bits of what `amadmin force` and its kin ordered; ``history`` newest first."""

    command: int
    stats: dict[int, Stat]
    history: tuple[Stat, ...]
    last_level: int
    consecutive: int

    @property
    def order(self) -> str:
        """What the operator ordered, in our words; empty when nothing."""
        return next((order for bit, order in _ORDERS if self.command & bit), "")


def parse_info(text: str) -> Info:
    """The record in ``text``.  ValueError ``LINE: what is wrong``."""
    lines = text.split("\n")
    at = 0

    def fault(what: str) -> ValueError:
        return ValueError(f"{at + 1}: {what}")

    def rest(word: str) -> str:
        nonlocal at
        if at >= len(lines) or not lines[at].startswith(word):
            raise fault(f"wanted is {word}, found is {lines[at][:40]!r}" if at < len(lines) else f"{word} is missing")
        at += 1
        return lines[at - 1][len(word):]

    def numbers(words: list[str]) -> list[int]:
        try:
            return [int(word) for word in words]
        except ValueError:
            raise ValueError(f"{at}: {' '.join(words)[:60]!r} are not all numbers") from None

    rest("version:")
    [command] = numbers([rest("command:").strip()])
    for word in _RATES:
        rest(word)
    stats: dict[int, Stat] = {}
    while at < len(lines) and lines[at].startswith("stats:"):
        words = rest("stats:").split()
        if len(words) < 5:
            raise ValueError(f"{at}: a stats line has level, size, compressed size, seconds and date")
        level, size, csize, seconds, date, *more = numbers(words[:6])
        if not 0 <= level < MOST_LEVELS:
            raise ValueError(f"{at}: there is no level {level}")
        stats[level] = Stat(level, size, csize, seconds, date, more[0] if more else 0, " ".join(words[6:]))
    last, consecutive = -1, 0
    words = rest("last_level:").split()
    if not words:
        raise ValueError(f"{at}: last_level has no number")
    last, consecutive = numbers([*words[:2], "0"])[:2]
    history = []
    while at < len(lines) and lines[at].startswith("history:"):
        found = numbers(rest("history:").split())
        if len(found) < 4:
            raise ValueError(f"{at}: a history line has level, size, compressed size, date and seconds")
        level, size, csize, date, *more = found
        history.append(Stat(level, size, csize, more[0] if more else 0, date))
    rest("//")
    return Info(command, stats, tuple(history), last, consecutive)


def history_of(info: Info) -> DiskHistory:
    """The record as the planner wants it: the last dump of each level, and all that are remembered.

    As in Amanda a level whose date is not known was not dumped, whatever volume the record names for it.
    """
    levels = {level: _stat(stat) for level, stat in sorted(info.stats.items()) if stat.date >= 0 and level <= info.last_level}
    recent = tuple(_stat(stat) for stat in sorted(info.history, key=lambda stat: -stat.date) if stat.date >= 0)
    return DiskHistory(levels, recent, info.last_level, info.consecutive, info.order)


def _stat(stat: Stat) -> LevelStat:
    labels = (stat.label,) if stat.label else ()
    return LevelStat(stat.level, stat.size, stat.csize, float(stat.seconds), float(stat.date), labels)
