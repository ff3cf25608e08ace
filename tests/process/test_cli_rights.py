"""What commands say to a user who may not use the state directory: never what they would say if there were nothing in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import recorded_run as recorded
from tests.support.cli import Said, environment, program, write_site

NO_RIGHTS = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
"""Root without these is bound by modes like anybody else."""
CASES: tuple[tuple[str, int, tuple[str, ...], str], ...] = (
    ("", 0, ("plan", "--offline"), "read and write"),
    ("", 0, ("plan", "--nights", "2"), "read and write"),
    ("", 0, ("run", "--batch"), "look into"),
    ("", 0, ("flush",), "look into"),
    ("", 0o550, ("plan", "--offline"), "read and write"),
    ("runs", 0, ("plan", "--offline"), "look into"),
    ("catalogue.sqlite", 0o440, ("plan", "--offline"), "read and write"),
)
"""What is closed in the state directory, to which mode; a command; what its user may not."""
CODE = """\
import contextlib, io, json, os, pathlib, sys
from core.cli.main import run
for name, mode, words, _ in json.loads(sys.argv[1]):
    path, out, err = pathlib.Path("state", name), io.StringIO(), io.StringIO()
    before = path.stat().st_mode
    path.chmod(mode)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(words)
    path.chmod(before)
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


def test_a_closed_state_directory_is_told(tmp_path: Path) -> None:
    bound = NO_RIGHTS if os.geteuid() == 0 else []
    if bound and (shutil.which("setpriv") is None or subprocess.run([*bound, "true"], check=False).returncode):
        pytest.skip("NOT TESTED: what a user is told who may not use the state directory: root cannot lay down its rights here")
    write_site(tmp_path)
    recorded.make_run(tmp_path / "state")
    (tmp_path / "state/catalogue.sqlite").touch()
    done = subprocess.run([*bound, sys.executable, "-P", "-c", CODE, json.dumps(CASES)], cwd=tmp_path, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, env=environment(), timeout=120, check=True)
    said = [Said(*json.loads(line)) for line in done.stdout.splitlines()]
    hint = "  Hint: be the user who runs the backup\n"
    assert said == [
        Said(3, "", f"RUN098 {tmp_path / 'state' / name}: this user may not {may} it\n{hint}")
        for name, _, _, may in CASES]


def test_a_plan_tells_that_it_knows_no_history(tmp_path: Path) -> None:
    """As tonight's run would plan then; but not in silence."""
    write_site(tmp_path)
    (tmp_path / "state/runs").mkdir(parents=True)
    (tmp_path / "state/catalogue.sqlite").mkdir()
    said = program("plan", "--offline", cwd=tmp_path)
    assert said.code == 0 and "new disk, first full" in said.out
    assert said.err.startswith("PLN008 RST001 the catalogue ") and "; every disk is planned like a new one\n" in said.err
