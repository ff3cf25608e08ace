"""The largest resident size of every descendant of this process, by the part it plays.

Promises the kernel's own high-water mark, read every 20 ms; what a process takes in its last 20 ms may be missed.
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

_EVERY = 0.02
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
_PARENT = re.compile(r"^PPid:\s+(\d+)$", re.MULTILINE)


class Watch:
    """``peaks``: KiB by part: driver, dumper, …, tar."""

    def __init__(self) -> None:
        self.peaks: dict[str, int] = {}

    def until(self, stop: threading.Event) -> None:
        """Look until ``stop``; in a thread of its own."""
        while not stop.wait(_EVERY):
            self._look()

    def _look(self) -> None:
        status: dict[int, str] = {}
        for path in Path("/proc").glob("[0-9]*/status"):
            try:
                status[int(path.parent.name)] = path.read_text()
            except OSError:
                continue
        parents = {pid: int(found[1]) for pid, text in status.items() if (found := _PARENT.search(text))}
        for pid, text in status.items():
            peak = _PEAK.search(text)
            if peak is not None and _descends(pid, parents):
                role = _role(pid)
                self.peaks[role] = max(self.peaks.get(role, 0), int(peak[1]))


def _descends(pid: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        pid = parents.get(pid, 0)
        if pid == os.getpid():
            return True
    return False


def _role(pid: int) -> str:
    """The module of one of our programs, ``sendbackup`` for a service of the client, else the program's name."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "gone"
    module = words[words.index("-m") + 1] if "-m" in words[:-1] else Path(words[0]).name
    if module == "clientd.amandad":
        # A service is a fork of amandad, so it has the same command; its parent tells them apart.
        return "sendbackup" if _is_fork(pid) else "amandad"
    return module.rpartition(".")[2]


def _is_fork(pid: int) -> bool:
    try:
        parent = _PARENT.search(Path(f"/proc/{pid}/status").read_text())
        return parent is not None and Path(f"/proc/{parent[1]}/cmdline").read_bytes() == Path(
            f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
