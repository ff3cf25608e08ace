"""Following a run: its journal, its traffic and its gauges, from the start, live or finished, by one code path.

A follower reads the files; it subscribes to the control socket's nudges first (`core.client.session`) and reads second: no
gap.  Every record has a number: no doubles.  Losing a nudge costs nothing but the time until it looks again.
"""

from __future__ import annotations

import os
from pathlib import Path

from core.client.runs import Run
from core.events import gauges
from core.events.codec import decode
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
    """Records of a run's journal as they come."""

    def __init__(self, run: Run, after: int = 0) -> None:
        self._tail, self._after = Tail(run.journal), after

    def read(self) -> list[Record]:
        """The records that are new."""
        found = [record for line in self._tail.read() if (record := decode(line)) and record.seq > self._after]
        if found:
            self._after = found[-1].seq
        return found

    def close(self) -> None:
        """Forget the file."""
        self._tail.close()
