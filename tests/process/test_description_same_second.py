"""Volumes of two servers whose runs began in one second, taken into one state directory, which may have one of them already."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from core.catalogue.queries import dumps
from core.catalogue.rebuild import open_catalogue
from core.restore.recover import restore
from tests.support.cli import ROOT, Said, call
from tests.support.small_site import SmallSite

STAMP, NEXT = "20261101010000", "20261101010001"
_CLOCK = f"import core.model.units\ncore.model.units.datestamp_of = lambda at: '{STAMP}'"
_ENV = {"PYTHONPATH": f"{ROOT / 'tests/support/prelude'}:{ROOT}", "TAPEROOM_TEST_PRELUDES": json.dumps({"core.amdump": _CLOCK})}


def a_server(root: Path, label: str, trees: dict[str, dict[str, bytes]]) -> SmallSite:
    """A site whose only run is of that second."""
    made = SmallSite(root, trees, storage={"label": "T-[0-9]{3}", "autolabel": label})
    made.env |= _ENV
    ran = made.amdump()
    assert ran.returncode == 0 and made.run().datestamp == STAMP, ran.stdout + ran.stderr + made.logs()
    return made


@pytest.fixture
def both(tmp_path: Path) -> tuple[SmallSite, SmallSite]:
    """Ours, in whose fourth slot the volume of the other one is now."""
    ours = a_server(tmp_path / "ours", "T-%%%", {"alpha:/home": {"mine": os.urandom(3000)}})
    theirs = a_server(tmp_path / "theirs", "T-9%%", {"gamma:/srv": {"yours": os.urandom(5000)}})
    shutil.copytree(theirs.root / "vtapes/slot1", ours.root / "vtapes/slot4")
    return ours, theirs


def rebuilt(ours: SmallSite, capsys: pytest.CaptureFixture[str]) -> Said:
    return call(capsys, "--config", str(ours.config), "catalogue", "rebuild", "--from-volumes")


def held(ours: SmallSite) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    with open_catalogue(ours.site).catalogue as catalogue:
        return {dump.host: (dump.datestamp, dump.run, dump.labels) for dump in dumps(catalogue)}


@pytest.mark.parametrize("how", ["as it was", "no journal of ours", "no description"])
def test_another_run_of_the_second_that_is_known(
    both: tuple[SmallSite, SmallSite], how: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ours, theirs = both
    journal = ours.run().journal
    before = journal.read_bytes()
    if how == "no journal of ours":
        shutil.rmtree(ours.root / "state")
    elif how == "no description":
        max((ours.root / "vtapes/slot4").glob("0*")).unlink()
    said = rebuilt(ours, capsys)
    assert said.code == 0, said.out + said.err
    told = [line for line in said.out.splitlines() if line.startswith("RST06")]
    taken_in = (f"RST068 volume T-901 was written by another run of {STAMP} than the one that is known of that second: it is"
                f" taken in as run {NEXT}, and its dumps keep their date")
    assert taken_in in told and len(told) == (2 if how == "no description" else 1)
    assert journal.read_bytes()[:len(before)] == before or how == "no journal of ours", "what is there is left alone"
    assert held(ours) == {"alpha": (STAMP, STAMP, ("T-001",)), "gamma": (STAMP, NEXT, ("T-901",))}
    disk = f"gamma:{theirs.data('gamma:/srv')}"
    result = restore(ours.site, [disk], "now", tmp_path / "out")
    assert result.good and (tmp_path / "out/yours").read_bytes() == (theirs.data("gamma:/srv") / "yours").read_bytes()
    again = rebuilt(ours, capsys)
    assert again.code == 0 and "RST06" not in again.out and ": 0 journals, 0 index files" in again.out
    assert len(held(ours)) == 2


def test_both_dumped_the_same_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = a_server(tmp_path / "ours", "T-%%%", {"alpha:/home": {"mine": os.urandom(3000)}})
    disk = str(ours.data("alpha:/home"))
    kept = ours.data("alpha:/home").rename(tmp_path / "kept")
    theirs = SmallSite(tmp_path / "theirs", {"alpha:/home": {"yours": os.urandom(5000)}}, storage={"autolabel": "T-9%%"})
    theirs.data("alpha:/home").rename(disk)
    theirs.config.write_text(theirs.config.read_text().replace(str(theirs.data("alpha:/home")), disk))
    theirs.env |= _ENV
    assert theirs.amdump().returncode == 0
    shutil.copytree(theirs.root / "vtapes/slot1", ours.root / "vtapes/slot4")
    said = rebuilt(ours, capsys)
    left_out = [line for line in said.out.splitlines() if line.startswith("RST029")]
    assert said.code == 1 and len(left_out) == 1 and "alpha:" in left_out[0] and "volume T-901 of storage main" in left_out[0]
    assert held(ours) == {"alpha": (STAMP, STAMP, ("T-001",))}, "the run that was there counts"
    assert restore(ours.site, [f"alpha:{disk}"], "now", tmp_path / "out").good
    assert (tmp_path / "out/mine").read_bytes() == (kept / "mine").read_bytes()


def test_a_journal_that_lost_its_end(both: tuple[SmallSite, SmallSite], capsys: pytest.CaptureFixture[str]) -> None:
    ours, _ = both
    journal = ours.run().journal
    lines = journal.read_bytes().splitlines(keepends=True)
    ended = next(number for number, line in enumerate(lines) if b'"DumpEnded"' in line or b"dump-ended" in line)
    journal.write_bytes(b"".join(lines[:ended]))
    said = rebuilt(ours, capsys)
    disk = ours.data("alpha:/home")
    [told] = [line for line in said.out.splitlines() if line.startswith("RST069")]
    assert said.code == 1 and told.startswith(f"RST069 volume T-001 file 1: alpha:{disk} level 0 of {STAMP} is left out")


def test_a_holding_file_of_another_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = a_server(tmp_path / "ours", "T-%%%", {"alpha:/home": {"mine": os.urandom(3000)}})
    theirs = SmallSite(tmp_path / "theirs", {"gamma:/srv": {"yours": os.urandom(5000)}}, storage={"changer": ""})
    theirs.env |= _ENV
    theirs.amdump()
    [file] = [path for path in (tmp_path / "theirs").rglob("gamma.*.0") if path.is_file() and STAMP in str(path)]
    there = ours.site.holding[0].path / STAMP / file.name
    there.parent.mkdir(exist_ok=True)
    shutil.copy(file, there)
    said = rebuilt(ours, capsys)
    [told] = [line for line in said.out.splitlines() if line.startswith("RST069")]
    named = f"gamma:{theirs.data('gamma:/srv')} level 0 of {STAMP}"
    assert said.code == 1 and told.startswith(f"RST069 holding file {there}: {named} is left out")
    assert set(held(ours)) == {"alpha"} and there.exists()
    journal = ours.run().journal
    journal.unlink()
    said = rebuilt(ours, capsys)
    assert "RST069" in said.out, "the volume's description has the journal again, and it does not tell of that dump, either"
    journal.unlink()
    for slot in ours.root.glob("vtapes/slot*/0*"):
        slot.unlink()
    said = rebuilt(ours, capsys)
    assert said.code == 0 and "RST069" not in said.out and set(held(ours)) == {"gamma"}, said.out
