"""What `tape list` shows and what `tape label` does and refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.devices import tapelist
from core.devices.labelling import NoVolume, begin_next, check_capacity, label_volume, next_volume
from core.devices.registry import open_changer
from core.devices.scan_policy import Standing
from core.devices.shelf import inventory, open_volume, rules_of
from core.errors import TaperoomError, UsageError, WorldError
from core.model.site import Retention, Site, Storage
from core.model.volume import Volume, with_volume
from tests.support.taper import make_room

RETENTION = Retention(tapes=1, days=0, full=0)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_room(tmp_path).site(retention=RETENTION, label="DAILY-[0-9]+")


@pytest.fixture
def storage(site: Site) -> Storage:
    return site.storages["main"]


def write(site: Site, storage: Storage, stamp: str) -> str:
    """A run that writes one volume."""
    rules = rules_of(site, storage, datestamp=stamp)
    return begin_next(open_changer(storage), site, rules)[1]


def rows(site: Site, storage: Storage, **words: Any) -> list[tuple[str, str, str, bool]]:
    return [(r.slot, r.label, f"{r.standing}: {r.reason}", r.next) for r in inventory(site, storage, **words)]


def refused(action: Any, *args: Any, **words: Any) -> tuple[str, str]:
    with pytest.raises(TaperoomError) as caught:
        action(*args, **words)
    return caught.value.code, caught.value.message


def test_devices_shelf_over_some_runs(site: Site, storage: Storage) -> None:
    assert rows(site, storage)[0] == ("1", "DAILY-001", "blank: no label; it would become DAILY-001", True)
    assert write(site, storage, "20261101000000") == "DAILY-001"
    assert write(site, storage, "20261102000000") == "DAILY-002"
    assert rows(site, storage)[:3] == [
        ("1", "DAILY-001", "reusable: last written 20261101000000", True),
        ("2", "DAILY-002", "active: one of the 1 newest", False),
        ("3", "DAILY-003", "blank: no label; it would become DAILY-003", False),
    ]
    assert rows(site, storage, protected={"DAILY-001": "last full of web1:/home"})[0] == (
        "1", "DAILY-001", "active: last full of web1:/home", False)
    assert write(site, storage, "20261103000000") == "DAILY-001"
    with tapelist.edit(site.tapelist) as draft:
        draft.volumes = with_volume(draft.volumes, Volume("DAILY-007", "20261109000000", pool="main"))
    assert rows(site, storage)[-1] == ("", "DAILY-007", "elsewhere: one of the 1 newest", False)
    empty = replace(storage, changer=f"disk:{site.state_dir}")
    assert not any(row.next for row in inventory(site, empty)), "an unmounted directory offers no volume"
    [row] = [row for row in inventory(site, storage) if row.label == "DAILY-001"]
    assert (row.datestamp, row.used, row.files) == ("20261103000000", 32, 0)


def test_devices_label_a_blank_slot(site: Site, storage: Storage) -> None:
    assert label_volume(site, storage) == ("1", "DAILY-001")
    assert label_volume(site, storage, slot="3", label="DAILY-042") == ("3", "DAILY-042")
    assert site.tapelist.read_text() == (
        "0 DAILY-042 reuse BLOCKSIZE:32 POOL:main STORAGE:main CONFIG:daily\n"
        "0 DAILY-001 reuse BLOCKSIZE:32 POOL:main STORAGE:main CONFIG:daily\n")
    assert rows(site, storage)[2] == ("3", "DAILY-042", "new: labelled, never used", False)
    assert open_volume(storage, "DAILY-042").read_header(0).datestamp == "X"
    # Labelled volumes come before blank slots; a new one may get another label.
    assert next_volume(open_changer(storage), rules_of(site, storage), tapelist.read(site.tapelist)).label == "DAILY-001"
    assert label_volume(site, storage, slot="1", label="DAILY-002") == ("1", "DAILY-002")
    assert [v.label for v in tapelist.read(site.tapelist)] == ["DAILY-002", "DAILY-042"]
    assert label_volume(site, storage, slot="1") == ("1", "DAILY-002")


def test_devices_label_refusals(site: Site, storage: Storage) -> None:
    write(site, storage, "20261101000000")
    label = refused(label_volume, site, storage, slot="1")
    assert label == ("TAP017", "slot 1 holds DAILY-001: one of the 1 newest")
    write(site, storage, "20261102000000")
    assert refused(label_volume, site, storage, slot="1") == (
        "TAP017", "slot 1 holds DAILY-001: last written 20261101000000")
    assert refused(label_volume, site, storage, slot="9") == ("TAP018", "storage main has no slot 9")
    assert refused(label_volume, site, storage, label="a b") == ("TAP011", "'a b' cannot be a label")
    assert refused(label_volume, site, storage, label="X-1") == (
        "TAP011", "label X-1 does not match label = 'DAILY-[0-9]+' of storage main")
    assert refused(label_volume, site, storage, label="DAILY-001") == (
        "TAP017", "label DAILY-001 is on the volume in slot 1")
    with tapelist.edit(site.tapelist) as draft:
        draft.volumes = with_volume(draft.volumes, Volume("DAILY-009", "20261009000000", pool="main"))
    assert refused(label_volume, site, storage, label="DAILY-009") == (
        "TAP017", "label DAILY-009 is in the tapelist: it belongs to another volume")
    # By force the volume in the slot goes, with its label or for another one.
    assert label_volume(site, storage, slot="1", force=True) == ("1", "DAILY-001")
    assert rows(site, storage)[0][2] == "new: labelled, never used"
    assert label_volume(site, storage, slot="2", label="DAILY-077", force=True) == ("2", "DAILY-077")
    assert "DAILY-002" not in site.tapelist.read_text()


def test_devices_label_foreign_and_full_shelves(site: Site, storage: Storage, tmp_path: Path) -> None:
    for number in (1, 2, 3, 4):
        assert label_volume(site, storage, slot=str(number))[1] == f"DAILY-00{number}"
    assert refused(label_volume, site, storage) == ("TAP017", "storage main has no blank slot")
    (tmp_path / "vtapes" / "slot2" / "00000.DAILY-002").write_bytes(b"x")
    assert refused(label_volume, site, storage, slot="2") == ("TAP017", "slot 2: its label is not Amanda's")
    assert label_volume(site, storage, slot="2", label="DAILY-055", force=True) == ("2", "DAILY-055")
    holder = open_changer(storage)
    holder.acquire()
    assert refused(label_volume, site, storage, slot="2")[0] == "TAP004"
    holder.release()


def test_devices_label_without_autolabel(tmp_path: Path) -> None:
    site = make_room(tmp_path).site(autolabel="")
    assert refused(label_volume, site, site.storages["main"]) == ("TAP011", "storage main has no autolabel")
    assert label_volume(site, site.storages["main"], label="A-1") == ("1", "A-1")


def test_devices_no_volume_and_no_room(site: Site, storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(NoVolume) as caught:
        strict = make_room(tmp_path / "b", slots=1).site(autolabel="", slots=1)
        next_volume(open_changer(strict.storages["main"]), rules_of(strict, strict.storages["main"]), ())
    assert caught.value.message == (
        "storage main: no volume may be written: slot 1: no label, and autolabel is not set")
    small = make_room(tmp_path / "c").site(capacity=100)
    with pytest.raises(UsageError) as usage:
        check_capacity(small.storages["main"])
    assert (usage.value.code, usage.value.hint) == ("TAP006", "at least 192 KiB")
    assert usage.value.message == "storage main: a capacity of 100 KiB takes no data"
    with pytest.raises(WorldError) as world:
        begin_next(open_changer(small.storages["main"]), small, rules_of(small, small.storages["main"], datestamp="1" * 14))
    assert (world.value.code, world.value.message) == (
        "TAP007", "storage main: no room for a part on volume DAILY-001")
    assert not (tmp_path / "c" / "vtapes" / "slot1").exists()
    assert tapelist.read(small.tapelist) == ()


def test_devices_two_volumes_with_one_label(site: Site, storage: Storage) -> None:
    write(site, storage, "20261101000000")
    open_changer(storage).load("3").begin("DAILY-001", "20261105000000")
    assert refused(open_volume, storage, "DAILY-001") == ("TAP018", "volume DAILY-001 is in slots 1, 3 at once")
    assert open_volume(storage, "DAILY-001", "20261105000000").slot == "3"
    assert {row[0]: row[2] for row in rows(site, storage)}["3"] == "active: one of the 1 newest"


def test_devices_standing_words_are_stable() -> None:
    assert [str(standing) for standing in Standing] == [
        "reusable", "new", "blank", "active", "foreign", "faulty", "busy", "elsewhere"]
