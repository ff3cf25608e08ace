"""So many small files that two tars are at work: killed in the middle, gone on with, and all as it was dumped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from core.config.load import load_site
from core.landing.room import ROOM
from core.landing.state import NAME
from core.restore import plan
from core.restore.plan import MANY
from core.restore.recover import restore
from core.restore.runs import runs
from core.restore.tarstream import TarStream
from tests.support.cli import PROGRAM, environment
from tests.support.dumps import manifest
from tests.support.small_site import SmallSite

DIRECTORIES = 40


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """One full in parts of 1 MiB; each directory has links to files of another one."""
    tree = {f"d{number % DIRECTORIES:02d}/f{number:05d}": (b"%05d\n" % number) * 1000 for number in range(MANY + 100)}
    made = SmallSite(tmp_path_factory.mktemp("house"), {"alpha:/home": tree})
    top = made.data("alpha:/home")
    for number in range(DIRECTORIES):
        at = top / f"d{number:02d}"
        os.link(top / f"d{(number + 7) % DIRECTORIES:02d}/f{(number + 7) % DIRECTORIES:05d}", at / "linked")
        os.symlink("../d00/f00000", at / "symbolic")
        os.utime(at, (1_500_000_000 + number, 1_500_000_000 + number))
    (top / "d05").chmod(0o555)
    ran = made.amdump()
    assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
    return made


def command(house: SmallSite, to: Path, *more: str) -> list[str]:
    return [*PROGRAM, "--config", str(house.config), "restore", f"alpha:{house.data('alpha:/home')}", "--to", str(to), *more]


def test_all_is_as_it_was(house: SmallSite, tmp_path: Path) -> None:
    to, tree = tmp_path / "out", house.data("alpha:/home")
    done = subprocess.run(command(house, to), capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    assert manifest(to) == manifest(tree) and not (to / ROOM).exists()


def test_most_headers_are_passed_by_and_an_index_that_is_wrong_costs_time_only(
    house: SmallSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, members = house.data("alpha:/home"), list[int]()
    whole = TarStream.finish

    def counted(stream: TarStream) -> bytes:
        members.append(stream.members)
        return whole(stream)

    monkeypatch.setattr(TarStream, "finish", counted)
    site, names = load_site(house.config), [f"alpha:{tree}"]
    assert restore(site, names, "now", tmp_path / "right").good
    assert manifest(tmp_path / "right") == manifest(tree)
    [few] = members
    assert few < MANY / 4
    monkeypatch.setattr(plan, "runs", lambda *a: ((begin + 512, end) for begin, end in runs(*a)))
    found = restore(site, names, "now", tmp_path / "wrong")
    assert found.good and found.warnings == [] and manifest(tmp_path / "wrong") == manifest(tree)
    assert members[1:] == [MANY + 100 + 3 * DIRECTORIES + 1]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_again_and_again(house: SmallSite, tmp_path: Path, how: signal.Signals) -> None:
    to, tree, wholes = tmp_path / "out", house.data("alpha:/home"), [0]
    parts = sorted((house.root / "vtapes").glob("slot*/0*.alpha.*"))
    # How far an archive is proved is written down every 8 MiB at least.
    assert len(parts) >= 26
    for part in (parts[-8], parts[-1]):
        aside = house.root / "aside"
        part.rename(aside)
        os.mkfifo(part)
        process = subprocess.Popen(command(house, to), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=environment(),
                                   preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        hand = os.open(part, os.O_WRONLY)  # waits until it is there
        process.send_signal(how)
        os.close(hand)
        assert process.wait(60) in (-how, 130)
        part.unlink()
        aside.rename(part)
        assert b'"tars":2' in (to / ROOM / NAME).read_bytes()
        dry = subprocess.run(command(house, to, "--dry-run", "--json"), capture_output=True, text=True, env=environment())
        wholes.append(json.loads(dry.stdout)["whole"])
    assert 0 < wholes[1] < wholes[2]
    done = subprocess.run(command(house, to, "--json"), capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["whole"] == wholes[2] and manifest(to) == manifest(tree)
