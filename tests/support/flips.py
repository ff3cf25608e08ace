"""Damage on disk for tests: one byte of a file changed in place, and changed back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PATTERNS = (0xFF, 1, 2, 4, 8, 16, 32, 64, 128)
"""What a byte is xor-ed with: all eight bits at once, and each alone."""


def flip_byte(path: Path, at: int, pattern: int) -> None:
    """Change one byte, by the file system and nothing else."""
    fd = os.open(path, os.O_RDWR)
    try:
        [old] = os.pread(fd, 1, at)
        os.pwrite(fd, bytes([old ^ pattern]), at)
    finally:
        os.close(fd)


@contextmanager
def flipped(path: Path, at: int, pattern: int = 0xFF) -> Iterator[None]:
    """The file with one byte changed, and as it was afterwards."""
    flip_byte(path, at, pattern)
    try:
        yield
    finally:
        flip_byte(path, at, pattern)


def cases(positions: Sequence[int], start: int = 0) -> Iterator[tuple[int, int]]:
    """Each position with one of the patterns, so that all patterns come up equally often."""
    for number, at in enumerate(positions, start):
        yield at, PATTERNS[number % len(PATTERNS)]
