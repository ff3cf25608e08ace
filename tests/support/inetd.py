"""What inetd is to amandad: listens on a port of this machine and starts a command with each connection as its stdin,
stdout and stderr."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType


class Inetd:
    """A listener on 127.0.0.1; ``peers`` are those who came, address and port."""

    def __init__(self, *command: str | Path, environment: Mapping[str, str] | None = None) -> None:
        self.peers: list[tuple[str, int]] = []
        self.children: list[subprocess.Popen[bytes]] = []
        self.started: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        self._command = [os.fspath(word) for word in command]
        self._environment = dict(environment) if environment is not None else None
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def __enter__(self) -> Inetd:
        return self

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more, and end what still runs."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        for child in self.children:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def _listen(self) -> None:
        while True:
            try:
                connection, peer = self._socket.accept()
            except OSError:
                return
            with connection:
                self.peers.append(peer[:2])
                self.children.append(subprocess.Popen(
                    self._command, stdin=connection, stdout=connection, stderr=connection, env=self._environment, cwd="/",
                    start_new_session=True))
                self.started.put(self.children[-1])
