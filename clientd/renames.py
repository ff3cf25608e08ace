"""Directories that were renamed since the base of an incremental: whether GNU tar understood what happened.

tar knows a directory by its inode, and tells of renames before anything else.  One that took the name of another, or that came
out of a renamed one, it may name wrongly, in the dump as in the snapshot that the next one goes on from; then unchanged files
of it are in no dump where a restore looks for them, or tar cannot do again what it tells.  Promises to find that out before a
byte of the dump went anywhere: it is made again then, with a base that does not know what was moved, so that all of that is in
it.
"""

from __future__ import annotations

import os
import stat
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path

from clientd.snapshots import Known, directories_in, name_sum, read_base
from core.wire.tar_index import TarIndexer
from core.wire.tar_quoting import unquote_name

Pair = tuple[bytes, bytes]
"""A directory's old name and its new one, ``./a/b``; empty where tar has a temporary one in between."""
Renames = Sequence[Pair]
_READ = 128 * 1024
_MOST = 64 * 1024 * 1024
"""Bytes of an archive's first member that are looked at: it has all names of the top, and the renames."""


def head_of(source: int) -> tuple[bytes, list[Pair] | None]:
    """What an archive begins with, from a pipe, to the end of its first member at least, and the renames that it tells of; None
    where these are more than can be looked at."""
    head, members, told = bytearray(), list[int](), list[Pair]()

    def listed(line: bytes) -> None:
        old, between, new = line.partition(b"\t")
        if between:
            told.append((_named(old), _named(new)))

    indexer = TarIndexer(lambda offset, *_: members.append(offset), listed)
    while len(members) < 2:
        if len(head) >= _MOST:
            return bytes(head), None
        data = os.read(source, _READ)
        if not data:
            break
        head += data
        indexer.feed(memoryview(data))
    return bytes(head), told


def _named(path: bytes) -> bytes:
    """As tar has it."""
    return b"." + unquote_name(path) if path else b""


def understood(told: Renames, base: Path, top: int) -> bool:
    """Whether each directory that tar says to be renamed, below the open directory ``top``, was what it says in ``base``, and
    has a name that nothing had: then tar names everything rightly, and can do it again."""
    known = read_base(base, os.fstat(top).st_dev)
    if known is None:
        return False
    names, formerly = known.names(), {new: old for old, new in told}
    places: dict[bytes, set[bytes]] = {}
    for old, new in told:
        try:
            found = os.stat(new, dir_fd=top, follow_symlinks=False)
        except OSError:
            return False
        above, _, name = new.rpartition(b"/")
        place = _before(above, formerly)
        if known.known(found.st_ino) != name_sum(old) or not stat.S_ISDIR(found.st_mode) or _in(names, new) or _in(
                names, place + b"/" + name):
            return False
        places.setdefault(place, set()).add(name)
    return not _held(base, places)


def _before(name: bytes, formerly: Mapping[bytes, bytes]) -> bytes:
    """The name that a directory had, which came along with a renamed one."""
    above = name
    while above:
        if above in formerly:
            return formerly[above] + name[len(above):]
        above = above.rpartition(b"/")[0]
    return name


def _in(names: array[int], name: bytes) -> bool:
    wanted = name_sum(name)
    at = bisect_left(names, wanted)
    return at < len(names) and names[at] == wanted


def _held(base: Path, places: Mapping[bytes, Iterable[bytes]]) -> bool:
    """Whether a directory had a file of one of its names."""
    with base.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as data:
        return any(data.find(b"\0%s%s\0" % (kind, name), known.begin, known.end) >= 0
                   for known in directories_in(data) for name in places.get(known.name, ()) for kind in (b"Y", b"N"))


def gone(top: int) -> Callable[[Known], bool]:
    """Of a directory of the base: whether another one, or none, has its name below the open directory ``top``."""
    def is_gone(known: Known) -> bool:
        try:
            found = os.stat(known.name, dir_fd=top, follow_symlinks=False)
        except OSError:
            return True
        return found.st_ino != known.inode or (found.st_dev != known.device and not known.nfs)
    return is_gone
