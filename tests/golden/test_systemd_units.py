"""The units that the pages show are such that systemd takes them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def units() -> dict[str, str]:
    """Name to text of each unit; its name stands in a comment above it, or in the words before it."""
    found: dict[str, str] = {}
    for page in ("clients.md", "tls.md"):
        for before, block in re.findall(r"([^\n]*)\n\n```ini\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL):
            if "# /etc/systemd/system/" not in block:
                block = f"# {re.search(r'/etc/systemd/system/[^`]+', before)[0]}\n{block}"  # type: ignore[index]
            for name, text in re.findall(r"# /etc/systemd/system/(\S+)\n(.*?)(?=# /etc/systemd|\Z)", block, re.DOTALL):
                found[name] = text
    return found


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    found = units()
    assert {"taperoom-clientd.socket", "taperoom-clientd@.service", "taperoom-client.service"} <= set(found)
    if shutil.which("systemd-analyze") is None:
        pytest.skip("NOT TESTED: the units of systemd: there is no systemd-analyze")
    for name, text in found.items():
        # What they start is not installed on this machine.
        (tmp_path / name).write_text(re.sub(r"ExecStart=(\S+)", "ExecStart=/bin/true", text))
    for name in found:
        words = name.replace("@.", "@1.")
        if words != name:
            (tmp_path / words).write_text((tmp_path / name).read_text())
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / words], capture_output=True, text=True,
                              check=False)
        mine = [line for line in done.stderr.splitlines() if "taperoom" in line]
        assert done.returncode == 0 and not mine, (name, done.stderr)
