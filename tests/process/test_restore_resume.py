"""Restores that are killed in the middle, by real signals, and gone on with by the same command."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.landing.room import ROOM
from core.landing.state import NAME
from tests.support.cli import PROGRAM, environment
from tests.support.dumps import manifest
from tests.support.small_site import SmallSite

MIB = 1 << 20
FILES = 48


@pytest.fixture(scope="module", params=["none", "client fast"])
def house(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> SmallSite:
    """One full of 48 MiB over two volumes, in parts of 1 MiB; a file has its second name at the end."""
    tree = {f"d{number % 4}/f{number:02d}": os.urandom(MIB) for number in range(FILES)} | {"a/first": b"linked" * 1000}
    made = SmallSite(tmp_path_factory.mktemp("house"), tree and {"alpha:/home": tree}, dumptype={"compress": request.param},
                     storage={"capacity": "30 MiB"})
    top = made.data("alpha:/home")
    (top / "z").mkdir(mode=0o750)
    os.link(top / "a/first", top / "z/second")
    os.symlink("first", top / "a/symbolic")
    os.symlink("../a/first", top / "z/leads-out")  # tar makes such a one at its very end
    (top / "d1").chmod(0o711)
    os.utime(top / "d1", (1_500_000_000, 1_500_000_000))
    ran = made.amdump()
    assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
    assert len({part.parent for part in (made.root / "vtapes").glob("slot*/00001.*")}) == 2
    return made


def command(house: SmallSite, to: Path, *more: str) -> list[str]:
    return [*PROGRAM, "--config", str(house.config), "restore", f"alpha:{house.data('alpha:/home')}", "--to", str(to), *more]


@contextmanager
def stuck_at(house: SmallSite, part: int) -> Iterator[Path]:
    """A part of the second volume, counted from its end, is a pipe that nobody writes to: whoever reads it waits."""
    [volume] = [slot for slot in (house.root / "vtapes").glob("slot*") if (slot / "00000.T-002").exists()]
    files = sorted(path for path in volume.iterdir() if "alpha" in path.name)
    victim, aside = files[-part], house.root / "aside"
    victim.rename(aside)
    os.mkfifo(victim)
    try:
        yield victim
    finally:
        victim.unlink()
        aside.rename(victim)


def interrupted(house: SmallSite, to: Path, how: signal.Signals, *more: str, part: int = 3) -> tuple[int, str]:
    """Start a restore, and end it when it has come to that part."""
    with stuck_at(house, part) as pipe:
        process = subprocess.Popen(command(house, to, *more), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, env=environment(), text=True, preexec_fn=_hears_interrupts)
        hand = os.open(pipe, os.O_WRONLY)  # waits until it is there
        process.send_signal(how)
        os.close(hand)
        _, said = process.communicate(timeout=60)
    return process.returncode, said


def _hears_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def again(house: SmallSite, to: Path, *more: str) -> tuple[int, dict[str, object], str]:
    done = subprocess.run(command(house, to, "--json", *more), capture_output=True, text=True, env=environment(), timeout=120)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


@contextmanager
def without(house: SmallSite, label: str) -> Iterator[None]:
    [slot] = [slot for slot in (house.root / "vtapes").glob("slot*") if (slot / f"00000.{label}").exists()]
    slot.rename(house.root / "shelf")
    try:
        yield
    finally:
        (house.root / "shelf").rename(slot)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_what_is_whole_is_not_read_again(house: SmallSite, tmp_path: Path, how: signal.Signals) -> None:
    to, tree = tmp_path / "out", house.data("alpha:/home")
    code, said = interrupted(house, to, how)
    assert code in (-how, 130)
    if how is signal.SIGINT:
        assert "the same command goes on with what is missing" in said
    assert (to / ROOM / NAME).exists() and not (to / "d0").exists()
    # All that was on the first volume is whole: it is not needed any more.
    with without(house, "T-001"):
        code, plain, said = again(house, to)
    assert code == 0, said
    assert plain["missing"] == [] and plain["whole"] >= 20 and plain["files"] == FILES + 4  # type: ignore[operator]
    assert manifest(to) == manifest(tree)
    assert (to / "a/first").stat().st_ino == (to / "z/second").stat().st_ino
    assert not (to / ROOM).exists()


def test_killed_again_and_again(house: SmallSite, tmp_path: Path) -> None:
    to, wholes = tmp_path / "out", []
    for part in (14, 8, 3):
        assert interrupted(house, to, signal.SIGKILL, part=part)[0] == -signal.SIGKILL
        dry = subprocess.run(command(house, to, "--dry-run", "--json"), capture_output=True, text=True, env=environment())
        wholes.append(json.loads(dry.stdout)["whole"])
    assert wholes == sorted(wholes) and wholes[0] > 0 and wholes[-1] > wholes[0]
    code, plain, said = again(house, to)
    assert code == 0, said
    assert plain["whole"] == wholes[-1] and manifest(to) == manifest(house.data("alpha:/home"))


def _other_boot(to: Path, more: bytes = b"") -> None:
    file = to / ROOM / NAME
    first, *rest = file.read_bytes().split(b"\n")
    plain = json.loads(first)
    plain["boot"] = "another"
    file.write_bytes(b"\n".join([json.dumps(plain).encode(), *rest]) + more)


def test_after_a_power_cut_only_what_was_on_disk_counts(house: SmallSite, tmp_path: Path) -> None:
    to = tmp_path / "out"
    interrupted(house, to, signal.SIGKILL)
    _other_boot(to)
    dry = subprocess.run(command(house, to, "--dry-run", "--json"), capture_output=True, text=True, env=environment())
    assert json.loads(dry.stdout)["whole"] == 0
    _other_boot(to, b'{"synced":%d}\n' % (os.stat(to).st_mtime + 3600))
    code, plain, said = again(house, to)
    assert code == 0 and plain["whole"] >= 20, said  # type: ignore[operator]
    assert manifest(to) == manifest(house.data("alpha:/home"))


def test_another_selection_is_noticed_and_said(house: SmallSite, tmp_path: Path) -> None:
    to, disk = tmp_path / "out", f"alpha:{house.data('alpha:/home')}"
    interrupted(house, to, signal.SIGKILL)
    other = [*PROGRAM, "--config", str(house.config), "restore", f"{disk}:a", "--to", str(to)]
    refused = subprocess.run(other, capture_output=True, text=True, env=environment())
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"RST034 {to} has an interrupted restore of something else: {disk} as it was on ")
    dry = subprocess.run([*other, "--dry-run"], capture_output=True, text=True, env=environment())
    assert dry.returncode == 1 and "an interrupted restore of something else" in dry.stdout
    fresh = subprocess.run([*other, "--fresh"], capture_output=True, text=True, env=environment())
    assert fresh.returncode == 0, fresh.stderr
    assert sorted(os.listdir(to)) == ["a"]


def test_fresh_starts_again(house: SmallSite, tmp_path: Path) -> None:
    to = tmp_path / "out"
    interrupted(house, to, signal.SIGKILL)
    code, plain, said = again(house, to, "--fresh")
    assert code == 0, said
    assert plain["whole"] == 0 and manifest(to) == manifest(house.data("alpha:/home"))


def test_what_was_there_before_is_not_taken_for_whole(house: SmallSite, tmp_path: Path) -> None:
    to, tree = tmp_path / "out", house.data("alpha:/home")
    for name in ("d0/f00", "z/second"):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).write_bytes(bytes((tree / name).stat().st_size))
        shutil.copystat(tree / name, to / name)
    (to / "d0").chmod(0o700)
    interrupted(house, to, signal.SIGKILL, "--overwrite")
    assert (to / "d0/f00").read_bytes() == bytes(MIB)
    code, _, said = again(house, to)
    assert code == 2 and said.startswith("RST031 ") and "/d0/f00, /z/second" in said
    code, plain, said = again(house, to, "--overwrite")
    assert code == 0, said
    assert (to / "d0/f00").read_bytes() == (tree / "d0/f00").read_bytes()
    assert (to / "d0").stat().st_mode & 0o777 == 0o700 and plain["whole"] >= 20  # type: ignore[operator]


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(house: SmallSite, tmp_path: Path) -> None:
    to = tmp_path / "out"
    for _ in range(2):  # the second time puts in place what was whole
        interrupted(house, to, signal.SIGKILL)
    assert (to / "d0/f00").exists()
    (to / "d0/f00").write_bytes(b"mine")
    code, _, said = again(house, to)
    assert code == 2 and said.startswith("RST031 ") and (to / "d0/f00").read_bytes() == b"mine"


def test_two_at_once(house: SmallSite, tmp_path: Path) -> None:
    to = tmp_path / "out"
    with stuck_at(house, 3) as pipe:
        process = subprocess.Popen(command(house, to), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=environment())
        hand = os.open(pipe, os.O_WRONLY)
        try:
            code, _, said = again(house, to)
            assert code == 4 and said.startswith(f"RST035 another restore to {to} is under way"), said
        finally:
            process.kill()
            process.wait()
            os.close(hand)
