"""Checksums of the catalogue's file, kept beside it while nobody writes: SQLite itself has none.

Whoever writes takes ``catalogue.sqlite.sums`` away first and puts it back when closing; whoever opens compares.  A line
is the CRC-32C of one piece of the database as SQLite reads it, so a write-ahead log counts.  Without the file nothing is
known, and nothing is said: that is so after a crash, until the next writer closes.
"""

from __future__ import annotations

import os
from pathlib import Path

from core.model.crc32c import crc32c

PIECE = 64 * 1024
"""Bytes under one CRC."""
_HEAD = "taperoom catalogue sums 1"


def sums_file(catalogue: Path) -> Path:
    """Where the checksums of a catalogue are."""
    return catalogue.with_name(catalogue.name + ".sums")


def sums_of(data: bytes) -> str:
    """The text of the file for a database of these bytes."""
    view = memoryview(data)
    lines = [f"{crc32c(view[at:at + PIECE]):08x}" for at in range(0, len(data), PIECE)]
    return "\n".join([f"{_HEAD} {len(data)}", *lines, ""])


def write_sums(catalogue: Path, data: bytes) -> None:
    """Put the checksums beside the catalogue.  OSError."""
    file = sums_file(catalogue)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640), "w") as out:
            out.write(sums_of(data))
        os.replace(new, file)
    finally:
        new.unlink(missing_ok=True)


def read_sums(catalogue: Path) -> str | None:
    """The text of the file; None when there is none.  OSError."""
    try:
        return sums_file(catalogue).read_bytes().decode("ascii", "replace")
    except FileNotFoundError:
        return None


def difference(data: bytes, text: str) -> str:
    """Where a database differs from its checksums, as words; empty when it does not."""
    now = sums_of(data)
    if now == text:
        return ""
    head, *lines = text.split("\n")
    head_now, *lines_now = now.split("\n")
    if head != head_now:
        return f"it has {len(data)} bytes, and its checksums begin {head[:60]!r}" if head.startswith(_HEAD) else \
            f"its checksums begin {head[:60]!r}"
    wrong = [n for n in range(max(len(lines), len(lines_now))) if lines[n:n + 1] != lines_now[n:n + 1]]
    at = wrong[0] * PIECE
    more = f" and {len(wrong) - 1} pieces more" if len(wrong) > 1 else ""
    return f"bytes {at} to {min(at + PIECE, len(data)) - 1}{more} are not what was written, or their checksum is not"
