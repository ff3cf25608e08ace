"""``python -m tests.bench.without_fsync PROGRAM ARGUMENTS``: one of our programs that makes nothing durable.

Neither fsync nor the early writing back that makes it short.  Only for the comparison with tools that do not make their
output durable either: what they write is still in memory when they end.
"""

from __future__ import annotations

import os
import runpy
import sys


def _nothing(fd: object) -> None:
    del fd


if __name__ == "__main__":
    os.fsync = os.fdatasync = _nothing  # before anybody takes them for a default
    import core.devices.ahead
    import core.holding.chunk

    core.holding.chunk._sync_file_range = core.devices.ahead._sync_file_range = None
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
