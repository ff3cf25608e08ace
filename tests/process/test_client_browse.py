"""Looking through real backups, and what a restore of marked names would read."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.catalogue.queries import Copy, Dump, Part
from core.client import browse
from core.client.browse import Browser, Need, dates, disks, versions
from core.errors import TaperoomError
from core.index.record import Mark
from core.model.dump import NO_CRC
from core.model.site import Site, Storage
from core.model.units import seconds_of_datestamp
from core.restore.layer import Listed
from core.restore.listing import Listing
from core.restore.merged import MergedTree
from core.restore.recover import restore
from tests.support.cli import call
from tests.support.small_site import SmallSite

TREE = {"letter.txt": b"dear reader\n", "deep/er/file": os.urandom(1_500_000), "with blank/ü": b"x", "many/one": b"1",
        "many/two": b"2", "odd/new\nline": b"odd"}


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmallSite, list[str]]]:
    """Three nights: a full, then two incrementals."""
    made = SmallSite(tmp_path_factory.mktemp("browse"), {"alpha:/home": TREE}, storage={"part_size": "1 MiB", "slots": 8})
    tree, stamps = made.data("alpha:/home"), []
    for number in range(3):
        if number == 1:
            (tree / "letter.txt").write_bytes(b"changed\n")
            (tree / "many/one").unlink()
        elif number == 2:
            (tree / "with blank/new").write_bytes(b"new")
        ran = made.amdump()
        assert ran.returncode == 0, ran.stdout + ran.stderr + made.logs()
        stamps.append(made.run().datestamp)
    yield made, stamps


def disk_of(made: SmallSite) -> str:
    return str(made.data("alpha:/home"))


def test_disks_and_dates(three: tuple[SmallSite, list[str]]) -> None:
    made, stamps = three
    disk = disk_of(made)
    assert disks(made.site) == [("alpha", disk)]
    found = dates(made.site, "alpha", disk)
    assert [(date.datestamp, date.level) for date in found] == [(stamps[2], 1), (stamps[1], 1), (stamps[0], 0)]
    assert all(date.labels and date.size > 0 and date.at == seconds_of_datestamp(date.datestamp) for date in found)
    assert dates(made.site, "alpha", "/nothing") == []


def test_directories_as_of_a_date(three: tuple[SmallSite, list[str]]) -> None:
    made, stamps = three
    now = Browser(made.site, "alpha", disk_of(made))
    assert now.datestamp == stamps[2] and now.warnings == ()
    # An incremental of level 1 stands on the full alone.
    assert [date.level for date in now.chain] == [0, 1]
    top = now.names()
    assert [(n.name, n.directory, n.files, n.level) for n in top] == [
        ("deep", True, 1, 1), ("many", True, 1, 1), ("odd", True, 1, 1), ("with blank", True, 2, 1),
        ("letter.txt", False, 1, 1)]
    assert [n.path for n in now.names("with blank")] == ["with blank/new", "with blank/ü"]
    assert [n.datestamp for n in now.names("with blank")] == [stamps[2], stamps[0]]
    assert [n.name for n in now.names("odd")] == ["new\nline"]
    then = Browser(made.site, "alpha", disk_of(made), stamps[0])
    assert [n.name for n in then.names("many")] == ["one", "two"]
    assert [n.size for n in then.names("many")] == [1, 1]
    with pytest.raises(TaperoomError, match=r"RST013 alpha:.* had no directory /letter.txt then"):
        now.names("letter.txt")


def test_names_are_found(three: tuple[SmallSite, list[str]]) -> None:
    made, _ = three
    browser = Browser(made.site, "alpha", disk_of(made))
    assert [n.path for n in browser.find("NE")] == ["odd/new\nline", "with blank/new"]
    assert [n.path for n in browser.find("Ü")] == ["with blank/ü"]
    assert len(browser.find("e", most=2)) == 2


def test_versions_of_a_path(three: tuple[SmallSite, list[str]]) -> None:
    made, stamps = three
    disk = disk_of(made)

    def of(path: str) -> list[str]:
        return [date.datestamp for date in versions(made.site, "alpha", disk, path)]

    assert of("many/one") == [stamps[0]]
    assert of("letter.txt")[-1] == stamps[0] and stamps[1] in of("letter.txt")
    assert of("nothing") == []
    assert of("") == [stamps[2], stamps[1], stamps[0]]
    assert [d.datestamp for d in versions(made.site, "alpha", disk, "", most=1)] == [stamps[2]]
    broken = made.site.index_dir / "alpha" / disk.replace("/", "_") / f"{stamps[2]}_1.tix"
    whole = broken.read_bytes()
    broken.write_bytes(b"no index")
    assert of("") == [stamps[1], stamps[0]]
    broken.unlink()
    assert of("") == [stamps[1], stamps[0]]
    broken.write_bytes(whole)


def test_what_a_restore_needs_and_its_command(three: tuple[SmallSite, list[str]], tmp_path: Path) -> None:
    made, _ = three
    browser = Browser(made.site, "alpha", disk_of(made))
    needs = browser.needs(["deep/er/file", "with blank", "gone"])
    assert (needs.files, needs.directories, needs.missing) == (3, 1, ("gone",))
    assert [(n.level, n.storage, n.here) for n in needs.needs] == [(0, "main", True), (1, "main", True)]
    full, incremental = needs.needs
    assert full.label == browser.chain[0].labels[0] and full.slot == "1" and full.files == (1, 2)
    assert needs.size == full.size + incremental.size
    assert (needs.bytes, needs.unsized) == (1_500_000 + 1 + 3, 0)
    alone = browser.needs(["letter.txt"])
    assert [n.level for n in alone.needs] == [1]
    # The command that is shown is one that works.
    words = shlex.split(browser.needs(["with blank", "many/two"]).command)
    assert words[:2] == ["taperoom", "restore"] and words[-2:] == ["--to", "DIR"]
    specs, as_of = words[2:words.index("--as-of")], words[words.index("--as-of") + 1]
    result = restore(made.site, specs, as_of, tmp_path / "out")
    assert result.good and sorted(p.name for p in (tmp_path / "out/with blank").iterdir()) == ["new", "ü"]
    assert browser.needs([""]).command.startswith(f"taperoom restore alpha:{disk_of(made)} --as-of ")


def test_volumes_that_must_be_brought(three: tuple[SmallSite, list[str]]) -> None:
    made, _ = three
    browser = Browser(made.site, "alpha", disk_of(made))
    slot = made.root / "vtapes" / "slot1"
    slot.rename(made.root / "away")
    try:
        full = browser.needs(["deep"]).needs[0]
        assert (full.slot, full.here) == ("", False)
    finally:
        shutil.rmtree(slot, ignore_errors=True)
        (made.root / "away").rename(slot)


def a_dump(**more: object) -> Dump:
    found = Dump("a", "/d", "20260101000000", 0, "done", "20260101000000", 1.0, 2.0, 1.0, 10, 20, NO_CRC, NO_CRC, NO_CRC, "")
    return replace(found, **more)  # type: ignore[arg-type]


def test_which_copy_is_taken(three: tuple[SmallSite, list[str]], tmp_path: Path) -> None:
    made, _ = three
    site: Site = replace(made.site, storages={**made.site.storages, "off": Storage("off", "disk:/nowhere")})
    slots = browse._Slots(site)
    here, label = browse._needs_of, next(v for v in ("T-001",) if slots.of("main", v))

    def copy(storage: str, *labels: str) -> Copy:
        return Copy(storage, "x", tuple(Part(name, 1, 5, NO_CRC) for name in labels), 5, NO_CRC)

    assert here(a_dump(copies=(copy("off", "O-1"), copy("main", label))), slots) == [
        Need("main", label, slots.of("main", label), (1,), "20260101000000", 0, 10)]
    assert [n.label for n in here(a_dump(copies=(copy("off", "O-1"), copy("main", "X-1"))), slots)] == ["X-1"]
    assert here(a_dump(copies=(copy("unknown", "U"),)), slots) == []
    held = tmp_path / "dump"
    assert here(a_dump(file=str(held)), slots) == [Need("", str(held), "", (), "20260101000000", 0, 10)]
    held.touch()
    assert here(a_dump(file=str(held), copies=(copy("main", label),)), slots)[0].label == str(held)
    assert slots.of("nothing", "X") == ""


def test_a_tree_deeper_than_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "_COUNTED", 4000)
    listing = Listing(exact=True)
    listing.add(b"/".join([b"d"] * 3000) + b"/f", Mark.FILE)
    assert browse._Counter(browse._COUNTED).files(MergedTree([Listed(listing)]).top) == 1


def test_files_are_counted_while_that_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = Listing(exact=True)
    for name in (b"a/1", b"a/2", b"b/1", b"b/2", b"b/3"):
        listing.add(name, Mark.FILE)
    tree = MergedTree([Listed(listing)])
    monkeypatch.setattr(browse, "_COUNTED", 6)
    counter = browse._Counter(browse._COUNTED)
    counts = [counter.files(node) for node in (tree.find(b"a"), tree.find(b"b"), tree.find(b"b/1")) if node is not None]
    assert counts == [2, -1, 1]


def test_it_is_the_same_as_the_command(three: tuple[SmallSite, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    made, _ = three
    said = call(capsys, "--config", str(made.config), "ls", f"alpha:{disk_of(made)}", "--json")
    names = {name.path for name in Browser(made.site, "alpha", disk_of(made)).names()}
    import json

    assert {entry["path"].strip("/") for entry in json.loads(said.out)["entries"]} == names
