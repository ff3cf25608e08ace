"""How big a GNU tar dump of a directory would be, at several levels in one walk.

Promises, within the limits told below, tar's own size: 512 bytes a header, long names, directory lists, hard links
once, holes of sparse files left out, files changed since a level's base, everything in directories that the base does
not know and below them, and everything below (but not in) directories that were renamed.  It does not see files that
change later, extended attributes, or more than one map block of a sparse file.
"""

from __future__ import annotations

import os
import stat
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from clientd.selection import Matcher
from clientd.snapshots import Base, name_sum

_BLOCK = 512
_NAME_FITS = 100
_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_SMALL_ENTRIES = 300

_Pending = list[tuple[str, str, int]]
"""Directories to do: path, member name, and as bits the bases for which everything in it is new."""


@dataclass(slots=True)
class _Walk:
    """What one walk sums up.  ``bases`` rise in time; ``sums[n]`` is what changed since the first n bases, not the next."""

    device: int
    times: list[int]
    bases: list[Base | None]
    sums: list[int]
    matcher: Matcher
    seen: set[int]
    extra: list[int]
    common: int = 0
    listed: int = 0


def estimate(top: str, bases: Sequence[Base | None], matcher: Matcher, includes: Sequence[str] | None = None, *,
             lists: bool = True) -> list[int]:
    """Bytes of a dump of ``top`` for each base (None: a full dump), without the padding at the end.  ``lists``: whether a full
    dump has the lists of its directories, as incrementals have.

    Directories that cannot be read count with their own header, as in tar.  OSError when ``top`` itself cannot.
    """
    order = sorted(range(len(bases)), key=lambda place: _time(bases[place]))
    levels = [bases[place] for place in order]
    walk = _Walk(
        device=os.stat(top).st_dev, times=[_time(base) for base in levels], bases=levels,
        sums=[0] * (len(levels) + 1), matcher=matcher, seen=set(), extra=[0] * len(levels),
    )
    if includes is None:
        pending: _Pending = [] if matcher.excludes(".") else [(top, ".", 0)]
    else:
        pending = []
        for name in includes:
            _start(walk, os.path.join(top, name[2:]), name, pending)
    while pending:
        _directory(walk, *pending.pop(), pending)
    sizes = [0] * len(bases)
    for rank, place in enumerate(order):
        # What changed after a later base changed after an earlier one, too.
        sizes[place] = walk.common + walk.extra[rank] + sum(walk.sums[rank + 1:])
        if lists or bases[place] is not None:
            sizes[place] += walk.listed
    return sizes


def _time(base: Base | None) -> int:
    return base.time if base is not None else -1


def _start(walk: _Walk, path: str, name: str, pending: _Pending) -> None:
    try:
        found = os.lstat(path)
    except OSError:
        return
    if walk.matcher.excludes(name):
        return
    if stat.S_ISDIR(found.st_mode):
        pending.append((path, name, 0))
    else:
        # A file that is named itself is compared by its own times, whatever its directory is.
        _add(walk.sums, walk.times, _member(walk, len(name), found), found)


def _directory(walk: _Walk, path: str, name: str, forced: int, pending: _Pending) -> None:
    try:
        descriptor = _open(path)
    except OSError:
        walk.common += _BLOCK
        return
    try:
        found = os.fstat(descriptor)
        length = len(name) + 1
        walk.common += _BLOCK + _long(length)
        if found.st_dev != walk.device:
            walk.listed += _BLOCK  # an empty list
            return
        new, below = _news(walk, found.st_ino, name, forced)
        sums = [0] * len(walk.sums) if new else walk.sums
        listed = 1
        exclude = walk.matcher.excludes if walk.matcher else None
        with os.scandir(descriptor) as entries:
            for entry in entries:
                text = entry.name
                if exclude is not None and exclude(f"{name}/{text}"):
                    continue
                listed += len(text) + 2
                if entry.is_dir(follow_symlinks=False):
                    pending.append((f"{path}/{text}", f"{name}/{text}", below))
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                _add(sums, walk.times, _member(walk, length + len(text), status), status)
        walk.listed += (listed + _BLOCK - 1) & -_BLOCK
    finally:
        os.close(descriptor)
    if new:
        for rank, size in enumerate(sums):
            walk.sums[rank] += size
        for rank in new:  # everything in it, also what is older than the base
            walk.extra[rank] += sum(sums[:rank + 1])


def _news(walk: _Walk, inode: int, name: str, forced: int) -> tuple[list[int], int]:
    """The bases for which everything in a directory is new, and as bits those for which everything below it is."""
    new, below, own = [], 0, None
    for rank, base in enumerate(walk.bases):
        if base is None:
            continue
        known = base.known(inode)
        if known is None or forced >> rank & 1:
            new.append(rank)
            below |= 1 << rank
        else:
            own = name_sum(os.fsencode(name)) if own is None else own
            if own != known:
                below |= 1 << rank
    return new, below


def _open(path: str) -> int:
    try:
        return os.open(path, _FLAGS | os.O_NOATIME)
    except PermissionError:
        return os.open(path, _FLAGS)


def _member(walk: _Walk, length: int, found: os.stat_result) -> int:
    mode = found.st_mode
    if stat.S_ISSOCK(mode):
        return 0
    size = _BLOCK + (_long(length) if length > _NAME_FITS else 0)
    if not stat.S_ISREG(mode):
        return size
    if found.st_nlink > 1:
        if found.st_ino in walk.seen:
            return size
        walk.seen.add(found.st_ino)
    held = min(found.st_size, found.st_blocks * _BLOCK)
    return size + (held + _BLOCK - 1 & -_BLOCK)


def _long(length: int) -> int:
    return 0 if length <= _NAME_FITS else _BLOCK + (length + _BLOCK & -_BLOCK)


def _add(sums: list[int], times: list[int], size: int, found: os.stat_result) -> None:
    changed = max(found.st_mtime_ns, found.st_ctime_ns)
    sums[bisect_right(times, changed)] += size


def is_small(top: str, limit: int = 1024 * 1024) -> bool:
    """Whether a full dump of ``top`` surely has less than ``limit`` bytes; looks at 300 entries at most."""
    pending, count, size = [top], 0, 0
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    count += 1
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_size
                    size += 2 * _BLOCK
                    if count > _SMALL_ENTRIES or size > limit:
                        return False
        except OSError:
            continue
    return True


def is_many(top: str, least: int = 16_384) -> bool:
    """Whether there are ``least`` names below ``top``; looks at no more."""
    pending, count = [top], 0
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    count += 1
                    if count >= least:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
        except OSError:
            continue
    return False
