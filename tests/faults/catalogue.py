"""A catalogue whose file system fails: the nth change of it and all that follow give SQLite's own errors."""

from __future__ import annotations

import sqlite3
from typing import Any

ERRORS = {"ENOSPC": "database or disk is full", "EIO": "disk I/O error", "short": "database disk image is malformed"}


def spoil(nth: int, error: str) -> None:
    """From the ``nth`` statement that changes something on, every connection of this process fails."""
    real, count = sqlite3.connect, 0

    class Spoilt(sqlite3.Connection):
        def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
            nonlocal count
            if sql.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
                count += 1
                if count >= nth:
                    raise sqlite3.OperationalError(ERRORS[error])
            return super().execute(sql, *rest)

    def connect(*words: Any, **more: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = real(*words, **{"factory": Spoilt, **more})
        return made

    sqlite3.connect = connect  # type: ignore[assignment]
