"""A stock Amanda 3.5.1 server with our client by each way that it has: check, two nights, and its own tools restore."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import amanda
from tests.support.dumps import manifest
from tests.support.inetd import Inetd
from tests.support.sshd import MISSING, sshd
from tests.support.stock_client import WAYS, need_private
from tests.support.stock_server import StockServer, ours, stock_server

pytestmark = pytest.mark.interop

DUMPTYPES = """
define dumptype ours {{
  plain
  auth "{auth}"
  {how}
}}
define dumptype squeezed {{
  ours
  compress client best
  exclude "./*.tmp"
}}
define dumptype server-squeezed {{
  ours
  compress server fast
  holdingdisk never
}}
"""


@pytest.fixture
def server() -> Iterator[StockServer]:
    with stock_server() as made:
        yield made


def tree(server: StockServer) -> Path:
    top = server.here / "data ünd so"
    (top / "sub dir").mkdir(parents=True)
    (top / "text").write_bytes(b"text " * 50_000)
    (top / "sub dir/ümlaut and blank").write_bytes(os.urandom(60_000))
    (top / "old").write_bytes(b"old\n")
    amanda.give(top)
    return top


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, server: StockServer) -> Iterator[str]:
    """Our client, reached by the server in that way; its dumptypes' text."""
    auth: str = request.param
    wrapper = ours(server.here / "amandad", server.here)
    match auth:
        case "local":
            yield DUMPTYPES.format(auth=auth, how=f'amandad-path "{wrapper}"')
        case "bsdtcp":
            hosts = server.here / "amandahosts"
            hosts.write_text("localhost backup amdump\n")
            hosts.chmod(0o600)
            amanda.give(hosts)
            with Inetd("runuser", "-u", amanda.USER, "--", wrapper, "-auth=bsdtcp", "amdump") as inetd:
                yield DUMPTYPES.format(auth=auth, how=f'client-port "{inetd.port}"')
                assert inetd.peers and all(port < 1024 for _, port in inetd.peers)
        case _:
            need_private("a stock server that reaches our client by ssh")
            if MISSING:
                pytest.skip("NOT TESTED: a stock server that reaches our client by ssh: there is no sshd")
            home = server.here / "home"
            place = server.here / "sshd"
            for made in (home / ".ssh", place):
                made.mkdir(parents=True)
            with sshd(place, ()) as host:
                (home / ".ssh/known_hosts").write_text(
                    (place / "known_hosts").read_text().replace("[127.0.0.1]", "[localhost]"))
                shutil.copy(host.ssh_key, home / "id")
                amanda.give(home)
                (home / ".ssh").chmod(0o700)
                (home / "id").chmod(0o600)
                server.private = {home: Path("/var/backups")}
                how = f'amandad-path "{wrapper}"\n  client-username "{host.user}"\n  client-port "{host.port}"\n'
                yield DUMPTYPES.format(auth=auth, how=f'{how}  ssh-keys "/var/backups/id"')


def fetched(server: StockServer, disk: str, *dates: str) -> list[bytes]:
    """The archives of a disk as amfetchdump gives them, level by level."""
    out = server.here / "fetched"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    amanda.give(out)
    # An equals sign before a name: that disk, and no pattern.
    done = server.raw("sh", "-c", "yes '' | amfetchdump \"$@\"", "sh", server.name, "localhost", f"={disk}", *dates, cwd=out)
    assert done.returncode == 0, done.stderr + done.stdout
    return [path.read_bytes() for path in sorted(out.iterdir(), key=lambda path: path.name.partition(".2")[2])]


def unpacked(archives: list[bytes], to: Path) -> Path:
    to.mkdir()
    for data in archives:
        subprocess.run(["tar", "-xpGf", "-"], cwd=to, input=data, check=True)
    return to


def test_check_two_nights_and_restore(server: StockServer, way: str, tmp_path: Path) -> None:
    top = tree(server)
    server.write(way, [f'localhost "{top}" ours', f'localhost "squeezed ünd" "{top}" squeezed',
                       f'localhost served "{top}" server-squeezed'])
    checked = server.run("amcheck", "-c")
    assert checked.returncode == 0 and "0 problems found" in checked.stdout, checked.stdout + checked.stderr

    ran = server.run("amdump")
    assert ran.returncode == 0, ran.stdout + ran.stderr + server.said()
    assert "STRANGE" not in server.log() and server.log().count("SUCCESS dumper localhost") == 3, server.said()
    full = manifest(top)
    (top / "text").unlink()
    (top / "sub dir/new").write_bytes(b"new\n")
    assert server.run("amadmin", "force-level-1", "localhost").returncode == 0
    assert server.run("amdump").returncode == 0, server.said()
    assert server.log().count(" 1 [sec") >= 3, server.log()

    for number, disk in enumerate((str(top), "squeezed ünd", "served")):
        archives = fetched(server, disk)
        assert len(archives) == 2, disk
        assert manifest(unpacked(archives[:1], tmp_path / f"full{number}")) == full, disk
        assert manifest(unpacked(archives, tmp_path / f"both{number}")) == manifest(top), disk
    one = subprocess.run(["tar", "-xOf", "-", "./sub dir/ümlaut and blank"], input=fetched(server, "squeezed ünd")[0],
                         capture_output=True, check=True)
    assert one.stdout == (top / "sub dir/ümlaut and blank").read_bytes()
    assert not (server.here / "client.log").exists() or not (server.here / "client.log").read_text()


def test_what_amcheck_reports(server: StockServer) -> None:
    top = tree(server)
    locked = server.here / "locked"
    locked.mkdir(mode=0o700)
    wrapper, bare = ours(server.here / "amandad", server.here), ours(
        server.here / "without-tar", server.here, TAPEROOM_CLIENT_TAR="/nonexistent/tar")
    (server.here / "a file").write_text("x")
    server.write(
        'define application gt {\n  plugin "amgtar"\n}\n'
        f'define dumptype ours {{\n  plain\n  auth "local"\n  amandad-path "{wrapper}"\n}}\n'
        f'define dumptype missing-list {{\n  ours\n  exclude list "/nonexistent/list"\n}}\n'
        f'define dumptype app {{\n  ours\n  program "APPLICATION"\n  application "gt"\n}}\n',
        [f'localhost "{server.here}/no such" ours', f'localhost "{locked}" ours', f'localhost "{server.here}/a file" ours',
         f'localhost listed "{top}" missing-list', f'localhost applied "{top}" app'])
    checked = server.run("amcheck", "-c")
    for said in (f"CLT021 {server.here}/no such does not exist", f"CLT022 {locked} cannot be read: Permission denied",
                 f"CLT020 {server.here}/a file is no directory", "CLT028 the exclude list /nonexistent/list does not exist",
                 "CLT026 amgtar: the client's access file does not permit this application"):
        assert f"HOST localhost ERROR: {said}\n" in checked.stdout, checked.stdout
    assert "5 problems found" in checked.stdout, checked.stdout
    server.write(f'define dumptype ours {{\n  plain\n  auth "local"\n  amandad-path "{bare}"\n}}\n',
                 [f'localhost "{top}" ours'])
    checked = server.run("amcheck", "-c")
    assert "CLT023 /nonexistent/tar cannot be run: no such file" in checked.stdout, checked.stdout


@pytest.mark.slow
def test_what_amdump_reports(server: StockServer) -> None:
    top, bare = tree(server), ours(server.here / "without-tar", server.here, TAPEROOM_CLIENT_TAR="/nonexistent/tar")
    server.write(f'define dumptype ours {{\n  plain\n  auth "local"\n  amandad-path "{bare}"\n}}\n',
                 [f'localhost "{top}" ours', f'localhost "{server.here}/no such" ours'])
    assert server.run("amdump").returncode != 0
    assert "CLT023 /nonexistent/tar cannot be run: no such file" in server.log()
    assert f"CLT021 {server.here}/no such does not exist" in server.log()


@pytest.mark.slow
def test_amrecover(server: StockServer, tmp_path: Path) -> None:
    """A stock amrecover browses the index that our client made, and extracts one file, then everything."""
    top = tree(server)
    wrapper = ours(server.here / "amandad", server.here)
    server.write(DUMPTYPES.format(auth="local", how=f'amandad-path "{wrapper}"'), [f'localhost data "{top}" squeezed'])
    assert server.run("amdump").returncode == 0, server.said()
    for number, (words, names) in enumerate((
            ('cd "sub dir"\nadd "ümlaut and blank"', ["sub dir/ümlaut and blank"]),
            ("add .", ["old", "sub dir/ümlaut and blank", "text"]))):
        out = tmp_path / f"out{number}"
        out.mkdir()
        said = server.raw(
            "amrecover", "-C", server.name, "-s", "localhost", "-t", "localhost", "-h", "localhost", "-o", "auth=local",
            user="root", cwd=out, stdin=f"sethost localhost\nsetdisk data\n{words}\nextract\ny\ny\ny\nquit\n")
        found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
        assert found == names, said.stdout + said.stderr
        assert all((out / name).read_bytes() == (top / name).read_bytes() for name in names)
