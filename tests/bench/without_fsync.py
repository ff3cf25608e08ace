"""``python -m tests.bench.without_fsync PROGRAM ARGUMENTS``: one of our programs that leaves fsync out.

Only for the comparison with tools that do not make their output durable either.
"""

from __future__ import annotations

import os
import runpy
import sys


def _nothing(fd: object) -> None:
    del fd


if __name__ == "__main__":
    os.fsync = os.fdatasync = _nothing
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
