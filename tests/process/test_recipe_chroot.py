"""The printed recipe in a place that has sh, dd, tar, gzip and zstd and nothing else: no Python, no Taperoom."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import PROGRAM, call, environment
from tests.support.dumps import manifest
from tests.support.small_site import SmallSite

PROGRAMS = ("sh", "dd", "cat", "tar", "gzip", "zstd", "mkdir", "mv", "ls")
ALPHA = "alpha:/home"
TREE = {"letter.txt": b"dear reader\n" * 100, "deep/er/file": os.urandom(2_500_000), "gone/soon": b"1", "many/one": b"1",
        "with blank and ü": b"x", "it's \"odd\" $HOME": b"quoted"}


def a_bare_root(root: Path) -> None:
    """The programs and the libraries that ldd names."""
    for program in PROGRAMS:
        found = shutil.which(program, path="/usr/bin:/bin")
        if found is None:
            pytest.skip(f"NOT TESTED: the recipe in a bare chroot: {program} is not installed")
        named = subprocess.run(["ldd", found], capture_output=True, text=True, check=False).stdout
        files = [word for line in named.splitlines() for word in line.split() if word.startswith("/")]
        for file in files:
            (root / file.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, root / file.lstrip("/"))
        (root / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy2(found, root / "bin" / program)
    (root / "dev").mkdir()
    os.mknod(root / "dev/null", 0o20666, os.makedev(1, 3))
    assert not any("python" in path.name for path in root.rglob("*"))


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED: the recipe in a bare chroot: only root can chroot")
    root = tmp_path / "bare"
    root.mkdir()
    try:
        a_bare_root(root)
    except PermissionError as fault:
        pytest.skip(f"NOT TESTED: the recipe in a bare chroot: {fault}")
    yield root


def run_there(bare: Path, made: SmallSite, script: str, out: str) -> Path:
    """Run the lines in the bare root, with copies of volumes and holding disk at their paths."""
    for place in ("vtapes", "hold"):
        there = bare / str(made.root / place).lstrip("/")
        if there.exists():
            shutil.rmtree(there)
        shutil.copytree(made.root / place, there, symlinks=True)
    (bare / out).mkdir()
    (bare / "recipe.sh").write_bytes(os.fsencode(script))
    chroot = shutil.which("chroot") or "/usr/sbin/chroot"
    ran = subprocess.run([chroot, str(bare), "/bin/sh", "-e", "-c", f"cd /{out} && . /recipe.sh"],
                         capture_output=True, text=True, env={"PATH": "/bin", "LC_ALL": "C"}, check=False)
    assert ran.returncode == 0, ran.stderr + script
    return bare / out


@pytest.mark.parametrize(("compress", "packer"), [
    ("none", ""), ("client fast", "gzip -dc"), ("server best", "gzip -dc"), ("server custom", "zstd -dc")])
def test_a_chain_of_levels(tmp_path: Path, bare: Path, capsys: pytest.CaptureFixture[str], compress: str,
                           packer: str) -> None:
    program = {"compress_program": "/usr/bin/zstd"} if "custom" in compress else {}
    made = SmallSite(tmp_path / "site", {ALPHA: TREE}, dumptype={"compress": compress, **program}, run={"runtapes": 3},
                     storage={
        "part_size": "256 KiB", "capacity": "2 MiB", "slots": 9, "retention": {"tapes": 1, "days": 0, "full": 1}})
    tree, states, stamps = made.data(ALPHA), [], []
    os.link(tree / "letter.txt", tree / "many/linked")
    os.truncate(tree / "many/one", 3_000_000)
    for night in range(3):
        match night:
            case 1:
                shutil.rmtree(tree / "gone")
                (tree / "letter.txt").write_bytes(b"changed\n")
                (tree / "deep/er").rename(tree / "deep/moved")
            case 2:
                (tree / "with blank and ü").unlink()
                (tree / "new").write_bytes(b"new\n")
        states.append(manifest(tree))
        ran = made.amdump()
        assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
        stamps.append(made.run().datestamp)
    config, title = str(made.config), f"alpha:{tree}"
    for number, (stamp, state) in enumerate(zip(stamps, states, strict=True)):
        said = call(capsys, "--config", config, "recipe", title, "--as-of", stamp)
        assert said.code == 0 and said.err == "", said.err
        assert not packer or packer in said.out
        assert manifest(run_there(bare, made, said.out, f"out{number}")) == state
    plain = json.loads(call(capsys, "--config", config, "recipe", title, "--as-of", stamps[0], "--json").out)
    [step] = plain["steps"]
    assert len(step["volumes"]) >= 2, "the dump spans volumes"
    assert step["files"] == sorted(step["files"]) and all(Path(file).is_file() for file in step["files"])
    for name in ("letter.txt", 'it\'s "odd" $HOME', "deep/moved/file"):
        said = call(capsys, "--config", config, "recipe", f"{title}:{name}")
        out = run_there(bare, made, said.out, f"one{len(name)}")
        [found] = [path for path in out.rglob("*") if path.is_file()]
        assert found.read_bytes() == (tree / name).read_bytes()


def as_others_do(made: SmallSite) -> None:
    """Dumps from here on are as those of a client that believes whatever tar tells of renames, such as Amanda's."""
    hook = made.config.parent / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text("from clientd.programs import gnutar\ngnutar.understood = lambda *_: True\n")
    made.env["PYTHONPATH"] = f"{hook}:{environment()['PYTHONPATH']}"


def test_what_is_in_the_way_of_tar(tmp_path: Path, bare: Path) -> None:
    odd = os.fsdecode(b"part/no\xff\xfeutf-8 \\n")
    made = SmallSite(tmp_path / "site", {ALPHA: {
        "current/old": b"1", "next/new": b"2", "file": b"3", "dir/in": b"4", "a/first": b"linked", odd: b"5",
        "sub/part/x": b"6"}}, dumptype={"compress": "client fast"})
    as_others_do(made)
    tree, config, title = made.data(ALPHA), str(made.config), f"alpha:{made.data(ALPHA)}"
    os.link(tree / "a/first", tree / "part/second")
    assert made.amdump().returncode == 0, made.logs()
    first, full = made.run().datestamp, manifest(tree)
    shutil.rmtree(tree / "current")
    (tree / "next").rename(tree / "current")   # the old one is still there when tar comes to it
    (tree / "file").unlink()
    (tree / "dir").rename(tree / "file")
    (tree / "made/deep").mkdir(parents=True)
    (tree / "made/deep/er").write_bytes(b"7")
    assert made.amdump().returncode == 0, made.logs()

    def back(path: str, name: str, *more: str) -> Path:
        words = [*PROGRAM, "--config", config, "recipe", f"{title}:{path}" if path else title, *more]
        said = subprocess.run(words, capture_output=True, env=environment(), check=True)
        assert said.stderr == b""
        return run_there(bare, made, os.fsdecode(said.stdout), name)

    assert manifest(back("", "whole")) == manifest(tree)
    assert manifest(back("", "full", "--as-of", first)) == full
    # A part of the disk: with a first name outside of it, without levels that have nothing of it, or all where it was renamed.
    part = back("part", "part")
    assert (part / "part/second").read_bytes() == b"linked" and (part / odd).read_bytes() == b"5"
    one = back("part/second", "one")
    assert {path.name for path in one.rglob("*") if path.is_file()} == {"first", "second"}
    assert (back(odd, "odd") / odd).read_bytes() == b"5"
    assert (back("made", "made") / "made/deep/er").read_bytes() == b"7"
    assert (back("current", "current") / "current/new").read_bytes() == b"2"
    last = sorted((tmp_path / "site/vtapes").glob("slot*/*.taperoom.description.0"))[-1]
    # Which others are in the way depends on the numbers of the directories: one that was removed may come again.
    assert re.search(rb"--remove-files [^&]*\./file[ &]", last.read_bytes())


def test_renames_that_tar_cannot_repeat(tmp_path: Path, bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = SmallSite(tmp_path / "site", {
        ALPHA: {"top/in/a": b"1", "top/b": b"2", "src/lib/c": b"3", "src/d": b"4", "gone": b"5"}})
    as_others_do(made)
    tree = made.data(ALPHA)
    assert made.amdump().returncode == 0, made.logs()
    (tree / "top/in").rename(tree / "aside")
    shutil.rmtree(tree / "top")
    (tree / "aside").rename(tree / "top")
    (tree / "src").rename(tree / "old")
    (tree / "old/lib").rename(tree / "lib")
    (tree / "gone").unlink()
    assert made.amdump().returncode == 0, made.logs()
    said = call(capsys, "--config", str(made.config), "recipe", f"alpha:{tree}")
    assert said.code == 0 and said.err == "" and "needs dd, mkdir, mv, tar and nothing else" in said.out
    assert manifest(run_there(bare, made, said.out, "out")) == manifest(tree)


def test_chunks_on_the_holding_disk(tmp_path: Path, bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holding = [{"path": str(tmp_path / "site/hold"), "use": "256 MiB", "chunksize": "1 MiB", "reserve": 0}]
    made = SmallSite(tmp_path / "site", {ALPHA: TREE}, storage={"changer": ""}, holding=holding)
    made.amdump()
    said = call(capsys, "--config", str(made.config), "recipe", f"alpha:{made.data(ALPHA)}")
    assert said.code == 0 and said.out.count("dd if=") >= 3
    assert manifest(run_there(bare, made, said.out, "out")) == manifest(made.data(ALPHA))


def test_what_cannot_be_told_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = SmallSite(tmp_path, {ALPHA: {"a": b"1"}})
    config, title = str(made.config), f"alpha:{made.data(ALPHA)}"
    said = call(capsys, "--config", config, "recipe", title)
    assert said.code == 2 and "RST013" in said.err and "taperoom run makes one" in said.err
    assert made.amdump().returncode == 0, made.logs()
    said = call(capsys, "--config", config, "recipe", title, "--as-of", "2001-01-01")
    assert said.code == 2 and "RST013" in said.err and "these dates can be restored" in said.err
    made.config.write_text(made.config.read_text().replace(str(made.data(ALPHA)), str(tmp_path / "data/alpha/renamed")))
    said = call(capsys, "--config", config, "recipe", f"alpha:{tmp_path / 'data/alpha/renamed'}")
    assert said.code == 2 and f"was it renamed? The catalogue also has {title}, which the configuration no longer" in said.err
    renamed = f"alpha:{tmp_path / 'data/alpha/renamed'}"
    for words in (("history", f"{renamed}:a"), ("ls", renamed, "--dates"), ("ls", renamed),
                  ("restore", renamed, "--to", str(tmp_path / "out"))):
        said = call(capsys, "--config", config, *words)
        assert said.code == 2 and said.err.startswith("RST013 ") and "was never dumped" in said.err, said.err
        assert f"was it renamed? The catalogue also has {title}, which the configuration no longer" in said.err
    assert call(capsys, "--config", config, "recipe", title).code == 0, "its old name still works"
    part = next((tmp_path / "vtapes/slot1").glob("00001.*"))
    part.rename(tmp_path / "part")
    said = call(capsys, "--config", config, "recipe", title)
    assert said.code != 0 and "volume T-001 has no file 1" in said.err and "another copy or date" in said.err
    (tmp_path / "part").rename(part)
    shutil.rmtree(tmp_path / "vtapes/slot1")
    said = call(capsys, "--config", config, "recipe", title)
    assert said.code != 0 and "RST024" in said.err and "volume T-001 is in no slot" in said.err and "load" in said.err
