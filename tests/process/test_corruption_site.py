"""One byte changed on disk, file by file, after real runs: the next read finds it and names file, volume and place; every
other dump goes on as if nothing were."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w

from core.catalogue.rebuild import open_catalogue
from core.catalogue.sums import sums_file
from core.client.runs import view_of
from core.devices.directory import DirectoryChanger
from core.devices.scan_policy import Standing
from core.devices.shelf import inventory
from core.errors import TaperoomError, WorldError
from core.events.event import Notice
from core.holding.file import HoldingReader
from core.holding.header import HEADER_SIZE, parse
from core.holding.scan import survey
from core.holding.seal import SEAL_SIZE
from core.index.reader import open_index
from core.report.gather import gather
from core.report.morning import report_text
from core.restore.recover import Result, restore
from tests.support.flips import PATTERNS, cases, flip_byte, flipped
from tests.support.indexes import lines_of, of_index
from tests.support.small_site import SmallSite

TREES = {
    "a:/one": {"big": random.Random(1).randbytes(1_500_000), "sub/small": b"one\n", "name with blank": b"x" * 700},
    "b:/two": {"other": random.Random(2).randbytes(150_000)},
}
A, B = TREES


@pytest.fixture(scope="module")
def taped(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """A night that went to volumes; the dump of A has two parts."""
    site = SmallSite(tmp_path_factory.mktemp("taped"), TREES)
    done = site.amdump()
    assert done.returncode == 0, done.stderr + site.logs()
    return site


@pytest.fixture(scope="module")
def spooled(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """A night that stayed on the holding disk; the dump of A has several chunks."""
    root = tmp_path_factory.mktemp("spooled")
    holding = [{"path": str(root / "site/hold"), "use": "256 MiB", "chunksize": "512 KiB"}]
    site = SmallSite(root / "site", TREES, storage={"changer": ""}, holding=holding)
    done = site.amdump()
    assert done.returncode in (0, 1), done.stderr + site.logs()
    return site


def back(site: SmallSite, title: str, to: Path) -> Result:
    """Restore a disk; what came back is the tree."""
    result = restore(site.site, [f"{title.partition(':')[0]}:{site.data(title)}"], "now", to)
    assert result.good
    for name, data in TREES[title].items():
        assert (to / name).read_bytes() == data
    return result


def holding_files(site: SmallSite, title: str) -> list[Path]:
    host = title.partition(":")[0]
    return sorted(path for path in (site.root / "hold").glob("*/*") if path.name.startswith(f"{host}."))


def header_places(path: Path) -> list[int]:
    """Bytes of every field of a header, of its padding and of its seal."""
    block = path.read_bytes()[:HEADER_SIZE]
    end = block.index(b"\0")
    return [*range(0, end, max(1, end // 24)), end - 1, end, end + 1, 4096, HEADER_SIZE - SEAL_SIZE - 1,
            HEADER_SIZE - SEAL_SIZE, HEADER_SIZE - 9, HEADER_SIZE - 1]


def test_a_holding_header(spooled: SmallSite, tmp_path: Path) -> None:
    holding = spooled.site.holding
    before = survey(holding)
    assert len(before.dumps) == 2 and not before.damage and not before.cruft and all(dump.complete for dump in before.dumps)
    files = holding_files(spooled, A)
    assert len(files) >= 3
    for number, path in enumerate((files[0], files[1], files[-1])):
        for at, pattern in cases(header_places(path), number):
            with flipped(path, at, pattern):
                found = survey(holding)
                [sentence] = found.damage
                assert sentence.startswith(f"HLD022 {path}: byte {at} of its header"), (sentence, at)
                assert [replace(dump, notes=()) for dump in found.dumps] == list(before.dumps), (path.name, at)
                assert len([dump for dump in found.dumps if dump.notes]) == 1
        with flipped(path, at, pattern):
            result = back(spooled, A, tmp_path / f"a{number}")
            assert [w for w in result.warnings if w.startswith(f"RST027 {path}: byte {at} of its header")]
            assert not back(spooled, B, tmp_path / f"b{number}").warnings


def test_a_holding_header_that_is_beyond_mending(spooled: SmallSite, tmp_path: Path) -> None:
    [first, *others] = holding_files(spooled, A)
    for path in (first, others[0]):
        with flipped(path, 10), flipped(path, 500):
            found = survey(spooled.site.holding)
            assert found.damage == (f"HLD022 {path}: its header, bytes 0 to 32767, does not give its checksum: it is damaged",)
            assert [dump.header.host for dump in found.dumps if dump.complete] == ["b"]
            with pytest.raises(WorldError) as caught:
                HoldingReader(first)
            assert caught.value.code == "HLD022" and str(path) in caught.value.message
            with pytest.raises(WorldError, match=f"RST024 .*{path}: its header"):
                back(spooled, A, tmp_path / "none")
            back(spooled, B, tmp_path / path.name)


def test_a_byte_of_data_on_the_holding_disk(spooled: SmallSite, tmp_path: Path) -> None:
    first = holding_files(spooled, A)[0]
    for number, path in enumerate(holding_files(spooled, A)):
        size = path.stat().st_size
        for at, pattern in cases([HEADER_SIZE, HEADER_SIZE + 513, (HEADER_SIZE + size) // 2, size - 1], number):
            with flipped(path, at, pattern):
                assert not survey(spooled.site.holding).damage
                assert str(first) in _damage(spooled, tmp_path / "none"), at
    with flipped(first, size // 2 + HEADER_SIZE // 2):
        back(spooled, B, tmp_path / "b")
    back(spooled, A, tmp_path / "a")


def volume_files(site: SmallSite) -> list[Path]:
    return sorted(path for path in (site.root / "vtapes").glob("slot*/0*"))


def test_a_header_on_a_volume(taped: SmallSite, tmp_path: Path) -> None:
    label, *parts = volume_files(taped)
    of_a = [path for path in parts if ".a." in path.name]
    assert len(of_a) == 2 and label.name.startswith("00000.")
    slot = label.parent
    storage = taped.site.storages["main"]
    name = label.name.partition(".")[2]
    views = DirectoryChanger(storage).views()
    for number, (path, said) in enumerate([
            (label, f"RST027 volume {name} file 0, its label: {label}: "), *(
                (part, f"RST027 volume {name} file {int(part.name[:5])}: ") for part in of_a)]):
        for at, pattern in cases(header_places(path), number):
            with flipped(path, at, pattern):
                header = parse(path.read_bytes()[:HEADER_SIZE])
                assert header.note.startswith(f"byte {at} of its header"), (path, at)
                if path == label:
                    found = DirectoryChanger(storage).views()
                    assert [replace(view, note="") for view in found] == [replace(view, note="") for view in views]
                    assert [row.standing for row in inventory(taped.site, storage) if row.label == name] == [Standing.ACTIVE]
        with flipped(path, 17, 0xFF):
            result = back(taped, A, tmp_path / f"a{number}")
            assert [w for w in result.warnings if w.startswith(f"{said}byte 17 of its header is damaged")], result.warnings
            # B stands on the same volume: of its label everybody hears.
            assert len(back(taped, B, tmp_path / f"b{number}").warnings) == (path == label)
    with flipped(label, 3), flipped(label, 9):
        found = next(view for view in DirectoryChanger(storage).views() if view.slot == slot.name.removeprefix("slot"))
        assert found.note.startswith(f"{label}: its header, bytes 0 to 32767, does not give")
        assert [row.standing for row in inventory(taped.site, storage) if row.slot == found.slot] == [Standing.FOREIGN]


def test_a_byte_of_data_on_a_volume(taped: SmallSite, tmp_path: Path) -> None:
    label, *parts = volume_files(taped)
    name = label.name.partition(".")[2]
    for number, path in enumerate(path for path in parts if ".a." in path.name):
        size = path.stat().st_size
        for at, pattern in cases([HEADER_SIZE, HEADER_SIZE + 1000, size // 2 + HEADER_SIZE // 2, size - 1], number):
            with flipped(path, at, pattern):
                assert f"volume {name} file {int(path.name[:5])}" in _damage(taped, tmp_path / "none"), at
        with flipped(path, size - 1):
            assert f"volume {name} file {int(path.name[:5])}: its data has CRC" in _damage(taped, tmp_path / "none")
            back(taped, B, tmp_path / f"b{number}")
    back(taped, A, tmp_path / "a")


def _damage(site: SmallSite, to: Path) -> str:
    """What is said of a damaged dump of A: it is refused, or restored as far as it is whole, and all that is there is right."""
    try:
        result = restore(site.site, [f"{A.partition(':')[0]}:{site.data(A)}"], "now", to)
    except WorldError as fault:
        assert fault.code == "RST024" and not to.exists()
        return fault.message
    found = {str(path.relative_to(to)): path.read_bytes() for path in to.rglob("*") if path.is_file()}
    assert found == {name: data for name, data in TREES[A].items() if f"/{name}" not in result.missing}
    said = next(warning for warning in result.warnings if warning.startswith("RST042 "))
    shutil.rmtree(to)
    return said


HARMLESS = {4, 5, 6, 7, 8, 9}
"""Bytes of a gzip header that say when and how it was packed: they change nothing that is unpacked, and mean nothing to us."""


def test_an_index(taped: SmallSite, tmp_path: Path) -> None:
    [index] = (taped.root / "state/index/a").rglob("*.tix")
    for at in range(index.stat().st_size):
        for pattern in PATTERNS:
            with flipped(index, at, pattern), pytest.raises(WorldError, match=r"damaged at byte \d+: ") as caught:
                _read_all(index)
            assert caught.value.code == "RST018"
    with flipped(index, index.stat().st_size // 2):
        result = back(taped, A, tmp_path / "a")
        assert [w for w in result.warnings if w.startswith("RST018") and str(index) in w and "comes from the dump" not in w]
        assert not back(taped, B, tmp_path / "b").warnings


def _read_all(path: Path) -> None:
    with open_index(path) as index:
        assert list(index.walk(b"")) and index.frames is None


def test_an_index_of_lines(taped: SmallSite, tmp_path: Path) -> None:
    [ours] = (taped.root / "state/index/a").rglob("*.tix")
    index = tmp_path / "old.gz"
    with open_index(ours) as found:
        index.write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines_of(found))))
    with open_index(index) as found:
        good = of_index(found)
    size = index.stat().st_size
    for at in range(size):
        for pattern in PATTERNS:
            with flipped(index, at, pattern):
                try:
                    with open_index(index) as read:
                        again = of_index(read)
                except TaperoomError as fault:
                    assert fault.code == "RST018" and fault.message.startswith(f"{index}: is damaged in its first ")
                else:
                    assert again == good, (at, pattern)
                    # Bit 0 of the flags says that it may be text; the bits that fill up the last byte before the
                    # checksum (8 bytes: CRC and length) say nothing.
                    assert at in HARMLESS or (at, pattern) == (3, 1) or (at == size - 9 and pattern != 0xFF), (at, pattern)


def test_a_journal(taped: SmallSite) -> None:
    run = taped.run()
    data = run.journal.read_bytes()
    whole = view_of(run)
    lines = data.count(b"\n")
    for at, pattern in cases(range(0, len(data), max(1, len(data) // 150))):
        with flipped(run.journal, at, pattern):
            line = data[:at].count(b"\n") + 1
            notices = [notice for _, notice in view_of(run).notices if notice.code == "RUN031"]
            [notice] = notices
            assert notice.text.startswith(f"line {line} (bytes "), (at, notice)
            start, _, end = notice.text.partition("(bytes ")[2].partition(")")[0].partition(" to ")
            assert int(start) <= at <= int(end)
            assert view_of(run).seq >= whole.seq == lines
    with flipped(run.journal, data.index(b"DumpBegan")):
        text = report_text(view_of(run), gather(taped.site))
        assert "RUN031" in text and "is damaged; fact" in text


@pytest.fixture
def catalogue(taped: SmallSite) -> Iterator[Path]:
    """The catalogue at rest, with its checksums."""
    path = taped.site.catalogue
    with open_catalogue(taped.site).catalogue as opened:
        opened.changed = True
    assert sums_file(path).exists()
    yield path
    with open_catalogue(taped.site).catalogue:
        pass


def test_a_catalogue(taped: SmallSite, catalogue: Path) -> None:
    opened = open_catalogue(taped.site)
    with opened.catalogue as good:
        rows = good.dump()
    assert not opened.warnings
    size = catalogue.stat().st_size
    for at, pattern in cases([*range(0, 100, 5), *range(100, size, size // 60)]):
        data, checks = catalogue.read_bytes(), sums_file(catalogue).read_bytes()
        with flipped(catalogue, at, pattern):
            opened = open_catalogue(taped.site)
            with opened.catalogue as found:
                assert found.dump() == rows
            [warning] = opened.warnings
            assert warning.startswith(f"RST002 the catalogue {catalogue}"), (at, warning)
            assert "bytes " in warning and "rebuilt from the journals" in warning, (at, warning)
        catalogue.write_bytes(data)
        sums_file(catalogue).write_bytes(checks)
    for at, pattern in cases(range(0, len(checks), 3)):
        with flipped(sums_file(catalogue), at, pattern):
            opened = open_catalogue(taped.site)
            opened.catalogue.close()
            assert [w for w in opened.warnings if w.startswith("RST002")], at
        catalogue.write_bytes(data)
        sums_file(catalogue).write_bytes(checks)
    os.unlink(sums_file(catalogue))
    assert not open_catalogue(taped.site).warnings, "without checksums nothing is known, and nothing is said"


def test_a_damaged_journal_costs_the_catalogue_one_fact(taped: SmallSite) -> None:
    run = taped.run()
    data = run.journal.read_bytes()
    at = data.index(b'"event":"PlanComplete"') if b'"event":"PlanComplete"' in data else data.index(b'"event":"ChildBegan"')
    with open_catalogue(taped.site).catalogue as good:
        rows = good.dump()
    with flipped(run.journal, at):
        taped.site.catalogue.unlink()
        opened = open_catalogue(taped.site)
        with opened.catalogue as found:
            assert found.dump() == rows, "that fact says nothing to the catalogue"
        line = data[:at].count(b"\n") + 1
        assert [w for w in opened.warnings if w.startswith(f"RUN031 {run.journal}: line {line} (bytes ")], opened.warnings
    assert [f for _, f in view_of(run).notices if isinstance(f, Notice) and f.code == "RUN031"] == []


def test_a_flush_of_damaged_dumps(tmp_path: Path) -> None:
    """What cannot be read back stays and is named; a header that was mended goes to the volume as it should be."""
    site = SmallSite(tmp_path / "site", TREES, storage={"changer": ""})
    assert site.amdump().returncode in (0, 1), site.logs()
    config = tomllib.loads(site.config.read_text())
    config["storage"] = {"main": {
        "changer": f"disk:{site.root / 'vtapes'}", "slots": 5, "capacity": "64 MiB", "part_size": "1 MiB",
        "label": "T-[0-9]{3}", "autolabel": "T-%%%", "retention": {"tapes": 2, "days": 0, "full": 1}}}
    site.config.write_text(tomli_w.dumps(config))
    [of_a], [of_b] = holding_files(site, A), holding_files(site, B)
    size = of_a.stat().st_size
    flip_byte(of_b, 40, 0xFF)
    with flipped(of_a, size // 2):
        done = site.amdump("--no-dump")
        assert done.returncode == 1, done.stdout + site.logs()
        [notice] = [notice for _, notice in site.view().notices if notice.code == "HLD007"]
        assert notice.subject == f"a:{site.data(A)}" and str(of_a) in notice.text, notice
        assert of_a.exists() and f"HLD022 {of_b}: byte 40 of its header is damaged" in site.logs()
        back(site, B, tmp_path / "b")
        assert not [w for w in back(site, B, tmp_path / "b2").warnings if w.startswith("RST027 volume")]
    assert site.amdump("--no-dump").returncode == 0, site.logs()
    assert not holding_files(site, A)
    back(site, A, tmp_path / "a")
