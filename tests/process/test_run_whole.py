"""Whole runs with real processes, real pipes, real tar and a real vtape."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.client import control
from core.client.follow import Journal
from core.client.runs import live_run, start
from core.errors import BusyError
from core.events import event as e
from core.events.view import DiskState, RunView
from core.protocol import operator as op
from tests.support.small_site import SmallSite

TREE = {"letter.txt": b"dear reader\n" * 100, "deep/er/file": os.urandom(50_000), "with blank and ü": b"x"}


def wait_for(what: Callable[[], object], seconds: float = 20) -> object:
    """Poll a condition of the outside world; the deadline is a failure, not a pace."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def follow_until(site: SmallSite, seen: Callable[[RunView], object], seconds: float = 20) -> RunView:
    """The view of the live run once ``seen`` is true of it."""
    run = wait_for(lambda: live_run(site.root / "state"))
    journal, view = Journal(run), RunView()  # type: ignore[arg-type]

    def look() -> bool:
        view.apply_all(journal.read())
        return bool(seen(view))

    try:
        wait_for(look, seconds)
    finally:
        journal.close()
    return view


def children_of(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = path.read_text().rpartition(")")[2].split()
        except (OSError, ProcessLookupError):
            continue
        if len(after) > 1 and int(after[1]) == pid:
            found.append(int(path.parent.name))
    return found


def tree_of(pid: int) -> list[int]:
    found = [pid]
    for child in children_of(pid):
        found += tree_of(child)
    return found


def is_program(pid: int, name: str) -> bool:
    try:
        return f"core.{name}".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False  # gone meanwhile


def test_a_full_run_and_an_incremental_one(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE, "beta:/etc": {"passwd": b"root\n"}})
    first = site.amdump()
    assert first.returncode == 0, first.stdout + first.stderr + site.logs()
    view = site.view()
    assert {d.title.split(":")[0]: (d.level, d.state) for d in view.disks.values()} == {
        "alpha": (0, DiskState.DONE), "beta": (0, DiskState.DONE)}
    assert not list((tmp_path / "hold").iterdir()), "the holding disk is empty after a run that reached its volume"
    (site.data("alpha:/home") / "new").write_bytes(b"new\n")
    second = site.amdump()
    assert second.returncode == 0, second.stdout + second.stderr + site.logs()
    assert {d.level for d in site.view().disks.values()} <= {0, 1}
    volume = sorted((tmp_path / "vtapes" / "slot1").iterdir())
    assert volume[0].name == "00000.T-001"
    part = next(p for p in volume if "alpha" in p.name)
    names = subprocess.run(f"dd if='{part}' bs=32k skip=1 | tar -t", shell=True, capture_output=True, text=True).stdout
    assert "./letter.txt" in names


def test_planner_joined_to_driver_by_hand(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE})
    planner = site.start("planner", stdout=subprocess.PIPE)
    driver = site.start("driver", stdin=planner.stdout)
    assert driver.wait(120) == 0 and planner.wait(10) == 0, site.logs()
    assert site.view().count(DiskState.DONE) == 1


def test_a_plan_typed_by_hand_is_a_run(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE})
    disk = site.data("alpha:/home")
    driver = site.start("driver", stdin=subprocess.PIPE)
    driver.communicate(f"alpha {disk} 1 0 120\n".encode(), timeout=120)
    assert driver.returncode == 0, site.logs()
    assert site.view().disks["alpha", str(disk)].state is DiskState.DONE


def test_a_plan_in_a_file_is_a_run(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE, "alpha:/etc": {"passwd": b"root\n"}})
    plan = tmp_path / "plan"
    plan.write_text("".join(f"alpha {site.data(f'alpha:{disk}')} 1 0 120\n" for disk in ("/home", "/etc")))
    with plan.open("rb") as file:
        assert site.start("driver", stdin=file).wait(120) == 0, site.logs()
    assert site.view().count(DiskState.DONE) == 2


def test_no_plan_at_all_is_a_run_that_ends(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE})
    assert site.start("driver", stdin=subprocess.DEVNULL).wait(60) == 1  # nothing was planned
    assert [notice.code for _, notice in site.view().notices] == ["RUN013"], site.logs()


def test_a_second_run_is_refused_while_one_lives(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE})
    driver = site.start("driver", stdin=subprocess.PIPE)
    assert driver.stdin is not None
    driver.stdin.write(b"DATE 20261123003000\n")
    driver.stdin.flush()
    wait_for(lambda: live_run(tmp_path / "state"))
    second = site.amdump()
    assert second.returncode == 4 and second.stderr.startswith("RUN004 another run of this configuration is active")
    with pytest.raises(BusyError, match="another run") as caught:
        try:
            start(site.config, tmp_path / "state")
        except Exception as fault:
            raise (BusyError(fault.code, fault.message) if getattr(fault, "exit_code", 0) == 4 else fault) from None  # type: ignore[attr-defined]
    assert caught.value.code == "RUN004"
    driver.stdin.close()
    assert driver.wait(60) == 1  # nothing was planned


def test_no_room_is_asked_and_answered_over_the_control_socket(tmp_path: Path) -> None:
    site = SmallSite(
        tmp_path, {"alpha:/big": {"noise": os.urandom(3_000_000)}},
        holding=[{"path": str(tmp_path / "hold"), "use": "1 MiB"}], dumptype={"holding": "required"})
    disk = site.data("alpha:/big")
    driver = site.start("driver", stdin=subprocess.PIPE)
    assert driver.stdin is not None
    driver.stdin.write(f"alpha {disk} 1 0 100\n".encode())
    driver.stdin.close()
    view = follow_until(site, lambda v: v.open_questions)
    question = view.open_questions[0].asked
    assert question.code == "HLD003" and view.disks["alpha", str(disk)].state is DiskState.STALLED
    run = site.run()
    assert control.order(run, op.Answer(question.id, "nonsense")) == op.Refused(
        f"nonsense is no answer to {question.id}; abort, wait, add are")
    assert isinstance(control.order(run, op.Stop(), mode="watch"), op.Refused)
    extra = tmp_path / "more"
    extra.mkdir()
    assert control.order(run, op.Answer(question.id, "add", str(extra))) == op.Ok()
    assert control.order(run, op.Answer(question.id, "abort")) == op.Refused(
        f"request {question.id} is not open, it was answered: add by {control.whoami()}")
    assert driver.wait(120) == 0, site.logs()
    assert site.view().count(DiskState.DONE) == 1
    assert control.order(run, op.Pause()) == op.Gone()


@pytest.mark.parametrize("victim", ["dumper", "taper"])
def test_a_child_that_is_killed_costs_no_disk(tmp_path: Path, victim: str) -> None:
    trees = {f"h{n}:/d": {"noise": os.urandom(2_000_000)} for n in range(4)}
    site = SmallSite(tmp_path, trees, run={"runtapes": 3})
    amdump = site.start("amdump", "--quiet", stdout=subprocess.DEVNULL)
    journal = Journal(wait_for(lambda: live_run(tmp_path / "state")))  # type: ignore[arg-type]

    def born() -> int:
        facts = [r.event for r in journal.read()]
        return next((f.pid for f in facts if isinstance(f, e.ChildBegan) and f.child.startswith(victim)), 0)

    os.kill(int(str(wait_for(born))), signal.SIGKILL)
    assert amdump.wait(60) == 0, site.logs()
    view = site.view()
    assert view.count(DiskState.DONE) == 4 and [death.status for _, death in view.deaths] == ["killed by SIGKILL"]


def test_a_planner_that_is_killed_is_told(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE}, hosts={"alpha": {"amandad": ["/bin/sleep", "60"]}})
    amdump = site.start("amdump", "--quiet", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    follow_until(site, lambda v: v.estimating)
    planner = next(pid for pid in tree_of(amdump.pid) if is_program(pid, "planner"))
    os.kill(planner, signal.SIGKILL)
    assert amdump.wait(60) == 1 and [n.code for _, n in site.view().notices] == ["RUN016", "RUN013"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_run_and_says_so(tmp_path: Path, number: signal.Signals) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE})
    driver = site.start("driver", stdin=subprocess.PIPE)
    assert driver.stdin is not None
    driver.stdin.write(b"DATE 20261123003000\n")
    driver.stdin.flush()
    follow_until(site, lambda v: v.tapers)
    driver.send_signal(number)
    assert driver.wait(60) == 3
    view = site.view()
    assert view.stopping == number.name and view.ended is not None and view.ended.code == 3


def test_when_the_driver_is_killed_nothing_stays_behind_and_the_next_run_works(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE, "beta:/etc": TREE})
    amdump = site.start("amdump", "--quiet", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    run = wait_for(lambda: live_run(tmp_path / "state"))
    wait_for(lambda: len(tree_of(amdump.pid)) > 3)
    family = tree_of(amdump.pid)
    driver = next(pid for pid in family if is_program(pid, "driver"))
    os.kill(driver, signal.SIGKILL)
    assert amdump.stderr is not None and amdump.wait(60) == 3
    assert b"RUN009 the driver died" in amdump.stderr.read()
    wait_for(lambda: not [pid for pid in family if Path(f"/proc/{pid}").exists()])
    assert run is not None and live_run(tmp_path / "state") is None
    after = site.amdump()
    assert after.returncode == 0, after.stdout + site.logs()
    assert site.view().count(DiskState.DONE) == 2


def test_a_dead_client_does_not_stop_the_others(tmp_path: Path) -> None:
    site = SmallSite(
        tmp_path, {"alpha:/home": TREE, "dead:/home": TREE}, hosts={"dead": {"amandad": ["/bin/false"]}},
        run={"retry_delay": "0.1 s"})
    done = site.amdump()
    assert done.returncode == 1, done.stdout + site.logs()
    states = {host: disk.state for (host, _), disk in site.view().disks.items()}
    assert states == {"alpha": DiskState.DONE, "dead": DiskState.FAILED}
    assert "dead" in done.stdout


def test_without_a_volume_the_night_is_kept_on_the_holding_disk_and_flushed_by_the_next(tmp_path: Path) -> None:
    site = SmallSite(
        tmp_path, {"alpha:/home": TREE}, run={"requests": {"TAP*": {"reply": "degrade", "after": "0 s"}}},
        storage={"slots": 0})
    vtapes = tmp_path / "vtapes"
    vtapes.rename(tmp_path / "away")
    first = site.amdump()
    assert first.returncode == 1, first.stdout + site.logs()
    assert site.view().degraded and list((tmp_path / "hold").rglob("alpha.*.0"))
    (tmp_path / "away").rename(vtapes)
    site.config.write_text(site.config.read_text().replace("slots = 0", "slots = 5"))
    second = site.amdump()
    assert second.returncode == 0, second.stdout + site.logs()
    writes = [w for w in site.view().writes.values() if w.outcome == "done"]
    assert len(writes) == 2 and not list((tmp_path / "hold").rglob("alpha.*"))


def test_every_fact_of_a_run_is_in_the_catalogue_and_rebuilt_from_the_journal(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE})
    assert site.amdump().returncode == 0, site.logs()
    facts = [type(r.event) for r in Journal(site.run()).read()]
    for kind in (e.RunBegan, e.DumpPlanned, e.DumpBegan, e.DumpEnded, e.VolumeBegan, e.PartWritten, e.WriteEnded,
                 e.FileRemoved, e.DiskEnded, e.VolumeEnded, e.RunEnded):
        assert kind in facts
