"""Starting our programs without loading them: a fork of this process, which has loaded all of them, becomes the program.

Most of what a night of the crash matrix costs is a dozen Python programs loading their modules.  Here each of them is still
a process of its own, child of the one that started it, with the pipes, the session, the environment and the signals that it
would have: only the call of exec is left out.  ``tar`` and whatever else is no program of ours is started as always.  What
a process is cannot be seen in /proc then, so each says it in ``$TAPEROOM_CRASH/processes``.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import gc
import importlib
import os
import pickle
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn, TextIO, cast

from core.holding import chunk
from tests.crash.hook import sitecustomize as hook

PROGRAMS = ("core.amdump", "core.planner", "core.driver", "core.dumper", "core.taper", "clientd.amandad")
LOADED_LATER = ("core.config.load", "core.catalogue.fold", "core.catalogue.rebuild", "core.events.codec", "core.report.gather",
                "clientd.services.registry", "clientd.programs.gnutar", "clientd.streams", "clientd.snapshots")
"""What programs load when they need it."""
_real: Callable[..., int] = subprocess._fork_exec  # type: ignore[attr-defined]
SPARES = 6
"""Programs that a driver starts so: its taper, its dumpers, and some in the place of those that die."""
_spares: list[Spare] = []
_kept: list[object] = []
"""Objects of an ancestor whose end would do something: it must not come in this process."""


@contextlib.contextmanager
def starting() -> Iterator[None]:
    """Meanwhile `subprocess` starts our programs so, here and in all that come of them; as always on a Python that it is not
    known of."""
    if not (3, 11) <= sys.version_info < (3, 14):
        yield
        return
    for name in PROGRAMS:
        importlib.import_module(f"{name}.__main__" if name.startswith("core.") else name)
    for name in LOADED_LATER:
        importlib.import_module(name)
    subprocess._fork_exec = _start  # type: ignore[attr-defined]
    try:
        yield
    finally:
        subprocess._fork_exec = _real  # type: ignore[attr-defined]


def _start(args: Sequence[Any], *rest: Any) -> int:
    """In the place of ``_posixsubprocess.fork_exec``, which has these arguments (Python 3.11)."""
    words = [os.fsdecode(word) for word in args]
    if words[:3] != [sys.executable, "-P", "-m"] or words[3] not in PROGRAMS:
        return _real(args, *rest)
    (_, _, keep, cwd, env, stdin, _, _, stdout, _, stderr, _, told, _, new_session) = rest[:15]
    order = Order(words, env, cwd, (stdin, stdout, stderr), tuple({*keep} - {told}), new_session)
    if "core.driver" in sys.orig_argv:
        return _spares.pop(0).obeys(order, told) if _spares else _real(args, *rest)
    pid = os.fork()
    if not pid:
        _carry_out(order)
    return pid


@dataclass(frozen=True)
class Order:
    """What program to be, and with what; ``streams``: descriptors for 0 to 2, −1 as they are, ``keep`` others that stay."""

    words: list[str]
    env: Sequence[bytes] | None
    cwd: Any
    streams: tuple[int, int, int]
    keep: tuple[int, ...]
    new_session: bool


def _carry_out(order: Order) -> NoReturn:
    code = 70
    try:
        _become(order)
        code = _run(order.words)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


class Spare:
    """A child of the driver that waits to become a program.  SQLite in a process that was forked while its catalogue was open
    would take the driver's locks for its own, so these are forked before."""

    def __init__(self) -> None:
        here, there = socket.socketpair()
        me, hook._me = hook._me, ""  # nobody yet
        self.pid = os.fork()
        if not self.pid:
            _wait(there)
        hook._me = me
        there.close()
        self._line = here

    def obeys(self, order: Order, told: int) -> int:
        """Send it on its way; its process id.  ``told``: the pipe that whoever starts it waits for."""
        streams = [fd for fd in order.streams if fd != -1]
        mask = os.umask(0)
        os.umask(mask)
        assert not order.keep
        socket.send_fds(self._line, [pickle.dumps((order, mask))], [told, *streams])
        self._line.close()
        return self.pid


def _wait(line: socket.socket) -> NoReturn:
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    _close({line.fileno()})
    signal.set_wakeup_fd(-1)
    said, fds, _, _ = socket.recv_fds(line, 1 << 18, 4)
    if not said:
        os._exit(0)  # the driver has ended
    order, mask = pickle.loads(said)
    os.umask(mask)
    _, *streams = fds
    own = [streams.pop(0) if fd != -1 else -1 for fd in order.streams]
    _carry_out(replace(order, streams=(own[0], own[1], own[2])))


def _close(keep: set[int]) -> None:
    for fd in [int(name) for name in os.listdir("/proc/self/fd")]:
        if fd > 2 and fd not in keep:
            with contextlib.suppress(OSError):
                os.close(fd)


def _become(order: Order) -> None:
    """What exec and the start of Python would do to this process."""
    if order.env is not None:
        os.environ.clear()
        os.environb.update(tuple(entry.split(b"=", 1)) for entry in order.env)  # type: ignore[arg-type]
    for number, source in enumerate(order.streams):
        assert source == -1 or source > 2, order
        if source != -1:
            os.dup2(source, number)
    if order.new_session:
        os.setsid()
    if order.cwd is not None:
        os.chdir(order.cwd)
    signal.set_wakeup_fd(-1)
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    hook.born(order.words[3], os.environ["TAPEROOM_CRASH"])
    _close(set(order.keep))  # whoever starts us waits until its pipe is closed: from here on we are the program
    _forget()
    sys.orig_argv = order.words
    hook.enter(order.words, watched="TAPEROOM_UNWATCHED" not in os.environ)
    for name in ("write", "pwrite", "fsync"):  # it has these calls from before they were watched
        object.__setattr__(chunk.SYSTEM, name, getattr(os, name))
    _spares[:] = [Spare() for _ in range(SPARES)] if "core.driver" in order.words else []


def _forget() -> None:
    """What this interpreter knows of the programs that it was before."""
    atexit._clear()
    sys.settrace(None)
    sys.excepthook, sys.unraisablehook = sys.__excepthook__, sys.__unraisablehook__
    threading.excepthook = threading.__excepthook__
    warnings.simplefilter("ignore")
    asyncio.events._set_running_loop(None)
    asyncio.set_event_loop_policy(None)
    _kept.append((sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__))
    sys.stdin, sys.stdout = _stream(0, "r", "surrogateescape"), _stream(1, "w", "surrogateescape")
    sys.stderr = _stream(2, "w", "backslashreplace")
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    from core.catalogue import store

    store._seen.clear()
    gc.freeze()


def _stream(fd: int, mode: str, errors: str) -> TextIO:
    return cast(TextIO, os.fdopen(fd, mode, 1 if fd == 2 else -1, "utf-8", errors, closefd=False))


def _run(words: list[str]) -> int:
    """The program; its exit status."""
    sys.argv = words[3:]
    code: object = 0
    try:
        runpy.run_module(words[3], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    with contextlib.suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if isinstance(code, str):
        print(code, file=sys.stderr)
    return code if isinstance(code, int) else int(code is not None)

