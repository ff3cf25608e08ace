"""The console's way to the terminal: only cells that changed, at the pace of the line, and a clean end whatever happens.

A frame of Textual changes a screen in memory; one thread sends the difference when the last one has gone out, and asks
the terminal to answer after each burst, so that nothing queues up on a slow link and the event loop never waits.  The end
of the terminal (end of file, EIO, SIGHUP) and SIGTERM end the console and leave the terminal as it was.

What it leans on in Textual 8.2 that is not its public face: the driver's ``_file``, ``_get_terminal_size``, ``attrs_before``.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import termios
import threading
import time
from typing import TYPE_CHECKING, Any

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key, Paste
from textual.message import Message
from textual.messages import TerminalSupportsSynchronizedOutput

from tui.cells import Cells, is_frame

if TYPE_CHECKING:
    from textual.app import App

RESET = "\x1b[0m\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?2048l\x1b[<u\x1b[?7h\x1b[?1049l\x1b[?25h"
"""Undoes every mode that is switched on here or by Textual."""

LEAST = 0.03
"""Seconds between two bursts."""

PATIENCE = 5.0
"""Seconds to wait at most for a terminal's answer to a burst."""

_SYNC = {"\x1b[?2026h": 1, "\x1b[?2026l": -1}


class ConsoleDriver(LinuxDriver):
    """A Textual driver that sends differences."""

    def __init__(self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._ready = threading.Condition()
        self._out = self._file.fileno() if self._file is not None else 2
        self._cells = Cells(1, 1)
        self._raw: list[str] = []
        self._held = 0
        self._ended = False
        self._painter: threading.Thread | None = None
        self._answers = 0
        self._waiting = 0.0
        self._echo = 0.0
        self._rate = 1e6
        self._urgent = 0.0
        self._title = ""
        self._sent = 0

    @property
    def echo(self) -> float:
        """Seconds that the terminal took for its last answer; 0 for one that never answers."""
        return self._echo

    @property
    def sent(self) -> int:
        """Bytes that went to the terminal."""
        return self._sent

    @property
    def _patience(self) -> float:
        """Seconds until an answer is given up: long after it should have been here."""
        return min(PATIENCE, max(1.5, 8 * self._echo)) if self._echo else PATIENCE

    # ---- begin and end -----------------------------------------------------------------

    def start_application_mode(self) -> None:
        """Take the terminal over."""
        self._ended = False
        self._waiting = 0.0  # who slept dropped what came meanwhile, perhaps with the answer to the last burst in it
        width, height = self._get_terminal_size()
        again = (width, height) == (self._cells.width, self._cells.height)
        if not again:
            self._cells = Cells(width, height)
        self._painter = threading.Thread(target=self._paint, name="console-painter", daemon=True)
        self._painter.start()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if again:  # after a sleep: Textual sends no row again that did not change meanwhile
            self.forget()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._ended_by, number)
        loop.add_signal_handler(signal.SIGINT, self._app.action_help_quit)  # ends nothing, like the key

    def _sigtstp_application(self, *_: Any) -> None:
        """To sleep.  A signal comes in the middle of anything, also while what the threads wait for is held, and sleeping
        waits for the threads: the loop does it, between two things."""
        self._loop.call_soon_threadsafe(self._sleep)

    def _sleep(self) -> None:
        super()._sigtstp_application()

    def _sigcont_application(self, *_: Any) -> None:
        """After a sleep."""
        if self._painter is None:  # the terminal was given back, no thread is at work: before anything is painted
            super()._sigcont_application()
        else:
            self._loop.call_soon_threadsafe(self._woken)

    def _woken(self) -> None:
        """Who was stopped from outside (SIGSTOP) never gave the terminal back, and another program may have had it meanwhile:
        it is given back now and taken over anew, or two threads would read its keys."""
        if self._auto_restart and self._painter is not None:
            self.suspend_application_mode()
            super()._sigcont_application()

    def _ended_by(self, number: int) -> None:
        self._app.exit(return_code=128 + number)

    def _get_terminal_size(self) -> tuple[int, int]:
        """Of the terminal itself: COLUMNS and LINES of the environment do not follow it."""
        try:
            width, height = os.get_terminal_size(self._out)
        except OSError:
            return super()._get_terminal_size()
        return width or 80, height or 24

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        super().stop_application_mode()
        self._drain()

    def close(self) -> None:
        """All that was to be sent is sent, unless the line is dead."""
        self._drain()
        super().close()

    def _drain(self) -> None:
        painter, self._painter = self._painter, None
        if painter is not None:
            with self._ready:
                self._ended = True
                self._ready.notify()
            painter.join(2.0)

    # ---- from Textual: never waits -----------------------------------------------------

    def write(self, data: str) -> None:
        """A frame, or something that goes out as it is."""
        if self._painter is None:
            _write_all(self._out, data)
            return
        with self._ready:
            if data in _SYNC:
                self._held = max(0, self._held + _SYNC[data])
            elif is_frame(data):
                width, height = self._get_terminal_size()
                if (width, height) != (self._cells.width, self._cells.height):
                    self._cells = Cells(width, height)
                self._cells.take(data)
            else:
                self._raw.append(data)
                if "\x1b[?1049h" in data or "\x1b[2J" in data:
                    self._cells.forget()
                elif "\x1b[?1049l" in data:  # the shell's screen comes back: nothing of ours belongs there
                    self._cells.drop()
            if not self._held:
                self._ready.notify()

    def forget(self) -> None:
        """Send all cells again with the next frame."""
        with self._ready:
            self._cells.forget()
            self._ready.notify()

    def set_title(self, text: str) -> None:
        """The title of the terminal's window, seen in a task bar and in tmux."""
        if text != self._title and os.environ.get("TERM", "") not in ("linux", "vt100"):
            self._title = text
            self.write(f"\x1b]2;{text}\x07")

    def process_message(self, message: Message) -> None:
        """A key makes the next burst urgent; the answer to a burst is not for the application."""
        if isinstance(message, TerminalSupportsSynchronizedOutput):
            with self._ready:
                self._answers += 1
                if self._waiting:
                    self._echo, self._waiting = time.monotonic() - self._waiting, 0.0
                self._ready.notify()
                if self._answers > 1:
                    return
        elif isinstance(message, Key | Paste):
            with self._ready:
                self._urgent = time.monotonic()
                self._ready.notify()
        super().process_message(message)

    # ---- from the terminal -------------------------------------------------------------

    def run_input_thread(self) -> None:
        """Read keys until told to stop; the end of the terminal ends the console."""
        parser = XTermParser(self._debug)
        pending = b""
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        while not self.exit_event.is_set():
            events = poll.poll(100)
            if events:
                try:
                    data = os.read(self.fileno, 4096)
                except OSError:
                    data = b""
                if not data:
                    self._loop.call_soon_threadsafe(self._ended_by, signal.SIGHUP)
                    return
                text, pending = _decoded(pending + data)
                for message in parser.feed(text):
                    self.process_message(message)
            for message in parser.tick():
                self.process_message(message)

    # ---- to the terminal ---------------------------------------------------------------

    def _paint(self) -> None:
        fileno, last = self._out, 0.0
        while True:
            with self._ready:
                self._until_due(last)
                ended = self._ended
                raw, self._raw = "".join(self._raw), []
                slow = self._answers > 0 and self._echo > 0.25
                body = self._cells.diff(max(400, int(self._rate * 0.2)) if slow and not ended else 1 << 30)
                asks = self._answers > 0 and len(body) > 200 and not ended
                started = time.monotonic()
                if asks:
                    self._waiting = started
            if not _write_all(fileno, raw + body + ("\x1b[?2026$p" if asks else "")) or ended:
                return
            last = time.monotonic()
            self._sent += len(raw) + len(body)
            if asks:
                self._measure(len(body), started)

    def _until_due(self, last: float) -> None:
        while not self._ended:
            now = time.monotonic()
            if self._waiting and now - self._waiting < self._patience:
                self._ready.wait(self._patience - (now - self._waiting))
            elif not (self._raw or self._cells.dirty) or self._held:
                self._ready.wait()
            else:
                # A slow line is left idle two thirds of the time, so that the next key is painted at once.
                rest = LEAST if self._echo < 0.25 or now - self._urgent < 1.0 else min(6.0, 2 * self._echo)
                if now - last >= rest:
                    return
                self._ready.wait(rest - (now - last))

    def _measure(self, sent: int, started: float) -> None:
        with self._ready:
            while self._waiting == started and not self._ended and time.monotonic() - started < self._patience:
                self._ready.wait(0.5)
            self._rate = 0.5 * self._rate + 0.5 * max(200.0, sent / self._echo) if self._echo > 0.05 else 1e6


def _decoded(data: bytes) -> tuple[str, bytes]:
    """The text of the bytes, and the bytes of a character that is not whole yet."""
    for cut in range(4):
        end = len(data) - cut
        try:
            return data[:end].decode("utf-8"), data[end:]
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", "replace"), b""


def _write_all(fileno: int, text: str) -> bool:
    data = text.encode("utf-8", "replace")
    try:
        while data:
            data = data[os.write(fileno, data):]
    except OSError:
        return False
    return True


class Guard:
    """Remembers the terminal as it was, to give it back when nothing else did."""

    def __init__(self, fileno: int) -> None:
        self._fileno = fileno
        try:
            self._modes: list[Any] | None = termios.tcgetattr(fileno)
        except termios.error:
            self._modes = None

    def restore(self) -> None:
        """Modes off, keys as they were; harmless when all is well already."""
        _write_all(2, RESET)
        if self._modes is not None:
            try:
                termios.tcsetattr(self._fileno, termios.TCSANOW, self._modes)
            except termios.error:
                return
