"""What a whole run of ours leaves on volumes and holding disk, read by the real amrestore, by dd and by tar."""

from __future__ import annotations

import filecmp
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.events.view import DiskState
from core.holding.header import HEADER_SIZE, Kind, parse
from tests.support import amanda
from tests.support.small_site import SmallSite

pytestmark = pytest.mark.interop

TREES = {
    "alpha:/home": {"letter.txt": b"dear reader\n" * 100, "deep/er/noise": os.urandom(3_000_000), "blank and ü": b"x"},
    "beta:/etc": {"passwd": b"root:x:0:0\n" * 9000},
}
DISKS = {"beta:/etc": {"compress": "client fast"}}


@pytest.fixture
def place() -> Iterator[Path]:
    amanda.need("volumes and holding files of a run, with a real amrestore")
    with amanda.open_place() as path:
        yield path


def unpacked(archive: bytes, target: Path) -> Path:
    target.mkdir()
    subprocess.run(["tar", "-xpGf", "-", "-C", str(target)], input=archive, check=True)
    return target


def same(one: Path, other: Path) -> bool:
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*"))
    assert names == sorted(str(path.relative_to(other)) for path in other.rglob("*"))
    files = [name for name in names if (one / name).is_file()]
    return filecmp.cmpfiles(one, other, files, shallow=False)[0] == files


def restored(source: Path | str, host: str, target: Path) -> tuple[bytes, str]:
    """What amrestore makes of it: a file for each part, joined in their order; and what it says."""
    target.mkdir()
    amanda.give(target)
    done = amanda.as_user("amrestore", source, *([host] if host else []), cwd=target)
    return b"".join(path.read_bytes() for path in sorted(target.iterdir())), done.stderr.decode()


def test_a_volume_of_a_run(place: Path) -> None:
    site = SmallSite(place, TREES, disks=DISKS)
    ran = site.amdump()
    assert ran.returncode == 0, ran.stdout + ran.stderr + site.logs()
    amanda.give(place / "vtapes")
    parts = sorted((place / "vtapes" / "slot1").glob("0*"))
    assert sum("alpha" in part.name for part in parts) >= 3, "the dump is long enough to be cut"

    device = f"file:{place / 'vtapes'}"
    _, listed = restored(device, "no-such-host", place / "none")
    assert "T-001" in listed
    for title in TREES:
        assert f"host {title.partition(':')[0]} disk {site.data(title)}" in listed, listed
    for number, (title, host) in enumerate((title, title.partition(":")[0]) for title in TREES):
        data, said = restored(device, host, place / f"parts{number}")
        assert data, said
        assert same(unpacked(data, place / f"amrestore{number}"), site.data(title))
        # And the same with what every machine has.
        pieces = b"".join(
            subprocess.run(["dd", f"if={part}", "bs=32k", "skip=1"], capture_output=True, check=True).stdout
            for part in parts if f".{host}." in part.name)
        if title in DISKS:
            pieces = subprocess.run(["gzip", "-dc"], input=pieces, capture_output=True, check=True).stdout
        assert same(unpacked(pieces, place / f"dd{number}"), site.data(title))


@pytest.mark.parametrize("chunksize", ["1 GiB", "1 MiB"])
def test_a_holding_file_of_a_run(place: Path, chunksize: str) -> None:
    holding = [{"path": str(place / "hold"), "use": "256 MiB", "chunksize": chunksize, "reserve": 0}]
    site = SmallSite(place, TREES, disks=DISKS, storage={"changer": ""}, holding=holding)
    site.amdump()
    assert {disk.state for disk in site.view().disks.values()} <= {DiskState.DONE, DiskState.DUMPED}, site.logs()
    amanda.give(place / "hold")
    for number, (title, host) in enumerate((title, title.partition(":")[0]) for title in TREES):
        [first] = (place / "hold").rglob(f"{host}.*.0")
        data, said = restored(first, "", place / f"parts{number}")
        assert f"host {host}" in said
        assert same(unpacked(data, place / f"out{number}"), site.data(title)), said


CONF = """
org "test"
dumpuser "backup"
infofile "{here}/curinfo"
logdir "{here}/log"
indexdir "{here}/index"
tapelist "{here}/conf/tapelist"
diskfile "{here}/conf/disklist"
tpchanger "chg-disk:{vtapes}"
labelstr "^T-[0-9]+"
tapetype V
define tapetype V {{
  length 64 mbytes
}}
"""


def an_amanda_for(site: SmallSite, here: Path) -> Path:
    """A configuration of a real Amanda whose log tells of our last run, so that amfetchdump finds its dumps."""
    name = here.parent.name  # what Amanda calls the storage of a configuration with a tpchanger
    for folder in ("conf", "log", "index", "curinfo"):
        (here / folder).mkdir(parents=True)
    (here / "conf/amanda.conf").write_text(CONF.format(here=here, vtapes=site.root / "vtapes"))
    (here / "conf/disklist").touch()
    stamp = site.run().datestamp
    (here / "conf/tapelist").write_text(f"{stamp} T-001 reuse BLOCKSIZE:32 POOL:{name} STORAGE:{name} CONFIG:{name}\n")
    lines = [f"START driver date {stamp}", f'START taper datestamp {stamp} "ST:{name}" "POOL:{name}" label T-001 tape 1']
    parts: dict[str, int] = {}
    for path in sorted((site.root / "vtapes/slot1").glob("0*"))[1:]:
        header = parse(path.read_bytes()[:HEADER_SIZE])
        size = (path.stat().st_size - HEADER_SIZE) // 1024
        stats = f"[sec 1 kb {size} kps {size} orig-kb {size}]"
        part = f"{header.part}/-1" if header.kind is Kind.SPLIT_FILE else "1/1"
        dump = f"{header.host} {header.disk} {stamp}"
        lines.append(f'PART taper "ST:{name}" "POOL:{name}" T-001 {int(path.name[:5])} {dump} {part} {header.level} {stats}')
        parts[dump] = parts.get(dump, 0) + 1
        done = f'DONE taper "ST:{name}" "POOL:{name}" {dump} '
        lines = [line for line in lines if not line.startswith(done)]
        lines.append(f"{done}{parts[dump]} {header.level} {header.native} {header.client} {header.server} {stats}")
    (here / f"log/log.{stamp}.0").write_text("\n".join(lines) + "\n")
    return here / "conf"


def test_the_description_is_a_file_that_amanda_reads(place: Path, request: pytest.FixtureRequest) -> None:
    site = SmallSite(place / "site", TREES, disks=DISKS)
    ran = site.amdump()
    assert ran.returncode == 0, ran.stdout + ran.stderr + site.logs()
    conf = an_amanda_for(site, place / "amanda")
    amanda.give(place)
    place.chmod(0o755)
    stamp, last = site.run().datestamp, max((place / "site/vtapes/slot1").glob("0*"))
    names = subprocess.run(f"dd if='{last}' bs=32k skip=1 status=none | tar -tf -", shell=True, capture_output=True,
                           text=True, check=True).stdout.split()
    assert names[:3] == ["README", "about.json", "tapelist"] and f"runs/{stamp}/journal.jsonl.gz" in names
    data, said = restored(f"file:{place / 'site/vtapes'}", "taperoom", place / "description")
    assert f"restoring FILE: date {stamp} host taperoom disk description lev 0" in said, said
    out = unpacked(data, place / "out")
    assert "GETTING IT BACK" in (out / "README").read_text()
    if not Path("/etc/amanda").is_dir():
        pytest.skip("NOT TESTED: amfetchdump: there is no /etc/amanda")
    link = Path("/etc/amanda") / place.name
    link.symlink_to(conf)
    request.addfinalizer(link.unlink)
    for host, wanted in (("taperoom", "README\n"), ("alpha", "./letter.txt\n"), ("beta", "./passwd\n")):
        fetched = amanda.as_user("sh", "-c", f"yes '' | amfetchdump -p {link.name} {host} | tar -tf -", cwd=place)
        assert wanted in fetched.stdout.decode(), fetched.stderr.decode()
