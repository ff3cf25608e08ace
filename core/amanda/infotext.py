"""A disk's curinfo record as text, as Amanda 3.5.1 writes it (server-src/infofile.c).  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

AVERAGED = 3
"""Rates and ratios of so many dumps are kept, newest first."""
MOST_HISTORY = 100


@dataclass(frozen=True, slots=True)
class InfoDump:
    """One dump: KiB before and after compression, whole seconds it took, when it began; ``label`` and ``fileno`` of its first
    part, empty and 0 when no volume has it."""

    level: int
    size: int
    csize: int
    seconds: int
    date: int
    label: str = ""
    fileno: int = 0


def info_text(levels: Sequence[InfoDump], recent: Sequence[InfoDump], last_level: int, consecutive: int) -> str:
    """The record: the newest dump of each level, all dumps newest first, and how often the last level came in a row."""
    full = [dump for dump in recent if dump.level == 0]
    incremental = [dump for dump in recent if dump.level > 0]
    lines = ["version: 0", "command: 0",
             f"full-rate:{_rates(full)}", f"full-comp:{_ratios(full)}",
             f"incr-rate:{_rates(incremental)}", f"incr-comp:{_ratios(incremental)}"]
    for dump in sorted(levels, key=lambda dump: dump.level):
        where = f" {dump.fileno} {dump.label}" if dump.label else ""
        lines.append(f"stats: {dump.level} {dump.size} {dump.csize} {dump.seconds} {dump.date}{where}")
    lines.append(f"last_level: {last_level} {consecutive}")
    lines += [f"history: {dump.level} {dump.size} {dump.csize} {dump.date} {dump.seconds}" for dump in recent[:MOST_HISTORY]]
    return "\n".join([*lines, "//", ""])


def _rates(dumps: Sequence[InfoDump]) -> str:
    # Amanda counts whole seconds, and knows no rate below 1.
    return _numbers([max(1.0, dump.csize / dump.seconds) for dump in dumps if dump.seconds > 0])


def _ratios(dumps: Sequence[InfoDump]) -> str:
    """Of what was compressed: Amanda keeps none for other dumps."""
    return _numbers([dump.csize / dump.size for dump in dumps if dump.size > 0 and dump.csize != dump.size])


def _numbers(values: Sequence[float]) -> str:
    return "".join(f" {value:f}" for value in values[:AVERAGED])
