"""The process at the near end of a connection: an amandad of this machine, or ssh to one.

Promises two pipes of 1 MiB where the system allows it, the last text of the child's stderr for explanations, and that
the process is gone after `close`.  It does not know what is spoken over the pipes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence

from core.errors import PeerError

PIPE_SIZE = 1024 * 1024
"""Bytes that we ask a pipe to hold: with the usual 64 KiB tar and its readers wait for each other."""
_STDERR_KEPT = 4096
_END_WAIT = 3.0


class Child:
    """A running process with `reader` (its stdout) and `writer` (its stdin, non-blocking), both file descriptors."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start ``command`` in a session of its own, so that the terminal's signals are not its business.

        PeerError CLT007 when it cannot be started.
        """
        try:
            self._process = subprocess.Popen(
                list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
                start_new_session=True, env=dict(environment) if environment is not None else None,
            )
        except (OSError, ValueError) as fault:
            name = command[0] if command else ""
            raise PeerError("CLT007", f"{name!r} cannot be started: {_reason(fault)}", try_later=False) from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.reader = self._process.stdout.fileno()
        self.writer = self._process.stdin.fileno()
        os.set_blocking(self.writer, False)
        for pipe in (self.reader, self.writer):
            enlarge(pipe)
        self._tail = bytearray()
        self._drain = threading.Thread(target=self._read_stderr, name="stderr", daemon=True)
        self._drain.start()

    def ended(self, timeout: float = _END_WAIT) -> tuple[int | None, str]:
        """Exit status, None while it still runs after ``timeout`` seconds, and the last text of its stderr."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
            self._drain.join(timeout)
        return self._process.returncode, bytes(self._tail).decode("utf-8", "replace").strip()

    def close(self) -> None:
        """End of file for the child; what has not ended by itself in 3 seconds is killed with its whole group."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            self._process.wait(_END_WAIT)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._drain.join(_END_WAIT)

    def _read_stderr(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        with stream:
            while data := stream.read(_STDERR_KEPT):
                self._tail += data
                del self._tail[:-_STDERR_KEPT]


def enlarge(pipe: int, size: int = PIPE_SIZE) -> None:
    """Ask for ``size`` bytes in ``pipe``; quietly less where the system says no."""
    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, size)


def _reason(fault: Exception) -> str:
    return fault.strerror or str(fault) if isinstance(fault, OSError) else str(fault)
