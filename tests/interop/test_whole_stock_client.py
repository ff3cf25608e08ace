"""Whole runs of our server with the client of a real Amanda 3.5.1: estimate, level 0, level 1, to holding disk and volume."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from core.events.view import DiskState
from core.prove import drill
from core.prove.verify import Wish, choose, verify
from tests.support import amanda
from tests.support.small_site import SmallSite

pytestmark = pytest.mark.interop

TREE = {"letter.txt": b"dear reader\n" * 100, "sub/two words": b"two", "sub/old": b"o" * 300_000}


def names_in(part: Path, *, packed: bool) -> set[str]:
    data = part.read_bytes()[32768:]
    if packed:
        data = subprocess.run(["gzip", "-dc"], input=data, capture_output=True, check=True).stdout
    listed = subprocess.run(["tar", "-t"], input=data, capture_output=True, check=True).stdout.decode()
    return {name for name in listed.splitlines() if not name.endswith("/")}


@pytest.mark.parametrize("compress", ["none", "client fast"])
def test_two_nights(compress: str) -> None:
    amanda.need("our server with a real amandad")
    command = ["runuser", "-u", amanda.USER, "--", str(amanda.AMANDAD), "-auth=local"]
    with amanda.open_place() as place:
        site = SmallSite(place, {"localhost:/home": TREE}, hosts={"localhost": {"amandad": command}},
                         dumptype={"compress": compress})
        (place / "data").chmod(0o755)
        first = site.amdump()
        assert first.returncode == 0, first.stdout + first.stderr + site.logs()
        disk = site.view().disks["localhost", str(site.data("localhost:/home"))]
        assert (disk.level, disk.state) == (0, DiskState.DONE)
        assert disk.estimate, "its client was asked"
        assert not list((place / "hold").iterdir())

        (site.data("localhost:/home") / "new").write_bytes(b"new\n")
        second = site.amdump()
        assert second.returncode == 0, second.stdout + second.stderr + site.logs()
        disk = site.view().disks["localhost", str(site.data("localhost:/home"))]
        assert (disk.level, disk.state) == (1, DiskState.DONE)

        packed = compress != "none"
        [full] = (place / "vtapes").glob("slot*/0*localhost*.0")
        [incremental] = (place / "vtapes").glob("slot*/0*localhost*.1")
        assert names_in(full, packed=packed) == {"./letter.txt", "./sub/two words", "./sub/old"}
        assert names_in(incremental, packed=packed) == {"./new"}

        # A stock client that compresses takes no checksums of its archive; what is missing is told, and the rest compared.
        kept = sorted((place / "state/index/localhost").rglob("*.crcs"))
        assert len(kept) == (0 if packed else 2)
        checked = verify(site.site, choose(site.site, Wish(), 2e9), "ana", lambda at: None, lambda result: None)
        assert checked.good and len(checked.results) == 2
        assert all(result.finding.compared == ["stored", "archive", "names"] for result in checked.results)
        drilled = drill.drill(site.site, drill.Wish((), 10, 1, str(place / "scratch"), 1 << 26), "ana", lambda at: None,
                              lambda disk: None)
        assert drilled.good and [disk.against for disk in drilled.disks] == ["native" if packed else "frames"]
        assert any(warning.startswith("VFY005") for warning in drilled.disks[0].warnings) == packed
