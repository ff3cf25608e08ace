"""The README's first command in a fresh clone: its own virtual environment, two runs, a restore, without a terminal."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.interop, pytest.mark.slow, pytest.mark.timeout(900)]


def test_make_demo(tmp_path: Path) -> None:
    for tool in ("git", "make", "python3"):
        if shutil.which(tool, path="/usr/bin:/bin") is None:
            pytest.skip(f"NOT TESTED: make demo: {tool} is not installed")
    if not (ROOT / ".git").exists():
        pytest.skip("NOT TESTED: make demo: this is no checkout that could be cloned")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    # Nothing of the environment that runs this test may help.
    kept = {key: value for key, value in os.environ.items()
            if key not in ("VIRTUAL_ENV", "PYTHONPATH") and not key.startswith("TAPEROOM")}
    done = subprocess.run(
        ["make", "demo"], cwd=clone, env=kept | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert (clone / ".venv" / "bin" / "taperoom").exists()
    assert re.search(r"dd if=.*00001|dd if=.* skip=1", done.stdout), "the restore is shown as commands"
    assert "are the same, byte for byte" in done.stdout
    site = clone / "demo-site"
    volumes = list(site.rglob("slot*/0*"))
    assert any(path.name.endswith(".0") for path in volumes) and any(path.name.endswith(".1") for path in volumes)
    assert list((site / "restored").rglob("*.*")), "the file is there"
