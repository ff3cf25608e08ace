"""Whether a holding disk really takes a file, before a night counts on it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.client.checks import server
from core.errors import WorldError
from core.holding.area import prove
from tests.support.small_site import SmallSite


def refusing(number: int) -> Callable[..., int]:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))
    return refuse


def test_a_good_one_passes_and_has_nothing_in_it_afterwards(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    prove(tmp_path)
    assert not list(tmp_path.iterdir()) and len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("call", ["open", "write", "fsync"])
@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO])
def test_one_that_takes_no_file_is_named_with_the_systems_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int,
) -> None:
    monkeypatch.setattr(f"core.holding.area.os.{call}", refusing(number))
    with pytest.raises(WorldError) as caught:
        prove(tmp_path)
    monkeypatch.undo()
    assert (caught.value.code, caught.value.message) == (
        "HLD010", f"{tmp_path}: a file cannot be written there: {os.strerror(number)}")


@pytest.mark.parametrize("call, number", [("write", errno.ENOSPC), ("fsync", errno.EDQUOT), ("open", errno.EOPNOTSUPP)])
def test_one_that_is_full_or_knows_no_file_without_a_name_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int,
) -> None:
    monkeypatch.setattr(f"core.holding.area.os.{call}", refusing(number))
    prove(tmp_path)


def test_a_check_names_holding_disk_and_storage_that_only_seem_to_take_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = SmallSite(tmp_path, {"h0:/d": {}}).site
    assert not [found for found in server(site) if found.severity]
    monkeypatch.setattr("core.holding.area.os.fsync", refusing(errno.EROFS))
    found = [(one.severity, one.code, one.subject) for one in server(site) if one.severity]
    storage = f"storage {next(iter(site.storages))}"
    assert found == [("E", "RUN018", "state"), ("E", "HLD010", "holding"), ("E", "TAP003", storage)]


def test_a_check_warns_when_there_is_little_room_for_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = SmallSite(tmp_path, {"h0:/d": {}}).site
    monkeypatch.setattr("core.client.checks.STATE_LEAST", 1 << 60)
    [found] = [one for one in server(site) if one.severity]
    assert (found.severity, found.code, found.subject) == ("W", "RUN018", "state") and " free; a run ends when" in found.text
    monkeypatch.setattr("core.holding.area.os.write", refusing(errno.ENOSPC))
    [found] = [one for one in server(site) if one.severity]
    assert (found.severity, found.code) == ("E", "RUN018") and "No space left on device (Make room there)" in found.text
