"""Whole runs on bad input: each fault is one clear message with its code, the rest of the night goes on, nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.client.follow import Journal
from core.client.runs import live_run
from core.events import event as e
from core.events.view import DiskState
from tests.process.test_run_whole import TREE, follow_until, tree_of, wait_for
from tests.support.cli import PROGRAM
from tests.support.small_site import SmallSite

ODD = ["two words", 'say "hello"', "a#b", "grüße", "new\nline", "it's", "semi;colon|pipe=%41", "tab\there", "back\\slash", "-n"]


def restored(site: SmallSite, title: str, to: Path) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, "--config", str(site.config), "restore", title, "--to", str(to)]
    return subprocess.run(command, env=site.env, capture_output=True, text=True, timeout=60, check=False)


def test_odd_disk_names_are_dumped_taped_and_restored(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {f"alpha:/{name}": {name.replace("/", "_"): name.encode(), "deep/x": b"y"} for name in ODD})
    for _ in range(2):
        done = site.amdump()
        assert done.returncode == 0, done.stdout + done.stderr + site.logs()
    assert site.view().count(DiskState.DONE) == len(ODD)
    for number, name in enumerate(ODD):
        data = site.data(f"alpha:/{name}")
        out = tmp_path / f"out{number}"
        done = restored(site, f"alpha:{data}", out)
        assert done.returncode == 0, done.stdout + done.stderr
        same = subprocess.run(["diff", "-r", str(data), str(out)], capture_output=True, text=True, check=False)
        assert same.returncode == 0, same.stdout


def test_disks_that_cannot_be_dumped_fail_alone_and_say_why(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/good": TREE, "alpha:/gone": {}, "alpha:/file": {}})
    site.data("alpha:/gone").rmdir()
    site.data("alpha:/file").rmdir()
    site.data("alpha:/file").write_bytes(b"not a directory")
    done = site.amdump()
    assert done.returncode == 1, done.stdout + site.logs()
    disks = {Path(disk).name: view for (_, disk), view in site.view().disks.items()}
    assert disks["good"].state is DiskState.DONE
    assert disks["gone"].state is DiskState.FAILED and "does not exist" in disks["gone"].message
    assert disks["file"].state is DiskState.FAILED and "directory" in disks["file"].message
    assert "Traceback" not in done.stdout + done.stderr + site.logs()


@pytest.mark.parametrize("talk", [
    "import sys; sys.stdout.write('Welcome to host, please log in'); sys.stdout.flush(); sys.stdin.read()",
    "import sys; sys.stdout.buffer.write(b'x' * 10_000_000); sys.stdout.flush(); sys.stdin.read()",
    "import sys; sys.stdout.buffer.write(b'\\xff' * 4 + b'x' * 9000); sys.stdout.flush(); sys.stdin.read()",
    "import sys; sys.exit('no tar here')",
    "import time; time.sleep(600)",
], ids=["banner", "endless", "huge", "exit", "silent"])
def test_a_client_that_means_no_good_harms_only_itself(tmp_path: Path, talk: str) -> None:
    bad = {"amandad": [sys.executable, "-c", talk], "connect_timeout": "2 s"}
    site = SmallSite(
        tmp_path, {"good:/home": TREE, "bad:/home": TREE}, hosts={"bad": bad}, run={"retry_delay": "0.1 s"})
    done = site.amdump()
    assert done.returncode == 1, done.stdout + site.logs()
    states = {host: view.state for (host, _), view in site.view().disks.items()}
    assert states == {"good": DiskState.DONE, "bad": DiskState.FAILED}
    assert "Traceback" not in done.stdout + done.stderr + site.logs()


@pytest.mark.parametrize("number", [
    signal.SIGTERM, signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)])  # tests/crash has that always
@pytest.mark.parametrize("victim", ["core.amdump", "core.planner", "core.driver", "core.dumper", "core.taper", "amandad"])
def test_a_signal_to_any_process_loses_nothing(tmp_path: Path, victim: str, number: signal.Signals) -> None:
    trees = {f"h{n}:/d": {"noise": os.urandom(3_000_000)} for n in range(3)}
    site = SmallSite(tmp_path, trees, run={"retry_delay": "0.1 s"})
    amdump = site.start("amdump", "--quiet", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: live_run(tmp_path / "state"))

    def hit() -> bool:
        for pid in tree_of(amdump.pid):
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
                if victim.encode() in line:
                    os.kill(pid, number)
                    return True
            except OSError:
                continue
        return amdump.poll() is not None

    wait_for(hit)
    code = amdump.wait(60)
    wait_for(lambda: live_run(tmp_path / "state") is None)
    assert code in (0, 1, 3, -number)
    facts = [r.event for r in Journal(site.run()).read()]
    assert facts and isinstance(facts[0], e.RunBegan)
    # Whatever it was: the next run puts everything on a volume.
    again = site.amdump()
    assert again.returncode == 0, again.stdout + again.stderr + site.logs()
    assert site.view().count(DiskState.DONE) == 3 and not list((tmp_path / "hold").rglob("*.0"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_says_which_signal_stopped_it(tmp_path: Path, number: signal.Signals) -> None:
    silent = {"amandad": [sys.executable, "-c", "import time; time.sleep(600)"], "connect_timeout": "60 s"}
    site = SmallSite(tmp_path, {"alpha:/home": TREE}, hosts={"alpha": silent})
    amdump = site.start("amdump", "--quiet", stdout=subprocess.DEVNULL)
    follow_until(site, lambda view: view.began)
    amdump.send_signal(number)
    assert amdump.wait(60) == 3, site.logs()
    assert number.name in (site.run().path / "journal.jsonl").read_text()


def test_a_planner_that_ends_before_its_first_line_is_told(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE})
    done = site.amdump("nowhere")
    assert done.returncode == 1, done.stdout + site.logs()
    assert "RUN016E plan: the planner ended before its plan was complete" in done.stdout
    assert "RUN010 the planner ended with status 2" in done.stderr and "planner.log" in done.stderr
    assert site.amdump().returncode == 0, site.logs()


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: a full holding disk needs root to mount a small file system")
def test_a_full_holding_disk_goes_on_elsewhere(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(small)], check=False).returncode:
        pytest.skip("NOT TESTED: a full holding disk: no file system can be mounted here")
    try:
        site = SmallSite(
            tmp_path, {"alpha:/big": {"noise": os.urandom(6_000_000)}},
            holding=[{"path": str(small)}, {"path": str(tmp_path / "hold"), "use": "64 MiB"}])
        driver = site.start("driver", stdin=subprocess.PIPE)
        driver.communicate(f"alpha {site.data('alpha:/big')} 1 0 100\n".encode(), timeout=60)
        assert driver.returncode == 0, site.logs()
        out = tmp_path / "out"
        assert restored(site, f"alpha:{site.data('alpha:/big')}", out).returncode == 0
        assert (out / "noise").read_bytes() == (site.data("alpha:/big") / "noise").read_bytes()
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: a read-only vtape directory needs root to mount it so")
def test_a_holding_disk_that_is_not_there_is_told_and_the_dump_goes_straight_to_a_volume(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE})
    (tmp_path / "hold").rmdir()
    done = site.amdump()
    assert done.returncode == 1, done.stdout + site.logs()
    view = site.view()
    assert view.count(DiskState.DONE) == 1 and not (tmp_path / "hold").exists()
    (notice,) = [notice for _, notice in view.notices]
    assert (notice.code, notice.severity, notice.subject) == ("HLD010", "E", str(tmp_path / "hold"))
    assert notice.code in done.stdout


def test_a_read_only_vtape_directory_keeps_the_night_on_the_holding_disk(tmp_path: Path) -> None:
    site = SmallSite(
        tmp_path, {"alpha:/home": TREE}, run={"requests": {"TAP*": {"reply": "degrade", "after": "0 s"}}})
    vtapes = str(tmp_path / "vtapes")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "none", vtapes], check=False).returncode:
        pytest.skip("NOT TESTED: a read-only vtape directory: no file system can be mounted here")
    try:
        done = site.amdump()
        assert done.returncode == 1, done.stdout + site.logs()
        view = site.view()
        assert view.count(DiskState.DONE) == 1 and view.files and "ead-only" in " ".join(view.degraded.values())
    finally:
        subprocess.run(["umount", vtapes], check=True)
    assert site.amdump().returncode == 0, site.logs()
    follow = site.view()
    assert not follow.files


def test_a_console_that_is_killed_changes_nothing(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE})
    driver = site.start("driver", stdin=subprocess.PIPE)
    assert driver.stdin is not None
    driver.stdin.write(b"DATE 20261123003000\n")
    driver.stdin.flush()
    follow_until(site, lambda v: v.tapers)
    watcher = subprocess.Popen(
        [*PROGRAM, "--config", str(site.config), "status", "--follow"],
        env=site.env, stdout=subprocess.PIPE)
    assert watcher.stdout is not None and watcher.stdout.readline()
    watcher.kill()
    watcher.wait()
    driver.stdin.write(f"alpha {site.data('alpha:/home')} 1 0 120\n".encode())
    driver.stdin.close()
    assert driver.wait(60) == 0, site.logs()
