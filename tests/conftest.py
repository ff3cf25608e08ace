"""What all tests share.  The quick suite tries the same examples each time, so that what it says of a change is about the
change; new ones are looked for by `make test-all` and, for minutes on each parser, by `make fuzz`.

The sites of the tests lie in memory where there is enough of it: our programs sync every step, and on a slow disk the quick
suite would spend most of its time waiting for that.  ``TMPDIR`` says another place; `make test-all` uses a disk.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from tests.faults.counting import fault_cases as fault_cases
from tests.faults.counting import pytest_collection_modifyitems as pytest_collection_modifyitems
from tests.faults.counting import pytest_terminal_summary as pytest_terminal_summary

MEMORY = "/dev/shm"
ENOUGH = 6 * 1024**3
"""Bytes free in it, and of the machine's memory, too: other files there may have eaten that."""


def pytest_configure(config: pytest.Config) -> None:
    """Before any test has a directory; workers have it from the process that started them."""
    quick = "not slow" in config.getoption("markexpr", "")
    if quick and "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and _room_in_memory() > ENOUGH:
        os.environ["TMPDIR"] = tempfile.tempdir = MEMORY
    settings.load_profile("the same" if quick else "new")


def _room_in_memory() -> int:
    """Bytes that files in ``MEMORY`` can take without any program going short."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return min(int(line.split()[1]) * 1024, shutil.disk_usage(MEMORY).free)
    return 0


# No deadline: how long an example takes on a machine that is busy says nothing of the code.
settings.register_profile("the same", derandomize=True, print_blob=True, deadline=None)
settings.register_profile("new", print_blob=True, deadline=None)
