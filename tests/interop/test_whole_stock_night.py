"""Two nights of twenty disks of stock Amanda 3.5.1 clients, reached by every way at once; all come back byte for byte."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.events.view import DiskState
from core.prove.verify import Wish, choose, verify
from core.restore.recover import restore
from tests.support import amanda
from tests.support.dumps import manifest
from tests.support.small_site import SmallSite
from tests.support.stock_client import Client, stock_client

pytestmark = [pytest.mark.interop, pytest.mark.slow]

HOSTS = {"alpha": "local", "beta": "bsdtcp", "gamma": "ssh", "delta": "bsdtcp"}
KINDS: tuple[dict[str, object], ...] = (
    {"program": "gnutar", "compress": "none"},
    {"program": "gnutar", "compress": "client fast", "exclude": ["./*.tmp"], "priority": "high"},
    {"program": "amgtar", "compress": "client best"},
    {"program": "amgtar", "compress": "server fast", "properties": {"CHECK-DEVICE": False}},
    {"program": "gnutar", "compress": "client custom", "estimate": ["calcsize", "server"]},
)
NAMES = ("home", "plain dir", "ünder/dög", "srv/data", "var's \"odd\" ☃")


def files(number: int) -> dict[str, bytes]:
    return {"letter.txt": b"dear reader\n" * (500 + number), "deep/er/random": os.urandom(300_000 + number),
            "with blank and ü": b"x" * number, "gone tomorrow": b"g", "many/one": b"1", "many/two": b"2"}


def change(tree: Path) -> None:
    (tree / "letter.txt").write_bytes(b"changed\n")
    (tree / "gone tomorrow").unlink()
    (tree / "many").rename(tree / "moved")
    (tree / "new ☃").write_bytes(os.urandom(2000))


def test_twenty_disks_level_0_then_1(tmp_path: Path) -> None:
    amanda.need("a night of stock clients")
    with amanda.open_place() as place, ExitStack() as stack:
        clients: dict[str, Client] = {
            name: stack.enter_context(stock_client(auth, place, name)) for name, auth in HOSTS.items()}
        custom = place / "custom"
        shutil.copy("/bin/gzip", custom)
        trees, disks = {}, {}
        for host, client in clients.items():
            for number, (name, kind) in enumerate(zip(NAMES, KINDS, strict=True)):
                title = f"{host}:/{name}"
                trees[title] = files(number)
                extra = {"compress_program": str(custom)} if kind["compress"] == "client custom" else {}
                disks[title] = {"auth": client.auth, **kind, **extra}
        site = SmallSite(place / "site", trees, disks=disks, hosts={name: made.table for name, made in clients.items()},
                         run={"inparallel": 4}, storage={"slots": 8})
        for path in (place / "site", place / "site/data"):
            path.chmod(0o755)
        states = []
        for night, level in enumerate((0, 1)):
            if night:
                for title in trees:
                    change(site.data(title))
            states.append({title: manifest(site.data(title)) for title in trees})
            ran = site.amdump()
            assert ran.returncode == 0, ran.stdout + ran.stderr + site.logs()
            shown = site.view().disks
            assert len(shown) == 20
            assert {(disk.level, disk.state) for disk in shown.values()} == {(level, DiskState.DONE)}, site.logs()
            stamp = site.run().datestamp
            for number, title in enumerate(trees):
                to = tmp_path / f"{night}-{number}"
                back = restore(site.site, [f"{title.partition(':')[0]}:{site.data(title)}"], stamp, to)
                assert back.good and manifest(to) == states[night][title], title
        checked = verify(site.site, choose(site.site, Wish(), 2e9), "ana", lambda at: None, lambda result: None)
        assert checked.good and len(checked.results) == 40
        assert all({"stored", "archive", "names"} <= set(result.finding.compared) for result in checked.results)
        for made in clients.values():
            assert made.inetd is None or (made.inetd.peers and all(port < 1024 for _, port in made.inetd.peers))
