"""Whole nights of the real house, then restores of every one of them; the catalogue against its rebuilt self."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from core.catalogue.history import load_history
from core.catalogue.orders import load_orders, save_order
from core.catalogue.protect import protected_labels
from core.catalogue.rebuild import open_catalogue, rebuild
from core.restore.browse import dates, ls
from core.restore.byhand import recipe
from core.restore.recover import restore
from tests.support.dumps import manifest
from tests.support.small_site import SmallSite

TREE = {"letter.txt": b"dear reader\n" * 100, "deep/er/file": os.urandom(2_500_000), "with blank and ü": b"x",
        "many/one": b"1", "many/two": b"2", "odd/new\nline": b"odd"}


@pytest.mark.parametrize("compress", ["none", "client fast", "server best", "server custom"])
def test_every_night_comes_back(tmp_path: Path, compress: str) -> None:
    program = {"compress_program": shutil.which("zstd") or "/bin/gzip"} if "custom" in compress else {}
    made = SmallSite(tmp_path, {"alpha:/home": TREE, "beta:/etc": {"passwd": b"root\n"}},
                     dumptype={"compress": compress, **program}, storage={
                         "part_size": "1 MiB", "slots": 8, "retention": {"tapes": 3, "days": 0, "full": 1}})
    tree, states, stamps = made.data("alpha:/home"), [], []
    os.link(tree / "letter.txt", tree / "many/linked")
    title = f"alpha:{tree}"
    for night in range(3):
        match night:
            case 1:
                (tree / "letter.txt").write_bytes(b"changed\n")
                (tree / "many/one").unlink()
                (tree / "deep/er").rename(tree / "deep/moved")
                (tree / "new").write_bytes(b"new\n")
            case 2:
                shutil.rmtree(tree / "odd")
                (tree / "many/two").write_bytes(b"22")
        states.append(manifest(tree))
        ran = made.amdump()
        assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
        stamps.append(made.run().datestamp)
    site = made.site
    assert [dump.datestamp for dump in dates(site, title)] == stamps
    levels = [dump.level for dump in dates(site, title)]
    assert levels[0] == 0 and levels[1] == 1, made.logs()
    for stamp, state in zip(stamps, states, strict=True):
        result = restore(site, [title], stamp, tmp_path / f"out{stamp}")
        assert result.good and result.warnings == [] and manifest(tmp_path / f"out{stamp}") == state
    assert {entry.path for entry in ls(site, title, stamps[1]).entries} == {
        "/deep/", "/letter.txt", "/many/", "/new", "/odd/", "/with blank and ü"}
    both = restore(site, [title + ":new", f"beta:{made.data('beta:/etc')}"], "now", tmp_path / "both")
    assert both.good and len(list((tmp_path / "both").glob("*/*/passwd"))) == 1
    (tmp_path / "hand").mkdir()
    [command] = recipe(site, "alpha", str(tree), "/deep/moved/file", stamps[-1])
    subprocess.run(command, shell=True, cwd=tmp_path / "hand", check=True)
    assert next((tmp_path / "hand").rglob("file")).read_bytes() == TREE["deep/er/file"]
    with open_catalogue(site).catalogue as live:
        rows = live.dump()
    with rebuild(site) as again:
        assert again.dump() == rows
    history = load_history(site)["alpha", str(tree)]
    assert history.last_level == levels[-1] and history.levels[0].datestamp == stamps[levels.index(0)]
    assert protected_labels(site, "main")[history.levels[0].labels[0]]


def test_straight_to_the_volume(tmp_path: Path) -> None:
    made = SmallSite(tmp_path, {"alpha:/home": TREE}, dumptype={"holding": "never"}, storage={"part_size": "1 MiB"})
    ran = made.amdump()
    assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
    tree = made.data("alpha:/home")
    result = restore(made.site, [f"alpha:{tree}"], "now", tmp_path / "out")
    assert result.good and result.warnings == [] and manifest(tmp_path / "out") == manifest(tree)
    with open_catalogue(made.site).catalogue as live:
        assert live.dump() == rebuild(made.site).dump()


def test_a_forced_full_is_made_once(tmp_path: Path) -> None:
    made = SmallSite(tmp_path, {"alpha:/home": TREE})
    tree, levels = made.data("alpha:/home"), []
    for night in range(3):
        (tree / "new").write_text(str(night))
        if night == 1:
            save_order(made.site, f"alpha:{tree}", "full")
        ran = made.amdump()
        assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
        levels.append(dates(made.site, f"alpha:{tree}")[-1].level)
    assert levels == [0, 0, 1] and load_orders(made.site) == {}
