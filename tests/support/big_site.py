"""Many client names on this machine, each with an amandad of its own: healthy ones, dead ones, ones that die in mid-dump."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.client.runs import view_of
from core.events.view import DiskState
from core.holding.header import HEADER_SIZE, parse
from tests.support.small_site import SmallSite

DIES_AFTER = 150_000
"""Bytes that a client which dies in mid-dump still says; each of its disks is larger than that."""
CUT = f"""
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-P", "-m", "clientd.amandad", "-auth=local"], stdout=subprocess.PIPE,
                         start_new_session=True)
left = {DIES_AFTER}
while left and (data := os.read(child.stdout.fileno(), min(left, 65536))):
    os.write(1, data)
    left -= len(data)
os.killpg(child.pid, 9)
child.wait()
"""
"""The amandad of a host that goes down: it and all that it started are gone after so many bytes."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Host names by what becomes of them."""

    healthy: tuple[str, ...]
    dead: tuple[str, ...] = ()
    dying: tuple[str, ...] = ()

    @property
    def failing(self) -> set[str]:
        """Those whose disks cannot be dumped."""
        return {*self.dead, *self.dying}


def crowd(hosts: int, dead: int = 0, dying: int = 0) -> Crowd:
    """So many clients; the sick ones stand among the others."""
    names = [f"client{number:03d}" for number in range(hosts)]
    picked = random.Random(1993).sample(names, dead + dying)
    sick = set(picked)
    return Crowd(tuple(name for name in names if name not in sick), tuple(picked[:dead]), tuple(picked[dead:]))


def trees(of: Crowd, disks: int) -> dict[str, dict[str, bytes]]:
    """``HOST:DISK`` to its files: sizes as on a site of workstations, most small and a few large, 60 KiB on average."""
    chance = random.Random(336)
    names = [*of.healthy, *of.dead, *of.dying]
    found: dict[str, dict[str, bytes]] = {}
    for number in range(disks):
        host = names[number % len(names)]
        size = min(600_000, int(chance.lognormvariate(10.2, 1.0)))
        if host in of.dying:
            size = 2 * DIES_AFTER + size
        found[f"{host}:/disk{number // len(names)}"] = {
            "file": chance.randbytes(size), "small/letter.txt": f"disk {number} of {host}\n".encode() * 20}
    return found


def amandads(of: Crowd) -> dict[str, dict[str, object]]:
    """The ``[host]`` tables."""
    return {**{name: {"amandad": ["/bin/false"]} for name in of.dead},
            **{name: {"amandad": [sys.executable, "-c", CUT]} for name in of.dying}}


def by_state(site: SmallSite) -> dict[DiskState, set[str]]:
    """``HOST:DISK`` names of the last run by how they ended."""
    found: dict[DiskState, set[str]] = {}
    for (host, disk), row in view_of(site.run()).disks.items():
        found.setdefault(row.state, set()).add(f"{host}:/{Path(disk).name}")
    return found


def on_volumes(vtapes: Path) -> dict[tuple[str, str], bytes]:
    """Host and last word of the disk to the bytes of its parts on all volumes, in part order, one dump after the other."""
    parts: dict[tuple[str, str], dict[str, dict[int, bytes]]] = {}
    for slot in sorted(vtapes.glob("slot*")):
        for file in sorted(slot.glob("[0-9]*")):
            data = file.read_bytes()
            header = parse(data[:HEADER_SIZE])
            if header.is_dump:
                stamps = parts.setdefault((header.host, Path(header.disk).name), {})
                stamps.setdefault(header.datestamp, {})[header.part] = data[HEADER_SIZE:]
    return {key: b"".join(data for found in stamps.values() for _, data in sorted(found.items()))
            for key, stamps in parts.items()}


def holds_all(found: Mapping[tuple[str, str], bytes], wanted: Mapping[str, Mapping[str, bytes]], titles: Iterable[str]) -> None:
    """Each of these disks is on the volumes with each of its files, byte for byte (tar keeps a file's bytes together)."""
    for title in titles:
        host, _, disk = title.partition(":/")
        dump = found.get((host, disk))
        assert dump is not None, f"{title} is on no volume"
        for name, data in wanted[title].items():
            assert data in dump, f"{title}: {name} is not whole on the volumes"


def processes_in(root: Path) -> list[str]:
    """Command lines of processes that still know this directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            here = os.readlink(path / "cwd")
        except OSError:
            continue
        if (str(root) in line or here.startswith(str(root))) and int(path.name) != os.getpid():
            found.append(line)
    return found
