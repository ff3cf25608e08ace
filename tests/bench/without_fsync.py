"""``python -m tests.bench.without_fsync PROGRAM ARGUMENTS``: one of our programs that makes nothing durable.

Neither fsync nor the early writing back that makes it short.  Only for the comparison with tools that do not make their
output durable either: what they write is still in memory when they end.
"""

from __future__ import annotations

import os
import runpy
import sys
from importlib import import_module


def _nothing(fd: object) -> None:
    del fd


if __name__ == "__main__":
    os.fsync = os.fdatasync = _nothing  # before anybody takes them for a default
    for name in ("core.holding.linux", "core.devices.ahead"):
        module = import_module(name)
        assert hasattr(module, "_sync_file_range"), f"{name} writes back in another way now"
        module._sync_file_range = None  # type: ignore[attr-defined]
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
