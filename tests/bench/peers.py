"""Rows about one dump with a real Amanda 3.5.1 at the other end, skipped loudly where it is not installed, and about the
transport tls.

The stock server's time is what its own log says of the dump, from the order to its dumper to the end; ours is from the order to
DONE.  Neither has a taper at work.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from clientd.tls.identity import install
from core.client.enrol import enrol
from core.config.load import load_site
from tests.bench.dumps import dump
from tests.bench.measure import Broken, Work, in_turn
from tests.bench.opponent import USER, configured, empty, missing
from tests.bench.setting import Setting
from tests.bench.site import ROOT, BenchSite, make_site
from tests.bench.table import Line, cpu, speed
from tests.support import amanda
from tests.support.inetd import Inetd
from tests.support.stock_server import ours
from tests.support.tls import Ends, listening

DUMPTYPES = """
reserve 0
define dumptype stock {{
  bench
  auth "bsdtcp"
  client-port "{stock}"
}}
define dumptype ours {{
  bench
  auth "bsdtcp"
  client-port "{ours}"
}}
"""
LEAST = 0.9
LEAST_TLS = 0.35
_TOOK = re.compile(r"^SUCCESS dumper localhost \S+ \d+ 0 (?:\S+ )*\[sec ([0-9.]+) ", re.MULTILINE)


def peers(setting: Setting) -> Iterator[Line]:
    """A stock client by bsdtcp under our server and under its own; our client under the stock server and the stock one."""
    if fault := missing():
        print(f"*** NOT COMPARED WITH THE REAL AMANDA: {fault} ***", flush=True)
        return
    tree, top = setting.data.big(), setting.work / "amanda"
    place = setting.work / "own-client"
    place.mkdir()
    try:
        command = ours(place / "amandad", place)
    except pytest.skip.Exception as fault_:
        print(f"*** NOT COMPARED WITH THE REAL AMANDA: {fault_} ***", flush=True)
        return
    for path in (place, _hosts(place)):
        shutil.chown(path, USER, USER)
    with ExitStack() as stack:
        become = ("runuser", "-u", USER, "--")
        stock = stack.enter_context(Inetd(*become, amanda.AMANDAD, "-auth=bsdtcp", amanda.SERVICES))
        own = stack.enter_context(Inetd(*become, command, "-auth=bsdtcp", amanda.SERVICES))
        name = stack.enter_context(configured(
            top, (), DUMPTYPES.format(stock=stock.port, ours=own.port),
            "".join(f'localhost {kind} "{tree}" {kind}\n' for kind in ("stock", "ours"))))
        site = make_site(setting.work / "site", [tree], {"auth": "bsdtcp", "index": True},
                         host={"address": "127.0.0.1", "port": stock.port, "user": USER})

        def fresh() -> None:
            empty(top, name)
            setting.settle(tree)

        for durable in (False, True):
            title = "fsync" if durable else "no fsync"
            theirs = _night(top, name, "stock", durable=durable)
            a, b = in_turn([dump(site, tree, durable=durable), theirs], setting.times, fresh)
            yield speed(f"stock client, our server, {title}", a, b, LEAST)
            a, b = in_turn([_night(top, name, "ours", durable=durable), theirs], setting.times, fresh)
            yield speed(f"stock server, our client, {title}", a, b, LEAST)
        site.remove()


def _hosts(place: Path) -> Path:
    hosts = place / "amandahosts"
    hosts.write_text(f"localhost {USER} amdump\n")
    hosts.chmod(0o600)
    return hosts


def _night(top: Path, name: str, disk: str, *, durable: bool) -> Work:
    """A run of the stock server with that disk alone, to its holding disk; ``durable``: with a sync of what it wrote."""
    def work() -> dict[str, float]:
        done = subprocess.run(["runuser", "-u", USER, "--", "amdump", name, "--no-taper", "localhost", f"^{disk}$"], cwd="/",
                              capture_output=True, text=True, check=False)
        log = "".join(path.read_text(errors="replace") for path in (top / "log").glob("log.*"))
        found = _TOOK.search(log)
        if found is None:
            raise Broken(f"Amanda: exit code {done.returncode}: {done.stderr[-200:]} {log[-800:]}")
        began = time.monotonic()
        if durable:
            subprocess.run(["sync", *(str(path) for path in (top / "holding").glob("*/*"))], check=True)
        return {"wall": float(found[1]) + time.monotonic() - began}
    return work


def tls(setting: Setting) -> Iterator[Line]:
    """Our client by tls against our client by plain TCP and on pipes."""
    tree, place = setting.data.big(), setting.work / "tls-client"
    place.mkdir()
    _hosts(place)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TAPEROOM_CLIENT_STATE": f"{place}/state",
                   "TAPEROOM_CLIENT_AMANDAHOSTS": f"{place}/amandahosts", "TAPEROOM_CLIENT_ACCESS": f"{place}/access.toml"}
    with ExitStack() as stack:
        reserved = os.geteuid() == 0
        sites: dict[str, BenchSite] = {"pipes": make_site(setting.work / "site-local", [tree])}
        site = sites["tls"] = make_site(setting.work / "site-tls", [tree], {"auth": "tls"},
                                        host={"address": "127.0.0.1", "port": 20085})
        loaded = load_site(site.config)
        ends = Ends(loaded.tls_dir, place / "tls", "localhost")
        install(enrol(loaded, "localhost", renew=False, days=30).text, ends.client)
        listener = stack.enter_context(listening(ends))
        site.config.write_text(site.config.read_text().replace("20085", str(listener.port)))
        if reserved:
            inetd = stack.enter_context(Inetd(sys.executable, "-P", "-m", "clientd.amandad", "-auth=bsdtcp", amanda.SERVICES,
                                              environment=environment))
            sites["TCP"] = make_site(setting.work / "site-tcp", [tree], {"auth": "bsdtcp"},
                                     host={"address": "127.0.0.1", "port": inetd.port, "user": USER})
        else:
            print("*** tls NOT COMPARED WITH PLAIN TCP: only root has ports below 1024 ***", flush=True)
        fresh = _fresh(setting, tree, list(sites.values()))
        for other in [name for name in ("TCP", "pipes") if name in sites]:
            a, b = in_turn([dump(sites[name], tree, durable=False) for name in ("tls", other)], setting.times, fresh)
            yield speed(f"tls against {other}", a, b, LEAST_TLS)
            # A client by TCP is started by whoever listens, so its seconds are not in this tree.
            yield cpu(f"tls against {other}, the server's end", a, b, None)
        for made in sites.values():
            made.remove()


def _fresh(setting: Setting, tree: Path, sites: list[BenchSite]) -> Callable[[], None]:
    def fresh() -> None:
        for site in sites:
            shutil.rmtree(site.top / "hold", ignore_errors=True)
            (site.top / "hold").mkdir()
        setting.settle(tree)
    return fresh
