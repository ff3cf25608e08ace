"""Amanda's Application API both ways: our client runs a stock Amanda's applications, and a stock client runs ours."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.test_stock_server_ways import fetched, tree, unpacked
from tests.support import amanda
from tests.support.dumps import manifest
from tests.support.stock_client import APPLICATIONS, need_private
from tests.support.stock_server import StockServer, ours, stock_server

pytestmark = [pytest.mark.interop, pytest.mark.slow]

DUMPTYPE = """
define application app {{
  plugin "{plugin}"
  {properties}
}}
define dumptype applied {{
  plain
  program "APPLICATION"
  application "app"
  auth "local"
  amandad-path "{amandad}"
  exclude "./*.tmp"
}}
define dumptype squeezed {{
  applied
  compress client fast
}}
"""


@pytest.fixture
def server() -> Iterator[StockServer]:
    with stock_server() as made:
        yield made


def two_nights(server: StockServer, top: Path, tmp_path: Path, gone: bool = True) -> None:
    """Check, level 0, level 1, and everything back by amfetchdump and tar.  ``gone``: an incremental tells of removed files."""
    checked = server.run("amcheck", "-c")
    assert "0 problems found" in checked.stdout, checked.stdout + checked.stderr
    assert server.run("amdump").returncode == 0, server.said()
    full = manifest(top)
    if gone:
        (top / "text").unlink()
    (top / "sub dir/new").write_bytes(b"new\n")
    server.run("amadmin", "force-level-1", "localhost")
    assert server.run("amdump").returncode == 0, server.said()
    assert "STRANGE" not in server.log()
    for number, disk in enumerate((str(top), "squeezed")):
        archives = fetched(server, disk)
        assert len(archives) == 2
        first, both = unpacked(archives[:1], tmp_path / f"full{number}"), unpacked(archives, tmp_path / f"both{number}")
        if gone:
            assert manifest(first) == full and manifest(both) == manifest(top)
        else:  # nor of the times of directories, once tar has put something into them
            assert contents(first) == {name: data for name, data in contents(top).items() if name != "sub dir/new"}
            assert contents(both) == contents(top)


def contents(top: Path) -> dict[str, bytes]:
    return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


@pytest.mark.parametrize("plugin", ["amgtar", "ambsdtar", "amstar"])
def test_our_client_runs_theirs(server: StockServer, tmp_path: Path, plugin: str) -> None:
    if shutil.which({"ambsdtar": "bsdtar", "amstar": "star"}.get(plugin, "tar")) is None:
        pytest.skip(f"NOT TESTED: {plugin}: the program that it runs is not installed")
    top = tree(server)
    if plugin == "ambsdtar":  # Amanda runs it in the locale C, where it gives up on other names
        top = top.rename(server.here / "data and so")
        (top / "sub dir/ümlaut and blank").rename(top / "sub dir/name and blank")
    (server.here / "access.toml").write_text(f'applications = ["{plugin}"]\n')
    properties = f'property "{"GNUTAR-LISTDIR" if plugin == "amgtar" else "STATE-DIR"}" "{server.here}/state"'
    server.write(DUMPTYPE.format(plugin=plugin, amandad=ours(server.here / "amandad", server.here), properties=properties),
                 [f'localhost "{top}" applied', f'localhost squeezed "{top}" squeezed'])
    two_nights(server, top, tmp_path, gone=plugin == "amgtar")
    header = next(server.here.glob("vtapes/slot1/*squeezed.0")).read_bytes()[:32768].rstrip(b"\0").decode()
    assert f"APPLICATION={plugin}" in header and f"{APPLICATIONS}/{plugin} restore" in header
    index = subprocess.run(f"zcat {server.here}/index/localhost/squeezed/*_0*.gz", shell=True, capture_output=True, text=True,
                           check=True).stdout
    assert ("/sub dir/name and blank\n" if plugin == "ambsdtar" else "/sub dir/\\303\\274mlaut and blank\n") in index


def test_a_stock_client_runs_ours(server: StockServer, tmp_path: Path) -> None:
    need_private("our application under a stock client")
    top = tree(server)
    (top / "no.tmp").write_bytes(b"not this")
    applications = server.here / "applications"
    applications.mkdir()
    ours(applications / "amtaperoom", server.here, "clientd.application")
    server.private = {applications: APPLICATIONS}
    server.write(DUMPTYPE.format(plugin="amtaperoom", amandad=amanda.AMANDAD, properties=""),
                 [f'localhost "{top}" applied', f'localhost squeezed "{top}" squeezed'])
    (top / "no.tmp").unlink()
    two_nights(server, top, tmp_path)
    out = tmp_path / "restored"
    out.mkdir()
    subprocess.run([applications / "amtaperoom", "restore", "./sub dir/ümlaut and blank"], cwd=out,
                   input=fetched(server, str(top))[0], check=True)
    assert [path.name for path in out.rglob("*") if path.is_file()] == ["ümlaut and blank"]
