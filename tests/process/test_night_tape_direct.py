"""What goes wrong with volumes while dumps go straight to them (PORT-WRITE): the same faults as `test_night_tape` has for
dumps on the holding disk.  There is no second copy here, so what was lost in mid-part is dumped again."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from core.devices.labelling import label_volume
from core.events import event as e
from core.events.view import DiskState
from core.holding.header import Header, Kind, build
from core.report.morning import report_text
from tests.process.test_night_tape import AT_WRITE, NOBODY, STUCK, all_safe, facts, fingerprint, make
from tests.process.test_run_whole import follow_until
from tests.support.small_site import SmallSite

DIRECT = {"holding": "never", "retry": 3}
SOON = {"inparallel": 1, "retry_delay": "0.1 s"}


def began(site: SmallSite) -> list[str]:
    return [event.label for event in facts(site) if isinstance(event, e.VolumeBegan)]


def straight(site: SmallSite) -> None:
    """Nothing of this run touched the holding disk."""
    assert {event.target for event in facts(site) if isinstance(event, e.DumpBegan)} == {"tape"}


def failed(site: SmallSite) -> str:
    """Why both disks failed, as the report tells it."""
    view = site.view()
    assert view.count(DiskState.FAILED) == 2, site.logs()
    report = " ".join(report_text(view).split())
    assert "FAILED (2)" in report
    return report


def test_no_wrong_active_and_unlabelled_volumes_are_told_and_left_alone(tmp_path: Path) -> None:
    site = make(tmp_path, run={"requests": NOBODY, **SOON}, dumptype=DIRECT,
                storage={"slots": 4, "autolabel": "", "retention": {"tapes": 1, "days": 0, "full": 0}})
    vtapes, storage = tmp_path / "vtapes", site.site.storages["main"]
    label_volume(site.site, storage, "1", "T-001")
    assert site.amdump().returncode == 0, site.logs()
    straight(site)
    for number, label in (("2", "T-900"), ("3", "WRONG-1")):
        (vtapes / f"slot{number}").mkdir()
        (vtapes / f"slot{number}" / f"00000.{label}").write_bytes(
            build(Header(Kind.TAPESTART, datestamp="20260101000000", label=label)))
        (vtapes / f"slot{number}" / "00001.x._y.0").write_bytes(b"somebody's data")
    before = [fingerprint(vtapes / f"slot{number}") for number in (1, 2, 3)]
    assert site.amdump().returncode == 1, site.logs()
    asked = next(event for event in facts(site) if isinstance(event, e.QuestionAsked))
    told = failed(site)
    for reason in ("slot 1 T-001: one of the 1 newest", "slot 2 T-900: not in the tapelist",
                   "slot 3 WRONG-1: not in the tapelist", "slot 4: no label, and autolabel is not set"):
        assert reason in asked.text and reason in told, told
    assert asked.code == "TAP012"
    assert [fingerprint(vtapes / f"slot{number}") for number in (1, 2, 3)] == before
    label_volume(site.site, storage, "4", "T-004")
    assert site.amdump().returncode == 0, site.logs()
    all_safe(site)


@pytest.mark.parametrize("when", ["before the deadline", "in degraded mode"])
def test_a_volume_that_comes_is_found_without_a_word(tmp_path: Path, when: str) -> None:
    degraded = when == "in degraded mode"
    site = make(tmp_path, run={**SOON, **({"requests": NOBODY} if degraded else {})}, dumptype=DIRECT, storage={"slots": 0})
    driver = site.start("driver", stdin=subprocess.PIPE)
    assert driver.stdin is not None
    for title in ("alpha:/home", "beta:/etc"):
        driver.stdin.write(f"{title.partition(':')[0]} {site.data(title)} 1 0 700\n".encode())
    driver.stdin.flush()
    if degraded:
        follow_until(site, lambda v: v.degraded and v.count(DiskState.FAILED) == 2, 60)
    else:
        follow_until(site, lambda v: v.open_questions, 60)
    (tmp_path / "vtapes" / "slot1").mkdir()
    view = follow_until(site, lambda v: v.count(DiskState.DONE) == 2, 60)
    assert not view.degraded and not view.open_questions
    driver.stdin.close()
    assert driver.wait(60) == 0, site.logs()
    closed = [(event.choice, event.by) for event in facts(site) if isinstance(event, e.QuestionClosed)]
    assert closed == ([("degrade", "policy")] if degraded else [("", "withdrawn")])
    straight(site)
    all_safe(site)


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("at", [3, 4, 5])
def test_a_write_error_in_mid_part_and_the_dump_is_whole_on_the_next_volume(tmp_path: Path, error: str, at: int) -> None:
    """Write 1 is the label, 2 the first header; the parts have two or three writes each."""
    bad = AT_WRITE.format(at=at, what=f"import errno; raise OSError(errno.{error}, os.strerror(errno.{error}))")
    site = make(tmp_path, preludes={"core.taper": bad}, run=SOON, dumptype=DIRECT, storage={"part_size": "256 KiB"})
    done = site.amdump()
    assert "Traceback" not in site.logs() + done.stderr
    assert done.returncode == 0, done.stdout + site.logs()
    assert began(site) == ["T-001", "T-002"], site.logs()
    straight(site)
    all_safe(site)


def test_the_early_warning_ends_a_part_and_the_dump_goes_on_on_the_next_volume(tmp_path: Path) -> None:
    """No byte is lost at it, so nothing is dumped again."""
    site = make(tmp_path, size=1_500_000, run={**SOON, "runtapes": 4}, dumptype=DIRECT, storage={
        "capacity": "1 MiB", "part_size": "1 MiB", "slots": 8})
    assert site.amdump().returncode == 0, site.logs()
    assert len(began(site)) == 3 and len([f for f in facts(site) if isinstance(f, e.DumpBegan)]) == 2
    straight(site)
    all_safe(site)


def test_runtapes_used_up_is_told_and_the_next_night_dumps_the_rest(tmp_path: Path) -> None:
    site = make(tmp_path, size=1_500_000, run={**SOON, "runtapes": 1}, dumptype=DIRECT, storage={
        "capacity": "1536 KiB", "part_size": "256 KiB", "slots": 8, "retention": {"tapes": 3, "days": 0, "full": 1}})
    assert site.amdump().returncode == 1, site.logs()
    states = sorted(disk.state.value for disk in site.view().disks.values())
    assert states in (["done", "failed"], ["failed", "failed"])
    assert "runtapes = 1 allows no more" in " ".join(report_text(site.view()).split())
    volume = fingerprint(tmp_path / "vtapes" / "slot1")
    site.config.write_text(site.config.read_text().replace("runtapes = 1", "runtapes = 4"))
    assert site.amdump().returncode == 0, site.logs()
    assert site.view().count(DiskState.DONE) == 2 and fingerprint(tmp_path / "vtapes" / "slot1") == volume
    all_safe(site)


@pytest.mark.slow  # the same for dumps on the holding disk is not
@pytest.mark.parametrize("times", [1, 2])
def test_a_changer_that_hangs_is_given_up_in_time(tmp_path: Path, times: int) -> None:
    """Once: the taper is started again and all is well.  Twice: what can go nowhere else fails, and the run ends."""
    site = make(tmp_path, preludes={"core.taper": STUCK.format(times=times)}, run={**SOON, "child_timeout": "8 s"},
                dumptype=DIRECT)
    done = site.amdump(timeout=200)
    assert done.returncode == 1, done.stdout + site.logs()
    died = [event.status for event in facts(site) if isinstance(event, e.ChildDied)]
    assert died == ["was ended: it said nothing for 8s: its drive or changer is stuck"] * times
    if times == 1:
        all_safe(site)
    else:
        assert "the taper died twice" in failed(site)


def test_a_slot_that_is_exchanged_in_mid_dump_harms_neither_volume(tmp_path: Path) -> None:
    """Somebody takes the volume out and puts one that is still needed in its place."""
    site = make(tmp_path, run=SOON, dumptype=DIRECT, storage={
        "part_size": "256 KiB", "retention": {"tapes": 5, "days": 0, "full": 1}, "slots": 8})
    assert site.amdump().returncode == 0, site.logs()
    vtapes = tmp_path / "vtapes"
    needed = fingerprint(vtapes / "slot1")
    swap = f"os.rename('{vtapes}/slot2', '{tmp_path}/taken'); os.rename('{vtapes}/slot1', '{vtapes}/slot2')"
    site.env["TAPEROOM_TEST_PRELUDES"] = json.dumps({"core.taper": AT_WRITE.format(at=4, what=swap)})
    for host, name in (("alpha", "home"), ("beta", "etc")):
        (site.data(f"{host}:/{name}") / "more").write_bytes(os.urandom(700_000))
    done = site.amdump()
    assert done.returncode == 0, done.stdout + site.logs()
    assert fingerprint(vtapes / "slot2") == needed, "the volume that was put in is as it was"
    assert len(began(site)) == 2 and "slot 2 does not hold T-002 any more" in site.logs()
    assert site.view().count(DiskState.DONE) == 2
