"""The processes that we started: an amandad of this machine, or ssh to one, for each client that is being asked.

Used only when the planner leaves before they have answered: a client that hangs does not see the end of its input.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def kill_children() -> None:
    """Kill each child with its group; children are leaders of a session of their own."""
    for entry in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for pid in entry.read_text().split():
                with contextlib.suppress(OSError):
                    if os.getpgid(int(pid)) == int(pid):
                        os.killpg(int(pid), signal.SIGKILL)
