"""Volumes and holding files of a real Amanda 3.5.1: listed, taken into a catalogue, restored, verified and flushed by us."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import tomli_w

from core.catalogue.queries import Dump, dumps
from core.catalogue.rebuild import open_catalogue
from core.config.load import load_site
from core.devices.scan_policy import Standing
from core.devices.shelf import inventory
from core.holding.header import HEADER_SIZE, Kind, build, parse
from core.holding.scan import scan
from core.model.site import Site
from core.prove.verify import Wish, choose, verify
from core.restore.browse import ls
from core.restore.recover import restore
from tests.support import amanda
from tests.support.amanda_site import AmandaSite, amanda_site
from tests.support.cli import Said, program
from tests.support.dumps import manifest

pytestmark = [pytest.mark.interop, pytest.mark.slow]

TEXT = b"the quick brown fox jumps over the lazy dog\n" * 2000
TREES: dict[str, dict[str, bytes]] = {
    "plain": {"noise": os.urandom(700_000), "sub/old": b"old\n"},
    "app-plain": {"text": TEXT, "sub/old": b"old\n"},
    "gzip-client": {"text": TEXT, "noise": os.urandom(1_500_000), "sub/old": b"old\n"},
    "gzip-server": {"text": TEXT, "blank and ü": b"x", "sub/old": b"old\n"},
    "zstd-client": {"text": TEXT, "sub/old": b"old\n"},
    "zstd-server": {"text": TEXT, "sub/old": b"old\n"},
    "direct": {"noise": os.urandom(900_000), "sub/old": b"old\n"},
}
"""By Amanda's dumptype."""


@dataclass(frozen=True, slots=True)
class Theirs:
    """What Amanda left: its site, the state of each tree by night, and its datestamps."""

    site: AmandaSite
    states: list[dict[str, dict[str, tuple[object, ...]]]]
    stamps: list[str]

    def config(self, place: Path, **holding: object) -> Path:
        """A configuration of ours that reads Amanda's volumes and writes its own on the same slots."""
        place.mkdir()
        slots = f"disk:{self.site.vtapes}"
        plain: dict[str, object] = {
            "org": "ours", "state_dir": str(place / "state"),
            "run": {"runtapes": 2},
            "storage": {
                "main": {"changer": slots, "label": "(TR|AM)-[0-9]{3}", "autolabel": "TR-%%%", "slots": 14},
            },
            "holding": [{"path": str(place / "hold"), **holding}],
            "disk": [{"host": "localhost", "disk": name, "device": "/nowhere", "auth": "local"} for name in TREES],
        }
        (place / "hold").mkdir()
        (place / "taperoom.toml").write_text(tomli_w.dumps(plain))
        return place / "taperoom.toml"


@pytest.fixture(scope="module")
def theirs() -> Iterator[Theirs]:
    """Two nights of a real Amanda, fulls and level 1, in parts over several small volumes; a third night is on its holding
    disk, in chunks."""
    amanda.need("what a real Amanda wrote, read by us")
    with amanda.open_place() as place:
        tops: dict[str, tuple[Path, str]] = {}
        for kind, files in TREES.items():
            top = place / "data" / kind
            for name, data in files.items():
                (top / name).parent.mkdir(parents=True, exist_ok=True)
                (top / name).write_bytes(data)
            tops[kind] = (top, kind)
        amanda.give(place / "data")
        with amanda_site(place / place.name, place / "vtapes", tops, length=1900, part=256, chunk=96, runtapes=6,
                         tapecycle=12) as site:
            site.slots(12)
            states = []
            for night in range(3):
                for top, _ in tops.values() if night else ():
                    (top / "sub/old").unlink(missing_ok=True)
                    (top / f"sub/new{night}").write_bytes(b"%d\n" % night * 50_000)
                states.append({kind: manifest(top) for kind, (top, _) in tops.items()})
                if night:
                    site.run("amadmin", site.name, "force-level-1", "localhost")
                kept = [f"^{kind}$" for kind in TREES if kind != "direct"]
                site.amdump(*(["--no-taper", "localhost", *kept] if night == 2 else []))
            yield Theirs(site, states, site.stamps())


def taperoom(config: Path, *words: str, code: int = 0) -> Said:
    said = program("--config", str(config), *words)
    assert said.code == code, said
    return said


def held(site: Site) -> list[Dump]:
    with open_catalogue(site).catalogue as catalogue:
        return [dump for dump in dumps(catalogue) if dump.held]


def test_volumes_are_listed_and_nobody_will_write_on_them(theirs: Theirs, tmp_path: Path) -> None:
    config = theirs.config(tmp_path / "ours")
    site = load_site(config)
    rows = [row for row in inventory(site, site.storages["main"]) if row.label.startswith("AM")]
    assert len(rows) >= 4 and {row.standing for row in rows} == {Standing.FOREIGN}
    shown = taperoom(config, "tape", "show", "AM-001")
    assert "localhost:" in shown.out and theirs.stamps[0] in shown.out


def test_a_catalogue_from_their_volumes(theirs: Theirs, tmp_path: Path) -> None:
    config = theirs.config(tmp_path / "ours")
    said = taperoom(config, "catalogue", "rebuild", "--from-volumes")
    site = load_site(config)
    assert "RST067 written by a real Amanda, and therefore read but never overwritten: AM-001, AM-002" in said.out
    listed = site.tapelist.read_text().splitlines()
    assert listed and all(" no-reuse " in line for line in listed)
    found = {(dump.disk, dump.datestamp): dump for dump in held(site)}
    assert set(found) == {(kind, stamp) for kind in TREES for stamp in theirs.stamps[:2]}
    assert {dump.level for (_, stamp), dump in found.items() if stamp == theirs.stamps[1]} == {1}
    spanning = [dump for dump in found.values() if len(dump.labels) > 1]
    assert spanning and len(found["gzip-client", theirs.stamps[0]].copies[0].parts) >= 6

    for number, stamp in enumerate(theirs.stamps[:2]):
        for kind in TREES:
            out = tmp_path / f"{number}{kind}"
            result = restore(site, [f"localhost:{kind}"], stamp, out)
            assert result.good, (kind, result.warnings)
            state = manifest(out)
            expected = dict(theirs.states[number][kind])
            # A stock client's index does not tell what was deleted: RST016.
            assert {name: state[name] for name in expected} == expected, kind
    assert {entry.path for entry in ls(site, "localhost:plain:/sub").entries} >= {"/sub/new1"}

    checked = verify(site, choose(site, Wish(), 4e9), "ana", lambda at: None, lambda result: None)
    assert checked.good and len(checked.results) == 14
    rows = [row for row in inventory(site, site.storages["main"]) if row.label.startswith("AM")]
    assert {row.standing for row in rows} == {Standing.ACTIVE} and not any(row.next for row in rows)


def test_damage_on_their_volumes_is_found(theirs: Theirs, tmp_path: Path) -> None:
    shutil.copytree(theirs.site.vtapes, tmp_path / "vtapes")
    config = theirs.config(tmp_path / "ours")
    config.write_text(config.read_text().replace(str(theirs.site.vtapes), str(tmp_path / "vtapes")))
    taperoom(config, "catalogue", "rebuild", "--from-volumes")
    [part, *_] = sorted((tmp_path / "vtapes").glob("slot*/*gzip-server.0"))
    data = bytearray(part.read_bytes())
    data[HEADER_SIZE + 60] ^= 0x10
    part.write_bytes(data)
    said = taperoom(config, "verify", "localhost:gzip-server", code=1)
    assert "VFY001" in said.out and f"file {int(part.name[:5])}" in said.out


def leftovers(theirs: Theirs, to: Path) -> Path:
    """A copy of the holding directory of the third night, its chunks naming each other where they are now."""
    [source] = [path for path in (theirs.site.here / "holding").iterdir() if path.name == theirs.stamps[2]]
    target = to / source.name
    shutil.copytree(source, target)
    for path in target.iterdir():
        block = path.read_bytes()
        header = parse(block[:HEADER_SIZE])
        if header.is_dump and header.cont_filename:
            moved = replace(header, cont_filename=str(target / Path(header.cont_filename).name))
            path.write_bytes(build(moved) + block[HEADER_SIZE:])
    return target


def test_leftovers_in_chunks_partial_and_unfinished_ones(theirs: Theirs, tmp_path: Path) -> None:
    config = theirs.config(tmp_path / "ours", use="1 GiB")
    there = leftovers(theirs, tmp_path / "ours/hold")
    site = load_site(config)
    whole = {dump.header.disk: dump for dump in scan(site.holding)}
    assert set(whole) == set(TREES) - {"direct"} and all(dump.complete for dump in whole.values())
    assert max(len(dump.files) for dump in whole.values()) > 1, "one is in chunks"

    # One that is marked as partial, one that Amanda did not finish, one whose last chunk is lost.
    chunked = max(whole.values(), key=lambda dump: len(dump.files))
    chunked.files[-1].unlink()
    partial, unfinished = sorted((d for d in whole.values() if d is not chunked), key=lambda d: len(d.files))[:2]
    block = partial.path.read_bytes()
    partial.path.write_bytes(build(replace(partial.header, partial=True, kind=Kind.FILE)) + block[HEADER_SIZE:])
    unfinished.path.rename(f"{unfinished.path}.tmp")
    (there / "pid").write_text("1")  # a run of Amanda that died leaves it; that process is another one now

    said = taperoom(config, "catalogue", "rebuild", "--from-volumes")
    told = [line for line in said.out.splitlines() if line.startswith("RST066")]
    assert len(told) == 3 and sum("marked as partial" in line for line in told) == 1
    assert sum("was not finished" in line for line in told) == 1 and sum("is missing" in line for line in told) == 1
    lost = {chunked.header.disk, partial.header.disk, unfinished.header.disk}
    for kind in set(TREES) - {"direct"}:
        out = tmp_path / f"out-{kind}"
        assert restore(site, [f"localhost:{kind}"], "now", out).good
        night = 1 if kind in lost else 2
        expected = theirs.states[night][kind]
        assert {name: found for name, found in manifest(out).items() if name in expected} == expected, kind
    assert f"{unfinished.path.name}.tmp" in {path.name for path in there.iterdir()}
    said = taperoom(config, "cleanup", code=1)
    assert Path(f"{unfinished.path}.tmp").exists(), "what Amanda left is Amanda's to clean up"


def test_leftovers_are_flushed_to_our_volumes_and_amrestore_reads_them(theirs: Theirs) -> None:
    with amanda.open_place() as place:
        config = theirs.config(place / "ours", use="1 GiB")
        config.write_text(config.read_text().replace(str(theirs.site.vtapes), str(place / "vtapes")))
        (place / "vtapes").mkdir()
        there = leftovers(theirs, place / "ours/hold")
        site = load_site(config)
        (there / "pid").write_text(str(os.getpid()))  # somebody lives with that number: but no program of Amanda
        flushed = subprocess.run([sys.executable, "-P", "-m", "core.amdump", str(config), "--no-dump"], capture_output=True,
                                 text=True, timeout=120, check=False)
        assert flushed.returncode == 0 and not scan(site.holding), flushed.stdout + flushed.stderr
        amanda.give(place / "vtapes")
        said = amanda.as_user("amrestore", f"file:{place / 'vtapes/slot1'}", "no-such-host", cwd=place / "vtapes")
        assert said.stderr.decode().count(f"date {theirs.stamps[2]} host localhost disk") >= 6
        checked = verify(site, choose(site, Wish(), 4e9), "ana", lambda at: None, lambda result: None)
        assert checked.good and len(checked.results) == 6
