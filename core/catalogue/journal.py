"""A journal of the site: facts that belong to no run, in a file of the state directory, lines as a run's journal has them.

Each writer appends under a lock and is on disk before `append` returns.  A torn last line, left by a crash, is ended and
never read; a damaged line costs its own fact.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from core.events.codec import decode, encode
from core.events.event import Event, Record

TAIL = 1 << 18
"""Bytes at the end that are looked at for the last number, and by who wants only what is new."""


def append(journal: Path, event: Event, at: float | None = None) -> str:
    """Write one fact down, on disk before this returns; empty, or why it could not be written."""
    try:
        journal.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        file = os.open(journal, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            data = _tail(file)
            torn = b"" if not data or data.endswith(b"\n") else b"\n"
            seq = max((record.seq for record in _records(data + torn)), default=0) + 1
            os.write(file, torn + encode(Record(seq, time.time() if at is None else at, event)))
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as fault:
        return fault.strerror or str(fault)
    return ""


def newest(journal: Path) -> list[Record]:
    """The facts of the last `TAIL` bytes, oldest first; none when there is no journal that can be read."""
    try:
        file = os.open(journal, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return _records(_tail(file))
        finally:
            os.close(file)
    except OSError:
        return []


def everything(journal: Path) -> list[Record]:
    """All facts, oldest first; none when there is no journal.  OSError when it cannot be read."""
    try:
        return _records(journal.read_bytes())
    except FileNotFoundError:
        return []


def _tail(file: int) -> bytes:
    size = os.fstat(file).st_size
    data = os.pread(file, TAIL, max(0, size - TAIL))
    return data if size <= TAIL else data.partition(b"\n")[2]


def _records(data: bytes) -> list[Record]:
    return [record for line in data.split(b"\n")[:-1] if (record := decode(line)) is not None]
