"""Whole nights of a site whose client is brought by ssh, and files put back onto it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bare import Bare, bare_host
from tests.support.cli import program
from tests.support.dumps import manifest
from tests.support.small_site import SmallSite
from tests.support.sshd import NEEDS_SSHD

pytestmark = [*NEEDS_SSHD, pytest.mark.slow]

TREE = {"letter": b"dear reader\n" * 50, "deep/noise": os.urandom(400_000)}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    with bare_host(tmp_path_factory.mktemp("bare"), "alpha") as made:
        yield made


@pytest.mark.parametrize("push", [True, "once"])
def test_two_nights_and_back(bare: Bare, tmp_path: Path, push: bool | str) -> None:
    bare.reset()
    site = SmallSite(tmp_path / "site", {"alpha:/home": TREE}, dumptype={"auth": "ssh"}, hosts={"alpha": bare.table(push)})
    site.env["TAPEROOM_CACHE"] = str(tmp_path / "cache")
    levels = []
    for number in range(2):
        (site.data("alpha:/home") / f"night{number}").write_bytes(b"n" * 5000)
        ran = site.amdump()
        assert ran.returncode == 0, ran.stdout + ran.stderr + site.logs()
        levels += [disk.level for disk in site.view().disks.values()]
    assert levels == ([0, 1] if push is True else [0, 0])
    (bare.here / "access.toml").write_text(
        f'services = ["selfcheck", "sendbackup", "restore"]\ntargets = ["{tmp_path}/back"]\n')
    env = {"TAPEROOM_CACHE": str(tmp_path / "cache")}
    said = program("--config", str(site.config), "restore", f"alpha:{site.data('alpha:/home')}", "--to",
                   f"alpha:{tmp_path}/back", "--json", env=env)
    assert said.code == 0, said
    assert manifest(tmp_path / "back") == manifest(site.data("alpha:/home"))
    assert (bare.left() == []) is (push == "once")
    checked = program("--config", str(site.config), "check", "alpha", "--json", env=env)
    bad = [finding for finding in json.loads(checked.out) if finding["severity"] == "E"]
    assert not bad, checked
