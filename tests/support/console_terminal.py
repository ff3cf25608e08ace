"""A real terminal for the console: a pty with pyte behind it, which answers what a terminal answers."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

PATIENCE = 30.0
"""Seconds after which a test gives up; nothing waits that long when all is well."""

_NOT_FOR_PYTE = re.compile(rb"\x1b\[[<>=][\d;]*[A-Za-z]|\x1b\[\?[\d;]*\$p|\x1b\][^\x07]*\x07")


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class ConsoleTerminal:
    """``python -P -m tui`` with these arguments (or another ``program``) on a terminal of that size."""

    piece = 1 << 16
    """Bytes that are taken in at once."""
    silent = False
    """Does not answer."""

    def __init__(
        self, *arguments: str, width: int = 80, height: int = 24, program: tuple[str, ...] = ("-P", "-m", "tui"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.master, self.slave = pty.openpty()
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self.screen)
        self.resize(width, height)
        self.before = termios.tcgetattr(self.slave)
        self.sent = bytearray()
        self._own = tempfile.TemporaryDirectory(prefix="console-")
        root = Path(__file__).parents[2]
        plain = {k: v for k, v in os.environ.items() if not k.startswith("TEXTUAL") and k not in ("NO_COLOR", "COLORTERM")}
        self.process = subprocess.Popen(
            [sys.executable, *program, *arguments], stdin=self.slave, stdout=self.slave, stderr=self.slave, cwd=root,
            env={**plain, "TERM": "xterm-256color", "TZ": "UTC", "PYTHONPATH": str(root),
                 "XDG_STATE_HOME": self._own.name, "XDG_CONFIG_HOME": self._own.name, **(environment or {})},
            start_new_session=True, preexec_fn=_take_terminal)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._own.cleanup()
        for descriptor in (self.master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)

    def resize(self, width: int, height: int) -> None:
        """Another size; the kernel tells the console."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.screen.resize(height, width)

    def press(self, keys: str) -> None:
        """Keys, as their bytes."""
        os.write(self.master, keys.encode())

    def kill(self, number: signal.Signals) -> None:
        """A signal to the console alone."""
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """The terminal goes away."""
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    @property
    def text(self) -> str:
        """The screen as characters."""
        return "\n".join(self.screen.display)

    def pump(self, seconds: float = 0.05) -> bool:
        """Take in what was sent; whether there was something."""
        if self.master < 0 or not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, self.piece)
        except OSError:
            return False
        self.sent += data
        asked = self.sent.count(b"\x1b[?2026$p", max(0, len(self.sent) - len(data) - 7))  # it may come in two pieces
        for _ in range(0 if self.silent else asked):
            os.write(self.master, b"\x1b[?2026;2$y")
        self._stream.feed(_NOT_FOR_PYTE.sub(b"", data))
        return bool(data)

    def until(self, wanted: Callable[[], Any] | str) -> None:
        """Go on until a text is on the screen, or something is true."""
        deadline = time.monotonic() + PATIENCE
        while not (wanted in self.text if isinstance(wanted, str) else wanted()):
            self.pump()
            if time.monotonic() > deadline:
                raise AssertionError(f"never came: {wanted}\n{self.text}\nexit {self.process.poll()}")

    def ended(self) -> int:
        """Its exit code; it has to end."""
        self.until(lambda: self.process.poll() is not None)
        while self.pump(0.0):
            pass
        return self.process.returncode

    def restored(self) -> bool:
        """Whether the terminal is as it was: its modes, the shell's screen, the cursor, no mouse, no key protocol."""
        left = [self.sent.rfind(off) > self.sent.rfind(on) for on, off in (
            (b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h"), (b"\x1b[?2004h", b"\x1b[?2004l"))]
        return all(left) and termios.tcgetattr(self.slave)[3] == self.before[3]
