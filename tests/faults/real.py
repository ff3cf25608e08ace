"""A small real night, with real programs and at most one fault between or in them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crc32c import crc32c

from core.client.follow import Journal
from core.client.runs import live_run
from core.events import event as e
from core.events.view import RunView
from core.holding.file import HoldingReader
from core.holding.header import HEADER_SIZE
from core.holding.scan import survey
from core.model.dump import Crc
from tests.support.cli import PROGRAM
from tests.support.small_site import SmallSite

ROOT = Path(__file__).resolve().parents[2]
TREES: Mapping[str, Mapping[str, bytes]] = {
    "alpha:/big": {"noise": bytes(range(256)) * 12_000, "deep/letter": b"dear reader\n"},
    "beta:/small": {"file": b"few\n" * 50}}
BOUND = 240.0
"""Seconds after which a night hangs."""


def site_at(path: Path, **more: Any) -> SmallSite:
    """A site with short patience."""
    run = {"retry_delay": "0.1 s", "child_timeout": "20 s", "request_deadline": "1 s", **more.pop("run", {})}
    dumptype = {"retry": 4, **more.pop("dumptype", {})}
    hosts = {name: {"connect_timeout": "20 s", "data_timeout": "20 s", "estimate_timeout": "5 s", "maxdumps": 1}
             for name in ("alpha", "beta")}
    return SmallSite(path, TREES, run=run, dumptype=dumptype, hosts=hosts, **more)


def night(site: SmallSite, fault: dict[str, Any] | None) -> int:
    """One run of amdump with that fault; its exit code.  Fails when it does not end."""
    shim = site.root / "python"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m tests.faults.shim "$@"\n')
    shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    env = {**site.env, "PYTHONPATH": str(ROOT), "TAPEROOM_SHIM": str(shim), "TAPEROOM_FAULT": json.dumps(fault),
           "TAPEROOM_FAULT_DONE": str(site.root / "fault-done")}
    done = subprocess.run([str(shim), "-P", "-m", "core.amdump", str(site.config)], env=env, capture_output=True, text=True,
                          timeout=BOUND, check=False)
    site.root.joinpath("amdump.out").write_text(done.stdout + done.stderr)
    deadline = time.monotonic() + 120
    while live_run(site.root / "state") is not None:  # a killed amdump's driver may live a little longer
        assert time.monotonic() < deadline, "the driver does not end\n" + site.logs()
        time.sleep(0.05)
    return done.returncode


def happened(site: SmallSite) -> bool:
    """Whether the fault did happen."""
    return (site.root / "fault-done").exists()


def said(site: SmallSite) -> str:
    """What the run said to an operator: its report and what amdump wrote."""
    return site.root.joinpath("amdump.out").read_text()


def check_night(site: SmallSite) -> RunView:
    """No disk ended twice, no dump is on a volume twice without a reason; nothing half is taken for whole."""
    facts = [record.event for record in Journal(site.run()).read()]
    ends = [(f.host, f.disk) for f in facts if isinstance(f, e.DiskEnded)]
    assert len(ends) == len(set(ends)), site.logs()
    done = [(f.host, f.disk, f.datestamp) for f in facts if isinstance(f, e.WriteEnded) and f.outcome == "done"]
    assert len(done) == len(set(done)), site.logs()
    for dump in survey(site.site.holding).dumps:
        if dump.complete:
            _is_whole(dump.path, dump.header.server)
    for fact in facts:
        if isinstance(fact, e.PartWritten):
            [label] = site.root.glob(f"vtapes/slot*/00000.{fact.label}")
            [part] = label.parent.glob(f"{fact.fileno:05d}.*")
            assert -(-(part.stat().st_size - HEADER_SIZE) // 1024) == fact.size, f"{part} is not what the journal says"
    assert "Traceback" not in site.logs() + said(site), site.logs()
    return site.view()


def _is_whole(path: Path, crc: Crc) -> None:
    """A holding file that is whole by its name has every byte that its header speaks of."""
    reader = HoldingReader(path)
    data, at = bytearray(reader.size), 0
    while at < len(data):
        at += reader.readinto(memoryview(data)[at:])
    reader.close()
    assert crc == Crc(crc32c(data), len(data)), f"{path} is called whole and is not"


def next_night(site: SmallSite) -> None:
    """The next run puts everything right, and everything can be restored byte for byte."""
    code = night(site, None)
    assert code == 0, said(site) + site.logs()
    assert not [p for p in site.root.joinpath("hold").rglob("*") if p.is_file()], site.logs()
    restore(site)


def restore(site: SmallSite) -> None:
    """Get every disk back and compare."""
    for title in TREES:
        host, data = title.partition(":")[0], site.data(title)
        out = site.root / f"out-{host}-{os.urandom(3).hex()}"
        done = subprocess.run(
            [*PROGRAM, "--config", str(site.config), "restore", f"{host}:{data}", "--to", str(out)], env=site.env,
            capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, done.stdout + done.stderr + site.logs()
        same = subprocess.run(["diff", "-r", str(data), str(out)], capture_output=True, text=True, check=False)
        assert same.returncode == 0, same.stdout
