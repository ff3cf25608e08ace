"""A program that reads a directory and is led nowhere else: symbolic links below it are not followed.

GNU tar opens what it found by a path of several names and refuses a link only as the last of them.  A user who swaps one of
his directories for a link at that moment has files dumped that are not his, and may ask for them back.  Linux 5.14 can
forbid that for a mount, so the program gets a view of the directory that is mounted that way, in a mount namespace of its
own.  That takes root's rights; elsewhere links are followed as ever, and `check` says so.
"""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable
from functools import cache

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442  # alike on every machine but Alpha
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_CLONE_NEWNS, _OPEN_TREE_CLONE, _MOVE_FROM_EMPTY_PATH = 0x20000, 1, 4
_MS_REC, _MS_SLAVE, _NOSYMFOLLOW = 0x4000, 0x80000, 0x200000


class _Attributes(ctypes.Structure):
    """``struct mount_attr``."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "namespace")]


def enter(top: int) -> Callable[[], None]:
    """What a child does between fork and exec: it goes into the open directory ``top``, where no link leads out of it if
    that is possible.  OSError when even the directory cannot be entered."""
    library = _library()

    def go() -> None:
        os.fchdir(top)
        if library is None:
            return
        try:
            _go_behind_a_mount(library)
        except OSError:
            os.fchdir(top)

    return go


@cache
def possible() -> bool:
    """Whether this process may have that view."""
    library = _library()
    if library is None:
        return False
    child = os.fork()
    if child == 0:
        try:
            os.chdir("/")
            _go_behind_a_mount(library)
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


@cache
def _library() -> ctypes.CDLL | None:
    if os.geteuid() != 0 or platform.system() != "Linux" or platform.machine() == "alpha":
        return None
    return ctypes.CDLL(None, use_errno=True)


def _go_behind_a_mount(library: ctypes.CDLL) -> None:
    """From the working directory into a view of it that follows no links; what is mounted below it is there, too."""
    _good(library.unshare(_CLONE_NEWNS))
    # What others unmount meanwhile goes away here, too; what is mounted here is seen by nobody else.
    _good(library.mount(None, b"/", None, ctypes.c_ulong(_MS_REC | _MS_SLAVE), None))
    view = _good(library.syscall(
        ctypes.c_long(_OPEN_TREE), _AT_FDCWD, b".", ctypes.c_uint(_OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC)))
    wanted = _Attributes(_NOSYMFOLLOW, 0, 0, 0)
    _good(library.syscall(ctypes.c_long(_MOUNT_SETATTR), view, b"", ctypes.c_uint(_AT_EMPTY_PATH), ctypes.byref(wanted),
                          ctypes.c_size_t(ctypes.sizeof(wanted))))
    _good(library.syscall(ctypes.c_long(_MOVE_MOUNT), view, b"", _AT_FDCWD, b".", ctypes.c_uint(_MOVE_FROM_EMPTY_PATH)))
    os.fchdir(view)


def _good(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
