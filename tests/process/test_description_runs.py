"""Volumes that describe themselves, and state directories that come back from them: whole nights of the real house."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from core.catalogue.queries import dumps
from core.catalogue.rebuild import open_catalogue, rebuild
from core.description.archive import is_description
from core.description.recover import Recovered, recover
from core.devices.directory import DirectoryChanger
from core.devices.slot_volume import DirectoryVolume
from core.errors import WorldError
from core.events import event as e
from core.events.codec import inspect
from core.holding.header import HEADER_SIZE, Header, parse
from core.model.site import Site
from core.restore.browse import ls
from core.restore.recover import restore
from tests.support.cli import call
from tests.support.dumps import manifest
from tests.support.small_site import SmallSite

ALPHA, BETA = "alpha:/home", "beta:/etc"
TREES = {ALPHA: {"letter.txt": b"dear reader\n" * 100, "deep/er/file": os.urandom(2_500_000), "with blank and ü": b"x"},
         BETA: {"passwd": b"root\n"}}


def a_night(made: SmallSite, code: int = 0) -> None:
    ran = made.amdump()
    assert ran.returncode == code, ran.stdout + ran.stderr + made.logs()


def facts(made: SmallSite) -> list[e.Event]:
    return [record.event for record in inspect(made.run().journal.read_bytes())[0]]


def last_file(made: SmallSite, slot: int) -> tuple[Path, Header, bytes]:
    path = max((made.root / f"vtapes/slot{slot}").glob("0*"))
    data = path.read_bytes()
    return path, parse(data[:HEADER_SIZE]), data[HEADER_SIZE:]


def rows(site: Site) -> list[str]:
    with open_catalogue(site).catalogue as catalogue:
        return catalogue.dump()


def lose_and_recover(made: SmallSite) -> Recovered:
    """Without its state directory the site has a configuration and the slots."""
    lost = made.root / f"lost{len(list(made.root.glob('lost*')))}"
    (made.root / "state").rename(lost)
    done = recover(made.site, lambda text: None)
    rebuild(made.site).close()
    return done


def test_a_lost_state_directory_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = SmallSite(tmp_path, TREES, dumptype={"compress": "server best"}, storage={"retention": {
        "tapes": 3, "days": 0, "full": 1}})
    states = []
    for night in range(3):
        (made.data(ALPHA) / f"new{night}").write_bytes(b"new\n")
        if night == 2:
            (made.data(ALPHA) / "letter.txt").unlink()
        states.append(manifest(made.data(ALPHA)))
        a_night(made)
    for slot in (1, 2, 3):
        _, header, data = last_file(made, slot)
        assert is_description(header) and header.server.size == len(data)
    said = [f for f in facts(made) if isinstance(f, e.VolumeDescribed)]
    ended = next(f for f in facts(made) if isinstance(f, e.VolumeEnded))
    parts = [f for f in facts(made) if isinstance(f, e.PartWritten)]
    assert [f.label for f in said] == ["T-003"] and ended.parts == len(parts) + 1
    assert ended.size == sum(f.size for f in parts) + said[0].size
    site = made.site
    before, tapelist = rows(site), site.tapelist.read_text()
    indexes = {path.relative_to(site.index_dir): path.read_bytes() for path in site.index_dir.rglob("*") if path.is_file()}
    opened: list[int] = []
    open_part = DirectoryVolume.open_part
    monkeypatch.setattr(DirectoryVolume, "open_part", lambda self, n: (opened.append(n), open_part(self, n))[1])
    done = lose_and_recover(made)
    assert done.warnings == [] and (done.volumes, done.by_headers, done.journals) == (3, 0, 3)
    assert opened == [5, said[0].fileno, said[0].fileno], "only descriptions are read"
    assert rows(site) == before and site.tapelist.read_text() == tapelist
    assert {path.relative_to(site.index_dir): path.read_bytes()
            for path in site.index_dir.rglob("*") if path.is_file()} == indexes
    title = f"alpha:{made.data(ALPHA)}"
    for state in states[-1:]:
        result = restore(site, [title], "now", tmp_path / "out")
        assert result.good and result.warnings == [] and manifest(tmp_path / "out") == state
    assert "/letter.txt" not in {entry.path for entry in ls(site, title).entries}
    assert recover(site, lambda text: None).journals == 0 and rows(site) == before, "what is there is left alone"
    a_night(made)  # and the next night goes on from there
    assert {f.level for f in facts(made) if isinstance(f, e.DumpEnded)} == {1}


def test_what_a_volume_says_of_itself(tmp_path: Path) -> None:
    made = SmallSite(tmp_path, TREES)
    a_night(made)
    path, header, data = last_file(made, 1)
    assert path.name == "00005.taperoom.description.0" and (header.comp, header.program) == ("N", "/bin/tar")
    listed = subprocess.run(f"dd if='{path}' bs=32k skip=1 status=none | tar -tf -", shell=True, capture_output=True,
                            text=True, check=True).stdout.split()
    stamp = made.run().datestamp
    assert listed[0] == "README" and f"runs/{stamp}/journal.jsonl.gz" in listed
    assert f"index/beta/{str(made.data(BETA)).replace('/', '_')}/{stamp}_0.tix" in listed
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        readme = archive.extractfile("README")
        assert readme is not None
        text = readme.read().decode()
    assert f"volume T-001 of storage main of test, written by the run of {stamp[:4]}-" in text
    # The README's own lines bring both disks back.
    for number, title in enumerate((ALPHA, BETA)):
        block = next(piece for piece in text.split("# 1. ")[1:] if piece.startswith(f"{title[:5].strip(':')}:"))
        command = next(line for line in block.splitlines() if line.startswith(("dd ", "(dd ")))
        setting = next(line for line in text.splitlines() if line.startswith("V1="))
        out = tmp_path / f"out{number}"
        out.mkdir()
        subprocess.run(["sh", "-e", "-c", f"{setting}\n{command}"], cwd=out, check=True)
        assert manifest(out) == manifest(made.data(title))


def test_a_dump_over_several_volumes(tmp_path: Path) -> None:
    big = {ALPHA: {"noise": os.urandom(20_000_000)}, BETA: {"passwd": b"root\n"}}
    made = SmallSite(tmp_path, big, run={"runtapes": 4}, storage={
        "capacity": "8 MiB", "part_size": "1 MiB", "slots": 8})
    a_night(made)
    labels = [f.label for f in facts(made) if isinstance(f, e.VolumeBegan)]
    assert len(labels) >= 3
    assert [f.label for f in facts(made) if isinstance(f, e.VolumeDescribed)] == labels
    for slot in range(1, len(labels) + 1):
        files = list((tmp_path / f"vtapes/slot{slot}").glob("0*"))
        assert sum(path.stat().st_size for path in files) <= 8 << 20
        assert is_description(last_file(made, slot)[1])
    before = rows(made.site)
    assert lose_and_recover(made).warnings == [] and rows(made.site) == before
    # The last volume is lost: what the others tell is the run up to there, and what is missing is said.
    shutil.rmtree(tmp_path / f"vtapes/slot{len(labels)}")
    done = lose_and_recover(made)
    assert any(w.startswith(f"RST064 volume {labels[-1]} ") for w in done.warnings) or done.volumes == len(labels) - 1
    with open_catalogue(made.site).catalogue as catalogue:
        assert all(dump.host == "beta" for dump in dumps(catalogue) if dump.copies)


@pytest.mark.parametrize("holding", ["auto", "never"])
def test_headers_alone_tell_where_dumps_are(tmp_path: Path, holding: str) -> None:
    made = SmallSite(tmp_path, TREES, dumptype={"holding": holding})
    for night in range(2):
        (made.data(ALPHA) / f"new{night}").write_bytes(b"new\n")
        a_night(made)
    state = manifest(made.data(ALPHA))
    for slot in (1, 2):
        last_file(made, slot)[0].unlink()
    with open_catalogue(made.site).catalogue as catalogue:
        lost = [(d.key, d.size, d.copies[0].labels, [p.fileno for p in d.copies[0].parts]) for d in dumps(catalogue)]
    done = lose_and_recover(made)
    assert done.by_headers == 2 and done.journals == 2
    assert [w.partition(" that can be used")[0] for w in done.warnings] == [
        f"RST063 volume T-00{n} of storage main has no description" for n in (1, 2)]
    with open_catalogue(made.site).catalogue as catalogue:
        found = [(d.key, d.size, d.copies[0].labels, [p.fileno for p in d.copies[0].parts]) for d in dumps(catalogue)]
    assert sorted(found) == sorted(lost)
    result = restore(made.site, [f"alpha:{made.data(ALPHA)}"], "now", tmp_path / "out")
    assert result.good and manifest(tmp_path / "out") == state
    a_night(made)


def test_a_damaged_description_costs_only_what_is_damaged(tmp_path: Path) -> None:
    made = SmallSite(tmp_path, TREES)
    a_night(made)
    before = rows(made.site)
    path, _, data = last_file(made, 1)
    whole = path.read_bytes()
    at = HEADER_SIZE + data.rindex(b"index/")  # an index's name
    path.write_bytes(whole[:at] + b"X" + whole[at + 1:])
    done = lose_and_recover(made)
    assert rows(made.site) != [] and done.indexes == 0 and done.by_headers == 0
    assert any("its description (file 5) is damaged; only the journals" in w for w in done.warnings)
    at = HEADER_SIZE + data.index(b"\x1f\x8b") + 40  # the journal
    path.write_bytes(whole[:at] + bytes(8) + whole[at + 8:])
    done = lose_and_recover(made)
    assert done.by_headers == 1 and any("cannot be unpacked" in w for w in done.warnings)
    with open_catalogue(made.site).catalogue as catalogue:
        assert {dump.host for dump in dumps(catalogue) if dump.held} == {"alpha", "beta"}
    path.write_bytes(whole)
    assert lose_and_recover(made).warnings == [] and rows(made.site) == before


def test_a_volume_too_small_for_its_description_says_so(tmp_path: Path) -> None:
    made = SmallSite(tmp_path, {ALPHA: {"noise": os.urandom(200_000)}}, storage={
        "capacity": "512 KiB", "part_size": "64 KiB"})
    a_night(made)
    assert not any(isinstance(f, e.VolumeDescribed) for f in facts(made))
    notice = next(f for f in facts(made) if isinstance(f, e.Notice) and f.code == "TAP026")
    assert notice.text.startswith("volume T-001 does not describe itself: it has room for ")
    assert made.amdump().returncode == 0
    with tarfile.open(fileobj=io.BytesIO(last_file(made, 2)[2])) as archive:
        told = archive.getnames()
    runs = sorted(path.name for path in made.site.runs_dir.iterdir())
    assert sorted(name for name in told if name.startswith("runs/")) == [f"runs/{name}/journal.jsonl.gz" for name in runs]
    assert sum(name.startswith("index/") and name.endswith(("_0.tix", "_1.tix")) for name in told) == 2, "also what is owed"
    before = rows(made.site)
    done = lose_and_recover(made)
    assert done.warnings == [] and rows(made.site) == before


def test_dumps_that_were_flushed_later(tmp_path: Path) -> None:
    made = SmallSite(tmp_path, TREES, storage={"slots": 0}, run={"request_deadline": "1 s"})
    made.amdump()
    assert list((tmp_path / "hold").rglob("alpha.*.0")), made.logs()
    made.config.write_text(made.config.read_text().replace("slots = 0", "slots = 5"))
    a_night(made)
    before = rows(made.site)
    assert lose_and_recover(made).warnings == [] and rows(made.site) == before


def test_odd_slots(tmp_path: Path) -> None:
    made = SmallSite(tmp_path, TREES)
    with pytest.raises(WorldError, match="RST062"):
        recover(made.site, lambda text: None)
    a_night(made)
    slots = tmp_path / "vtapes"
    shutil.copytree(slots / "slot1", slots / "slot2")
    (slots / "slot3").mkdir()
    (slots / "slot3/00000.FOREIGN").write_bytes((slots / "slot1/00000.T-001").read_bytes().replace(b"T-001", b"WEEK1"))
    label = slots / "slot2/00000.T-001"
    stamp = made.run().datestamp.encode()
    label.write_bytes(label.read_bytes().replace(stamp, b"20991231000000").split(b"\0")[0].ljust(HEADER_SIZE, b"\0"))
    done = lose_and_recover(made)
    assert [w.split(" ")[0] for w in done.warnings].count("RST060") >= 2
    assert any(w.startswith("RST065 volume T-001 was written on 20991231000000") for w in done.warnings)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = SmallSite(tmp_path, TREES)
    a_night(made)
    shutil.rmtree(tmp_path / "state")
    said = call(capsys, "--config", str(made.config), "catalogue", "rebuild", "--from-volumes")
    assert said.code == 0 and "reading what volume T-001 of storage main tells of itself: file 5" in said.out, said.out
    assert "from 1 volume: 1 journal, 6 index files" in said.out and "1 run, 2 good dumps" in said.out
    (tmp_path / "vtapes").rename(tmp_path / "away")
    shutil.rmtree(tmp_path / "state")
    said = call(capsys, "--config", str(made.config), "catalogue", "rebuild", "--from-volumes", "--json")
    assert said.code != 0 and "RST062" in said.err


def test_a_resumed_taper_does_not_write_behind_a_description(tmp_path: Path) -> None:
    from core.taper.scribe import Scribe

    made = SmallSite(tmp_path, TREES)
    a_night(made)
    storage = made.site.storages["main"]
    scribe = Scribe(made.site, storage, lambda site, storage: {})
    assert scribe.start(made.run().datestamp) != "T-001", "it was full, or the run was over"
    last_file(made, 1)[0].unlink()
    again = Scribe(made.site, storage, lambda site, storage: {})
    DirectoryChanger(storage).release()
    scribe.retire()
    scribe.let_go()
    assert again.start(made.run().datestamp) == "T-001"
