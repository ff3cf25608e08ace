"""What an operator does outside a run, with the command line that does the same."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.catalogue.history import load_history
from core.catalogue.orders import load_orders
from core.cli.app import app
from core.client import act
from core.client.act import Done
from core.client.runs import Run
from core.client.shelf import shelf
from core.devices import tapelist
from core.devices.labelling import begin_next
from core.devices.registry import open_changer
from core.devices.shelf import rules_of
from core.errors import TaperoomError
from core.holding.file import HoldingWriter
from core.holding.header import Header, Kind
from core.model.site import HoldingDisk, Site, Storage
from tests.support import recorded_run as recorded
from tests.support.journals import Night, site_of

CRC = "00000001:102400"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    found = site_of(tmp_path, ("web1", "/home"), ("db1", "/my data"), tapes=2, days=0, full=0)
    storage = replace(found.storages["main"], slots=4, autolabel="D-%%%", label="D-.*")
    for name in ("state", "vtapes", "holding"):
        (tmp_path / name).mkdir()
    return replace(found, storages={"main": storage}, holding=(HoldingDisk(tmp_path / "holding"),))


def written(site: Site, stamp: str) -> str:
    storage = site.storages["main"]
    changer = open_changer(storage)
    volume, label = begin_next(changer, site, rules_of(site, storage, datestamp=stamp))
    part = volume.begin_part(Header(Kind.FILE, datestamp=stamp, host="web1", disk="/home", program="GNUTAR"))
    part.write(memoryview(bytes(100_000)))
    part.finish()
    night = Night(stamp)
    night.dump("web1", "/home", 0, crc=CRC)
    night.volume(label)
    night.write("web1", "/home", 0, [(label, 1, 100, CRC)], crc=CRC)
    night.end()
    night.store(site)
    return label


def fault(action: Callable[[], object]) -> str:
    with pytest.raises(TaperoomError) as caught:
        action()
    return f"{caught.value.code} {caught.value.message}"


def is_a_command(done: Done) -> bool:
    """Whether the words of its command line are a command with those options."""
    import typer

    words = shlex.split(done.command)[1:]
    group = typer.main.get_command(app)
    command = group.get_command(None, words.pop(0))  # type: ignore[attr-defined]
    while hasattr(command, "get_command"):
        command = command.get_command(None, words.pop(0))
    known = {option for parameter in command.params for option in parameter.opts}
    return all(word in known for word in words if word.startswith("--"))


# Coming nights.

@pytest.mark.parametrize(("order", "command", "text"), [
    ("full", "taperoom disk force 'db1:/my data'", "the next run dumps db1:/my data: full"),
    ("level-1", "taperoom disk force 'db1:/my data' --level-1", "the next run dumps db1:/my data: level-1"),
    ("bump", "taperoom disk force 'db1:/my data' --bump", "the next run dumps db1:/my data: bump"),
    ("", "taperoom disk force 'db1:/my data' --undo", "nothing is ordered for db1:/my data"),
])
def test_forcing_a_level(site: Site, order: str, command: str, text: str) -> None:
    done = act.force(site, "db1:/my data", order)
    assert (done.command, done.text, done.run) == (command, text, None) and is_a_command(done)
    assert load_orders(site) == ({"db1:/my data": order} if order else {})


def test_leaving_a_disk_out_and_back_in(site: Site) -> None:
    done = act.leave_out(site, "web1:/home")
    assert (done.command, done.text) == ("taperoom disk hold web1:/home", "web1:/home is left out from now on")
    assert load_orders(site) == {"web1:/home": "hold"}
    done = act.leave_out(site, "web1:/home", undo=True)
    assert (done.command, load_orders(site)) == ("taperoom disk hold web1:/home --undo", {}) and is_a_command(done)


def test_orders_that_make_no_sense(site: Site) -> None:
    assert fault(lambda: act.force(site, "web1:/hom")) == (
        f"CFG007 'web1:/hom' is no disk of {site.file}; did you mean 'web1:/home'?")
    assert fault(lambda: act.force(site, "web1:/home", "twice")) == (
        "CFG006 'twice' is no order: bump, full, level-1, no-bump")
    assert fault(lambda: act.leave_out(site, "x:y")).startswith("CFG007 'x:y' is no disk of")


# Runs.

def test_starting_a_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[object, ...]] = []

    def start(config: Path, state_dir: Path, disks: tuple[str, ...] = (), extra: tuple[str, ...] = ()) -> Run:
        started.append((config, list(disks), list(extra)))
        return Run(state_dir / "runs" / "20260101000000")

    monkeypatch.setattr(act, "start", start)
    done = act.start_run(site, ["web1", "db1:/my data"])
    assert (done.command, done.text) == ("taperoom run web1 'db1:/my data'", "run 20260101000000 began")
    assert done.run is not None and is_a_command(done)
    assert started == [(site.file, ["web1", "db1:/my data"], [])]
    assert fault(lambda: act.start_run(site, ["web2"])).startswith("CFG007 'web2' is no host of")
    assert fault(lambda: act.start_run(replace(site, disks=()))).startswith("CFG009")
    assert fault(lambda: act.start_flush(site)) == "HLD021 there is nothing to flush: no whole dump lies on the holding disks"
    dump(site)
    done = act.start_flush(site)
    assert (done.command, done.text) == ("taperoom flush", "run 20260101000000 began: 1 dump to flush, 42.0 KiB")
    assert started[-1] == (site.file, [], ["--no-dump"])


def test_no_second_run(site: Site) -> None:
    run = recorded.make_run(site.state_dir, "dumping")
    with recorded.alive(run):
        for action in (lambda: act.start_run(site), lambda: act.start_flush(site)):
            assert fault(action) == f"RUN004 run {run.datestamp} of test is under way"


# Volumes.

def test_labelling(site: Site) -> None:
    done = act.label(site, "main")
    assert (done.command, done.text) == ("taperoom tape label", "storage main: slot 1 has the label D-001 now")
    done = act.label(site, "main", "D-077", "3", insist=True)
    assert done.command == "taperoom tape label D-077 --slot 3 --force" and is_a_command(done)
    assert fault(lambda: act.label(site, "offsite")) == "TAP001 there is no storage 'offsite'"
    two = replace(site, storages={**site.storages, "offsite": Storage("offsite", "disk:/x")})
    assert act.label(two, "main", "D-078").command == "taperoom tape label D-078 --storage main"


def test_loading_and_unloading(site: Site, tmp_path: Path) -> None:
    act.label(site, "main", "D-002", "2")
    done = act.load(site, "main", "D-002")
    assert (done.command, done.text) == ("taperoom tape load D-002", "storage main: slot 2 is loaded, D-002")
    assert is_a_command(done)
    assert os.readlink(tmp_path / "vtapes" / "data") == "slot2"
    assert [row.slot for row in shelf(site, site.storages["main"]).rows if row.loaded] == ["2"]
    assert act.load(site, "main", "3").text == "storage main: slot 3 is loaded, it has no label"
    assert act.unload(site, "main").text == "storage main: slot 3 is unloaded"
    done = act.unload(site, "main")
    assert (done.command, done.text) == ("taperoom tape unload", "storage main: nothing was loaded")
    assert fault(lambda: act.load(site, "main", "99")) == "TAP018 storage main has no slot 99 and no volume of that label"
    (tmp_path / "vtapes" / "data").mkdir()
    assert fault(lambda: act.load(site, "main", "2")) == "TAP003 slot 2 of storage main cannot be made the current one"
    act.unload(site, "main")
    assert (tmp_path / "vtapes" / "data").is_dir()


def test_erasing_what_may_be_overwritten(site: Site) -> None:
    for day in (1, 2, 3):
        written(site, f"2026010{day}000000")
    assert load_history(site)["web1", "/home"].levels[0].labels == ("D-003",)
    done = act.erase(site, "main", "D-001")
    assert (done.command, done.text) == (
        "taperoom tape erase D-001", "storage main: volume D-001 in slot 1 is empty now; 161 KiB were erased")
    assert is_a_command(done)
    row = shelf(site, site.storages["main"]).rows[0]
    assert (row.label, row.files, row.written, row.word) == ("D-001", 0, "", "NEXT")


def test_what_is_still_needed_goes_only_with_its_label_typed(site: Site) -> None:
    written(site, "20260101000000")
    assert fault(lambda: act.erase(site, "main", "D-001")) == (
        "TAP021 volume D-001 is still needed: one of the 2 newest volumes")
    assert fault(lambda: act.erase(site, "main", "D-001", confirm="yes")) == (
        "TAP021 'yes' is not the label of volume D-001: nothing was erased")
    assert load_history(site)["web1", "/home"].last_level == 0
    done = act.erase(site, "main", "D-001", confirm="D-001")
    assert done.command == "taperoom tape erase D-001 --confirm D-001" and is_a_command(done)
    # The planner knows at once that its full is gone, and so does the policy.
    assert load_history(site)["web1", "/home"].last_level == -1
    first = shelf(site, site.storages["main"]).rows[0]
    assert (first.label, first.word) == ("D-001", "NEXT")


def test_what_is_not_this_storages_is_never_erased(site: Site) -> None:
    written(site, "20260101000000")
    with tapelist.edit(site.tapelist) as draft:
        draft.volumes = ()
    for confirm in ("", "D-001"):
        assert fault(lambda confirm=confirm: act.erase(site, "main", "D-001", confirm=confirm)) == (  # type: ignore[misc]
            "TAP021 volume D-001 is not erased: not in the tapelist")
    assert fault(lambda: act.erase(site, "main", "D-009")) == "TAP018 volume D-009 is in no slot of storage main"


def test_nothing_is_erased_beside_a_taper(site: Site) -> None:
    for day in (1, 2, 3):
        written(site, f"2026010{day}000000")
    taper = open_changer(site.storages["main"])
    taper.acquire()
    try:
        assert fault(lambda: act.erase(site, "main", "D-001")).startswith("TAP004 ")
    finally:
        taper.release()


def test_retiring(site: Site) -> None:
    for day in (1, 2, 3):
        written(site, f"2026010{day}000000")
    before = [volume.label for volume in tapelist.read(site.tapelist)]
    done = act.retire(site, "main", "D-001")
    assert (done.command, done.text) == ("taperoom tape retire D-001", "volume D-001 is never overwritten")
    assert is_a_command(done)
    rows = {row.label: row for row in shelf(site, site.storages["main"]).rows}
    assert (rows["D-001"].flag, rows["D-001"].word) == ("no-reuse", "active")
    assert act.retire(site, "main", "D-001").text.endswith("; it was so before")
    done = act.retire(site, "main", "D-001", undo=True)
    assert done.command == "taperoom tape retire D-001 --undo"
    assert [volume.label for volume in tapelist.read(site.tapelist)] == before
    assert fault(lambda: act.retire(site, "main", "D-009")) == "TAP018 the tapelist has no volume D-009 of storage main"


# The holding disk.

def dump(site: Site) -> Path:
    path = site.holding[0].path / "20260101000000" / "web1._home.0"
    header = Header(Kind.FILE, datestamp="20260101000000", host="web1", disk="/home", program="GNUTAR")
    writer = HoldingWriter(path, chunksize=0)
    writer.begin(header)
    writer.write(memoryview(bytes(10_000)))
    writer.finish(header)
    return path


def test_removing_a_dump(site: Site) -> None:
    path = dump(site)
    assert fault(lambda: act.remove_holding(site, path)) == (
        "HLD020 web1:/home level 0 of 20260101000000 is on no volume: this is its only copy")
    done = act.remove_holding(site, path, insist=True)
    assert done.command == f"taperoom holding remove {path} --force" and is_a_command(done)
    assert done.text == "web1:/home level 0 of 20260101000000 is removed, 42.0 KiB came free"
    assert not path.exists()
