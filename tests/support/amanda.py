"""The programs of a real Amanda 3.5.1 on this machine, run as the user that they insist on."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

AMANDAD = Path("/usr/lib/amanda/amandad")
USER = "backup"
SERVICES = "amdump"
"""What inetd's line for amandad names: the services of a backup."""


def need(what: str) -> None:
    """Skip, loudly, where Amanda or the right to be its user is missing; ``what`` is then not tested."""
    if shutil.which("amrestore") is None or not AMANDAD.exists() or not any(u.pw_name == USER for u in pwd.getpwall()):
        pytest.skip(f"NOT TESTED: {what}: amanda-server and amanda-client 3.5.1 are not installed")
    if os.geteuid() != 0 or shutil.which("runuser") is None:
        pytest.skip(f"NOT TESTED: {what}: only root can run Amanda's programs as their user")


@contextmanager
def open_place() -> Iterator[Path]:
    """A directory that every user can enter: pytest's are closed to them."""
    with tempfile.TemporaryDirectory(prefix="taperoom-interop-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def give(*tops: Path) -> None:
    """Make these trees Amanda's."""
    for top in tops:
        for path in (top, *top.rglob("*")):
            shutil.chown(path, USER, USER)


def as_user(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Run one of its programs."""
    return subprocess.run(["runuser", "-u", USER, "--", *command], cwd=cwd, capture_output=True, check=False, timeout=120)
