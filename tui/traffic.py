"""The traffic of a run's pipes: lines of ``traffic.log`` as values, the newest of them kept, counted and filtered.

A line of the log is ``<epoch> <from> > <to> <line>``, or ``<epoch> <from> : <text>`` for a word to nobody; anything else
is kept as free text.  Reading is in bulk and
starts near the end of a long log: what is older stays in the file.  Pure but for `LogTail`.
"""

from __future__ import annotations

import os
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tui.about import About
from tui.clean import clean

KEPT = 20_000
"""Lines that the console keeps."""

_HANDLE = re.compile(r"(?:^|\s)(\d{2}-\d{5,})(?=\s|$)")

REACH = 4 << 20
"""Bytes of a long log that are read at the start."""


@dataclass(slots=True)
class Line:
    """One line of a pipe.  Not frozen: ten thousand a second are made, and freezing doubles what one costs."""

    number: int
    at: float
    source: str
    target: str
    text: str

    @property
    def channel(self) -> str:
        """The child it was said by or to: ``dumper3``, ``taper0``, ``planner``."""
        return self.source if self.source != "driver" or not self.target else self.target

    @property
    def word(self) -> str:
        """Its verb; ``PLAN`` for the planner's lines, which have none."""
        word = self.text.partition(" ")[0]
        if self.source == "planner" and not word.isupper():
            return "PLAN"
        return _verb(word[:80])


@lru_cache(2048)
def _name(text: str) -> str:
    return clean(text, 40)


@lru_cache(2048)
def _verb(word: str) -> str:
    return word if word.isupper() and word.replace("-", "").isalpha() else ""


def parse(raw: str, number: int) -> Line:
    """The line of one line of the log; its text is clean."""
    parts = raw.split(" ", 4)
    if len(parts) >= 4 and parts[2] in (">", ":"):
        try:
            at = float(parts[0])
        except ValueError:
            at = 0.0
        else:
            if parts[2] == ":":
                return Line(number, at, _name(parts[1]), "", clean(" ".join(parts[3:]), 65536))
            text = parts[4] if len(parts) > 4 else ""
            return Line(number, at, _name(parts[1]), _name(parts[3]), clean(text, 65536))
    return Line(number, 0.0, "", "", clean(raw, 65536))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines are shown: of one channel, with one word, with all words of a text (``!x``: without x), about one disk."""

    channel: str = ""
    word: str = ""
    text: str = ""
    about: About | None = None

    def __bool__(self) -> bool:
        return bool(self.channel or self.word or self.text or self.about)

    def takes(self, line: Line) -> bool:
        """Whether a line is shown."""
        if self.about is not None and not self.about.takes(line.text):
            return False
        if self.channel and line.channel != self.channel:
            return False
        if self.word and line.word != self.word:
            return False
        return not self.text or matches(self.text, f"{line.source} {line.target} {line.text}")


def matches(wanted: str, text: str) -> bool:
    """Whether ``text`` has each blank-separated part of ``wanted``, and none that begins with ``!``; case is ignored."""
    text = text.lower()
    for part in wanted.lower().split():
        if part.startswith("!"):
            if len(part) > 1 and part[1:] in text:
                return False
        elif part not in text:
            return False
    return True


def handle_in(text: str) -> str:
    """The first handle in a line, as ``02-00031``; empty when it has none."""
    found = _HANDLE.search(text)
    return found[1] if found else ""


class Traffic:
    """The newest lines of a run, with counts of all that were seen."""

    def __init__(self, kept: int = KEPT) -> None:
        self.lines: deque[Line] = deque(maxlen=kept)
        self.total = 0
        self.channels: Counter[str] = Counter()
        self.words: Counter[str] = Counter()

    def add(self, raws: Iterable[str]) -> list[Line]:
        """Take in lines of the log; the values of them."""
        found: list[Line] = []
        for raw in raws:
            self.total += 1
            line = parse(raw, self.total)
            self.channels[line.channel] += 1
            self.words[line.word] += 1
            found.append(line)
        self.lines.extend(found)
        return found

    def chosen(self, only: Filter) -> list[Line]:
        """The kept lines that a filter takes, oldest first."""
        return [line for line in self.lines if only.takes(line)] if only else list(self.lines)


def earlier_lines(path: Path, wanted: Callable[[str], bool], before: float, most: int = 5_000) -> list[Line]:
    """The newest lines of a whole log from before a moment whose text is ``wanted``; numbered below 1.  Takes time."""
    found: deque[Line] = deque(maxlen=most)
    try:
        with open(path, "rb") as log:
            for raw in log:
                line = parse(raw.rstrip(b"\n").decode("utf-8", "surrogateescape"), 0)
                if line.at >= before:
                    break
                if wanted(line.text):
                    found.append(line)
    except OSError:
        return []
    for number, line in enumerate(found, 1 - len(found)):
        line.number = number
    return list(found)


class LogTail:
    """New lines of a log that grows, from near its end; a log that is not there yet has none.

    ``full`` after a read: there was at least as much as was asked for.
    """

    def __init__(self, path: Path, reach: int = REACH, chunk: int = 1 << 15) -> None:
        self._path, self._reach, self._chunk = path, reach, chunk
        self._file, self._partial = -1, b""
        self.skipped = 0
        self.full = False

    def read(self) -> list[str]:
        """The next lines, at most ``chunk`` bytes of them; none: nothing new."""
        if self._file < 0 and not self._open():
            return []
        try:
            data = os.read(self._file, self._chunk)
        except OSError:
            return []
        self.full = len(data) == self._chunk
        if not data:
            return []
        *lines, self._partial = (self._partial + data).split(b"\n")
        return [line.decode("utf-8", "surrogateescape") for line in lines]

    def _open(self) -> bool:
        try:
            self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        size = os.fstat(self._file).st_size
        if size > self._reach:
            self.skipped = os.lseek(self._file, size - self._reach, os.SEEK_SET)
            torn = os.read(self._file, 1 << 16).partition(b"\n")[0]
            os.lseek(self._file, self.skipped + len(torn) + 1, os.SEEK_SET)  # past the line that the seek fell into
        return True

    def close(self) -> None:
        """Forget the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
