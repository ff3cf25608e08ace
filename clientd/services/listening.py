"""What a dump program says while it runs, passed on to the server: lines of stderr, and an application's own streams.

Promises that whatever a program says, of any length, gives whole lines on MESG, and that nothing of it stops the dump.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable

from clientd.programs.contract import Dump, Sort
from clientd.streams import Streams
from core.wire.words import clean

_LONGEST_LINE = 4096
_MOST_HELD = 1000
_READ = 32 * 1024
_PREFIX = b"sendbackup: "
_KNOWN = (b"|", b"?")
_OURS = (b"size ", b"end", b"info ", b"start ", b"native-CRC ", b"client-CRC ", b"frame-CRCs ")
"""What of an application's words would be said twice, or would be the end before the end."""


class Listener:
    """Reads a program's stderr in a thread, tells the server line by line and keeps the last strange one.  Up to `speak` it
    tells nothing, unless there is very much."""

    def __init__(self, process: subprocess.Popen[bytes], dump: Dump, mesg: Callable[..., None]) -> None:
        self.last = ""
        self._held: list[str] | None = []
        self._speaking = threading.Lock()
        self._process = process
        self._dump = dump
        self._mesg = mesg
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def speak(self) -> None:
        """Tell what was heard so far, and whatever comes."""
        with self._speaking:
            held, self._held = self._held or (), None
            for line in held:
                self._tell(line)

    def join(self) -> None:
        """Wait for the last line."""
        self._thread.join()

    def _listen(self) -> None:
        source = self._process.stderr
        assert source is not None
        rest = b""
        with source:
            while data := source.read(_LONGEST_LINE):
                *lines, rest = (rest + data).split(b"\n")
                if len(rest) > _LONGEST_LINE:
                    lines.append(rest)
                    rest = b""
                for line in lines:
                    self._hear(line)
            if rest:
                self._hear(rest)

    def _hear(self, line: bytes) -> None:
        text = clean(line.decode("utf-8", "replace"), _LONGEST_LINE)
        sort = self._dump.sort(text)
        if sort is Sort.IGNORED or not text:
            return
        if sort is Sort.STRANGE:
            self.last = text
        told_line = f"{'|' if sort is Sort.NORMAL else '?'} {text}"
        with self._speaking:
            if self._held is not None and len(self._held) < _MOST_HELD:
                self._held.append(told_line)
            else:
                self._tell(told_line)

    def _tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # the data's own way will find out
            self._mesg(line)


class Relay:
    """Passes one stream of an application on, in a thread: INDEX and STATE as they are, MESG line by line."""

    def __init__(self, name: str, source: int, streams: Streams) -> None:
        self._name = name
        self._source = source
        self._streams = streams
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until it is at its end."""
        self._thread.join()

    def _run(self) -> None:
        rest = b""
        with open(self._source, "rb", buffering=0) as source:
            while data := os.read(source.fileno(), _READ):
                if self._name == "MESG":
                    *lines, rest = (rest + data).split(b"\n")
                    if len(rest) > _LONGEST_LINE:
                        lines.append(rest)
                        rest = b""
                    data = b"".join(line + b"\n" for line in map(told, lines) if line)
                with contextlib.suppress(BrokenPipeError):  # the data's own way will find out
                    self._streams.write(self._name, data)
        if rest and (line := told(rest)):
            with contextlib.suppress(BrokenPipeError):
                self._streams.write(self._name, line + b"\n")


def told(line: bytes) -> bytes:
    """A line of an application as the server gets it; empty for one that is ours to say."""
    if line.startswith(_PREFIX):
        return b"" if line.removeprefix(_PREFIX).startswith(_OURS) else line
    return line if line.startswith(_KNOWN) or not line.strip() else b"? " + line
