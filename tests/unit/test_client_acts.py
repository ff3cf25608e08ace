"""What operators do outside of runs is written down with who it was; a torn line or a full disk loses nothing else."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from core.client import act
from core.client.acts import NAME, acts, note, who
from core.client.control import whoami
from tests.support.small_site import SmallSite


def test_acts_are_told_in_their_order_with_who_did_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert acts(tmp_path) == []
    assert note(tmp_path / "state", "taperoom tape load 3", at=5.0) == ""
    monkeypatch.setenv("SUDO_USER", "bob")
    assert note(tmp_path / "state", "taperoom disk force a:/b", at=6.0) == ""
    me = whoami()
    assert [(at, one.by, one.order, one.result) for at, one in acts(tmp_path / "state")] == [
        (5.0, f"{me}({me})", "taperoom tape load 3", "OK"), (6.0, f"bob({me})", "taperoom disk force a:/b", "OK")]
    assert len(acts(tmp_path / "state", most=1)) == 1
    assert who() == f"bob({me})"


def test_a_torn_line_is_ended_and_never_read(tmp_path: Path) -> None:
    note(tmp_path, "one")
    with open(tmp_path / NAME, "ab") as journal:
        journal.write(b'{"seq":2,"at":1.0,"event":"OperatorActed","by":"x","or')
    note(tmp_path, "two")
    assert [one.order for _, one in acts(tmp_path)] == ["one", "two"]


def test_only_the_end_of_a_long_journal_is_read(tmp_path: Path) -> None:
    note(tmp_path, "x" * 200)
    line = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(line * 3000)
    note(tmp_path, "last")
    found = acts(tmp_path, most=10_000)
    assert len(found) < 1500 and found[-1][1].order == "last"


def test_many_at_once_are_all_there(tmp_path: Path) -> None:
    threads = [threading.Thread(target=note, args=(tmp_path, f"act {n}")) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.order for _, one in acts(tmp_path)) == sorted(f"act {n}" for n in range(20))


def test_an_act_that_cannot_be_written_down_is_done_all_the_same(tmp_path: Path) -> None:
    site = SmallSite(tmp_path, {"alpha:/home": {"x": b"x"}})
    (tmp_path / "state").mkdir(exist_ok=True)
    os.mkdir(tmp_path / "state" / NAME)
    from core.config.load import load_site

    loaded = load_site(site.config)
    done = act.force(loaded, loaded.disks[0].title)
    assert done.text.endswith("(not written down: Is a directory)")
    os.rmdir(tmp_path / "state" / NAME)
    assert "not written" not in act.force(loaded, loaded.disks[0].title, "").text
    assert [one.order for _, one in acts(loaded.state_dir)] == [f"taperoom disk force {loaded.disks[0].title} --undo"]
