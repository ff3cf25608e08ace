"""What a disk excludes is there in every dump's lists and in no dump: that is nothing to warn of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.config.load import load_site
from core.restore.browse import ls
from core.restore.recover import restore
from tests.support.dumps import manifest
from tests.support.small_site import SmallSite

TREE = {"sub/.cache/thumb": b"t", "sub/kept": b"1", "sub/core.dump": b"c", "other": b"2", "sub/torn": b"torn"}


@pytest.mark.parametrize("compress", ["none", "client fast"])
def test_excluded_names_are_not_missed(tmp_path: Path, compress: str) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": TREE}, dumptype={"compress": compress, "exclude": ["./*/.cache", "*.dump"]})
    top = site.data("alpha:/home")
    for night in range(2):
        ran = site.amdump()
        assert ran.returncode == 0, ran.stdout + ran.stderr + site.logs()
        (top / f"sub/of night {night}").write_bytes(b"new")
        (top / "sub/torn").unlink(missing_ok=True)
    loaded, name = load_site(site.config), f"alpha:{top}"
    result = restore(loaded, [name], "now", tmp_path / "out")
    assert [dump.level for dump in result.used] == [0, 1] and result.good and result.warnings == []
    assert sorted(os.listdir(tmp_path / "out/sub")) == ["kept", "of night 0"]
    assert manifest(tmp_path / "out")["other"] == manifest(top)["other"]
    assert not ls(loaded, name, recursive=True).warnings
