"""Our volumes told to a real Amanda 3.5.1: its own tools find, check and restore what is on them, and it goes on from there."""

from __future__ import annotations

import filecmp
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.catalogue.queries import Dump, dumps
from core.catalogue.rebuild import open_catalogue
from core.holding.header import HEADER_SIZE, parse
from core.model.site import Site
from tests.support import amanda
from tests.support.amanda_site import AmandaSite, amanda_site, owner, slot_bytes, snapshots_of
from tests.support.cli import Said, program
from tests.support.small_site import SmallSite

pytestmark = pytest.mark.interop

TEXT = b"the quick brown fox jumps over the lazy dog\n" * 2000
TREES: dict[str, dict[str, bytes]] = {
    "alpha:/home": {"noise": os.urandom(2_500_000), "sub/old": b"old\n"},
    "beta:/etc": {"text": TEXT, "sub/old": b"old\n"},
    "gamma:/srv": {"text": TEXT, "sub/old": b"old\n"},
    "delta:/var": {"text": TEXT, "noise": os.urandom(300_000), "sub/old": b"old\n"},
    "epsilon:/opt": {"text": TEXT, "blank and ü": b"x", "sub/old": b"old\n"},
    "zeta:/big": {"noise": os.urandom(3_000_000), "sub/old": b"old\n"},
}
DISKS: dict[str, dict[str, object]] = {
    "beta:/etc": {"compress": "client fast"}, "gamma:/srv": {"compress": "server best"},
    "delta:/var": {"compress": "client zstd"}, "epsilon:/opt": {"compress": "server zstd"}, "zeta:/big": {"holding": "never"},
}
ROW = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (\S+) +(\S+) +(\d+) +\S+ +\S+ +(\S+) +(\d+) +(\d+)/(\S+) +(.*)")


def export(site: SmallSite, target: AmandaSite, *words: str, code: int = 0) -> Said:
    said = program("--config", str(site.config), "catalogue", "export-amanda", str(target.conf), "--name", target.name, *words)
    assert said.code == code, said
    return said


def good(site: Site) -> list[Dump]:
    with open_catalogue(site).catalogue as catalogue:
        return [dump for dump in dumps(catalogue) if dump.copies]


def same(one: Path, other: Path) -> bool:
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*"))
    assert names == sorted(str(path.relative_to(other)) for path in other.rglob("*"))
    files = [name for name in names if (one / name).is_file()]
    return filecmp.cmpfiles(one, other, files, shallow=False)[0] == files


def a_night(site: SmallSite, number: int) -> None:
    for title in TREES if number else ():
        (site.data(title) / "sub/old").unlink()
        (site.data(title) / "sub/new").write_bytes(b"new\n")
    ran = site.amdump()
    assert ran.returncode == 0, ran.stdout + ran.stderr + site.logs()


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[SmallSite, AmandaSite]]:
    """Two nights of ours on volumes, and a configuration of Amanda on the same slots that was told of them."""
    amanda.need("the tools of a real Amanda on our volumes")
    with amanda.open_place() as place:
        ours = SmallSite(place / "ours", TREES, disks=DISKS, run={"runtapes": 4}, storage={
            "capacity": "4 MiB", "part_size": "128 KiB", "slots": 9})
        (place / "access.toml").write_text('filters = ["/usr/bin/zstd"]\n')
        ours.env["TAPEROOM_CLIENT_ACCESS"] = str(place / "access.toml")
        for number in range(2):
            a_night(ours, number)
        with amanda_site(place / place.name, place / "ours/vtapes", {}, label="AM") as theirs:
            (place / "ours").chmod(0o755)
            (theirs.conf / "disklist").write_text("".join(
                f'{title.partition(":")[0]} "{ours.data(title)}" plain\n' for title in TREES))
            export(ours, theirs)
            yield ours, theirs


def test_everything_that_was_to_be_proven_is_on_the_volumes(both: tuple[SmallSite, AmandaSite]) -> None:
    ours, _ = both
    found = {(dump.host, dump.level): dump for dump in good(ours.site)}
    assert {level for _, level in found} == {0, 1} and len(found) == 12
    assert len(found["alpha", 0].copies[0].parts) >= 20 and len(found["gamma", 1].copies[0].parts) == 1
    assert any(len(dump.labels) == 2 for dump in found.values()), "one goes over two volumes"


def test_amadmin_finds_every_part(both: tuple[SmallSite, AmandaSite]) -> None:
    ours, theirs = both
    said = theirs.run("amadmin", theirs.name, "find")
    rows = [found.groups() for line in said.stdout.decode().splitlines() if (found := ROW.fullmatch(line.strip()))]
    wanted = set()
    for dump in good(ours.site):
        count = len(dump.copies[0].parts)
        wanted |= {(dump.host, dump.disk, str(dump.level), part.label, str(part.fileno), str(number), str(count), "OK")
                   for number, part in enumerate(dump.copies[0].parts, 1)}
    assert set(rows) == wanted and len(rows) == len(wanted), said


def test_amadmin_knows_the_history_of_each_disk(both: tuple[SmallSite, AmandaSite]) -> None:
    ours, theirs = both
    said = theirs.run("amadmin", theirs.name, "info").stdout.decode()
    for dump in good(ours.site):
        block = said.split(f"Current info for {dump.host} {dump.disk}:")[1].split("Current info")[0]
        first = dump.copies[0].parts[0]
        assert re.search(rf"^ +{dump.level} +\d+ +{first.label} +{first.fileno} +{dump.orig} +{dump.size} ", block, re.M), block


def test_amfetchdump_restores_each_dump(both: tuple[SmallSite, AmandaSite], tmp_path: Path) -> None:
    ours, theirs = both
    for title in TREES:
        out = tmp_path / title.partition(":")[0]
        out.mkdir()
        for dump in sorted((d for d in good(ours.site) if d.host == title.partition(":")[0]), key=lambda d: d.level):
            fetched = theirs.run("amfetchdump", "-p", theirs.name, f"^{dump.host}$", f"^{dump.disk}$", dump.datestamp,
                                 more="cat")
            assert fetched.returncode == 0, fetched.stderr.decode()
            subprocess.run(["tar", "-xpGf", "-", "-C", str(out)], input=fetched.stdout, check=True)
        assert same(ours.data(title), out)


def test_amcheckdump_validates_both_nights(both: tuple[SmallSite, AmandaSite]) -> None:
    ours, theirs = both
    for stamp in sorted({dump.datestamp for dump in good(ours.site)}):
        said = theirs.run("amcheckdump", "--timestamp", stamp, theirs.name, more="cat")
        text = (said.stdout + said.stderr).decode()
        assert said.returncode == 0 and "successfully validated" in text and text.count("Validating image") == 6, text


def test_amtape_shows_our_volumes(both: tuple[SmallSite, AmandaSite]) -> None:
    ours, theirs = both
    said = theirs.run("amtape", theirs.name, "show")
    text = (said.stdout + said.stderr).decode()
    for dump in good(ours.site):
        for label in dump.labels:
            assert re.search(rf"slot +\d+: date {dump.copies[0].run} label {label}", text), text


def test_amrestore_reads_every_volume(both: tuple[SmallSite, AmandaSite]) -> None:
    """It takes each part by itself, so what is packed is taken raw: header and data, as its manual says of split dumps."""
    ours, theirs = both
    place = theirs.here / "amrestore"
    for dump in good(ours.site):
        pieces = b""
        for label in dump.labels:
            [slot] = [path.parent for path in theirs.vtapes.glob(f"slot*/00000.{label}")]
            target = place / f"{dump.host}{dump.level}{label}"
            target.mkdir(parents=True)
            amanda.give(place)
            said = amanda.as_user("amrestore", "-r", f"file:{slot}", f"^{dump.host}$", f"^{dump.disk}$", dump.datestamp,
                                  cwd=target)
            assert said.returncode == 0, said.stderr.decode()
            files = sorted(target.iterdir(), key=lambda path: parse(path.read_bytes()[:HEADER_SIZE]).part)
            pieces += b"".join(path.read_bytes()[HEADER_SIZE:] for path in files)
            header = parse(files[0].read_bytes()[:HEADER_SIZE])
        unpack = {"N": "cat", ".gz": "gzip -dc", "cust": "zstd -dc"}[header.comp]
        pieces = subprocess.run(unpack.split(), input=pieces, capture_output=True, check=True).stdout
        listed = subprocess.run(["tar", "-t"], input=pieces, capture_output=True, check=True).stdout.decode().splitlines()
        assert ("./sub/new" if dump.level else "./sub/old") in listed


def test_a_second_export_adds_what_is_new_and_takes_away_what_is_gone(both: tuple[SmallSite, AmandaSite]) -> None:
    ours, theirs = both
    before = {path: path.stat().st_mtime_ns for path in theirs.here.rglob("*") if path.is_file()}
    said = export(ours, theirs)
    assert "written: 0 logs, 0 indexes, 0 curinfo records, 0 lines of the tapelist" in said.out, said.out
    after = {path: path.stat().st_mtime_ns for path in theirs.here.rglob("*") if path.is_file()}
    changed = {path.name for path in after if before.get(path) != after[path]}
    assert changed <= {"taperoom-export.json"}
    assert {owner(path) for path in after} == {owner(theirs.conf)}, "nothing is root's, which Amanda could not change"
    assert all(line.endswith("#written by Taperoom") and " no-reuse " in line for line in theirs.tapelist)


def amrecover(theirs: AmandaSite, host: str, out: Path, *words: str) -> str:
    """What amrecover says to these words; files come to ``out``."""
    out.mkdir()
    done = subprocess.run(
        ["amrecover", "-C", theirs.name, "-s", "localhost", "-t", "localhost", "-h", host, "-o", "auth=local"], cwd=out,
        input="\n".join([*words, "quit", ""]), capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr


def dated(stamp: str) -> str:
    """A datestamp as amrecover writes it."""
    return "-".join((stamp[:4], *(stamp[at:at + 2] for at in range(4, 14, 2))))


@pytest.mark.slow
@pytest.mark.parametrize("title", ["alpha:/home", "beta:/etc", "gamma:/srv", "epsilon:/opt"])
def test_amrecover_walks_through_our_index(both: tuple[SmallSite, AmandaSite], tmp_path: Path, title: str) -> None:
    """Its amindexd reads what we exported: both nights, every name; its amidxtaped brings the files back from our volumes."""
    ours, theirs = both
    host, top = title.partition(":")[0], ours.data(title)
    first, last = sorted((dump for dump in good(ours.site) if dump.host == host), key=lambda dump: dump.level)
    begin = (f"sethost {host}", f"setdisk {top}")
    said = amrecover(theirs, host, tmp_path / "look", *begin, "history", "ls", "cd sub", "ls")
    for dump in (first, last):
        parts = {label: [str(part.fileno) for part in dump.copies[0].parts if part.label == label] for label in dump.labels}
        volumes = ";".join(f"{theirs.name}:{label}:{','.join(numbers)}" for label, numbers in parts.items())
        assert f"201- {dated(dump.datestamp)} {dump.level} {volumes}\n" in said, said
    names = {path.name for path in top.rglob("*")}
    assert all(re.search(rf'^\S+ "?{re.escape(name)}/?"?$', said, re.M) for name in names), said
    said = amrecover(theirs, host, tmp_path / "now", *begin, "add *", "extract", "y", "y", "y", "y")
    for path in top.rglob("*"):
        if path.is_file():
            back = tmp_path / "now" / path.relative_to(top)
            assert back.is_file() and back.read_bytes() == path.read_bytes(), said
    said = amrecover(theirs, host, tmp_path / "then", *begin, f"setdate {dated(first.datestamp)}", "cd sub", "add old",
                     "extract", "y", "y", "y")
    assert (tmp_path / "then/sub/old").read_bytes() == b"old\n", said


@pytest.mark.slow
def test_going_back(tmp_path: Path) -> None:
    """A full by us with a stock client, handed over; Amanda plans a level 1 on top of it and restores the two together."""
    amanda.need("a real Amanda that takes over from us")
    command = ["runuser", "-u", amanda.USER, "--", str(amanda.AMANDAD), "-auth=local"]
    with amanda.open_place() as place:
        ours = SmallSite(place / "ours", {"localhost:/home": TREES["beta:/etc"]}, hosts={"localhost": {"amandad": command}})
        top = ours.data("localhost:/home")
        for path in (place / "ours", place / "ours/data", top.parent):
            path.chmod(0o755)
        try:
            ran = ours.amdump()
            assert ran.returncode == 0, ran.stdout + ran.stderr + ours.logs()
            with amanda_site(place / place.name, place / "ours/vtapes", {str(top): (top, "plain")}, label="T",
                             own_snapshots=False) as theirs:
                dry = export(ours, theirs, "--hand-over", "--dry-run")
                assert "would write: 1 log" in dry.out and not list(theirs.here.glob("log/*")) and not theirs.tapelist
                export(ours, theirs, "--hand-over")
                assert [line.split()[1:3] for line in theirs.tapelist] == [["T-001", "reuse"]]
                (top / "sub/old").unlink()
                (top / "new").write_bytes(b"new\n")
                theirs.slots(3)
                log = theirs.amdump()
                assert f"SUCCESS dumper localhost {top} {theirs.stamps()[-1]} 1 " in log, log
                assert "label T-002" in log
                out = tmp_path / "out"
                out.mkdir()
                for stamp in theirs.stamps():
                    fetched = theirs.run("amfetchdump", "-p", theirs.name, "localhost", f"^{top}$", stamp, more="cat")
                    subprocess.run(["tar", "-xpGf", "-", "-C", str(out)], input=fetched.stdout, check=True)
                assert same(top, out)
                # What Amanda wrote since is Amanda's; our next run writes on a volume of its own, or on none.
                there = slot_bytes(theirs.vtapes / "slot2")
                assert ours.amdump().returncode == 0, ours.logs()
                assert slot_bytes(theirs.vtapes / "slot2") == there
        finally:
            for path in snapshots_of(top):
                path.unlink()
