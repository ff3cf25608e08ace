"""`taperoom restore` over the nights of a real house, as an operator types it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.test_cli_terminal import on_terminal
from tests.support.cli import Said, call
from tests.support.small_site import SmallSite

MIB = 1 << 20


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallSite]:
    """A full of some MiB over several parts, and an incremental."""
    tree = {f"big/{number}": os.urandom(MIB) for number in range(6)} | {"letter": b"dear\n", "kept": b"k"}
    made = SmallSite(tmp_path_factory.mktemp("back"), {"alpha:/home": tree})
    for night in range(2):
        if night:
            (made.data("alpha:/home") / "letter").write_bytes(b"changed\n")
        ran = made.amdump()
        assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
    yield made


def said(house: SmallSite, capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    spec = [word.replace("DISK", f"alpha:{house.data('alpha:/home')}") for word in words]
    return call(capsys, "--config", str(house.config), *spec)


def test_what_would_be_read_is_told_and_nothing_written(
    house: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "deep/out"
    found = said(house, capsys, "restore", "DISK", "--to", str(to), "--dry-run")
    lines = found.out.splitlines()
    assert (found.code, found.err) == (0, "") and os.listdir(tmp_path) == []
    text = " ".join(" ".join(lines).split())
    assert "of 2 dumps on 2 volumes, in about" in text
    assert "(at 50.0 MiB/s, which is assumed; 'taperoom verify' measures it)" in text
    assert text.index("level 0 of") < text.index("level 1 of") < text.index("1. volume T-001 of storage main: files 1-")
    assert "2. volume T-002 of storage main: file " in text
    assert lines[-1] == f"8 files and 2 directories would be written to {to}"


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("no right to mount a small file system")
    yield small
    subprocess.run(["umount", str(small)], check=True)


def test_a_target_that_will_not_take_it_is_told_of_beforehand(
    house: SmallSite, narrow: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dry = ("--to", str(narrow / "deep/out"), "--dry-run")
    full = said(house, capsys, "restore", "DISK", *dry)
    text = " ".join(full.out.split())
    assert full.code == 1
    assert f"RST025 {narrow}/deep/out has 2.0 MiB free, and about 6.0 MiB would be written: a restore" in text
    assert "make room, or name another directory with --to" in text
    plain = json.loads(said(house, capsys, "restore", "DISK", *dry, "--json").out)
    assert plain["writes"] == 6 * MIB + 9 and plain["free"] == 2 * MIB and not plain["refused"]
    assert plain["warnings"][-1].startswith("RST025 ")
    fits = said(house, capsys, "restore", "DISK:letter", *dry)
    assert fits.code == 0 and "RST025" not in fits.out
    subprocess.run(["mount", "-o", "remount,ro", str(narrow)], check=True)
    for to in (narrow, narrow / "deep/out"):
        found = said(house, capsys, "restore", "DISK:letter", "--to", str(to), "--dry-run")
        assert found.code == 1
        told = f"RST025 {narrow} is on a file system that is mounted read-only: a restore would end"
        assert told in " ".join(found.out.split())
    plain = json.loads(said(house, capsys, "restore", "DISK:letter", *dry, "--json").out)
    assert plain["refused"] and os.listdir(narrow) == []


def test_an_incomplete_restore_says_how_much_came_back(
    house: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [part] = (house.root / "vtapes/slot2").glob("00001.*")
    whole = part.read_bytes()
    part.write_bytes(whole[:32768] + bytes(len(whole) - 32768))
    try:
        found = said(house, capsys, "restore", "DISK", "--to", str(tmp_path / "out"))
    finally:
        part.write_bytes(whole)
    assert found.code == 1 and "MISSING /letter" in found.out
    there = sum(path.is_file() for path in (tmp_path / "out").rglob("*") if ".taperoom-restore" not in path.parts)
    assert there == 7 and re.search(rf"^7 files and \d director\w+ in {tmp_path}/out; 1 name MISSING$", found.out, re.MULTILINE)


def test_one_file_needs_one_part(house: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("restore", "DISK:big/3", "--to", str(tmp_path / "out"), "--dry-run", "--json")
    plain = json.loads(said(house, capsys, *words).out)
    full = next(one for one in plain["dumps"] if one["level"] == 0)
    # Whole MiB, so that they can be compared: the two that the file lies in.
    assert not full["whole"] and full["bytes"] == 2 * MIB
    [stop] = [stop for stop in plain["order"] if stop["label"] == "T-001"]
    assert stop["storage"] == "main" and 1 <= len(stop["files"]) <= 3
    assert plain["files"] == 1 and plain["measured"] == 0 and plain["seconds"] == round(plain["bytes"] / plain["rate"], 3)
    done = said(house, capsys, *words[:-2])
    assert done.code == 0 and (tmp_path / "out/big/3").stat().st_size == MIB
    assert done.out.startswith("to be read: about 2.") and "volume T-001 of storage main: file" in done.out


def test_what_would_be_lost_is_told(house: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letter").write_text("mine")
    words = ("restore", "DISK", "--to", str(tmp_path), "--dry-run")
    found = said(house, capsys, *words)
    assert found.code == 1
    assert " ".join(found.out.split()).endswith(f"1 name there already, and only --overwrite replaces it: {tmp_path}/letter")
    assert "1 name would be overwritten:" in said(house, capsys, *words, "--overwrite").out
    plain = json.loads(said(house, capsys, *words, "--json").out)
    assert plain["taken"] == [f"{tmp_path}/letter"] and plain["refused"] and plain["blocked"] == []
    (tmp_path / "letter").unlink()
    (tmp_path / "letter").mkdir()
    blocked = said(house, capsys, *words, "--overwrite")
    assert blocked.code == 1 and "in the way, since one is a directory" in blocked.out
    assert os.listdir(tmp_path) == ["letter"]
    file = said(house, capsys, "restore", "DISK", "--to", str(house.config / "x"), "--dry-run")
    assert file.code == 2 and file.err.startswith("RST030 ")


def test_a_rate_that_was_measured_is_used(house: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(house, capsys, "verify").code == 0
    plain = json.loads(said(house, capsys, "restore", "DISK", "--to", str(tmp_path / "o"), "--dry-run", "--json").out)
    assert plain["measured"] == 1 and plain["rate"] > 0


def test_how_far_it_is_on_a_terminal(house: SmallSite, tmp_path: Path) -> None:
    disk = f"alpha:{house.data('alpha:/home')}"
    for words, drawn in ((("restore", disk, "--to", str(tmp_path / "out")), "% "), (("verify", "--all"), "% "),
                         (("drill", disk), "1 of 1: ")):
        code, text = on_terminal(tmp_path, "--config", str(house.config), *words)
        first = text.split("\r\x1b[K")[1]
        assert code == 0 and drawn in first and "alpha:" in first and "\n" not in first
        assert text.rsplit("\r\x1b[K", 1)[1] != "" and "left" not in first
