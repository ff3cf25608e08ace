"""Putting what was extracted where the operator wants it.

Files are moved by rename from a directory inside the target, so each appears whole or not at all; directories get
their modes, owners, times and attributes last.  Nothing outside the target is touched: a link in the target is never
followed.  A file that is there already is kept unless overwriting was asked for.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import UsageError, WorldError
from core.restore.extract import Extracted
from core.restore.tree import Directory, Node, source_of

_SHOWN = 5


@dataclass(slots=True)
class Placed:
    """How much was placed; ``missing`` did not come out of the dumps although it should have."""

    files: int = 0
    directories: int = 0
    missing: list[bytes] = field(default_factory=list)


def check_target(to: Path, wanted: Mapping[bytes, Node], overwrite: bool) -> bool:
    """Make ``to`` if it is not there, and whether it was made.

    UsageError RST030 when it is no directory; RST031 when files would be overwritten, unless ``overwrite``.
    """
    there = look_at_target(to, wanted)
    taken = there.blocked if overwrite else there.taken + there.blocked
    if taken:
        shown = ", ".join(sorted(taken)[:_SHOWN]) + (" …" if len(taken) > _SHOWN else "")
        raise UsageError("RST031", f"{to} has {len(taken)} of the names already: {shown}",
                         "restore to an empty directory, or ask for overwriting")
    if there.exists:
        return False
    try:
        to.mkdir(parents=True)
    except OSError as fault:
        raise UsageError("RST030", f"{to}: {fault.strerror}", "restore to a directory that you may write") from fault
    return True


@dataclass(frozen=True, slots=True)
class There:
    """A target before a restore: whether it ``exists``; names in it that would be replaced (``taken``), and those that cannot
    be, since one is a directory and the other is not (``blocked``), each with a slash before it."""

    exists: bool
    taken: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()


def look_at_target(to: Path, wanted: Mapping[bytes, Node]) -> There:
    """What a restore to ``to`` would meet; nothing is written.  UsageError RST030 when it is no directory."""
    try:
        if not os.path.lexists(to):
            above = next(path for path in to.absolute().parents if os.path.lexists(path))
            if not above.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(above))
            return There(False)
        if not to.is_dir():
            raise UsageError("RST030", f"{to} is not a directory", "name one that is, or one that does not exist yet")
        if not any(os.scandir(to)):
            return There(True)
    except OSError as fault:
        raise UsageError("RST030", f"{to}: {fault.strerror}", "restore to a directory that you may write") from fault
    root, taken, blocked = os.fsencode(to), list[str](), list[str]()
    for path, node in wanted.items():
        try:
            is_directory = stat.S_ISDIR(os.lstat(root + b"/" + path).st_mode) if path else True
        except (FileNotFoundError, NotADirectoryError):
            continue
        if is_directory != isinstance(node, Directory):
            blocked.append(_show(path))
        elif not is_directory:
            taken.append(_show(path))
    return There(True, tuple(taken), tuple(blocked))


def place(to: Path, made: bool, wanted: Mapping[bytes, Node], extracted: Mapping[int, Extracted]) -> Placed:
    """Move everything of ``wanted`` (path to node, directories before what is in them) to its place below ``to``.

    ``made``: ``to`` is ours, and gets the attributes of the disk's top.  WorldError RST025 when the file system refuses.
    """
    root, done = os.fsencode(to), Placed()
    ours: list[tuple[bytes, _Look]] = []
    real: set[bytes] = set()
    try:
        for path, node in wanted.items():
            if isinstance(node, Directory):
                done.directories += 1
                look = _look(source_of(path, node), extracted.get(node.dump), real)
                if _directory(root, path, made):
                    ours.append((path, look))
                continue
            out = extracted.get(node.dump)
            source = source_of(path, node)
            if out is None or not _there(out.root_of(source), source, real):
                done.missing.append(path)
                continue
            _below(root, path, real)
            os.rename(out.root_of(source) + b"/" + source, root + b"/" + path)
            done.files += 1
        # The deepest first: what is done inside a directory changes its time.
        for path, look in reversed(ours):
            _dress(root + b"/" + path, look)
    except OSError as fault:
        name = os.fsdecode(fault.filename) if isinstance(fault.filename, bytes) else str(fault.filename or to)
        raise WorldError("RST025", f"{name}: {fault.strerror}",
                         "what was placed so far stays; restore the rest elsewhere") from fault
    return done


def _directory(root: bytes, path: bytes, made: bool) -> bool:
    """Make one; whether it is ours to give attributes to."""
    if not path:
        return made
    try:
        os.mkdir(root + b"/" + path, 0o700)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(root + b"/" + path).st_mode):
            raise
        return False
    return True


def _there(root: bytes, path: bytes, real: set[bytes]) -> bool:
    """Whether a path was extracted.  Never through a link: a dump could have one that leads to files of this machine."""
    try:
        _below(root, path, real)
        os.lstat(root + b"/" + path)
    except OSError:
        return False
    return True


def _below(root: bytes, path: bytes, real: set[bytes]) -> None:
    """NotADirectoryError unless every directory between ``root`` and ``path`` is one itself; ``real``: those known."""
    parent = path.rpartition(b"/")[0]
    at = root + b"/" + parent
    if not parent or at in real:
        return
    _below(root, parent, real)
    if not stat.S_ISDIR(os.lstat(at).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), at)
    real.add(at)


@dataclass(frozen=True, slots=True)
class _Look:
    """A directory as it was extracted: noted before its files are moved out, which changes its time."""

    found: os.stat_result | None = None
    attributes: Mapping[str, bytes] = field(default_factory=dict)


def _look(source: bytes, out: Extracted | None, real: set[bytes]) -> _Look:
    if out is None or not _there(out.root_of(source), source, real):
        return _Look()
    at = (out.root_of(source) + b"/" + source).rstrip(b"/")
    found = os.lstat(at)
    if not stat.S_ISDIR(found.st_mode):
        return _Look()
    if found.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        os.chmod(at, 0o700)  # or nobody but root could move out what is in it
    try:
        names = os.listxattr(at, follow_symlinks=False)
        return _Look(found, {name: os.getxattr(at, name, follow_symlinks=False) for name in names})
    except OSError:
        return _Look(found)  # a file system without attributes


def _dress(at: bytes, look: _Look) -> None:
    """Owner, attributes, mode and times, in the order in which one does not undo the other."""
    if look.found is None:
        os.chmod(at, 0o755)
        return
    if os.geteuid() == 0:
        os.chown(at, look.found.st_uid, look.found.st_gid)
    for name, value in look.attributes.items():
        # Some are the kernel's own and cannot be set; tar said so when it mattered.
        with contextlib.suppress(OSError):
            os.setxattr(at, name, value)
    os.chmod(at, stat.S_IMODE(look.found.st_mode))
    os.utime(at, ns=(look.found.st_atime_ns, look.found.st_mtime_ns))


def _show(path: bytes) -> str:
    return "/" + path.decode("utf-8", "replace")


def ancestors(paths: Iterable[bytes]) -> set[bytes]:
    """All directories above ``paths``, the top included."""
    found = {b""}
    for path in paths:
        while path and (path := path.rpartition(b"/")[0]) not in found:
            found.add(path)
    return found
