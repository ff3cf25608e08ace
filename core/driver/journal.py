"""The journal and the traffic log of a run, as the driver writes them.

A fact is on disk (fdatasync) before anybody acts on it: `Journal.commit` is called between writing facts and carrying
out what follows from them.  A journal that cannot be written ends the run.  The traffic log is for eyes and replay: it
is flushed, not synced, and a fault of it costs nothing else.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from core.client.runs import SPARE
from core.errors import StartError
from core.events.codec import encode
from core.events.event import Event, Record, RunEnded

_SPARE = 32 * 1024
"""Bytes that are kept for what is said when there is no room any more."""
_GATHER = 64 * 1024  # bytes of traffic a write, unless somebody wants to see it sooner


class Journal:
    """``journal.jsonl``: append only."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        # A fact that is durable in a file whose name is not would be gone after a power cut.
        _sync(path.parent)
        _sync(path.parent.parent)
        self._path, self._size, self._broken = path, os.fstat(self._file).st_size, False
        self._spare = path.with_name(SPARE)
        with contextlib.suppress(OSError):
            self._spare.write_bytes(bytes(_SPARE))
        self._pending: list[bytes] = []
        self.seq = 0
        self.durable = 0
        """number of the last fact that is on disk"""

    def add(self, event: Event) -> Record:
        """Number a fact and keep it for `commit`."""
        if isinstance(event, RunEnded):
            self._give_up_spare()  # before that: who comes later looks at nothing of a run that has an end
        self.seq += 1
        record = Record(self.seq, time.time(), event)
        self._pending.append(encode(record))
        return record

    def commit(self) -> bool:
        """Make what was added durable; False when there was nothing.  StartError RUN018; from then on it takes nothing."""
        if not self._pending or self._broken:
            return False
        whole = b"".join(self._pending)
        data = memoryview(whole)
        self._pending.clear()
        try:
            while data:
                data = data[os.write(self._file, data):]
            os.fdatasync(self._file)
        except OSError as fault:
            self._broken = True
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)  # no half line for whoever writes the run's last words
            self._give_up_spare()
            raise StartError("RUN018", f"{self._path}: the journal cannot be written: {fault.strerror}",
                             "the run is stopped; make room or mend the disk, the next run goes on from here") from fault
        self._size += len(whole)
        self.durable = self.seq
        return True

    def close(self) -> None:
        """Commit and close.  StartError RUN018."""
        try:
            self.commit()
        finally:
            self._give_up_spare()
            os.close(self._file)

    def _give_up_spare(self) -> None:
        """So that on a full file system there is room to say why the run ends."""
        with contextlib.suppress(OSError):
            self._spare.unlink(missing_ok=True)


def _sync(directory: Path) -> None:
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class Traffic:
    """``traffic.log``: ``<epoch> <from> > <to> <line>`` for every line of every pipe."""

    def __init__(self, path: Path) -> None:
        self.fault = ""
        """Why nothing is written any more; empty while all is well."""
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._gathered = bytearray()

    def note(self, source: str, target: str, line: bytes) -> None:
        """One line, without its newline."""
        self._gathered += b"%.6f %s > %s %s\n" % (time.time(), source.encode(), target.encode(), line)
        if len(self._gathered) >= _GATHER:
            self.flush()

    def flush(self) -> None:
        """Let followers see it."""
        data = memoryview(bytes(self._gathered))
        self._gathered.clear()
        try:
            while data and not self.fault:
                data = data[os.write(self._file, data):]
        except OSError as fault:
            self.fault = f"{self._path} cannot be written: {fault.strerror}; the run goes on without it"

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        os.close(self._file)
