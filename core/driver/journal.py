"""The journal and the traffic log of a run, as the driver writes them.

A fact is on disk (fdatasync) before anybody acts on it: `Journal.commit` is called between writing facts and carrying
out what follows from them.  The traffic log is for eyes and replay; it is flushed, not synced.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from core.events.codec import encode
from core.events.event import Event, Record


class Journal:
    """``journal.jsonl``: append only."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        # A fact that is durable in a file whose name is not would be gone after a power cut.
        _sync(path.parent)
        _sync(path.parent.parent)
        self._pending: list[bytes] = []
        self.seq = 0

    def add(self, event: Event) -> Record:
        """Number a fact and keep it for `commit`."""
        self.seq += 1
        record = Record(self.seq, time.time(), event)
        self._pending.append(encode(record))
        return record

    def commit(self) -> bool:
        """Make what was added durable; False when there was nothing."""
        if not self._pending:
            return False
        data = memoryview(b"".join(self._pending))
        self._pending.clear()
        while data:
            data = data[os.write(self._file, data):]
        os.fdatasync(self._file)
        return True

    def close(self) -> None:
        """Commit and close."""
        self.commit()
        os.close(self._file)


def _sync(directory: Path) -> None:
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class Traffic:
    """``traffic.log``: ``<epoch> <from> > <to> <line>`` for every line of every pipe."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "ab", buffering=1 << 16)  # noqa: SIM115 - lives as long as the run

    def note(self, source: str, target: str, line: bytes) -> None:
        """One line, without its newline."""
        self._file.write(b"%.6f %s > %s %s\n" % (time.time(), source.encode(), target.encode(), line))

    def flush(self) -> None:
        """Let followers see it."""
        self._file.flush()

    def close(self) -> None:
        """Flush and close."""
        self._file.close()
