"""Whole nights with real volumes that are missing, wrong, full, taken away, or in a drive that does not answer."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from core.client.follow import Journal
from core.devices.labelling import label_volume
from core.events import event as e
from core.events.event import Event
from core.events.view import DiskState
from core.holding.header import Header, Kind, build
from tests.process.test_run_whole import follow_until
from tests.support.big_site import holds_all, on_volumes
from tests.support.small_site import SmallSite

PRELUDE = Path(__file__).parents[1] / "support" / "prelude"
NOBODY = {"TAP*": {"reply": "degrade", "after": "0 s"}}
SOON = "import core.engine.tape_waiting as w; w.LOOK_AGAIN = w.LOOK_DEGRADED = 0.3"
"""For the driver: a test need not wait for ten seconds between two looks."""
AT_WRITE = """
import os
import core.devices.slot_volume as volumes
import core.devices.directory as directory
count = [0]
def write(fd, data):
    count[0] += 1
    if count[0] == {at}:
        {what}
    return os.write(fd, data)
directory.DirectoryChanger.__init__.__kwdefaults__['write'] = write
"""
"""For the taper: before its so many-th write to a volume something happens."""
STUCK = """
import os, time
import core.devices.directory as d
real = d.DirectoryChanger.views
def views(self):
    marks = [n for n in os.listdir(self.path.parent) if n.startswith('hung')]
    if len(marks) < {times}:
        open(self.path.parent / ('hung%d' % len(marks)), 'w').close()
        while True: time.sleep(3600)
    return real(self)
d.DirectoryChanger.views = views
"""
"""For the taper: its changer hangs the first so many times."""


def make(path: Path, *, preludes: Mapping[str, str] | None = None, size: int = 600_000, **more: object) -> SmallSite:
    trees = {"alpha:/home": {"noise": os.urandom(size)}, "beta:/etc": {"passwd": os.urandom(size // 2)}}
    site = SmallSite(path, trees, **more)  # type: ignore[arg-type]
    site.env["PYTHONPATH"] = f"{PRELUDE}:{Path(__file__).parents[2]}"
    site.env["TAPEROOM_TEST_PRELUDES"] = json.dumps({"core.driver": SOON, **(preludes or {})})
    return site


def contents(site: SmallSite) -> dict[str, dict[str, bytes]]:
    return {f"{host}:/{name}": {path.name: path.read_bytes() for path in site.data(f"{host}:/{name}").iterdir()}
            for host, name in (("alpha", "home"), ("beta", "etc"))}


def facts(site: SmallSite) -> list[Event]:
    journal, found = Journal(site.run()), list[Event]()
    while records := journal.read():  # a long journal comes in pieces
        found += [record.event for record in records]
    journal.close()
    return found


def held(site: SmallSite) -> list[str]:
    return sorted(path.name.partition(".")[0] for path in (site.root / "hold").rglob("*") if path.is_file())


def fingerprint(path: Path) -> str:
    """Names and bytes of everything below."""
    found = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        found.update(str(file.relative_to(path)).encode() + b"\0" + (file.read_bytes() if file.is_file() else b""))
    return found.hexdigest()


def all_safe(site: SmallSite) -> None:
    """Every disk is on volumes, byte for byte, and nothing is left over."""
    wanted = contents(site)
    holds_all(on_volumes(site.root / "vtapes"), wanted, wanted)
    assert not held(site)


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    """Two small file systems: ``vtapes/slot1`` and ``slot2``."""
    slots = [tmp_path / "slots" / name for name in ("slot1", "slot2")]
    mounted = []
    try:
        for slot in slots:
            slot.mkdir(parents=True)
            mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(slot)]
            if os.geteuid() or subprocess.run(mount, check=False).returncode:
                pytest.skip("FILE SYSTEMS THAT FILL UP ARE NOT TESTED: this user may not mount a tmpfs")
            mounted.append(slot)
        yield tmp_path / "slots"
    finally:
        for slot in mounted:
            subprocess.run(["umount", str(slot)], check=True)


def test_no_wrong_active_and_unlabelled_volumes_are_told_apart_and_the_next_night_flushes(tmp_path: Path) -> None:
    site = make(tmp_path, run={"requests": NOBODY},
                storage={"slots": 4, "autolabel": "", "retention": {"tapes": 1, "days": 0, "full": 0}})
    vtapes = tmp_path / "vtapes"
    storage = site.site.storages["main"]
    label_volume(site.site, storage, "1", "T-001")
    assert site.amdump().returncode == 0, site.logs()
    for number, label in (("2", "T-900"), ("3", "WRONG-1")):
        (vtapes / f"slot{number}").mkdir()
        (vtapes / f"slot{number}" / f"00000.{label}").write_bytes(
            build(Header(Kind.TAPESTART, datestamp="20260101000000", label=label)))
        (vtapes / f"slot{number}" / "00001.x._y.0").write_bytes(b"somebody's data")
    before = fingerprint(vtapes / "slot1"), fingerprint(vtapes / "slot2"), fingerprint(vtapes / "slot3")
    assert site.amdump().returncode == 1, site.logs()
    asked = next(event for event in facts(site) if isinstance(event, e.QuestionAsked))
    assert asked.code == "TAP012" and asked.default == "degrade"
    for reason in ("slot 1 T-001: one of the 1 newest", "slot 2 T-900: not in the tapelist",
                   "slot 3 WRONG-1: not in the tapelist", "slot 4: no label, and autolabel is not set"):
        assert reason in asked.text, asked.text
    assert held(site) == ["alpha", "beta"] and site.view().degraded
    assert before == (fingerprint(vtapes / "slot1"), fingerprint(vtapes / "slot2"), fingerprint(vtapes / "slot3"))
    label_volume(site.site, storage, "4", "T-004")
    assert site.amdump().returncode == 0, site.logs()
    all_safe(site)
    assert before[0] == fingerprint(vtapes / "slot1")


@pytest.mark.parametrize("when", ["before the deadline", "in degraded mode"])
def test_a_volume_that_comes_is_found_without_a_word(tmp_path: Path, when: str) -> None:
    """The request withdraws itself, or degraded mode ends: nobody answers anything, and all is flushed."""
    site = make(tmp_path, run={"requests": NOBODY} if when == "in degraded mode" else {}, storage={"slots": 0})
    driver = site.start("driver", stdin=subprocess.PIPE)
    assert driver.stdin is not None
    for title in ("alpha:/home", "beta:/etc"):
        driver.stdin.write(f"{title.partition(':')[0]} {site.data(title)} 1 0 700\n".encode())
    driver.stdin.flush()
    if when == "in degraded mode":
        follow_until(site, lambda v: v.degraded and v.count(DiskState.DUMPED) == 2, 60)
    else:
        follow_until(site, lambda v: v.open_questions and v.count(DiskState.DUMPED) == 2, 60)
    assert held(site) == ["alpha", "beta"]
    (tmp_path / "vtapes" / "slot1").mkdir()
    view = follow_until(site, lambda v: v.count(DiskState.DONE) == 2, 60)
    assert not view.degraded and not view.open_questions
    driver.stdin.close()
    assert driver.wait(60) == 0, site.logs()
    closed = [(event.choice, event.by) for event in facts(site) if isinstance(event, e.QuestionClosed)]
    assert closed == ([("degrade", "policy")] if when == "in degraded mode" else [("", "withdrawn")])
    all_safe(site)


def test_waiting_for_a_volume_reads_no_label_again(tmp_path: Path) -> None:
    """Forty looks while a request is open: the slots were read once."""
    counted = """
import core.devices.directory as d
real = d.DirectoryChanger.views
def views(self):
    with open(str(self.path.parent / 'looks'), 'a') as f: f.write('x')
    return real(self)
d.DirectoryChanger.views = views
"""
    site = make(tmp_path, preludes={"core.taper": counted, "core.driver": SOON.replace("0.3", "0.02")},
                run={"request_deadline": "3 s"}, storage={"slots": 0})
    assert site.amdump().returncode == 1, site.logs()
    looks = site.run().path.joinpath("traffic.log").read_text().count("START-TAPER")
    assert looks >= 10 and len((tmp_path / "looks").read_text()) <= 2, looks


def test_a_write_error_in_mid_part_is_written_again_on_the_next_volume(tmp_path: Path) -> None:
    bad = AT_WRITE.format(at=4, what="raise OSError(5, 'Input/output error')")
    site = make(tmp_path, preludes={"core.taper": bad}, storage={"part_size": "256 KiB"})
    assert site.amdump().returncode == 0, site.logs()
    assert [event.label for event in facts(site) if isinstance(event, e.VolumeBegan)] == ["T-001", "T-002"]
    all_safe(site)


def test_a_slot_that_is_exchanged_while_it_is_written_costs_nothing(tmp_path: Path) -> None:
    """Somebody takes the volume out and puts one that is still needed in its place."""
    site = make(tmp_path, storage={"part_size": "256 KiB", "retention": {"tapes": 5, "days": 0, "full": 1}, "slots": 8})
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
    assert len([event for event in facts(site) if isinstance(event, e.VolumeBegan)]) == 2
    assert "slot 2 does not hold T-002 any more" in site.logs() and not held(site)


def test_volumes_that_go_away_in_the_middle_and_come_back_are_flushed_to(tmp_path: Path) -> None:
    away = f"os.path.exists('{tmp_path}/away') or os.rename('{tmp_path}/vtapes', '{tmp_path}/away')"
    site = make(tmp_path, preludes={"core.taper": AT_WRITE.format(at=4, what=away)}, run={"requests": NOBODY},
                storage={"part_size": "256 KiB"})
    driver = site.start("driver", stdin=subprocess.PIPE)
    assert driver.stdin is not None
    for title in ("alpha:/home", "beta:/etc"):
        driver.stdin.write(f"{title.partition(':')[0]} {site.data(title)} 1 0 700\n".encode())
    driver.stdin.flush()
    view = follow_until(site, lambda v: v.degraded, 60)
    assert "TAP002" in next(iter(view.degraded.values()))
    (tmp_path / "away").rename(tmp_path / "vtapes")
    follow_until(site, lambda v: v.count(DiskState.DONE) == 2, 60)
    driver.stdin.close()
    assert driver.wait(60) == 0, site.logs()
    all_safe(site)


@pytest.mark.parametrize("holding", ["auto", "never"])
def test_the_hard_end_of_a_real_file_system(tmpfs: Path, tmp_path: Path, holding: str) -> None:
    """Somebody else fills the volume's file system while a part is written: FILE-WRITE and PORT-WRITE."""
    fill = f"""
        with open('{tmpfs}/slot1/filler', 'wb', buffering=0) as f:
            try:
                while True: f.write(bytes(4096))
            except OSError: pass"""
    site = make(tmp_path / "site", preludes={"core.taper": AT_WRITE.format(at=5, what=fill.strip("\n ")).replace(
        "        with", "    with", 0)}, dumptype={"holding": holding}, run={"inparallel": 1, "runtapes": 2},
        storage={"changer": f"disk:{tmpfs}", "slots": 2, "capacity": "64 MiB", "part_size": "8 MiB",
                 "retention": {"tapes": 0, "days": 0, "full": 0}})
    done = site.amdump()
    assert done.returncode == 0, done.stdout + site.logs()
    assert [event.label for event in facts(site) if isinstance(event, e.VolumeBegan)] == ["T-001", "T-002"]
    wanted = contents(site)
    holds_all(on_volumes(tmpfs), wanted, wanted)


def test_volumes_that_become_read_only_stop_nothing_but_themselves(tmpfs: Path, tmp_path: Path) -> None:
    freeze = f"""
import subprocess
import core.devices.slot_volume as v
real = v.DirectoryVolume.begin_part
def begin_part(self, header):
    if real.count:
        for n in (1, 2): subprocess.run(['mount', '-o', 'remount,ro', '{tmpfs}/slot%d' % n], check=True)
    real.count += 1
    return real(self, header)
class Real:
    count = 0
    def __call__(self, *a): return original(*a)
original, real = real, Real()
v.DirectoryVolume.begin_part = begin_part
"""
    site = make(tmp_path / "site", preludes={"core.taper": freeze}, run={"requests": NOBODY}, storage={
        "changer": f"disk:{tmpfs}", "slots": 2, "capacity": "3 MiB", "part_size": "256 KiB",
        "retention": {"tapes": 0, "days": 0, "full": 0}})
    done = site.amdump()
    assert done.returncode == 1, done.stdout + site.logs()
    assert "TAP003" in next(iter(site.view().degraded.values())) and held(site) == ["alpha", "beta"]
    for number in (1, 2):
        subprocess.run(["mount", "-o", "remount,rw", f"{tmpfs}/slot{number}"], check=True)
    site.env["TAPEROOM_TEST_PRELUDES"] = "{}"
    assert site.amdump().returncode == 0, site.logs()
    wanted = contents(site)
    holds_all(on_volumes(tmpfs), wanted, wanted)


def test_runtapes_used_up_leaves_the_rest_for_the_next_night(tmp_path: Path) -> None:
    site = make(tmp_path, size=1_500_000, run={"runtapes": 1}, storage={
        "capacity": "1536 KiB", "part_size": "256 KiB", "slots": 8, "retention": {"tapes": 3, "days": 0, "full": 1}})
    first = site.amdump()
    assert first.returncode == 1 and "runtapes = 1 allows no more" in first.stdout + site.logs()
    volume = fingerprint(tmp_path / "vtapes" / "slot1")
    assert "alpha" in held(site)
    site.config.write_text(site.config.read_text().replace("runtapes = 1", "runtapes = 4"))
    second = site.amdump()
    assert second.returncode == 0, second.stdout + site.logs()
    assert not held(site) and fingerprint(tmp_path / "vtapes" / "slot1") == volume


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_changer_that_hangs_is_given_up_in_time(tmp_path: Path, times: int) -> None:
    """Once: the taper is started again and all is well.  Twice: the night goes on without it and ends."""
    site = make(tmp_path, preludes={"core.taper": STUCK.format(times=times)}, run={"child_timeout": "8 s", "inparallel": 1})
    done = site.amdump(timeout=200)
    assert done.returncode == 1, done.stdout + site.logs()
    died = [event.status for event in facts(site) if isinstance(event, e.ChildDied)]
    assert died == ["was ended: it said nothing for 8s: its drive or changer is stuck"] * times
    if times == 1:
        all_safe(site)
    else:
        assert held(site) == ["alpha", "beta"] and "the taper died twice" in next(iter(site.view().degraded.values()))


def test_degraded_mode_takes_the_incremental_and_keeps_the_reserve(tmp_path: Path) -> None:
    """A full that does not fit beside the reserve becomes its plan B; one that fits is dumped; the next night flushes both."""
    site = make(tmp_path, run={"requests": NOBODY}, storage={"slots": 8},
                holding=[{"path": str(tmp_path / "hold"), "use": "1 MiB", "reserve": 30}])
    assert site.amdump().returncode == 0, site.logs()
    (site.data("alpha:/home") / "new").write_bytes(os.urandom(20_000))
    (tmp_path / "vtapes").rename(tmp_path / "away")
    driver = site.start("driver", stdin=subprocess.PIPE)
    assert driver.stdin is not None
    driver.stdin.write(b"ENDFLUSH\n")
    driver.stdin.flush()
    follow_until(site, lambda v: v.degraded, 60)
    for title, size in (("alpha:/home", 760), ("beta:/etc", 400)):
        driver.stdin.write(f"{title.partition(':')[0]} {site.data(title)} 1 0 {size} 10 1 64 10\n".encode())
    driver.stdin.close()
    assert driver.wait(60) == 1, site.logs()
    assert {disk.title.partition(":")[0]: disk.level for disk in site.view().disks.values()} == {"alpha": 1, "beta": 0}
    assert held(site) == ["alpha", "beta"]
    (tmp_path / "away").rename(tmp_path / "vtapes")
    assert site.amdump().returncode == 0, site.logs()
    assert not held(site)
    wanted = contents(site)
    holds_all(on_volumes(tmp_path / "vtapes"), wanted, wanted)
