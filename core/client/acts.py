"""The site's journal of acts: what operators did outside of a run, when, who it was, and the command that does the same.

``acts.jsonl`` of the state directory, lines as a run's journal has them (`core.events.codec`): facts `OperatorActed`, numbered
from 1.  Orders to a live run, and who started a run, are facts of that run's own journal.  A torn last line, left by a crash,
is ended and never read.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

from core.client.control import whoami
from core.events.codec import decode, encode
from core.events.event import OperatorActed, Record

NAME = "acts.jsonl"
_TAIL = 1 << 18
"""Bytes at the end that are looked at."""


def who() -> str:
    """Who acts, as a driver names operators: ``name(uid's name)``; under sudo the name is that of whoever called it."""
    return f"{os.environ.get('SUDO_USER') or whoami()}({whoami()})"


def note(state_dir: Path, command: str, result: str = "OK", at: float | None = None) -> str:
    """Write one act down, on disk before this returns; empty, or why it could not be written: the act itself stands."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        journal = os.open(state_dir / NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(journal, fcntl.LOCK_EX)
            data = _tail(journal)
            torn = b"" if not data or data.endswith(b"\n") else b"\n"
            seq = max((record.seq for record in _records(data + torn)), default=0) + 1
            record = Record(seq, time.time() if at is None else at, OperatorActed(who(), command, result))
            os.write(journal, torn + encode(record))
            os.fsync(journal)
        finally:
            os.close(journal)
    except OSError as fault:
        return fault.strerror or str(fault)
    return ""


def acts(state_dir: Path, most: int = 500) -> list[tuple[float, OperatorActed]]:
    """The last acts, oldest first, each with its time in seconds since the epoch."""
    with contextlib.suppress(OSError):
        journal = os.open(state_dir / NAME, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = _tail(journal)
        finally:
            os.close(journal)
        found = [(record.at, record.event) for record in _records(data) if isinstance(record.event, OperatorActed)]
        return found[-most:]
    return []


def _tail(journal: int) -> bytes:
    size = os.fstat(journal).st_size
    data = os.pread(journal, _TAIL, max(0, size - _TAIL))
    return data if size <= _TAIL else data.partition(b"\n")[2]


def _records(data: bytes) -> list[Record]:
    return [record for line in data.split(b"\n")[:-1] if (record := decode(line)) is not None]
