"""The site's journal of acts: what operators did outside of a run, when, who it was, and the command that does the same.

``acts.jsonl`` of the state directory (`core.catalogue.journal`): facts `OperatorActed`, numbered from 1.  Orders to a live
run, and who started a run, are facts of that run's own journal.
"""

from __future__ import annotations

import os
from pathlib import Path

from core.catalogue.journal import append, newest
from core.client.control import whoami
from core.events.event import OperatorActed

NAME = "acts.jsonl"


def who() -> str:
    """Who acts, as a driver names operators: ``name(uid's name)``; under sudo the name is that of whoever called it."""
    return f"{os.environ.get('SUDO_USER') or whoami()}({whoami()})"


def note(state_dir: Path, command: str, result: str = "OK", at: float | None = None) -> str:
    """Write one act down, on disk before this returns; empty, or why it could not be written: the act itself stands."""
    return append(state_dir / NAME, OperatorActed(who(), command, result), at)


def acts(state_dir: Path, most: int = 500) -> list[tuple[float, OperatorActed]]:
    """The last acts, oldest first, each with its time in seconds since the epoch."""
    found = [(record.at, record.event) for record in newest(state_dir / NAME) if isinstance(record.event, OperatorActed)]
    return found[-most:]
