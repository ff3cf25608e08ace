"""A real Amanda 3.5.1 server drives our client: check, a full run, an incremental run, and its own tool restores."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import amanda
from tests.support.amanda_conf import block
from tests.support.stock_server import StockServer, ours, stock_server

pytestmark = pytest.mark.interop


@pytest.fixture
def server() -> Iterator[StockServer]:
    """A server whose client is ours, with two disks that are the same directory."""
    with stock_server() as made:
        here = made.here
        (here / "data/sub").mkdir(parents=True)
        (here / "data/sub/ümlaut and blank").write_text("hello")
        (here / "data/text").write_bytes(b"text " * 50_000)
        (here / "data/no.tmp").write_text("not this")
        amanda.give(here / "data")
        client = {"auth": '"local"', "amandad-path": f'"{ours(here / "amandad", here)}"'}
        made.write(block("dumptype", "ours", client, "plain")
                   + block("dumptype", "squeezed", {"compress": "client fast", "exclude": '"./*.tmp"'}, "ours"),
                   [f'localhost "{here}/data" ours', f'localhost squeezed "{here}/data" squeezed'])
        yield made


def said(command: str) -> str:
    """What a shell's command says."""
    return subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout


def archive(part: Path) -> str:
    """A shell's command for the data in a part on a volume."""
    return f"dd if='{part}' bs=32k skip=1 2>/dev/null"


def test_a_real_server_drives_our_client(server: StockServer) -> None:
    here = server.here
    checked = server.run("amcheck", "-c")
    assert "0 problems found" in checked.stdout, checked.stdout

    ran = server.run("amdump")
    assert ran.returncode == 0, server.said()
    assert "STRANGE" not in server.log()
    assert f"SUCCESS dumper localhost {here}/data" in server.log()
    whole = next(here.glob("vtapes/slot1/*data.0"))
    header = whole.read_bytes()[:32768].rstrip(b"\0").decode()
    assert header.startswith("AMANDA: SPLIT_FILE")
    assert "program /bin/tar" in header.splitlines()[0]
    assert "/bin/tar -xpGf - ..." in header
    listed = said(f"{archive(whole)} | tar -t")
    assert "./sub/\\303\\274mlaut and blank" in listed or "./sub/ümlaut and blank" in listed
    squeezed = next(here.glob("vtapes/slot1/*squeezed.0"))
    assert "comp .gz" in squeezed.read_bytes()[:200].decode()
    listed = said(f"{archive(squeezed)} | gzip -dc | tar -t")
    assert "./text" in listed and "no.tmp" not in listed
    assert "/sub/\\303\\274mlaut and blank\n" in said(f"zcat {here}/index/localhost/squeezed/*_0*.gz")

    (here / "data/sub/new").write_text("new")
    (here / "data/text").unlink()
    server.run("amadmin", "force-level-1", "localhost")
    assert server.run("amdump").returncode == 0, server.said()
    one = next(here.glob("vtapes/slot2/*data.1"))
    out = here / "out"
    out.mkdir()
    for part in (whole, one):
        said(f"{archive(part)} | tar -xpGf - -C {out}")
    subprocess.run(["diff", "-r", here / "data", out], check=True)
    fetched = server.raw("sh", "-c", f"yes '' | amfetchdump -p {server.name} localhost '^squeezed$' | tar -t")
    assert "./text" in fetched.stdout, fetched.stderr
    assert not (here / "client.log").exists() or not (here / "client.log").read_text()
