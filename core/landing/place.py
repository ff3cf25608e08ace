"""Reaching what is below a directory that somebody else may write in, too: each directory on the way is opened from the one
above it, never through a link, and everything is done to what is open.

Whoever owns a directory that is restored to can put another thing in the place of one below it at any moment.  What was opened
stays what it is, so that leads nobody out.  Files are moved by rename within one file system: each appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from core.errors import UsageError, WorldError
from core.landing.state import Look

_WAY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40
_MOST_OPEN = 64
"""Directories of one way that stay open at once, from the top on; the last one comes on top."""
Identity = tuple[int, int]
"""Of a file system, and of what is in it."""


def open_top(path: Path, *, make: bool = False, links: bool = True) -> int:
    """That directory, open to be read.  OSError; UsageError RST030.

    With ``make`` it is made, and what is not there above it; FileExistsError when it is there.  Without ``links`` no link on
    the way is followed; root never follows one that another user made.
    """
    left = _parts(os.fsencode(path.absolute()))
    followed, made = 0, False
    at = os.open("/", _WAY)
    try:
        while left:
            part, made = left.pop(), False
            try:
                below = os.open(part, _WAY, dir_fd=at)
            except FileNotFoundError:
                if not make:
                    raise
                os.mkdir(part, dir_fd=at)
                below, made = os.open(part, _WAY, dir_fd=at), True
            except NotADirectoryError:
                followed += 1
                if not links or followed > _MOST_LINKS:
                    raise
                to = _link(part, at, path)
                if to.startswith(b"/"):
                    os.close(at)
                    at = os.open("/", _WAY)
                left += _parts(to)
                continue
            os.close(at)
            at = below
        if make and not made:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=at)
    finally:
        os.close(at)


def _parts(path: bytes) -> list[bytes]:
    """Its names, the last one first."""
    return [part for part in path.split(b"/") if part not in (b"", b".")][::-1]


def _link(name: bytes, at: int, path: Path) -> bytes:
    """Where a link leads.  NotADirectoryError when it is none; UsageError RST030 when it is not to be followed."""
    link = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    try:
        found = os.fstat(link)
        if not stat.S_ISLNK(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
        if os.geteuid() == 0 and found.st_uid != 0:
            raise UsageError("RST030", f"{path}: {os.fsdecode(name)} is a link that another user made, and root follows none",
                             "name the directory that it leads to")
        return os.readlink(b"", dir_fd=link)
    finally:
        os.close(link)


class Below:
    """Names below a directory, which is open as ``top`` and stays the caller's; ``shown`` is its name in messages.  ``made``:
    directories that were made here, and which they are.

    Every method raises OSError with the whole name.
    """

    def __init__(self, top: int, shown: bytes) -> None:
        self.top, self.shown = top, shown
        self.made: dict[bytes, Identity] = {}
        self._way: list[tuple[bytes, int]] = []

    def close(self) -> None:
        """Let go of what is open on the way to the last name."""
        while self._way:
            self._back()

    def __enter__(self) -> Below:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def path(self, name: bytes) -> bytes:
        """A name for messages; ``b""`` is the directory itself."""
        return self.shown + b"/" + name if name else self.shown

    def above(self, name: bytes, *, make: bool = False) -> tuple[int, bytes]:
        """The directory that a name is in, open until the next call, and the last part of the name.  With ``make`` what is
        not there on the way is made."""
        *parents, last = name.split(b"/")
        same = 0
        while same < min(len(self._way), len(parents)) and self._way[same][0] == parents[same]:
            same += 1
        while len(self._way) > same or (self._way and self._way[-1][1] < 0):
            self._back()
        with self._named(name):
            for depth in range(len(self._way), len(parents)):
                self._on(b"/".join(parents[:depth + 1]), parents[depth], make)
        return self._at(), last

    def _on(self, name: bytes, part: bytes, make: bool) -> None:
        """One directory further."""
        at, made = self._at(), False
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o700, dir_fd=at)
                made = True
        self._way.append((part, os.open(part, _WAY, dir_fd=at)))
        if made and _is_new(self._way[-1][1]):
            self.made[name] = identity_of(self._way[-1][1])
        if len(self._way) > _MOST_OPEN + 1:
            passed, opened = self._way[-2]
            os.close(opened)
            self._way[-2] = (passed, -1)

    def _at(self) -> int:
        return self._way[-1][1] if self._way else self.top

    def _back(self) -> None:
        if (opened := self._way.pop()[1]) >= 0:
            os.close(opened)

    @contextlib.contextmanager
    def _named(self, name: bytes) -> Iterator[None]:
        try:
            yield
        except OSError as fault:
            raise OSError(fault.errno, fault.strerror, self.path(name)) from fault

    def stat(self, name: bytes) -> os.stat_result:
        """What is there, not through a link."""
        if not name:
            return os.fstat(self.top)
        at, last = self.above(name)
        with self._named(name):
            return os.stat(last, dir_fd=at, follow_symlinks=False)

    def find(self, name: bytes) -> os.stat_result | None:
        """The same; None when it cannot be reached."""
        try:
            return self.stat(name)
        except OSError:
            return None

    @contextlib.contextmanager
    def directory(self, name: bytes) -> Iterator[int]:
        """A directory, open as long as this lasts."""
        at, last = self.above(name)
        with self._named(name):
            opened = os.open(last, _WAY, dir_fd=at)
        try:
            with self._named(name):
                yield opened
        finally:
            os.close(opened)

    def make(self, name: bytes) -> None:
        """Make a directory that only we may enter, unless it is there; and what is not there above it."""
        with self._named(name):
            self.above(name + b"/", make=True)

    def unlink(self, name: bytes) -> None:
        """Remove a name that is no directory."""
        at, last = self.above(name)
        with self._named(name):
            os.unlink(last, dir_fd=at)

    def take(self, other: Below, theirs: bytes, name: bytes) -> None:
        """Move what is called ``theirs`` below another directory to ``name`` here."""
        source, theirs_last = other.above(theirs)
        at, last = self.above(name, make=True)
        with self._named(name):
            os.rename(theirs_last, last, src_dir_fd=source, dst_dir_fd=at)

    def link(self, first: bytes, name: bytes) -> None:
        """A second name for what is in its place; another file that has it already gives way."""
        at, last = self.above(name, make=True)
        held = os.dup(at)  # the way to the first name is another one
        try:
            with self._named(name):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(last, dir_fd=held)
                source, first_last = self.above(first)
                os.link(first_last, last, src_dir_fd=source, dst_dir_fd=held, follow_symlinks=False)
        finally:
            os.close(held)


def fault_of(error: OSError, otherwise: bytes) -> WorldError:
    """A file system that refuses, as a fault."""
    name = error.filename if error.filename is not None else otherwise
    return WorldError("RST025", f"{os.fsdecode(name)}: {error.strerror}",
                      "what is in its place stays; make room, or restore the rest elsewhere")


def prospects(to: Path, opened: int) -> tuple[str, int]:
    """Why nothing can be written into a directory (``opened``, or −1 where it is not there yet), empty where it can; and how
    many bytes are free for us on its file system, −1 where that is not known."""
    where = Path(_name_of(opened)) if opened >= 0 else to.absolute()
    while opened < 0 and not where.exists() and where != where.parent:
        where = where.parent
    try:
        system = os.statvfs(where)
    except OSError as fault:
        return f"{to}: {fault.strerror}", -1
    shown = to if opened >= 0 else where
    free = (system.f_bfree if os.geteuid() == 0 else system.f_bavail) * system.f_frsize if system.f_blocks else -1
    if system.f_flag & os.ST_RDONLY:
        return f"{shown} is on a file system that is mounted read-only", free
    if not os.access(where, os.W_OK | os.X_OK, effective_ids=True):
        return f"this user may not write in {shown}", free
    return "", free


def _name_of(opened: int) -> str:
    """A name for what is open, for calls that take no descriptor of a directory that may not be read."""
    return f"/proc/self/fd/{opened}"


def identity_of(opened: int) -> Identity:
    """Which directory it is."""
    found = os.fstat(opened)
    return found.st_dev, found.st_ino


def _is_new(opened: int) -> bool:
    """Whether a directory is as one that we made just now, and not another that was put into its place."""
    found = os.fstat(opened)
    return found.st_uid == os.geteuid() and not found.st_mode & 0o077 and not names_in(opened)


def make_passable(opened: int) -> None:
    """Let us into a directory.  OSError."""
    os.chmod(_name_of(opened), 0o700)


def close_to_others(opened: int) -> None:
    """Make a directory ours, and let nobody else in.  OSError."""
    make_passable(opened)
    if os.geteuid() == 0:
        os.chown(_name_of(opened), 0, 0)


def names_in(opened: int) -> set[bytes]:
    """The names in a directory.  OSError."""
    return set(os.listdir(os.fsencode(_name_of(opened))))


def look_of(opened: int) -> Look:
    """How a directory looks; it is made passable, since what is in it will be moved out.  OSError."""
    found, at = os.fstat(opened), _name_of(opened)
    if found.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        make_passable(opened)  # or nobody but root could move out what is in it
    attributes: dict[str, bytes] = {}
    with contextlib.suppress(OSError):  # a file system without attributes
        attributes = {name: os.getxattr(at, name) for name in os.listxattr(at)}
    return Look(stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, found.st_atime_ns, found.st_mtime_ns, attributes)


def dress(opened: int, look: Look | None) -> None:
    """Owner, attributes, mode and times, in the order in which one does not undo the other.  OSError."""
    at = _name_of(opened)
    if look is None:
        os.chmod(at, 0o755)
        return
    if os.geteuid() == 0:
        os.chown(at, look.uid, look.gid)
    for name, value in look.attributes.items():
        # Some are the kernel's own and cannot be set; tar said so when it mattered.
        with contextlib.suppress(OSError):
            os.setxattr(at, name, value)
    os.chmod(at, look.mode)
    os.utime(at, ns=(look.atime, look.mtime))
