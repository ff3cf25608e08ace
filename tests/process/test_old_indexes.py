"""Index files go with the last copy of their dump, and only then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.catalogue.queries import Dump
from core.cli.main import run as command
from core.client.old_indexes import old_index_files, trim_indexes
from core.model.dump import NO_CRC
from tests.support.small_site import SmallSite


def test_a_volume_that_is_written_over_takes_its_indexes_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site = SmallSite(tmp_path, {"a:one": {"x": b"1"}}, run={"runtapes": 1}, dumptype={"dumpcycle": "0 days", "index": True},
                     storage={"slots": 2, "retention": {"tapes": 1, "days": 0, "full": 1}})
    index = site.site.index_dir

    def stamps() -> list[str]:
        return sorted({path.name[:14] for path in index.rglob("*") if path.is_file()})

    nights: list[str] = []
    for _ in range(3):
        assert site.amdump().returncode == 0, site.logs()
        nights = sorted({*nights, *stamps()})
    assert len(nights) == 3 and stamps() == nights[1:]
    assert old_index_files(site.site) == []

    # What the catalogue does not know is kept, whatever it is; cleanup says what it would remove, and then does.
    directory = next(path for path in index.rglob("*_0.*")).parent
    foreign = directory / "20200101000000_0.gz"
    foreign.write_bytes(b"somebody's")
    left = directory / f"{nights[0]}_0-sorted.gz"
    left.write_bytes(b"of a dump of which nothing is left")
    assert old_index_files(site.site) == [left]
    assert command(["--config", str(site.config), "cleanup", "--dry-run"]) == 0
    assert "1 index file of dumps of which nothing is left; would be removed" in capsys.readouterr().out and left.exists()
    assert command(["--config", str(site.config), "cleanup"]) == 0
    assert "1 index file of dumps of which nothing is left; removed" in capsys.readouterr().out
    assert not left.exists() and foreign.exists() and len(stamps()) == 3


def test_a_file_that_two_disks_share_stays_until_neither_needs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``/a/b`` and ``/a_b`` have one directory: the name of one dump's index may be that of another's."""
    site = SmallSite(tmp_path, {"a:one": {"x": b"1"}})
    site.site.runs_dir.mkdir(parents=True)
    gone = Dump("a", "/a/b", "20260101000000", 0, "done", "r", 0.0, 0.0, 0.0, 1, 1, NO_CRC, NO_CRC, NO_CRC, "")
    held = replace(gone, disk="/a_b", file="/hold/x")
    known = [gone, held]
    monkeypatch.setattr("core.client.old_indexes.dumps", lambda catalogue: known)
    shared = site.site.index_dir / "a" / "_a_b" / "20260101000000_0.gz"
    shared.parent.mkdir(parents=True)
    shared.write_bytes(b"")
    assert trim_indexes(site.site) == 0 and shared.exists()
    known[1] = replace(held, file="")
    assert trim_indexes(site.site) == 1 and not shared.exists()
