"""``taperoom drill`` on a real small site: what came back is compared with the day of its dump, and the drill can fail."""

from __future__ import annotations

import json
import os
import random
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w

from core.catalogue.checked import NAME, keep_check, read_checks
from core.errors import WorldError
from core.events.event import DiskDrilled
from core.prove import compare, drill, selftest
from core.prove.drill import Outcome, Wish
from core.prove.examine import Finding
from core.prove.scratch import PREFIX, Scratch
from core.restore import recover
from tests.support.cli import call
from tests.support.flips import flipped
from tests.support.small_site import SmallSite

TREES = {
    "a:/one": {"big": random.Random(1).randbytes(2_500_000), "sub/small": b"one\n", "odd/new\nline": b"x",
               **{f"many/f{n}": random.Random(n).randbytes(3000) for n in range(20)}},
    "b:/two": {"other": random.Random(2).randbytes(150_000)},
}
A, B = TREES
MiB = 1 << 20


def grow(site: SmallSite) -> None:
    """What is not a plain file, before the full dump; renamed and new after it."""
    top = site.data(A)
    os.link(top / "many/f1", top / "hard")
    os.symlink("big", top / "link")
    os.mkfifo(top / "pipe")
    (top / os.fsdecode(b"latin\xe9")).write_bytes(b"not utf-8")
    with open(top / "sparse", "wb") as sparse:
        for n in range(20):
            sparse.seek(n * 1_000_000)
            sparse.write(b"data")


@pytest.fixture(scope="module", params=["none", "client fast"])
def taped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """Two nights that went to volumes: a full and an incremental."""
    site = SmallSite(tmp_path_factory.mktemp("taped"), TREES, dumptype={"compress": request.param})
    grow(site)
    assert site.amdump().returncode == 0, site.logs()
    (site.data(A) / "many").rename(site.data(A) / "renamed")
    (site.data(A) / "sub/small").write_bytes(b"changed\n")
    assert site.amdump().returncode == 0, site.logs()
    return site


@pytest.fixture(autouse=True)
def no_checks(taped: SmallSite) -> Iterator[None]:
    yield
    (taped.root / "state" / NAME).unlink(missing_ok=True)


def rehearsed(site: SmallSite, scratch: Path, *disks: str, files: int = 100, seed: int = 5, limit: int = 64 * MiB) -> Outcome:
    outcome = drill.drill(site.site, Wish(disks, files, seed, str(scratch), limit), "ana", lambda at: None,
                          lambda drilled: None, lambda: 1e9)
    assert list(scratch.iterdir()) == [], "scratch is left as it was"
    return outcome


def faults(outcome: Outcome) -> list[str]:
    return outcome.faults + [fault for drilled in outcome.disks for fault in drilled.faults]


def sums(site: SmallSite, host: str) -> list[Path]:
    """The checksums of the full dump and of the incremental."""
    return sorted((site.root / "state/index" / host).rglob("*.crcs"))


def parts(site: SmallSite, host: str) -> list[Path]:
    return sorted(path for path in (site.root / "vtapes").glob("slot*/0*") if f".{host}." in path.name)


def test_every_kind_of_file_comes_back(taped: SmallSite, tmp_path: Path) -> None:
    volumes = {str(path): os.stat(path).st_mtime_ns for path in (taped.root / "vtapes").rglob("*")}
    outcome = rehearsed(taped, tmp_path)
    assert outcome.good and faults(outcome) == []
    one, two = outcome.disks
    assert {"/big", "/hard", "/link", "/pipe", "/sparse", "/renamed/f3", "/odd/new\nline"} <= set(one.files)
    assert len(one.files) == 28 and two.files == ["/other"]
    assert (one.against, two.against) == ("frames", "frames") and not one.warnings and one.seconds > 0
    assert {dump.level for dump in one.used} == {0, 1} and one.size > 20_000_000 and one.read > 2_400_000
    assert len(outcome.proofs) == 4 and all(proof.found for proof in outcome.proofs)
    assert {str(path): os.stat(path).st_mtime_ns for path in (taped.root / "vtapes").rglob("*")} == volumes
    kept = [fact for _, fact in read_checks(taped.site.state_dir).drills]
    assert [(fact.disk, fact.files, fact.outcome, fact.against, fact.seed) for fact in kept] == [
        (one.disk, 28, "good", "frames", 5), (two.disk, 1, "good", "frames", 5)]


def test_a_seed_makes_the_same_choice_again(taped: SmallSite, tmp_path: Path) -> None:
    chosen = [rehearsed(taped, tmp_path, "a", files=3, seed=seed).disks[0].files for seed in (5, 5, 6, 7)]
    assert chosen[0] == chosen[1] and len(chosen[0]) == 3
    assert len({tuple(files) for files in chosen}) > 1


def test_a_byte_on_a_volume(taped: SmallSite, tmp_path: Path) -> None:
    path = parts(taped, "b")[0]
    with flipped(path, path.stat().st_size - 2000):
        outcome = rehearsed(taped, tmp_path)
    assert not outcome.good
    assert [bool(drilled.faults) for drilled in outcome.disks] == [False, True], "one disk's fault ends no other"
    [told] = outcome.disks[1].faults
    assert told.startswith("VFY015 b:") and "RST024" in told and f"volume T-001 file {int(path.name[:5])}" in told, told
    assert [fact.outcome for _, fact in read_checks(taped.site.state_dir).drills] == ["good", "failed"]


def test_an_archive_that_is_not_what_was_dumped(taped: SmallSite, tmp_path: Path) -> None:
    full = sums(taped, "a")[0]
    data = full.read_bytes()
    try:
        full.write_bytes(sums(taped, "b")[0].read_bytes())
        outcome = rehearsed(taped, tmp_path, "a")
        [told] = faults(outcome)
        assert told.startswith("VFY011 a:") and "the archive is not what was dumped" in told and "/big" in told
    finally:
        full.write_bytes(data)


def test_without_checksums_of_its_day_the_crc_of_the_whole_is_taken_and_it_is_said(taped: SmallSite, tmp_path: Path) -> None:
    saved = {path: path.read_bytes() for path in sums(taped, "a")}
    try:
        for path in saved:
            path.unlink()
        outcome = rehearsed(taped, tmp_path, "a")
        assert outcome.good and outcome.disks[0].against == "native"
        assert [w for w in outcome.disks[0].warnings if w.startswith("VFY005 a:")], outcome.disks[0].warnings
        for path, data in saved.items():
            path.write_bytes(data[:40])
        outcome = rehearsed(taped, tmp_path, "a")
        assert outcome.disks[0].against == "native"
        assert [w for w in outcome.disks[0].warnings if w.startswith(f"VFY006 {path}: ")]
    finally:
        for path, data in saved.items():
            path.write_bytes(data)


def test_a_restore_that_changes_a_file_or_loses_one(
    taped: SmallSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = recover.restore

    def spoils(*given: object, **more: object) -> recover.Result:
        done = real(*given, **more)  # type: ignore[arg-type]
        victim = done.to.path / "big"
        if victim.exists():
            before = os.stat(victim)
            data = bytearray(victim.read_bytes())
            data[1_700_000] ^= 1
            victim.write_bytes(data)
            os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
            (done.to.path / "hard").unlink()
            os.chmod(done.to.path / "renamed/f5", 0o123)
        return done

    monkeypatch.setattr(recover, "restore", spoils)
    outcome = rehearsed(taped, tmp_path)
    told = faults(outcome)
    assert [bool(d.faults) for d in outcome.disks] == [True, False]
    assert [one for one in told if one.startswith("VFY011 ./big: Contents differ")], told
    assert [one for one in told if "hard" in one or "f1" in one] and [one for one in told if "f5: Mode differs" in one], told


def test_a_drill_that_cannot_fail_is_worth_nothing(
    taped: SmallSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selftest, "examine", lambda *given, **more: Finding())
    outcome = rehearsed(taped, tmp_path, "b")
    assert not outcome.good and not outcome.disks[0].faults
    assert len([one for one in outcome.faults if one.startswith("VFY010 ") and "nothing was found" in one]) == 3
    said = call(capsys, "drill", "--self-test", "--config", str(taped.config))
    assert said.code == 1 and "NOT FOUND" in said.out and "VFY010 bit " in said.err
    monkeypatch.setattr(selftest, "examine", lambda *given, **more: Finding(faults=["VFY001 all"]))
    with pytest.raises(WorldError, match="VFY010 the self-test calls damaged what is good"):
        drill.self_test(taped.site, Wish((), 1, 1, str(tmp_path), MiB))
    assert list(tmp_path.iterdir()) == []


def test_scratch_is_bounded(taped: SmallSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.prove.scratch._LOOK", 0.0)
    outcome = rehearsed(taped, tmp_path, "a", limit=MiB)
    assert outcome.good and "/big" not in outcome.disks[0].files and "/hard" in outcome.disks[0].files
    assert [w for w in outcome.disks[0].warnings if w.startswith("VFY012 /big is left out: more than the 1.0 MiB")]
    assert all(proof.found for proof in outcome.proofs)
    outcome = rehearsed(taped, tmp_path, "b", limit=1000)
    assert not outcome.good
    [told] = outcome.disks[0].faults
    assert told.startswith("VFY012 scratch ") and "each file that was chosen" in told


def test_no_room_and_no_place(taped: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorldError, match=r"VFY012 scratch .*/file"):
        drill.drill(taped.site, Wish((), 3, 1, str(tmp_path / "file"), MiB), "ana", lambda at: None, lambda done: None)
    said = call(capsys, "drill", "--scratch", str(tmp_path / "file"), "--config", str(taped.config))
    assert said.code == 1 and "VFY012 scratch" in said.err and "Hint:" in said.err


def test_a_full_file_system(taped: SmallSite, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("NOT TESTED: this user may not mount a small file system")
    try:
        scratch = small / "scratch"
        with pytest.raises(WorldError, match=r"VFY012 scratch .*No space left"):
            drill.drill(taped.site, Wish(("a",), 100, 5, str(scratch), 64 * MiB), "ana", lambda at: None, lambda done: None)
        assert list(scratch.iterdir()) == []
        [fact] = [fact for _, fact in read_checks(taped.site.state_dir).drills]
        assert fact.outcome == "failed" and "VFY012" in fact.message and "No space left" in fact.message
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_what_a_killed_drill_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    for name in (f"{PREFIX}{ended.pid}-abc", f"{PREFIX}{os.getpid()}-live", f"{PREFIX}mine", "other"):
        (tmp_path / name / "sub").mkdir(parents=True)
    os.symlink(tmp_path / "other", tmp_path / f"{PREFIX}{ended.pid}-link")
    with Scratch(str(tmp_path), MiB) as scratch:
        assert scratch.path.parent == tmp_path and scratch.path.stat().st_mode & 0o777 == 0o700
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {f"{PREFIX}{os.getpid()}-live", f"{PREFIX}mine", "other", f"{PREFIX}{ended.pid}-link",
                         scratch.path.name}
    assert (tmp_path / "other/sub").is_dir()


def test_nothing_is_hung_through_a_link_of_the_dump(tmp_path: Path) -> None:
    """A hostile archive: ``s`` is a link out of scratch, and a hard link's first name is ``s/evil``."""
    outside, restored, farm = tmp_path / "outside", tmp_path / "restored", tmp_path / "farm"
    outside.mkdir()
    restored.mkdir()
    (restored / "file").write_text("x")
    (restored / "link").symlink_to(outside)
    compare._hang(farm, b"s", restored / "link")
    compare._hang(farm, b"s/evil", restored / "file")
    compare._hang(farm, b"s/deep/evil", restored / "file")
    compare._hang(farm, b"fine/file", restored / "file")
    compare._hang(farm, b"gone", restored / "gone")
    compare._hang(farm, b"gone", restored / "file/gone")
    assert list(outside.iterdir()) == []
    assert sorted(str(path.relative_to(farm)) for path in farm.rglob("*")) == ["fine", "fine/file", "s"]


def test_the_command_and_its_history(taped: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tomllib.loads(taped.config.read_text())
    taped.config.write_text(tomli_w.dumps(config | {"drill": {"files": 2, "scratch": str(tmp_path)}}))
    try:
        end = ("--config", str(taped.config))
        said = call(capsys, "drill", "--history", *end)
        assert said.code == 0 and "nothing was drilled yet" in said.out
        said = call(capsys, "drill", "--seed", "9", *end)
        assert said.code == 0 and said.out.startswith("seed 9\n") and "2 disks drilled: all good" in said.out
        assert ": 2 files, " in said.out and "and found" in said.out and "NOT FOUND" not in said.out
        found = json.loads(call(capsys, "drill", "a", "--seed", "9", "--json", *end).out)
        assert found["good"] and found["seed"] == 9 and len(found["disks"]) == 1 and len(found["self_test"]) == 4
        title = f"b:{taped.data(B)}"
        for month, seconds in ((1, 2.0), (2, 2.0), (3, 40.0)):
            keep_check(taped.site.state_dir, DiskDrilled(
                "ana", "b", str(taped.data(B)), "1", 2, 100, 1000, seconds, "frames", 1, "good"), 86400.0 * (30 * month + 5))
        said = call(capsys, "drill", "--history", title, *end)
        lines = said.out.splitlines()
        assert said.code == 0 and "time to restore" in lines[0] and len(lines) == 6
        assert [line.split()[0] for line in lines[2:5]] == ["1970-02", "1970-03", "1970-04"]
        assert lines[4].endswith("#" * 30) and lines[2].count("#") == 2
        assert call(capsys, "drill", "--history", "nobody", *end).code == 2
        assert call(capsys, "drill", "nobody", *end).code == 2
    finally:
        taped.config.write_text(tomli_w.dumps(config))


def test_the_self_test_needs_no_dump(tmp_path: Path, capsys: pytest.CaptureFixture[str], taped: SmallSite) -> None:
    fresh = SmallSite(tmp_path / "fresh", TREES)
    said = call(capsys, "drill", "--self-test", "--json", "--config", str(fresh.config))
    found = json.loads(said.out)
    assert said.code == 0 and [one["found"] for one in found["self_test"]] == [True] * 3
    said = call(capsys, "drill", "--config", str(fresh.config))
    assert said.code == 0 and "no disk has a dump yet" in said.out
