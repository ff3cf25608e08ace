"""One name of an index, and the order in which an index keeps names.  Pure."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

KINDS = " fdlhsbcp"
"""Letters of `Record.kind`, a blank for unknown; their place here is what the file holds.  f file, d directory,
l symbolic link, h hard link, s sparse file, b and c devices, p fifo."""
UNDER = b"\0\0"
"""In a sort key, between the directory and the name in it."""


class Mark(IntEnum):
    """What a name is in a dump."""

    PRESENT = 0
    """It was there, but is not in this dump."""
    FILE = 1
    DIRECTORY = 2


class Record(NamedTuple):
    """One name; a tuple, since there are millions.  ``size`` is a file's own, also for a sparse one; ``offset`` the byte of the
    unpacked archive at which the member's first header block begins.  −1: not known.

    A directory that is not in the dump itself, though something below it is, is PRESENT with kind ``d``.
    """

    path: bytes
    """From the disk's top, no slashes at the ends; ``b""`` is the top."""
    mark: Mark
    kind: str = ""
    size: int = -1
    mtime: int = -1
    """Seconds since 1970."""
    offset: int = -1


def directory_key(directory: bytes) -> bytes:
    """What the keys of everything below ``directory`` begin with, but for the names in the top."""
    return directory.replace(b"/", b"\0")


def sort_key(path: bytes) -> bytes:
    """Bytes whose order is that of an index: by directory, then by name, and all that is below a directory together.

    A blank of two NULs ends the directory, one NUL stands for a slash: no name has a NUL, so ``a`` comes before ``a/b``,
    and both before ``a-b``.
    """
    directory, _, name = path.rpartition(b"/")
    return directory.replace(b"/", b"\0") + UNDER + name
