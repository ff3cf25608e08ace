"""Whole runs of our server with the client of a real Amanda 3.5.1: estimate, level 0, level 1, to holding disk and volume."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from core.events.view import DiskState
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
