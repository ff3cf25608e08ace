"""Where somebody stands who looks for files to bring back: host, disk, date, directory, marks, target.

Pure.  The console's Restore screen and ``taperoom recover`` keep a `Standing`; `core.client.words` makes the next one of it.
Paths are text from the disk's top without slashes at their ends, ``""`` is the top.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from core.model.units import latest_stamp
from core.restore.asof import show_stamp, split_level
from core.restore.marks import above, covered, with_mark, without_mark

if TYPE_CHECKING:
    from core.client.browse import Date, Name, Needs


__all__ = ["Standing", "Tree", "World", "above", "beside", "command_line", "covered", "newest_before", "newest_now",
           "restore_words", "with_mark", "without_mark"]


@dataclass(frozen=True, slots=True)
class Standing:
    """``date`` is the datestamp of a dump; ``target`` a directory, or ``HOST:DIR``.  What is not chosen yet is empty."""

    host: str = ""
    disk: str = ""
    date: str = ""
    path: str = ""
    marks: tuple[str, ...] = ()
    target: str = ""

    @property
    def title(self) -> str:
        """``HOST:DISK``."""
        return f"{self.host}:{self.disk}"


class Tree(Protocol):
    """A disk as it was on a date (`core.client.browse.Browser`)."""

    @property
    def datestamp(self) -> str:
        """Of the newest dump that it is made of."""

    def names(self, path: str = "", *, counted: bool = True) -> list[Name]:
        """What is in a directory; with ``counted`` how many files are below each."""

    def find(self, text: str) -> list[Name]:
        """Names that have this text."""

    def needs(self, paths: Sequence[str]) -> Needs:
        """What a restore of these paths reads."""


class World(Protocol):
    """What can be asked; every call may take a while.  Errors are TaperoomErrors."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def disks(self) -> list[tuple[str, str]]:
        """Host and disk of everything that was ever dumped or will be."""

    def dates(self, host: str, disk: str) -> list[Date]:
        """What a disk can be restored to, newest first."""

    def tree(self, host: str, disk: str, date: str) -> Tree:
        """A disk as the dump of that datestamp saw it."""


def restore_words(standing: Standing, datestamp: str, *more: str) -> list[str]:
    """The command that restores what is marked, of a disk as of a dump; ``DIR`` stands for a target that is not chosen."""
    specs = [standing.title + (f":/{path}" if path else "") for path in standing.marks]
    return ["taperoom", "restore", *specs, "--as-of", show_stamp(datestamp), "--to", standing.target or "DIR", *more]


def command_line(words: Iterable[str]) -> str:
    """As a shell takes it, also where it is shown on a screen and copied from there: nothing in it but what can be printed."""
    return " ".join(shlex.quote(word) if word.isprintable() else "$'" + "".join(map(_in_quotes, word)) + "'" for word in words)


def _in_quotes(char: str) -> str:
    if char in "\\'":
        return "\\" + char
    return char if char.isprintable() else "".join(f"\\{byte:03o}" for byte in os.fsencode(char))


def newest_before(dates: Sequence[Date], as_of: str) -> Date | None:
    """The newest of ``dates`` (newest first) that is not after what `core.restore.asof.parse_as_of` gave."""
    stamp, level = split_level(as_of)
    return next((date for date in dates if date.datestamp <= stamp and level in (-1, date.level)), None)


def newest_now(dates: Sequence[Date], now: float) -> tuple[Date, str]:
    """The newest of some ``dates`` (newest first) that the clock can explain, or else of all; and what to say of others."""
    latest = latest_stamp(now)
    found = next((date for date in dates if date.datestamp <= latest), dates[0])
    if dates[0].datestamp <= latest:
        return found, ""
    fate = "it is passed over" if found is not dates[0] else "it is taken all the same, since there is no other"
    return found, (f"RST028 the dump of {show_stamp(dates[0].datestamp)} is dated later than this machine's clock, which was"
                   f" wrong then, or is now; {fate}")


def beside(dates: Sequence[Date], datestamp: str, by: int) -> Date | None:
    """The dump before (−1) or after (1) one, as time goes; None where there is none."""
    stamps = list(dict.fromkeys(date.datestamp for date in dates))
    if datestamp not in stamps:
        return None
    at = stamps.index(datestamp) - by
    return newest_before(dates, stamps[at]) if 0 <= at < len(stamps) else None
