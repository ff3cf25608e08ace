"""A real tar that extracts a stream into a directory of its own, and what it says, judged.

Only GNU tar brings everything back: owners, modes, attributes, ACLs, holes.  It is given nothing but chosen members; links
in them lead nowhere, since it makes those that leave the directory last.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import IO

from core.errors import WorldError

_WORDS = ("--extract", "--file=-", "--preserve-permissions", "--numeric-owner", "--delay-directory-restore",
          "--blocking-factor=256")
"""The last one: tar reads 128 KiB at once instead of 10."""
_MORE = ("--xattrs", "--xattrs-include=*", "--acls")
"""Told so, tar sets an ACL for each file, whether the archive has one or not."""
_GNU = slice(257, 265), b"ustar  \0"
"""What is where in all headers of an archive in GNU format, which has no place for attributes."""
_GATHERED = 64 * 1024
"""Bytes of small members that are written at once; what is larger is not copied."""
_PIPE = 1024 * 1024
"""Bytes that wait for tar at most, where the system allows it: whoever reads and sums goes on meanwhile."""
_FATAL = re.compile(r"No space left|Disk quota|Input/output error|Read-only file system|Unexpected EOF|Skipping to next"
                    r"|Wrote only|Cannot write|rite error")
_NOISE = re.compile(r"Exiting with failure status|Error exit delayed|implausibly old time stamp|in the future|support is not")
_SAID = 1 << 20


class Tar:
    """One tar under way.  It keeps the descriptor ``lock`` open: as long as it lives, nobody else takes its room."""

    def __init__(self, to: Path, shown: Path, lock: int, program: str = "tar") -> None:
        """``to`` may be a name that only this process has; messages call it ``shown``."""
        self._to, self._shown, self._lock, self._program = to, shown, lock, program
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: IO[bytes] = io.BytesIO()
        self._said: IO[bytes] = io.BytesIO()

    def _start(self, begin: memoryview | bytes) -> None:
        """The archive begins so: what must be told the tar.  WorldError RST025 when its directory cannot be entered or there is
        no tar."""
        more = () if bytes(begin[_GNU[0]]) == _GNU[1] else _MORE
        try:
            self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it is open as long as the child
            self._child = subprocess.Popen(
                [self._program, *_WORDS, *more], cwd=self._to, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                stderr=self._said, bufsize=_GATHERED, env=_environment(), pass_fds=(self._lock,))
        except OSError as fault:
            at = self._program if fault.filename == self._program else self._shown
            raise WorldError("RST025", f"{at}: {fault.strerror}",
                             "restore to a directory that you may write") from fault
        assert self._child.stdin is not None
        self._pipe = self._child.stdin
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE)

    def write(self, piece: memoryview | bytes) -> None:
        """See `Writer`."""
        if self._child is None:
            self._start(piece)
        self._pipe.write(piece)

    def finish(self) -> list[str]:
        """See `Writer`."""
        if self._child is None:
            self._start(b"")
        assert self._child is not None
        with contextlib.suppress(BrokenPipeError):
            self._pipe.close()
        status, self._child = self._child.wait(), None
        self._said.seek(0)
        text = self._said.read(_SAID).decode("utf-8", "replace")
        self._said.close()
        return _judge(status, text, self._shown)

    def kill(self) -> None:
        """See `Writer`."""
        if self._child is None:
            return
        child, self._child = self._child, None
        child.kill()
        child.wait()
        with contextlib.suppress(BrokenPipeError):
            self._pipe.close()
        self._said.close()


def _judge(status: int, text: str, to: Path) -> list[str]:
    lines = [line.removeprefix("tar: ") for line in text.splitlines() if not _NOISE.search(line)]
    if status < 0 or status > 2 or any(_FATAL.search(line) for line in lines):
        why = next((line for line in lines if _FATAL.search(line)), lines[-1] if lines else f"tar ended with status {status}")
        full = "No space left: " if "Wrote only" in why else ""  # which is all that tar says of a write that was cut short
        raise WorldError("RST025", f"{to}: {full}{why}", "make room, or restore to another directory")
    return lines


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "TAR_OPTIONS"} | {"LC_ALL": "C"}
