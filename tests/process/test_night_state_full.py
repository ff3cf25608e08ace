"""The file system of state_dir fills up in the middle of a night: the run ends, whole dumps are safe, and everybody who asks
is told why, though the logs lie on that file system, too."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.client.runs import live_run, view_of
from tests.support.cli import call
from tests.support.client import ROOT
from tests.support.night import wait_for
from tests.support.small_site import SmallSite

WHY = "journal.jsonl: the journal cannot be written: No space left on device"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own for the state."""
    place = tmp_path / "state"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True, check=False).returncode:
        pytest.skip("NOT TESTED: a file system can be mounted by root only")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def fill(place: Path) -> None:
    """Not a byte more fits there."""
    with open(place / "filler", "wb", buffering=0) as file:
        for piece in (65536, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(piece)):
                    pass


def test_it_says_why_it_ended_and_the_next_run_goes_on(
    tmp_path: Path, state: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    go = tmp_path / "go"
    slow = ["/bin/sh", "-c", f'while [ ! -e {go} ]; do sleep 0.02; done; exec "$@"', "sh", sys.executable, "-P", "-m",
            "clientd.amandad", "-auth=local"]
    # So many that the facts do not fit in what the file has of its last block.
    site = SmallSite(tmp_path, {f"a:/d{n}": {"file": b"x" * 5000} for n in range(12)}, hosts={"a": {"amandad": slow}})
    night = site.start("amdump", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(lambda: (run := live_run(state)) and view_of(run).began, site.logs)
    run = site.run()
    fill(state)
    go.touch()
    out, err = night.communicate(timeout=120)
    assert night.returncode == 3 and WHY in out.decode(), err
    assert WHY in (run.path / "driver.log").read_text() and "Traceback" not in (run.path / "driver.log").read_text()
    (state / "filler").unlink()
    said = call(capsys, "--config", str(site.config), "cleanup")
    assert f"RUN040 run {run.datestamp} died without a last word: RUN018 " in said.out and WHY in said.out
    assert site.amdump().returncode == 0, site.logs()
    assert not list(state.glob("runs/*/*.tmp"))
    assert {disk.state.value for disk in site.view().disks.values()} == {"done"}


@pytest.mark.parametrize("lossy", [False, True])
def test_a_program_outlives_a_log_that_takes_nothing(lossy: bool) -> None:
    first = "from core.lossy import lose_what_cannot_be_said as lose; lose()" if lossy else "pass"
    script = f"import sys\n{first}\nprint('lost \\udcff', file=sys.stderr)\nsys.stderr.buffer.write(b'x')\nsys.exit(7)"
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-c", script], stderr=full, check=False, cwd=ROOT)
    assert (done.returncode == 7) == lossy
    if lossy:
        heard = subprocess.run([sys.executable, "-c", script], stderr=subprocess.PIPE, check=False, cwd=ROOT).stderr
        assert heard == b"lost \\udcff\nx"
