"""Following a run: its journal, its traffic and its gauges, from the start, live or finished, by one code path.

A follower reads the files; it subscribes to the control socket's nudges first (`core.client.session`) and reads second: no
gap.  Every record has a number: no doubles.  Losing a nudge costs nothing but the time until it looks again.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from core.client.runs import Run
from core.events import gauges
from core.events.codec import inspect, told
from core.events.event import Record
from core.events.gauges import Gauges


class Tail:
    """New whole lines of a file that grows; a file that is not there yet has none."""

    def __init__(self, path: Path, chunk: int = 1 << 20) -> None:
        self._path, self._chunk, self._file, self._partial = path, chunk, -1, b""

    def read(self) -> list[bytes]:
        """At most ``chunk`` bytes' worth of lines; an empty list: nothing new."""
        if self._file < 0:
            try:
                self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return []
        data = os.read(self._file, self._chunk)
        if not data:
            return []
        *lines, self._partial = (self._partial + data).split(b"\n")
        return lines

    def close(self) -> None:
        """Forget the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def read_gauges(run: Run) -> Gauges:
    """The gauges as they stand; empty ones for a run without."""
    try:
        return gauges.decode(run.status.read_bytes())
    except OSError:
        return Gauges()


class Journal:
    """Records of a run's journal as they come, with a notice RUN031 in the place of one that is damaged."""

    def __init__(self, run: Run, after: int = 0) -> None:
        self._tail, self._after = Tail(run.journal), after
        self._last = self._lines = self._size = 0

    def read(self) -> list[Record]:
        """The records that are new."""
        lines = self._tail.read()
        if not lines:
            return []
        data = b"\n".join([*lines, b""])
        records, damage = inspect(data, self._last)
        damage = [replace(place, line=place.line + self._lines, start=place.start + self._size, end=place.end + self._size)
                  for place in damage]
        found = told(records, damage, whole=False)
        self._lines, self._size = self._lines + len(lines), self._size + len(data)
        self._last = found[-1].seq if found else self._last
        found = [record for record in found if record.seq > self._after]
        if found:
            self._after = found[-1].seq
        return found

    def close(self) -> None:
        """Forget the file."""
        self._tail.close()
